"""What was not told on a day, in one message: how much was held back and suppressed, and the worst of it by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from counterfoil.detection.alert import DIGEST
from counterfoil.detection.telling import DayTally, HeldBack, Outcome


@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of one day, which is over: its tally does not change any more."""

    tally: DayTally

    @property
    def is_due(self) -> bool:
        """Whether there is anything that people were not told."""
        return bool(self.tally.count(Outcome.HELD) or self.tally.count(Outcome.SUPPRESSED))

    @property
    def alert_id(self) -> str:
        return f"digest/{self.tally.day.isoformat()}"

    @property
    def kind(self) -> str:
        return DIGEST

    @property
    def subject(self) -> str:
        tally = self.tally
        return f"Alerts of {tally.day}: {tally.held_alerts} held back, {tally.count(Outcome.SUPPRESSED)} findings suppressed"

    @property
    def text(self) -> str:
        tally = self.tally
        lines = [f"What became of the findings of {tally.day} (UTC):", ""]
        lines += [f"{outcome:<11} {tally.count(outcome)}" for outcome in Outcome]
        if tally.held:
            lines += ["", f"The worst of {tally.held_alerts} alerts that found no room in the day's budget:"]
            lines += map(_line, tally.held)
        return "\n".join([*lines, "", "What to do: docs/runbook.md, alerts held back"])

    @property
    def attributes(self) -> dict[str, str]:
        return {"day": self.tally.day.isoformat()}

    @property
    def detail(self) -> dict[str, Any]:
        tally = self.tally
        return {
            "alert_id": self.alert_id,
            "day": tally.day.isoformat(),
            "outcomes": {str(outcome): tally.count(outcome) for outcome in Outcome},
            "held_alerts": tally.held_alerts,
            "held": [
                {
                    "severity": each.severity.name,
                    "score": each.score,
                    "group_id": each.group_id,
                    "finding_id": each.finding_id,
                    "key": each.key,
                }
                for each in tally.held
            ],
        }


def _line(held: HeldBack) -> str:
    key = f" ({held.key})" if held.key else ""
    return f"  [{held.severity.name} {held.score}] {held.finding_id}{key}"
