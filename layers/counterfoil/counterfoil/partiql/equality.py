"""When two values are equal, and the bytes that stand for a value in an index.

Equality is that of partiql-lang-kotlin (2021): numbers by value whatever their type, text whether string or symbol, timestamps by
instant, clobs and blobs by bytes, lists in order, bags and structs as multisets; annotations count for nothing. A float stands for the
shortest decimal that reads back as it (0.1e0 = 0.1), for all of them, so that equality is transitive and has canonical bytes:
``identity`` gives the same bytes for two values exactly when they are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import IonSymbol, Value, pairs_of
from counterfoil.partiql.kinds import Kind, bare, is_unknown, kind_of

Number = int | float | Decimal

# Python types of which two values are equal in PartiQL exactly when they are in Python.
PLAINLY_EQUAL: Final = frozenset({int, str, bool, bytes, Decimal})

LONGEST_PLAIN_KEY: Final = 31  # a longer key is replaced by its 32 bytes of SHA-256; no plain key is as long as that

_SMALL: Final = 1 << 62
_LOWEST_FIELDS: Final = (1, 1, 0, 0, 0)


def equality(left: Value, right: Value) -> bool | None:
    """PartiQL's ``=``: ``None`` (NULL) if either is unknown."""
    return None if is_unknown(left) or is_unknown(right) else same(left, right)


def same(left: Value, right: Value) -> bool:
    """Whether two values are equal; unknown ones equal each other."""
    left, right = bare(left), bare(right)
    if type(left) is type(right) and type(left) in PLAINLY_EQUAL:
        return bool(left == right)
    kind = kind_of(left)
    return kind is kind_of(right) and (kind is Kind.UNKNOWN or _identity(left) == _identity(right))


def key_of(value: Value) -> bytes | None:
    """The bytes that stand for a value in an index, at most 32: equal values have the same. Unknown values have none."""
    if is_unknown(value):
        return None
    key = identity(value)
    return key if len(key) <= LONGEST_PLAIN_KEY else sha256(key).digest()


def identity(value: Value) -> bytes:
    """The canonical bytes of a value; those of unknown values are all alike."""
    return _identity(bare(value))


def _identity(value: Value) -> bytes:
    return _IDENTITIES[kind_of(value)](value)


def _unknown(_: Value) -> bytes:
    return b"0"


def _bool(value: bool) -> bytes:  # noqa: FBT001 - the value itself
    return b"b1" if value else b"b0"


def exact(number: Number) -> int | Decimal | float:
    """A number to compare with others: a finite float becomes the decimal that it stands for."""
    return Decimal(repr(number)) if type(number) is float and math.isfinite(number) else number


def is_nan(number: Number) -> bool:
    return type(number) is float and number != number  # noqa: PLR0124 - NaN is what differs from itself


def _number(value: Number) -> bytes:
    if type(value) is float and not math.isfinite(value):
        return b"nf" + repr(value).encode()
    if type(value) is int and -_SMALL < value < _SMALL:
        return _scientific(value < 0, str(abs(value)), 0)
    sign, digits, exponent = Decimal(exact(value)).as_tuple()
    return _scientific(sign == 1, "".join(map(str, digits)), int(exponent))


def _scientific(negative: bool, digits: str, exponent: int) -> bytes:  # noqa: FBT001 - a sign
    """The one way to write a number: without zeros at either end."""
    significant = digits.lstrip("0").rstrip("0")
    if not significant:
        return b"n0"
    exponent += len(digits) - len(digits.rstrip("0"))
    return f"n{'-' if negative else '+'}{significant}e{exponent}".encode()


def instant_of(timestamp: IonTimestamp) -> tuple[tuple[int, ...], Decimal | int]:
    """An instant to compare with others: the fields in UTC, lowest where not given, and the fraction of the second."""
    fields = timestamp.fields
    return (*fields, *_LOWEST_FIELDS[len(fields) - 1 :]), timestamp.fraction or 0


def _timestamp(value: IonTimestamp) -> bytes:
    fields, fraction = instant_of(value)
    return "t{:04}{:02}{:02}{:02}{:02}{:02}".format(*fields).encode() + _number(fraction)


def text_identity(text: str) -> bytes:
    """The canonical bytes of a text; symbol zero has none and differs from every text."""
    return b"$0" if isinstance(text, IonSymbol) and text.unknown else b"s" + text.encode("utf-8", "surrogatepass")


def _lob(value: bytes) -> bytes:
    return b"l" + value


def _join(parts: list[bytes]) -> bytes:
    return b"".join([part for key in parts for part in (len(key).to_bytes(4), key)])


def _list(value: list[Value]) -> bytes:
    return b"L" + _join([identity(item) for item in value])


def _sexp(value: list[Value]) -> bytes:
    return b"X" + _join([identity(item) for item in value])


def _bag(value: list[Value]) -> bytes:
    return b"B" + _join(sorted(identity(item) for item in value))


def _struct(value: dict[str, Value]) -> bytes:
    return b"D" + _join(sorted(_join([text_identity(name), identity(item)]) for name, item in pairs_of(value)))


_IDENTITIES: Final[dict[Kind, Callable[[Any], bytes]]] = {
    Kind.UNKNOWN: _unknown,
    Kind.BOOL: _bool,
    Kind.NUMBER: _number,
    Kind.TIMESTAMP: _timestamp,
    Kind.TEXT: text_identity,
    Kind.LOB: _lob,
    Kind.LIST: _list,
    Kind.SEXP: _sexp,
    Kind.STRUCT: _struct,
    Kind.BAG: _bag,
}
