"""A teller at QLDB's official driver, unmodified: moves money between accounts until all transfers are done, whatever happens.

::

    .tools/driver/bin/python teller.py LEDGER TELLER TRANSFERS ACCOUNTS SEED

What is behind an error is not known: the transfer may have been committed or not. So each has an id of its own, its transaction first
asks whether that id is there, and it is tried until it is. Prints ``{"transfers": 10, "conflicts": 3, "failures": 1}`` in the end.
"""

import json
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from random import Random

from pyqldb.config.retry_config import RetryConfig
from pyqldb.driver.qldb_driver import QldbDriver
from pyqldb.errors import is_occ_conflict_exception

KNOWN = "SELECT VALUE t.transactionId FROM Transactions AS t WHERE t.transactionId = ?"
BALANCE = "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = ?"
SET = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?"
CONFLICTS_AT_ONCE = 100
LONGEST_WAIT_MS = 250
PATIENCE_SECONDS = 90


def transfer(txn, transfer_id, payer, payee, amount):
    """Whether it was done now; not when it was before."""
    if list(txn.execute_statement(KNOWN, transfer_id)):
        return False
    (left,) = txn.execute_statement(BALANCE, payer)
    (held,) = txn.execute_statement(BALANCE, payee)
    moved = min(amount, left)
    txn.execute_statement(SET, left - moved, payer)
    txn.execute_statement(SET, held + moved, payee)
    txn.execute_statement("INSERT INTO Transactions ?", document_of(transfer_id, payer, payee, moved))
    return True


def document_of(transfer_id, payer, payee, amount):
    return {
        "transactionId": transfer_id,
        "fromAccountId": payer,
        "toAccountId": payee,
        "amount": amount,
        "currency": "USD",
        "transactionType": "TRANSFER",
        "timestamp": datetime.now(UTC),
        "description": "At the counter",
        "status": "COMPLETED",
    }


def main(ledger, teller, transfers, accounts, seed):
    chance, counts = Random(f"{seed} {teller}"), {"transfers": 0, "conflicts": 0, "failures": 0}

    def wait_ms(attempt, error, _transaction_id):
        counts["conflicts" if is_occ_conflict_exception(error) else "failures"] += 1
        return chance.randrange(1 + min(5 << attempt, LONGEST_WAIT_MS))

    retrying = RetryConfig(retry_limit=CONFLICTS_AT_ONCE, custom_backoff=wait_ms)
    with QldbDriver(ledger, max_concurrent_transactions=1) as driver:
        for number in range(transfers):
            payer, payee = chance.sample([f"ACC-{each:03}" for each in range(accounts)], 2)
            order = (f"{teller}-{number}", payer, payee, Decimal(chance.randrange(1, 5000)) / 100)
            counts["failures"] += until_done(partial(driver.execute_lambda, partial(carry_out, order), retrying))
            counts["transfers"] += 1
    sys.stdout.write(json.dumps(counts) + "\n")


def carry_out(order, txn):
    return transfer(txn, *order)


def until_done(attempt):
    """How often it failed before."""
    give_up, failures = time.monotonic() + PATIENCE_SECONDS, 0
    while True:
        try:
            attempt()
        except Exception:
            if time.monotonic() > give_up:
                raise
            failures += 1
            time.sleep(0.1)
        else:
            return failures


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
