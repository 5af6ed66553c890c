"""Quarantine in memory: for tests, benchmarks and the offline command line."""

from __future__ import annotations

from dataclasses import dataclass, field

from counterfoil.errors import InputError
from counterfoil.ports import Quarantine, quarantine_name


@dataclass(slots=True)
class MemoryQuarantine(Quarantine):
    """Bytes by their name."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def keep(self, data: bytes) -> str:
        name = quarantine_name(data)
        self.kept[name] = data
        return name

    def load(self, name: str) -> bytes:
        if name not in self.kept:
            raise InputError(f"nothing is kept as {name!r}")
        return self.kept[name]
