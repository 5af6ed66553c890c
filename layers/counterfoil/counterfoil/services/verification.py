"""Each record of a batch verified by itself, and sorted by the strand it belongs to.

What cannot be read or does not verify is kept in quarantine and becomes a finding; it never stops its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from counterfoil.detection import audit_rules as rules
from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Finding
from counterfoil.detection.strand import label_of
from counterfoil.detection.strand_audit import Arrivals, ArrivedRevision, RejectedBlock
from counterfoil.errors import (
    ContentsMismatchError,
    InputError,
    RevisionMismatchError,
    SetAsideMismatchError,
    UnavailableError,
)
from counterfoil.journal import (
    Block,
    BlockAddress,
    BlockSummaryRecord,
    ControlRecord,
    RevisionDetailsRecord,
    RevisionKind,
    SetAsideRecord,
    UnverifiedBlock,
    verify_block,
    verify_revision,
)
from counterfoil.journal.plain_record import VerifiedDetails, VerifiedSummary
from counterfoil.journal.stream_record import RecordType
from counterfoil.ports import MAX_RUNS, Quarantine, quarantine_name
from counterfoil.services.batch import KinesisRecord, ReadItem, read_batch
from counterfoil.services.set_aside import PointerFollower


@dataclass(slots=True)
class StrandBatch:
    """A batch's records of one strand. ``originals`` keeps the bytes of its blocks by name, in case one is a fork."""

    first_index: int
    blocks: list[tuple[Block, str]] = field(default_factory=list)
    revisions: list[ArrivedRevision] = field(default_factory=list)
    rejected: list[RejectedBlock] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    originals: dict[str, bytes] = field(default_factory=dict)

    def arrivals(self) -> Arrivals:
        return Arrivals(tuple(self.blocks), tuple(self.revisions), tuple(self.rejected))

    def pieces(self) -> list[StrandBatch]:
        """The batch in pieces whose blocks form at most ``MAX_RUNS`` runs each, with the revisions that belong to them.

        Revisions of other blocks come with the last piece. A batch of an ordered stream is one piece.
        """
        pieces = [StrandBatch(self.first_index, originals=self.originals)]
        runs, previous = 0, None
        for block, name in sorted(self.blocks, key=lambda each: each[0].address.sequence_no):
            number = block.address.sequence_no
            runs += previous is None or number > previous + 1
            if runs > MAX_RUNS:
                pieces.append(StrandBatch(self.first_index, originals=self.originals))
                runs = 1
            pieces[-1].blocks.append((block, name))
            previous = number
        places = {block.address.sequence_no: piece for piece in pieces for block, _ in piece.blocks}
        for revision in self.revisions:
            places.get(revision.sequence_no, pieces[-1]).revisions.append(revision)
        pieces[-1].rejected, pieces[-1].findings = self.rejected, self.findings
        return pieces

    def sequence_nos(self) -> set[int]:
        blocks = {block.address.sequence_no for block, _ in self.blocks}
        revisions = {each.sequence_no for each in self.revisions}
        return blocks | revisions | {each.sequence_no for each in self.rejected}


@dataclass(slots=True)
class VerifiedBatch:
    """What reading a batch gave: records by strand, findings of no strand with the outer record they came from, counts.

    ``failures`` are outer records whose bytes could not be put in quarantine, or of which a part that was set aside could not be
    fetched: they must be delivered again.
    """

    now: datetime
    quarantine: Quarantine
    pointers: PointerFollower
    strands: dict[str, StrandBatch] = field(default_factory=dict)
    loose: list[tuple[int, Finding]] = field(default_factory=list)
    failures: list[tuple[int, UnavailableError]] = field(default_factory=list)
    blocks_verified: int = 0
    revisions_verified: int = 0
    distinct_revisions: set[tuple[BlockAddress, bytes]] = field(default_factory=set)
    quarantined: int = 0
    newest_block_at: datetime | None = None

    def read(self, records: Sequence[KinesisRecord]) -> None:
        for item in read_batch(records):
            try:
                self._take(item, records[item.outer_index])
            except UnavailableError as error:
                self.failures.append((item.outer_index, error))

    def _take(self, item: ReadItem, outer: KinesisRecord) -> None:
        if isinstance(pointer := item.record, SetAsideRecord):
            try:
                item = self.pointers.follow(item)
            except SetAsideMismatchError as error:
                self._take_altered(item.outer_index, pointer, error)
                return
        try:
            match item.record:
                case VerifiedSummary(block=verified):
                    self._enter_block(item, verified)
                case VerifiedDetails() as verified_details:
                    self._enter_revision(item, verified_details, verified=True)
                case BlockSummaryRecord(block=block):
                    self._take_block(item, block)
                case RevisionDetailsRecord() as details:
                    self._take_revision(item, details)
                case ControlRecord() as control:
                    self.loose.append((item.outer_index, rules.stream_control(control, self.now)))
                case _:
                    raise item.error or InputError("a record without contents")
        except InputError as error:
            self.loose.append((item.outer_index, self._unreadable(item, error, outer)))

    def _strand(self, strand_id: str, index: int) -> StrandBatch:
        strand = self.strands.get(strand_id)
        if strand is None:
            strand = self.strands[strand_id] = StrandBatch(index)
        return strand

    def _take_altered(self, index: int, pointer: SetAsideRecord, error: SetAsideMismatchError) -> None:
        """What was set aside is not there any more as it was: as if it had been altered in the stream."""
        of_block = pointer.record_type is RecordType.BLOCK_SUMMARY
        rule = AuditRule.CONTENTS_MISMATCH if of_block else AuditRule.REVISION_MISMATCH
        strand, address = self._strand(pointer.address.strand_id, index), pointer.address
        subject, kept = pointer.place.sha256.hex(), self._keep(error.data)
        strand.findings.append(rules.from_error(rule, address, error, self.now, subject=subject, quarantined=kept))
        if of_block:
            strand.rejected.append(RejectedBlock(address.sequence_no, rule))

    def _take_block(self, item: ReadItem, unverified: UnverifiedBlock) -> None:
        address = unverified.address
        try:
            block = verify_block(unverified)
        except (ContentsMismatchError, RevisionMismatchError) as error:
            strand = self._strand(address.strand_id, item.outer_index)
            strand.findings.append(
                rules.from_error(
                    AuditRule.CONTENTS_MISMATCH,
                    address,
                    error,
                    self.now,
                    subject=str(unverified.block_hash),
                    quarantined=self._keep(item.data),
                )
            )
            strand.rejected.append(RejectedBlock(address.sequence_no, AuditRule.CONTENTS_MISMATCH))
            return
        self._enter_block(item, block)

    def _enter_block(self, item: ReadItem, block: Block) -> None:
        strand = self._strand(block.address.strand_id, item.outer_index)
        name = quarantine_name(item.data)
        strand.originals[name] = item.data
        strand.blocks.append((block, name))
        self.blocks_verified += 1
        committed = block.timestamp.to_datetime()
        if self.newest_block_at is None or committed > self.newest_block_at:
            self.newest_block_at = committed

    def _take_revision(self, item: ReadItem, details: RevisionDetailsRecord) -> None:
        address, metadata, revision = details.address, details.metadata, details.revision
        verified = True
        try:
            verify_revision(revision)
        except RevisionMismatchError as error:
            verified = False
            finding = rules.from_error(
                AuditRule.REVISION_MISMATCH,
                address,
                error,
                self.now,
                subject=f"{metadata.document_id}-{metadata.version}-{error.evidence['found'][:16]}",
                document_id=metadata.document_id,
                quarantined=self._keep(item.data),
            )
            self._strand(address.strand_id, item.outer_index).findings.append(finding)
        self._enter_revision(item, details, verified=verified)

    def _enter_revision(
        self, item: ReadItem, details: RevisionDetailsRecord | VerifiedDetails, *, verified: bool
    ) -> None:
        address, metadata, revision = details.address, details.metadata, details.revision
        if verified:
            self.revisions_verified += 1
            self.distinct_revisions.add((address, revision.hash))
        self._strand(address.strand_id, item.outer_index).revisions.append(
            ArrivedRevision(
                address.sequence_no,
                revision.hash,
                label_of(metadata.tx_id, metadata.document_id, details.table_name, details.table_id),
                metadata.document_id,
                metadata.tx_id,
                verified,
                revision.kind is RevisionKind.DELETED,
            )
        )

    def _unreadable(self, item: ReadItem, error: InputError, outer: KinesisRecord) -> Finding:
        name = self._keep(item.data)
        return rules.found(
            AuditRule.UNREADABLE_RECORD,
            f"bytes-{name.rpartition('/')[2]}",
            f"a record could not be read: {error}",
            self.now,
            quarantined=name,
            size_bytes=str(len(item.data)),
            shard_id=outer.shard_id,
            shard_sequence_number=outer.shard_sequence_number,
            sub_sequence_number=str(item.sub_sequence_number),
            partition_key=outer.partition_key,
        )

    def _keep(self, data: bytes) -> str:
        self.quarantined += 1
        return self.quarantine.keep(data)
