"""A bank in DynamoDB, instances of its ledger that come and go, and its projector, which runs when it is told to."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import count

from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
from counterfoil.adapters.dynamodb.projector import Projector
from counterfoil.embedded import EmbeddedLedger, Transaction
from tests.dynamodb_ledgers import client, journal_of, make_place
from tests.faulty_dynamodb import Faulty
from tests.ledgers import Ids, ToldClock, rows, verified_blocks
from tests.streamed_ledgers import audited

# No two worlds of a process have ids in common, as they share a bucket.
WORLDS = count(1)
OPENING = Decimal("100.00")
BALANCE = "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = ?"
SET = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?"


def nothing(_name, _number):
    return None


def faulty(fault=nothing):
    return Faulty(client("dynamodb"), client("s3"), fault)


def transfer(tx, payer, payee, number):
    """One cent, with a note of it."""
    (has,), (gets,) = tx.execute(BALANCE, payer), tx.execute(BALANCE, payee)
    list(tx.execute(SET, has - Decimal("0.01"), payer))
    list(tx.execute(SET, gets + Decimal("0.01"), payee))
    list(tx.execute("INSERT INTO Transfers ?", {"number": number, "from": payer, "to": payee}))


class World:
    def __init__(self, accounts=4, clock=None):
        self.clock, self.ids = clock or ToldClock(step=timedelta(milliseconds=1)), Ids(f"world {next(WORLDS)}")
        self.place = make_place(self.ids())
        self.accounts = [str(number) for number in range(accounts)]
        self.open = []
        self._numbers = count(1)
        first = self.instance()
        for text in ("CREATE TABLE Accounts", "CREATE INDEX ON Accounts (accountId)", "CREATE TABLE Transfers"):
            rows(first, text)
        self.project()
        rows(first, "INSERT INTO Accounts ?", [{"accountId": each, "balance": OPENING} for each in self.accounts])

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for each in self.open:
            each.close()

    def instance(self, fault=nothing):
        """An instance that knows nothing yet."""
        return self.of(self.store(faulty(fault)))

    def store(self, clients=None):
        return DynamoDbLedger(journal_of(self.place, clients), self.place.projections, self.clock)

    def of(self, store):
        self.open.append(EmbeddedLedger("bank", store, self.clock, self.ids))
        return self.open[-1]

    def projector(self, fault=nothing, table=None):
        journal = journal_of(self.place, faulty(fault))
        return Projector(journal, table or self.place.projections, self.clock)

    def project(self):
        return self.projector().project()

    def number(self):
        """One that no other transfer has."""
        return next(self._numbers)

    def move(self, ledger, payer="0", payee="1"):
        """A transfer; its number."""
        number, tx = self.begun(ledger, payer, payee)
        tx.commit()
        return number

    def begun(self, ledger, payer="0", payee="1", number=None):
        """A transfer that is to be committed: its number and its transaction."""
        number, tx = number or self.number(), ledger.begin()
        try:
            transfer(Transaction(tx), payer, payee, number)
        except Exception:
            tx.abort()
            raise
        return number, tx

    def check(self, acknowledged=(), *, refused=()):
        """The journal holds, the money is all there, every transfer is whole, and those of which one knows are as one knows."""
        with self.instance() as ledger:
            noted = [each["number"] for each in rows(ledger, "SELECT * FROM Transfers")]
            assert len(noted) == len(set(noted))
            assert set(acknowledged) <= set(noted)
            assert not set(refused) & set(noted)
            expected = defaultdict(lambda: OPENING)
            for each in rows(ledger, "SELECT * FROM Transfers"):
                expected[each["from"]] -= Decimal("0.01")
                expected[each["to"]] += Decimal("0.01")
            found = {each["accountId"]: each["balance"] for each in rows(ledger, "SELECT * FROM Accounts")}
            assert found == {each: expected[each] for each in self.accounts}
            transactions = [each.transaction_id for each in verified_blocks(ledger)]
            assert len(transactions) == len(set(transactions))
            findings, digests = audited(ledger)
            assert digests == [ledger.digest()]
            assert {each.severity.name for each in findings} <= {"INFO", "LOW"}
        return sorted(noted)
