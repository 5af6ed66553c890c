"""Registered ledgers and their tags in one small SQLite file, ``registry.db``.

One connection under a lock: the control plane is called seldom, and every call is a few rows. A call that returned is
durable (``synchronous = FULL``). Times are kept in milliseconds since 1970.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final

from counterfoil.errors import ConflictError, InputError, LimitError, UnavailableError
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.ledger.times import milliseconds_of, moment_of
from counterfoil.ports import LedgerRegistry

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS ledger (
    name TEXT PRIMARY KEY, ledger_id TEXT NOT NULL, created_ms INTEGER NOT NULL, state TEXT NOT NULL,
    permissions_mode TEXT NOT NULL, deletion_protection INTEGER NOT NULL, kms_key_arn TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tag (arn TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (arn, key)) STRICT, WITHOUT ROWID;
"""


class SqliteLedgerRegistry(LedgerRegistry):
    """The file is made where there is none; one that is no registry is an ``InputError``."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._path = path
        with _translated(path):
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

    def ledger(self, name: str) -> RegisteredLedger | None:
        found = self._rows("SELECT * FROM ledger WHERE name = ?", name)
        return _ledger_of(found[0]) if found else None

    def ledgers(self, after: str, count: int) -> Sequence[RegisteredLedger]:
        rows = self._rows("SELECT * FROM ledger WHERE name > ? ORDER BY name LIMIT ?", after, count)
        return [_ledger_of(row) for row in rows]

    def save(self, old: RegisteredLedger | None, new: RegisteredLedger | None) -> None:
        one = old or new
        assert one is not None
        with self._transaction() as transaction:
            found = transaction.execute("SELECT * FROM ledger WHERE name = ?", (one.name,)).fetchone()
            if found != (None if old is None else _row_of(old)):
                raise ConflictError(f"ledger {one.name} is not what it was")
            if new is None:
                transaction.execute("DELETE FROM ledger WHERE name = ?", (one.name,))
            else:
                transaction.execute("INSERT OR REPLACE INTO ledger VALUES (?,?,?,?,?,?,?)", _row_of(new))

    def tags(self, arn: str) -> Mapping[str, str]:
        return dict(self._rows("SELECT key, value FROM tag WHERE arn = ? ORDER BY key", arn))

    def tag(self, arn: str, tags: Mapping[str, str], at_most: int) -> None:
        with self._transaction() as transaction:
            rows = [(arn, key, value) for key, value in tags.items()]
            transaction.executemany("INSERT OR REPLACE INTO tag VALUES (?,?,?)", rows)
            (count,) = transaction.execute("SELECT COUNT(*) FROM tag WHERE arn = ?", (arn,)).fetchone()
            if count > at_most:
                raise LimitError(f"{count} tags on {arn}; at most {at_most} are allowed")

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        with self._transaction() as transaction:
            transaction.executemany("DELETE FROM tag WHERE arn = ? AND key = ?", [(arn, key) for key in keys])

    def forget_tags(self, arn: str) -> None:
        with self._transaction() as transaction:  # "0" follows "/" in ASCII
            transaction.execute("DELETE FROM tag WHERE arn = ? OR (arn > ? AND arn < ?)", (arn, f"{arn}/", f"{arn}0"))

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock, _translated(self._path):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise UnavailableError(f"the registry {path}: {error}") from error


def _row_of(ledger: RegisteredLedger) -> tuple[Any, ...]:
    return (
        ledger.name,
        ledger.ledger_id,
        milliseconds_of(ledger.created_at),
        ledger.state.value,
        ledger.permissions_mode.value,
        int(ledger.deletion_protection),
        ledger.kms_key_arn,
    )


def _ledger_of(row: tuple[Any, ...]) -> RegisteredLedger:
    name, ledger_id, created_ms, state, mode, protected, kms_key_arn = row
    created_at = moment_of(created_ms)
    return RegisteredLedger(
        name, ledger_id, created_at, LedgerState(state), PermissionsMode(mode), bool(protected), kms_key_arn
    )
