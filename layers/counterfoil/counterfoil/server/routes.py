"""Finds the operation that a request asks for, and reads its parameters, by the service models.

``qldb-session`` names its operation in a header; ``qldb`` (rest-json) by method and path, whose labels, query and body together
hold the parameters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from counterfoil.errors import InputError
from counterfoil.server.service_models import Operation, Shape, operations
from counterfoil.server.shapes import Read, ShapeError, reader_of

# No request of either protocol has more query parameters; it is what a hostile one may cost.
MAX_QUERY_FIELDS: Final = 100


class UnknownOperationError(InputError):
    """No operation has this method and path, or this target."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of ``qldb``. A segment in braces is the member that stands there; ``query`` gives the member of each name."""

    operation: str
    method: str
    segments: tuple[str, ...]
    query: Mapping[str, tuple[str, Shape]]
    read: Read

    def match(self, method: str, segments: Sequence[str]) -> dict[str, Any] | None:
        """The members in the path; ``None`` if the request is for another operation.

        The ARN of a tagged resource has slashes, which some clients do not encode: it takes what is left of the path.
        """
        if method != self.method or len(segments) < len(self.segments):
            return None
        if len(segments) > len(self.segments):
            if self.segments[-1] != "{ResourceArn}":
                return None
            last = len(self.segments) - 1
            segments = [*segments[:last], "/".join(segments[last:])]
        found = {}
        for own, given in zip(self.segments, segments, strict=True):
            if own.startswith("{"):
                found[own[1:-1]] = given
            elif own != given:
                return None
        return found


@cache
def routes() -> tuple[Route, ...]:
    return tuple(map(_route, operations("qldb")))


@cache
def read_command() -> Read:
    """Reads the body of SendCommand."""
    (send_command,) = operations("qldb-session")
    return reader_of(send_command.input)


def find(method: str, raw_path: str, query: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation of ``qldb`` and its parameters."""
    segments = [unquote(each, errors="replace") for each in raw_path.split("/")[1:]]
    for route in routes():
        labels = route.match(method, segments)
        if labels is not None:
            return route.operation, _parameters(route, labels, query, body)
    raise UnknownOperationError(f"There is no operation {method} {raw_path[:200]}")


def read_json(body: bytes) -> Any:
    """A JSON document; anything else is an ``InputError``."""
    try:
        return _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise InputError(f"the body is not JSON: {error}") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)


def _route(operation: Operation) -> Route:
    labels: dict[str, str] = {}
    query: dict[str, tuple[str, Shape]] = {}
    for name, member, place in operation.input.members():
        if place.get("location") == "uri":
            labels[place["locationName"]] = name
        elif place.get("location") == "querystring":
            query[place["locationName"]] = (name, member)
    segments = tuple(
        f"{{{labels[each[1:-1]]}}}" if each.startswith("{") else each for each in operation.request_uri.split("/")[1:]
    )
    return Route(operation.name, operation.method, segments, query, reader_of(operation.input))


def _parameters(route: Route, labels: Mapping[str, Any], query: str, body: bytes) -> dict[str, Any]:
    document = read_json(body) if body.strip() else {}
    if not isinstance(document, dict):
        raise InputError("the body is not a JSON object")
    # Members of path and query are not taken from the body, whatever it holds.
    elsewhere = {each[1:-1] for each in route.segments} | {name for name, _ in route.query.values()}
    inside = {name: value for name, value in document.items() if name not in elsewhere}
    parameters: dict[str, Any] = route.read({**inside, **labels, **_of_query(route, query)}, "")
    return parameters


def _of_query(route: Route, query: str) -> dict[str, Any]:
    try:
        given = parse_qsl(query, keep_blank_values=True, errors="replace", max_num_fields=MAX_QUERY_FIELDS)
    except ValueError as error:
        raise InputError(f"the query cannot be read: {error}") from None
    found: dict[str, Any] = {}
    for key, text in given:
        if key in route.query:
            name, shape = route.query[key]
            if shape.type == "list":
                found.setdefault(name, []).append(text)
            else:
                found[name] = _number(text, name) if shape.type == "integer" else text
    return found


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ShapeError(name, "be a whole number")
    return int(text)
