"""Many writers move money at once, readers add up: no reader that commits ever sees another total, and the journal proves it all."""

import os
import threading
from decimal import Decimal
from random import Random

import pytest

from counterfoil.adapters.system import system_clock
from counterfoil.errors import OccConflictError
from tests.ledgers import KINDS, ledger_on
from tests.streamed_ledgers import audited

ACCOUNTS = 8
OPENING = Decimal("100.00")
WRITERS = 6
TRANSFERS = 400 if os.environ.get("COUNTERFOIL_PROVE") else 40

ONE = "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = ?"
SET = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?"
TOTAL = "SELECT VALUE a.balance FROM Accounts AS a"
SUM = "SELECT SUM(a.balance) AS total FROM Accounts AS a"


def move(tx, payer, payee, amount):
    (has,) = tx.execute(ONE, payer)
    (gets,) = tx.execute(ONE, payee)
    if has >= amount:
        list(tx.execute(SET, has - amount, payer))
        list(tx.execute(SET, gets + amount, payee))


class Bank:
    def __init__(self, ledger):
        self.ledger = ledger
        self.totals = []
        self.problems = []
        self.done = threading.Event()
        for text in ("CREATE TABLE Accounts", "CREATE INDEX ON Accounts (accountId)"):
            ledger.execute_statement(text)
        accounts = [{"accountId": str(number), "balance": OPENING} for number in range(ACCOUNTS)]
        ledger.execute_statement("INSERT INTO Accounts ?", accounts)

    def write(self, seed):
        chance = Random(seed)
        for _ in range(TRANSFERS):
            payer, payee = map(str, chance.sample(range(ACCOUNTS), 2))
            amount = Decimal(chance.randint(1, 5_000)).scaleb(-2)
            self.ledger.execute(lambda tx, order=(payer, payee, amount): move(tx, *order), retries=10_000)

    def read(self, text):
        while not self.done.is_set():
            try:
                found = self.ledger.execute(lambda tx: list(tx.execute(text)), retries=0)
            except OccConflictError:
                continue
            self.totals.append(found[0]["total"] if text == SUM else sum(found))

    def run(self):
        readers = [threading.Thread(target=self.guarded, args=(self.read, text)) for text in (TOTAL, SUM)]
        writers = [threading.Thread(target=self.guarded, args=(self.write, seed)) for seed in range(WRITERS)]
        for each in (*readers, *writers):
            each.start()
        for each in writers:
            each.join()
        self.done.set()
        for each in readers:
            each.join()

    def guarded(self, work, argument):
        try:
            work(argument)
        except Exception as error:
            self.problems.append(error)
            raise


@pytest.mark.parametrize("kind", KINDS)
def test_the_total_never_changes(kind, tmp_path):
    with ledger_on(kind, tmp_path, system_clock) as ledger:
        bank = Bank(ledger)
        bank.run()
        bank.totals.append(sum(ledger.execute_statement(TOTAL)))
        assert bank.problems == []
        assert set(bank.totals) == {ACCOUNTS * OPENING}
        findings, digests = audited(ledger)
        assert digests == [ledger.digest()]
        assert {each.severity.name for each in findings} <= {"INFO", "LOW"}
