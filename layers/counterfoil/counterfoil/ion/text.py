"""Ion between its text, its binary and Python values, through amazon.ion (the only room that imports it).

Python values: dict, list, str, int, ``decimal.Decimal``, float, bool, ``None``, bytes (blob), aware ``datetime`` and
amazon.ion's own types, which keep annotations and timestamp precision.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any, Final

from amazon.ion import simpleion
from amazon.ion.core import Timestamp, TimestampPrecision
from amazon.ion.exceptions import IonException

from counterfoil.errors import InputError
from counterfoil.ion.hashing import serialize
from counterfoil.ion.reader import MAX_DEPTH, MAX_INT_BYTES, IonValue
from counterfoil.ion.streams import MAX_SIZE_BYTES, read_values

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


# amazon.ion's C reader drops longer fractions of a second without a word; it and the C writer drop zeros of longer decimals.
MAX_TEXT_FRACTION: Final = 9
MAX_C_DIGITS: Final = 34
_LONG_NUMBER: Final = re.compile(r"[\d_.]{34,}")
_FINE_FRACTION: Final = re.compile(r"T\d\d:\d\d:\d\d\.\d{10,}")


def load_text(text: str) -> Any:
    """Read one value of Ion text. More than one, none, or anything malformed is an ``InputError``."""
    if len(text) > MAX_SIZE_BYTES:
        raise InputError(f"{len(text)} characters of Ion text; at most {MAX_SIZE_BYTES} are read")
    _check_depth(text)
    fine = _FINE_FRACTION.search(text)
    if fine is not None:
        raise InputError(
            f"the time {fine[0][:60]} is finer than {MAX_TEXT_FRACTION} digits of a second, which is not read"
        )
    return _load(text, "Ion text", exactly=_LONG_NUMBER.search(text) is not None)


def load_binary(data: bytes) -> Any:
    """Read one value of binary Ion into Python values; it is walked first, since amazon.ion trusts lengths that lie."""
    for value in read_values(data):
        serialize(value)
    return _load(data, "binary Ion", exactly=True)


def dump_binary(value: Any) -> bytes:
    """Write a Python value as binary Ion: version marker, local symbol table, value, exactly as QLDB's writers did.

    What cannot be written, or only with loss, is an ``InputError``.
    """
    if not _needs_care(value):
        return bytes(_guarded(lambda: simpleion.dumps(value, binary=True), "written as binary Ion"))
    buffer = BytesIO()
    _guarded(lambda: simpleion.dump_python(value, buffer, binary=True), "written as binary Ion")
    return buffer.getvalue()


def dump_text(value: Any) -> str:
    """Write a Python value as compact Ion text, exactly as QLDB's API printed it (day timestamps excepted)."""
    return str(_guarded(lambda: simpleion.dumps(value, binary=False, omit_version_marker=True), "written as Ion text"))


def binary_of_text(text: str) -> bytes:
    """The binary form of one value of Ion text: what every hash is computed from."""
    return dump_binary(load_text(text))


def text_of(value: IonValue) -> str:
    """Ion text of a value read from binary, for people and for evidence."""
    return dump_text(load_binary(value.datagram()))


def _load(source: str | bytes, kind: str, *, exactly: bool) -> Any:
    """``exactly`` takes amazon.ion's reader in Python, which is slower, and right where the one in C is not."""
    stream: Any = BytesIO(source) if isinstance(source, bytes) else StringIO(source)
    load = simpleion.load_python if exactly else simpleion.load
    values = _guarded(lambda: list(load(stream, single_value=False, parse_eagerly=True)), f"read as {kind}")
    if len(values) != 1:
        raise InputError(f"{len(values)} values of {kind} where one was expected")
    return values[0]


def _guarded(call: Callable[[], Any], what: str) -> Any:
    """Whatever amazon.ion raises becomes an ``InputError``."""
    try:
        return call()
    except (IonException, ValueError, TypeError, KeyError, ArithmeticError, RecursionError, MemoryError) as error:
        raise InputError(f"cannot be {what}: {error}") from error


def _needs_care(value: Any) -> bool:
    """Whether amazon.ion's C writer would lose digits (decimals of more than 34) or die (ints of thousands of digits)."""
    if isinstance(value, dict):
        return any(map(_needs_care, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_needs_care, value))
    if isinstance(value, Decimal):
        return len(value.as_tuple().digits) > MAX_C_DIGITS
    if isinstance(value, int) and value.bit_length() > MAX_INT_BYTES * 8:
        raise InputError(f"an int of {value.bit_length()} bits; at most {MAX_INT_BYTES * 8} are written")
    return False


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.finditer(_OPAQUE.sub("", text)):
        depth += 1 if bracket[0] in "[({" else -1
        if depth > MAX_DEPTH:
            raise InputError(f"Ion text nested deeper than {MAX_DEPTH} levels")
