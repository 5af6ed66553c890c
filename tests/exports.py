"""Journals as a ledger stores them, read through the port; exported into memory and verified from there."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from counterfoil.adapters.kinesis import aggregate
from counterfoil.adapters.memory import MemoryBucket
from counterfoil.errors import NotFoundError
from counterfoil.journal import BlockSummaryRecord, ControlRecord, deaggregate, parse_stream_record
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.journal.export_format import ANCHOR_FILE, OutputFormat
from counterfoil.ledger.jobs import Encryption, EncryptionType, ExportJob, StreamJob
from counterfoil.ports import ExportFiles, JournalReader
from counterfoil.services.batch import KinesisRecord
from counterfoil.services.export import Exporter
from counterfoil.services.verify_export import verify_export
from tests.journals import START, STRAND, STREAM_ARN, transfer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FORMATS = (None, OutputFormat.ION_TEXT, OutputFormat.ION_BINARY, OutputFormat.JSON)
KINESIS_ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/journal"


@dataclass
class ListReader(JournalReader):
    """A journal in a list, which may grow."""

    stored: list[bytes]
    strand_id: str = STRAND
    begins_at: TrustAnchor | None = None
    grown: threading.Condition = field(default_factory=threading.Condition)

    @classmethod
    def of(cls, journal):
        return cls([block.block_binary() for block in journal.blocks])

    @classmethod
    def behind(cls, anchor, journal):
        """The blocks from a trust anchor on."""
        return cls([block.block_binary() for block in journal.blocks[anchor.begin :]], begins_at=anchor)

    @property
    def anchor(self):
        return self.begins_at

    def tip(self):
        return self.first() + len(self.stored) - 1 if self.stored else None

    def blocks(self, begin: int, end: int, /) -> Iterator[bytes]:
        first = self.first()
        if begin < first:
            raise NotFoundError(f"there is no block {begin}")
        assert begin < end <= first + len(self.stored)
        return iter(self.stored[begin - first : end - first])

    def wait_for(self, sequence_no: int, timeout: float, /) -> bool:
        with self.grown:
            return self.grown.wait_for(lambda: sequence_no < self.first() + len(self.stored), timeout)

    def append(self, data: bytes) -> None:
        with self.grown:
            self.stored.append(data)
            self.grown.notify_all()


@dataclass
class MemoryFiles(ExportFiles):
    """The files of an export in memory, handed out in small pieces."""

    files: dict[str, bytes]
    piece_bytes: int = 700

    def names(self):
        return sorted(self.files)

    def size_bytes(self):
        return sum(map(len, self.files.values()))

    def chunks(self, name: str, limit_bytes: int, /) -> Iterator[bytes]:
        if name not in self.files:
            raise NotFoundError(name)
        data = self.files[name]
        assert len(data) <= limit_bytes
        return (data[at : at + self.piece_bytes] for at in range(0, len(data), self.piece_bytes))


def export_job(output_format=None, **changes) -> ExportJob:
    """An export of everything that the journals of tests/journals.py hold."""
    plain = Encryption(EncryptionType.NO_ENCRYPTION)
    job = ExportJob(
        "8UyXulxccYLAsbN1aon7e4", "bank", "arn:aws:iam::123456789012:role/export", START, NOW, "bucket", "exports/bank",
        plain, output_format, NOW,
    )  # fmt: skip
    return replace(job, **changes)


def stream_job(**changes) -> StreamJob:
    job = StreamJob(
        "IiPT4brpZCqCq3f4MTHbYy", "all", STREAM_ARN, "bank", "arn:aws:iam::123456789012:role/stream",
        START, None, KINESIS_ARN, aggregation=True, created_at=START,
    )  # fmt: skip
    return replace(job, **changes)


def exported(journal, output_format=None, **changes) -> dict[str, bytes]:
    """The objects of a journal's export by key."""
    bucket = MemoryBucket()
    list(Exporter(ListReader.of(journal), bucket).export(export_job(output_format, **changes), NOW))
    return bucket.objects


def verdict_of(files: dict[str, bytes], digest=None):
    """What the only export among the files comes to."""
    (verdict,) = verify_export(MemoryFiles(files), NOW, digest)
    return verdict


def rules_of(verdict) -> list[str]:
    return [str(finding.rule_id) for finding in verdict.findings]


def data_keys(files: dict[str, bytes]) -> list[str]:
    """Keys of the data objects in order of their first blocks."""
    keys = [key for key in files if not key.endswith((".manifest", ANCHOR_FILE))]
    return sorted(keys, key=lambda key: int(key.rpartition(".")[0].rpartition(".")[2].partition("-")[0]))


def kinesis_records(outer) -> list[KinesisRecord]:
    """Put records as Lambda would deliver them."""
    return [
        KinesisRecord("shardId-000000000000", str(index), each.partition_key, each.data, START)
        for index, each in enumerate(outer)
    ]


def later(**amounts) -> datetime:
    return START + timedelta(**amounts)


# What a stream of six transfers says.
EVERYTHING = ["CREATED", 0, "r0", 1, "r1", 2, "r2", 3, "r3", 4, "r4", 5, "r5"]


def said(outer):
    """The user records of put records: their type, and the number of the block."""
    found = []
    for each in outer:
        for user in deaggregate(each.data, each.partition_key).records:
            record = parse_stream_record(user.data)
            if isinstance(record, ControlRecord):
                found.append(record.control_type)
            elif isinstance(record, BlockSummaryRecord):
                found.append(record.block.address.sequence_no)
            else:
                found.append(f"r{record.address.sequence_no}")
    return found


def big_transfer(number, size_bytes):
    seen = transfer(number)
    return replace(seen, changes=(replace(seen.changes[0], data={"note": "x" * size_bytes}),))


__all__ = [
    "EVERYTHING", "FORMATS", "KINESIS_ARN", "NOW", "ListReader", "MemoryFiles", "aggregate", "big_transfer", "data_keys",
    "export_job", "exported", "kinesis_records", "later", "rules_of", "said", "stream_job", "verdict_of",
]  # fmt: skip
