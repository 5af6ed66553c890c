"""The reference scenario's transactions, for the driver's own environment (.tools/driver): ``scenario.py LEDGER STEP``.

Prints what the step found as one JSON document; decimals, times and ids as texts.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

from botocore.exceptions import ClientError
from pyqldb.config.retry_config import RetryConfig
from pyqldb.driver.qldb_driver import QldbDriver
from pyqldb.errors import is_occ_conflict_exception

SCHEMA = [
    "CREATE TABLE Accounts",
    "CREATE TABLE Transactions",
    "CREATE TABLE AuditLog",
    "CREATE INDEX ON Accounts (accountId)",
    "CREATE INDEX ON Transactions (transactionId)",
    "CREATE INDEX ON Transactions (fromAccountId)",
    "CREATE INDEX ON Transactions (toAccountId)",
    'CREATE INDEX ON AuditLog ("timestamp")',
]
OPENED = datetime.fromisoformat("2024-01-01T00:00:00+00:00")
ACCOUNTS = [
    ["ACC-001", "1234567890", "CHECKING", Decimal("10000.00"), "USD", "CUST-001", OPENED, "ACTIVE"],
    ["ACC-002", "0987654321", "SAVINGS", Decimal("25000.00"), "USD", "CUST-002", OPENED, "ACTIVE"],
]
ACCOUNT = ["accountId", "accountNumber", "accountType", "balance", "currency", "customerId", "createdAt", "status"]
TRANSFERS = [
    ["TXN-001", "ACC-001", "ACC-002", Decimal("500.00"), "2024-01-15T10:30:00+00:00", "Monthly transfer"],
    ["TXN-002", "ACC-002", "ACC-001", Decimal("1000.00"), "2024-01-20T14:15:00+00:00", "Loan payment"],
]
BALANCE = "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = ?"
BALANCES = "SELECT h.metadata.version, h.data.balance, h.metadata.txTime FROM history(Accounts) AS h WHERE h.data.accountId = ?"
VERSIONS = (
    "SELECT h.metadata.version, h.metadata.txTime, h.metadata.txId FROM history(Transactions) AS h "
    "WHERE h.data.transactionId = ?"
)
CHANGE = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?"


def transfer_document(transaction_id, payer, payee, amount, at, description):
    return {
        "transactionId": transaction_id,
        "fromAccountId": payer,
        "toAccountId": payee,
        "amount": amount,
        "currency": "USD",
        "transactionType": "TRANSFER",
        "timestamp": datetime.fromisoformat(at),
        "description": description,
        "status": "COMPLETED",
    }


def in_turn(driver, *statements):
    """Rows of statements, each with its parameters, in one transaction."""
    return driver.execute_lambda(lambda txn: [list(txn.execute_statement(text, *given)) for text, *given in statements])


def schema(driver):
    for text in SCHEMA:
        in_turn(driver, [text])
    (tables,) = in_turn(driver, ["SELECT name, status, indexes FROM information_schema.user_tables"])
    return {each["name"]: len(each["indexes"]) for each in tables}


def load(driver):
    accounts = [dict(zip(ACCOUNT, each, strict=True)) for each in ACCOUNTS]
    transfers = [transfer_document(*each) for each in TRANSFERS]
    opened = {"event": "opened", "accounts": ["ACC-001", "ACC-002"], "timestamp": OPENED}
    rows = in_turn(
        driver,
        ["INSERT INTO Accounts ?", accounts],
        ["INSERT INTO Transactions ?", transfers],
        ["INSERT INTO AuditLog ?", opened],
    )
    return [len(each) for each in rows]


def note(driver):
    """Something is written."""
    event = {"event": "digest kept", "timestamp": datetime.fromisoformat("2024-01-24T00:00:00+00:00")}
    return [len(each) for each in in_turn(driver, ["INSERT INTO AuditLog ?", event])]


def find(driver):
    """Where TXN-001 was committed."""
    text = "SELECT t.blockAddress, t.metadata.id FROM _ql_committed_Transactions AS t WHERE t.data.transactionId = ?"
    (((row,),)) = in_turn(driver, [text, "TXN-001"])
    return {
        "strandId": row["blockAddress"]["strandId"],
        "sequenceNo": row["blockAddress"]["sequenceNo"],
        "id": row["id"],
    }


def transfer(txn, payer, payee, amount, document=None):
    """All or nothing: an account that has too little leaves nothing of what was done before."""
    (left,) = txn.execute_statement(BALANCE, payer)
    (held,) = txn.execute_statement(BALANCE, payee)
    txn.execute_statement(CHANGE, held + amount, payee)
    if left < amount:
        raise ValueError(f"{payer} has no {amount}")
    txn.execute_statement(CHANGE, left - amount, payer)
    if document:
        txn.execute_statement("INSERT INTO Transactions ?", document)


def move(driver):
    """The atomic transfer; one that must leave nothing; and many at once."""
    document = transfer_document(
        "TXN-003", "ACC-001", "ACC-002", Decimal("500.00"), "2024-01-25T10:00:00+00:00", "Atomic transfer"
    )
    driver.execute_lambda(lambda txn: transfer(txn, "ACC-001", "ACC-002", Decimal("500.00"), document))
    after = balances(driver)
    try:
        driver.execute_lambda(lambda txn: transfer(txn, "ACC-001", "ACC-002", Decimal("1000000.00")))
        refused = ""
    except ValueError as error:
        refused = str(error)
    return {"after": after, "refused": refused, "afterRefusal": balances(driver), "conflicts": many(driver)}


def skew(driver):
    """One writes down the sum of what it read, while another moves money in between: it has not read any one state."""
    before = balances(driver)

    def read_both_and_let_another_write(txn):
        (held,) = txn.execute_statement(BALANCE, "ACC-001")
        (other,) = txn.execute_statement(BALANCE, "ACC-002")
        driver.execute_lambda(lambda inner: transfer(inner, "ACC-002", "ACC-001", Decimal("1.00")))
        txn.execute_statement("INSERT INTO AuditLog ?", {"event": "sum", "total": held + other})

    try:
        driver.execute_lambda(read_both_and_let_another_write, RetryConfig(retry_limit=0))
        refused = ""
    except ClientError as error:
        refused = error.response["Error"]["Code"]
    (sums,) = in_turn(driver, ["SELECT a.total FROM AuditLog AS a WHERE a.event = 'sum'"])
    return {"refused": refused, "sums": len(sums), "before": before, "after": balances(driver)}


def many(driver):
    """Tellers move money in both directions; how many conflicts were met."""
    conflicts = []

    def wait_ms(attempt, error, _transaction_id):
        if is_occ_conflict_exception(error):
            conflicts.append(attempt)
        return 10 * attempt

    retrying = RetryConfig(retry_limit=100, custom_backoff=wait_ms)

    def teller(number):
        payer, payee = ("ACC-001", "ACC-002") if number % 2 else ("ACC-002", "ACC-001")
        for _ in range(3):
            driver.execute_lambda(lambda txn: transfer(txn, payer, payee, Decimal("10.00")), retrying)

    with ThreadPoolExecutor(4) as tellers:
        list(tellers.map(teller, range(4)))
    return len(conflicts)


def balances(driver):
    (rows,) = in_turn(driver, ["SELECT a.accountId, a.balance FROM Accounts AS a"])
    return {each["accountId"]: each["balance"] for each in rows}


def audit(driver):
    start, end = (
        datetime.fromisoformat("2024-01-15T00:00:00+00:00"),
        datetime.fromisoformat("2024-01-16T00:00:00+00:00"),
    )
    of_account, in_range, history, of_transfer = in_turn(
        driver,
        [
            "SELECT t.transactionId FROM Transactions AS t WHERE t.fromAccountId = ? OR t.toAccountId = ?",
            "ACC-001",
            "ACC-001",
        ],
        ['SELECT t.transactionId FROM Transactions AS t WHERE t."timestamp" BETWEEN ? AND ?', start, end],
        [
            BALANCES,
            "ACC-001",
        ],
        [
            VERSIONS,
            "TXN-001",
        ],
    )
    return {
        "ofAccount": sorted(each["transactionId"] for each in of_account),
        "inRange": [each["transactionId"] for each in in_range],
        "balances": [[each["version"], each["balance"]] for each in sorted(history, key=lambda each: each["version"])],
        "times": [str(each["txTime"]) for each in history],
        "ofTransfer": [[each["version"], str(each["txTime"]), each["txId"]] for each in of_transfer],
    }


STEPS = {step.__name__: step for step in (schema, load, note, find, move, skew, audit, balances)}


def main(ledger, step):
    with QldbDriver(ledger) as driver:
        sys.stdout.write(json.dumps(STEPS[step](driver), default=str) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
