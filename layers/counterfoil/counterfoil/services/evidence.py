"""Bundles of evidence: what a finding rests on, gathered from wherever it is kept, each part checked before it is handed over.

The ledger is asked for blocks and, where a snapshot is to be led to, for paths in its tree; nothing it says is believed. The log is
read through its tiles, against a checkpoint that one of the keys signed. What cannot be had is left out and said, so that a finding
about a ledger that was altered can be handed over as well; what contradicts the finding's own words is an ``IntegrityError``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.evidence.bundle import (
    Bundle,
    KeptRecord,
    StatementKind,
    UnverifiedItem,
    UnverifiedProof,
    UnverifiedStatement,
    parse_bundle,
    render_bundle,
)
from counterfoil.detection.evidence.claim import Claim, claim_of
from counterfoil.detection.evidence.statements import LogStatement, SnapshotStatement, verify_statement
from counterfoil.detection.evidence.verification import Verdict, verify_bundle
from counterfoil.detection.finding import Finding
from counterfoil.errors import ContentsMismatchError, InputError, IntegrityError
from counterfoil.ion import read_single, render_text
from counterfoil.journal import Block, BlockAddress, parse_block, verify_block
from counterfoil.journal.publication import block_summary
from counterfoil.journal.stored import block_fields
from counterfoil.log_ports import LogStore
from counterfoil.merkle import Hash
from counterfoil.report_ports import SnapshotArchive
from counterfoil.transparency.entry import LogEntry, parse_entry, render_entry
from counterfoil.transparency.policy import WitnessPolicy
from counterfoil.transparency.public_key import StatementKey
from counterfoil.transparency.tiles import CHECKPOINT_PATH, TileReader
from counterfoil.transparency.timestamp import MAX_TIMESTAMP_BYTES, timestamp_path
from counterfoil.transparency.tree import prove_inclusion

# Of the newest snapshots so many are looked at for one that covers the blocks and is signed by a key that is known.
SNAPSHOTS_LOOKED_AT: Final = 10

# Larger records are named by the finding and not carried; a stream record of a block's size has less.
MAX_RECORD_BYTES: Final = 8 * 1024 * 1024

# A block by its address, ``None`` where there is none.
ReadBlock = Callable[[BlockAddress], bytes | None]

# The path of a block in QLDB's tree over so many blocks.
ProveBlock = Callable[[BlockAddress, int], Sequence[Hash]]


@dataclass(frozen=True, slots=True)
class EvidenceSources:
    """Where evidence is; ``None`` where that is not known. Nothing of it is trusted but ``keys``, whose statements count."""

    keys: Sequence[StatementKey]
    block: ReadBlock
    prove: ProveBlock | None = None
    log: LogStore | None = None
    snapshots: SnapshotArchive | None = None
    record: Callable[[str], bytes | None] | None = None


@dataclass(frozen=True, slots=True)
class MadeEvidence:
    """The file, what a verifier makes of it, and what could not be had."""

    data: bytes
    verdict: Verdict
    left_out: tuple[str, ...]


def make_evidence(finding: Finding, sources: EvidenceSources) -> MadeEvidence:
    """The bundle of a finding. ``InputError`` where nothing in a ledger proves it."""
    gathering = _Gathering(finding, claim_of(finding), sources)
    gathering.gather()
    bundle = Bundle(finding, tuple(gathering.items), tuple(gathering.records), tuple(gathering.statements))
    data = render_bundle(bundle)
    return MadeEvidence(data, verify_bundle(parse_bundle(data)), tuple(gathering.left_out))


@dataclass(slots=True)
class _Gathering:
    """One bundle while it is put together."""

    finding: Finding
    claim: Claim
    sources: EvidenceSources
    items: list[UnverifiedItem] = field(default_factory=list)
    records: list[KeptRecord] = field(default_factory=list)
    statements: list[UnverifiedStatement] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def gather(self) -> None:
        if self.claim.of_statements:
            self._take_statements()
        elif self.claim.blocks:
            log, snapshot = self._log(), self._snapshot()
            for address in self.claim.blocks:
                self._take_place(address, log, snapshot)
        for name in dict.fromkeys((self.claim.record, self.claim.record_before)):
            if name is not None:
                self._take_record(name)

    # Blocks

    def _take_place(self, address: BlockAddress, log: _Log | None, snapshot: SnapshotStatement | None) -> None:
        logged = None if log is None else self._logged(address, log)
        stored = self._stored(address)
        if stored is None:
            if logged is not None:
                self.items.append(
                    UnverifiedItem(None, render_entry(logged[0]).decode(), (), (self._proof(*logged[1:]),))
                )
            return
        block, fields = stored
        proofs: list[UnverifiedProof] = []
        if logged is not None and logged[0].block_hash == block.block_hash:
            proofs.append(self._proof(*logged[1:]))
        elif logged is not None:
            self._take_other(address, block, logged)
        if snapshot is not None and (path := self._path(block, snapshot)) is not None:
            proofs.append(self._proof(snapshot, path))
        cited = {bytes(each.revision_hash) for each in self.claim.citations if each.address == address}
        revisions = [
            each for each in fields.get("revisions") or [] if bytes(each["hash"]) in cited and "metadata" in each
        ]
        texts = tuple(render_text(each) for each in revisions)
        self.items.append(UnverifiedItem(render_text(block_summary(fields)), None, texts, tuple(proofs)))

    def _take_other(
        self, address: BlockAddress, block: Block, logged: tuple[LogEntry, LogStatement, tuple[Hash, ...]]
    ) -> None:
        """The log has another block there than the ledger: for a finding of that kind both are evidence."""
        if not self.claim.disputed:
            raise ContentsMismatchError(
                f"the ledger's block {address} is {block.block_hash}, the signed log has {logged[0].block_hash} there",
                expected=str(logged[0].block_hash),
                found=str(block.block_hash),
            )
        self.items.append(UnverifiedItem(None, render_entry(logged[0]).decode(), (), (self._proof(*logged[1:]),)))

    def _stored(self, address: BlockAddress) -> tuple[Block, Mapping[str, Any]] | None:
        """The ledger's block as it is now, verified by itself."""
        data = self.sources.block(address)
        if data is None:
            self.left_out.append(f"block {address}: the ledger has none there")
            return None
        try:
            block = verify_block(parse_block(read_single(data)))
            if block.address != address:
                raise ContentsMismatchError(f"the ledger gives block {block.address} for block {address}")
        except IntegrityError as error:
            if not self.claim.disputed:
                raise
            self.left_out.append(f"block {address}, which does not hold as the ledger has it: {error}")
            return None
        return block, block_fields(data)

    # Statements

    def _proof(self, statement: LogStatement | SnapshotStatement, path: Sequence[Hash]) -> UnverifiedProof:
        return UnverifiedProof(self._take_statement(statement), tuple(path))

    def _take_statement(self, statement: LogStatement | SnapshotStatement) -> int:
        kind = StatementKind.CHECKPOINT if isinstance(statement, LogStatement) else StatementKind.SNAPSHOT
        taken = UnverifiedStatement(kind, statement.key, statement.text, self._timestamp(statement))
        if taken not in self.statements:
            self.statements.append(taken)
        return self.statements.index(taken)

    def _timestamp(self, statement: LogStatement | SnapshotStatement) -> bytes | None:
        """What an authority answered for a checkpoint, unchecked: whoever verifies the bundle knows whom to trust for the time."""
        if self.sources.log is None or not isinstance(statement, LogStatement):
            return None
        found = self.sources.log.load(timestamp_path(statement.text.encode()))
        if found is not None and len(found) > MAX_TIMESTAMP_BYTES:
            self.left_out.append(f"a time stamp of {len(found)} bytes; at most {MAX_TIMESTAMP_BYTES} are carried")
            return None
        return found

    def _signed(self, kind: StatementKind, data: bytes, what: str) -> LogStatement | SnapshotStatement | None:
        """A statement as signed by one of the keys; what none of them signed is left out."""
        why = "no key was given"
        for key in self.sources.keys:
            try:
                return verify_statement(
                    UnverifiedStatement(kind, key, data.decode("utf-8", "replace")), WitnessPolicy()
                )
            except (InputError, IntegrityError) as error:
                why = str(error)
        self.left_out.append(f"{what}: no key that is known here signed it ({why})")
        return None

    def _log(self) -> _Log | None:
        data = None if self.sources.log is None else self.sources.log.load(CHECKPOINT_PATH)
        if self.sources.log is None or data is None:
            self.left_out.append("the log: there is none, or no checkpoint of it yet")
            return None
        signed = self._signed(StatementKind.CHECKPOINT, data, "the log's checkpoint")
        if not isinstance(signed, LogStatement):
            return None
        try:
            return _Log(signed, TileReader(self.sources.log.load, signed.checkpoint.head))
        except (InputError, IntegrityError) as error:
            self.left_out.append(f"the log, which does not hold: {error}")
            return None

    def _logged(self, address: BlockAddress, log: _Log) -> tuple[LogEntry, LogStatement, tuple[Hash, ...]] | None:
        """The log's entry of a place and its path; a log of another strand proves nothing here."""
        head, number = log.statement.checkpoint.head, address.sequence_no
        if number >= head.size:
            self.left_out.append(f"a proof of block {address}: the checkpoint covers {head.size} blocks")
            return None
        try:
            entry = parse_entry(log.reader.entry(number))
            path = prove_inclusion(log.reader.node, number, head.size)
        except (InputError, IntegrityError) as error:
            self.left_out.append(f"a proof of block {address}, of which the log does not hold: {error}")
            return None
        if (entry.strand_id, entry.sequence_no) != address:
            raise InputError(
                f"entry {number} of the log is block {entry.strand_id}#{entry.sequence_no}, not block {address}"
            )
        return entry, log.statement, path

    def _snapshot(self) -> SnapshotStatement | None:
        """The newest snapshot over all of the blocks, if it has a digest and the ledger can be asked for paths."""
        if self.sources.snapshots is None or self.sources.prove is None:
            return None
        last = max(self.claim.blocks)
        for signed in self._snapshots(self.sources.snapshots, last.strand_id):
            if signed.snapshot.digest is not None and signed.snapshot.range.end > last.sequence_no:
                return signed
        self.left_out.append(f"a snapshot: there is none yet over block {last}")
        return None

    def _snapshots(self, archive: SnapshotArchive, strand_id: str) -> Iterator[SnapshotStatement]:
        """Signed ones of the strand, the newest first."""
        for name in reversed(archive.names(f"snapshots/{strand_id}/")[-SNAPSHOTS_LOOKED_AT:]):
            signed = self._signed(StatementKind.SNAPSHOT, archive.load(name), name)
            if isinstance(signed, SnapshotStatement) and signed.snapshot.tip_address.strand_id == strand_id:
                yield signed

    def _path(self, block: Block, statement: SnapshotStatement) -> Sequence[Hash] | None:
        """The ledger's path from a block to the digest; one that does not hold is left out."""
        entry = LogEntry(block.address.strand_id, block.address.sequence_no, block.block_hash)
        assert self.sources.prove is not None
        try:
            path = self.sources.prove(block.address, statement.snapshot.range.end)
            statement.check_block(entry, path)
        except (InputError, IntegrityError) as error:
            self.left_out.append(f"the path of block {block.address} to the snapshot's digest: {error}")
            return None
        return path

    def _take_statements(self) -> None:
        """What a finding about signed statements names: both that contradict each other."""
        if self.finding.rule_id == AuditRule.SNAPSHOT_NOT_EXTENDING:
            self._take_snapshots_from(self.finding.subject)
        elif self.finding.subject == "ledger":
            self._take_snapshot_at()
        elif self.claim.record is not None and self.sources.log is not None:
            kept = self.sources.log.load(self.claim.record) or b""
            for each in _notes_in(kept):
                signed = self._signed(StatementKind.CHECKPOINT, each, "one of the two checkpoints")
                if signed is not None:
                    self._take_statement(signed)

    def _take_snapshots_from(self, name: str) -> None:
        """The snapshot of a name, and the one behind it that names it."""
        archive = self.sources.snapshots
        names = [] if archive is None else list(archive.names(f"snapshots/{self._strand_id}/"))
        if archive is None or name not in names:
            self.left_out.append(f"snapshot {name}: there is none of that name")
            return
        for each in names[names.index(name) :][:SNAPSHOTS_LOOKED_AT]:
            signed = self._signed(StatementKind.SNAPSHOT, archive.load(each), each)
            if isinstance(signed, SnapshotStatement) and name in {each, signed.snapshot.previous}:
                self._take_statement(signed)

    def _take_snapshot_at(self) -> None:
        """The snapshot whose tip is the finding's place."""
        archive = self.sources.snapshots
        names = [] if archive is None else archive.names(f"snapshots/{self._strand_id}/")
        _, _, number = self.finding.place.rpartition("#")
        for each in [name for name in names if name.endswith(f"-{number}.json")][:1]:
            assert archive is not None
            signed = self._signed(StatementKind.SNAPSHOT, archive.load(each), each)
            if signed is not None:
                self._take_statement(signed)

    @property
    def _strand_id(self) -> str:
        assert self.claim.place is not None
        return self.claim.place.strand_id

    # Bytes

    def _take_record(self, name: str) -> None:
        """What the auditor kept: in the log's folder where it is about the log, else in quarantine."""
        data = self._bytes_of(name)
        if data is None:
            self.left_out.append(f"{name}: it is not kept here")
        elif len(data) > MAX_RECORD_BYTES:
            self.left_out.append(f"{name}: {len(data)} bytes; at most {MAX_RECORD_BYTES} are carried")
        elif sha256(data).hexdigest() != name.rpartition("/")[2]:
            self.left_out.append(f"{name}: what lies there is something else")
        else:
            self.records.append(KeptRecord(name, data))

    def _bytes_of(self, name: str) -> bytes | None:
        if self.claim.of_statements:
            return None if self.sources.log is None else self.sources.log.load(name)
        return None if self.sources.record is None else self.sources.record(name)


@dataclass(frozen=True, slots=True)
class _Log:
    """A log at a signed checkpoint."""

    statement: LogStatement
    reader: TileReader


def _notes_in(kept: bytes) -> list[bytes]:
    """The note that was kept before and the one found then, with a line feed between them; each may be empty.

    A note is a text, an empty line and its signatures, so that the first one ends before the second empty line.
    """
    if kept.startswith(b"\n"):
        return [kept[1:]]
    text, *signatures = kept.split(b"\n\n", 2)
    before = b"\n\n".join([text, *signatures[:1]]) + b"\n"
    return [each for each in (before, kept[len(before) + 1 :]) if each]
