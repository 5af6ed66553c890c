"""What the functions ask of AWS: every call by function, service and operation, and what was consumed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lab.gateway.units import Units


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a function and how it was answered; ``at`` is when, in seconds since the epoch.

    ``status`` 0 stands for no answer: the connection was cut. ``ddb_tables`` are those that a DynamoDB request names.
    """

    at: float
    function_id: str
    service: str
    operation: str
    ddb_tables: tuple[str, ...]
    request: bytes
    status: int
    answer_bytes: int
    units: Units


class Kind(NamedTuple):
    """What is counted together."""

    function_id: str
    service: str
    operation: str
    ddb_table: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Requests, those refused among them, request units of DynamoDB, and bytes."""

    requests: int = 0
    refused: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    sent_bytes: int = 0
    received_bytes: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def __sub__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) - getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts up to a moment; the difference of two is what happened between them."""

    tallies: Mapping[Kind, Tally] = field(default_factory=dict)

    def __sub__(self, earlier: Usage) -> Usage:
        difference = {kind: tally - earlier.tallies.get(kind, Tally()) for kind, tally in self.tallies.items()}
        return Usage({kind: tally for kind, tally in difference.items() if tally.requests})

    def of(self, service: str, function_id: str | None = None) -> Usage:
        """What was asked of a service, by one function if it is named."""
        return Usage(
            {
                kind: tally
                for kind, tally in self.tallies.items()
                if kind.service == service and function_id in {None, kind.function_id}
            }
        )

    def by(self, *names: str) -> dict[tuple[str, ...], Tally]:
        """Together by some of the fields of ``Kind``, the most requests first."""
        found: dict[tuple[str, ...], Tally] = {}
        for kind, tally in self.tallies.items():
            key = tuple(getattr(kind, name) for name in names)
            found[key] = found.get(key, Tally()) + tally
        return dict(sorted(found.items(), key=lambda each: -each[1].requests))

    @property
    def total(self) -> Tally:
        return sum(self.tallies.values(), Tally())


class Meter:
    """Counts calls, and tells whoever listens; used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[Kind, Tally] = {}
        self._listeners: list[Callable[[Call], None]] = []

    def listen(self, listener: Callable[[Call], None]) -> None:
        """Have ``listener`` called after every call, from the gateway's thread: it must be quick."""
        self._listeners.append(listener)

    def count(self, call: Call) -> None:
        with self._lock:
            for kind, tally in _counted(call):
                self._tallies[kind] = self._tallies.get(kind, Tally()) + tally
        for listener in self._listeners:
            listener(call)

    def usage(self) -> Usage:
        with self._lock:
            return Usage(dict(self._tallies))


def _counted(call: Call) -> Iterator[tuple[Kind, Tally]]:
    """A request that names several tables is one request: of the first of them."""
    ddb_table = call.ddb_tables[0] if call.ddb_tables else ""
    tally = Tally(1, int(call.status >= 400), call.units.read, call.units.write, len(call.request), call.answer_bytes)
    yield Kind(call.function_id, call.service, call.operation, ddb_table), tally
