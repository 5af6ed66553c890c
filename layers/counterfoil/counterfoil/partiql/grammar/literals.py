"""The values written into a statement."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from counterfoil.errors import InputError, StatementError
from counterfoil.ion.value_text import parse_text
from counterfoil.ion.values import Value
from counterfoil.partiql.syntax import Position

# An int of a statement has 64 bits, as in partiql-lang-kotlin; Ion in backticks and parameters may have more.
MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**63 - 1
_INT_DIGITS: Final = 19

# Long enough for any amount or measure; arithmetic on more would cost time that the text's length does not show.
MAX_DECIMAL_CHARACTERS: Final = 1_000
MAX_EXPONENT_DIGITS: Final = 4
_EXPONENT: Final = re.compile(r"[eE][+-]?0*+([0-9]*)$")


def int_of(text: str, at: Position, *, negative: bool = False) -> int:
    digits = text.lstrip("0") or "0"
    value = int(digits) if len(digits) <= _INT_DIGITS else MAX_INT + 2
    value = -value if negative else value
    if not MIN_INT <= value <= MAX_INT:
        raise StatementError(
            "Semantic", "an int of more than 64 bits (in backticks or as a parameter it may have more)", *at
        )
    return value


def decimal_of(text: str, at: Position, *, negative: bool = False) -> Decimal:
    exponent = _EXPONENT.search(text)
    if len(text) > MAX_DECIMAL_CHARACTERS or (exponent and len(exponent[1]) > MAX_EXPONENT_DIGITS):
        what = f"a decimal of more than {MAX_DECIMAL_CHARACTERS} characters or {MAX_EXPONENT_DIGITS} digits of exponent"
        raise StatementError("Semantic", what, *at)
    value = Decimal(text)
    # The minus of a statement is an operation on a number, and no operation gives minus zero; Ion in backticks can say it.
    return value.copy_negate() if negative and value else value


def ion_of(text: str, at: Position) -> Value:
    """The value of an Ion literal, backticks included."""
    try:
        return parse_text(text[1:-1])
    except InputError as error:
        raise StatementError("Lexer", f"invalid Ion literal: {error}", *at) from error
