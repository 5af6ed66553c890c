"""A ledger in DynamoDB, journal first: any number of instances, each following the journal, write it by conditional puts.

Life of a commit: (1) the instance checks the proposal against every block behind its snapshot that it knows and gives it its place;
(2) it puts the block where no block is: that is the commit; (3) where another instance's block is there already, the instance takes in
what is new and begins again, so that its client notices nothing unless there is a true conflict. A put without an answer is repeated
until its place is decided: only a put that won or lost says whether the block is there. Those who wait at once are written at once
(``committing.py``). Documents, history and indexes are projections, which the projector writes later; reads put the blocks over
them that they may lack.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import merge
from secrets import token_hex
from threading import RLock
from typing import Final, NamedTuple

from counterfoil.adapters.dynamodb.cached import DEFAULT_BYTES, CacheCounts, CachedProjections
from counterfoil.adapters.dynamodb.committing import Committer
from counterfoil.adapters.dynamodb.effects import BlockEffects, DigestLog, by_digest, parse_effects
from counterfoil.adapters.dynamodb.following import Known
from counterfoil.adapters.dynamodb.journal import READ_AHEAD_BLOCKS, DynamoDbJournal, JournalItem
from counterfoil.adapters.dynamodb.placing import Placed
from counterfoil.adapters.dynamodb.projections import Projections
from counterfoil.adapters.dynamodb.snapshot import DynamoDbSnapshot
from counterfoil.adapters.dynamodb.waiting_room import WaitingRoom
from counterfoil.errors import ClosedError, IntegrityError, NotFoundError, OccConflictError, UnavailableError
from counterfoil.journal import BlockAddress
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.ledger.catalogue import IndexStatus
from counterfoil.ledger.proposal import Proposal
from counterfoil.ledger.reading import Snapshot, StoredRevision
from counterfoil.ledger.replay import catalogue_behind, revisions_in
from counterfoil.ledger.sequencing import CONFLICT, LedgerHead
from counterfoil.ledger.store import LedgerStore
from counterfoil.merkle import Hash
from counterfoil.merkle.nodes import append_leaf
from counterfoil.ports import SharedCache

# With so many more blocks that the projections may lack, or after this time, an instance looks whether they have caught up: what it
# holds over them is not redacted.
OVERLAY_BLOCKS: Final = 64
LOOK_EVERY: Final = timedelta(seconds=30)
# More than that is held by nobody: then the projector has stood still for long.
MAX_OVERLAY_BLOCKS: Final = 50_000

# An instance that is so many blocks behind the projections begins there, rather than read them all.
SLEPT_BLOCKS: Final = 256

# Blocks whose revisions are kept as they were read from the journal.
KEPT_BLOCKS: Final = 256

# Requests at once for documents that are read together.
PARALLEL_READS: Final = 8


class Looked(NamedTuple):
    """When an instance looked at the watermark, and how many blocks were over it then."""

    at: datetime
    blocks: int


class DynamoDbLedger(LedgerStore):
    """One instance of one ledger. Any thread may call it."""

    def __init__(
        self,
        journal: DynamoDbJournal,
        projections_table: str,
        clock: Callable[[], datetime],
        look_every: timedelta = LOOK_EVERY,
        cache_bytes: int = DEFAULT_BYTES,
        shared_cache: SharedCache | None = None,
    ) -> None:
        self.strand_id = journal.strand_id
        self._journal = journal
        projections = Projections(
            journal.client,
            projections_table,
            journal.strand_id,
            lambda number, document_id: self._in_block(number)[document_id],
        )
        self._projections = CachedProjections(projections, cache_bytes, shared_cache)
        self._clock = clock
        self._lock = RLock()
        self._known: Known | None = None
        self._revisions: OrderedDict[int, Mapping[str, StoredRevision]] = OrderedDict()
        self._readers = ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="reader")
        self._looked = Looked(clock(), 0)
        self._looks_begun = self._looks_done = 0
        self._look_every = look_every
        room = WaitingRoom(journal.client, projections_table, journal.strand_id, clock, token_hex(8))
        self._committer = Committer(journal, room, self, clock, self._readers)
        self._closed = False

    # The store

    @property
    def anchor(self) -> TrustAnchor | None:
        return self._journal.anchor

    def head(self) -> LedgerHead:
        return self._follow().head

    def snapshot(self) -> Snapshot:
        head = self._follow().head
        return DynamoDbSnapshot(self, head.sequence_no, head.timestamp_ms, head.catalogue)

    def snapshot_at(self, sequence_no: int) -> Snapshot:
        with self._lock:
            known = self._known if self._known is not None else self._follow()
            if sequence_no > known.head.sequence_no:
                known = self._follow()
            if sequence_no > known.head.sequence_no:
                raise NotFoundError(f"there is no block {self.strand_id}#{sequence_no}")
            catalogue = known.catalogue_at(sequence_no)
            if catalogue is None:
                catalogue = known.numbered(self._projections.catalogue(sequence_no).catalogue)
        items = self._journal.read(range(sequence_no, sequence_no + 1)) if sequence_no >= 0 else {}
        timestamp_ms = items[sequence_no].timestamp_ms if items else 0
        return DynamoDbSnapshot(self, sequence_no, timestamp_ms, catalogue)

    def commit(self, proposal: Proposal) -> BlockAddress:
        return self._committer.commit(proposal)

    def committed(self, transaction_id: str) -> BlockAddress | None:
        known = self._follow()
        number = known.transactions.get(transaction_id)
        if number is None:
            number = self._projections.transaction(transaction_id)
        return None if number is None else BlockAddress(self.strand_id, number)

    def block(self, sequence_no: int) -> bytes:
        self._check_open()
        return next(self._journal.blocks(sequence_no, sequence_no + 1))

    def blocks(self, begin: int, end: int) -> Iterator[bytes]:
        self._check_open()
        return self._journal.blocks(begin, min(end, self.head().sequence_no + 1))

    def node(self, level: int, position: int) -> Hash:
        self._check_open()
        return self._journal.nodes([(level, position)])[level, position]

    def wait_for(self, sequence_no: int, timeout_seconds: float) -> int:
        self._journal.wait_for(sequence_no, timeout_seconds)
        return self._follow().head.sequence_no

    def close(self) -> None:
        self._closed = True
        self._readers.shutdown()

    @property
    def cache_counts(self) -> CacheCounts:
        """How often this instance asked the projections' table, and how often it need not."""
        return self._projections.counts

    # What snapshots read

    def document(self, document_id: str, at: int) -> StoredRevision | None:
        number = self._overlay_block(document_id, at)
        if number is not None:
            return self._in_block(number)[document_id]
        return self._projections.document(document_id, at)

    def several(self, ids: Iterable[str], at: int) -> Iterable[StoredRevision | None]:
        """Documents by their ids, read at the same time."""
        wanted = list(ids)
        if len(wanted) == 1:
            return (self.document(wanted[0], at),)
        return self._readers.map(lambda each: self.document(each, at), wanted)

    def revision_at(self, document_id: str, sequence_no: int) -> StoredRevision | None:
        if sequence_no in self._known_blocks_of(document_id, sequence_no):
            return self._in_block(sequence_no)[document_id]
        return self._projections.revision_at(document_id, sequence_no)

    def history(self, document_id: str, at: int) -> Iterator[StoredRevision]:
        over = self._known_blocks_of(document_id, at)
        first = over[0] if over else at + 1
        yield from self._projections.history(document_id, first - 1)
        for number in over:
            yield self._in_block(number)[document_id]

    def members(self, table_id: str, at: int) -> Iterator[str]:
        """Documents that a table had as of a block, those deleted included, in the order of their ids whichever instance looks."""
        before = ""
        for document_id in merge(
            sorted(self.state().overlay.made(table_id, at)), self._projections.members(table_id, at)
        ):
            if document_id != before:
                yield document_id
            before = document_id

    def entered(self, index_id: str, digest: str, at: int) -> list[str]:
        """Documents under a key of an index as of a block, and perhaps some that were not any more, in the order of their ids."""
        events = list(self.state().overlay.events(index_id, digest, at))
        return sorted(self._projections.entered(index_id, digest, at, events))

    def _overlay_block(self, document_id: str, at: int) -> int | None:
        return self.state().overlay.block_of(document_id, at)

    def _known_blocks_of(self, document_id: str, at: int) -> list[int]:
        return self.state().overlay.blocks_of(document_id, at)

    def _in_block(self, number: int) -> Mapping[str, StoredRevision]:
        """The revisions of a block by document."""
        kept = self._revisions.get(number)
        return kept if kept is not None else self._keep(number, revisions_in(self.block(number)))

    def _keep(self, number: int, revisions: Iterable[StoredRevision]) -> Mapping[str, StoredRevision]:
        kept = {each.document_id: each for each in revisions}
        with self._lock:
            self._revisions[number] = kept
            while len(self._revisions) > KEPT_BLOCKS:
                self._revisions.popitem(last=False)
        return kept

    # Following

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the ledger is closed")

    def _follow(self) -> Known:
        """Take in every block that is there; what is known then. Threads that ask at once are answered by one look."""
        asked = self._looks_begun
        with self._lock:
            self._check_open()
            known = self._known
            if known is not None and self._looks_done > asked:
                return known
            self._looks_begun += 1
            known = self._known = self._begin(0) if known is None else self._woken(known)
            for run in self._journal.behind(known.head.sequence_no):
                for item in run:
                    self._take(known, item)
            self._look_at_projections(known)
            self._looks_done = self._looks_begun
            return known

    def _woken(self, known: Known) -> Known:
        """What is known, or a new beginning where the projections are, for an instance that slept while many blocks were written.

        Or where the strand begins, for one that found nothing: a copied ledger may be registered before its trust anchor is there.
        """
        if known.head.sequence_no < 0 and self._journal.anchor is not None:
            return self._begin(known.versions)
        if timedelta(0) <= self._clock() - self._looked.at < self._look_every:
            return known
        watermark = self._projections.watermark()
        if watermark < known.head.sequence_no + SLEPT_BLOCKS:
            self._projected(known, watermark)
            return known
        return self._begin(known.versions)

    def _begin(self, versions: int) -> Known:
        """Where the projections are, with the head behind that block; so many versions of catalogues have been numbered before."""
        watermark = self._projections.watermark()
        head = LedgerHead(self.strand_id)
        anchor = self._journal.anchor if watermark < 0 else None
        if anchor is not None:
            watermark = anchor.begin - 1
            head = LedgerHead(self.strand_id, anchor.before, anchor.previous_hash)
        elif watermark >= 0:
            item = self._journal.read(range(watermark, watermark + 1)).get(watermark)
            if item is None:
                raise IntegrityError(f"the projections have block {self.strand_id}#{watermark}, the journal has not")
            peaks = self._journal.peaks(watermark + 1)
            catalogue = self._projections.catalogue(watermark).catalogue
            head = LedgerHead(self.strand_id, peaks, item.block_hash, item.timestamp_ms, catalogue)
        self._looked = Looked(self._clock(), 0)
        known = Known(head, watermark, DigestLog(watermark), versions=versions)
        known.head = replace(head, catalogue=known.numbered(head.catalogue))
        known.catalogues.append((watermark, known.head.catalogue))
        known.watch = self._projections.taken
        self._projections.begin(known)
        return known

    def _take(self, known: Known, item: JournalItem) -> None:
        head = known.head
        effects = parse_effects(self._journal.bytes_of(item.effects))
        peaks, nodes = append_leaf(head.peaks, item.block_hash)
        if b"".join(each.hash for each in nodes) != item.nodes:
            raise IntegrityError(
                f"the nodes of block {self.strand_id}#{item.sequence_no} do not follow from the blocks before"
            )
        catalogue = head.catalogue
        if effects.defines:
            partial = self._journal.anchor is not None
            catalogue = catalogue_behind(self.block(item.sequence_no), catalogue, partial=partial)
        behind = LedgerHead(self.strand_id, peaks, item.block_hash, item.timestamp_ms, catalogue)
        known.log.record(item.sequence_no, effects.footprints())
        known.take(self._head_behind(known, behind, effects), item.transaction_id, effects)

    def _head_behind(self, known: Known, head: LedgerHead, effects: BlockEffects) -> LedgerHead:
        catalogue = known.numbered(head.catalogue) if effects.defines else known.head.catalogue
        return replace(head, catalogue=catalogue)

    def _look_at_projections(self, known: Known) -> None:
        """Let go of what the projections have by now; learn which indexes have been built."""
        if len(known.overlay) >= self._looked.blocks + OVERLAY_BLOCKS:
            self._projected(known, self._projections.watermark())
        if next(known.head.catalogue.building(), None) is not None:
            self._learn_indexes(known)

    def _projected(self, known: Known, watermark: int) -> None:
        known.projected_through(watermark)
        self._looked = Looked(self._clock(), len(known.overlay))
        if self._looked.blocks > MAX_OVERLAY_BLOCKS:
            raise UnavailableError(f"the projections of {self.strand_id} are {self._looked.blocks} blocks behind")

    def _learn_indexes(self, known: Known) -> None:
        kept = self._projections.catalogue(known.head.sequence_no).catalogue
        catalogue = known.head.catalogue
        for entry, index in tuple(catalogue.building()):
            there = kept.entries.get(entry.table_id)
            statuses = {} if there is None else {each.index_id: each.status for each in there.indexes}
            if statuses.get(index.index_id) is IndexStatus.ONLINE:
                catalogue = catalogue.with_index_online(entry.table_id, index.index_id)
        if catalogue is not known.head.catalogue:
            catalogue = known.numbered(catalogue)
            known.head = replace(known.head, catalogue=catalogue)
            known.catalogues.append((known.head.sequence_no, catalogue))

    # Committing: what ``committing.Instance`` needs

    def state(self) -> Known:
        return self._known if self._known is not None else self._follow()

    def follow(self) -> Known:
        return self._follow()

    def changing(self) -> AbstractContextManager[object]:
        return self._lock

    def absorb(self, placed: Sequence[Placed]) -> None:
        with self._lock:
            known = self.state()
            for block in placed:
                if block.sequence_no == known.head.sequence_no + 1:  # else a look at the journal was faster
                    if block.revisions is not None:
                        self._keep(block.sequence_no, block.revisions)
                    known.log.record(block.sequence_no, block.effects.footprints())
                    known.take(self._head_behind(known, block.head, block.effects), block.transaction_id, block.effects)

    def committed_behind(self, known: Known, proposal: Proposal) -> int | None:
        """Where the transaction was committed already; ``OccConflictError`` where blocks before those remembered are in its way."""
        number = known.transactions.get(proposal.transaction_id)
        if number is not None:
            return number
        read = None
        begin, end = proposal.snapshot_no + 1, known.log.floor + 1
        for first in range(begin, end, READ_AHEAD_BLOCKS):
            items = self._journal.read(range(first, min(first + READ_AHEAD_BLOCKS, end)))
            for item in (items[each] for each in sorted(items)):
                if item.transaction_id == proposal.transaction_id:
                    return item.sequence_no
                read = {by_digest(each) for each in proposal.read} if read is None else read
                written = parse_effects(self._journal.bytes_of(item.effects)).footprints()
                if any(by_digest(each) in read for each in written):
                    raise OccConflictError(CONFLICT)
        return None
