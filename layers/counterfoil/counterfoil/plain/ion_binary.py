"""Binary Ion. Source: Ion specification 1.0, "Binary Encoding" and "Symbols"."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from counterfoil.plain.values import (
    ANNOTATION,
    BAD_INPUT,
    BOOL,
    DECIMAL,
    FLOAT,
    INT,
    LIST,
    MAX_DEPTH,
    MAX_VALUE_BYTES,
    MAX_VALUES,
    NEGATIVE,
    NULL,
    STRING,
    STRUCT,
    SYMBOL,
    TIME,
    Value,
    decimal_body,
    float_body,
    require,
    time_body,
)

VERSION_MARKER = b"\xe0\x01\x00\xea"
MAX_SYMBOLS = 65_536  # of a symbol table; four times as many of all behind a version marker
SYSTEM_TEXTS = "$ion $ion_1_0 $ion_symbol_table name version imports symbols max_id $ion_shared_symbol_table"
SYSTEM_SYMBOLS: dict[int, Any] = {0: 0, **dict(enumerate(SYSTEM_TEXTS.split(" "), 1))}  # a number stands for an unknown text


def read_var(data: bytes, position: int, limit: int) -> tuple[int, int]:
    """A VarUInt of at most 9 bytes, and the position behind it."""
    number = 0
    for index in range(position, min(limit, position + 9)):
        number = number << 7 | data[index] & 0x7F
        if data[index] & 0x80:
            return number, index + 1
    raise ValueError(f"at byte {position}: a VarUInt does not end")


def signed(number: int, bits: int) -> tuple[bool, int]:
    """Whether the highest bit, the sign of an Int or VarInt, is set; and the number without it."""
    sign = 1 << bits >> 1
    return bool(number & sign), number & ~sign


def read_header(data: bytes, position: int, limit: int) -> tuple[int, int, int, int]:
    """Type code and low nibble of a value, and where its body begins and ends, inside ``limit``."""
    require(position < limit, f"at byte {position}: a value was expected")
    kind, low, begin = data[position] >> 4, data[position] & 15, position + 1
    is_reserved = kind > ANNOTATION or (kind == ANNOTATION and not 3 <= low < 15) or (kind == BOOL and 1 < low < 15)
    require(not is_reserved, f"at byte {position}: type descriptor 0x{data[position]:02x} is reserved")
    is_sorted, length = kind == STRUCT and low == 1, 0 if low == 15 or kind == BOOL else low
    if low == 14 or is_sorted:
        length, begin = read_var(data, begin, limit)
    require(begin + length <= limit and (length > 0 or not is_sorted), f"at byte {position}: {length} bytes do not fit in here")
    return kind, low, begin, begin + length


def read_value(data: bytes, position: int, limit: int, symbols: dict[int, Any], left: Iterator[int], depth: int = 0) -> Value:
    """The value at ``position``, where one is known to be."""
    kind, low, begin, end = read_header(data, position, limit)
    require(next(left, None) is not None, f"more than {MAX_VALUES} values in one")
    if low == 15 or kind < LIST:
        return scalar_of(kind, low, data[begin:end], symbols)
    require(depth <= MAX_DEPTH + 4, f"at byte {position}: nested too deep")  # what is hashed stands 4 deep in its block
    items: list[Any] = []
    if kind == ANNOTATION:
        length, begin = read_var(data, begin, end)
        inner = begin + length
        require(length > 0 and inner < end and data[inner] >= 15, f"at byte {position}: no annotation, or of nothing")
        while begin < inner:
            number, begin = read_var(data, begin, inner)
            items.append(symbols.get(number, number))
        value = read_value(data, inner, end, symbols, left, depth)
        is_one = read_header(data, inner, end)[3] == end and data[inner] >> 4 != ANNOTATION
        require(is_one, f"at byte {position}: an annotation must wrap one value")
        return Value(value.kind, value.content, tuple(items))
    while begin < end:
        number, begin = read_var(data, begin, end) if kind == STRUCT else (0, begin)
        behind = read_header(data, begin, end)[3]
        if data[begin] >= 15:  # else it is padding
            value = read_value(data, begin, end, symbols, left, depth + 1)
            items.append((symbols.get(number, number), value) if kind == STRUCT else value)
        begin = behind
    return Value(kind, items)


def scalar_of(kind: int, low: int, body: bytes, symbols: dict[int, Any]) -> Value:
    """A null, or a value that holds no others, whose body is brought to its shortest form."""
    require(kind != NULL or low == 15, "padding where a value belongs")
    content: Any = body
    if low == 15:
        kind, content = INT if kind == NEGATIVE else kind, None
    elif kind == BOOL:
        content = low == 1
    elif kind == SYMBOL:
        content = symbols.get(int.from_bytes(body, "big"), int.from_bytes(body, "big"))
    elif kind in {INT, NEGATIVE}:
        content = body.lstrip(b"\0")
        require(content or kind == INT, "a negative zero int")
    elif kind == FLOAT:
        require(len(body) in {0, 4, 8}, f"a float of {len(body)} bytes")
        content = float_body(struct.unpack(">f" if len(body) == 4 else ">d", body or bytes(8))[0])
    elif kind == DECIMAL:
        number, behind = read_var(body, 0, len(body)) if body else (0, 0)
        negative, exponent = signed(number, 7 * behind)
        below_zero, coefficient = signed(int.from_bytes(body[behind:], "big"), 8 * (len(body) - behind))
        content = decimal_body(negative=below_zero, coefficient=coefficient, exponent=-exponent if negative else exponent)
    elif kind == TIME:
        content = time_of(body)
    elif kind == STRING:
        body.decode()
    return Value(kind, content)


def time_of(body: bytes) -> bytes:
    """Offset, year, month, day, hour and minute, second, exponent and coefficient of the fraction, as far as given."""
    require(0 < len(body) <= 32, f"a timestamp of {len(body)} bytes")
    numbers: list[tuple[bool, int]] = []
    position = 0
    while position < len(body) and len(numbers) < 8:
        number, behind = read_var(body, position, len(body))
        numbers.append(signed(number, 7 * (behind - position)) if len(numbers) in {0, 7} else (False, number))
        position = behind
    (negative, minutes), (is_fraction, digits) = numbers[0], numbers[7] if len(numbers) == 8 else (False, 0)
    below_zero, coefficient = signed(int.from_bytes(body[position:], "big"), 8 * (len(body) - position))
    require(not below_zero and (is_fraction or not coefficient), "a fraction of a second outside [0, 1)")
    offset = None if negative and minutes == 0 else -minutes if negative else minutes
    return time_body(offset, [number for _, number in numbers[1:7]], digits if is_fraction else 0, coefficient)


def binary_values(data: bytes) -> Iterator[Value | Exception]:
    """The values of a stream, an error in place of one that cannot be read; raised where the next one cannot be found."""
    require(data.startswith(VERSION_MARKER), "not binary Ion 1.0: it does not begin with the version marker")
    position, symbols, declared = 0, SYSTEM_SYMBOLS, 0
    while position < len(data):
        if data.startswith(VERSION_MARKER, position):
            position, symbols, declared = position + 4, SYSTEM_SYMBOLS, 0
            continue
        begin, position, left = position, read_header(data, position, len(data))[3], iter(range(MAX_VALUES))
        require(position - begin <= MAX_VALUE_BYTES, f"at byte {begin}: a value of {position - begin} bytes")
        try:
            value = read_value(data, begin, position, symbols, left) if data[begin] >= 15 else None  # which is padding
        except BAD_INPUT as error:
            yield error
            continue
        if value and value.kind == STRUCT and value.annotations[:1] == ("$ion_symbol_table",):
            symbols = symbol_table(value, symbols)
            declared += len(symbols)
            require(declared <= 4 * MAX_SYMBOLS, f"at byte {begin}: more than {4 * MAX_SYMBOLS} symbols")
        elif value:
            yield value


def symbol_table(table: Value, current: dict[int, Any]) -> dict[int, Any]:
    """``$ion_symbol_table::{imports, symbols}``; what comes from shared tables has no known text."""
    symbols = SYSTEM_SYMBOLS.copy()
    for name, value in sorted(table.fields().items()):  # imports before symbols
        if name == "imports" and value.content == "$ion_symbol_table":
            symbols = current.copy()
        for each in value.content or [] if value.kind == LIST else []:
            count = 1 if name == "symbols" else 0
            is_import = name == "imports" and each.kind == STRUCT and each.content is not None
            if is_import and each.field("name", Value(STRING, b"")).text() not in {"", "$ion"}:
                count = int.from_bytes(each.field("max_id", Value(INT, b"")).get(INT), "big")
            require(len(symbols) + count <= MAX_SYMBOLS, f"a symbol table of more than {MAX_SYMBOLS} symbols")
            for number in range(len(symbols), len(symbols) + count):
                symbols[number] = each.text() if each.kind == STRING and each.content is not None else number
    return symbols
