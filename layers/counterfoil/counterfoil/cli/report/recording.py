"""A report's hash noted in a ledger, so that nobody can give out another report of the same period as the first one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from counterfoil.cli.places import Transaction, TransactionSource
from counterfoil.errors import OccConflictError

TABLE: Final = "AuditReports"

_MAX_ATTEMPTS: Final = 4


def record(ledger: TransactionSource, report: dict[str, Any], report_hash: str) -> str:
    """Note the hash once, however often it is asked; the document's id. The table is made where it is not there."""
    if not _has_table(ledger):
        _in_transaction(ledger, _create)
    return _in_transaction(ledger, lambda transaction: _note(transaction, report, report_hash))


def _has_table(ledger: TransactionSource) -> bool:
    def look(transaction: Transaction) -> str:
        found = transaction.execute(
            "SELECT VALUE t.name FROM information_schema.user_tables AS t WHERE t.status = 'ACTIVE'"
        )
        return TABLE if TABLE in list(found) else ""

    return bool(_in_transaction(ledger, look))


def _create(transaction: Transaction) -> str:
    list(transaction.execute("CREATE TABLE AuditReports"))
    list(transaction.execute("CREATE INDEX ON AuditReports (reportHash)"))
    return TABLE


def _note(transaction: Transaction, report: dict[str, Any], report_hash: str) -> str:
    known = list(
        transaction.execute("SELECT VALUE id FROM AuditReports AS r BY id WHERE r.reportHash = ?", (report_hash,))
    )
    if known:
        return str(known[0])
    document = {
        "reportHash": report_hash,
        "from": report["period"]["from"],
        "to": report["period"]["to"],
        "holds": report["holds"],
        "strands": [each["strandId"] for each in report["scope"]["strands"]],
    }
    inserted: list[Any] = list(transaction.execute("INSERT INTO AuditReports ?", (document,)))
    return str(inserted[0]["documentId"])


def _in_transaction(ledger: TransactionSource, work: Callable[[Transaction], str]) -> str:
    """A conflict is tried again a few times; any error leaves the transaction aborted."""
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        transaction = ledger.begin()
        try:
            answer = work(transaction)
            transaction.commit()
        except OccConflictError:
            if attempt == _MAX_ATTEMPTS:
                raise
        except Exception:
            transaction.abort()
            raise
        else:
            return answer
    raise AssertionError
