"""Connections to a ledger's file, and what SQLite's errors mean."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from counterfoil.errors import ClosedError, CounterfoilError, IntegrityError, PreconditionError, UnavailableError

try:
    import fcntl
except ImportError:  # no advisory locks on this system: SQLite's own still keep writers apart
    fcntl = None  # type: ignore[assignment]

CACHE_KIB: Final = 64 * 1024
READER_CACHE_KIB: Final = 8 * 1024
KEPT_READERS: Final = 32
BUSY_MILLISECONDS: Final = 10_000

_DAMAGED: Final = ("malformed", "not a database", "corrupt")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors by who acts on them."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise meaning(error, path) from error


def meaning(error: sqlite3.DatabaseError, path: Path) -> CounterfoilError:
    """A damaged file is an ``IntegrityError``; all else may be tried again."""
    if any(word in str(error) for word in _DAMAGED):
        return IntegrityError(f"{path} is damaged ({error}); restore it from a copy, nothing was repaired")
    return UnavailableError(f"{path}: {error}")


def connect(path: Path, *, writer: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode; a reader cannot write."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        _set_up(connection, writer=writer)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection, *, writer: bool) -> None:
    cache = CACHE_KIB if writer else READER_CACHE_KIB
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    connection.execute(f"PRAGMA cache_size = -{cache}")
    if writer:
        # FULL: a commit is on the disk before it is acknowledged, whatever happens to the machine.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # What is redacted must be gone from the file, not only from the tables.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
    else:
        connection.execute("PRAGMA query_only = ON")


class Readers:
    """A pool of reading connections, each used by one thread at a time and only for moments."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Appending to a list and popping from it are single steps for threads.
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    def all(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """The rows of one query."""
        connection = self._borrow()
        try:
            rows = connection.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            connection.close()
            raise meaning(error, self.path) from error
        self._give_back(connection)
        return rows

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A connection for several queries in one state of the file."""
        connection = self._borrow()
        try:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            connection.close()
            raise meaning(error, self.path) from error
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _borrow(self) -> sqlite3.Connection:
        if self._closed:  # the file may be gone, and would be made anew
            raise ClosedError("the ledger is closed")
        try:
            return self._idle.pop()
        except IndexError:
            with translated(self.path):
                return connect(self.path)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        """One that failed is closed instead."""
        if self._closed or len(self._idle) >= KEPT_READERS:
            connection.close()
        else:
            self._idle.append(connection)


@contextmanager
def locked(path: Path) -> Iterator[IO[str]]:
    """Hold a folder for this process alone: two writers would each believe in a head of their own."""
    with path.open("a+", encoding="utf-8") as file:
        lock(file, path)
        yield file


def lock(file: IO[str], path: Path) -> None:
    """Take the lock or raise ``PreconditionError``; it goes with the file's closing, also when the process is killed."""
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise PreconditionError(f"{path.parent} is in use by another process (lock {path.name})") from None
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()}\n")
    file.flush()
