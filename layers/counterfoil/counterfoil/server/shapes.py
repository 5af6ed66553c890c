"""Reads JSON into the values of a service model's shape, or says what in it has another shape.

Each shape is compiled once into a function. Blobs become bytes, timestamps aware datetimes; members that are null or unknown to the
model are left out, as AWS's services do.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.server.service_models import Shape

# Reads a value found at a place; the place is for messages only.
Read = Callable[[Any, str], Any]

# The model bounds parameters by QLDB's limits, this server by those it was started with (``ledger.limits``).
UNBOUNDED: Final = frozenset({"IonBinary", "IonText", "Statement"})


class ShapeError(InputError):
    """A value has another shape than the model says. ``name`` is the outermost member that it is in."""

    def __init__(self, place: str, constraint: str) -> None:
        super().__init__(
            f"1 validation error detected: Value at '{place}' failed to satisfy constraint: Member must {constraint}"
        )
        self.name = re.split(r"[.\[]", place, maxsplit=1)[0]


def reader_of(shape: Shape) -> Read:
    """The function that reads values of a shape. No shape of the two models contains itself."""
    return _KINDS[shape.type](shape)


def _structure(shape: Shape) -> Read:
    members = {name: reader_of(member) for name, member, _ in shape.members()}
    required = shape.required

    def read(value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ShapeError(place, "be a structure")
        below = f"{place}." if place else ""
        found = {
            name: members[name](each, below + name)
            for name, each in value.items()
            if each is not None and name in members
        }
        for name in required:
            if name not in found:
                raise ShapeError(below + name, "not be null")
        return found

    return read


def _list(shape: Shape) -> Read:
    member = reader_of(shape.part("member"))
    check = _size_check(shape)

    def read(value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise ShapeError(place, "be a list")
        check(len(value), place)
        return [member(each, f"{place}[{at}]") for at, each in enumerate(value)]

    return read


def _map(shape: Shape) -> Read:
    key_of, value_of = reader_of(shape.part("key")), reader_of(shape.part("value"))
    check = _size_check(shape)

    def read(value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ShapeError(place, "be a map")
        check(len(value), place)
        return {key_of(key, place): value_of(each, f"{place}.{key[:40]}") for key, each in value.items()}

    return read


def _string(shape: Shape) -> Read:
    check = _size_check(shape)
    pattern = shape.definition.get("pattern")
    matches = re.compile(pattern).search if pattern else None
    allowed = frozenset(shape.definition.get("enum", ()))

    def read(value: Any, place: str) -> str:
        if not isinstance(value, str):
            raise ShapeError(place, "be a string")
        check(len(value), place)
        # In Python "$" also matches before a last newline; in the models it does not.
        if matches and (value.endswith("\n") or not matches(value)):
            raise ShapeError(place, f"satisfy regular expression pattern: {pattern}")
        if allowed and value not in allowed:
            raise ShapeError(place, f"satisfy enum value set: [{', '.join(sorted(allowed))}]")
        return value

    return read


def _blob(shape: Shape) -> Read:
    check = _size_check(shape)

    def read(value: Any, place: str) -> bytes:
        if not isinstance(value, str):
            raise ShapeError(place, "be base64 text")
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ShapeError(place, "be base64 text") from None
        check(len(data), place)
        return data

    return read


def _whole_number(shape: Shape) -> Read:
    lowest, highest = shape.definition.get("min", -(2**63)), shape.definition.get("max", 2**63 - 1)

    def read(value: Any, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ShapeError(place, "be a whole number")
        if not lowest <= value <= highest:
            raise ShapeError(place, f"be from {lowest} to {highest}")
        return value

    return read


def _boolean(_: Shape) -> Read:
    def read(value: Any, place: str) -> bool:
        if not isinstance(value, bool):
            raise ShapeError(place, "be true or false")
        return value

    return read


def _timestamp(_: Shape) -> Read:
    def read(value: Any, place: str) -> datetime:
        """Seconds since 1970; what is finer than a millisecond is not kept."""
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise ShapeError(place, "be a number of seconds since 1970")
        try:
            return datetime.fromtimestamp(round(value, 3), UTC)
        except (ValueError, OverflowError, OSError):
            raise ShapeError(place, "be a time of the years 1 to 9999") from None

    return read


def _size_check(shape: Shape) -> Callable[[int, str], None]:
    bounded: Mapping[str, int] = {} if shape.name in UNBOUNDED else shape.definition
    shortest, longest = shape.definition.get("min", 0), bounded.get("max", math.inf)

    def check(size: int, place: str) -> None:
        if size < shortest:
            raise ShapeError(place, f"have length greater than or equal to {shortest}")
        if size > longest:
            raise ShapeError(place, f"have length less than or equal to {longest}")

    return check


_KINDS: Final[Mapping[str, Callable[[Shape], Read]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "blob": _blob,
    "integer": _whole_number,
    "long": _whole_number,
    "boolean": _boolean,
    "timestamp": _timestamp,
}
