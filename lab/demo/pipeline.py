"""What the demonstration needs of a running system, and the system in this process.

``deployed.py`` has the other one: the template, deployed to the embedded stack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, Final, Protocol

from counterfoil.adapters.dynamodb.findings import render_finding
from counterfoil.detection.finding import Finding
from counterfoil.detection.snapshot import DigestSnapshot, parse_document, signed_bytes
from counterfoil.detection.strand import StrandState
from lab.demo.timeline import Timeline
from lab.doors import Doors
from lab.events.lambda_shapes import dynamodb_event, kinesis_event, schedule_event
from lab.gateway import Usage
from lab.producer import OuterRecord
from lab.runtime import Work

SWEEP: Final = {"sweep": True}
GRACE_SECONDS, CONFIRM_SECONDS = 2, 5
BATCH_SIZE: Final = 200


@dataclass(frozen=True, slots=True)
class SeenAlert:
    """A message as a subscriber got it."""

    alert_id: str
    subject: str


@dataclass(frozen=True, slots=True)
class KeptSnapshot:
    """A snapshot as it was read back, its signature checked; ``location`` is where anybody may read it again."""

    location: str
    snapshot: DigestSnapshot


@dataclass(frozen=True, slots=True)
class Measure:
    """What the functions have asked of AWS and how long they have worked until a moment; ``memory_mb`` is what each has."""

    usage: Usage
    work: Mapping[str, Work]
    memory_mb: Mapping[str, int]


class Pipeline(Protocol):
    """The functions with their stores, somewhere. ``timeline`` is there where moments mean something."""

    name: str
    asks_ledger: bool
    timeline: Timeline | None

    def put(self, records: Sequence[OuterRecord]) -> None:
        """Write to the journal stream."""
        ...

    def carried(self, count: int) -> list[OuterRecord]:
        """The first records that the journal stream carried."""
        ...

    def settle(self, watch: Callable[[], None]) -> None:
        """Wait until every function has handled what there is; ``watch`` is called now and then."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def sweep(self) -> int:
        """Call what the schedule calls; how many blocks the fraud detector went on to judge."""
        ...

    def snapshot(self) -> list[KeptSnapshot]:
        """Have snapshots taken and read them back, an ``IntegrityError`` where a signature does not hold."""
        ...

    def findings(self) -> list[Finding]: ...

    def alerts(self) -> list[SeenAlert]:
        """Alerts that came since the last call."""
        ...

    def strand(self, strand_id: str) -> StrandState | None:
        """What the auditor remembers of a strand."""
        ...

    def measure(self) -> Measure | None:
        """What was used until now; ``None`` where nothing is asked of AWS."""
        ...


@dataclass(slots=True)
class InProcess(Pipeline):
    """The handlers in this process over memory adapters; time passes when it is told to."""

    name: str = "the functions' handlers in this process, over memory"
    asks_ledger: bool = False
    timeline: Timeline | None = None
    doors: Doors = field(init=False)
    _carried: list[OuterRecord] = field(default_factory=list)
    _told: dict[str, Finding] = field(default_factory=dict)
    _seen_alerts: int = 0

    def __post_init__(self) -> None:
        settings = {"GAP_GRACE_SECONDS": str(GRACE_SECONDS), "GAP_CONFIRM_SECONDS": str(CONFIRM_SECONDS)}
        self.doors = Doors(datetime.now(UTC), settings)

    def put(self, records: Sequence[OuterRecord]) -> None:
        self._carried += records
        for batch in batched(records, BATCH_SIZE, strict=False):
            event = kinesis_event(batch)
            for function in ("journal_auditor", "fraud_detector"):
                self._handle(function, event)

    def carried(self, count: int) -> list[OuterRecord]:
        return self._carried[:count]

    def settle(self, watch: Callable[[], None]) -> None:
        self._notify()
        watch()

    def wait(self, seconds: float) -> None:
        self.doors.now += timedelta(seconds=seconds)

    def sweep(self) -> int:
        self.doors.handle("journal_auditor", SWEEP)
        judged: int = self.doors.handle("fraud_detector", SWEEP)["blocksJudged"]
        self._notify()
        return judged

    def snapshot(self) -> list[KeptSnapshot]:
        names = self.doors.handle("digest_snapshot", schedule_event())["snapshots"]
        return [self._read(name) for name in names]

    def findings(self) -> list[Finding]:
        return list(self.doors.findings.findings.values())

    def alerts(self) -> list[SeenAlert]:
        fresh = self.doors.channel.alerts[self._seen_alerts :]
        self._seen_alerts += len(fresh)
        return [SeenAlert(each.alert_id, each.subject) for each in fresh]

    def strand(self, strand_id: str) -> StrandState | None:
        return self.doors.heads.load(strand_id)

    def measure(self) -> Measure | None:
        return None

    def _read(self, name: str) -> KeptSnapshot:
        snapshot, signature = parse_document(self.doors.snapshots.documents[name])
        self.doors.signer.verify(signed_bytes(snapshot), signature)
        return KeptSnapshot(f"memory:{name}", snapshot)

    def _handle(self, function: str, event: dict[str, Any]) -> None:
        answer = self.doors.handle(function, event)
        assert answer == {"batchItemFailures": []}, answer

    def _notify(self) -> None:
        """Hand changes of the findings to the notifier, as the table's stream would."""
        known, self._told = self._told, dict(self.doors.findings.findings)
        changes = [
            ("MODIFY" if name in known else "INSERT", _image(known.get(name)), _image(finding))
            for name, finding in self._told.items()
            if known.get(name) != finding
        ]
        if changes:
            self._handle("alert_notifier", dynamodb_event(changes))


def _image(finding: Finding | None) -> dict[str, Any] | None:
    return None if finding is None else render_finding(finding)
