"""Ion values between their Python form (values.py) and binary: ``encode`` writes one, ``decode`` builds one.

``decode`` walks the bytes once and checks every length against its container, as the reader does. Everything malformed is an
``InputError``; so is a symbol whose text is not known (symbol zero excepted), which no value can hold.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion.reader import (
    LENGTHS,
    MAX_DEPTH,
    MAX_EXPONENT,
    MAX_INT_BYTES,
    IonType,
    IonValue,
    malformed,
    read_decimal,
    read_header,
    read_var_uint,
    symbol_text,
)
from counterfoil.ion.streams import read_single
from counterfoil.ion.symbols import SymbolTable
from counterfoil.ion.timestamps import parse_timestamp
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, RepeatedStruct, Sexp, Value
from counterfoil.ion.writer import encode

__all__ = ["decode", "decode_datagram", "encode"]


def decode_datagram(data: bytes) -> Value:
    """The one value of a binary Ion stream."""
    return decode(read_single(data))


def decode(value: IonValue) -> Value:
    """The Python form of a value, annotations included, with everything inside."""
    try:
        return _value(value.buffer, value.position, value.end, value.symbols, 0)[0]
    except IndexError:
        raise malformed(value.position, "a field or symbol reaches beyond its container") from None
    except UnicodeDecodeError as error:
        raise malformed(value.position, f"a string in it is not UTF-8 ({error.reason})") from None


# Scalars whose body is all that is needed ---------------------------------------------------------------------------------


def _int(body: bytes) -> int:
    if len(body) > MAX_INT_BYTES:
        raise InputError(f"not valid binary Ion: an int of {len(body)} bytes; at most {MAX_INT_BYTES} are read")
    return int.from_bytes(body)


def _negative_int(body: bytes) -> int:
    number = _int(body)
    if not number:
        raise InputError("not valid binary Ion: a negative zero int")
    return -number


def _float(body: bytes) -> float:
    if len(body) == 8:
        return float(_DOUBLE(body)[0])
    if len(body) == 4:
        return float(_SINGLE(body)[0])
    if body:
        raise InputError(f"not valid binary Ion: a float of {len(body)} bytes")
    return 0.0


_DOUBLE: Final = struct.Struct(">d").unpack
_SINGLE: Final = struct.Struct(">f").unpack


def _decimal(body: bytes) -> Decimal:
    """By way of the number's text: exact whatever the context of the caller's thread, and cheaper than a tuple of digits."""
    length = len(body)
    if 1 < length <= 9 and body[0] & 0x80 and not body[1] & 0x80:  # exponent of one byte, coefficient not negative
        exponent = body[0] & 0x3F
        return Decimal(f"{int.from_bytes(body[1:])}E{-exponent if body[0] & 0x40 else exponent}")
    if length > MAX_INT_BYTES:
        raise InputError(f"not valid binary Ion: a decimal of {length} bytes; at most {MAX_INT_BYTES} are read")
    exponent, coefficient, negative = read_decimal(body, 0, length)
    if abs(exponent) > MAX_EXPONENT:
        raise InputError(
            f"not valid binary Ion: a decimal with exponent {exponent}; at most {MAX_EXPONENT} either way is read"
        )
    return Decimal(f"{'-' if negative else ''}{coefficient}E{exponent}")


_BODIES: Final[dict[int, Callable[[bytes], Value]]] = {
    IonType.INT: _int,
    IonType.NEGATIVE_INT: _negative_int,
    IonType.FLOAT: _float,
    IonType.DECIMAL: _decimal,
    IonType.TIMESTAMP: lru_cache(maxsize=4_096)(parse_timestamp),  # a block's times are few, and come again and again
    IonType.STRING: bytes.decode,
    IonType.CLOB: Clob,
    IonType.BLOB: bytes,
}

# Per type descriptor: how to read a scalar whose length the descriptor says, or one byte behind it.
_SHORT: Final = tuple(_BODIES.get(descriptor >> 4) if descriptor & 15 < 14 else None for descriptor in range(256))
_LONG: Final = tuple(_BODIES.get(descriptor >> 4) if descriptor & 15 == 14 else None for descriptor in range(256))


# Everything else ------------------------------------------------------------------------------------------------------------


def _value(buffer: bytes, position: int, limit: int, symbols: SymbolTable, depth: int) -> tuple[Value, int]:
    """(value at ``position``, which is not padding; position behind it)."""
    kind, low, body, end = read_header(buffer, position, limit)
    read = _BODIES.get(kind)
    if read is not None and low != 15:
        return read(buffer[body:end]), end
    if kind == 14:
        return _annotated(buffer, body, end, symbols, depth), end
    if low == 15:
        return _null(kind), end
    if kind == 1:
        return low == 1, end
    if kind == 7:
        return _symbol(symbols, int.from_bytes(buffer[body:end]), position), end
    if kind == 0:
        raise malformed(position, "padding where a value was expected")
    if depth >= MAX_DEPTH:
        raise malformed(position, f"nested deeper than {MAX_DEPTH} levels")
    if kind == 13:
        return _struct(buffer, body, end, symbols, depth + 1), end
    items = _items(buffer, body, end, symbols, depth + 1)
    return items if kind == 11 else Sexp(items), end


def _struct(buffer: bytes, position: int, limit: int, symbols: SymbolTable, depth: int) -> dict[str, Value]:
    names: list[str] = []
    values: list[Value] = []
    known = symbols.names
    while position < limit:
        symbol = buffer[position]
        if symbol & 0x80:
            symbol &= 0x7F
            position += 1
        else:
            symbol, position = read_var_uint(buffer, position, limit)
        descriptor = buffer[position]
        start = position + 1
        read = _SHORT[descriptor]
        if read is not None:  # a short scalar, the commonest value, without a further frame of the walk
            end = start + LENGTHS[descriptor]
        else:
            read = _LONG[descriptor]
            if read is not None and buffer[start] & 0x80:
                end = start + 1 + (buffer[start] & 0x7F)
                start += 1
            else:
                read = None
                if descriptor < 15:
                    position = read_header(buffer, position, limit)[3]
                    continue
                value, end = _value(buffer, position, limit, symbols, depth)
        if read is not None:
            if end > limit:
                raise malformed(position, "a field reaches beyond its struct")
            value = read(buffer[start:end])
        name = known[symbol]
        names.append(_unknown(symbol, position) if name is None else name)
        values.append(value)
        position = end
    fields = dict(zip(names, values, strict=True))
    return fields if len(fields) == len(names) else RepeatedStruct(zip(names, values, strict=True))


def _items(buffer: bytes, position: int, limit: int, symbols: SymbolTable, depth: int) -> list[Value]:
    items: list[Value] = []
    while position < limit:
        if buffer[position] < 15:
            position = read_header(buffer, position, limit)[3]
            continue
        value, position = _value(buffer, position, limit, symbols, depth)
        items.append(value)
    return items


def _annotated(buffer: bytes, body: int, limit: int, symbols: SymbolTable, depth: int) -> Annotated:
    length, position = read_var_uint(buffer, body, limit)
    annotations_end = position + length
    if length == 0 or annotations_end >= limit:
        raise malformed(body, "an annotation wrapper without annotations or without a value")
    annotations: list[str] = []
    while position < annotations_end:
        symbol, position = read_var_uint(buffer, position, annotations_end)
        annotations.append(_symbol(symbols, symbol, position))
    if buffer[position] >> 4 == 14 or buffer[position] < 15:
        raise malformed(position, "an annotation must wrap exactly one value")
    value, end = _value(buffer, position, limit, symbols, depth)
    if end != limit:
        raise malformed(end, "an annotation must wrap exactly one value")
    return Annotated(tuple(annotations), value)


def _symbol(symbols: SymbolTable, symbol: int, position: int) -> IonSymbol:
    text = symbol_text(symbols, symbol, position)
    return _unknown(symbol, position) if text is None else IonSymbol(text)


def _unknown(symbol: int, position: int) -> IonSymbol:
    if symbol:
        raise malformed(position, f"the text of symbol ${symbol} is not known")
    return IonSymbol("", unknown=True)


def _null(kind: int) -> IonNull | None:
    return IonNull(IonType.INT if kind == 3 else IonType(kind)) if kind else None
