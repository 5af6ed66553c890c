"""Writes Ion values as compact Ion text, as amazon.ion's writer in C prints it and QLDB's API printed it.

Unlike that writer it loses nothing: fractions of a second and decimals of any length are written whole.

Source: Ion specification 1.0, "Text Encoding"; the choice among equal texts from amazon.ion 0.15 (tests/property/test_text_laws.py).
"""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.ion.reader import MAX_DEPTH, MAX_INT_BYTES
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, Sexp, Value, pairs_of


def render_text(value: Value) -> str:
    """Compact Ion text of a value; times at their own offset. What no Ion value is, is an ``InputError``."""
    return _text(value, 0)


def _text(value: Value, depth: int) -> str:
    scalar = _SCALARS.get(type(value))
    if scalar is not None:
        return scalar(value)
    if depth >= MAX_DEPTH:
        raise InputError(f"a value nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Annotated):
        if isinstance(value.value, Annotated) or not value.annotations:
            raise InputError("an annotated value has one annotation or more, all at once")
        return "".join(f"{render_symbol(each)}::" for each in value.annotations) + _text(value.value, depth)
    if isinstance(value, dict):
        fields = (f"{render_symbol(name)}:{_text(field, depth + 1)}" for name, field in pairs_of(value))
        return "{" + ",".join(fields) + "}"
    if isinstance(value, Sexp):
        return "(" + " ".join([_text(item, depth + 1) for item in value]) + ")"
    if isinstance(value, list | tuple) and not isinstance(value, IonNull | IonTimestamp):
        return "[" + ",".join([_text(item, depth + 1) for item in value]) + "]"
    return _extended(value)


def _extended(value: Any) -> str:
    """A scalar of a type that extends one of the table's."""
    for kind, render in _SCALARS.items():
        if kind is not type(None) and isinstance(value, kind):
            return render(value)
    raise InputError(f"cannot be written as Ion text: a value of type {type(value).__name__}")


# Text and symbols -------------------------------------------------------------------------------------------------------

_LETTERS: Final = {0: "0", 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 92: "\\"}
_ESCAPES: Final = {code: f"\\{_LETTERS[code]}" if code in _LETTERS else f"\\x{code:02X}" for code in (*range(32), 92)}
_STRING_ESCAPES: Final = _ESCAPES | {34: '\\"'}
_SYMBOL_ESCAPES: Final = _ESCAPES | {39: "\\'"}
_CLOB_ESCAPES: Final = _STRING_ESCAPES | {code: f"\\x{code:02X}" for code in range(0x7F, 0x100)}

_NEEDS_ESCAPE: Final = re.compile(r'[\x00-\x1f"\\]')
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# Bare ``$ion_1_0`` is no symbol at the top level but the beginning of Ion 1.0.
_IDENTIFIER: Final = re.compile(r"(?!(?:null|true|false|nan)\Z|\$(?:ion_\d+_)?\d+\Z)[A-Za-z_$][A-Za-z0-9_$]*", re.ASCII)


def _string(text: str) -> str:
    if not text.isascii():
        _refuse_surrogates(text)
    return f'"{text.translate(_STRING_ESCAPES) if _NEEDS_ESCAPE.search(text) else text}"'


def render_symbol(text: str) -> str:
    """A symbol, field name or annotation, in quotes where it would else be read as something other."""
    if _IDENTIFIER.fullmatch(text):
        return str(text)
    if not text and isinstance(text, IonSymbol) and text.unknown:
        return "$0"
    _refuse_surrogates(text)
    return f"'{text.translate(_SYMBOL_ESCAPES)}'"


def _refuse_surrogates(text: str) -> None:
    if _SURROGATE.search(text):
        raise InputError("cannot be written as Ion text: half of a surrogate pair, which is no character")


def _clob(octets: bytes) -> str:
    return '{{"' + octets.decode("latin-1").translate(_CLOB_ESCAPES) + '"}}'


def _blob(octets: bytes) -> str:
    return "{{" + b64encode(octets).decode() + "}}"


# Numbers, times and the rest --------------------------------------------------------------------------------------------


def _int(number: int) -> str:
    if number.bit_length() > MAX_INT_BYTES * 8:
        raise InputError(f"an int of {number.bit_length()} bits; at most {MAX_INT_BYTES * 8} are written")
    return int.__repr__(number)


def _decimal(number: Decimal) -> str:
    if not number.is_finite():
        raise InputError(f"cannot be written as Ion text: {number} is not a decimal of Ion")
    text = Decimal.__str__(number).replace("E", "d")
    return text if "." in text or "d" in text else text + "d0"


def _float(number: float) -> str:
    """Twenty digits, as amazon.ion's writer prints them: more than are needed to read the same number again."""
    if not math.isfinite(number):
        return "nan" if math.isnan(number) else ("+inf" if number > 0 else "-inf")
    text = f"{number:.20g}"
    return text if "e" in text else (f"{text}e0" if number == 0 else f"{text}e+0")


def render_time(moment: IonTimestamp) -> str:
    """A time to its precision, at its own offset; a day or less without ``T`` where Ion lets it be left out."""
    count, offset = len(moment.fields), moment.offset_minutes
    if count <= 3 or not offset:
        return str(moment)
    year, month, day, hour, minute = moment.fields[:5]
    try:
        local = datetime(year, month, day, hour, minute) + timedelta(minutes=offset)  # noqa: DTZ001 - moved by its offset
    except (ValueError, OverflowError):
        raise InputError(f"the time {moment} leaves the calendar at its offset of {offset} minutes") from None
    seconds = str(moment)[16:-1]
    hours, minutes = divmod(abs(offset), 60)
    return f"{local.isoformat()[:16]}{seconds}{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"


_TYPE_NAMES: Final = {"negative_int": "int"}


def _null(null: IonNull) -> str:
    name = null.type.name.lower()
    return f"null.{_TYPE_NAMES.get(name, name)}"


_SCALARS: Final[dict[type, Callable[[Any], str]]] = {
    bool: lambda truth: "true" if truth else "false",
    type(None): lambda _: "null",
    IonNull: _null,
    IonTimestamp: render_time,
    IonSymbol: render_symbol,
    str: _string,
    int: _int,
    float: _float,
    Decimal: _decimal,
    Clob: _clob,
    bytes: _blob,
}
