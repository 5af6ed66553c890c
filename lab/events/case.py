"""One sample event and what its function must make of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from counterfoil.ports import quarantine_name
from lab.expectation import Expected

# When the first of a case's events is handled; each step's seconds are added.
HANDLED_AT: Final = datetime(2025, 3, 3, 11, 0, tzinfo=UTC)
NOTHING_FAILED: Final[Mapping[str, Any]] = {"batchItemFailures": []}


@dataclass(frozen=True, slots=True)
class Step:
    """An earlier event that the same warm functions have handled, ``seconds`` before the next one."""

    event: str
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class ExpectedSnapshot:
    """A snapshot that must have been kept, the last one of its strand."""

    tip_address: str
    digest: str
    status: str
    extends: bool | None


@dataclass(frozen=True, slots=True)
class Case:
    """``findings`` and the rest are what is kept after the event, of all its steps together.

    ``quarantined`` are bytes that must be kept, ``alerts`` the ids of alerts sent, in order. ``None`` for ``alerts`` or
    ``snapshots``: the function has nothing to do with them.
    """

    function: str
    name: str
    about: str
    event: Mapping[str, Any]
    answer: Any = field(default_factory=lambda: dict(NOTHING_FAILED))
    findings: Sequence[Expected] = ()
    quarantined: Sequence[bytes] = ()
    alerts: Sequence[str] | None = None
    snapshots: Sequence[ExpectedSnapshot] | None = None
    after: Sequence[Step] = ()

    @property
    def file_name(self) -> str:
        return f"{self.function}__{self.name}.json"

    @property
    def expected_file_name(self) -> str:
        return f"{self.function}__{self.name}.expected.json"

    def render_event(self) -> str:
        return _render(self.event)

    def render_expected(self) -> str:
        expected: dict[str, Any] = {"about": self.about}
        if self.after:
            expected["after"] = [{"event": each.event, "advance_seconds": each.seconds} for each in self.after]
        expected["answer"] = self.answer
        expected["findings"] = sorted(
            (_finding(each) for each in self.findings), key=lambda each: (each["rule_id"], each["place"])
        )
        expected["quarantined"] = sorted(map(quarantine_name, self.quarantined))
        if self.alerts is not None:
            expected["alerts"] = list(self.alerts)
        if self.snapshots is not None:
            expected["snapshots"] = [_snapshot(each) for each in self.snapshots]
        return _render(expected)


def _finding(expected: Expected) -> dict[str, str]:
    account = {} if expected.account_id is None else {"account_id": expected.account_id}
    return {
        "rule_id": str(expected.rule_id),
        "place": expected.place,
        "status": str(expected.status),
        **account,
        "because": expected.because,
    }


def _snapshot(expected: ExpectedSnapshot) -> dict[str, Any]:
    return {
        "tip_address": expected.tip_address,
        "digest": expected.digest,
        "status": expected.status,
        "extends": expected.extends,
    }


def _render(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
