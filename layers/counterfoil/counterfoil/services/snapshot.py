"""Snapshots of what the auditor has verified, each shown to extend the one before.

QLDB's digests cannot show that one extends another. The auditor's memory can: starting from the subtree roots that the last
snapshot holds, the hashes of the blocks verified since are added one by one, and must lead to the roots that the
auditor now holds. Whoever changed the auditor's memory, or the snapshots, breaks that. ``head_comparison`` holds the same head
against the ledger's digest and the strand's log, in which growth is proved to everybody. A strand that begins at a trust anchor has no
log: its snapshots say so, and have the digest behind the anchor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from counterfoil.detection import audit_rules as rules
from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Finding
from counterfoil.detection.snapshot import (
    DigestSnapshot,
    parse_document,
    render_document,
    signed_bytes,
    snapshot_name,
)
from counterfoil.detection.strand import StrandState
from counterfoil.errors import InputError, IntegrityError
from counterfoil.journal import BlockAddress, Segment
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.merkle import CompactRange, Hash
from counterfoil.ports import Clock, FindingStore, HeadStore, Signer, SnapshotStore
from counterfoil.services.head_comparison import HeadComparison, HeadsCompared

# A log that has far to grow is signed as far as it came by then, and goes on at the next snapshot.
BUDGET: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    """Where a snapshot was kept, the finding where it does not extend the one before, and what the other heads say."""

    name: str
    snapshot: DigestSnapshot
    finding: Finding | None
    compared: HeadsCompared = field(default_factory=HeadsCompared)

    @property
    def findings(self) -> list[Finding]:
        return [*([] if self.finding is None else [self.finding]), *self.compared.findings]


@dataclass(frozen=True, slots=True)
class Snapshotter:
    """Takes a snapshot of every strand that has a verified head."""

    heads: HeadStore
    findings: FindingStore
    snapshots: SnapshotStore
    signer: Signer
    clock: Clock
    comparison: HeadComparison = field(default_factory=HeadComparison)

    def take(self) -> list[SnapshotTaken]:
        """One snapshot per strand, all of one instant. A failure leaves the strands behind it for the next time."""
        now = self.clock()
        states = (self.heads.load(strand_id) for strand_id in self.heads.strands())
        return [self._take(state, state.head, now) for state in states if state is not None and state.head is not None]

    def _take(self, state: StrandState, head: Segment, now: datetime) -> SnapshotTaken:
        kept = self.snapshots.latest(f"snapshots/{head.strand_id}/")
        anchor = state.anchor if state.anchor is not None and state.anchor.begin == head.begin else None
        last, finding = (None, None) if kept is None else self._compare(kept[0], kept[1], head, anchor, now)
        status = "VERIFIED" if state.diverged_at is None else f"DIVERGED at {state.diverged_at}"
        previous, extends = (None, None) if kept is None else (kept[0], finding is None)
        compared = self._compared(head, anchor, last, now) if finding is None else _not_compared(last)
        snapshot = DigestSnapshot(
            head.tip,
            head.range,
            head.last_hash,
            str(head.last_time),
            now,
            status,
            previous,
            extends,
            compared.checkpoint,
            anchor,
        )
        name = snapshot_name(snapshot)
        taken = SnapshotTaken(name, snapshot, finding, compared)
        if taken.findings:
            self.findings.record(taken.findings)
        self.snapshots.keep(name, render_document(snapshot, self.signer.sign(signed_bytes(snapshot))))
        return taken

    def _compared(
        self, head: Segment, anchor: TrustAnchor | None, last: DigestSnapshot | None, now: datetime
    ) -> HeadsCompared:
        until = now + BUDGET
        return self.comparison.compare(
            head,
            last,
            lambda begin, end: self._hashes(head.strand_id, begin, end),
            now,
            lambda: self.clock() >= until,
            anchor,
        )

    def _compare(
        self, name: str, document: bytes, head: Segment, anchor: TrustAnchor | None, now: datetime
    ) -> tuple[DigestSnapshot | None, Finding | None]:
        """The last snapshot, if its signature holds, and the finding where the head does not extend it."""
        last: DigestSnapshot | None = None
        try:
            unverified, signature = parse_document(document)
            self.signer.verify(signed_bytes(unverified), signature)
            last = unverified
            self._check_extends(last, head, anchor)
        except (InputError, IntegrityError) as error:
            finding = rules.found(
                AuditRule.SNAPSHOT_NOT_EXTENDING,
                head.tip,
                f"the head of strand {head.strand_id} does not extend snapshot {name}: {error}",
                now,
                subject=name,
                snapshot=name,
                head_sequence_no=str(head.end - 1),
                head_hash=str(head.last_hash),
            )
            return last, finding
        return last, None

    def _check_extends(self, last: DigestSnapshot, head: Segment, anchor: TrustAnchor | None) -> None:
        if last.anchor not in (None, anchor):
            raise IntegrityError(f"it begins at another trust anchor: {last.anchor}")
        if last.tip_address.strand_id != head.strand_id or last.range.begin != head.begin:
            raise IntegrityError(
                f"it covers {last.tip_address} from block {last.range.begin}, the head begins at {head.begin}"
            )
        if last.range.end > head.end:
            raise IntegrityError(f"it holds blocks up to {last.range.end - 1}, the head only up to {head.end - 1}")
        grown = last.range
        for number, block_hash in self._hashes(head.strand_id, last.range.end, head.end):
            if number != grown.end:
                raise IntegrityError(f"block {BlockAddress(head.strand_id, grown.end)} is not remembered")
            grown += CompactRange.of_leaf(number, block_hash)
        if grown != head.range:
            raise IntegrityError("the blocks verified since then do not lead from it to the head")

    def _hashes(self, strand_id: str, begin: int, end: int) -> Iterator[tuple[int, Hash]]:
        if begin < end:
            for run in self.heads.runs(strand_id, begin, end):
                for block in run.blocks:
                    if begin <= block.sequence_no < end:
                        yield block.sequence_no, Hash(block.block_hash)


def _not_compared(last: DigestSnapshot | None) -> HeadsCompared:
    """A head that does not extend the last snapshot is no measure of the others: the log stays as it is."""
    return HeadsCompared(None if last is None else last.checkpoint)
