"""What happened on sessions, in memory: for tests, and for single events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from counterfoil.errors import ConflictError
from counterfoil.ports import SessionEvent, SessionLog


@dataclass(slots=True)
class MemorySessionLog(SessionLog):
    """Events by session; nothing expires."""

    by_session: dict[str, list[SessionEvent]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def append(self, session: str, event: SessionEvent, _expires_at: datetime, /) -> None:
        with self.lock:
            kept = self.by_session.setdefault(session, [])
            if event.number != len(kept) and (event.number > len(kept) or kept[event.number] != event):
                raise ConflictError(f"session {session} has {len(kept)} events")
            if event.number == len(kept):
                kept.append(event)

    def events(self, session: str, /) -> Sequence[SessionEvent]:
        with self.lock:
            kept = self.by_session.get(session, [])
            return kept[kept[-1].base :] if kept else []
