"""Ion between its text, its binary and Python values, through amazon.ion (the only room that imports it).

Python values: dict, list, str, int, ``decimal.Decimal``, float, bool, ``None``, bytes (blob), aware ``datetime`` and
amazon.ion's own types, which keep annotations and timestamp precision.
"""

from __future__ import annotations

import re
from typing import Any, Final

from amazon.ion import simpleion
from amazon.ion.core import Timestamp, TimestampPrecision
from amazon.ion.exceptions import IonException

from counterfoil.errors import InputError
from counterfoil.ion.reader import MAX_DEPTH, MAX_SIZE_BYTES, IonValue

__all__ = [
    "Timestamp",
    "TimestampPrecision",
    "binary_of_text",
    "dump_binary",
    "dump_text",
    "load_binary",
    "load_text",
    "text_of",
]

# Strings, quoted symbols, comments and clobs may hold brackets that nest nothing.
_OPAQUE: Final = re.compile(
    r"'''.*?'''|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|//[^\n]*|/\*.*?\*/|\{\{.*?\}\}", re.DOTALL
)
_BRACKET: Final = re.compile(r"[\[\](){}]")


def load_text(text: str) -> Any:
    """Read one value of Ion text. More than one, none, or anything malformed is an ``InputError``."""
    if len(text) > MAX_SIZE_BYTES:
        raise InputError(f"{len(text)} characters of Ion text; at most {MAX_SIZE_BYTES} are read")
    _check_depth(text)
    return _load(text, "Ion text")


def load_binary(data: bytes) -> Any:
    """Read one value of binary Ion into Python values."""
    return _load(data, "binary Ion")


def dump_binary(value: Any) -> bytes:
    """Write a Python value as binary Ion: version marker, local symbol table, value, exactly as QLDB's writers did."""
    return bytes(simpleion.dumps(value, binary=True))


def dump_text(value: Any) -> str:
    """Write a Python value as compact Ion text, exactly as QLDB's API printed it (day timestamps excepted)."""
    return str(simpleion.dumps(value, binary=False, omit_version_marker=True))


def binary_of_text(text: str) -> bytes:
    """The binary form of one value of Ion text: what every hash is computed from."""
    return dump_binary(load_text(text))


def text_of(value: IonValue) -> str:
    """Ion text of a value read from binary, for people and for evidence."""
    return dump_text(load_binary(value.datagram()))


def _load(source: str | bytes, kind: str) -> Any:
    try:
        values = simpleion.loads(source, single_value=False, parse_eagerly=True)
    except (
        IonException,
        ValueError,
        TypeError,
        KeyError,
        OverflowError,
        ArithmeticError,
        RecursionError,
        MemoryError,
    ) as error:
        raise InputError(f"not valid {kind}: {error}") from error
    if len(values) != 1:
        raise InputError(f"{len(values)} values of {kind} where one was expected")
    return values[0]


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.finditer(_OPAQUE.sub("", text)):
        depth += 1 if bracket[0] in "[({" else -1
        if depth > MAX_DEPTH:
            raise InputError(f"Ion text nested deeper than {MAX_DEPTH} levels")
