"""Arithmetic on Ion timestamps: local fields, adding, counting what lies between.

A timestamp keeps its offset; where a precision is not enough for what is added, the result has more of it (an hour to a day
gives minutes). Source: partiql-lang-kotlin of 2021, DateAddExprFunction and DateDiffExprFunction.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta
from typing import Final

from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.syntax import Position

# How many of year, month, day, hour, minute, second a timestamp has at least once something of this part was added.
PRECISION_OF: Final = {"year": 1, "month": 2, "day": 3, "hour": 5, "minute": 5, "second": 6}
_SECONDS_IN: Final = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_MONTHS_IN: Final = {"year": 12, "month": 1}
_LOWEST: Final = (1, 1, 0, 0, 0)
MAX_QUANTITY: Final = 10**12  # more seconds than there are in Ion's 9,999 years


def local(timestamp: IonTimestamp, at: Position) -> datetime:
    """The fields as the timestamp's own clock shows them, without the fraction of the second."""
    year, *rest = timestamp.fields
    moment = datetime(year, *(*rest, *_LOWEST[len(rest) :]))  # type: ignore[arg-type]  # noqa: DTZ001 - it is local
    try:
        return moment + timedelta(minutes=timestamp.offset_minutes or 0)
    except OverflowError:
        raise evaluator_fault("the timestamp is outside the years 1 to 9999 by its own clock", at) from None


def from_local(moment: datetime, precision: int, like: IonTimestamp, at: Position) -> IonTimestamp:
    """The timestamp whose clock shows ``moment``, with the fraction and offset of another."""
    offset = like.offset_minutes if precision > 3 else None
    try:
        utc = moment - timedelta(minutes=offset or 0)
    except OverflowError:
        raise evaluator_fault("the timestamp is outside the years 1 to 9999", at) from None
    return IonTimestamp(utc.timetuple()[:precision], like.fraction if precision == 6 else None, offset)


def add(part: str, quantity: int, timestamp: IonTimestamp, at: Position) -> IonTimestamp:
    """``quantity`` of ``part`` later; the 31st becomes the last day of a shorter month."""
    moment = local(timestamp, at)
    precision = max(PRECISION_OF[part], len(timestamp.fields))
    try:
        later = _add_months(moment, quantity * _MONTHS_IN[part]) if part in _MONTHS_IN else _add(moment, part, quantity)
    except (OverflowError, ValueError):
        raise evaluator_fault(f"{quantity} {part}s from there is outside the years 1 to 9999", at) from None
    return from_local(later, precision, timestamp, at)


def _add(moment: datetime, part: str, quantity: int) -> datetime:
    if abs(quantity) > MAX_QUANTITY:
        raise OverflowError
    return moment + timedelta(seconds=quantity * _SECONDS_IN[part])


def _add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not 1 <= year <= 9_999:
        raise OverflowError
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def between(part: str, left: IonTimestamp, right: IonTimestamp, at: Position) -> int:
    """How many whole ``part``s lead from left to right, on left's clock; fractions of the second do not count."""
    start = local(left, at)
    end = local(right._replace(offset_minutes=left.offset_minutes), at)
    if part in _MONTHS_IN:
        return _towards_zero(_months_between(start, end), _MONTHS_IN[part])
    return _towards_zero((end - start) // timedelta(seconds=1), _SECONDS_IN[part])


def _months_between(start: datetime, end: datetime) -> int:
    """Whole months, as java.time counts them: a day that is not over is not there."""
    end_date = end.date()
    if end_date > start.date() and end.time() < start.time():
        end_date -= timedelta(days=1)
    elif end_date < start.date() and end.time() > start.time():
        end_date += timedelta(days=1)
    first = (start.year * 12 + start.month - 1) * 32 + start.day
    last = (end_date.year * 12 + end_date.month - 1) * 32 + end_date.day
    return _towards_zero(last - first, 32)


def _towards_zero(value: int, size: int) -> int:
    return value // size if value >= 0 else -(-value // size)
