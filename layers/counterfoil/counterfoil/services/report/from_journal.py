"""Evidence from a ledger's own journal: every block up to the period's end goes through the auditor and the detector, as it would
from a stream, each at its own time. So the same journal is the same evidence, whenever and wherever this is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from counterfoil.detection.finding import Finding
from counterfoil.detection.report_evidence import Evidence, MissingBlocks, StrandEnd, StrandEvidence
from counterfoil.detection.strand import StrandState
from counterfoil.journal.anchor import TrustAnchor, digest_from
from counterfoil.journal.stored import block_time, streamed_datagram
from counterfoil.ports import HeadStore, JournalReader
from counterfoil.report_ports import RuleBook
from counterfoil.services.batch import KinesisRecord

# What the records of a journal that was not streamed name as their stream.
_STREAM_ARN: Final = "arn:aws:qldb:local:000000000000:stream/report/journal"

_ABSENT: Final = {
    "outcomes": "a journal alone has no cases",
    "suppressions": "a journal alone has no suppressions",
    "keys": "no digest snapshots were read; the digests in Scope are signed by this report's own signature",
}


class Consumer(Protocol):
    """The auditor or the detector, called with one block's records."""

    def __call__(self, records: list[KinesisRecord], /) -> object: ...


@dataclass(slots=True)
class Moment:
    """A clock that stands at the time of the block in hand."""

    now: datetime = field(default_factory=lambda: datetime.fromtimestamp(0, UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True)
class JournalWalk:
    """``consumers`` take each block's records, at ``moment``; they leave heads and findings where these are read from."""

    moment: Moment
    consumers: Iterable[Consumer]
    heads: HeadStore
    findings: Callable[[], Iterable[Finding]]
    # Called with how many blocks were walked.
    progress: Callable[[int], object] = lambda _: None

    def walk(self, journal: JournalReader, ledger: str, begin: datetime, end: datetime) -> StrandEvidence:
        """Walk the journal up to ``end``; its evidence says how it stood at ``begin`` as well."""
        strand_id = journal.strand_id
        watermark: list[tuple[datetime, int]] = []
        before: StrandEnd | None = None
        for number, data in enumerate(_until(journal, end)):
            at = block_time(data)
            if at >= begin and not watermark:
                before = _end(self.heads.load(strand_id), journal.anchor)
            self.moment.now = max(at, self.moment.now)
            for consume in self.consumers:
                consume(_records(data, number, at))
            if at >= begin:
                watermark.append((at, _verified(self.heads.load(strand_id))))
            self.progress(number + 1)
        state = self.heads.load(strand_id)
        after = _end(state, journal.anchor)
        return strand_evidence(strand_id, ledger, before if watermark else after, after, state, watermark)


def strand_evidence(
    strand_id: str,
    ledger: str | None,
    before: StrandEnd | None,
    after: StrandEnd | None,
    state: StrandState | None,
    watermark: list[tuple[datetime, int]],
    keys: list[tuple[datetime, str]] | None = None,
) -> StrandEvidence:
    """A strand's evidence with what its state says of what is missing."""
    if state is None:
        return StrandEvidence(strand_id, ledger, before, after, watermark=watermark, keys=keys or ())
    missing = [
        MissingBlocks(first, behind.segment.begin - 1, str(behind.hole), behind.since)
        for first, behind in state.holes()
    ]
    awaited = sum(len(list(each.missing)) for each in state.awaited.values())
    return StrandEvidence(
        strand_id,
        ledger,
        before,
        after,
        missing,
        state.diverged_at,
        awaited,
        len(state.early),
        watermark,
        keys or (),
        0 if state.head is None else state.head.begin,
    )


def evidence_of_journal(
    walk: JournalWalk,
    journal: JournalReader,
    ledger: str,
    begin: datetime,
    end: datetime,
    rules: RuleBook,
    version: str,
) -> Evidence:
    """All the evidence that a journal alone gives."""
    strand = walk.walk(journal, ledger, begin, end)
    source = f"the journal of ledger {ledger}, verified from its first block for this report"
    if journal.anchor is not None:
        source += f"; it begins at a trust anchor, block {journal.first()}: {journal.anchor}"
    return Evidence(
        begin,
        end,
        source,
        version,
        [strand],
        list(walk.findings()),
        rules.in_force(end),
        rules.changes(begin, end),
        absent=_ABSENT,
    )


def _until(journal: JournalReader, end: datetime) -> Iterator[bytes]:
    tip = journal.tip()
    for data in journal.blocks(journal.first(), tip + 1) if tip is not None else ():
        if block_time(data) >= end:
            return
        yield data


def _records(data: bytes, number: int, at: datetime) -> list[KinesisRecord]:
    block = streamed_datagram(data, _STREAM_ARN)
    return [
        KinesisRecord("shardId-000000000000", f"{number}.{index}", record.partition_key, record.data, at)
        for index, record in enumerate(block.records)
    ]


def _end(state: StrandState | None, anchor: TrustAnchor | None) -> StrandEnd | None:
    head = None if state is None else state.head
    if head is None:
        return None
    digest = digest_from(anchor, head)
    return StrandEnd(head.end - 1, None if digest is None else digest.hash, str(head.last_time))


def _verified(state: StrandState | None) -> int:
    head = None if state is None else state.head
    return 0 if head is None else head.end - head.begin
