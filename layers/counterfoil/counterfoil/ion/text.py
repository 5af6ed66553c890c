"""Ion text read through amazon.ion (the only room that imports it), and values of amazon.ion's types written.

What is read here is of amazon.ion's own types; value_text.py gives this project's values. What is written may be of either, and
``datetime`` too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any, Final

from amazon.ion import simpleion
from amazon.ion.core import Timestamp, TimestampPrecision

from counterfoil.errors import InputError
from counterfoil.ion.amazon_values import value_of
from counterfoil.ion.codec import decode
from counterfoil.ion.hashing import serialize
from counterfoil.ion.reader import MAX_DEPTH, IonValue
from counterfoil.ion.streams import MAX_SIZE_BYTES, read_values
from counterfoil.ion.text_reader import read_text
from counterfoil.ion.text_writer import render_text
from counterfoil.ion.writer import encode

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
    return _single(load_texts(text), "Ion text")


def load_texts(text: str) -> list[Any]:
    """Read all values of Ion text."""
    if len(text) > MAX_SIZE_BYTES:
        raise InputError(f"{len(text)} characters of Ion text; at most {MAX_SIZE_BYTES} are read")
    check_depth(text, "Ion text")
    return _load(text, "Ion text")


def load_binary(data: bytes) -> Any:
    """Read one value of binary Ion into Python values; it is walked first, since amazon.ion trusts lengths that lie."""
    for value in read_values(data):
        serialize(value)
    return _single(_load(data, "binary Ion"), "binary Ion")


def dump_binary(value: Any) -> bytes:
    """Write a Python value, ours or amazon.ion's, as binary Ion, exactly as QLDB's writers did.

    What cannot be written, or only with loss, is an ``InputError``.
    """
    return encode(value)


def dump_text(value: Any) -> str:
    """Write a Python value, ours or amazon.ion's, as compact Ion text, exactly as QLDB's API printed it."""
    return render_text(value_of(value))


def binary_of_text(text: str) -> bytes:
    """The binary form of one value of Ion text: what every hash is computed from."""
    return encode(read_text(text))


def text_of(value: IonValue) -> str:
    """Ion text of a value read from binary, for people and for evidence."""
    return render_text(decode(value))


def _load(source: str | bytes, kind: str) -> list[Any]:
    """By amazon.ion's reader in Python. The one in C is faster; it drops digits of long numbers and fractions of a second without a
    word, and never comes to an end of some malformed texts.
    """
    stream: Any = BytesIO(source) if isinstance(source, bytes) else StringIO(source)
    load = simpleion.load_python
    return list(_guarded(lambda: list(load(stream, single_value=False, parse_eagerly=True)), f"read as {kind}"))


def _single(values: list[Any], kind: str) -> Any:
    if len(values) != 1:
        raise InputError(f"{len(values)} values of {kind} where one was expected")
    return values[0]


def _guarded(call: Callable[[], Any], what: str) -> Any:
    """Whatever amazon.ion raises becomes an ``InputError``."""
    try:
        return call()
    except Exception as error:
        raise InputError(f"cannot be {what}: {error or type(error).__name__}") from error


def check_depth(text: str, kind: str) -> None:
    """Refuse text that is nested too deep before a parser follows it down; ``kind`` is for the message."""
    depth = 0
    for bracket in _BRACKET.finditer(_OPAQUE.sub("", text)):
        depth += 1 if bracket[0] in "[({" else -1
        if depth > MAX_DEPTH:
            raise InputError(f"{kind} nested deeper than {MAX_DEPTH} levels")
