"""Registered ledgers and their tags in the registry's file. Times are kept in milliseconds since 1970."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.adapters.sqlite.registry_file import RegistryFile
from counterfoil.errors import ConflictError, LimitError
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.ledger.times import milliseconds_of, moment_of
from counterfoil.ports import LedgerRegistry


@dataclass(frozen=True, slots=True)
class SqliteLedgerRegistry(LedgerRegistry):
    file: RegistryFile

    def ledger(self, name: str) -> RegisteredLedger | None:
        found = self.file.rows("SELECT * FROM ledger WHERE name = ?", name)
        return _ledger_of(found[0]) if found else None

    def ledgers(self, after: str, count: int) -> Sequence[RegisteredLedger]:
        rows = self.file.rows("SELECT * FROM ledger WHERE name > ? ORDER BY name LIMIT ?", after, count)
        return [_ledger_of(row) for row in rows]

    def save(self, old: RegisteredLedger | None, new: RegisteredLedger | None) -> None:
        one = old or new
        assert one is not None
        with self.file.transaction() as transaction:
            found = transaction.execute("SELECT * FROM ledger WHERE name = ?", (one.name,)).fetchone()
            if found != (None if old is None else _row_of(old)):
                raise ConflictError(f"ledger {one.name} is not what it was")
            if new is None:
                transaction.execute("DELETE FROM ledger WHERE name = ?", (one.name,))
            else:
                transaction.execute("INSERT OR REPLACE INTO ledger VALUES (?,?,?,?,?,?,?)", _row_of(new))

    def tags(self, arn: str) -> Mapping[str, str]:
        return dict(self.file.rows("SELECT key, value FROM tag WHERE arn = ? ORDER BY key", arn))

    def tag(self, arn: str, tags: Mapping[str, str], at_most: int) -> None:
        with self.file.transaction() as transaction:
            rows = [(arn, key, value) for key, value in tags.items()]
            transaction.executemany("INSERT OR REPLACE INTO tag VALUES (?,?,?)", rows)
            (count,) = transaction.execute("SELECT COUNT(*) FROM tag WHERE arn = ?", (arn,)).fetchone()
            if count > at_most:
                raise LimitError(f"{count} tags on {arn}; at most {at_most} are allowed")

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        with self.file.transaction() as transaction:
            transaction.executemany("DELETE FROM tag WHERE arn = ? AND key = ?", [(arn, key) for key in keys])

    def forget_tags(self, arn: str) -> None:
        with self.file.transaction() as transaction:  # "0" follows "/" in ASCII
            transaction.execute("DELETE FROM tag WHERE arn = ? OR (arn > ? AND arn < ?)", (arn, f"{arn}/", f"{arn}0"))


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
