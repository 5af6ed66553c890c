"""A process that moves money in a ledger until it is killed, and says on standard output which transfers were acknowledged.

Run as ``python -m tests.ledger_load FOLDER SEED [WRITERS]``. The first line is ``ready``, each other one the number of an
acknowledged transfer.
"""

import sys
import threading
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random

import counterfoil
from counterfoil.errors import OccConflictError

ACCOUNTS = 12
OPENING = Decimal("1000.00")
BALANCES = "SELECT a.accountId, a.balance FROM Accounts AS a WHERE a.accountId IN (?, ?)"
SET = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?"
SAY = threading.Lock()


def prepare(ledger):
    if not list(ledger.user_tables()):
        for text in ("CREATE TABLE Accounts", "CREATE TABLE Transfers", "CREATE INDEX ON Accounts (accountId)"):
            ledger.execute(lambda tx, text=text: tx.execute(text))
        opened = [{"accountId": f"ACC-{number}", "balance": OPENING} for number in range(ACCOUNTS)]
        ledger.execute(lambda tx: tx.execute("INSERT INTO Accounts ?", opened))


def transfer(tx, payer, payee, amount, number):
    balances = {row["accountId"]: row["balance"] for row in tx.execute(BALANCES, payer, payee)}
    list(tx.execute(SET, balances[payer] - amount, payer))
    list(tx.execute(SET, balances[payee] + amount, payee))
    list(tx.execute("INSERT INTO Transfers ?", {"number": number, "from": payer, "to": payee, "amount": amount}))


def work(ledger, seed):
    chance = Random(seed)
    while True:
        payer, payee = (f"ACC-{number}" for number in chance.sample(range(ACCOUNTS), 2))
        number = chance.getrandbits(62)
        amount = Decimal(chance.randrange(1, 10_000)).scaleb(-2)
        try:
            ledger.execute(partial(transfer, payer=payer, payee=payee, amount=amount, number=number))
        except OccConflictError:
            continue
        with SAY:
            print(number, flush=True)  # noqa: T201 - what this process is for


def main(folder, seed, writers):
    ledger = counterfoil.open(Path(folder))
    prepare(ledger)
    print("ready", flush=True)  # noqa: T201
    for writer in range(writers):
        threading.Thread(target=work, args=(ledger, f"{seed} {writer}"), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 4)
