"""Makes blocks, digests and proofs in QLDB's format, byte for byte.

The layout of ``entriesHashList`` is that of the real service's blocks: ``[0]`` and ``[2]`` are opaque to its verifiers, so
``[0]`` binds the header and ``[2]`` is reserved (docs/format.md, "Decided here"). Proofs are what GetBlock and GetRevision
answer.

Values are the Python values of ``counterfoil.ion``; times are aware datetimes, written to the millisecond in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from counterfoil.ion import dump_binary, dump_text, hash_of_ion, read_single
from counterfoil.ion.text import Timestamp, TimestampPrecision
from counterfoil.journal.address import BlockAddress
from counterfoil.journal.block import HASH_OF_NOTHING
from counterfoil.journal.chain import Digest
from counterfoil.journal.publication import streamed_block
from counterfoil.merkle import Hash, dot, hash_of, prove_inclusion, root_of


@dataclass(frozen=True, slots=True)
class Statement:
    """A PartiQL statement as executed; parameters are hashed with it and never written into the block."""

    text: str
    parameters: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The revision of one document that a transaction makes; ``data`` of ``None`` deletes it.

    ``statements`` are the 0-based numbers of the statements that touched it. ``internal`` makes a revision of the system: in the
    block only its hash is shown.
    """

    document_id: str
    version: int
    table_name: str
    table_id: str
    data: dict[str, Any] | None
    statements: tuple[int, ...] = (0,)
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Redaction:
    """A revision whose data a transaction removes."""

    address: BlockAddress
    table_id: str
    document_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one block commits. ``tx_time`` is a few milliseconds before ``committed_at``, as in the real service."""

    transaction_id: str
    tx_time: datetime
    committed_at: datetime
    statements: tuple[Statement, ...] = ()
    changes: tuple[Change, ...] = ()
    redactions: tuple[Redaction, ...] = ()


@dataclass(slots=True)
class BuiltBlock:
    """A block in its whole form (``fields``, in QLDB's order), with what its proofs and stream records need."""

    address: BlockAddress
    block_hash: Hash
    previous_block_hash: Hash | None
    entries: tuple[Hash, ...]
    fields: dict[str, Any]
    changes: tuple[Change, ...]

    @property
    def revisions(self) -> list[dict[str, Any]]:
        return list(self.fields["revisions"])

    def block_text(self) -> str:
        """The block as GetBlock prints it."""
        return dump_text(self.fields)

    def block_binary(self) -> bytes:
        return dump_binary(self.fields)

    def summary_record(self, stream_arn: str) -> bytes:
        """The stream's BLOCK_SUMMARY record."""
        return streamed_block(self.fields, stream_arn).summary.data

    def revision_records(self, stream_arn: str) -> list[bytes]:
        """The stream's REVISION_DETAILS records, in the order of the revisions; internal ones have none."""
        return [each.data for each in streamed_block(self.fields, stream_arn).details]

    def stream_records(self, stream_arn: str) -> list[bytes]:
        """All records of this block in QLDB's order: the summary, then its revisions."""
        return [each.data for each in streamed_block(self.fields, stream_arn).records]


@dataclass(slots=True)
class JournalBuilder:
    """Appends blocks to one strand and proves what it appended.

    ``bind_headers`` of ``False`` makes blocks like the real service's, whose header no public hash covers: entry 0 is then opaque.
    """

    strand_id: str
    bind_headers: bool = True
    first_sequence_no: int = 0
    previous_block_hash: Hash | None = None
    block_hashes: list[Hash] = field(default_factory=list)

    def append(self, transaction: Transaction) -> BuiltBlock:
        """Commit a transaction as the strand's next block."""
        address = BlockAddress(self.strand_id, self.first_sequence_no + len(self.block_hashes))
        built = build_block(address, self.previous_block_hash, transaction, bind_header=self.bind_headers)
        self.block_hashes.append(built.block_hash)
        self.previous_block_hash = built.block_hash
        return built

    def digest(self, tip: int | None = None) -> Digest:
        """Digest over the blocks up to ``tip`` (a sequence number), by default the last one."""
        last = len(self.block_hashes) - 1 if tip is None else tip
        return Digest(root_of(self.block_hashes[: last + 1]), BlockAddress(self.strand_id, last))

    def prove_block(self, sequence_no: int, tip: int) -> tuple[Hash, ...]:
        """The proof that GetBlock gives: siblings from the block's hash to the digest at ``tip``."""
        return prove_inclusion(self.block_hashes[: tip + 1], sequence_no)

    def prove_revision(self, block: BuiltBlock, index: int, tip: int) -> tuple[Hash, ...]:
        """The proof that GetRevision gives: siblings among the revisions, among the entries, previous block, block proof."""
        hashes = [Hash(revision["hash"]) for revision in block.revisions]
        previous = () if block.previous_block_hash is None else (block.previous_block_hash,)
        return (
            *prove_inclusion(hashes, index),
            *prove_inclusion(block.entries, 1),
            *previous,
            *self.prove_block(block.address.sequence_no, tip),
        )


def build_block(
    address: BlockAddress, previous: Hash | None, transaction: Transaction, *, bind_header: bool = True
) -> BuiltBlock:
    """One block behind ``previous`` (``None``: the first of all)."""
    info = _transaction_info(transaction)
    revisions = [_revision(address, transaction, change) for change in transaction.changes]
    header = _header(address, transaction)
    entries = [
        hash_of_value(header) if bind_header else hash_of(transaction.transaction_id.encode()),
        root_of([Hash(each["hash"]) for each in revisions]) if revisions else HASH_OF_NOTHING,
        HASH_OF_NOTHING,
        hash_of_value(info),
    ]
    redaction_info = _redaction_info(transaction.redactions)
    if redaction_info:
        entries.append(hash_of_value(redaction_info))
    entries_hash = root_of(entries)
    block_hash = dot(entries_hash, previous)
    fields = header | {
        "blockHash": bytes(block_hash),
        "entriesHash": bytes(entries_hash),
        "previousBlockHash": bytes(previous or b""),
        "entriesHashList": [bytes(entry) for entry in entries],
        "transactionInfo": info,
        **({"redactionInfo": redaction_info} if redaction_info else {}),
        "revisions": revisions,
    }
    return BuiltBlock(address, block_hash, previous, tuple(entries), fields, transaction.changes)


def digest_of_statement(statement: Statement) -> Hash:
    """``IH(text)``, then ``dot`` with ``IH(parameter)`` for each parameter in order."""
    digest = hash_of_value(statement.text)
    for parameter in statement.parameters:
        digest = dot(digest, hash_of_value(parameter))
    return digest


def hash_of_value(value: Any) -> Hash:
    """Ion Hash of a Python value."""
    return Hash(hash_of_ion(read_single(dump_binary(value))))


def revision_hash(metadata: dict[str, Any], data: dict[str, Any] | None) -> Hash:
    """``dot(IH(metadata), IH(data))``; a deleted revision's data counts as no bytes."""
    return dot(hash_of_value(metadata), HASH_OF_NOTHING if data is None else hash_of_value(data))


def ion_time(moment: datetime) -> Timestamp:
    """A time to the millisecond in UTC, as QLDB writes commit times."""
    utc = moment.astimezone(UTC)
    return Timestamp(
        *utc.timetuple()[:6],
        microsecond=utc.microsecond // 1000 * 1000,
        tzinfo=UTC,
        precision=TimestampPrecision.SECOND,
        fractional_precision=3,
    )


def render_proof(path: Sequence[Hash]) -> str:
    """A proof as the API prints it: an Ion list of blobs."""
    return dump_text([bytes(each) for each in path])


def _header(address: BlockAddress, transaction: Transaction) -> dict[str, Any]:
    return {
        "blockAddress": _address(address),
        "transactionId": transaction.transaction_id,
        "blockTimestamp": ion_time(transaction.committed_at),
    }


def _address(address: BlockAddress) -> dict[str, Any]:
    return {"strandId": address.strand_id, "sequenceNo": address.sequence_no}


def _transaction_info(transaction: Transaction) -> dict[str, Any]:
    started = ion_time(transaction.tx_time)
    info: dict[str, Any] = {
        "statements": [
            {"statement": each.text, "startTime": started, "statementDigest": bytes(digest_of_statement(each))}
            for each in transaction.statements
        ]
    }
    documents = {
        each.document_id: {"tableName": each.table_name, "tableId": each.table_id, "statements": list(each.statements)}
        for each in transaction.changes
        if not each.internal
    }
    return info | ({"documents": documents} if documents else {})


def _revision(address: BlockAddress, transaction: Transaction, change: Change) -> dict[str, Any]:
    metadata = {
        "id": change.document_id,
        "version": change.version,
        "txTime": ion_time(transaction.tx_time),
        "txId": transaction.transaction_id,
    }
    digest = bytes(revision_hash(metadata, change.data))
    if change.internal:
        return {"hash": digest}
    data = {} if change.data is None else {"data": change.data}
    return {"blockAddress": _address(address), "hash": digest, **data, "metadata": metadata}


def _redaction_info(redactions: Sequence[Redaction]) -> dict[str, Any] | None:
    if not redactions:
        return None
    return {
        "revisions": [
            {
                "blockAddress": _address(each.address),
                "tableId": each.table_id,
                "documentId": each.document_id,
                "version": each.version,
            }
            for each in redactions
        ]
    }
