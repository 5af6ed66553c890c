"""The journal that the benchmarks run on: transfers as the reference scenario has them, every document and time another."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from typing import NamedTuple

from counterfoil.ion import dump_binary
from counterfoil.journal.builder import BuiltBlock, Change, JournalBuilder, Statement, Transaction, ion_time

STREAM_ARN = "arn:aws:qldb:us-east-1:123456789012:stream/financial-ledger/IiPT4brpZCqCq3f4MTHbYy"
STRAND = "JdxjkR9bSYB5jMHWcI464T"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

# Size of the reference revision: a transfer document in a committed revision, binary Ion with its symbol table.
REFERENCE_BYTES = 413

UPDATE = "UPDATE Accounts SET balance = ? WHERE accountId = ?"
INSERT = "INSERT INTO Transactions ?"
OPEN = "INSERT INTO Accounts ?"
ACCOUNTS = 500
OPENED_AT_ONCE = 40  # QLDB's limit of documents in a transaction
OPENING_CENTS = 500_000_00
PACE = timedelta(milliseconds=40)


class Circle(NamedTuple):
    """An account pays ``size`` others again and again, and somebody else in this part of its payments."""

    size: int
    strangers: float


def transfers(
    count: int, seed: int = 7, accounts: int = ACCOUNTS, pace: timedelta = PACE, circle: Circle | None = None
) -> Iterator[BuiltBlock]:
    """Blocks of one transfer each: two balances updated, one transaction inserted. Before them the accounts are opened.

    Amounts are ordinary, and the money adds up. ``pace`` is the time between two transfers. Who pays whom is random, within a
    ``circle`` where there is one.
    """
    bank, builder = _Bank(random.Random(seed), pace), JournalBuilder(STRAND)
    for some in batched(range(accounts), OPENED_AT_ONCE, strict=False):
        yield builder.append(bank.opening(some))
    for number in range(count):
        payer, payee = bank.chance.sample(range(accounts), 2)
        if circle is not None and bank.chance.random() >= circle.strangers:
            payee = (payer + bank.chance.randint(1, circle.size)) % accounts
        yield builder.append(bank.transfer(payer, payee, number))


def reference_revision(block: BuiltBlock) -> bytes:
    """The transfer's revision as binary Ion, as QLDB's committed view gives it: the reference size give or take two bytes."""
    return dump_binary(block.revisions[-1])


class _Bank:
    """Balances (in cents) and versions of accounts, and the chance that decides who pays whom."""

    def __init__(self, chance: random.Random, pace: timedelta) -> None:
        self.chance = chance
        self._pace = pace
        self.balances: dict[int, int] = {}
        self._versions: dict[int, int] = {}

    def opening(self, accounts: Sequence[int]) -> Transaction:
        for account in accounts:
            self.balances[account], self._versions[account] = OPENING_CENTS, 0
        statements = tuple(Statement(OPEN, (account,)) for account in accounts)
        changes = tuple(self._account(account, index) for index, account in enumerate(accounts))
        return Transaction(self._id(), START, START, statements, changes)

    def transfer(self, payer: int, payee: int, number: int) -> Transaction:
        moment, cents = START + number * self._pace, self.chance.randrange(40_000, 99_999)
        for account, change in ((payer, -cents), (payee, cents)):
            self.balances[account] += change
            self._versions[account] += 1
        document = {
            "transactionId": f"TXN-{number:028d}-{self._id()}",
            "fromAccountId": f"ACC-{payer:06}",
            "toAccountId": f"ACC-{payee:06}",
            "amount": Decimal(cents).scaleb(-2),
            "currency": "USD",
            "timestamp": ion_time(moment),
            "status": "COMPLETED",
        }
        inserted = Change(self._id(), 0, "Transactions", "Kwo6oxtGUd14vHUepm7OvP", document, (2,))
        statements = (Statement(UPDATE, (1, 2)), Statement(UPDATE, (1, 2)), Statement(INSERT, (document,)))
        changes = (self._account(payer, 0), self._account(payee, 1), inserted)
        return Transaction(self._id(), moment, moment + timedelta(milliseconds=9), statements, changes)

    def _account(self, account: int, statement: int) -> Change:
        document = {
            "accountId": f"ACC-{account:06}",
            "balance": Decimal(self.balances[account]).scaleb(-2),
            "currency": "USD",
            "customerId": f"CUST-{account:06}",
            "status": "ACTIVE",
        }
        document_id = f"acc{account:019d}"
        return Change(
            document_id, self._versions[account], "Accounts", "BFJKdXgzt9oF4wjMbuxy4G", document, (statement,)
        )

    def _id(self) -> str:
        return "".join(self.chance.choices(string.ascii_letters + string.digits, k=22))
