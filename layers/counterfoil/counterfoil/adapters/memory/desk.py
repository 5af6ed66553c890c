"""The desk in memory: decisions about alerts, and an append-only log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from counterfoil.desk_ports import AlertBook, DeskLog, Entry, LedgerDoor
from counterfoil.detection.telling import AlertGroup, DayTally, Decided, Decision
from counterfoil.errors import ConflictError


@dataclass(slots=True)
class MemoryAlertBook(AlertBook):
    decisions: dict[str, Decision] = field(default_factory=dict)
    groups: dict[str, AlertGroup] = field(default_factory=dict)
    days: dict[date, DayTally] = field(default_factory=dict)

    def decision(self, news_id: str, /) -> Decision | None:
        return self.decisions.get(news_id)

    def group(self, group_id: str, /) -> AlertGroup | None:
        return self.groups.get(group_id)

    def day(self, day: date, /) -> DayTally:
        return self.days.get(day) or DayTally(day)

    def keep(self, decided: Decided, /) -> None:
        decision, group, day = decided
        kept = self.groups.get(group.group_id)
        if (
            decision.news_id in self.decisions
            or (0 if kept is None else kept.version) != group.version - 1
            or self.day(day.day).version != day.version - 1
        ):
            raise ConflictError(f"{decision.news_id}: another writer was first")
        self.decisions[decision.news_id] = decision
        self.groups[group.group_id] = group
        self.days[day.day] = day


@dataclass(slots=True)
class MemoryDeskLog(DeskLog):
    kept: dict[tuple[str, str], str] = field(default_factory=dict)

    def append(self, entries: Sequence[Entry], /) -> None:
        if any((each.topic, each.name) in self.kept for each in entries):
            raise ConflictError(f"{entries[0].topic}: another writer was first")
        self.kept |= {(each.topic, each.name): each.text for each in entries}

    def entries(self, topic: str, prefix: str = "", /) -> Sequence[Entry]:
        names = sorted(name for kept, name in self.kept if kept == topic and name.startswith(prefix))
        return [Entry(topic, name, self.kept[topic, name]) for name in names]

    def last(self, topic: str, /) -> Entry | None:
        return next(reversed(self.entries(topic)), None)


@dataclass(slots=True)
class MemoryLedgerDoor(LedgerDoor):
    """Ledgers by their strands; documents by the key they were inserted under."""

    ledgers: dict[str, str] = field(default_factory=dict)
    documents: dict[str, tuple[str, str, dict[str, Any]]] = field(default_factory=dict)

    def ledger_of(self, strand_id: str, /) -> str | None:
        return self.ledgers.get(strand_id)

    def insert(self, ledger_name: str, table: str, document: Mapping[str, Any], key: str, /) -> str:
        self.documents.setdefault(key, (ledger_name, table, dict(document)))
        return f"transaction-{key}"
