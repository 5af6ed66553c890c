"""Amounts of money, exactly: read from Ion, added without rounding, written in plain notation.

An amount has at most 38 digits, those before and behind the point together: what DynamoDB's numbers and most databases'
decimals hold. Floats are refused: a float has already lost what an amount is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import reduce
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion import IonType, IonValue
from counterfoil.ion.reader import read_decimal

MAX_DIGITS: Final = 38

# 38 digits need 127 bits; an exponent has at most nine bytes. Longer bodies are refused before they become numbers.
_MAX_BODY_BYTES: Final = 32

# The exponent 0 and less, in one byte: 0xC2 is -2.
_NO_PLACES: Final = 0xC0

# Sums and ratios of amounts stay far below this precision; should one ever not, it raises and does not round.
EXACT: Final = Context(prec=400, Emin=-999, Emax=999, traps=[Inexact, InvalidOperation, Overflow])

ZERO: Final = Decimal(0)


def parse_amount(value: IonValue) -> Decimal:
    """An Ion decimal or int of at most 38 digits; anything else is an ``InputError`` that says what it was."""
    if value.kind == IonType.DECIMAL:
        amount = short_amount(value.buffer[value.body : value.end])
        if amount is not None:
            return amount
    if value.is_null or value.type not in {IonType.INT, IonType.DECIMAL}:
        null = "null " if value.is_null else ""
        raise InputError(f"a {null}{value.type.name.lower()}, not a decimal or an int")
    if value.end - value.body > _MAX_BODY_BYTES:
        raise InputError(f"a number of more than {MAX_DIGITS} digits")
    if value.type is IonType.INT:
        return bounded(Decimal(value.as_int()))
    exponent, coefficient, negative = read_decimal(value.buffer, value.body, value.end)
    if abs(exponent) > MAX_DIGITS:
        raise InputError(f"a number of more than {MAX_DIGITS} digits")
    return bounded(Decimal((int(negative), tuple(map(int, str(coefficient))), exponent)))


def short_amount(body: bytes) -> Decimal | None:
    """The decimal with this body, if it is like most: up to 8 bytes of digits, of which up to 18 are behind the point."""
    if not 1 < len(body) < 10 or not _NO_PLACES <= body[0] <= _NO_PLACES + 18:
        return None
    digits = int.from_bytes(body[1:])
    if body[1] & 0x80:
        return None
    return Decimal(f"{digits}E-{body[0] - _NO_PLACES}")


def parse_amount_text(text: str) -> Decimal:
    """An amount in plain decimal notation, as configuration and stored states hold it."""
    digits = text.removeprefix("-").replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        raise InputError(f"{text[:60]!r} is not a decimal of at most {MAX_DIGITS} digits in plain notation")
    return Decimal(text)


def bounded(amount: Decimal) -> Decimal:
    """The amount, if its plain notation has at most 38 digits."""
    _, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int):
        raise InputError(f"{amount} is not a number")
    if max(len(digits) + max(exponent, 0), -exponent) > MAX_DIGITS:
        raise InputError(f"a number of more than {MAX_DIGITS} digits")
    return amount


def total(amounts: Iterable[Decimal]) -> Decimal:
    return reduce(EXACT.add, amounts, ZERO)


def plain(amount: Decimal) -> str:
    """The amount without exponent; its scale is kept, the sign of a zero is not."""
    return f"{amount or abs(amount):f}"
