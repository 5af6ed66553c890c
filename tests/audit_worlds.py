"""Auditors in memory whose clock a test moves, and the records they are given."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryQuarantine
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.strand import (
    NO_LABEL,
    STANDARD,
    Bounds,
    KnownBlock,
    RevisionMark,
    Run,
    StrandState,
    label_of,
)
from counterfoil.detection.strand_audit import Arrivals, ArrivedRevision, Patience, StrandAudit, due
from counterfoil.ion import read_single
from counterfoil.journal import parse_block, parse_stream_record, verify_block
from counterfoil.ports import AnchorSource, FindingStore, HeadStore, Quarantine
from counterfoil.services.audit import Auditor
from counterfoil.services.batch import KinesisRecord
from lab.producer import streamed
from tests.journals import STRAND

NOW = datetime(2025, 3, 3, 12, 0, tzinfo=UTC)
GRACE, CONFIRM = timedelta(seconds=60), timedelta(seconds=900)
PATIENCE = Patience(GRACE, CONFIRM)


def kinesis_record(data: bytes, *, key: str = "key", number: int = 0, shard: int = 0) -> KinesisRecord:
    """A record as the auditor takes it; its number is its place in the shard."""
    return KinesisRecord(f"shardId-{shard:012}", str(number), key, data, NOW)


def kinesis_records(datas) -> list[KinesisRecord]:
    return [kinesis_record(data, number=index) for index, data in enumerate(datas)]


def user_datas(blocks) -> list[bytes]:
    """The stream records of built blocks in order, each without a frame."""
    return [record.data for block in blocks for record in streamed(block).records]


@dataclass
class AuditWorld:
    """An auditor over stores in memory (or those given), at a time that only the test changes."""

    now: datetime = NOW
    patience: Patience = PATIENCE
    bounds: Bounds = STANDARD
    heads: HeadStore = field(default_factory=MemoryHeads)
    findings: FindingStore = field(default_factory=MemoryFindings)
    quarantine: Quarantine = field(default_factory=MemoryQuarantine)
    anchors: AnchorSource | None = None

    @property
    def auditor(self) -> Auditor:
        return Auditor(
            self.heads,
            self.findings,
            self.quarantine,
            MemorySetAside(lambda: self.now),
            lambda: self.now,
            self.patience,
            self.bounds,
            self.anchors,
        )

    def deliver(self, datas):
        """One batch of these records."""
        return self.auditor.audit(kinesis_records(datas))

    def wait(self, seconds: float):
        self.now += timedelta(seconds=seconds)
        return self.auditor.sweep()

    def found(self) -> list[tuple[str, str, str]]:
        """(rule, place, status) of every finding kept, in order."""
        return sorted((str(each.rule_id), each.place, str(each.status)) for each in self.findings.findings.values())

    def state(self, strand_id: str = STRAND) -> StrandState:
        return self.heads.load(strand_id)


# One strand, without services or stores -----------------------------------------------------------------------------


def verified(block):
    """A built block after the auditor read and verified its summary."""
    return verify_block(parse_stream_record(streamed(block).summary.data).block)


def verified_fields(fields):
    """The same of a block as fields (tests/journals.py), which a forger may have altered."""
    from counterfoil.ion import dump_binary

    return verify_block(parse_block(read_single(dump_binary(fields))))


def revisions_of(block, *, table_name: str | None = None, verified: bool = True):
    """A built block's revisions as the strand sees them; ``table_name`` makes them claim another table."""
    return tuple(
        ArrivedRevision(
            block.address.sequence_no,
            bytes(revision["hash"]),
            label_of(
                revision["metadata"]["txId"], change.document_id, table_name or change.table_name, change.table_id
            ),
            change.document_id,
            revision["metadata"]["txId"],
            verified,
            change.data is None,
        )
        for revision, change in zip(block.revisions, block.changes, strict=True)
        if not change.internal
    )


@dataclass
class StrandWorld:
    """A strand's state and runs, taken through batches at a time that the test moves."""

    now: datetime = NOW
    patience: Patience = PATIENCE
    bounds: Bounds = STANDARD
    state: StrandState = field(default_factory=lambda: StrandState(STRAND))
    known: dict = field(default_factory=dict)

    def take(self, *blocks, revisions=(), rejected=(), whole=False):
        """Give verified blocks (with ``whole``: and all their revisions); the outcome is kept as the new state."""
        made = tuple((verified(block) if hasattr(block, "changes") else block, "quarantine/1") for block in blocks)
        details = tuple(each for block in blocks for each in revisions_of(block)) if whole else tuple(revisions)
        arrivals = Arrivals(made, details, tuple(rejected))
        outcome = StrandAudit(self.state, self.known, self.patience, self.now, self.bounds).run(arrivals)
        if outcome.state is not None:
            self.state = outcome.state
        self.known |= {block.sequence_no: block for run in outcome.runs for block in run.blocks}
        return outcome

    def wait(self, seconds: float):
        self.now += timedelta(seconds=seconds)
        return self.take()

    def due(self):
        return due(self.state, self.patience, self.now)

    @property
    def ranges(self):
        return [(each.segment.begin, each.segment.end) for each in self.state.segments]


def said(outcome) -> list[tuple[str, str, str]]:
    """(rule, place, status) of an outcome's findings, in order."""
    return [(str(each.rule_id).removeprefix("audit."), each.place, str(each.status)) for each in outcome.findings]


# Made-up blocks, where only their number and size matter ------------------------------------------------------------


def made_run(first: int, count: int, *, marks: int = 1, strand_id: str = STRAND) -> Run:
    return Run(strand_id, first, tuple(made_block(number, marks) for number in range(first, first + count)))


def made_block(number: int, marks: int = 1) -> KnownBlock:
    digest = hashlib.sha256(f"block {number}".encode()).digest()
    return KnownBlock(number, digest, tuple(made_mark(number, index) for index in range(marks)))


def made_mark(number: int, index: int) -> RevisionMark:
    digest = hashlib.sha256(f"mark {number} {index}".encode()).digest()
    return RevisionMark(digest[:16], NO_LABEL if index % 3 == 0 else digest[16:24], index % 5 == 4)


def without_time(finding):
    return replace(finding, found_at=NOW)
