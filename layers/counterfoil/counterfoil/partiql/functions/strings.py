"""Functions of text; lengths and positions count Unicode code points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from counterfoil.ion.values import Value
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.functions.function import Function, int_argument, text_argument
from counterfoil.partiql.syntax import Position


def _char_length(arguments: Sequence[Value], at: Position) -> int:
    return len(text_argument(arguments[0], "CHAR_LENGTH", at))


def _lower(arguments: Sequence[Value], at: Position) -> str:
    return text_argument(arguments[0], "LOWER", at).lower()


def _upper(arguments: Sequence[Value], at: Position) -> str:
    return text_argument(arguments[0], "UPPER", at).upper()


def _substring(arguments: Sequence[Value], at: Position) -> str:
    """Positions count from 1; those before the text count too, as SQL-92 has it."""
    text = text_argument(arguments[0], "SUBSTRING", at)
    start = int_argument(arguments[1], "SUBSTRING", at) - 1
    if len(arguments) == 2:
        return text[max(start, 0) :]
    count = int_argument(arguments[2], "SUBSTRING", at)
    if count < 0:
        raise evaluator_fault("SUBSTRING needs a length of at least 0", at)
    return text[max(start, 0) : max(start + count, 0)]


def _trim(arguments: Sequence[Value], at: Position) -> Value:
    """(where, characters, text)"""
    where, characters, text = (text_argument(value, "TRIM", at) for value in arguments)
    return {"both": text.strip, "leading": text.lstrip, "trailing": text.rstrip}[where](characters)


STRINGS: Final = {
    "char_length": Function(1, 1, _char_length),
    "character_length": Function(1, 1, _char_length),
    "lower": Function(1, 1, _lower),
    "upper": Function(1, 1, _upper),
    "substring": Function(2, 3, _substring),
    "trim": Function(3, 3, _trim),
}
