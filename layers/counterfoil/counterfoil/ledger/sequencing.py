"""Gives a proposal its place in the journal: is it serializable, what is its block, and what does that change?

Pure: a store calls ``sequence`` with the head it is about to extend, keeps the result in one step, and only then makes the
result's head its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from counterfoil.errors import OccConflictError
from counterfoil.ion.values import Value
from counterfoil.journal import BlockAddress, Digest
from counterfoil.journal.builder import BuiltBlock, Redaction, seal
from counterfoil.ledger.catalogue import EMPTY_CATALOGUE, LedgerCatalogue, TableEntry
from counterfoil.ledger.changes import define
from counterfoil.ledger.concurrency import WHOLE_CATALOGUE, Footprint, WriteLog, name_footprint
from counterfoil.ledger.proposal import Proposal, Written
from counterfoil.ledger.reading import Snapshot, StoredRevision
from counterfoil.ledger.times import moment_of
from counterfoil.merkle import CompactRange, Hash
from counterfoil.merkle.nodes import Node, append_leaf
from counterfoil.partiql.equality import key_of

CONFLICT: str = "Optimistic concurrency control (OCC) failure encountered while committing the transaction"


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The last block with everything that the next one needs. Without a block ``peaks`` and ``block_hash`` are ``None``."""

    strand_id: str
    peaks: CompactRange | None = None
    block_hash: Hash | None = None
    timestamp_ms: int = 0
    catalogue: LedgerCatalogue = EMPTY_CATALOGUE

    @property
    def sequence_no(self) -> int:
        """Of the last block; -1 where there is none."""
        return -1 if self.peaks is None else self.peaks.end - 1

    @property
    def digest(self) -> Digest | None:
        root = None if self.peaks is None else self.peaks.root
        return None if root is None else Digest(root, BlockAddress(self.strand_id, self.sequence_no))


class SnapshotAtHead(Snapshot):
    """What any store's snapshot says of where it stands: the head as it was when it was taken."""

    _head: LedgerHead

    @property
    def head(self) -> LedgerHead:
        return self._head

    @property
    def sequence_no(self) -> int:
        return self._head.sequence_no

    @property
    def catalogue(self) -> LedgerCatalogue:
        return self._head.catalogue

    @property
    def strand_id(self) -> str:
        return self._head.strand_id

    @property
    def timestamp_ms(self) -> int:
        return self._head.timestamp_ms


class IndexChange(NamedTuple):
    """A document enters an index under a key or leaves it."""

    index_id: str
    key: bytes
    document_id: str


class Effects(NamedTuple):
    """What a block changes in the projections.

    ``superseded`` are the revisions (document, version) that are current no longer; ``defined`` says that the catalogue changed.
    """

    revisions: tuple[StoredRevision, ...]
    superseded: tuple[tuple[str, int], ...]
    entered: tuple[IndexChange, ...]
    left: tuple[IndexChange, ...]
    catalogue: LedgerCatalogue
    defined: bool
    redactions: tuple[Redaction, ...]


class Sequenced(NamedTuple):
    """A block in its place: the block and its binary form, the tree's nodes that it completes, its effects, the head behind it."""

    block: BuiltBlock
    data: bytes
    nodes: Sequence[Node]
    effects: Effects
    head: LedgerHead


def sequence(head: LedgerHead, log: WriteLog, proposal: Proposal, now_ms: int) -> Sequenced:
    """The next block; records what it wrote in the log. ``OccConflictError`` if something the proposal read has changed.

    A block that cannot be written, of too many symbols for one, is an ``InputError``: then nothing is recorded.
    Times never go back: where the clock does, the block's time is that of the block before.
    """
    conflict = log.conflict(proposal.read, proposal.snapshot_no)
    if conflict is not None:
        raise OccConflictError(CONFLICT)
    address = BlockAddress(head.strand_id, head.sequence_no + 1)
    committed_ms = max(now_ms, proposal.tx_time_ms, head.timestamp_ms)
    block = seal(proposal.prepared, address, head.block_hash, moment_of(committed_ms))
    data = block.block_binary()
    peaks, nodes = append_leaf(head.peaks, block.block_hash)
    catalogue = _catalogue_behind(head.catalogue, proposal)
    effects = _effects(proposal, address, catalogue)
    log.record(address.sequence_no, footprints(effects, proposal, head.catalogue))
    return Sequenced(
        block, data, nodes, effects, LedgerHead(head.strand_id, peaks, block.block_hash, committed_ms, catalogue)
    )


def _catalogue_behind(catalogue: LedgerCatalogue, proposal: Proposal) -> LedgerCatalogue:
    for number, definition in proposal.definitions:
        defined = define(definition, catalogue, proposal.transaction_id, number, None)
        catalogue = catalogue.with_entry(defined.entry)
    return catalogue


def _effects(proposal: Proposal, address: BlockAddress, catalogue: LedgerCatalogue) -> Effects:
    documents = proposal.documents
    revisions = tuple(
        StoredRevision(
            each.table_id,
            each.document_id,
            each.version,
            address.sequence_no,
            proposal.transaction_id,
            proposal.tx_time_ms,
            hash_,
            each.data,
            value=each.value,
        )
        for each, hash_ in zip(documents, proposal.prepared.revision_hashes, strict=True)
    )
    entered: list[IndexChange] = []
    left: list[IndexChange] = []
    for each in documents:
        for change, is_entry in _changes_of(each, catalogue):
            (entered if is_entry else left).append(change)
    superseded = tuple((each.document_id, each.base.version) for each in documents if each.base is not None)
    return Effects(
        revisions, superseded, tuple(entered), tuple(left), catalogue, bool(proposal.definitions), proposal.redactions
    )


def _changes_of(written: Written, catalogue: LedgerCatalogue) -> Iterator[tuple[IndexChange, bool]]:
    before = written.base.value if written.base is not None and written.base.data is not None else None
    return index_changes(catalogue.entries.get(written.table_id), written.document_id, before, written.value)


def index_changes(
    table: TableEntry | None, document_id: str, before: dict[str, Value] | None, after: dict[str, Value] | None
) -> Iterator[tuple[IndexChange, bool]]:
    """The index entries that a document leaves (``False``) and enters (``True``) as it changes; ``None``: it is not there."""
    for index in () if table is None else table.indexes:
        old, new = key_in(before, index.field), key_in(after, index.field)
        if old == new:
            continue
        if old is not None:
            yield IndexChange(index.index_id, old, document_id), False
        if new is not None:
            yield IndexChange(index.index_id, new, document_id), True


def key_in(document: dict[str, Value] | None, name: str) -> bytes | None:
    """The key under which a document stands in an index of this field; ``None`` where it does not stand in it."""
    return None if document is None or name not in document else key_of(document[name])


def footprints(effects: Effects, proposal: Proposal, before: LedgerCatalogue) -> Iterator[Footprint]:
    """What a block writes, for transactions that read it."""
    for revision in effects.revisions:
        yield revision.document_id
        yield revision.table_id
    for change in (*effects.entered, *effects.left):
        yield change.index_id, change.key
    if proposal.definitions:
        yield WHOLE_CATALOGUE
        for table_id, entry in effects.catalogue.entries.items():
            if before.entries.get(table_id) is not entry:
                yield name_footprint(entry.name)
