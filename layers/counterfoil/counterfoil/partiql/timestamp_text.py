"""Ion timestamps as Ion text, to their precision and with their own offset."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion.timestamps import MAX_FRACTION_DIGITS, IonTimestamp
from counterfoil.partiql.calendar_arithmetic import local
from counterfoil.partiql.syntax import Position

_TEXT: Final = re.compile(
    r"(?P<year>\d{4})(?:T|-(?P<month>\d\d)(?:T|-(?P<day>\d\d)(?:T(?P<clock>"
    r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<offset>Z|[+-]\d\d:\d\d))?)?))",
    re.ASCII,
)


def render_timestamp(timestamp: IonTimestamp, at: Position) -> str:
    """``2007-02-23T12:14:33.079-08:00``"""
    moment = local(timestamp, at)
    precision = len(timestamp.fields)
    if precision <= 2:
        return f"{moment.year:04}T" if precision == 1 else f"{moment.year:04}-{moment.month:02}T"
    date = f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
    if precision == 3:
        return date
    second = f":{moment.second:02}" if precision == 6 else ""
    fraction = "" if timestamp.fraction is None else f"{timestamp.fraction:f}"[1:]
    return f"{date}T{moment.hour:02}:{moment.minute:02}{second}{fraction}{_offset(timestamp.offset_minutes)}"


def _offset(minutes: int | None) -> str:
    if not minutes:
        return "-00:00" if minutes is None else "Z"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def parse_timestamp_text(text: str) -> IonTimestamp:
    """Read a timestamp of Ion text; anything else is an ``InputError``."""
    found = _TEXT.fullmatch(text)
    if found is None or len(found["fraction"] or "") > MAX_FRACTION_DIGITS:
        raise InputError("not an Ion timestamp, or finer than 18 digits of a second")
    fields = [int(found[name]) for name in ("year", "month", "day", "hour", "minute", "second") if found[name]]
    fraction = Decimal(f"0.{found['fraction']}") if found["fraction"] else None
    offset = _parse_offset(found["offset"]) if found["offset"] else None
    return make_timestamp(fields, fraction, offset)


def _parse_offset(text: str) -> int | None:
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return None if text == "-00:00" else -minutes if text[0] == "-" else minutes


def make_timestamp(fields: list[int], fraction: Decimal | None, offset: int | None) -> IonTimestamp:
    """A timestamp of the fields that its own clock shows; those outside the calendar are an ``InputError``."""
    year, *rest = fields
    if abs(offset or 0) >= 24 * 60:
        raise InputError("an offset of a day or more")
    try:
        moment = datetime(year, *(*rest, *(1, 1, 0, 0, 0)[len(rest) :]))  # type: ignore[arg-type]  # noqa: DTZ001 - it is local
        utc = moment - timedelta(minutes=offset or 0)
    except (ValueError, OverflowError) as error:
        raise InputError(f"not in the calendar: {error}") from None
    return IonTimestamp(utc.timetuple()[: len(fields)], fraction, offset)
