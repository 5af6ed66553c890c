"""The patterns of ``TO_STRING`` and ``TO_TIMESTAMP``: a subset of java.time's DateTimeFormatter.

Source: Amazon QLDB reference, "Timestamp format strings"; partiql-lang-kotlin of 2021, the PTS scripts to_string and to_timestamp.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.partiql.calendar_arithmetic import local
from counterfoil.partiql.syntax import Position
from counterfoil.partiql.timestamp_text import make_timestamp

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
MAX_PATTERN: Final = 1_000  # characters; QLDB's longest example has 30
MAX_FRACTION: Final = 9  # java.time counts in nanoseconds

_SYMBOL: Final = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']", re.DOTALL)


class Moment(NamedTuple):
    """What a pattern's symbols show: the local clock, nanoseconds of the second, minutes of offset."""

    clock: datetime
    nanosecond: int
    offset_minutes: int


def format_timestamp(timestamp: IonTimestamp, pattern: str, at: Position) -> str:
    """``TO_STRING``; a pattern that is not known is an ``InputError``."""
    nanosecond = int((timestamp.fraction or 0) * 1_000_000_000)
    moment = Moment(local(timestamp, at), nanosecond, timestamp.offset_minutes or 0)
    return "".join(part if isinstance(part, str) else part(moment) for part in _format_parts(pattern))


def parse_with_pattern(text: str, pattern: str) -> IonTimestamp:
    """``TO_TIMESTAMP`` with a pattern; a text or a pattern that does not fit is an ``InputError``."""
    expression, fraction_symbol = _parse_expression(pattern)
    found = expression.fullmatch(text)
    if found is None:
        raise InputError(f"the text is not as the pattern {pattern!r} says")
    return _assemble(found.groupdict(), fraction_symbol)


@lru_cache(maxsize=256)
def _format_parts(pattern: str) -> tuple[str | Callable[[Moment], str], ...]:
    return tuple(_format_part(symbol, pattern) for symbol in _symbols(pattern))


def _format_part(symbol: str, pattern: str) -> str | Callable[[Moment], str]:
    if not symbol[0].isalpha() or not symbol.isascii():
        return _literal(symbol)
    if set(symbol) == {"S"} and len(symbol) <= MAX_FRACTION:
        return lambda moment: f"{moment.nanosecond:09}"[: len(symbol)]
    show = _SHOW.get(symbol)
    if show is None:
        raise _unknown_symbol(symbol, pattern)
    return show


def _symbols(pattern: str) -> list[str]:
    if len(pattern) > MAX_PATTERN:
        raise InputError(f"a pattern of {len(pattern)} characters; at most {MAX_PATTERN} are taken")
    symbols = [found[0] for found in _SYMBOL.finditer(pattern)]
    if sum(map(len, symbols)) != len(pattern):
        raise InputError(f"the pattern {pattern!r} has a quote that does not end")
    if not pattern:
        raise InputError("the pattern is empty")
    return symbols


def _literal(symbol: str) -> str:
    if symbol == "''":
        return "'"
    return symbol[1:-1].replace("''", "'") if symbol[0] == "'" else symbol


def _unknown_symbol(symbol: str, pattern: str) -> InputError:
    return InputError(f"the pattern {pattern!r} has the symbol {symbol!r}, which is not known")


def _show_offset(letter: str, length: int) -> Callable[[Moment], str]:
    """``+01``, ``+0100`` or ``+01:00``; of a capital letter UTC is ``Z``, of one letter whole hours have no minutes."""
    colon = ":" if length in {3, 5} else ""

    def show(moment: Moment) -> str:
        minutes = moment.offset_minutes
        if letter == "X" and minutes == 0:
            return "Z"
        hour, minute = divmod(abs(minutes), 60)
        rest = "" if length == 1 and not minute else f"{colon}{minute:02}"
        return f"{'-' if minutes < 0 else '+'}{hour:02}{rest}"

    return show


def _offset_text(letter: str, length: int) -> str:
    """What may stand for such an offset, as a regular expression."""
    minutes = {1: r"(?:\d\d)?", 3: r":\d\d", 5: r":\d\d"}.get(length, r"\d\d")
    return ("Z|" if letter == "X" else "") + r"[+-]\d\d" + minutes


_SHOW: Final[dict[str, Callable[[Moment], str]]] = {
    "y": lambda moment: str(moment.clock.year),
    "yy": lambda moment: f"{moment.clock.year % 100:02}",
    "yyy": lambda moment: f"{moment.clock.year:03}",
    "yyyy": lambda moment: f"{moment.clock.year:04}",
    "M": lambda moment: str(moment.clock.month),
    "MM": lambda moment: f"{moment.clock.month:02}",
    "MMM": lambda moment: MONTHS[moment.clock.month - 1][:3],
    "MMMM": lambda moment: MONTHS[moment.clock.month - 1],
    "MMMMM": lambda moment: MONTHS[moment.clock.month - 1][0],
    "d": lambda moment: str(moment.clock.day),
    "dd": lambda moment: f"{moment.clock.day:02}",
    "a": lambda moment: "AM" if moment.clock.hour < 12 else "PM",
    "H": lambda moment: str(moment.clock.hour),
    "HH": lambda moment: f"{moment.clock.hour:02}",
    "h": lambda moment: str((moment.clock.hour - 1) % 12 + 1),
    "hh": lambda moment: f"{(moment.clock.hour - 1) % 12 + 1:02}",
    "m": lambda moment: str(moment.clock.minute),
    "mm": lambda moment: f"{moment.clock.minute:02}",
    "s": lambda moment: str(moment.clock.second),
    "ss": lambda moment: f"{moment.clock.second:02}",
    "n": lambda moment: str(moment.nanosecond),
    **{letter * length: _show_offset(letter, length) for letter in "Xx" for length in range(1, 6)},
}

_SHORT_MONTHS: Final = "|".join(month[:3] for month in MONTHS)

# Each symbol that may be read: the field that it fills and the text that it takes.
_READ: Final[dict[str, tuple[str, str]]] = {
    "y": ("year", r"\d{1,9}"),
    "yy": ("short_year", r"\d\d"),
    "yyy": ("year", r"\d{3,9}"),
    "yyyy": ("year", r"\d{4}"),
    "M": ("month", r"\d{1,2}"),
    "MM": ("month", r"\d\d"),
    "MMM": ("month_name", _SHORT_MONTHS),
    "MMMM": ("month_name", "|".join(MONTHS)),
    "d": ("day", r"\d{1,2}"),
    "dd": ("day", r"\d\d"),
    "a": ("half", r"[AaPp][Mm]"),
    "H": ("hour", r"\d{1,2}"),
    "HH": ("hour", r"\d\d"),
    "h": ("half_hour", r"\d{1,2}"),
    "hh": ("half_hour", r"\d\d"),
    "m": ("minute", r"\d{1,2}"),
    "mm": ("minute", r"\d\d"),
    "s": ("second", r"\d{1,2}"),
    "ss": ("second", r"\d\d"),
    "n": ("nanosecond", r"\d{1,19}"),
    **{letter * length: ("offset", _offset_text(letter, length)) for letter in "Xx" for length in range(1, 6)},
}


@lru_cache(maxsize=256)
def _parse_expression(pattern: str) -> tuple[re.Pattern[str], str]:
    """The pattern as a regular expression with a group for each field, and the symbol of its fraction."""
    seen: set[str] = set()
    fraction = ""
    parts = []
    for symbol in _symbols(pattern):
        if not symbol[0].isalpha() or not symbol.isascii():
            parts.append(re.escape(_literal(symbol)))
            continue
        if set(symbol) == {"S"} and len(symbol) <= MAX_FRACTION:
            field, taken, fraction = "fraction", rf"\d{{{len(symbol)}}}", symbol
        elif symbol in _READ:
            field, taken = _READ[symbol]
        else:
            raise _unknown_symbol(symbol, pattern)
        if field in seen:
            raise InputError(f"the pattern {pattern!r} tells the {field} twice")
        seen.add(field)
        parts.append(f"(?P<{field}>{taken})")
    return re.compile("".join(parts), re.ASCII), fraction


def _assemble(found: dict[str, str], fraction_symbol: str) -> IonTimestamp:
    """The timestamp of the fields found; each needs all the greater ones."""
    fields = [_year(found), _month(found), _number(found, "day"), _hour(found)]
    known = [value for value in fields if value is not None]
    if not known or fields[: len(known)] != known:
        raise InputError("a field is given without one that is greater")
    fine = [name for name in ("minute", "second", "fraction", "nanosecond", "offset", "half") if name in found]
    if len(known) < 4:
        if fine:
            raise InputError(f"the {fine[0]} is given without an hour")
        return make_timestamp(known, None, None)
    return _assemble_time(found, known, fraction_symbol)


def _assemble_time(found: dict[str, str], fields: list[int], fraction_symbol: str) -> IonTimestamp:
    second, fraction = _number(found, "second"), _fraction(found, fraction_symbol)
    if (second is not None and "minute" not in found) or (fraction is not None and second is None):
        raise InputError("a field is given without one that is greater")
    fields = [*fields, _number(found, "minute") or 0, *([] if second is None else [second])]
    return make_timestamp(fields, fraction, _parse_offset(found.get("offset")))


def _number(found: dict[str, str], name: str) -> int | None:
    return int(found[name]) if name in found else None


def _year(found: dict[str, str]) -> int | None:
    """Two digits are from 1970 to 2069."""
    short = _number(found, "short_year")
    return _number(found, "year") if short is None else short + (1900 if short >= 70 else 2000)


def _month(found: dict[str, str]) -> int | None:
    name = found.get("month_name")
    if name is None:
        return _number(found, "month")
    return next(index for index, month in enumerate(MONTHS, 1) if month[:3] == name[:3])


def _hour(found: dict[str, str]) -> int | None:
    hour, half = _number(found, "half_hour"), found.get("half", "").lower()
    if hour is None:
        return _number(found, "hour")
    if not 1 <= hour <= 12 or not half:
        raise InputError("an hour of the half day goes from 1 to 12 and needs AM or PM")
    return hour % 12 + (12 if half == "pm" else 0)


def _fraction(found: dict[str, str], symbol: str) -> Decimal | None:
    """The fraction without zeros at its end."""
    if symbol:
        digits = found["fraction"]
    elif "nanosecond" in found and int(found["nanosecond"]) < 1_000_000_000:
        digits = f"{int(found['nanosecond']):09}"
    elif "nanosecond" in found:
        raise InputError("a second has 1,000,000,000 nanoseconds")
    else:
        return None
    digits = digits.rstrip("0")
    return Decimal(f"0.{digits}") if digits else None


def _parse_offset(text: str | None) -> int | None:
    if text is None or text == "Z":
        return None if text is None else 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 18 or minutes > 59:
        raise InputError("an offset is at most 18 hours")
    return -(hours * 60 + minutes) if text[0] == "-" else hours * 60 + minutes
