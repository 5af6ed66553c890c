"""A reader of binary Ion 1.0 that walks the bytes and builds nothing until asked.

A value is an ``IonValue``: a window on the buffer with its type. Containers are opened with ``fields()`` and ``items()``;
scalars are converted with ``as_...``. Every length is checked against its container before it is followed, so a window
never reaches outside the value that holds it. Everything malformed is an ``InputError`` that names the byte offset.

Source: Ion specification 1.0, "Binary Encoding"; limits are this project's own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import IntEnum
from typing import Any, Final, NamedTuple, cast

from counterfoil.errors import InputError
from counterfoil.ion.symbols import VERSION_MARKER, SymbolTable
from counterfoil.ion.timestamps import IonTimestamp, parse_timestamp

# Deeper values are refused: each level costs a Python frame, and no document of a ledger is nested this deep.
MAX_DEPTH: Final = 100


# Numbers that are asked for, not only hashed: 2,400 digits and exponents beyond any currency.
MAX_INT_BYTES: Final = 1_024
MAX_EXPONENT: Final = 100_000


class IonType(IntEnum):
    """The type codes of binary Ion (high nibble of the type descriptor); the two int codes are one type, ``INT``."""

    NULL = 0
    BOOL = 1
    INT = 2
    NEGATIVE_INT = 3
    FLOAT = 4
    DECIMAL = 5
    TIMESTAMP = 6
    SYMBOL = 7
    STRING = 8
    CLOB = 9
    BLOB = 10
    LIST = 11
    SEXP = 12
    STRUCT = 13
    ANNOTATION = 14


_NAMES: Final = {kind.value: kind.name.lower().replace("_", " ") for kind in IonType}


def malformed(offset: int, what: str) -> InputError:
    return InputError(f"not valid binary Ion at byte {offset}: {what}")


def read_var_uint(buffer: bytes, position: int, limit: int) -> tuple[int, int]:
    """Read a VarUInt; return it and the position behind it. At most 9 bytes (63 bits): no length or id needs more."""
    value, index = 0, position
    while index < limit and index - position < 9:
        byte = buffer[index]
        index += 1
        if byte & 0x80:
            return value << 7 | byte & 0x7F, index
        value = value << 7 | byte
    raise malformed(position, "a VarUInt does not end")


def read_header(buffer: bytes, position: int, limit: int) -> tuple[int, int, int, int]:
    """Read a type descriptor and length: (type code, low nibble, body start, body end). The body ends inside ``limit``."""
    if position >= limit:
        raise malformed(position, "a value was expected, but its container ends here")
    descriptor = buffer[position]
    kind, low = descriptor >> 4, descriptor & 0x0F
    start = position + 1
    if low == 15 or kind == 1:
        if kind == 1 and low not in {0, 1, 15}:
            raise malformed(position, f"bool of length {low}")
        length = 0
    elif low == 14 or (kind == 13 and low == 1):
        if start < limit and buffer[start] & 0x80:
            length, start = buffer[start] & 0x7F, start + 1
        else:
            length, start = read_var_uint(buffer, start, limit)
        if kind == 13 and low == 1 and length == 0:
            raise malformed(position, "a sorted struct must not be empty")
    else:
        length = low
    end = start + length
    if end > limit:
        raise malformed(
            position, f"a {_NAMES.get(kind, 'reserved type')} of {length} bytes reaches beyond its container"
        )
    if kind == 15 or (kind == 14 and (low < 3 or low == 15)):
        raise malformed(position, f"type descriptor 0x{descriptor:02x} is reserved")
    return kind, low, start, end


# Length of the body by type descriptor, where the descriptor alone says it; -1 where more must be read or refused.
LENGTHS: Final = tuple(
    low if low < 14 and not (kind == 13 and low == 1) and 1 < kind < 14 else
    0 if (low == 15 and kind < 14) or (kind == 1 and low < 2) else
    -1
    for kind in range(16)
    for low in range(16)
)  # fmt: skip


class IonValue(NamedTuple):
    """A window on one value: its bytes, its type and the symbol table it was written under.

    ``position`` is where the value begins, annotations included; ``body`` and ``end`` bound its representation. ``kind`` and ``low``
    are the nibbles of the type descriptor (without annotations); ``low`` of 15 is a null.
    """

    buffer: bytes
    position: int
    body: int
    end: int
    kind: int
    low: int
    symbols: SymbolTable

    @property
    def type(self) -> IonType:
        return IonType.INT if self.kind == 3 else IonType(self.kind)

    @property
    def is_null(self) -> bool:
        return self.low == 15

    @property
    def is_annotated(self) -> bool:
        return self.buffer[self.position] >> 4 == 14

    @property
    def annotations(self) -> tuple[str | None, ...]:
        if not self.is_annotated:
            return ()
        _, _, body, end = read_header(self.buffer, self.position, self.end)
        length, position = read_var_uint(self.buffer, body, end)
        limit, found = position + length, []
        while position < limit:
            symbol, position = read_var_uint(self.buffer, position, limit)
            found.append(symbol_text(self.symbols, symbol, position))
        return tuple(found)

    @property
    def size_bytes(self) -> int:
        return self.end - self.position

    def raw(self) -> bytes:
        """The value's own bytes; readable only with its symbol table."""
        return self.buffer[self.position : self.end]

    def datagram(self) -> bytes:
        """The value as a stream of its own: version marker, the symbol table it was written under, the value."""
        return VERSION_MARKER + self.symbols.source + self.raw()

    def fields(self) -> dict[str, IonValue]:
        """A struct's fields by name. A name that comes twice is refused: which one counts would be a matter of taste."""
        found = self.each_field()
        fields = dict(found)
        if len(fields) != len(found):
            raise malformed(self.position, f"a field name comes twice among {[name for name, _ in found][:20]}")
        return fields

    def each_field(self) -> list[tuple[str, IonValue]]:
        """A struct's fields in order, repeated names included; padding is passed over."""
        if self.kind != 13 or self.low == 15:
            self._expect(13)
        buffer, _, position, limit, _, _, symbols = self
        names, known = symbols.names, len(symbols.names)
        found: list[tuple[str, IonValue]] = []
        while position < limit:
            symbol = buffer[position]
            if symbol & 0x80:
                symbol &= 0x7F
                position += 1
            else:
                symbol, position = read_var_uint(buffer, position, limit)
            if position >= limit:
                raise malformed(position, "a field name without a value")
            descriptor = buffer[position]
            if descriptor < 15:
                position = read_header(buffer, position, limit)[3]
                continue
            value = _read_field(buffer, position, limit, symbols, descriptor)
            end = value.end
            name = names[symbol] if symbol < known else None
            if name is None:
                raise malformed(position, f"the text of field name ${symbol} is not known")
            found.append((name, value))
            position = end
        return found

    def items(self) -> Iterator[IonValue]:
        """The items of a list or s-expression in order; padding is passed over."""
        if self.kind not in {11, 12} or self.low == 15:
            self._expect(11)
        buffer, position, end = self.buffer, self.body, self.end
        while position < end:
            if buffer[position] < 15:
                position = read_header(buffer, position, end)[3]
                continue
            value = _read_field(buffer, position, end, self.symbols, buffer[position])
            position = value.end
            yield value

    def as_text(self) -> str:
        """A string's text, or a symbol's."""
        if self.kind == 7 and self.low != 15:
            symbol = int.from_bytes(self.buffer[self.body : self.end])
            text = symbol_text(self.symbols, symbol, self.position)
            if text is None:
                raise malformed(self.position, f"the text of symbol ${symbol} is not known")
            return text
        self._expect(8)
        try:
            return self.buffer[self.body : self.end].decode()
        except UnicodeDecodeError as error:
            raise malformed(self.body + error.start, "a string that is not UTF-8") from None

    def as_bytes(self) -> bytes:
        """A blob's or clob's bytes."""
        if self.kind != 9:
            self._expect(10)
        elif self.low == 15:
            raise malformed(self.position, "expected blob, found null clob")
        return self.buffer[self.body : self.end]

    def as_int(self) -> int:
        if self.end - self.body > MAX_INT_BYTES:
            raise malformed(self.position, f"an int of {self.end - self.body} bytes; at most {MAX_INT_BYTES} are read")
        if self.kind == 3 and self.low != 15:
            return -int.from_bytes(self.buffer[self.body : self.end])
        self._expect(2)
        return int.from_bytes(self.buffer[self.body : self.end])

    def as_bool(self) -> bool:
        self._expect(1)
        return self.low == 1

    def as_decimal(self) -> Decimal:
        """A decimal or an int, exactly; scale is kept. Floats are refused: money does not come in floats."""
        if self.kind in {2, 3}:
            return Decimal(self.as_int())
        self._expect(5)
        if self.end - self.body > MAX_INT_BYTES:
            raise malformed(
                self.position, f"a decimal of {self.end - self.body} bytes; at most {MAX_INT_BYTES} are read"
            )
        exponent, coefficient, negative = read_decimal(self.buffer, self.body, self.end)
        if abs(exponent) > MAX_EXPONENT:
            raise malformed(
                self.position, f"a decimal with exponent {exponent}; at most {MAX_EXPONENT} either way is read"
            )
        return Decimal((int(negative), tuple(map(int, str(coefficient))), exponent))

    def as_float(self) -> float:
        self._expect(4)
        body = self.buffer[self.body : self.end]
        if len(body) not in {0, 4, 8}:
            raise malformed(self.position, f"float of {len(body)} bytes")
        return float(struct.unpack(">f" if len(body) == 4 else ">d", body)[0]) if body else 0.0

    def as_timestamp(self) -> IonTimestamp:
        self._expect(6)
        return parse_timestamp(self.buffer[self.body : self.end])

    def _expect(self, kind: int) -> None:
        if self.kind != kind or self.low == 15:
            null = "null " if self.low == 15 else ""
            raise malformed(self.position, f"expected {_NAMES[kind]}, found {null}{_NAMES[self.kind]}")


# Building the tuple directly spares a Python frame per value; the fields are exactly those of IonValue, in order.
_new: Final = cast("Callable[[type[IonValue], tuple[Any, ...]], IonValue]", tuple.__new__)


def _read_field(buffer: bytes, position: int, limit: int, symbols: SymbolTable, descriptor: int) -> IonValue:
    """As ``read_value``, with a short way for lengths up to 127."""
    length, body = LENGTHS[descriptor], position + 1
    if length < 0 and 0x2E <= descriptor <= 0xDE and descriptor & 15 == 14 and body < limit and buffer[body] & 0x80:
        length, body = buffer[body] & 0x7F, body + 1
    end = body + length
    if length < 0 or end > limit:
        return read_value(buffer, position, limit, symbols)
    return _new(IonValue, (buffer, position, body, end, descriptor >> 4, descriptor & 15, symbols))


def read_value(buffer: bytes, position: int, limit: int, symbols: SymbolTable) -> IonValue:
    """The value that begins at ``position`` and ends inside ``limit``."""
    kind, low, body, end = read_header(buffer, position, limit)
    if kind == 14:
        inner = behind_annotations(buffer, body, end)
        kind, low, body, inner_end = read_header(buffer, inner, end)
        if inner_end != end or kind == 14 or (kind == 0 and low != 15):
            raise malformed(position, "an annotation must wrap exactly one value")
    return _new(IonValue, (buffer, position, body, end, kind, low, symbols))


def symbol_text(symbols: SymbolTable, symbol: int, position: int) -> str | None:
    """Text of a symbol id; ``None`` if the table lists it without text. An id beyond the table is refused."""
    if symbol >= len(symbols.names):
        raise malformed(position, f"symbol ${symbol} is beyond the symbol table ({len(symbols.names) - 1} symbols)")
    return symbols.names[symbol]


def read_var_int(buffer: bytes, position: int, limit: int) -> tuple[int, int, bool]:
    """Read a VarInt: (magnitude, position behind it, negative)."""
    if position >= limit:
        raise malformed(position, "a VarInt was expected, but its container ends here")
    byte = buffer[position]
    negative, value = bool(byte & 0x40), byte & 0x3F
    if byte & 0x80:
        return value, position + 1, negative
    for index in range(position + 1, min(limit, position + 9)):
        byte = buffer[index]
        value = (value << 7) | (byte & 0x7F)
        if byte & 0x80:
            return value, index + 1, negative
    raise malformed(position, "a VarInt does not end")


def read_decimal(buffer: bytes, start: int, end: int) -> tuple[int, int, bool]:
    """A decimal's (exponent, coefficient without sign, negative)."""
    if start == end:
        return 0, 0, False
    magnitude, position, negative_exponent = read_var_int(buffer, start, end)
    exponent = -magnitude if negative_exponent else magnitude
    coefficient = int.from_bytes(buffer[position:end])
    negative = position < end and bool(buffer[position] & 0x80)
    if negative:
        coefficient -= 1 << (8 * (end - position) - 1)
    return exponent, coefficient, negative


def behind_annotations(buffer: bytes, body: int, end: int) -> int:
    """Where the value begins that an annotation wrapper with this body holds."""
    length, position = read_var_uint(buffer, body, end)
    if length == 0 or position + length >= end:
        raise malformed(body, "an annotation wrapper without annotations or without a value")
    return position + length
