"""Ledgers for tests: on memory and on SQLite, with a clock that is told what time it is and ids that come from a seed."""

from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event, Lock

from counterfoil.adapters.memory.ledger import MemoryLedger
from counterfoil.adapters.sqlite.store import SqliteLedger, create_ledger
from counterfoil.embedded import EmbeddedLedger
from counterfoil.ion import read_single
from counterfoil.journal import parse_block, verify_block
from counterfoil.ledger.ids import render_id
from counterfoil.ledger.limits import DEFAULT_LIMITS

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KINDS = ("memory", "sqlite", "dynamodb")


class Ids:
    """Ids that follow from a seed; drawn by any thread."""

    def __init__(self, seed=1):
        self._chance = Random(seed)
        self._lock = Lock()

    def __call__(self):
        with self._lock:
            return render_id(self._chance.randbytes(16))


class ToldClock:
    """A clock that stands still, or goes on by ``step`` each time it is asked."""

    def __init__(self, now=BEGAN, step=timedelta(0)):
        self.now = now
        self.step = step

    def __call__(self):
        self.now += self.step
        return self.now


def ledger_on(kind, folder, clock=None, limits=DEFAULT_LIMITS, seed=1, seals=None):
    """A ledger of a kind; one that is in the folder already is opened again, unless it was in memory."""
    clock, ids = clock or ToldClock(step=timedelta(milliseconds=1)), Ids(seed)
    if kind == "memory":
        return EmbeddedLedger("bank", MemoryLedger(ids(), clock), clock, ids, limits, seals=seals)
    if kind == "dynamodb":
        from tests.dynamodb_ledgers import store_in  # the emulator starts with the first of them

        return EmbeddedLedger("bank", store_in(folder, ids, clock, seed), clock, ids, limits, seals=seals)
    if not (folder / "journal.db").exists():
        create_ledger(folder, ids())
    return EmbeddedLedger("bank", SqliteLedger(folder, clock, limits), clock, ids, limits, seals=seals)


def online(ledger):
    """The ledger, once all its indexes answer queries: they are built behind the scenes."""
    for _ in range(3_000):
        if not list(ledger.catalogue.building()):
            return ledger
        Event().wait(0.01)
    raise AssertionError("the indexes are not built")


def rows(ledger, text, *parameters):
    """The rows of one statement in a transaction of its own."""
    return ledger.execute_statement(text, *parameters)


BALANCE = "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = ?"
SET = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?"


def open_accounts(ledger):
    """Two accounts and an index."""
    rows(ledger, "CREATE TABLE Accounts")
    rows(ledger, "CREATE INDEX ON Accounts (accountId)")
    rows(
        ledger, "INSERT INTO Accounts << {'accountId': 'A', 'balance': 100.00}, {'accountId': 'B', 'balance': 50.00} >>"
    )
    online(ledger)


def verified_blocks(ledger):
    """Every block of a ledger, its contents verified."""
    return [verify_block(parse_block(read_single(each))) for each in ledger.blocks(0, ledger.head.sequence_no + 1)]
