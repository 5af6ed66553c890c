"""Account states in memory: for tests, benchmarks and the offline command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from counterfoil.detection.account import StateKey
from counterfoil.detection.account_book import StateChange, StoredState
from counterfoil.detection.stream_cursor import CURSORS
from counterfoil.errors import ConflictError
from counterfoil.ports import AccountStore


@dataclass(slots=True)
class MemoryAccounts(AccountStore):
    """States and pieces by key; nothing expires."""

    states: dict[StateKey, StoredState] = field(default_factory=dict)
    pieces: dict[StateKey, bytes] = field(default_factory=dict)

    def load(self, keys: Sequence[StateKey]) -> Mapping[StateKey, StoredState]:
        return {key: self.states[key] for key in keys if key in self.states}

    def save(self, changes: Sequence[StateChange]) -> None:
        for change in changes:
            self._replace(change)

    def held(self, keys: Sequence[StateKey]) -> Mapping[StateKey, bytes]:
        return {key: self.pieces[key] for key in keys if key in self.pieces}

    def hold(self, pieces: Mapping[StateKey, bytes], expires_at: datetime) -> None:  # noqa: ARG002 - nothing expires here
        self.pieces.update(pieces)

    def release(self, keys: Sequence[StateKey]) -> None:
        for key in keys:
            self.pieces.pop(key, None)

    def strands(self) -> Sequence[str]:
        return sorted(item for key, item in self.states if key == CURSORS)

    def _replace(self, change: StateChange) -> None:
        stored = self.states.get(change.key)
        version = None if stored is None else stored.version
        if version != change.old_version:
            raise ConflictError(f"{change.key} is at version {version}, not {change.old_version}")
        self.states[change.key] = StoredState((version or 0) + 1, change.body)
