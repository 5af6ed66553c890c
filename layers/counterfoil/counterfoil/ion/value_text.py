"""Ion values from and to text: Ion's own, and JSON wherever people hand it in or want it out.

JSON says less than Ion. Outwards, as in QLDB's JSON exports (Ion's rules for it): nulls of every type are ``null``, annotations
are left out, symbols and times are strings, blobs base64, clobs strings of their bytes, s-expressions arrays, NaN and infinities
``null``. Inwards, a number with a point or an exponent is a decimal, never a float: 1.50 stays 1.50.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from decimal import Decimal
from typing import Any, Final, NoReturn

from counterfoil.errors import InputError
from counterfoil.ion.reader import MAX_DEPTH, MAX_EXPONENT
from counterfoil.ion.scalars import MAX_DIGITS
from counterfoil.ion.streams import MAX_SIZE_BYTES
from counterfoil.ion.text import check_depth
from counterfoil.ion.text_reader import read_text, read_texts
from counterfoil.ion.text_writer import render_text, render_time
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Annotated, Clob, IonNull, Value, pairs_of

__all__ = ["from_json", "parse_text", "parse_texts", "render_json", "render_text", "to_json"]


def parse_text(text: str) -> Value:
    """The one value of Ion text. More than one, none, or anything malformed is an ``InputError``."""
    return read_text(text)


def parse_texts(text: str) -> list[Value]:
    """All values of Ion text, in order."""
    return read_texts(text)


# JSON, outwards ---------------------------------------------------------------------------------------------------------


def to_json(value: Value) -> Any:
    """A value as what ``json.dumps`` takes.

    A decimal is an int or a float where that is the same number, else a string of its digits: no reader of JSON may round it
    unnoticed. Of a repeated field the first is kept. ``render_json`` loses neither scale nor repeated fields.
    """
    return _json(value, 0)


def _json(value: Value, depth: int) -> Any:
    plain = _bare(value, depth)
    if isinstance(plain, Decimal):
        return _json_number(plain)
    if isinstance(plain, dict):
        return {str(name): _json(field, depth + 1) for name, field in plain.items()}
    if isinstance(plain, list | tuple):
        return [_json(item, depth + 1) for item in plain]
    return plain


def _json_number(number: Decimal) -> int | float | str:
    if number.as_tuple().exponent == 0 and not (number.is_zero() and number.is_signed()):
        return int(number)
    nearest = float(number)
    return nearest if math.isfinite(nearest) and Decimal(repr(nearest)) == number else str(number)


def render_json(value: Value) -> str:
    """A value as JSON text on one line, with the digits of decimals and repeated fields as they are."""
    return _json_text(value, 0)


def _json_text(value: Value, depth: int) -> str:
    plain = _bare(value, depth)
    if isinstance(plain, Decimal):
        return str(plain)
    if isinstance(plain, dict):
        fields = (
            f"{json.dumps(str(name), ensure_ascii=False)}:{_json_text(field, depth + 1)}"
            for name, field in pairs_of(plain)
        )
        return "{" + ",".join(fields) + "}"
    if isinstance(plain, list | tuple):
        return "[" + ",".join([_json_text(item, depth + 1) for item in plain]) + "]"
    return json.dumps(plain, ensure_ascii=False)


def _bare(value: Value, depth: int) -> Any:
    """What JSON has for a value, but for decimals and for what containers hold, which the caller treats."""
    if depth > MAX_DEPTH:
        raise InputError(f"a value nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Annotated):
        value = value.value
    if isinstance(value, IonNull) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, IonTimestamp):
        return render_time(value).removesuffix("T")
    if isinstance(value, Clob):
        return value.decode("latin-1")
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool | int | float | Decimal | dict | list | tuple):
        return value
    raise InputError(f"cannot be written as JSON: a value of type {type(value).__name__}")


# JSON, inwards ----------------------------------------------------------------------------------------------------------

_HALF_OF_A_PAIR: Final = re.compile("[\ud800-\udfff]")


def from_json(text: str) -> Value:
    """The value of a JSON text: ints are ints, other numbers decimals. Repeated names and ``NaN`` are an ``InputError``."""
    if len(text) > MAX_SIZE_BYTES:
        raise InputError(f"{len(text)} characters of JSON; at most {MAX_SIZE_BYTES} are read")
    check_depth(text, "JSON")
    try:
        value = _DECODER.decode(text)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise InputError(f"cannot be read as JSON: {error}") from None
    if "\\u" in text or not text.isascii():
        _refuse_surrogates(value)
    return value


def _refuse_surrogates(value: Value) -> None:
    if isinstance(value, str):
        if _HALF_OF_A_PAIR.search(value):
            raise InputError("cannot be read as JSON: half of a surrogate pair, which is no character")
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)
    elif isinstance(value, dict):
        for name, field in value.items():
            _refuse_surrogates(name)
            _refuse_surrogates(field)


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InputError(f"a JSON object with a name that comes twice among {[name for name, _ in pairs][:20]}")
    return fields


def _int(digits: str) -> int:
    _check_digits(digits)
    return int(digits)


def _decimal(digits: str) -> Decimal:
    _check_digits(digits)
    number = Decimal(digits)
    if abs(int(number.as_tuple().exponent)) > MAX_EXPONENT:
        raise InputError(f"the number {digits[:40]} of JSON: at most exponent {MAX_EXPONENT} either way is read")
    return number


def _check_digits(digits: str) -> None:
    if len(digits) > MAX_DIGITS:
        raise InputError(f"a number of {len(digits)} characters in JSON; at most {MAX_DIGITS} are read")


def _constant(name: str) -> NoReturn:
    raise InputError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_decimal, parse_int=_int, parse_constant=_constant
)
