"""Records that are too large for a stream, in memory: for tests and for one event without AWS."""

from __future__ import annotations

from dataclasses import dataclass, field

from counterfoil.errors import UnavailableError
from counterfoil.journal.set_aside import SetAsidePlace, set_aside_place
from counterfoil.ports import Clock, SetAsideRecords


@dataclass(slots=True)
class MemorySetAside(SetAsideRecords):
    """Records by their key."""

    clock: Clock
    kept: dict[str, bytes] = field(default_factory=dict)

    def keep(self, data: bytes, /) -> SetAsidePlace:
        place = set_aside_place("memory", data, self.clock().date())
        self.kept.setdefault(place.key, data)
        return place

    def fetch(self, place: SetAsidePlace, /) -> bytes:
        if place.key not in self.kept:
            raise UnavailableError(f"there is nothing under {place.key}")
        return self.kept[place.key][: place.size_bytes + 1]
