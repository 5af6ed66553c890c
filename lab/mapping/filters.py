"""FilterCriteria of stream mappings.

Lambda Developer Guide, "Control which events Lambda sends to your function", section "Filter rule syntax", and
"Filter events from a Kinesis event source" / "from a DynamoDB event source". Several filters are alternatives; the
fields of one pattern must all match. What the guide's table does not list is refused when the mapping is read.
"""

from __future__ import annotations

import base64
import binascii
import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_FIELDS: Final = {"kinesis": {"data", "partitionKey"}, "dynamodb": {"eventName", "dynamodb", "eventID", "userIdentity"}}
_OPERATORS: Final = {"exists", "prefix", "suffix", "numeric", "anything-but", "equals-ignore-case"}
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ABSENT: Final = object()


class FilterRefusedError(ValueError):
    """A filter pattern that AWS would refuse or that this engine does not model."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The patterns of one mapping; none of them means that every record passes."""

    patterns: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def parse(cls, criteria: Mapping[str, Any] | None, kind: str) -> Filters:
        """Read ``{"Filters": [{"Pattern": "<JSON>"}]}``; a missing pattern admits everything."""
        filters = (criteria or {}).get("Filters") or []
        return cls(tuple(_parse_pattern(each.get("Pattern", "{}"), kind) for each in filters))

    def admit(self, record: Mapping[str, Any]) -> bool:
        """Whether the function is invoked with this record, given in the shape of the function's event."""
        if not self.patterns:
            return True
        view = _kinesis_view(record) if "kinesis" in record else record
        return any(_matches(pattern, view) for pattern in self.patterns)


NO_FILTERS: Final = Filters()


def _parse_pattern(text: str, kind: str) -> Mapping[str, Any]:
    pattern = json.loads(text)
    if not isinstance(pattern, dict):
        raise FilterRefusedError(f"filter pattern {text} is not a JSON object")
    if set(pattern) - _FIELDS[kind]:
        raise FilterRefusedError(f"filter pattern {text} asks for more than {sorted(_FIELDS[kind])} of a {kind} record")
    _check(pattern)
    return pattern


def _check(pattern: Mapping[str, Any]) -> None:
    for name, rule in pattern.items():
        match rule:
            case dict():
                _check(rule)
            case list() if name == "$or":
                for alternative in rule:
                    _check(alternative)
            case list():
                for test in rule:
                    _check_test(test)
            case _:
                raise FilterRefusedError(f"filter rule of {name} must be an object or a list, but is {rule!r}")


def _check_test(test: Any) -> None:
    if isinstance(test, list):
        raise FilterRefusedError(f"filter test {test!r} is a list inside a list")
    if not isinstance(test, dict):
        return
    if len(test) != 1 or set(test) - _OPERATORS:
        raise FilterRefusedError(f"filter test {test!r} is not one of {sorted(_OPERATORS)}")
    match test:
        case {"numeric": list() as words} if len(words) in {2, 4} and set(words[::2]) <= set(_COMPARISONS):
            return
        case {"anything-but": list() as refused} if all(isinstance(each, str | int | float) for each in refused):
            return
        case {"numeric": _} | {"anything-but": _}:
            raise FilterRefusedError(f"filter test {test!r} is neither one or two comparisons nor a list of values")


def _kinesis_view(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a pattern sees of a Kinesis record: Lambda decodes ``data`` and, where it is JSON, looks inside."""
    inner = record["kinesis"]
    return {"partitionKey": inner["partitionKey"], "data": _decoded(inner["data"])}


def _decoded(data: str) -> Any:
    try:
        return json.loads(base64.b64decode(data))
    except (ValueError, binascii.Error):
        return base64.b64decode(data).decode("utf-8", "replace")


def _matches(pattern: Mapping[str, Any], value: Any) -> bool:
    return all(_field_matches(name, rule, value) for name, rule in pattern.items())


def _field_matches(name: str, rule: Any, value: Any) -> bool:
    if name == "$or":
        return any(_matches(alternative, value) for alternative in rule)
    inner = value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    if isinstance(rule, Mapping):
        # A pattern for JSON never matches data that is not JSON: the record is dropped.
        return _matches(rule, inner if isinstance(inner, Mapping) else {})
    return any(_passes(test, inner) for test in rule)


def _passes(test: Any, value: Any) -> bool:
    match test:
        case {"exists": wanted}:
            return bool((value is not _ABSENT) == wanted)
        case _ if value is _ABSENT:
            return False
        case {"prefix": text}:
            return isinstance(value, str) and value.startswith(text)
        case {"suffix": text}:
            return isinstance(value, str) and value.endswith(text)
        case {"equals-ignore-case": text}:
            return isinstance(value, str) and value.casefold() == text.casefold()
        case {"anything-but": refused}:
            return bool(value not in refused)
        case {"numeric": words}:
            return _compares(words, value)
    return bool(type(value) is type(test) and value == test)


def _compares(words: list[Any], value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return all(_COMPARISONS[sign](value, bound) for sign, bound in zip(words[::2], words[1::2], strict=True))
