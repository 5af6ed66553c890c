"""One small SQLite file, ``registry.db``, for what a service keeps beside its ledgers.

One connection under a lock: the control plane is called seldom, and every call is a few rows. A call that returned is durable
(``synchronous = FULL``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final

from counterfoil.errors import InputError, UnavailableError

FILE_NAME: Final = "registry.db"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS ledger (
    name TEXT PRIMARY KEY, ledger_id TEXT NOT NULL, created_ms INTEGER NOT NULL, state TEXT NOT NULL,
    permissions_mode TEXT NOT NULL, deletion_protection INTEGER NOT NULL, kms_key_arn TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tag (arn TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (arn, key)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS job (job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, document TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""


class RegistryFile:
    """The file is made where there is none; one that is no registry is an ``InputError``."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._path = path
        with self._translated():
            self._connection = sqlite3.connect(path, check_same_thread=False, autocommit=True)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise InputError(f"{path} is no registry of ledgers: {error}") from None

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock, self._translated():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing of what is done in the block."""
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UnavailableError(f"the registry {self._path}: {error}") from error
