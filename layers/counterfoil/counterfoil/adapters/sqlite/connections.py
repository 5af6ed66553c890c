"""Connections to a ledger's file, and what SQLite's errors mean."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from typing import IO, Final

from counterfoil.errors import IntegrityError, PreconditionError, UnavailableError

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
    """SQLite's errors by who acts on them: a damaged file is an ``IntegrityError``, all else may be tried again."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if any(word in str(error) for word in _DAMAGED):
            raise IntegrityError(
                f"{path} is damaged ({error}); restore it from a copy, nothing was repaired"
            ) from error
        raise UnavailableError(f"{path}: {error}") from error


def connect(path: Path, *, writer: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode; a reader cannot write."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
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
    return connection


class Readers:
    """A pool of reading connections, each used by one thread at a time and only for moments."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._closed = False

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except Empty:
            with translated(self.path):
                connection = connect(self.path)
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        else:
            if self._closed or self._idle.qsize() >= KEPT_READERS:
                connection.close()
            else:
                self._idle.put(connection)

    def close(self) -> None:
        self._closed = True
        while not self._idle.empty():
            self._idle.get_nowait().close()


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
