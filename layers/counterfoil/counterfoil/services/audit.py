"""The auditor: a batch of Kinesis records in, verified heads and findings out.

What happens to a batch, in this order, and why in this order:

1. Every user record is read, where it was set aside from there, and verified by itself (``services/verification``). Bytes that
   cannot be read or do not verify are kept in quarantine, write-once and named by their hash: a crash here leaves at most bytes
   that are kept again.
2. Per strand the state is loaded and the arrivals are weighed against it (``detection/strand_audit``, pure). Of a strand that was not
   seen from block 0 on the journal is asked for its trust anchor, until it has one (``detection/anchored``).
3. The findings are recorded. They come before the state: a crash here leaves findings whose ids the repetition meets again.
4. The state is advanced by compare-and-set, together with the runs of new blocks. A crash before it repeats everything
   from 1 with the same result; a crash behind it makes the repetition a duplicate. If another consumer advanced the strand
   first, 2 to 4 are done again on the new state.

A strand whose stores are unavailable fails alone; the batch is then to be delivered again from the first record that
touches it, and what was done already is met again as a duplicate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from counterfoil.detection.anchored import behind_anchor, held_against_anchor, may_have_anchor
from counterfoil.detection.audit_rules import INTEGRITY_RULES, QUARANTINED, AuditRule
from counterfoil.detection.finding import Finding
from counterfoil.detection.strand import STANDARD, Bounds, Hole, StrandState
from counterfoil.detection.strand_audit import Outcome, Patience, StrandAudit, due
from counterfoil.errors import ConflictError, IntegrityError, UnavailableError
from counterfoil.ports import AnchorSource, Clock, FindingStore, HeadStore, Quarantine, SetAsideRecords
from counterfoil.services.batch import KinesisRecord
from counterfoil.services.set_aside import PointerFollower
from counterfoil.services.verification import StrandBatch, VerifiedBatch

# Consumers of many shards may advance one strand at the same time; in each round at least one of them gets through.
MAX_ROUNDS: Final = 12


@dataclass(slots=True)
class AuditReport:
    """What became of a batch: counts for metrics, findings, and the first outer record that must be delivered again."""

    records: int = 0
    blocks_verified: int = 0
    revisions_verified: int = 0
    revisions_distinct: int = 0
    blocks_new: int = 0
    duplicates: int = 0
    quarantined: int = 0
    findings: list[Finding] = field(default_factory=list)
    findings_written: int = 0
    strands: dict[str, StrandState] = field(default_factory=dict)
    newest_block_at: datetime | None = None
    failed_index: int | None = None
    failure: str | None = None

    @property
    def hash_failures(self) -> int:
        return sum(finding.rule_id in INTEGRITY_RULES for finding in self.findings)

    @property
    def open_gaps(self) -> int:
        """Holes older than the grace period; younger ones are what disorder looks like."""
        holes = (behind for state in self.strands.values() for _, behind in state.holes())
        return sum(behind.hole is not Hole.HELD for behind in holes)

    def metrics(self, now: datetime) -> dict[str, float]:
        """The batch as numbers, by the names that template.yaml's alarms and dashboard use."""
        numbers: dict[str, float] = {
            "RecordsRead": self.records,
            "BlocksVerified": self.blocks_verified,
            "RevisionsVerified": self.revisions_verified,
            "HashFailures": self.hash_failures,
            "OpenGaps": self.open_gaps,
            "Duplicates": self.duplicates,
            "Quarantined": self.quarantined,
            "FindingsWritten": self.findings_written,
        }
        if self.newest_block_at is not None:
            numbers["WatermarkLagMs"] = max(0.0, (now - self.newest_block_at).total_seconds() * 1000)
        return numbers

    def fail(self, index: int, error: UnavailableError) -> None:
        """Deliver again from outer record ``index`` at the latest."""
        if self.failed_index is None or index < self.failed_index:
            self.failed_index, self.failure = index, str(error)


@dataclass(frozen=True, slots=True)
class Auditor:
    """Verifies journal blocks as they stream. One instance serves any number of batches and keeps nothing between them.

    ``anchors`` of ``None``: nobody knows where strands begin that are not seen from block 0 on.
    """

    heads: HeadStore
    findings: FindingStore
    quarantine: Quarantine
    set_aside: SetAsideRecords
    clock: Clock
    patience: Patience
    bounds: Bounds = STANDARD
    anchors: AnchorSource | None = None

    def audit(self, records: Sequence[KinesisRecord]) -> AuditReport:
        """Verify one batch. Everything in it is judged at one instant."""
        now = self.clock()
        verified = VerifiedBatch(now, self.quarantine, PointerFollower(self.set_aside))
        verified.read(records)
        report = AuditReport(
            len(records),
            verified.blocks_verified,
            verified.revisions_verified,
            len(verified.distinct_revisions),
            quarantined=verified.quarantined,
            newest_block_at=verified.newest_block_at,
        )
        for index, error in verified.failures:
            report.fail(index, error)
        self._settle_loose(verified.loose, report)
        for strand_id, batch in verified.strands.items():
            self._try_to_settle(strand_id, batch, report, now)
        return report

    def sweep(self) -> AuditReport:
        """Look at what is overdue on every strand; the schedule calls this, since a silent stream delivers no batch."""
        report, now = AuditReport(), self.clock()
        for strand_id in self.heads.strands():
            self._try_to_settle(strand_id, StrandBatch(0), report, now)
        return report

    def _settle_loose(self, loose: Sequence[tuple[int, Finding]], report: AuditReport) -> None:
        if not loose:
            return
        try:
            self._record([finding for _, finding in loose], report)
        except UnavailableError as error:
            report.fail(loose[0][0], error)

    def _try_to_settle(self, strand_id: str, batch: StrandBatch, report: AuditReport, now: datetime) -> None:
        try:
            for piece in batch.pieces():
                self._settle(strand_id, piece, report, now)
        except UnavailableError as error:
            report.fail(batch.first_index, error)

    def _settle(self, strand_id: str, batch: StrandBatch, report: AuditReport, now: datetime) -> None:
        for _ in range(MAX_ROUNDS):
            old = self.heads.load(strand_id)
            outcome = self._weigh(old or StrandState(strand_id), batch, now)
            kept = self._keep_disputed(outcome, batch)
            written = self.findings.record([*batch.findings, *outcome.findings])
            try:
                if outcome.state is not None:
                    self.heads.advance(old, outcome.state, outcome.runs)
            except ConflictError:
                continue
            report.findings += [*batch.findings, *outcome.findings]
            report.findings_written += written
            report.quarantined += kept
            report.blocks_new += outcome.new_blocks
            report.duplicates += outcome.duplicates
            report.strands[strand_id] = outcome.state or old or StrandState(strand_id)
            return
        raise UnavailableError(f"strand {strand_id} was advanced by others {MAX_ROUNDS} times in a row")

    def _anchored(self, state: StrandState) -> StrandState:
        """The state itself, or with the anchor that the journal says it has. Until a damaged one is mended nothing is judged."""
        if self.anchors is None or not may_have_anchor(state):
            return state
        try:
            anchor = self.anchors.anchor(state.strand_id)
        except IntegrityError as error:
            raise UnavailableError(str(error)) from error
        return state if anchor is None else replace(state, anchor=anchor)

    def _weigh(self, loaded: StrandState, batch: StrandBatch, now: datetime) -> Outcome:
        state = self._anchored(loaded)
        behind = behind_anchor(state.anchor, batch.arrivals(), now)
        # Blocks before the head were set aside when a gap was accepted: they are remembered, though no segment covers them.
        begin = state.head.begin if state.head else 0
        seen = {number for number in batch.sequence_nos() if number < begin or state.covers(number)}
        wanted = seen | due(state, self.patience, now)
        known = self.heads.known_blocks(state.strand_id, wanted) if wanted else {}
        outcome = StrandAudit(state, known, self.patience, now, self.bounds).run(behind.arrivals)
        return held_against_anchor(loaded, state, outcome, behind, now)

    def _keep_disputed(self, outcome: Outcome, batch: StrandBatch) -> int:
        """Put the second of two blocks at one place, and what came of two that do not link, into quarantine; return how many."""
        disputed = [each for each in outcome.findings if each.rule_id in {AuditRule.FORK, AuditRule.BROKEN_LINK}]
        names = {each.evidence[name] for each in disputed for name in QUARANTINED if name in each.evidence}
        for name in sorted(names):
            self.quarantine.keep(batch.originals[name])
        return len(names)

    def _record(self, findings: Sequence[Finding], report: AuditReport) -> None:
        report.findings_written += self.findings.record(findings)
        report.findings += findings
