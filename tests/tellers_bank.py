"""A bank on a deployed ledger, and tellers with the official driver who move its money side by side, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from counterfoil.journal import BlockAddress
from lab.demo.deployed_bank import Bucket
from lab.ledger_client import driver_environment
from tests.deployed_ledger import committed, created, variables
from tests.served import DRIVER_PYTHON

TELLER = Path(__file__).parent / "end_to_end/driver/teller.py"
LEDGER = "bank"
OPENED_WITH = 1000.5
SCHEMA = (
    "CREATE TABLE Accounts",
    "CREATE TABLE Transactions",
    "CREATE TABLE AccountFreezes",
    "CREATE INDEX ON Accounts (accountId)",
    "CREATE INDEX ON Transactions (transactionId)",
    "CREATE INDEX ON AccountFreezes (accountId)",
)
# Far beyond what it takes on two busy cores.
PATIENCE = 400


class TellersBank:
    """Accounts ``ACC-000`` and so on, opened with ``OPENED_WITH`` each; its journal streams into the stack's own stream."""

    def __init__(self, stack, ledger, accounts, folder):
        self.stack, self.ledger, self.accounts, self.folder = stack, ledger, accounts, folder
        self.stream_arn = ledger.stream_to(stack.outputs["JournalStreamArn"])[1]
        for text in SCHEMA:
            committed(stack, LEDGER, [text])
        committed(stack, LEDGER, ["INSERT INTO Accounts ?", [account_document(each) for each in range(accounts)]])

    @classmethod
    @contextmanager
    def open(cls, stack, accounts, folder):
        with created(stack, LEDGER) as ledger:
            yield cls(stack, ledger, accounts, folder)

    @property
    def money(self):
        return self.accounts * Decimal(str(OPENED_WITH))

    def at_work(self, tellers, transfers, seed):
        """Processes that move money from now on."""
        command = [DRIVER_PYTHON, TELLER, LEDGER]
        orders = [f"{transfers}", f"{self.accounts}", f"{seed}"]
        environment = driver_environment(self.folder, variables(self.stack))
        return [
            subprocess.Popen(
                [*command, f"TELLER-{number}", *orders],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(tellers)
        ]

    def pay(self, transfer_id, payer, payee, amount, *, credited=None):
        """One transfer at the counter; who cheats credits something else than the amount."""
        document = {"transactionId": transfer_id, "fromAccountId": payer, "toAccountId": payee, "amount": amount}
        more = {
            "currency": "USD",
            "transactionType": "TRANSFER",
            "timestamp": "2025-01-01T09:00:00Z",
            "status": "COMPLETED",
        }
        committed(
            self.stack,
            LEDGER,
            ["UPDATE Accounts AS a SET a.balance = a.balance - ? WHERE a.accountId = ?", amount, payer],
            ["UPDATE Accounts AS a SET a.balance = a.balance + ? WHERE a.accountId = ?", credited or amount, payee],
            ["INSERT INTO Transactions ?", document | more],
        )

    def blocks(self):
        """The whole journal, as the ledger exports it."""
        bucket = Bucket(self.stack.client("s3"), self.stack.outputs["ExportsBucketName"])
        self.ledger.export_to(bucket.name)
        return bucket.blocks()


def account_document(number, balance=OPENED_WITH):
    return {
        "accountId": f"ACC-{number:03}",
        "accountNumber": f"{number:010}",
        "accountType": "CHECKING",
        "balance": balance,
        "currency": "USD",
        "customerId": f"CUST-{number:03}",
        "createdAt": "2025-01-01T00:00:00Z",
        "status": "ACTIVE",
    }


def done(processes):
    """What each teller says in the end: transfers, conflicts, failures; all together."""
    counts = Counter()
    for each in processes:
        output, errors = each.communicate(timeout=PATIENCE)
        assert each.returncode == 0, errors[-3_000:]
        counts.update(json.loads(output))
    return counts


def revisions(blocks, field):
    """Data of the revisions that have a field, in the journal's order."""
    return [each for block in blocks for each in block["revisions"] if field in each.get("data", {})]


def transfer_ids(blocks):
    return [each["data"]["transactionId"] for each in revisions(blocks, "transactionId")]


def balances_behind_each(blocks):
    """Balances by account, behind each block that changed one."""
    balances = {}
    for block in blocks:
        changed = {each["data"]["accountId"]: each["data"]["balance"] for each in revisions([block], "balance")}
        balances |= changed
        if changed:
            yield dict(balances)


def address_of(block):
    return BlockAddress(block["blockAddress"]["strandId"], block["blockAddress"]["sequenceNo"])
