"""The service models of ``qldb`` and ``qldb-session``, shipped with this package (models/README.md).

They are read as the JSON that they are: botocore's own classes over them cost a third of the server's start.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from counterfoil.server.client_env import MODELS

_VERSIONS: Final = {"qldb": "2019-01-02", "qldb-session": "2019-07-11"}

Definition = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of a model by its name, with the definitions of all shapes that it may refer to."""

    name: str
    definitions: Mapping[str, Definition]

    @property
    def definition(self) -> Definition:
        return self.definitions[self.name]

    @property
    def type(self) -> str:
        return str(self.definition["type"])

    @property
    def required(self) -> frozenset[str]:
        return frozenset(self.definition.get("required", ()))

    def members(self) -> Iterator[tuple[str, Shape, Definition]]:
        """Name, shape and place (``location``, ``locationName``) of each member of a structure."""
        for name, reference in self.definition["members"].items():
            yield name, Shape(reference["shape"], self.definitions), reference

    def part(self, name: str) -> Shape:
        """The ``member`` of a list, the ``key`` or the ``value`` of a map."""
        return Shape(self.definition[name]["shape"], self.definitions)


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    request_uri: str
    input: Shape


@cache
def operations(service: str) -> tuple[Operation, ...]:
    """All operations of a service."""
    model = _model(service)
    return tuple(
        Operation(
            name,
            operation["http"]["method"],
            operation["http"]["requestUri"],
            Shape(operation["input"]["shape"], model["shapes"]),
        )
        for name, operation in model["operations"].items()
    )


def shape(service: str, name: str) -> Shape:
    return Shape(name, _model(service)["shapes"])


@cache
def _model(service: str) -> dict[str, Any]:
    data = (MODELS / service / _VERSIONS[service] / "service-2.json.gz").read_bytes()
    model: dict[str, Any] = json.loads(gzip.decompress(data))
    return model
