"""The journal that the benchmarks run on: transfers as the reference scenario has them, every document and time another."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from counterfoil.ion import dump_binary
from counterfoil.journal.builder import BuiltBlock, Change, JournalBuilder, Statement, Transaction, ion_time

STREAM_ARN = "arn:aws:qldb:us-east-1:123456789012:stream/financial-ledger/IiPT4brpZCqCq3f4MTHbYy"
STRAND = "JdxjkR9bSYB5jMHWcI464T"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

# Size of the reference revision: a transfer document in a committed revision, binary Ion with its symbol table.
REFERENCE_BYTES = 413

UPDATE = "UPDATE Accounts SET balance = ? WHERE accountId = ?"
INSERT = "INSERT INTO Transactions ?"


def transfers(count: int, seed: int = 7) -> Iterator[BuiltBlock]:
    """Blocks of one transfer each: two balances updated, one transaction inserted."""
    chance, builder = random.Random(seed), JournalBuilder(STRAND)
    versions: dict[int, int] = {}
    for number in range(count):
        payer, payee = chance.sample(range(3_000), 2)
        moment = START + timedelta(milliseconds=number * 40)
        for account in (payer, payee):
            versions[account] = versions.get(account, -1) + 1
        yield builder.append(_transfer(chance, moment, number, (payer, payee), versions))


def reference_revision(block: BuiltBlock) -> bytes:
    """The transfer's revision as binary Ion, as QLDB's committed view gives it: the reference size give or take two bytes."""
    return dump_binary(block.revisions[2])


def _transfer(
    chance: random.Random, moment: datetime, number: int, parties: tuple[int, int], versions: dict[int, int]
) -> Transaction:
    updates = tuple(
        Change(
            f"acc{account:019d}",
            versions[account],
            "Accounts",
            "BFJKdXgzt9oF4wjMbuxy4G",
            {
                "accountId": f"ACC-{account:06}",
                "balance": Decimal(chance.randrange(10**7)).scaleb(-2),
                "currency": "USD",
                "customerId": f"CUST-{account:06}",
                "status": "ACTIVE",
            },
            (side,),
        )
        for side, account in enumerate(parties)
    )
    document = {
        "transactionId": f"TXN-{number:028d}-{_id(chance)}",
        "fromAccountId": f"ACC-{parties[0]:06}",
        "toAccountId": f"ACC-{parties[1]:06}",
        "amount": Decimal(chance.randrange(40_000, 8_000_000)).scaleb(-2),
        "currency": "USD",
        "timestamp": ion_time(moment),
        "status": "COMPLETED",
    }
    inserted = Change(_id(chance), 0, "Transactions", "Kwo6oxtGUd14vHUepm7OvP", document, (2,))
    statements = (Statement(UPDATE, (1, 2)), Statement(UPDATE, (1, 2)), Statement(INSERT, (document,)))
    return Transaction(_id(chance), moment, moment + timedelta(milliseconds=9), statements, (*updates, inserted))


def _id(chance: random.Random) -> str:
    return "".join(chance.choices(string.ascii_letters + string.digits, k=22))
