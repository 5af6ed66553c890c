"""When findings were stored and alerts were sent, seen from the gateway that the functions' calls pass."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from lab.gateway import Call


@dataclass(slots=True)
class Timeline:
    """Listens to a gateway: when each finding was first stored, and when an alert of it was first sent (seconds, epoch)."""

    findings_table: str
    found_at: dict[str, float] = field(default_factory=dict)
    told_at: dict[str, float] = field(default_factory=dict)

    def __call__(self, call: Call) -> None:
        if call.status != 200:
            return
        if call.operation == "PutItem" and self.findings_table in call.ddb_tables:
            self.found_at.setdefault(json.loads(call.request)["Item"]["finding_id"]["S"], call.at)
        if call.service == "sns" and call.operation == "Publish":
            self.told_at.setdefault(_finding_of(call.request), call.at)


def _finding_of(request: bytes) -> str:
    """The finding that an SNS message names in its attributes (query protocol)."""
    fields = {name: values[0] for name, values in parse_qs(request.decode()).items()}
    names = {
        value: name
        for name, value in fields.items()
        if name.startswith("MessageAttributes.") and name.endswith(".Name")
    }
    entry = names["finding_id"].removesuffix("Name")
    return fields[f"{entry}Value.StringValue"]


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds from one moment to another, of several cases."""

    seconds: Sequence[float]

    def percentile(self, share: float) -> float:
        """The nearest rank: the smallest of which at least ``share`` are no larger; 0 where there is none."""
        ordered = sorted(self.seconds)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "cases": len(self.seconds),
            "p50Seconds": round(self.percentile(0.5), 3),
            "p99Seconds": round(self.percentile(0.99), 3),
        }


@dataclass(frozen=True, slots=True)
class Timing:
    """From the moment at which the driver had the answer to a commit, to the finding in it, and to the alert about it."""

    to_finding: Delays
    to_alert: Delays


def timing_of(acknowledged: Mapping[str, float], findings: Iterable[tuple[str, str]], timeline: Timeline) -> Timing:
    """``acknowledged`` is by place (strand#block), ``findings`` are ids with their places."""
    known = [(finding_id, acknowledged[place]) for finding_id, place in findings if place in acknowledged]
    return Timing(
        Delays([timeline.found_at[name] - since for name, since in known if name in timeline.found_at]),
        Delays([timeline.told_at[name] - since for name, since in known if name in timeline.told_at]),
    )
