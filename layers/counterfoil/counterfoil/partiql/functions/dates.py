"""Functions of timestamps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Value
from counterfoil.partiql.calendar_arithmetic import PRECISION_OF, add, between, local
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.functions.function import Function, int_argument, text_argument
from counterfoil.partiql.kinds import bare, type_name
from counterfoil.partiql.syntax import Position
from counterfoil.partiql.timestamp_patterns import format_timestamp, parse_with_pattern
from counterfoil.partiql.timestamp_text import parse_timestamp_text

_CLOCK_PARTS: Final = ("year", "month", "day", "hour", "minute", "second")


def timestamp_argument(value: Value, function: str, at: Position) -> IonTimestamp:
    """The argument, which must be a timestamp."""
    timestamp = bare(value)
    if type(timestamp) is IonTimestamp:
        return timestamp
    raise evaluator_fault(f"{function} needs a timestamp, not a {type_name(value)}", at)


def _part(value: Value, function: str, at: Position) -> str:
    if value in PRECISION_OF:
        return str(value)
    raise evaluator_fault(f"{function} needs one of {', '.join(_CLOCK_PARTS)}, not {value}", at)


def _date_add(arguments: Sequence[Value], at: Position) -> IonTimestamp:
    part = _part(arguments[0], "DATE_ADD", at)
    quantity = int_argument(arguments[1], "DATE_ADD", at)
    return add(part, quantity, timestamp_argument(arguments[2], "DATE_ADD", at), at)


def _date_diff(arguments: Sequence[Value], at: Position) -> int:
    part = _part(arguments[0], "DATE_DIFF", at)
    left, right = (timestamp_argument(value, "DATE_DIFF", at) for value in arguments[1:])
    return between(part, left, right, at)


def _extract(arguments: Sequence[Value], at: Position) -> int:
    """An int: the fraction of the second is left out. The offset's parts have its sign."""
    part, timestamp = arguments[0], timestamp_argument(arguments[1], "EXTRACT", at)
    offset = timestamp.offset_minutes or 0
    if part in _CLOCK_PARTS:
        return int(getattr(local(timestamp, at), part))
    if part in {"timezone_hour", "timezone_minute"}:
        amount = abs(offset) // 60 if part == "timezone_hour" else abs(offset) % 60
        return -amount if offset < 0 else amount
    raise evaluator_fault(f"EXTRACT does not know {part}", at)


def _to_string(arguments: Sequence[Value], at: Position) -> str:
    timestamp = timestamp_argument(arguments[0], "TO_STRING", at)
    pattern = text_argument(arguments[1], "TO_STRING", at)
    try:
        return format_timestamp(timestamp, pattern, at)
    except InputError as error:
        raise evaluator_fault(f"TO_STRING: {error}", at) from None


def _to_timestamp(arguments: Sequence[Value], at: Position) -> IonTimestamp:
    texts = [text_argument(value, "TO_TIMESTAMP", at) for value in arguments]
    try:
        return parse_timestamp_text(texts[0]) if len(texts) == 1 else parse_with_pattern(texts[0], texts[1])
    except InputError as error:
        raise evaluator_fault(f"TO_TIMESTAMP: {error}", at) from None


DATES: Final = {
    "date_add": Function(3, 3, _date_add),
    "date_diff": Function(3, 3, _date_diff),
    "extract": Function(2, 2, _extract),
    "to_string": Function(2, 2, _to_string),
    "to_timestamp": Function(1, 2, _to_timestamp),
}
