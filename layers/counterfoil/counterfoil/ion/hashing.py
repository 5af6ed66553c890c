"""Ion Hash 1.0 over binary Ion, straight from the bytes: no object is built for any value.

The hash of a value is the digest of its serialization. A scalar's serialization is ``B TQ representation E``; the fields
of a struct are hashed one by one, sorted and joined, so a document costs one SHA-256 per field and one per struct. Binary
Ion allows several encodings of one value; each representation is brought to the one that Ion Hash defines.

Source: Ion Hash specification 1.0; docs/format.md, section "Ion Hash". Proved by the suite's 166 cases (tests/golden).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final, Protocol

from counterfoil.errors import InputError
from counterfoil.ion.reader import LENGTHS, MAX_DEPTH, IonValue, malformed, read_decimal, read_header, read_var_uint
from counterfoil.ion.shapes import Shape, Shapes
from counterfoil.ion.symbols import END, SymbolTable, escape, serialize_symbol
from counterfoil.ion.timestamps import CANONICAL_BODY, canonical_body, encode_var_int


class _Digesting(Protocol):
    def digest(self) -> bytes: ...


# hashlib.sha256 and its like: called with all the bytes at once.
Hasher = Callable[[bytes], _Digesting]


def hash_of_ion(value: IonValue, hasher: Hasher = sha256) -> bytes:
    """The Ion Hash of a value: 32 bytes with SHA-256. Malformed bytes inside it are an ``InputError``."""
    if hasher is sha256:
        found = _cut(value)
        if found is not None:
            digest = found[0].hash_of(found[1], value.symbols)
            if digest is not None:
                return digest
    return hasher(serialize(value, hasher)).digest()


def cut_struct(value: IonValue) -> tuple[Shape, Sequence[bytes]] | None:
    """The shape of a struct of plain scalars and its values; ``None`` for other values, and before the shape is known."""
    found = _cut(value)
    return found if found is not None and found[0].has_names_under(value.symbols) else None


def _cut(value: IonValue) -> tuple[Shape, Sequence[bytes]] | None:
    """As ``cut_struct``, whatever the names in the struct's own symbol table."""
    if value.kind != 13 or value.low == 15 or value.buffer[value.position] >= 0xE0:
        return None
    found = _SHAPES.cut(value.buffer, value.body, value.end)
    if found is None:
        _SHAPES.learn(value, PLAIN)
    return found


def serialize(value: IonValue, hasher: Hasher = sha256) -> bytes:
    """The bytes whose digest is the value's Ion Hash."""
    try:
        return _serialize(value.buffer, value.position, value.end, value.symbols, hasher, 0)[0]
    except IndexError:
        raise malformed(value.position, "a field or symbol reaches beyond its container") from None


def hash_of_text(text: str) -> bytes:
    """The SHA-256 Ion Hash of a string value."""
    return sha256(b"\x0b\x80" + escape(text.encode()) + END).digest()


def hash_of_fields(fields: Mapping[str, IonValue]) -> bytes:
    """The SHA-256 Ion Hash of a struct put together from values that stand elsewhere, of whatever symbol tables."""
    digests = sorted(sha256(serialize_symbol(name) + serialize(value)).digest() for name, value in fields.items())
    return sha256(b"\x0b\xd0" + escape(b"".join(digests)) + END).digest()


def _serialize(
    buffer: bytes, position: int, limit: int, symbols: SymbolTable, hasher: Hasher, depth: int
) -> tuple[bytes, int]:
    """(serialization of the value at ``position``, position behind it)."""
    kind, low, body, end = read_header(buffer, position, limit)
    if kind in _SCALARS:
        return _scalar(kind, low, buffer[body:end], symbols), end
    if depth >= MAX_DEPTH:
        raise malformed(position, f"nested deeper than {MAX_DEPTH} levels")
    if kind == 14:
        return _annotated(buffer, body, end, symbols, hasher, depth), end
    if low == 15:
        return b"\x0b" + bytes([kind << 4 | 15]) + END, end
    if kind == 13:
        return _struct(buffer, body, end, symbols, hasher, depth + 1), end
    return _sequence(kind, buffer, body, end, symbols, hasher, depth + 1), end


def _struct(buffer: bytes, position: int, limit: int, symbols: SymbolTable, hasher: Hasher, depth: int) -> bytes:
    digests = []
    names = symbols.serialized
    while position < limit:
        symbol = buffer[position]
        if symbol & 0x80:
            symbol &= 0x7F
            position += 1
        else:
            symbol, position = read_var_uint(buffer, position, limit)
        descriptor = buffer[position]
        represent = _SHORT[descriptor]
        if represent is not None:  # a short scalar, the commonest value, without a further frame of the walk
            start = position + 1
            end = start + LENGTHS[descriptor]
            if end > limit:
                raise malformed(position, "a field reaches beyond its struct")
            value = _PREFIXES[descriptor] + represent(buffer[start:end]) + b"\x0e"
        elif descriptor < 15:
            position = read_header(buffer, position, limit)[3]
            continue
        else:
            value, end = _serialize(buffer, position, limit, symbols, hasher, depth)
        name = names[symbol]
        if not name:
            raise malformed(position, f"the text of field name ${symbol} is not known")
        digests.append(hasher(name + value).digest())
        position = end
    digests.sort()
    return b"\x0b\xd0" + escape(b"".join(digests)) + END


def _sequence(
    kind: int, buffer: bytes, position: int, limit: int, symbols: SymbolTable, hasher: Hasher, depth: int
) -> bytes:
    parts = [b"\x0b", bytes([kind << 4])]
    while position < limit:
        if buffer[position] < 15:
            position = read_header(buffer, position, limit)[3]
            continue
        part, position = _serialize(buffer, position, limit, symbols, hasher, depth)
        parts.append(part)
    parts.append(END)
    return b"".join(parts)


def _annotated(buffer: bytes, body: int, limit: int, symbols: SymbolTable, hasher: Hasher, depth: int) -> bytes:
    length, position = read_var_uint(buffer, body, limit)
    annotations_end = position + length
    if length == 0 or annotations_end >= limit:
        raise malformed(body, "an annotation wrapper without annotations or without a value")
    parts = [b"\x0b\xe0"]
    while position < annotations_end:
        symbol, position = read_var_uint(buffer, position, annotations_end)
        parts.append(_symbol_token(symbols, symbol, position))
    if buffer[position] >> 4 == 14 or buffer[position] < 15:
        raise malformed(position, "an annotation must wrap exactly one value")
    value, end = _serialize(buffer, position, limit, symbols, hasher, depth)
    if end != limit:
        raise malformed(end, "an annotation must wrap exactly one value")
    return b"".join((*parts, value, END))


def _symbol_token(symbols: SymbolTable, symbol: int, position: int) -> bytes:
    serialized = symbols.serialized[symbol]
    if not serialized:
        raise malformed(position, f"the text of symbol ${symbol} is not known")
    return serialized


def _scalar(kind: int, low: int, body: bytes, symbols: SymbolTable) -> bytes:
    if kind == 1 or low == 15:
        return bytes([0x0B, ((2 if kind == 3 else kind) << 4) | low, 0x0E])
    if kind == 7:
        return _symbol_token(symbols, int.from_bytes(body), 0)
    return bytes([0x0B, kind << 4]) + _REPRESENTATIONS[kind](body) + END


def _null(body: bytes) -> bytes:
    raise InputError(f"not valid binary Ion: padding of {len(body)} bytes where a value was expected")


def _positive(body: bytes) -> bytes:
    return escape(body.lstrip(b"\0")) if body else body


def _negative(body: bytes) -> bytes:
    magnitude = body.lstrip(b"\0")
    if not magnitude:
        raise InputError("not valid binary Ion: a negative zero int")
    return escape(magnitude)


def _float(body: bytes) -> bytes:
    if len(body) == 4:
        body = struct.pack(">d", struct.unpack(">f", body)[0])
    elif len(body) not in {0, 8}:
        raise InputError(f"not valid binary Ion: a float of {len(body)} bytes")
    if body == b"\0" * 8:
        return b""
    if body[:1] in {b"\x7f", b"\xff"} and body[1:2] >= b"\xf0" and (body[1] & 0x0F or any(body[2:])):
        body = b"\x7f\xf8\0\0\0\0\0\0"  # every NaN is one value
    return escape(body)


def _decimal(body: bytes) -> bytes:
    if len(body) > 1 and body[0] >= 0x80 and body[0] != 0xC0 and _is_short(body):
        return escape(body)  # one-byte exponent, coefficient without a leading zero byte: nothing to shorten
    exponent, coefficient, negative = read_decimal(body, 0, len(body))
    return escape(_encode_decimal(exponent, coefficient, negative=negative))


def _is_short(body: bytes) -> bool:
    """Whether a decimal's coefficient, behind an exponent of one byte, begins with a byte that it needs."""
    first = body[1] & 0x7F
    return first != 0 or (body[1] == 0 and len(body) > 2 and body[2] >= 0x80)


def _encode_decimal(exponent: int, coefficient: int, *, negative: bool) -> bytes:
    if exponent == 0 and coefficient == 0 and not negative:
        return b""
    encoded = encode_var_int(exponent)
    if coefficient == 0:
        return encoded + (b"\x80" if negative else b"")
    magnitude = bytearray(coefficient.to_bytes(coefficient.bit_length() // 8 + 1))
    magnitude[0] |= 0x80 if negative else 0
    return encoded + bytes(magnitude)


def _timestamp(body: bytes) -> bytes:
    return escape(body if CANONICAL_BODY.fullmatch(body) and body[4] <= 0x9C else canonical_body(body))


def _text(body: bytes) -> bytes:
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"not valid binary Ion: a string that is not UTF-8 ({error.reason})") from None
    return escape(body)


_REPRESENTATIONS: Final[dict[int, Callable[[bytes], bytes]]] = {
    0: _null,
    2: _positive,
    3: _negative,
    4: _float,
    5: _decimal,
    6: _timestamp,
    8: _text,
    9: escape,
    10: escape,
}
PLAIN: Final = {kind: represent for kind, represent in _REPRESENTATIONS.items() if kind}
_SHAPES: Final = Shapes()
_SCALARS: Final = frozenset({*_REPRESENTATIONS, 1, 7})

# Per type descriptor: how to represent a scalar whose length the descriptor says, and what its serialization begins with.
_SHORT: Final[tuple[Callable[[bytes], bytes] | None, ...]] = tuple(
    _REPRESENTATIONS.get(descriptor >> 4) if descriptor >> 4 and descriptor & 15 < 14 else None
    for descriptor in range(256)
)
_PREFIXES: Final = tuple(bytes([0x0B, descriptor & 0xF0]) for descriptor in range(256))
