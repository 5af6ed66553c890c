"""Where a finding and its evidence are: a stack's tables and buckets, or a ledger with a log's directory and snapshots in files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Final

from counterfoil.adapters.log_directory import LogDirectory
from counterfoil.cli.output import read_bytes
from counterfoil.cli.places import OpenLedger, opened_ledger
from counterfoil.cli.report.sources import evidence_of_ledger
from counterfoil.detection.finding import Finding
from counterfoil.detection.snapshot import parse_document, snapshot_name
from counterfoil.errors import InputError, NotFoundError
from counterfoil.journal import BlockAddress
from counterfoil.merkle import Hash
from counterfoil.merkle.nodes import prove_leaf
from counterfoil.ports import JournalReader
from counterfoil.report_ports import SnapshotArchive
from counterfoil.services.evidence import EvidenceSources
from counterfoil.transparency.public_key import StatementKey

_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Places:
    """What a person names: a stack, or a ledger (in a folder or behind a server); files beside it; keys whose signatures count."""

    stack: str
    findings_table: str
    ledger: str
    data: Path | None
    endpoint: str | None
    log: Path | None
    snapshots: Sequence[Path]
    keys: Sequence[StatementKey]


@contextmanager
def finding_and_sources(finding_id: str, at: Places) -> Iterator[tuple[Finding, EvidenceSources]]:
    """The finding, and where its evidence is, open as long as the context is."""
    if at.ledger:
        with opened_ledger(at.ledger, at.data, at.endpoint) as opened:
            yield _finding(finding_id, at, opened), _of_ledger(opened, at)
        return
    if not at.stack:
        raise InputError("where is the ledger? Name the stack with --stack, or the ledger with --ledger")
    finding = _finding(finding_id, at, None)
    strand_id, _, _ = finding.place.rpartition("#")
    yield finding, _of_stack(at, strand_id)


def _finding(finding_id: str, at: Places, opened: OpenLedger | None) -> Finding:
    """From the Findings table, or by judging the ledger's journal anew from its first block."""
    if opened is None or at.stack or at.findings_table:
        from counterfoil.cli.desk import desk

        return desk(at.stack, findings=at.findings_table).finding(finding_id)
    judged = evidence_of_ledger(opened, _FIRST, _LAST, version_of("counterfoil"))
    found = next((each for each in judged.findings if each.finding_id == finding_id), None)
    if found is None:
        raise NotFoundError(f"the journal of {opened.name} gives no finding {finding_id[:200]}")
    return found


def _of_ledger(opened: OpenLedger, at: Places) -> EvidenceSources:
    def prove(address: BlockAddress, size: int) -> Sequence[Hash]:
        return opened.prove(address, BlockAddress(address.strand_id, size - 1))

    return EvidenceSources(
        at.keys,
        lambda address: _block(opened.journal, address),
        prove,
        None if at.log is None else LogDirectory(at.log),
        FileSnapshots.read(at.snapshots) if at.snapshots else None,
    )


def _block(journal: JournalReader, address: BlockAddress) -> bytes | None:
    if address.strand_id != journal.strand_id:
        raise InputError(f"the finding is of strand {address.strand_id}, the ledger's is {journal.strand_id}")
    tip = journal.tip()
    if tip is None or not journal.first() <= address.sequence_no <= tip:
        return None
    return next(iter(journal.blocks(address.sequence_no, address.sequence_no + 1)))


@dataclass(frozen=True, slots=True)
class FileSnapshots(SnapshotArchive):
    """Snapshot documents in files, under the names that they have in their bucket, which follow from what they say."""

    documents: Mapping[str, bytes]

    @classmethod
    def read(cls, files: Sequence[Path]) -> FileSnapshots:
        documents = {}
        for data in map(read_bytes, files):
            snapshot, _ = parse_document(data)
            documents[snapshot_name(snapshot)] = data
        return cls(documents)

    def names(self, prefix: str, /) -> Sequence[str]:
        return sorted(name for name in self.documents if name.startswith(prefix))

    def load(self, name: str, /) -> bytes:
        return self.documents[name]


def _of_stack(at: Places, strand_id: str) -> EvidenceSources:
    """By whoever may read the journal's table, the snapshots' bucket and quarantine, and ask for the keys' public halves."""
    from counterfoil import wiring
    from counterfoil.adapters.s3 import S3Log
    from counterfoil.adapters.system import system_clock
    from counterfoil.cli.report.stack import S3SnapshotArchive
    from counterfoil.cli.stacks import outputs_of
    from counterfoil.settings import JournalPlaces

    outputs = outputs_of(at.stack, _OUTPUTS)
    s3 = wiring.client("s3")
    places = JournalPlaces(outputs["JournalTableName"], outputs["JournalBucketName"], outputs["RegistryTableName"])
    journal = wiring.journal(places, strand_id)
    bucket = outputs["SnapshotsBucketName"]
    keys = [_kms_key(outputs[name]) for name in ("CheckpointSigningKeyId", "SnapshotSigningKeyId")]

    def files(bucket: str, prefix: str) -> S3Log:
        """Only read: what it would lock with is of no concern."""
        return S3Log(s3, bucket, prefix, "GOVERNANCE", timedelta(0), system_clock)

    return EvidenceSources(
        [*at.keys, *keys],
        lambda address: _item(journal, address),
        lambda address, size: _path(journal, address, size),
        files(bucket, f"tlog/{strand_id}/"),
        S3SnapshotArchive(s3, bucket),
        files(outputs["FailedBatchesBucketName"], "").load,
    )


_OUTPUTS: Final = frozenset(
    {
        "JournalTableName", "JournalBucketName", "RegistryTableName", "SnapshotsBucketName", "FailedBatchesBucketName",
        "CheckpointSigningKeyId", "SnapshotSigningKeyId",
    }
)  # fmt: skip


def _item(journal: Any, address: BlockAddress) -> bytes | None:
    item = journal.read(range(address.sequence_no, address.sequence_no + 1), whole=True).get(address.sequence_no)
    return None if item is None else journal.bytes_of(item.block)


def _path(journal: Any, address: BlockAddress, size: int) -> Sequence[Hash]:
    """The nodes that a path takes are found first, then read at once."""
    places: list[tuple[int, int]] = []

    def note(level: int, position: int) -> Hash:
        places.append((level, position))
        return Hash(bytes(32))

    prove_leaf(note, address.sequence_no, size)
    nodes = journal.nodes(places) if places else {}
    return prove_leaf(lambda level, position: nodes[level, position], address.sequence_no, size)


def _kms_key(key_id: str) -> StatementKey:
    from counterfoil import wiring
    from counterfoil.adapters.boto_errors import translated

    with translated(f"reading the public key of {key_id}"):
        return StatementKey.of_der(wiring.client("kms").get_public_key(KeyId=key_id)["PublicKey"])
