"""JSON of a format with exact members, read strictly: whatever is not as it must be is an ``InputError`` that says where."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from counterfoil.errors import InputError, LimitError


def document_of(data: bytes, what: str) -> Any:
    """One JSON value in UTF-8, in which no object has a member twice and no number is more than JSON has."""
    try:
        return json.loads(data.decode(), object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} that is not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("an object with the same member twice")
    return fields


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def members(value: object, what: str, names: Sequence[str], *, others: bool = False) -> Mapping[str, Any]:
    """An object with exactly these members; with ``others`` it may have more."""
    if not isinstance(value, Mapping):
        raise InputError(f"{what} is no JSON object")
    if missing := [name for name in names if name not in value]:
        raise InputError(f"{what} has no {missing[0]}")
    if not others and (more := sorted(value.keys() - set(names))):
        raise InputError(f"{what} has a member {more[0][:80]!r}, which this format does not know")
    return value


def list_of(value: object, what: str, limit: int) -> Sequence[object]:
    if not isinstance(value, list):
        raise InputError(f"{what} is no JSON list")
    if len(value) > limit:
        raise LimitError(f"{what} has {len(value)} parts; at most {limit} are read")
    return value


def text_of(value: object, what: str) -> str:
    """A text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise InputError(f"{what} is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{what} has half a character") from None
    return value


def number_of(value: object, what: str) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise InputError(f"{what} is no whole number from 0")
    return value
