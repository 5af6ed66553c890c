"""Carries out orders through QLDB's official Python driver, unmodified: for the driver's own environment, needs ``pyqldb`` alone.

::

    .tools/driver/bin/python lab/bank/driver_client.py LEDGER SESSIONS < orders > answers

The endpoint is what the environment names. An order is a line of JSON, ``{"order": 7, "session": 0, "requests": [[text,
[parameters]], …]}``: one transaction. Orders of one session are carried out one after the other, sessions beside each other.
The answer is a line too: ``{"order": 7, "transaction": id, "conflicts": 1, "at": seconds}``, the time when the driver had the
commit's answer, or ``{"order": 7, "error": text}``. Ends when there are no more orders.

Parameters are JSON; what JSON does not have is a struct with one field: ``{"$decimal": "3.10"}``, ``{"$timestamp": "2025-…"}``,
``{"$balance": [account, change]}`` (the balance that the first statement found, and the change), ``{"$found": [statement, field]}``
(a field of the one row that an earlier statement of the transaction found).
"""

import json
import sys
import time
import traceback
from datetime import datetime
from decimal import Decimal
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from botocore.exceptions import ClientError
from pyqldb.config.retry_config import RetryConfig
from pyqldb.driver.qldb_driver import QldbDriver
from pyqldb.errors import is_occ_conflict_exception, is_transaction_expired_exception

# Many clerks at few accounts meet more often than applications do, for which the driver retries four times.
RETRIES = 30
LONGEST_WAIT_MS = 200
# An expired transaction left nothing, and the driver leaves it to its user to begin another.
EXPIRIES = 3

_WRITING = Lock()


class Clerk(Thread):
    """One session: takes orders one by one until it gets ``None``."""

    def __init__(self, driver: Any) -> None:
        super().__init__(daemon=True)
        self.orders: SimpleQueue[Any] = SimpleQueue()
        self._driver = driver
        self._conflicts = 0
        self._retrying = RetryConfig(retry_limit=RETRIES, custom_backoff=self._wait_ms)

    def run(self) -> None:
        while (order := self.orders.get()) is not None:
            try:
                answer = self._carry_out(order["requests"])
            except Exception:  # noqa: BLE001 - whoever gave the order is told
                answer = {"error": traceback.format_exc()}
            say({"order": order["order"], **answer})

    def _carry_out(self, requests: Any) -> dict[str, Any]:
        self._conflicts = 0
        expired = 0
        while True:
            try:
                transaction_id = self._driver.execute_lambda(lambda txn: execute(txn, requests), self._retrying)
            except ClientError as error:
                expired += 1
                if expired > EXPIRIES or not is_transaction_expired_exception(error):
                    raise
            else:
                return {"transaction": transaction_id, "conflicts": self._conflicts, "at": time.time()}

    def _wait_ms(self, attempt: int, error: Exception, _transaction_id: str) -> int:
        self._conflicts += is_occ_conflict_exception(error)
        return min(5 << attempt, LONGEST_WAIT_MS)


def execute(txn: Any, requests: Any) -> str:
    """All statements of a transaction; its id."""
    results: list[Any] = []
    for text, parameters in requests:
        results.append(list(txn.execute_statement(text, *(value_of(each, results) for each in parameters))))
    transaction_id: str = txn.transaction_id
    return transaction_id


def value_of(parameter: Any, results: list[Any]) -> Any:
    """A parameter as the driver takes it; ``results`` are the rows of the statements before."""
    if isinstance(parameter, list):
        return [value_of(each, results) for each in parameter]
    if not isinstance(parameter, dict):
        return parameter
    match list(parameter.items()):
        case [("$decimal", text)]:
            return Decimal(text)
        case [("$timestamp", text)]:
            return datetime.fromisoformat(text)
        case [("$balance", (account_id, change))]:
            return balance_of(account_id, results) + Decimal(change)
        case [("$found", (statement, name))]:
            (row,) = results[statement]
            return row[name]
    return {name: value_of(each, results) for name, each in parameter.items()}


def balance_of(account_id: str, results: list[Any]) -> Any:
    """As the transaction's first statement found it."""
    (found,) = (row["balance"] for row in results[0] if row["accountId"] == account_id)
    return found


def say(answer: dict[str, Any]) -> None:
    with _WRITING:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def main(ledger_name: str, sessions: int) -> None:
    with QldbDriver(ledger_name, max_concurrent_transactions=sessions) as driver:
        clerks = [Clerk(driver) for _ in range(sessions)]
        for clerk in clerks:
            clerk.start()
        for line in sys.stdin:
            order = json.loads(line)
            clerks[order["session"]].orders.put(order)
        for clerk in clerks:
            clerk.orders.put(None)
        for clerk in clerks:
            clerk.join()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
