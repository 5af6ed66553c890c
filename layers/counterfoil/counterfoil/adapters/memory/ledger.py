"""A ledger in memory: for tests, simulations and examples. Nothing of it survives the process."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice, zip_longest
from threading import Condition, RLock
from typing import Final

from counterfoil.errors import ClosedError, NotFoundError
from counterfoil.journal import BlockAddress
from counterfoil.journal.redacted import redact_block
from counterfoil.ledger.concurrency import WriteLog
from counterfoil.ledger.proposal import Proposal
from counterfoil.ledger.reading import Snapshot, StoredRevision
from counterfoil.ledger.sequencing import IndexChange, LedgerHead, Sequenced, SnapshotAtHead, key_in, sequence
from counterfoil.ledger.store import LedgerStore
from counterfoil.ledger.times import milliseconds_of
from counterfoil.merkle import Hash

_FOREVER: Final = 2**62


@dataclass(slots=True)
class _Entry:
    """A document under a key, from one block up to another."""

    document_id: str
    from_no: int
    to_no: int = _FOREVER


@dataclass(slots=True)
class MemoryLedger(LedgerStore):
    """Everything under one lock; snapshots look at versions by block number."""

    strand_id: str
    clock: Callable[[], datetime]
    versions: dict[str, list[StoredRevision]] = field(default_factory=dict)
    _tables: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _entries: defaultdict[tuple[str, bytes], list[_Entry]] = field(default_factory=lambda: defaultdict(list))
    _blocks: list[bytes] = field(default_factory=list)
    _nodes: dict[tuple[int, int], Hash] = field(default_factory=dict)
    _places: dict[str, int] = field(default_factory=dict)
    _snapshots: list[int] = field(default_factory=list)
    _head: LedgerHead = field(init=False)
    _heads: list[LedgerHead] = field(default_factory=list)
    _log: WriteLog = field(default_factory=lambda: WriteLog(-1))
    _changed: Condition = field(default_factory=lambda: Condition(RLock()))
    _closed: bool = False

    def __post_init__(self) -> None:
        self._head = LedgerHead(self.strand_id)
        self._heads.append(self._head)

    def head(self) -> LedgerHead:
        return self._head

    def snapshot(self) -> Snapshot:
        with self._changed:
            self._check_open()
            return self._taken(self._head)

    def snapshot_at(self, sequence_no: int) -> Snapshot:
        with self._changed:
            self._check_open()
            if sequence_no > self._head.sequence_no:
                raise NotFoundError(f"there is no block {self.strand_id}#{sequence_no}")
            return self._taken(self._heads[sequence_no + 1])

    def _taken(self, head: LedgerHead) -> Snapshot:
        insort(self._snapshots, head.sequence_no)
        return _MemorySnapshot(self, head)

    def commit(self, proposal: Proposal) -> BlockAddress:
        with self._changed:
            self._check_open()
            known = self._places.get(proposal.transaction_id)
            if known is not None:
                return BlockAddress(self.strand_id, known)
            sequenced = sequence(self._head, self._log, proposal, milliseconds_of(self.clock()))
            self._keep(proposal.transaction_id, sequenced)
            self._changed.notify_all()
            return sequenced.block.address

    def committed(self, transaction_id: str) -> BlockAddress | None:
        place = self._places.get(transaction_id)
        return None if place is None else BlockAddress(self.strand_id, place)

    def block(self, sequence_no: int) -> bytes:
        self._check_open()
        if not 0 <= sequence_no < len(self._blocks):
            raise NotFoundError(f"there is no block {self.strand_id}#{sequence_no}")
        return self._blocks[sequence_no]

    def blocks(self, begin: int, end: int) -> Iterator[bytes]:
        self._check_open()
        return iter(self._blocks[begin:end])

    def node(self, level: int, position: int) -> Hash:
        return self._nodes[level, position]

    def wait_for(self, sequence_no: int, timeout_seconds: float) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self._head.sequence_no >= sequence_no, timeout_seconds)
            return self._head.sequence_no

    def close(self) -> None:
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the ledger is closed")

    def _keep(self, transaction_id: str, sequenced: Sequenced) -> None:
        number, effects = sequenced.head.sequence_no, sequenced.effects
        self._blocks.append(sequenced.data)
        self._places[transaction_id] = number
        self._nodes[0, number] = sequenced.block.block_hash
        self._nodes.update({(node.level, node.position): node.hash for node in sequenced.nodes})
        for revision in effects.revisions:
            if revision.document_id not in self.versions:
                self._tables[revision.table_id].append(revision.document_id)
            self.versions.setdefault(revision.document_id, []).append(revision)
        for change in effects.left:
            self._leave(change, number)
        for change in effects.entered:
            self._entries[change.index_id, change.key].append(_Entry(change.document_id, number))
        self._head = sequenced.head
        for entry, index in tuple(self._head.catalogue.building()):
            self._build(entry.table_id, index.index_id, index.field)
        for redaction in effects.redactions:
            self._redact(redaction.address.sequence_no, redaction.document_id, redaction.version)
        self._heads.append(self._head)
        self._log.forget_through(self._snapshots[0] if self._snapshots else number)

    def _leave(self, change: IndexChange, number: int) -> None:
        for entry in self._entries[change.index_id, change.key]:
            if entry.document_id == change.document_id and entry.to_no == _FOREVER:
                entry.to_no = number

    def _build(self, table_id: str, index_id: str, name: str) -> None:
        for document_id in self._tables[table_id]:
            revision = self.versions[document_id][-1]
            key = None if revision.data is None else key_in(revision.value, name)
            if key is not None and not any(each.document_id == document_id for each in self._entries[index_id, key]):
                self._entries[index_id, key].append(_Entry(document_id, revision.sequence_no))
        self._head = replace(self._head, catalogue=self._head.catalogue.with_index_online(table_id, index_id))

    def _redact(self, number: int, document_id: str, version: int) -> None:
        redacted = redact_block(self._blocks[number], document_id, version)
        self._blocks[number] = redacted.block
        before = self.versions[document_id][version]
        self.versions[document_id][version] = StoredRevision(
            before.table_id,
            before.document_id,
            before.version,
            before.sequence_no,
            before.tx_id,
            before.tx_time_ms,
            before.hash,
            None,
            redacted.data_hash,
        )

    def documents_of(self, table_id: str) -> Sequence[str]:
        """Ids of every document the table ever had."""
        return tuple(self._tables[table_id])

    def entered_under(self, index_id: str, key: bytes, at: int) -> Sequence[str]:
        """Documents under a key at a block."""
        entries = self._entries.get((index_id, key), ())
        return [each.document_id for each in entries if each.from_no <= at < each.to_no]

    def release(self, sequence_no: int) -> None:
        """A snapshot at this block is not needed any more."""
        with self._changed:
            self._snapshots.remove(sequence_no)


class _MemorySnapshot(SnapshotAtHead):
    def __init__(self, store: MemoryLedger, head: LedgerHead) -> None:
        self._store = store
        self._head = head
        self._released = False

    def document(self, document_id: str) -> StoredRevision | None:
        versions = self._store.versions.get(document_id, [])
        place = bisect_right(versions, self.sequence_no, key=lambda each: each.sequence_no)
        return versions[place - 1] if place else None

    def documents(self, table_id: str) -> Iterator[StoredRevision]:
        for document_id in self._store.documents_of(table_id):
            revision = self.document(document_id)
            if revision is not None and revision.data is not None:
                yield revision

    def probe(self, index_id: str, key: bytes, at_most: int | None = None) -> Sequence[StoredRevision]:
        found = map(self.document, self._store.entered_under(index_id, key, self.sequence_no))
        return list(islice((each for each in found if each is not None and each.data is not None), at_most))

    def history(
        self, table_id: str, start_ms: int | None, end_ms: int | None, document_id: str | None
    ) -> Iterator[StoredRevision]:
        wanted = self._store.documents_of(table_id) if document_id is None else (document_id,)
        found = [each for name in wanted for each in self._active(name, start_ms, end_ms) if each.table_id == table_id]
        yield from sorted(found, key=lambda each: each.sequence_no)

    def _active(self, document_id: str, start_ms: int | None, end_ms: int | None) -> Iterator[StoredRevision]:
        versions = [each for each in self._store.versions.get(document_id, []) if each.sequence_no <= self.sequence_no]
        for revision, later in zip_longest(versions, versions[1:]):
            begun = end_ms is None or revision.tx_time_ms <= end_ms
            if begun and (start_ms is None or later is None or later.tx_time_ms > start_ms):
                yield revision

    def revision_at(self, document_id: str, sequence_no: int) -> StoredRevision | None:
        for revision in self._store.versions.get(document_id, []):
            if revision.sequence_no == sequence_no <= self.sequence_no:
                return revision
        return None

    def release(self) -> None:
        if not self._released:
            self._released = True
            self._store.release(self.sequence_no)
