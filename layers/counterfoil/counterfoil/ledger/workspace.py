"""What a transaction's plans read and change: a snapshot overlaid with the transaction's own changes.

Every read leaves a footprint (``concurrency.py``). The user view shows own changes; the committed view and ``history()`` show
what is committed at the snapshot, since only that has a block, a hash and a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NamedTuple

from counterfoil.errors import ClosedError, DeferredError, LimitError, StatementError
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Value
from counterfoil.ledger.concurrency import WHOLE_CATALOGUE, Footprint, name_footprint
from counterfoil.ledger.erasure import CERTIFICATES, PROCEDURE, Erasure
from counterfoil.ledger.limits import Limits
from counterfoil.ledger.proposal import Written
from counterfoil.ledger.reading import Snapshot, StoredRevision, encode_document
from counterfoil.ledger.times import milliseconds_of_timestamp, timestamp_of
from counterfoil.merkle import Hash
from counterfoil.partiql.equality import key_of
from counterfoil.partiql.tables import Index, Row, Table, View

# What a statement may read in brief: a millisecond's work, whatever is done with it.
BRIEF_READS: Final = 64
BRIEF_BYTES: Final = 128 * 1024


class Lifetime(NamedTuple):
    """From when until when a transaction lasts. A clock that goes backwards prolongs nothing."""

    began_at: datetime
    expires_at: datetime
    clock: Callable[[], datetime]

    def is_over(self) -> bool:
        return not self.began_at <= self.clock() < self.expires_at

    def error(self, transaction_id: str) -> ClosedError:
        return ClosedError(f"Transaction {transaction_id} has expired")


class SnapshotWorkspace:
    """Implements ``partiql.tables.Workspace`` for one transaction."""

    def __init__(
        self, transaction_id: str, snapshot: Snapshot, limits: Limits, new_id: Callable[[], str], lifetime: Lifetime
    ) -> None:
        self.transaction_id = transaction_id
        self.catalogue = snapshot.catalogue
        self.now: IonTimestamp = timestamp_of(0)
        self.statement_no = 0
        self.read: set[Footprint] = set()
        # Ion Hashes of the parameters of the statement that is carried out, by identity.
        self.parameter_hashes: dict[int, Hash] = {}
        self.read_ios = 0
        self._brief = False
        self._brief_reads = 0
        self._brief_bytes = 0
        self._snapshot = snapshot
        self._limits = limits
        self._new_id = new_id
        self._lifetime = lifetime
        self._written: dict[str, Written] = {}
        self._written_bytes = 0
        self._undo: list[tuple[str, Written | None]] = []
        self._own_keys: dict[str, dict[str, bytes | None]] = {}
        # What the snapshot answered: statements of one transaction come back to the same documents.
        self._documents: dict[str, StoredRevision | None] = {}
        self._probed: dict[tuple[str, bytes], Sequence[StoredRevision]] = {}

    @property
    def documents(self) -> tuple[Written, ...]:
        """What the transaction changed. A document that it made and deleted again was never there."""
        return tuple(each for each in self._written.values() if each.base is not None or each.value is not None)

    def use_table(self, table_id: str) -> None:
        """Note that a statement relies on what a table's name means and on its indexes."""
        entry = self.catalogue.entries.get(table_id)
        if entry is not None:
            self.read.add(name_footprint(entry.name))

    @contextmanager
    def one_statement(self) -> Iterator[None]:
        """Take back what the statement changed if it fails."""
        self._undo.clear()
        try:
            yield
        except BaseException:
            for document_id, before in reversed(self._undo):
                self._put(document_id, before)
            raise

    @contextmanager
    def in_brief(self) -> Iterator[None]:
        """Raise ``DeferredError`` as soon as more is to be read than a moment allows."""
        if len(self._written) > BRIEF_READS:
            raise DeferredError("the transaction has changed more than can be looked through in brief")
        self._brief, self._brief_reads, self._brief_bytes = True, BRIEF_READS, BRIEF_BYTES
        try:
            yield
        finally:
            self._brief = False

    def _spend(self, revisions: Sequence[StoredRevision]) -> None:
        """One read in brief, and what it gave."""
        self._brief_reads -= max(1, len(revisions))
        self._brief_bytes -= sum(each.size_bytes for each in revisions)
        if self._brief_reads < 0 or self._brief_bytes < 0:
            raise DeferredError("the statement reads more than it may in brief")

    def check_time(self) -> None:
        """Raise ``ClosedError`` where the transaction's time is up."""
        if self._lifetime.is_over():
            raise self._lifetime.error(self.transaction_id)

    # Reading

    def scan(self, table: Table, view: View) -> Iterator[Row]:
        self.read.add(table.table_id)
        if view is View.COMMITTED:
            for revision in self._snapshot.documents(table.table_id):
                yield self._committed_row(revision)
            return
        own = self._own(table)
        for revision in self._snapshot.documents(table.table_id):
            self.read_ios += 1
            if revision.document_id not in own:
                yield Row(revision.document_id, revision.value)
        yield from _rows(own.values())

    def probe(self, table: Table, view: View, index: Index, key: bytes) -> Iterator[Row]:
        revisions = self._probe(index.index_id, key)
        if view is View.COMMITTED:
            yield from map(self._committed_row, revisions)
            return
        own = self._own(table)
        self.read_ios += len(revisions)
        for revision in revisions:
            if revision.document_id not in own:
                yield Row(revision.document_id, revision.value)
        for row in _rows(own.values()):
            if self._own_key(row, index.field) == key:
                yield row

    def fetch(self, table: Table, view: View, document_id: str) -> Row | None:
        self.read.add(document_id)
        if view is View.USER and document_id in self._written:
            written = self._written[document_id]
            visible = written.table_id == table.table_id and written.value is not None
            return Row(document_id, written.value or {}) if visible else None
        revision = self._document(document_id)
        self.read_ios += 1
        if revision is None or revision.data is None or revision.table_id != table.table_id:
            return None
        return self._committed_row(revision) if view is View.COMMITTED else Row(document_id, revision.value)

    def history(
        self, table: Table, start: IonTimestamp | None, end: IonTimestamp | None, document_id: str | None = None
    ) -> Iterator[Row]:
        self.read.add(table.table_id if document_id is None else document_id)
        bounds = [None if each is None else milliseconds_of_timestamp(each) for each in (start, end)]
        for revision in self._snapshot.history(table.table_id, bounds[0], bounds[1], document_id):
            yield self._committed_row(revision)

    def user_tables(self) -> Iterator[dict[str, Value]]:
        self.read.add(WHOLE_CATALOGUE)
        return self.catalogue.rows()

    def _committed_row(self, revision: StoredRevision) -> Row:
        self.read_ios += 1
        return Row(revision.document_id, revision.committed_form(self._snapshot.strand_id))

    def _document(self, document_id: str) -> StoredRevision | None:
        if document_id not in self._documents:
            self._documents[document_id] = self._snapshot.document(document_id)
        revision = self._documents[document_id]
        if self._brief:
            self._spend(() if revision is None else (revision,))
        return revision

    def _probe(self, index_id: str, key: bytes) -> Sequence[StoredRevision]:
        place = (index_id, key)
        known = self._probed.get(place)
        found = known or self._snapshot.probe(index_id, key, self._brief_reads + 1 if self._brief else None)
        if self._brief:
            self._spend(found)
        if known is not None:
            return known
        revisions = [self._documents.setdefault(each.document_id, each) or each for each in found]
        self._probed[place] = revisions
        self.read.add(place)
        self.read.update(each.document_id for each in revisions)
        return revisions

    def _own_key(self, row: Row, name: str) -> bytes | None:
        """The key of an own document in an index of this field; kept until the document changes again."""
        keys = self._own_keys.setdefault(row.document_id, {})
        if name not in keys:
            keys[name] = key_of(row.value[name]) if name in row.value else None
        return keys[name]

    def _own(self, table: Table) -> dict[str, Written]:
        """The transaction's own changes to a table, as they are now."""
        if not self._written:
            return {}
        return {each.document_id: each for each in self._written.values() if each.table_id == table.table_id}

    # Changing

    def insert(self, table: Table, document: dict[str, Value]) -> str:
        _refuse_certificate(table)
        document_id = self._new_id()
        data = self._encoded(document)
        known = self.parameter_hashes.get(id(document))
        self._write(Written(table.table_id, table.name, document_id, None, document, data, (self.statement_no,), known))
        return document_id

    def certify(self, table: Table, erasure: Erasure, destroyed_ms: int | None = None) -> Written:
        """Write an erasure's certificate; once more with the time at which the key was destroyed, when that is known."""
        value, name = erasure.certificate(destroyed_ms), erasure.certificate_id
        written = Written(table.table_id, table.name, name, None, value, self._encoded(value), (erasure.statement,))
        self._write(written)
        return written

    def replace(self, table: Table, document_id: str, document: dict[str, Value] | None, changed: int = 1) -> None:
        _refuse_certificate(table)
        before = self._written.get(document_id)
        base = self._document(document_id) if before is None else before.base
        statements = () if before is None else before.statements
        self.read.add(document_id)
        data = None if document is None else self._encoded(document)
        numbers = (*statements, *(self.statement_no,) * changed)
        self._write(Written(table.table_id, table.name, document_id, base, document, data, numbers))

    def _encoded(self, document: dict[str, Value]) -> bytes:
        data = encode_document(document)
        if len(data) > self._limits.document_bytes:
            raise LimitError(f"a document of {len(data)} bytes; at most {self._limits.document_bytes} are allowed")
        return data

    def _write(self, written: Written) -> None:
        document_id = written.document_id
        before = self._written.get(document_id)
        if before is None and len(self._written) >= self._limits.documents_per_transaction:
            raise LimitError(
                f"at most {self._limits.documents_per_transaction} documents can be changed in one transaction"
            )
        self._undo.append((document_id, before))
        self._put(document_id, written)
        if self._written_bytes > self._limits.transaction_bytes:
            raise LimitError(f"a transaction of more than {self._limits.transaction_bytes} bytes")

    def _put(self, document_id: str, written: Written | None) -> None:
        self._own_keys.pop(document_id, None)
        before = self._written.get(document_id)
        if before is not None:
            self._written_bytes -= len(before.data or b"")
        if written is not None:
            self._written[document_id] = written
            self._written_bytes += len(written.data or b"")
        elif before is not None:
            del self._written[document_id]


def _refuse_certificate(table: Table) -> None:
    if table.name == CERTIFICATES:
        raise StatementError(
            "Evaluator", f"{CERTIFICATES} has certificates of erasures: only EXEC {PROCEDURE} writes them"
        )


def _rows(own: Iterable[Written]) -> Iterator[Row]:
    for each in own:
        if each.value is not None:
            yield Row(each.document_id, each.value)
