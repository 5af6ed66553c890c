"""The embedded store of one ledger.

Life of a commit: (1) the proposal waits for the committer; (2) it is checked against all blocks behind its snapshot and given
its place; (3) block, tree nodes and projections are written in one SQLite transaction with the others of its group; (4) that
transaction is synced; (5) the new head is shown to new snapshots; (6) the callers are answered. A crash before (4) leaves
nothing, a crash behind it everything: whoever was not answered asks for their transaction's id (``committed``).
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Condition, Lock
from typing import Final

from counterfoil.adapters.sqlite import journal_file
from counterfoil.adapters.sqlite.background import Background
from counterfoil.adapters.sqlite.checks import check_on_open
from counterfoil.adapters.sqlite.committer import Committer, Waiting
from counterfoil.adapters.sqlite.connections import Readers, lock, translated
from counterfoil.adapters.sqlite.snapshot import SqliteSnapshot
from counterfoil.errors import ClosedError, CounterfoilError, NotFoundError, PreconditionError, UnavailableError
from counterfoil.journal import BlockAddress
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.ledger.concurrency import WriteLog
from counterfoil.ledger.limits import DEFAULT_LIMITS, Limits
from counterfoil.ledger.proposal import Proposal
from counterfoil.ledger.reading import Snapshot
from counterfoil.ledger.sequencing import LedgerHead, sequence
from counterfoil.ledger.store import LedgerStore
from counterfoil.ledger.times import milliseconds_of
from counterfoil.merkle import Hash

FILE_NAME: Final = "journal.db"
LOCK_NAME: Final = "lock"
READ_AHEAD_BLOCKS: Final = 64
_LOGGER: Final = logging.getLogger(__name__)


def create_ledger(folder: Path, strand_id: str, anchor: TrustAnchor | None = None) -> None:
    """Make the folder of a new, empty ledger."""
    folder.mkdir(parents=True, exist_ok=True)
    journal_file.create(folder / FILE_NAME, strand_id, anchor)


class SqliteLedger(LedgerStore):
    """A ledger in a folder that belongs to this process until it is closed."""

    def __init__(self, folder: Path, clock: Callable[[], datetime], limits: Limits = DEFAULT_LIMITS) -> None:
        self._path = folder / FILE_NAME
        self._process = os.getpid()
        self._closing = Lock()
        self._clock = clock
        self._lock_file = (folder / LOCK_NAME).open("a+", encoding="utf-8")
        try:
            lock(self._lock_file, folder / LOCK_NAME)
            self._connection, self._head = self._open()
        except BaseException:
            self._lock_file.close()
            raise
        self._anchor = journal_file.read_anchor(self._connection)
        self._readers = Readers(self._path)
        self._log = WriteLog(self._head.sequence_no)
        self._shown = Condition(Lock())
        self._open_snapshots: dict[SqliteSnapshot, int] = {}
        self._background = Background(self._connection, self._path, self._floor)
        self._background.begin(self._head)
        self._committer = Committer(self._write, self._rest, limits.waiting_commits, folder.name)

    def _open(self) -> tuple[sqlite3.Connection, LedgerHead]:
        connection = journal_file.open_file(self._path)
        try:
            with translated(self._path):
                return connection, check_on_open(connection, self._path)
        except BaseException:
            connection.close()
            raise

    @property
    def anchor(self) -> TrustAnchor | None:
        return self._anchor

    def head(self) -> LedgerHead:
        return self._head

    def snapshot(self) -> Snapshot:
        self._check_open()
        with self._shown:
            snapshot = SqliteSnapshot(self._readers, self._head, self._released)
            self._open_snapshots[snapshot] = snapshot.sequence_no
            return snapshot

    def snapshot_at(self, sequence_no: int) -> Snapshot:
        """Only what another snapshot holds is kept."""
        self._check_open()
        with self._shown:
            heads = [self._head, *(each.head for each in self._open_snapshots)]
            head = next((each for each in heads if each.sequence_no == sequence_no), None)
            if head is None and sequence_no > self._head.sequence_no:
                raise NotFoundError(f"there is no block {self._head.strand_id}#{sequence_no}")
            if head is None:
                raise ClosedError(f"the ledger as of block {sequence_no} is not kept any more")
            snapshot = SqliteSnapshot(self._readers, head, self._released)
            self._open_snapshots[snapshot] = sequence_no
            return snapshot

    def commit(self, proposal: Proposal) -> BlockAddress:
        self._check_open()
        return self._committer.submit(proposal)

    def committed(self, transaction_id: str) -> BlockAddress | None:
        self._check_open()
        with self._readers.reader() as connection:
            return self._find(connection, transaction_id)

    def block(self, sequence_no: int) -> bytes:
        self._check_open()
        with self._readers.reader() as connection:
            return journal_file.read_block(connection, BlockAddress(self._head.strand_id, sequence_no))

    def blocks(self, begin: int, end: int) -> Iterator[bytes]:
        self._check_open()
        sql = "SELECT block FROM blocks WHERE sequence_no >= ? AND sequence_no < ? ORDER BY sequence_no"
        end = min(end, self._head.sequence_no + 1)
        for first in range(begin, end, READ_AHEAD_BLOCKS):
            rows = self._readers.all(sql, (first, min(first + READ_AHEAD_BLOCKS, end)))
            yield from (bytes(row[0]) for row in rows)

    def node(self, level: int, position: int) -> Hash:
        self._check_open()
        with self._readers.reader() as connection:
            return journal_file.read_node(connection, level, position)

    def wait_for(self, sequence_no: int, timeout_seconds: float) -> int:
        with self._shown:
            self._shown.wait_for(lambda: self._head.sequence_no >= sequence_no, timeout_seconds)
            return self._head.sequence_no

    def close(self) -> None:
        if os.getpid() != self._process:
            return
        with self._closing:
            if self._lock_file.closed:
                return
            self._committer.close()
            self._readers.close()
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
            self._lock_file.close()

    def _check_open(self) -> None:
        if self._lock_file.closed:
            raise ClosedError("the ledger is closed")
        if os.getpid() != self._process:  # neither SQLite's connections nor the background's thread survive a fork
            raise PreconditionError(f"{self._path} was opened by process {self._process}: open it anew here")

    def _find(self, connection: sqlite3.Connection, transaction_id: str) -> BlockAddress | None:
        sql = "SELECT sequence_no FROM blocks WHERE transaction_id = ?"
        row = connection.execute(sql, (transaction_id,)).fetchone()
        return None if row is None else BlockAddress(self._head.strand_id, row[0])

    # What follows runs in one thread at a time, as the committer calls it.

    def _write(self, group: Sequence[Waiting]) -> bool:
        answers: list[tuple[Waiting, BlockAddress | CounterfoilError]] = []
        try:
            with translated(self._path):
                head = self._write_group(group, answers)
        except Exception as error:  # noqa: BLE001 - whatever it was, every caller must hear of it
            self._give_up(group, error)
            return False
        self._show(head)
        for waiting, answer in answers:
            waiting.answer(answer)
        # Whoever made an index waits for it to be built.
        return next(head.catalogue.building(), None) is not None

    def _write_group(
        self, group: Sequence[Waiting], answers: list[tuple[Waiting, BlockAddress | CounterfoilError]]
    ) -> LedgerHead:
        head, now_ms = self._head, milliseconds_of(self._clock())
        self._connection.execute("BEGIN IMMEDIATE")
        for waiting in group:
            known = self._find(self._connection, waiting.proposal.transaction_id)
            if known is not None:
                answers.append((waiting, known))
                continue
            try:
                sequenced = sequence(head, self._log, waiting.proposal, now_ms)
            except CounterfoilError as error:
                answers.append((waiting, error))
                continue
            journal_file.write(self._connection, sequenced)
            self._background.note(head, sequenced)
            head = sequenced.head
            answers.append((waiting, sequenced.block.address))
        self._connection.execute("COMMIT")
        return head

    def _give_up(self, group: Sequence[Waiting], error: Exception) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        self._log.forget_after(self._head.sequence_no)
        self._background.begin(self._head)
        cause = error if isinstance(error, CounterfoilError) else UnavailableError(f"{self._path}: {error!r}")
        for waiting in group:
            waiting.answer(cause)

    def _show(self, head: LedgerHead) -> None:
        with self._shown:
            self._head = head
            self._shown.notify_all()
        self._log.forget_through(self._floor())

    def _floor(self) -> int:
        """No snapshot before this block is in use or can come into use."""
        with self._shown:
            return min(self._open_snapshots.values(), default=self._head.sequence_no)

    def _released(self, snapshot: SqliteSnapshot) -> None:
        with self._shown:
            self._open_snapshots.pop(snapshot, None)

    def _rest(self) -> float | None:
        """A piece of background work; where it fails it is tried again behind the next commit."""
        try:
            with translated(self._path):
                changed, again_in = self._background.step(self._head)
        except Exception as error:  # noqa: BLE001 - whatever it was, commits must go on
            _LOGGER.warning("background work on %s: %r", self._path, error)
            return None
        if changed is not None:
            self._show(changed)
        return again_in
