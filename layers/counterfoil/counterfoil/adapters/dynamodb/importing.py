"""A strand that is put into a stack's journal out of an export, block by block, as if its transactions had been committed here.

The ledger's name is registered first, as CREATING: nobody can use the ledger, and nobody else can take the name. Then its blocks are
put where none is, each under the condition that the block before it is the one that it follows; beside each stands what it changes,
as beside those that the ledger commits itself, and the projections follow group by group. In the end the journal is read from its
first block to its last and verified once more; only then is the ledger registered as ACTIVE. Cut off anywhere, the next import of the
same export goes on behind the last block that is there.

A part of a journal begins at a trust anchor: that is put before the first block, where the strand has neither another nor a block 0,
and whoever opens the journal begins there.

A stack's ledgers share the projections, where documents, tables, indexes and transactions stand by their ids alone. An archive is not
trusted to name only its own: what another ledger has already is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from counterfoil.adapters.dynamodb.effects import (
    BlockEffects,
    DocumentChange,
    document_change,
    of_replayed,
    parse_effects,
    render_effects,
)
from counterfoil.adapters.dynamodb.journal import DynamoDbJournal, JournalItem
from counterfoil.adapters.dynamodb.journal_copy import DynamoDbJournalCopy, Kept
from counterfoil.adapters.dynamodb.projections import Projections
from counterfoil.adapters.dynamodb.projector import Projector
from counterfoil.errors import AlreadyExistsError, BrokenLinkError, ConflictError, IntegrityError, PreconditionError
from counterfoil.ion import read_single
from counterfoil.journal import Block, BlockAddress, ChainHead, extend, parse_block, segment_of, verify_block
from counterfoil.journal.anchor import TrustAnchor, digest_from
from counterfoil.ledger.catalogue import EMPTY_CATALOGUE, LedgerCatalogue
from counterfoil.ledger.importing import ImportedLedger, NewLedger
from counterfoil.ledger.reading import StoredRevision
from counterfoil.ledger.registry import LedgerState, RegisteredLedger
from counterfoil.ledger.replay import Replayed, replay, revisions_in
from counterfoil.ledger.times import milliseconds_of_timestamp
from counterfoil.merkle import CompactRange
from counterfoil.merkle.nodes import append_leaf
from counterfoil.ports import Clock, LedgerRegistry, StoredBlock

# Blocks of one step: those of one transaction of DynamoDB, and what a step may hold of larger ones.
GROUP_BLOCKS: Final = 99
GROUP_BYTES: Final = 3_500_000

# Requests at once for what the blocks of a step name.
PARALLEL_READS: Final = 8

_LEDGERS_AT_ONCE: Final = 100
_NO_TABLE: Final = "-"


@dataclass(frozen=True, slots=True)
class ImportPlaces:
    """Where a stack keeps its ledgers. ``journal`` opens a strand's."""

    journal: Callable[[str], DynamoDbJournal]
    projections_table: str
    registry: LedgerRegistry


class _Behind(NamedTuple):
    """The last block that was put, with all that the next one needs; ``peaks`` are the tree over all blocks before that."""

    chain: ChainHead | None = None
    peaks: CompactRange | None = None
    catalogue: LedgerCatalogue = EMPTY_CATALOGUE

    @property
    def next_sequence_no(self) -> int:
        return 0 if self.peaks is None else self.peaks.end


class DynamoDbImport(NewLedger):
    """A ledger in the making in a stack; ``begin`` gives it."""

    def __init__(
        self,
        places: ImportPlaces,
        ledger: RegisteredLedger,
        taken: frozenset[str],
        clock: Clock,
        progress: Callable[[int], object],
        anchor: TrustAnchor | None,
    ) -> None:
        journal = places.journal(ledger.ledger_id)
        self.ledger = ledger
        self._anchor = anchor
        self._registry = places.registry
        self._journal = journal
        self._taken = taken
        self._progress = progress
        self._projections = Projections(journal.client, places.projections_table, journal.strand_id, self._in_block)
        self._projector = Projector(journal, places.projections_table, clock)
        self._copy = DynamoDbJournalCopy(journal.client, journal.s3, journal.journal_table, journal.bucket, _NO_TABLE)
        self._behind: _Behind | None = None

    @classmethod
    def begin(
        cls,
        places: ImportPlaces,
        wanted: RegisteredLedger,
        clock: Clock,
        progress: Callable[[int], object] = int,
        anchor: TrustAnchor | None = None,
    ) -> DynamoDbImport:
        """Register the ledger, whose id is its strand's, as CREATING, or find that an earlier import did.

        ``AlreadyExistsError`` where the name or the strand is another ledger's, ``PreconditionError`` where the strand is here already
        and begins elsewhere.
        """
        registry = places.registry
        ledger = check_free(registry, wanted.name, wanted.ledger_id) or wanted
        if ledger is wanted:
            try:
                registry.save(None, wanted)
            except ConflictError:
                raise AlreadyExistsError(f"ledger {wanted.name} was created meanwhile") from None
        others = [each for each in _ledgers(registry) if each.name != ledger.name]
        for each in others:
            if each.ledger_id == ledger.ledger_id:
                registry.save(ledger, None)
                raise AlreadyExistsError(f"strand {ledger.ledger_id} is that of ledger {each.name} in this stack")
        new = cls(places, ledger, _ids_of(places, others), clock, progress, anchor)
        try:
            new._begin_strand()
        except (PreconditionError, IntegrityError):
            if ledger is wanted:
                registry.save(ledger, None)
            raise
        return new

    def _begin_strand(self) -> None:
        """Put the anchor where nothing of the strand is; it never changes."""
        try:
            if self._anchor is not None:
                self._copy.begin(self._anchor)
            elif self._journal.anchor is not None:
                raise PreconditionError(f"strand {self.ledger.ledger_id} is here already and begins at a trust anchor")
        except BrokenLinkError as error:
            raise PreconditionError(
                f"{error}: blocks that are in a journal stay there; import into another stack"
            ) from None

    def next_sequence_no(self) -> int:
        return self._state().next_sequence_no

    def store(self, begin: int, blocks: Iterator[bytes], /) -> None:
        assert begin == self.next_sequence_no()
        with self._forgotten_if_bad(), ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="import") as readers:
            for group in _groups(blocks):
                self._append(group, readers)

    def derive(self) -> ImportedLedger:
        with self._forgotten_if_bad():
            while self._projector.project().more:
                pass
            return self._verified()

    def finish(self) -> None:
        self._registry.save(self.ledger, replace(self.ledger, state=LedgerState.ACTIVE))

    def discard(self) -> None:
        """Let go of the name. Blocks stay in the journal, which nobody may take anything out of."""
        self._registry.save(self.ledger, None)

    @contextmanager
    def _forgotten_if_bad(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            self.discard()
            raise

    # What is there

    def _state(self) -> _Behind:
        if self._behind is None:
            self._behind = self._found()
        return self._behind

    def _found(self) -> _Behind:
        """Behind the last block that an earlier import put, with the projections as far."""
        tip = self._journal.tip()
        if tip is None:
            return self._beginning()
        while self._projector.project().more:
            pass
        (data,) = self._journal.blocks(tip, tip + 1)
        return _Behind(
            segment_of(verify_block(parse_block(read_single(data)))),
            self._journal.peaks(tip + 1),
            self._projections.catalogue(tip).catalogue,
        )

    def _beginning(self) -> _Behind:
        return _Behind() if self._anchor is None else _Behind(peaks=self._anchor.before)

    def _in_block(self, number: int, document_id: str) -> StoredRevision:
        (data,) = self._journal.blocks(number, number + 1)
        return next(each for each in revisions_in(data) if each.document_id == document_id)

    # A group of blocks

    def _append(self, group: Sequence[bytes], readers: ThreadPoolExecutor) -> None:
        state = self._state()
        chain, peaks, before = state
        replayed: list[Replayed] = []
        catalogue = before
        for data in group:
            block = replay(data, catalogue, partial=self._anchor is not None)
            chain = self._extended(chain, block.block)
            catalogue = block.catalogue
            replayed.append(block)
        self._check_ids(replayed, readers)
        bases = self._bases(replayed, state.next_sequence_no - 1, readers)
        put: list[StoredBlock] = []
        for data, block in zip(group, replayed, strict=True):
            effects = of_replayed(block, before, _known_bases(block, bases, partial=self._anchor is not None))
            peaks, nodes = append_leaf(peaks, block.block.block_hash)
            put.append(self._stored(data, block.block, b"".join(each.hash for each in nodes), effects))
            before = block.catalogue
        previous = self._anchor if state.chain is None else state.chain.last_hash
        self._copy.append(self._journal.strand_id, previous, put)
        self._projector.project()
        self._behind = _Behind(chain, peaks, catalogue)
        self._progress(self._behind.next_sequence_no)

    def _stored(self, data: bytes, block: Block, nodes: bytes, effects: BlockEffects) -> StoredBlock:
        """The block as an item; what is too large for one is in the bucket on return."""
        inside, beside = self._journal.keep_outside(block.transaction_id, data, render_effects(effects))
        item = JournalItem(
            block.address.sequence_no,
            block.block_hash,
            block.transaction_id,
            milliseconds_of_timestamp(block.timestamp),
            nodes,
            inside,
            beside,
        )
        kept = Kept(self._journal.put_request(item)["Item"], {})
        return StoredBlock(block.address.sequence_no, block.block_hash, data, kept)

    def _bases(
        self, replayed: Sequence[Replayed], at: int, readers: ThreadPoolExecutor
    ) -> dict[str, StoredRevision | None]:
        """The documents that the blocks change, as they are before the first of these blocks."""
        ids = list(dict.fromkeys(each.document_id for block in replayed for each in block.revisions))
        bases = dict(zip(ids, readers.map(self._projections.last, ids), strict=True))
        for document_id, base in bases.items():
            if base is not None and base.sequence_no > at:
                if self._journal.read(range(at + 1, at + 2)):
                    raise ConflictError(f"somebody else puts blocks of strand {self._journal.strand_id}: run it again")
                raise _foreign(f"document {document_id}")
        return bases

    def _check_ids(self, replayed: Sequence[Replayed], readers: ThreadPoolExecutor) -> None:
        """Tables, indexes and transactions must be this strand's own."""
        last = replayed[-1].catalogue
        for block in (each.block for each in replayed):
            for each in block.documents:
                if each.table_id in self._taken:
                    raise _foreign(f"table {each.table_id}")
        for entry in last.entries.values():
            for found in {entry.table_id, *(each.index_id for each in entry.indexes)} & self._taken:
                raise _foreign(f"table or index {found}")
        blocks = [each.block for each in replayed]
        numbers = readers.map(self._projections.transaction, [each.transaction_id for each in blocks])
        for block, number in zip(blocks, numbers, strict=True):
            if number not in {None, block.address.sequence_no}:
                raise _foreign(f"transaction {block.transaction_id}")

    # The end

    def _verified(self) -> ImportedLedger:
        """What all blocks that are in the journal come to, read from there."""
        behind, partial = self._beginning(), self._anchor is not None
        documents = revisions = 0
        seen: set[str] = set()  # of a part only: elsewhere version 0 says which is a document's first
        for run in self._journal.behind(behind.next_sequence_no - 1, whole=True):
            for item in run:
                block = replay(self._journal.bytes_of(item.block), behind.catalogue, partial=partial)
                chain = self._extended(behind.chain, block.block)
                peaks, nodes = append_leaf(behind.peaks, block.block.block_hash)
                changes = tuple(
                    document_change(each, has_base=not partial or each.document_id in seen) for each in block.revisions
                )
                self._check_item(item, block, changes, b"".join(each.hash for each in nodes))
                behind = _Behind(chain, peaks, block.catalogue)
                documents += sum(each.is_new for each in changes)
                revisions += len(changes)
                seen.update(each.document_id for each in changes if partial)
            self._progress(behind.next_sequence_no)
        digest = None if behind.chain is None else digest_from(self._anchor, behind.chain)
        assert digest is not None  # an import has at least one block
        return ImportedLedger(len(behind.catalogue.entries), documents, revisions, digest)

    def _extended(self, chain: ChainHead | None, block: Block) -> ChainHead:
        first = 0 if self._anchor is None else self._anchor.begin
        expected = BlockAddress(self._journal.strand_id, first if chain is None else chain.end)
        if block.address != expected:
            raise IntegrityError(f"block {block.address} stands where {expected} belongs")
        extended = extend(chain, block)
        if chain is None and self._anchor is not None:
            self._anchor.check_begins(extended)
        return extended

    def _check_item(
        self, item: JournalItem, block: Replayed, changes: tuple[DocumentChange, ...], nodes: bytes
    ) -> None:
        beside = parse_effects(self._journal.bytes_of(item.effects)).documents
        if (item.block_hash, item.nodes, beside) != (block.block.block_hash, nodes, changes):
            raise IntegrityError(
                f"what stands beside block {block.block.address} in the journal does not follow from it"
            )


def check_free(registry: LedgerRegistry, name: str, strand_id: str | None = None) -> RegisteredLedger | None:
    """What an earlier import registered under a name, if anything is; ``AlreadyExistsError`` where it is another ledger's.

    Without a strand any import counts as the earlier one.
    """
    found = registry.ledger(name)
    if found is None or (found.state is LedgerState.CREATING and strand_id in {None, found.ledger_id}):
        return found
    what = f"is {found.state.value}, of strand {found.ledger_id}"
    raise AlreadyExistsError(f"ledger {name} {what}: an export is imported into a new ledger")


def _ledgers(registry: LedgerRegistry) -> Iterator[RegisteredLedger]:
    after = ""
    while page := registry.ledgers(after, _LEDGERS_AT_ONCE):
        yield from page
        after = page[-1].name


def _ids_of(places: ImportPlaces, ledgers: Sequence[RegisteredLedger]) -> frozenset[str]:
    """Ids of tables and indexes that ledgers have."""
    ids: set[str] = set()
    for each in ledgers:
        journal = places.journal(each.ledger_id)
        projections = Projections(journal.client, places.projections_table, each.ledger_id, _nothing)
        for entry in projections.catalogue(projections.watermark()).catalogue.entries.values():
            ids |= {entry.table_id, *(index.index_id for index in entry.indexes)}
    return frozenset(ids)


def _nothing(number: int, document_id: str) -> StoredRevision:
    raise IntegrityError(f"a catalogue has no document {document_id} in block {number}")


def _known_bases(
    block: Replayed, bases: dict[str, StoredRevision | None], *, partial: bool
) -> Mapping[str, StoredRevision | None]:
    """The bases of a block's documents, whose versions must follow from them; ``bases`` has its own revisions afterwards.

    ``partial``: blocks before the first one are not here, and the first version that is may be any.
    """
    known: dict[str, StoredRevision | None] = {}
    for each in block.revisions:
        base = bases[each.document_id]
        first = each.version if partial else 0
        expected = (each.table_id, first) if base is None else (base.table_id, base.version + 1)
        if each.document_id in known or (each.table_id, each.version) != expected:
            raise IntegrityError(
                f"block {block.block.address} has version {each.version} of document {each.document_id} in table "
                f"{each.table_id}, where version {expected[1]} in table {expected[0]} comes next",
                expected=f"{expected[0]} {expected[1]}",
                found=f"{each.table_id} {each.version}",
            )
        known[each.document_id] = base
        bases[each.document_id] = each
    return known


def _foreign(what: str) -> IntegrityError:
    return IntegrityError(
        f"{what} is another ledger's in this stack: an archive that names it is not of this strand alone; import it where "
        "that ledger is not"
    )


def _groups(blocks: Iterator[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for data in blocks:
        group.append(data)
        size += len(data)
        if len(group) == GROUP_BLOCKS or size > GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
