"""Ion values as plain Python values, one Python type for each Ion type.

========== =========================================  ==================================================
Ion        Python                                     note
========== =========================================  ==================================================
null       ``None``; ``IonNull(type)`` if typed       ``null`` and ``null.null`` are ``None``
bool       ``bool``
int        ``int``
float      ``float``
decimal    ``decimal.Decimal``                        scale and negative zero are kept
timestamp  ``IonTimestamp``                           precision and offset are kept
symbol     ``IonSymbol``, a ``str``                   symbol zero is ``IonSymbol("")`` with ``unknown`` set
string     ``str``
clob       ``Clob``, a ``bytes``
blob       ``bytes``
list       ``list``
sexp       ``Sexp``, a ``list``
struct     ``dict``; ``RepeatedStruct`` if need be    ``RepeatedStruct`` only where a field name comes twice
annotated  ``Annotated(annotations, value)``          wherever a value may stand
========== =========================================  ==================================================

Values are shared between transactions and caches: nobody changes one, whoever wants another makes a new one.

``==`` of Python is neither Ion's equality (1 == 1.0 == True, and ``Clob(b"x") == b"x"``) nor PartiQL's: compare encoded
bytes or hashes for the first, use ``counterfoil.partiql`` for the second.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple, Self

from counterfoil.ion.reader import IonType
from counterfoil.ion.timestamps import IonTimestamp

Value = Any
"""Any of the types in the table above; Python's type language has no practical name for the union."""


class IonNull(NamedTuple):
    """A null of a type other than null: ``null.string``. The plain null is ``None``."""

    type: IonType


class IonSymbol(str):
    """A symbol. Symbol zero, the one without text, has ``unknown`` set and is empty."""

    __slots__ = ("unknown",)

    unknown: bool

    def __new__(cls, text: str, *, unknown: bool = False) -> Self:
        symbol = super().__new__(cls, text)
        symbol.unknown = unknown
        return symbol


class Clob(bytes):
    """Bytes of text in an encoding that Ion does not say."""

    __slots__ = ()


class Sexp(list[Value]):
    """An S-expression."""

    __slots__ = ()


class RepeatedStruct(dict[str, Value]):
    """A struct in which a field name comes twice: as a mapping it has the first of each name, ``pairs`` has all in order."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[str, Value]]) -> None:
        self.pairs = tuple(pairs)
        super().__init__(reversed(self.pairs))


class Annotated(NamedTuple):
    """A value with its annotations, in order; at least one. The value is never itself ``Annotated``."""

    annotations: tuple[str, ...]
    value: Value


def pairs_of(struct: dict[str, Value]) -> Iterable[tuple[str, Value]]:
    """All fields of a struct in order, repeated names included."""
    return struct.pairs if isinstance(struct, RepeatedStruct) else struct.items()


def copy_of(value: Value) -> Value:
    """A value whose containers are new; what cannot be changed is shared."""
    kind = type(value)
    if kind is dict:
        return {name: copy_of(field) for name, field in value.items()}
    if kind is list or kind is Sexp:
        return kind(map(copy_of, value))
    if kind is RepeatedStruct:
        return RepeatedStruct((name, copy_of(field)) for name, field in value.pairs)
    if kind is Annotated:
        return Annotated(value.annotations, copy_of(value.value))
    return value


__all__ = [
    "Annotated",
    "Clob",
    "Decimal",
    "IonNull",
    "IonSymbol",
    "IonTimestamp",
    "RepeatedStruct",
    "Sexp",
    "Value",
    "copy_of",
    "pairs_of",
]
