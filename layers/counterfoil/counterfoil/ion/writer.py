"""Writes Ion values in binary: version marker, local symbol table, value, exactly as amazon.ion's writer in C does.

The same bytes as QLDB's own writers made, so the same documents, blocks and records. Symbols are numbered as that writer meets
them: a symbol value before the name of its field, the name before the annotations, those before what a container holds.

What is written can be read: whatever ``counterfoil.ion`` would refuse to read is an ``InputError`` here.

Source: Ion specification 1.0, "Binary Encoding"; the order of symbols from amazon.ion 0.15 (tests/property/test_codec_laws.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.ion.amazon_values import from_amazon
from counterfoil.ion.reader import MAX_DEPTH, MAX_EXPONENT, MAX_INT_BYTES, IonType
from counterfoil.ion.streams import MAX_SIZE_BYTES
from counterfoil.ion.symbols import MAX_SYMBOLS, SYSTEM_SYMBOLS, VERSION_MARKER
from counterfoil.ion.timestamps import (
    CANONICAL_BODY,
    MAX_FRACTION_DIGITS,
    IonTimestamp,
    encode_var_int,
    parse_timestamp,
)
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, RepeatedStruct, Sexp, Value

_FIRST_LOCAL: Final = len(SYSTEM_SYMBOLS) + 1
_SYMBOL_TABLE: Final = "$ion_symbol_table"


def encode(value: Value) -> bytes:
    """One value as a stream of binary Ion. What Ion or this project's limits do not allow is an ``InputError``."""
    if type(value) is Annotated:
        _refuse_symbol_table(value)
    symbols = _Symbols()
    try:
        written = _write(value, symbols, 0)
        data = VERSION_MARKER + (_table(symbols) if symbols else b"") + written
    except UnicodeEncodeError as error:
        raise InputError(f"cannot be written as binary Ion: {error.reason} in a text") from None
    if len(data) > MAX_SIZE_BYTES:
        raise InputError(f"{len(data)} bytes of binary Ion; at most {MAX_SIZE_BYTES} are written")
    return data


class _Symbols(dict[str, bytes]):
    """The local symbols met so far, in order; each with its id as a VarUInt. System symbols are answered, never kept."""

    __slots__ = ()

    def __missing__(self, text: str) -> bytes:
        code = _SYSTEM_IDS.get(text)
        if code is None:
            number = len(self) + _FIRST_LOCAL
            if number >= MAX_SYMBOLS:
                raise InputError(f"a value with more than {MAX_SYMBOLS - _FIRST_LOCAL} symbols")
            code = self[text] = _SHORT_IDS[number] if number < 0x80 else _var_uint(number)
        return code


def _var_uint(number: int) -> bytes:
    encoded = bytes([0x80 | number & 0x7F])
    while number := number >> 7:
        encoded = bytes([number & 0x7F]) + encoded
    return encoded


_SHORT_IDS: Final = tuple(bytes([0x80 | number]) for number in range(0x80))
_SYSTEM_IDS: Final = {text: _SHORT_IDS[number] for number, text in enumerate(SYSTEM_SYMBOLS, 1)}


# Symbol tables --------------------------------------------------------------------------------------------------------

# Documents of a kind have the same symbols: the table is written once. Bounded in number and size: 8 MB at the most.
_KNOWN_TABLES: dict[tuple[str, ...], bytes] = {}
_KNOWN_TABLES_MAX: Final = 1_024
_KNOWN_TABLE_MAX_BYTES: Final = 8_192


def _table(symbols: _Symbols) -> bytes:
    """``$ion_symbol_table::{symbols: [...]}``."""
    texts = tuple(symbols)
    table = _KNOWN_TABLES.get(texts)
    if table is None:
        listed = b"".join(map(_string, texts))
        fields = b"\x87" + _headed(0xB0, listed)
        table = _headed(0xE0, b"\x81\x83" + _headed(0xD0, fields))
        if len(table) <= _KNOWN_TABLE_MAX_BYTES:
            if len(_KNOWN_TABLES) >= _KNOWN_TABLES_MAX:
                _KNOWN_TABLES.pop(next(iter(_KNOWN_TABLES)), None)
            _KNOWN_TABLES[texts] = table
    return table


def _refuse_symbol_table(value: Annotated) -> None:
    if value.annotations[:1] == (_SYMBOL_TABLE,) and isinstance(value.value, dict):
        raise InputError(f"a struct annotated {_SYMBOL_TABLE} would be read as a symbol table, not as a value")


# Scalars --------------------------------------------------------------------------------------------------------------


def _headed(kind: int, body: bytes) -> bytes:
    """Type descriptor, length, body. ``kind`` is the type code in the high nibble."""
    length = len(body)
    if length < 14:
        return bytes((kind | length,)) + body
    return bytes((kind | 14,)) + (_SHORT_IDS[length] if length < 0x80 else _var_uint(length)) + body


def _string(text: str) -> bytes:
    body = text.encode()
    length = len(body)
    return (_STRING_HEADS[length] if length < 0x80 else b"\x8e" + _var_uint(length)) + body


_STRING_HEADS: Final = tuple(_headed(0x80, bytes(length))[: 1 if length < 14 else 2] for length in range(0x80))


def _int(number: int) -> bytes:
    if 0 <= number < 0x100:
        return _SMALL_INTS[number]
    kind, magnitude = (0x20, number) if number > 0 else (0x30, -number)
    length = (magnitude.bit_length() + 7) >> 3
    if length < 14:
        return bytes((kind | length,)) + magnitude.to_bytes(length)
    if length > MAX_INT_BYTES:
        raise InputError(f"an int of {magnitude.bit_length()} bits; at most {MAX_INT_BYTES * 8} are written")
    return _headed(kind, magnitude.to_bytes(length))


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
        return _headed(0x50, encode_var_int(exponent) + b"\x80")
    return _decimal_of(-coefficient if sign else coefficient, exponent)


def _decimal_of(coefficient: int, exponent: int) -> bytes:
    """A decimal that is not a negative zero."""
    scale = _SCALES[-exponent] if -64 < exponent <= 0 else encode_var_int(exponent)
    if not coefficient:
        return _headed(0x50, scale) if exponent else b"\x50"
    magnitude = abs(coefficient)
    body = magnitude.to_bytes((magnitude.bit_length() >> 3) + 1)
    if coefficient < 0:
        body = bytes((body[0] | 0x80,)) + body[1:]
    if len(scale) + len(body) > MAX_INT_BYTES:
        raise InputError(f"a decimal of {len(scale) + len(body)} bytes; at most {MAX_INT_BYTES} are written")
    return _headed(0x50, scale + body)


_SCALES: Final = tuple(encode_var_int(-digits) for digits in range(64))
_DECIMAL_HEADS: Final = tuple(bytes((0x51 + size,)) for size in range(13))


def _timestamp(moment: IonTimestamp) -> bytes:
    """All that a transaction writes carries the same few times."""
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
        + _var_uint(year)
        + bytes([0x80 | other for other in others])
        + (b"" if fraction is None else _fraction(Decimal(fraction)))
    )
    if not CANONICAL_BODY.fullmatch(body) or body[4] > 0x9C:
        parse_timestamp(body)
    return _headed(0x60, body)


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
    return _headed(0xA0, octets)


def _clob(octets: bytes) -> bytes:
    return _headed(0x90, octets)


def _null(null: IonNull) -> bytes:
    kind = IonType(null.type)
    if kind > IonType.STRUCT:
        raise InputError(f"there is no null of type {kind.name.lower()}")
    return b"\x2f" if kind is IonType.NEGATIVE_INT else bytes((kind << 4 | 15,))


_SCALARS: Final[dict[type, Callable[[Any], bytes]]] = {
    str: _string,
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


def write_scalar(value: Value) -> bytes | None:
    """A scalar's own bytes, without version marker; ``None`` for symbols, containers and annotated values."""
    scalar = _SCALARS.get(type(value))
    return None if scalar is None else scalar(value)


def scalar_writer(kind: type) -> Callable[[Any], bytes] | None:
    """What writes scalars of exactly this type: descriptor, length and body. ``None`` for symbols and for other types."""
    return _SCALARS.get(kind)


# Symbols, containers, annotations ---------------------------------------------------------------------------------------


def _write(value: Value, symbols: _Symbols, depth: int) -> bytes:
    kind = type(value)
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        return scalar(value)
    compound = _COMPOUNDS.get(kind)
    return (compound or _write_other)(value, symbols, depth)


def _name(text: str, symbols: _Symbols) -> bytes:
    """A field name's or annotation's id. Symbol zero equals the empty text, and is not it."""
    if text:
        return symbols[text]
    return b"\x80" if type(text) is IonSymbol and text.unknown else symbols[""]


def _symbol(symbol: IonSymbol, symbols: _Symbols, _depth: int) -> bytes:
    number = 0
    for byte in _name(symbol, symbols):
        number = number << 7 | byte & 0x7F
    return _headed(0x70, number.to_bytes((number.bit_length() + 7) >> 3))


def _list(items: Sequence[Value], symbols: _Symbols, depth: int) -> bytes:
    _check_depth(depth)
    return _headed(0xB0, b"".join([_write(item, symbols, depth + 1) for item in items]))


def _sexp(items: Sequence[Value], symbols: _Symbols, depth: int) -> bytes:
    _check_depth(depth)
    return _headed(0xC0, b"".join([_write(item, symbols, depth + 1) for item in items]))


def _struct(fields: dict[str, Value], symbols: _Symbols, depth: int) -> bytes:
    return _fields(fields.items(), symbols, depth)


def _repeated_struct(fields: RepeatedStruct, symbols: _Symbols, depth: int) -> bytes:
    return _fields(fields.pairs, symbols, depth)


def _fields(pairs: Iterable[tuple[str, Value]], symbols: _Symbols, depth: int) -> bytes:
    _check_depth(depth)
    parts: list[bytes] = []
    scalars, add = _SCALARS, parts.append
    for name, value in pairs:
        scalar = scalars.get(type(value))
        if scalar is not None and name:
            add(symbols[name])
            add(scalar(value))
        else:
            parts += _field(name, value, symbols, depth + 1)
    return _headed(0xD0, b"".join(parts))


def _field(name: str, value: Value, symbols: _Symbols, depth: int) -> tuple[bytes, bytes]:
    """A field's name and its value; a symbol is numbered before its name, anything else behind it."""
    inner = value.value if type(value) is Annotated else value
    if type(inner) not in _KNOWN_TYPES:
        value = known(value)
        inner = value.value if type(value) is Annotated else value
    if type(inner) is IonSymbol:
        _name(inner, symbols)
    return _name(name, symbols), _write(value, symbols, depth)


def _annotated(annotated: Annotated, symbols: _Symbols, depth: int) -> bytes:
    annotations, value = annotated
    if type(value) not in _KNOWN_TYPES:
        value = known(value)
    if type(value) is Annotated or not annotations:
        raise InputError("an annotated value has one annotation or more, all at once")
    if type(value) is IonSymbol:
        _name(value, symbols)
    codes = b"".join([_name(text, symbols) for text in annotations])
    return _headed(0xE0, _var_uint(len(codes)) + codes + _write(value, symbols, depth))


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise InputError(f"a value nested deeper than {MAX_DEPTH} levels")


_COMPOUNDS: Final[dict[type, Callable[[Any, _Symbols, int], bytes]]] = {
    IonSymbol: _symbol,
    list: _list,
    tuple: _list,
    Sexp: _sexp,
    dict: _struct,
    RepeatedStruct: _repeated_struct,
    Annotated: _annotated,
}
_KNOWN_TYPES: Final = frozenset({*_SCALARS, *_COMPOUNDS})


# Other types ----------------------------------------------------------------------------------------------------------


def _write_other(value: Any, symbols: _Symbols, depth: int) -> bytes:
    converted = known(value)
    if depth == 0 and type(converted) is Annotated:
        _refuse_symbol_table(converted)
    return _write(converted, symbols, depth)


def known(value: Any) -> Value:
    """A value of a type of the table in values.py for one of amazon.ion's, of datetime, or of a type that extends one."""
    if isinstance(value, Annotated):
        return Annotated(value.annotations, known(value.value))
    converted = from_amazon(value)
    if type(converted) in _KNOWN_TYPES:
        return converted
    for kind in _BY_EXTENSION:
        if isinstance(converted, kind):
            return kind(converted)
    raise InputError(f"cannot be written as binary Ion: a value of type {type(value).__name__}")


# bool, None and the named tuples are not extended; a Clob is a bytes, an IonSymbol a str: the narrower type comes first.
_BY_EXTENSION: Final[tuple[type[Any], ...]] = (
    Clob, Sexp, int, str, Decimal, float, bytes, dict, list, tuple,
)  # fmt: skip
