"""Which kind of PartiQL value a Python value is, and what is unknown.

Annotations mean nothing to PartiQL: a value counts as what it is without them.
"""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from types import NoneType
from typing import Final

from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, RepeatedStruct, Sexp, Value
from counterfoil.partiql.values import Bag, Missing


class Kind(IntEnum):
    """The kinds that compare with each other; their order is that of ORDER BY. Source: PartiQL specification, section 12.2."""

    UNKNOWN = 0
    BOOL = 1
    NUMBER = 2
    TIMESTAMP = 3
    TEXT = 4
    LOB = 5
    LIST = 6
    SEXP = 7
    STRUCT = 8
    BAG = 9


_KIND_OF: Final[dict[type, Kind]] = {
    NoneType: Kind.UNKNOWN,
    Missing: Kind.UNKNOWN,
    IonNull: Kind.UNKNOWN,
    bool: Kind.BOOL,
    int: Kind.NUMBER,
    float: Kind.NUMBER,
    Decimal: Kind.NUMBER,
    IonTimestamp: Kind.TIMESTAMP,
    str: Kind.TEXT,
    IonSymbol: Kind.TEXT,
    bytes: Kind.LOB,
    Clob: Kind.LOB,
    list: Kind.LIST,
    Sexp: Kind.SEXP,
    dict: Kind.STRUCT,
    RepeatedStruct: Kind.STRUCT,
    Bag: Kind.BAG,
}
UNKNOWN_TYPES: Final = frozenset({NoneType, Missing, IonNull})
SEQUENCE_KINDS: Final = frozenset({Kind.LIST, Kind.SEXP, Kind.BAG})

_NAME_OF: Final[dict[type, str]] = {
    NoneType: "null",
    Missing: "missing",
    bool: "bool",
    int: "int",
    float: "float",
    Decimal: "decimal",
    IonTimestamp: "timestamp",
    str: "string",
    IonSymbol: "symbol",
    bytes: "blob",
    Clob: "clob",
    list: "list",
    Sexp: "sexp",
    dict: "struct",
    RepeatedStruct: "struct",
    Bag: "bag",
    IonNull: "null",
}


def bare(value: Value) -> Value:
    """The value without its annotations."""
    return value.value if type(value) is Annotated else value


def kind_of(value: Value) -> Kind:
    """The kind of a value, annotated or not."""
    return _KIND_OF[type(bare(value))]


def type_name(value: Value) -> str:
    """The type as PartiQL names it: ``int``, ``symbol``, ``missing``; every null is ``null``."""
    return _NAME_OF[type(bare(value))]


def is_unknown(value: Value) -> bool:
    """Whether it is NULL or MISSING."""
    return type(value) in UNKNOWN_TYPES or (type(value) is Annotated and type(value.value) in UNKNOWN_TYPES)


def is_text(value: Value) -> bool:
    return isinstance(bare(value), str)
