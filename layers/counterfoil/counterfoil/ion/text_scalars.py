"""Scalars of Ion text: numbers, times, strings and lobs, each from the characters of its token.

Source: Ion specification 1.0, "Text Encoding".
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.ion.reader import MAX_EXPONENT, MAX_INT_BYTES
from counterfoil.ion.scalars import MAX_DIGITS
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Clob

# Numbers ----------------------------------------------------------------------------------------------------------------

_BASES: Final = {"0x": 16, "0b": 2}


def number_of(text: str) -> Any:
    """An int, a decimal or a float. Longer numbers than are written in binary are an ``InputError`` before they cost anything."""
    digits = text.replace("_", "").lower()
    base = _BASES.get(digits.lstrip("-")[:2])
    if base is not None:
        return _in_bounds(_int_of(digits, base))
    if "e" in digits:
        return float(digits)
    if "d" in digits or "." in digits:
        return _decimal_of(digits)
    return _in_bounds(_int_of(digits, 10))


def _int_of(digits: str, base: int) -> int:
    at_most = MAX_DIGITS if base == 10 else MAX_INT_BYTES * 8 + 3
    if len(digits) > at_most:
        raise InputError(f"an int of {len(digits)} characters; at most {MAX_INT_BYTES} bytes of it are read")
    return int(digits, base)


def _in_bounds(number: int) -> int:
    if number.bit_length() > MAX_INT_BYTES * 8:
        raise InputError(f"an int of {number.bit_length()} bits; at most {MAX_INT_BYTES * 8} are read")
    return number


def _decimal_of(digits: str) -> Decimal:
    coefficient, _, exponent = digits.partition("d")
    scale = len(coefficient.partition(".")[2])
    if len(coefficient) > MAX_DIGITS or len(exponent) > 10 or abs(int(exponent or "0") - scale) > MAX_EXPONENT:
        raise InputError(
            f"a decimal of {len(coefficient)} characters with exponent {exponent[:20] or 0}; at most {MAX_DIGITS} digits and an "
            f"exponent of {MAX_EXPONENT} either way are read"
        )
    return Decimal(f"{coefficient}e{exponent or 0}")


# Times ------------------------------------------------------------------------------------------------------------------

TIME_PATTERN: Final = r"\d{4}(?:T|-\d\d(?:T|-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d++)?)?(?:Z|[+-]\d\d:\d\d)|T?)))"
_TIME: Final = re.compile(
    r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?T?(?:(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d))?"
)


def time_of(text: str) -> IonTimestamp:
    """A timestamp at its own precision and offset; its fields are kept in UTC."""
    found = _TIME.fullmatch(text)
    assert found is not None, text  # it matched TIME_PATTERN
    *parts, fraction, offset = found.groups()
    given = [int(part) for part in parts if part is not None]
    minutes = _offset_minutes(offset) if offset is not None else None
    year, month, day, hour, minute, second = (*given, *(1, 1, 1, 0, 0, 0)[len(given) :])
    try:
        utc = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        if minutes:
            utc = utc.replace(tzinfo=timezone(timedelta(minutes=minutes))).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"the time {text[:40]} is not in the calendar: {error}") from None
    fields = (utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second)[: len(given)]
    return IonTimestamp(fields, None if fraction is None else _fraction_of(fraction), minutes)


def _offset_minutes(text: str) -> int | None:
    """``-00:00`` says that the local offset is not known."""
    if text in {"Z", "-00:00"}:
        return 0 if text == "Z" else None
    hours, minutes = int(text[1:3]), int(text[4:])
    if hours > 23 or minutes > 59:
        raise InputError(f"the offset {text} is not one of a day's")
    return (60 * hours + minutes) * (-1 if text[0] == "-" else 1)


def _fraction_of(digits: str) -> Decimal:
    if len(digits) > MAX_DIGITS:
        raise InputError(f"a fraction of a second of {len(digits)} digits; at most {MAX_DIGITS} are read")
    return Decimal(f"0.{digits}")


# Strings and lobs -------------------------------------------------------------------------------------------------------

_ESCAPE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(\r\n|.))", re.DOTALL)
_MEANT: Final = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "v": "\v",
    '"': '"', "'": "'", "?": "?", "/": "/", "\\": "\\", "\n": "", "\r": "", "\r\n": "",
}  # fmt: skip
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a\x0d\x0e-\x1f]")
_LONG_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_NOT_BASE64: Final = re.compile(r"[ \t\n\r\v\f]+")


def text_of_quoted(inside: str, *, long: bool = False) -> str:
    """What stands between quotes, escapes resolved. A long string may hold line ends, which all become line feeds."""
    if "\\" not in inside and inside.isascii() and inside.isprintable():
        return inside
    bad = (_LONG_CONTROL if long else _CONTROL).search(_ESCAPE.sub("", inside))
    if bad is not None:
        raise InputError(f"the control character U+{ord(bad[0]):04X} stands in quotes without an escape")
    text = inside.replace("\r\n", "\n").replace("\r", "\n") if long else inside
    return _whole(_ESCAPE.sub(_meaning, text))


def clob_of(inside: str, *, long: bool = False) -> Clob:
    """Bytes as text: ASCII, and hexadecimal escapes for the rest."""
    if not inside.isascii() or re.search(r"(?<!\\)(?:\\\\)*\\[uU]", inside):
        raise InputError("a clob is written in ASCII, and without escapes of Unicode")
    return Clob(text_of_quoted(inside, long=long).encode("latin-1"))


def blob_of(inside: str) -> bytes:
    try:
        return b64decode(_NOT_BASE64.sub("", inside), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"a blob that is not base64: {error}") from None


def _meaning(escape: re.Match[str]) -> str:
    octet, short, long, letter = escape.groups()
    if letter is not None:
        if letter not in _MEANT:
            raise InputError(f"\\{letter} is no escape of Ion")
        return _MEANT[letter]
    code = int(octet or short or long, 16)
    if code > 0x10FFFF:
        raise InputError(f"U+{code:X} is no character")
    return chr(code)


def _whole(text: str) -> str:
    """Two halves of a surrogate pair become one character; half a pair alone is none."""
    if _SURROGATE.search(text):
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise InputError("half of a surrogate pair, which is no character") from None
    return text
