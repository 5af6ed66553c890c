"""Ion Hash 1.0 with SHA-256 (docs/format.md, "Ion Hash")"""

from __future__ import annotations

import hashlib
from typing import Any

from counterfoil.plain.values import BOOL, LIST, MAX_DEPTH, STRUCT, SYMBOL, Value, require


def ion_hash(value: Value) -> bytes:
    """IH(value)."""
    return hashlib.sha256(serialize(value)).digest()


def serialize(value: Value, depth: int = 0) -> bytes:
    """Begin 0x0B, type, body, end 0x0E. A struct's body is the hashes of its fields, sorted as UNSIGNED bytes."""
    kind, content, annotations = value
    require(kind < LIST or depth < MAX_DEPTH, f"nested deeper than {MAX_DEPTH} levels")
    if annotations:
        return b"\x0b\xe0" + b"".join(map(serialize_symbol, annotations)) + serialize(Value(kind, content), depth) + b"\x0e"
    if content is None or kind == BOOL:
        return bytes([0x0B, kind << 4 | (15 if content is None else content), 0x0E])
    if kind == SYMBOL:
        return serialize_symbol(content)
    if kind == STRUCT:
        fields = (serialize_symbol(name) + serialize(each, depth + 1) for name, each in content)
        body = escape(b"".join(sorted(hashlib.sha256(field).digest() for field in fields)))
    else:
        body = b"".join(serialize(each, depth + 1) for each in content) if kind >= LIST else escape(content)
    return bytes([0x0B, kind << 4]) + body + b"\x0e"


def serialize_symbol(symbol: Any) -> bytes:
    """A symbol, name or annotation by its text; symbol zero has none."""
    return b"\x0b\x71\x0e" if symbol == 0 else b"\x0b\x70" + escape(Value(SYMBOL, symbol).text().encode()) + b"\x0e"


def escape(body: bytes) -> bytes:
    """0x0C before each 0x0B, 0x0C and 0x0E."""
    return body.replace(b"\x0c", b"\x0c\x0c").replace(b"\x0b", b"\x0c\x0b").replace(b"\x0e", b"\x0c\x0e")
