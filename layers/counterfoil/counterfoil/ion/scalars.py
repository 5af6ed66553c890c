"""Scalars in binary Ion: type descriptor, length and body, each in its shortest form, which is also what Ion Hash wants.

Source: Ion specification 1.0, "Binary Encoding".
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.ion.reader import MAX_EXPONENT, MAX_INT_BYTES, IonType
from counterfoil.ion.timestamps import (
    CANONICAL_BODY,
    MAX_FRACTION_DIGITS,
    IonTimestamp,
    encode_var_int,
    parse_timestamp,
)
from counterfoil.ion.values import Clob, IonNull


def var_uint(number: int) -> bytes:
    encoded = bytes([0x80 | number & 0x7F])
    while number := number >> 7:
        encoded = bytes([number & 0x7F]) + encoded
    return encoded


SHORT_VAR_UINTS: Final = tuple(bytes([0x80 | number]) for number in range(0x80))


def headed(kind: int, body: bytes) -> bytes:
    """Type descriptor, length, body. ``kind`` is the type code in the high nibble."""
    length = len(body)
    if length < 14:
        return bytes((kind | length,)) + body
    return bytes((kind | 14,)) + (SHORT_VAR_UINTS[length] if length < 0x80 else var_uint(length)) + body


def write_string(text: str) -> bytes:
    body = text.encode()
    length = len(body)
    return (_STRING_HEADS[length] if length < 0x80 else b"\x8e" + var_uint(length)) + body


_STRING_HEADS: Final = tuple(headed(0x80, bytes(length))[: 1 if length < 14 else 2] for length in range(0x80))


def _int(number: int) -> bytes:
    if 0 <= number < 0x100:
        return _SMALL_INTS[number]
    kind, magnitude = (0x20, number) if number > 0 else (0x30, -number)
    length = (magnitude.bit_length() + 7) >> 3
    if length < 14:
        return bytes((kind | length,)) + magnitude.to_bytes(length)
    if length > MAX_INT_BYTES:
        raise InputError(f"an int of {magnitude.bit_length()} bits; at most {MAX_INT_BYTES * 8} are written")
    return headed(kind, magnitude.to_bytes(length))


_SMALL_INTS: Final = (b"\x20", *(bytes((0x21, number)) for number in range(1, 0x100)))


def _float(number: float) -> bytes:
    body = _pack_double(number)
    return b"\x40" if body == b"\0\0\0\0\0\0\0\0" else b"\x48" + body


_pack_double: Final = struct.Struct(">d").pack


def _decimal(number: Decimal) -> bytes:
    """By way of the number's text, which is exact, and cheaper than its tuple of digits."""
    whole, _, fraction = str(number).partition(".")
    digits = whole + fraction
    if len(digits) > MAX_DIGITS:
        raise InputError(f"a decimal of {len(digits)} digits; at most {MAX_DIGITS} are written")
    try:
        coefficient = int(digits)
    except ValueError:  # an exponent, NaN or infinity
        return _scientific(number)
    size = (coefficient.bit_length() >> 3) + 1
    if coefficient > 0 and size <= 12 and len(fraction) < 64:
        return _DECIMAL_HEADS[size] + _SCALES[len(fraction)] + coefficient.to_bytes(size)
    if coefficient == 0 and whole[0] == "-":
        return _scientific(number)
    return _decimal_of(coefficient, -len(fraction))


# Numbers of more digits have more than MAX_INT_BYTES bytes, and are not converted to find that out.
MAX_DIGITS: Final = 2_467


def _scientific(number: Decimal) -> bytes:
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise InputError(f"cannot be written as binary Ion: {number} is not a decimal of Ion")
    if abs(exponent) > MAX_EXPONENT or len(digits) > MAX_DIGITS:
        raise InputError(
            f"a decimal of {len(digits)} digits with exponent {exponent}; at most {MAX_DIGITS} digits and"
            f" {MAX_EXPONENT} either way are written"
        )
    coefficient = int("".join(map(str, digits)))
    if sign and not coefficient:
        return headed(0x50, encode_var_int(exponent) + b"\x80")
    return _decimal_of(-coefficient if sign else coefficient, exponent)


def _decimal_of(coefficient: int, exponent: int) -> bytes:
    """A decimal that is not a negative zero."""
    scale = _SCALES[-exponent] if -64 < exponent <= 0 else encode_var_int(exponent)
    if not coefficient:
        return headed(0x50, scale) if exponent else b"\x50"
    magnitude = abs(coefficient)
    body = magnitude.to_bytes((magnitude.bit_length() >> 3) + 1)
    if coefficient < 0:
        body = bytes((body[0] | 0x80,)) + body[1:]
    if len(scale) + len(body) > MAX_INT_BYTES:
        raise InputError(f"a decimal of {len(scale) + len(body)} bytes; at most {MAX_INT_BYTES} are written")
    return headed(0x50, scale + body)


_SCALES: Final = tuple(encode_var_int(-digits) for digits in range(64))
_DECIMAL_HEADS: Final = tuple(bytes((0x51 + size,)) for size in range(13))


# A transaction writes one and the same time again and again; whoever looks here gets a pair that belongs together.
_last_timestamp: tuple[IonTimestamp, bytes] | None = None


def _timestamp(moment: IonTimestamp) -> bytes:
    global _last_timestamp  # noqa: PLW0603 - see there
    last = _last_timestamp
    if last is not None and last[0] is moment:
        return last[1]
    written = _written_timestamp(moment)
    _last_timestamp = (moment, written)
    return written


def _written_timestamp(moment: IonTimestamp) -> bytes:
    fields, fraction, offset = moment
    try:
        return _kept_timestamp(fields, None if fraction is None else str(fraction), offset)
    except (ValueError, TypeError):
        raise InputError(f"cannot be written as binary Ion: {moment!r} is not a time") from None


@lru_cache(maxsize=1_024)
def _kept_timestamp(fields: tuple[int, ...], fraction: str | None, offset: int | None) -> bytes:
    """The fraction comes as text, since decimals that differ in their scale are equal.

    The body is read again before it is written: what is no date of the calendar is an ``InputError``.
    """
    year, *others = fields
    body = (
        (b"\xc0" if offset is None else _OFFSETS.get(offset) or encode_var_int(offset))
        + var_uint(year)
        + bytes([0x80 | other for other in others])
        + (b"" if fraction is None else _fraction(Decimal(fraction)))
    )
    if not CANONICAL_BODY.fullmatch(body) or body[4] > 0x9C:
        parse_timestamp(body)
    return headed(0x60, body)


_OFFSETS: Final = {minutes: encode_var_int(minutes) for minutes in range(-24 * 60, 24 * 60)}


def _fraction(fraction: Decimal) -> bytes:
    sign, digits, exponent = fraction.as_tuple()
    if sign or not isinstance(exponent, int) or not -MAX_FRACTION_DIGITS <= exponent <= 0:
        raise InputError(f"a fraction of a second of {fraction}; at most {MAX_FRACTION_DIGITS} digits are written")
    coefficient = int("".join(map(str, digits)))
    if not coefficient:
        return _SCALES[-exponent] if exponent else b""
    return _SCALES[-exponent] + coefficient.to_bytes((coefficient.bit_length() >> 3) + 1)


def _blob(octets: bytes) -> bytes:
    return headed(0xA0, octets)


def _clob(octets: bytes) -> bytes:
    return headed(0x90, octets)


def _null(null: IonNull) -> bytes:
    kind = IonType(null.type)
    if kind > IonType.STRUCT:
        raise InputError(f"there is no null of type {kind.name.lower()}")
    return b"\x2f" if kind is IonType.NEGATIVE_INT else bytes((kind << 4 | 15,))


# What writes a scalar of exactly this type; symbols are not among them, since they need a symbol table.
SCALARS: Final[dict[type, Callable[[Any], bytes]]] = {
    str: write_string,
    int: _int,
    bool: lambda truth: b"\x11" if truth else b"\x10",
    type(None): lambda _: b"\x0f",
    Decimal: _decimal,
    IonTimestamp: _timestamp,
    float: _float,
    bytes: _blob,
    Clob: _clob,
    IonNull: _null,
}
