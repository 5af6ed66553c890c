"""The log of rules in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from counterfoil.detection.rule_log import RuleEvent
from counterfoil.errors import ConflictError
from counterfoil.rule_ports import RuleStore


@dataclass(slots=True)
class MemoryRules(RuleStore):
    kept: list[RuleEvent] = field(default_factory=list)

    def revision(self) -> int:
        return len(self.kept)

    def events(self) -> Sequence[RuleEvent]:
        return tuple(self.kept)

    def append(self, event: RuleEvent, /) -> None:
        if event.revision != len(self.kept) + 1:
            raise ConflictError(f"the rules are at revision {len(self.kept)}: read them anew")
        self.kept.append(event)
