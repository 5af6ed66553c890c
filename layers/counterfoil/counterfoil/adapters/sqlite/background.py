"""What the committer does while nobody waits, a piece at a time: build indexes, carry out redactions, remove what nobody can see.

Everything here may be cut off anywhere: each piece is a transaction of its own, and what is left to do is read from the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from counterfoil.adapters.sqlite import journal_file
from counterfoil.adapters.sqlite.connections import BUSY_MILLISECONDS
from counterfoil.adapters.sqlite.schema import FOREVER
from counterfoil.ion.codec import decode_datagram
from counterfoil.journal import BlockAddress
from counterfoil.journal.redacted import redact_block
from counterfoil.ledger.sequencing import IndexChange, LedgerHead, Sequenced, key_in

# A piece holds back commits that come meanwhile: some milliseconds.
PIECE_ROWS: Final = 500
LATER_SECONDS: Final = 0.2

# So many looks without a block in between, and the ledger counts as quiet.
QUIET_STEPS: Final = 3

_TO_INDEX: Final = (
    "SELECT row, document_id, data, from_no FROM revisions INDEXED BY revisions_by_validity "
    f"WHERE table_id = ? AND to_no = {FOREVER} AND row > ? AND data IS NOT NULL ORDER BY row LIMIT {PIECE_ROWS}"
)
_ENTER_OLD: Final = f"INSERT OR IGNORE INTO entries VALUES (?, ?, {FOREVER}, ?, ?)"
_CLOSED: Final = (
    "SELECT index_id, key, to_no, document_id FROM entries INDEXED BY entries_closed "
    f"WHERE to_no < {FOREVER} AND to_no <= ? LIMIT {PIECE_ROWS}"
)
_OF_INDEX: Final = f"SELECT index_id, key, to_no, document_id FROM entries WHERE index_id = ? LIMIT {PIECE_ROWS}"
_REMOVE_ENTRY: Final = "DELETE FROM entries WHERE index_id = ? AND key = ? AND to_no = ? AND document_id = ?"
_NEXT_INDEX: Final = "SELECT index_id FROM entries WHERE index_id > ? LIMIT 1"
_PENDING: Final = "SELECT sequence_no, document_id, version FROM redactions WHERE requested_in <= ? LIMIT 1"
_REDACT: Final = "UPDATE revisions SET data = NULL, data_hash = ? WHERE document_id = ? AND from_no = ?"


class Outcome(NamedTuple):
    """``head`` where the catalogue changed; when to go on: 0 at once, ``None`` not before the next commit."""

    head: LedgerHead | None
    again_in: float | None


class Background:
    """``floor`` gives the block before which no snapshot is in use."""

    def __init__(self, connection: sqlite3.Connection, path: Path, floor: Callable[[], int]) -> None:
        self._connection = connection
        self._path = path
        self._floor = floor
        self._built_to: dict[str, int] = {}
        self._gone: list[tuple[int, str]] = []
        # Whether the log of writes may hold what was redacted; an earlier process may have been cut off before it was emptied.
        self._log_is_full = True
        # Looks since the last block; ``None`` where all that was written is in the file itself.
        self._quiet_steps: int | None = 0

    def begin(self, head: LedgerHead) -> None:
        """Look in the file for what an earlier process left to do."""
        known = {index.index_id for entry in head.catalogue.entries.values() for index in entry.indexes}
        self._gone = [(head.sequence_no, each) for each in self._indexes_kept() if each not in known]
        self._built_to.clear()

    def note(self, before: LedgerHead, sequenced: Sequenced) -> None:
        """A block is about to be committed: indexes that it drops are to be removed later."""
        self._quiet_steps = 0
        if sequenced.effects.defined:
            number = sequenced.head.sequence_no
            indexes = [
                {index.index_id for entry in head.catalogue.entries.values() for index in entry.indexes}
                for head in (before, sequenced.head)
            ]
            self._gone += [(number, each) for each in indexes[0] - indexes[1]]

    def step(self, head: LedgerHead) -> Outcome:
        """One piece of work."""
        floor = self._floor()
        for entry, index in head.catalogue.building():
            return self._build(head, entry.table_id, index.index_id, index.field)
        if self._redact_one(head, floor) or self._remove_closed(floor) or self._remove_gone(floor):
            return Outcome(None, 0)
        waiting = self._connection.execute("SELECT 1 FROM redactions LIMIT 1").fetchone() or self._gone
        waiting = waiting or self._connection.execute(_CLOSED, (FOREVER - 1,)).fetchone()
        if self._log_is_full and not self._empty_log():  # here the keys of what was redacted are removed as well
            waiting = True
        if self._quiet_steps is not None:
            waiting = True
            self._quiet_steps += 1
            if self._quiet_steps >= QUIET_STEPS:
                self._copy_log()
        return Outcome(None, LATER_SECONDS if waiting else None)

    def _build(self, head: LedgerHead, table_id: str, index_id: str, field: str) -> Outcome:
        rows = self._connection.execute(_TO_INDEX, (table_id, self._built_to.get(index_id, 0))).fetchall()
        entered = []
        for _, document_id, data, from_no in rows:
            key = key_in(decode_datagram(data), field)
            if key is not None:
                entered.append((*IndexChange(index_id, key, document_id), from_no))
        with self._transaction():
            self._connection.executemany(_ENTER_OLD, entered)
            if len(rows) == PIECE_ROWS:
                self._built_to[index_id] = rows[-1][0]
                return Outcome(None, 0)
            catalogue = head.catalogue.with_index_online(table_id, index_id)
            journal_file.put_catalogue(self._connection, catalogue)
        self._built_to.pop(index_id, None)
        return Outcome(replace(head, catalogue=catalogue), 0)

    def _redact_one(self, head: LedgerHead, floor: int) -> bool:
        """Replace a revision's data by its hash, in the journal and in the projection, and in every copy that SQLite keeps."""
        row = self._connection.execute(_PENDING, (floor,)).fetchone()
        if row is None:
            return False
        number, document_id, version = row
        block = journal_file.read_block(self._connection, BlockAddress(head.strand_id, number))
        redacted = redact_block(block, document_id, version)
        with self._transaction():
            self._connection.execute("UPDATE blocks SET block = ? WHERE sequence_no = ?", (redacted.block, number))
            self._connection.execute(_REDACT, (redacted.data_hash, document_id, number))
            self._connection.execute(
                "DELETE FROM redactions WHERE sequence_no = ? AND document_id = ?", (number, document_id)
            )
        self._log_is_full = True
        return True

    def _copy_log(self) -> None:
        """Copy SQLite's log of writes into the file, as far as no reader is in the way: then nobody need look in it."""
        _, written, copied = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self._quiet_steps = None if written == copied else 0

    def _empty_log(self) -> bool:
        """Move all of SQLite's log of writes into the file, over what was there; not while somebody reads, and without waiting."""
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        self._log_is_full = bool(busy)
        return not busy

    def _remove_closed(self, floor: int) -> bool:
        return self._remove(self._connection.execute(_CLOSED, (floor,)).fetchall())

    def _remove_gone(self, floor: int) -> bool:
        for number, index_id in self._gone:
            if number <= floor:
                if self._remove(self._connection.execute(_OF_INDEX, (index_id,)).fetchall()):
                    return True
                self._gone.remove((number, index_id))
                return True
        return False

    def _remove(self, rows: list[tuple[object, ...]]) -> bool:
        if rows:
            with self._transaction():
                self._connection.executemany(_REMOVE_ENTRY, rows)
        return bool(rows)

    def _indexes_kept(self) -> Iterator[str]:
        last = ""
        while row := self._connection.execute(_NEXT_INDEX, (last,)).fetchone():
            last = row[0]
            yield last

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
