"""Ion Hash of a Python value, without writing it as a datagram first.

What a transaction hashes and nobody reads back (parameters, metadata, transactionInfo with its document ids for field names)
needs no symbol table. A scalar's representation is the body that the writer gives it, which is the one that Ion Hash wants.
The two ways give the same hash (tests/property/test_codec_laws.py).

Source: Ion Hash specification 1.0; docs/format.md, section "Ion Hash".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.ion.reader import MAX_DEPTH
from counterfoil.ion.scalars import SCALARS
from counterfoil.ion.symbols import END, SYMBOL_ZERO, escape, serialize_symbol
from counterfoil.ion.values import Annotated, IonSymbol, RepeatedStruct, Sexp, Value
from counterfoil.ion.writer import known

# Names and annotations up to this size are kept in their serialized form: 8,192 of them are at most 2 MB.
MAX_KEPT_NAME: Final = 64


def hash_of_python(value: Value) -> bytes:
    """The Ion Hash of a value: 32 bytes. What ``encode`` would not write is an ``InputError``."""
    try:
        return sha256(_serialize(value, 0)).digest()
    except UnicodeEncodeError as error:
        raise InputError(f"cannot be hashed as Ion: {error.reason} in a text") from None


# Structs put together ---------------------------------------------------------------------------------------------------
#
# A block is made of structs whose fields come again and again: whoever makes many of them hashes each such field once. A
# *serialized* value is what Ion Hash hashes, its type and representation between their markers.


def serialized(value: Value) -> bytes:
    """What Ion Hash hashes of a value."""
    try:
        return _serialize(value, 0)
    except UnicodeEncodeError as error:
        raise InputError(f"cannot be hashed as Ion: {error.reason} in a text") from None


def digest_of_field(name: str, value: bytes) -> bytes:
    """The digest of a struct's field with this serialized value."""
    return sha256(_name(name) + value).digest()


def hash_of_field(name: str, value: Value) -> bytes:
    """The digest of a struct's field."""
    return sha256(_name(name) + serialized(value)).digest()


def struct_of(*digests: bytes) -> bytes:
    """A struct of the fields with these digests, serialized."""
    return b"\x0b\xd0" + escape(b"".join(sorted(digests))) + END


def list_of(items: Iterable[bytes]) -> bytes:
    """A list of these serialized items, serialized."""
    return b"\x0b\xb0" + b"".join(items) + END


def hash_of_fields(*digests: bytes) -> bytes:
    """The Ion Hash of a struct of the fields with these digests."""
    return sha256(struct_of(*digests)).digest()


def _serialize(value: Value, depth: int) -> bytes:
    kind = type(value)
    if kind is str:
        return b"\x0b\x80" + escape(value.encode()) + END
    write = SCALARS.get(kind)
    if write is not None:
        return _scalar(write(value))
    if kind is IonSymbol:
        return _name(value)
    if kind is Annotated:
        return _annotated(value, depth)
    if kind not in _CONTAINERS:
        return _serialize(known(value), depth)
    if depth >= MAX_DEPTH:
        raise InputError(f"a value nested deeper than {MAX_DEPTH} levels")
    if kind is dict or kind is RepeatedStruct:
        return _struct(value, depth + 1)
    items = b"".join([_serialize(item, depth + 1) for item in value])
    return (b"\x0b\xc0" if kind is Sexp else b"\x0b\xb0") + items + END


_CONTAINERS: Final = frozenset({dict, RepeatedStruct, list, tuple, Sexp})


def _scalar(written: bytes) -> bytes:
    """The serialization of a scalar that the writer wrote: its type and its body, without the length."""
    first = written[0]
    low = first & 15
    if low == 15 or first < 0x20:
        return b"\x0b" + written[:1] + END
    if low == 14:
        start = 2
        while not written[start - 1] & 0x80:
            start += 1
        return bytes((0x0B, first & 0xF0)) + escape(written[start:]) + END
    if first == 0x48 and written[1] & 0x7F == 0x7F and written[2] > 0xF0 - (written[3:] != _NO_FRACTION):
        return _NAN
    return bytes((0x0B, first & 0xF0)) + escape(written[1:]) + END


_NO_FRACTION: Final = bytes(6)
_NAN: Final = b"\x0b\x40\x7f\xf8\0\0\0\0\0\0\x0e"


def _name(text: str) -> bytes:
    """A symbol, field name or annotation; symbol zero equals the empty text, and is not it."""
    if not text and type(text) is IonSymbol and text.unknown:
        return SYMBOL_ZERO.serialized
    return _kept_name(text) if len(text) <= MAX_KEPT_NAME else serialize_symbol(text)


_kept_name = lru_cache(maxsize=8_192)(serialize_symbol)


def _struct(fields: dict[str, Value], depth: int) -> bytes:
    pairs: Any = fields.pairs if type(fields) is RepeatedStruct else fields.items()
    digests = []
    for name, value in pairs:
        prefix = _kept_name(name) if 0 < len(name) <= MAX_KEPT_NAME else _name(name)
        if type(value) is str:  # the commonest value, without a further frame
            text = escape(value.encode())
            digests.append(sha256(b"".join((prefix, b"\x0b\x80", text, END))).digest())
        else:
            digests.append(sha256(prefix + _serialize(value, depth)).digest())
    digests.sort()
    return b"\x0b\xd0" + escape(b"".join(digests)) + END


def _annotated(annotated: Annotated, depth: int) -> bytes:
    value = annotated.value
    if not annotated.annotations or type(value) is Annotated:
        raise InputError("an annotated value has one annotation or more, all at once")
    names = b"".join(map(_name, annotated.annotations))
    return b"\x0b\xe0" + names + _serialize(value, depth) + END
