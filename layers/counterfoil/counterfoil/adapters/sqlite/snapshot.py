"""The ledger at one block, read from a file that goes on changing.

No read transaction is held open: each query says which block it means, and a long scan reads some hundred rows at a time. Rows are
never removed while a snapshot may need them, and a row that is superseded during a scan is still found, once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from counterfoil.adapters.sqlite.connections import Readers
from counterfoil.adapters.sqlite.schema import FOREVER
from counterfoil.ledger.reading import StoredRevision
from counterfoil.ledger.sequencing import LedgerHead, SnapshotAtHead

CHUNK_ROWS: Final = 512

_COLUMNS: Final = "table_id, document_id, version, from_no, tx_id, tx_time_ms, hash, data, data_hash"
_COLUMNS_OF_R: Final = ", ".join(f"r.{each}" for each in _COLUMNS.split(", "))

_DOCUMENT: Final = (
    f"SELECT {_COLUMNS} FROM revisions WHERE document_id = ? AND to_no > ? AND from_no <= ? ORDER BY to_no LIMIT 1"
)
_PROBE: Final = (
    f"SELECT {_COLUMNS_OF_R} FROM entries AS e CROSS JOIN revisions AS r "
    "ON r.document_id = e.document_id AND r.to_no > ?1 AND r.from_no <= ?1 "
    "WHERE e.index_id = ?2 AND e.key = ?3 AND e.to_no > ?1 AND e.from_no <= ?1 AND r.data IS NOT NULL LIMIT ?4"
)
_CURRENT: Final = (
    f"SELECT {_COLUMNS}, row FROM revisions INDEXED BY revisions_by_validity "
    f"WHERE table_id = ? AND to_no = {FOREVER} AND row > ? AND from_no <= ? AND data IS NOT NULL ORDER BY row LIMIT ?"
)
_SUPERSEDED: Final = (
    f"SELECT {_COLUMNS}, row, to_no FROM revisions INDEXED BY revisions_by_validity "
    f"WHERE table_id = ?1 AND to_no > ?2 AND to_no < {FOREVER} AND from_no <= ?2 AND data IS NOT NULL"
)
_TIP: Final = "SELECT max(sequence_no) FROM blocks"
_HISTORY: Final = (
    f"SELECT {_COLUMNS}, row FROM revisions INDEXED BY revisions_by_block WHERE table_id = ?1 AND "
    "(from_no, row) > (?2, ?3) AND from_no <= ?4 AND tx_time_ms <= ?5 "
    "AND (to_no > ?4 OR to_ms > ?6) ORDER BY from_no, row LIMIT ?7"
)
_HISTORY_OF_DOCUMENT: Final = (
    f"SELECT {_COLUMNS} FROM revisions WHERE document_id = ?1 AND table_id = ?2 AND from_no <= ?3 "
    "AND tx_time_ms <= ?4 AND (to_no > ?3 OR to_ms > ?5) ORDER BY to_no"
)
_REVISION_AT: Final = f"SELECT {_COLUMNS} FROM revisions WHERE document_id = ? AND from_no = ?"

_BEFORE_TIME: Final = -(2**62)
_AFTER_TIME: Final = 2**62


def revision_of(row: Sequence[Any]) -> StoredRevision:
    """A row of ``_COLUMNS``, possibly with more behind them."""
    return StoredRevision(*row[:9])


class SqliteSnapshot(SnapshotAtHead):
    """See ``ledger.reading.Snapshot``. ``on_release`` is told once."""

    def __init__(self, readers: Readers, head: LedgerHead, on_release: Callable[[SqliteSnapshot], None]) -> None:
        self._readers = readers
        self._head = head
        self._on_release = on_release
        self._at = head.sequence_no
        self.released = False

    def document(self, document_id: str) -> StoredRevision | None:
        rows = self._readers.all(_DOCUMENT, (document_id, self._at, self._at))
        return revision_of(rows[0]) if rows else None

    def probe(self, index_id: str, key: bytes, at_most: int | None = None) -> Sequence[StoredRevision]:
        limit = -1 if at_most is None else at_most
        return [revision_of(row) for row in self._readers.all(_PROBE, (self._at, index_id, key, limit))]

    def revision_at(self, document_id: str, sequence_no: int) -> StoredRevision | None:
        rows = self._readers.all(_REVISION_AT, (document_id, sequence_no))
        return revision_of(rows[0]) if rows and sequence_no <= self._at else None

    def documents(self, table_id: str) -> Iterator[StoredRevision]:
        """First what is current, in pieces; then what was superseded since, as far as it was not met before.

        A superseded row was met if it was still current when the piece that reaches to it was read, that is if the block that
        superseded it came later.
        """
        reached: list[int] = []
        tips: list[int] = []
        last, more = 0, True
        while more:
            with self._readers.reader() as connection:
                rows = connection.execute(_CURRENT, (table_id, last, self._at, CHUNK_ROWS)).fetchall()
                tip = connection.execute(_TIP).fetchone()[0]
            more = len(rows) == CHUNK_ROWS
            last = rows[-1][9] if more else FOREVER
            reached.append(last)
            tips.append(-1 if tip is None else tip)
            yield from map(revision_of, rows)
        if self._at < tips[-1] or self._at < self._tip():
            for row in self._readers.all(_SUPERSEDED, (table_id, self._at)):
                if row[10] <= tips[bisect_left(reached, row[9])]:
                    yield revision_of(row)

    def history(
        self, table_id: str, start_ms: int | None, end_ms: int | None, document_id: str | None
    ) -> Iterator[StoredRevision]:
        start = _BEFORE_TIME if start_ms is None else start_ms
        end = _AFTER_TIME if end_ms is None else end_ms
        if document_id is not None:
            rows = self._readers.all(_HISTORY_OF_DOCUMENT, (document_id, table_id, self._at, end, start))
            yield from map(revision_of, rows)
            return
        place = (-1, 0)
        while rows := self._readers.all(_HISTORY, (table_id, *place, self._at, end, start, CHUNK_ROWS)):
            yield from map(revision_of, rows)
            place = (rows[-1][3], rows[-1][9])

    def release(self) -> None:
        if not self.released:
            self.released = True
            self._on_release(self)

    def _tip(self) -> int:
        tip = self._readers.all(_TIP, ())[0][0]
        return -1 if tip is None else int(tip)
