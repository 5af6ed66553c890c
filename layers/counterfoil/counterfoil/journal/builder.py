"""Makes blocks, digests and proofs in QLDB's format, byte for byte.

The layout of ``entriesHashList`` is that of the real service's blocks: ``[0]`` and ``[2]`` are opaque to its verifiers, so
``[0]`` binds the header and ``[2]`` is reserved (docs/format.md, "Decided here"). Proofs are what GetBlock and GetRevision
answer.

Values are the Python values of ``counterfoil.ion``; times are aware datetimes, written to the millisecond in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from counterfoil.ion import encode, render_text
from counterfoil.journal.address import BlockAddress
from counterfoil.journal.block import HASH_OF_NOTHING
from counterfoil.journal.chain import Digest
from counterfoil.journal.publication import streamed_block
from counterfoil.journal.transaction import (
    Change,
    Prepared,
    Redaction,
    Statement,
    Transaction,
    address_fields,
    digest_of_statement,
    hash_of_value,
    ion_time,
    prepare,
    revision_hash,
)
from counterfoil.merkle import Hash, dot, hash_of, prove_inclusion, root_of

__all__ = [
    "HASH_OF_NOTHING",
    "BuiltBlock",
    "Change",
    "JournalBuilder",
    "Prepared",
    "Redaction",
    "Statement",
    "Transaction",
    "build_block",
    "digest_of_statement",
    "hash_of_value",
    "ion_time",
    "prepare",
    "render_proof",
    "reseal",
    "revision_hash",
    "seal",
]


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
        return render_text(self.fields)

    def block_binary(self) -> bytes:
        return encode(self.fields)

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
    prepared = prepare(
        transaction.transaction_id,
        transaction.tx_time,
        transaction.statements,
        transaction.changes,
        transaction.redactions,
    )
    return seal(prepared, address, previous, transaction.committed_at, bind_header=bind_header)


def seal(
    prepared: Prepared,
    address: BlockAddress,
    previous: Hash | None,
    committed_at: datetime,
    *,
    bind_header: bool = True,
) -> BuiltBlock:
    """Give a prepared transaction its place behind ``previous``: three hashes, whatever its size."""
    place = address_fields(address)
    rest: tuple[Hash, ...] = (prepared.revisions_root, HASH_OF_NOTHING, prepared.info_hash)
    if prepared.redaction_hash is not None:
        rest = (*rest, prepared.redaction_hash)
    header = _header(place, prepared.transaction_id, committed_at)
    first = hash_of_value(header) if bind_header else hash_of(prepared.transaction_id.encode())
    head = _head(header, (first, *rest), previous)
    fields = head.fields | {
        "transactionInfo": prepared.info,
        **({"redactionInfo": prepared.redaction_info} if prepared.redaction_info else {}),
        "revisions": _revisions(prepared, place),
    }
    return BuiltBlock(address, head.block_hash, previous, head.entries, fields, prepared.changes)


def reseal(
    block: dict[str, Any], address: BlockAddress, previous: Hash | None, committed_at: datetime
) -> tuple[Hash, dict[str, Any]]:
    """A block that binds its header (its fields, in their whole form) as it would be in another place: its hash and its fields."""
    place = address_fields(address)
    header = _header(place, block["transactionId"], committed_at)
    head = _head(header, (hash_of_value(header), *map(Hash, block["entriesHashList"][1:])), previous)
    revisions = [each | {"blockAddress": place} if "blockAddress" in each else each for each in block["revisions"]]
    return head.block_hash, block | head.fields | {"revisions": revisions}


class _Head(NamedTuple):
    """The fields of a block that say where it stands, and what they are made of."""

    block_hash: Hash
    entries: tuple[Hash, ...]
    fields: dict[str, Any]


def _header(place: dict[str, Any], transaction_id: str, committed_at: datetime) -> dict[str, Any]:
    return {"blockAddress": place, "transactionId": transaction_id, "blockTimestamp": ion_time(committed_at)}


def _head(header: dict[str, Any], entries: tuple[Hash, ...], previous: Hash | None) -> _Head:
    entries_hash = root_of(entries)
    block_hash = dot(entries_hash, previous)
    fields = header | {
        "blockHash": bytes(block_hash),
        "entriesHash": bytes(entries_hash),
        "previousBlockHash": bytes(previous or b""),
        "entriesHashList": [bytes(entry) for entry in entries],
    }
    return _Head(block_hash, entries, fields)


def render_proof(path: Sequence[Hash]) -> str:
    """A proof as the API prints it: an Ion list of blobs."""
    return render_text([bytes(each) for each in path])


def _revisions(prepared: Prepared, address: dict[str, Any]) -> list[dict[str, Any]]:
    revisions: list[dict[str, Any]] = []
    for change, metadata, digest in zip(prepared.changes, prepared.metadata, prepared.revision_hashes, strict=True):
        if change.internal:
            revisions.append({"hash": bytes(digest)})
        else:
            data = {} if change.data is None else {"data": change.data}
            revisions.append({"blockAddress": address, "hash": bytes(digest), **data, "metadata": metadata})
    return revisions
