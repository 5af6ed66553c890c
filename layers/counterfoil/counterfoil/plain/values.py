"""Ion values (docs/format.md, "Ion Hash")"""

from __future__ import annotations

import datetime
import math
import struct
from typing import Any, NamedTuple

NULL, BOOL, INT, NEGATIVE, FLOAT, DECIMAL, TIME, SYMBOL, STRING, CLOB, BLOB, LIST, SEXP, STRUCT, ANNOTATION = range(15)
TYPES = "null bool int - float decimal timestamp symbol string clob blob list sexp struct".split(" ")
MAX_DEPTH, MAX_VALUE_BYTES, MAX_INT_BYTES = 100, 16 * 1024 * 1024, 1024
MAX_VALUES, MAX_ESCAPES, MAX_PARTS = 1_500_000, 500_000, 1000  # values and names in one, escapes in a text, texts in a clob
BAD_INPUT = (ValueError, OverflowError, RecursionError)  # what cannot be read: exit status 2; in an export a bad block


def require(condition: object, otherwise: str, value: Any = None) -> Any:
    """Refuse what is not as its format says; else go on with the value."""
    if not condition:
        raise ValueError(otherwise)
    return value


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Fields by name, none of which may come twice: nobody could say which one counts."""
    return dict(require(len(dict(pairs)) == len(pairs), f"a name comes twice among {sorted(dict(pairs))[:20]}", pairs))


class Value(NamedTuple):
    """An Ion value: ``kind`` is its type's code in binary Ion, ``content`` is None for a null, else of a struct a list of pairs

    (name, value), of a list or sexp a list of values, of a bool a bool, of a symbol (as names and annotations are) its text, or its
    number where the text is not known; of the others the body that binary Ion has for it, in the one form that Ion Hash takes.
    """

    kind: int
    content: Any
    annotations: tuple[Any, ...] = ()

    def get(self, *kinds: int) -> Any:
        """The content of a value that must be of one of these kinds, and not null."""
        is_kind = self.kind in kinds and self.content is not None
        return require(is_kind, f"a {TYPES[self.kind]} or null is no {TYPES[kinds[0]]}", self.content)

    def text(self) -> str:
        """The text of a string or symbol."""
        content = self.get(STRING).decode() if self.kind == STRING else self.get(SYMBOL, STRING)
        return str(require(isinstance(content, str), f"the text of symbol ${content} is not known", content))

    def fields(self) -> dict[str, Value]:
        """The fields of a struct by name."""
        return unrepeated([(Value(SYMBOL, name).text(), value) for name, value in self.get(STRUCT)])

    def field(self, name: str, default: Value | None = None) -> Value:
        """A field of a struct; without a default it must be there and not null."""
        value = self.fields().get(name, NOT_THERE)
        require(value.content is not None or default, f"field {name} is missing")
        return value if value.content is not None or default is None else default


NOT_THERE = Value(NULL, None)


def float_body(number: float) -> bytes:
    """Eight bytes, none for +0; every NaN is one value."""
    body = b"\x7f\xf8" + bytes(6) if math.isnan(number) else struct.pack(">d", number)
    return body if any(body) else b""


def decimal_body(*, negative: bool, coefficient: int, exponent: int) -> bytes:
    """Exponent and coefficient, so that 1.5 and 1.50 differ; nothing for 0d0."""
    return var_int(exponent) + int_body(coefficient, negative=negative) if negative or coefficient or exponent else b""


def time_body(offset: int | None, fields: Any, digits: int, coefficient: int, to_utc: int = 0) -> bytes:
    """Offset in minutes, fields in UTC as far as given, fraction of the second; ``to_utc`` are minutes to add to the fields."""
    is_whole = len(fields) not in {0, 4} and abs(offset or 0) < 24 * 60 and digits <= 18 and coefficient < 10**digits
    require(is_whole, "a timestamp without year or minute, with an offset of a day, or with more than 18 decimals")
    whole = datetime.datetime(*fields, *[1, 1, 1, 0, 0, 0][len(fields) :]) + datetime.timedelta(minutes=to_utc)
    body = (b"\xc0" if offset is None else var_int(offset)) + b"".join(map(var_uint, whole.timetuple()[: len(fields)]))
    return body + var_int(-digits) + int_body(coefficient, negative=False) if digits else body


def var_uint(number: int) -> bytes:
    """A VarUInt: seven bits a byte; the last one has its highest bit set."""
    octets = [number & 0x7F | 0x80]
    while number := number >> 7:
        octets.insert(0, number & 0x7F)
    return bytes(octets)


def var_int(number: int) -> bytes:
    """A VarInt: the same, with the sign as the second bit of the first byte."""
    octets = var_uint(abs(number))
    octets = b"\0" + octets if octets[0] & 0x40 else octets
    return bytes([octets[0] | (0x40 if number < 0 else 0)]) + octets[1:]


def int_body(magnitude: int, *, negative: bool) -> bytes:
    """An Int: the sign is its highest bit; zero is empty unless it is negative."""
    octets = magnitude.to_bytes(magnitude.bit_length() // 8 + 1, "big") if magnitude or negative else b""
    return bytes([octets[0] | 0x80]) + octets[1:] if negative else octets
