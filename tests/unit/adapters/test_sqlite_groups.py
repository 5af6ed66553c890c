"""Commits that wait for each other are written in one step: each hears its own answer, and what fails leaves nothing behind."""

import sqlite3
import threading

import pytest

from counterfoil.adapters.sqlite import journal_file
from counterfoil.adapters.sqlite.store import SqliteLedger
from counterfoil.errors import CapacityError, CounterfoilError, OccConflictError, UnavailableError
from counterfoil.ledger.limits import Limits
from tests.ledgers import ledger_on, rows


class Gate:
    """Holds the committer in a commit of its own, so that what is committed meanwhile waits and becomes one group."""

    def __init__(self, monkeypatch):
        self.opened = threading.Event()
        self.opened.set()
        self.reached = threading.Event()
        self.groups = []
        write = SqliteLedger._write

        def held(store, group):
            self.reached.set()
            assert self.opened.wait(60)
            self.groups.append(len(group))
            return write(store, group)

        monkeypatch.setattr(SqliteLedger, "_write", held)

    def close(self, ledger):
        """Let the committer wait with a commit, which is the first when the gate is opened."""
        self.opened.clear()
        self.reached.clear()
        threading.Thread(target=rows, args=(ledger, "SELECT VALUE 1 FROM <<1>> AS x"), daemon=True).start()
        assert self.reached.wait(60)
        self.groups.clear()


class Waiting:
    """Commits under way, each in a thread of its own, in the order given."""

    def __init__(self, ledger, transactions):
        self.answers = {}
        self.threads = []
        for number, transaction in enumerate(transactions):
            thread = threading.Thread(target=self.commit, args=(number, transaction), daemon=True)
            thread.start()
            self.threads.append(thread)
            for _ in range(1_000):
                if len(ledger._store._committer._queue) > number or number in self.answers:
                    break
                threading.Event().wait(0.01)

    def commit(self, number, transaction):
        try:
            self.answers[number] = transaction.commit().sequence_no
        except CounterfoilError as error:
            self.answers[number] = type(error)

    def all(self):
        for each in self.threads:
            each.join(30)
        return [self.answers.get(number) for number in range(len(self.threads))]


@pytest.fixture
def gate(monkeypatch):
    return Gate(monkeypatch)


@pytest.fixture
def ledger(gate, tmp_path):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "INSERT INTO T << {'k': 1}, {'k': 2} >>")
        yield ledger
        gate.opened.set()


def begun(ledger, *texts):
    found = [ledger.begin() for _ in texts]
    for transaction, text in zip(found, texts, strict=True):
        list(transaction.execute(text))
    return found


def test_a_conflict_in_a_group_costs_its_own_caller_only(gate, ledger):
    gate.close(ledger)
    update, insert = "UPDATE T AS t SET t.v = 1 WHERE t.k = 1", "INSERT INTO T {'k': 3}"
    before = ledger.head.sequence_no
    waiting = Waiting(ledger, begun(ledger, update, update, insert, "SELECT * FROM T", insert))
    gate.opened.set()
    assert waiting.all() == [before + 2, OccConflictError, before + 3, OccConflictError, before + 4]
    assert gate.groups == [1, 5]
    assert sorted(rows(ledger, "SELECT VALUE t.k FROM T AS t")) == [1, 2, 3, 3]


def test_one_transaction_twice_in_a_group_is_one_block(gate, ledger):
    gate.close(ledger)
    (transaction,) = begun(ledger, "INSERT INTO T {'k': 9}")
    proposal = transaction.proposal()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ledger._store.commit(proposal))) for _ in range(2)]
    for each in threads:
        each.start()
    gate.opened.set()
    for each in threads:
        each.join(30)
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert len(rows(ledger, "SELECT * FROM T AS t WHERE t.k = 9")) == 1


def test_a_group_that_fails_leaves_nothing_that_anybody_could_conflict_with(gate, ledger, monkeypatch):
    update = "UPDATE T AS t SET t.v = 1 WHERE t.k = 1"
    later = begun(ledger, update)[0]
    gate.close(ledger)
    waiting = Waiting(ledger, begun(ledger, update, "INSERT INTO T {'k': 3}", "DROP TABLE T"))

    write, calls = journal_file.write_effects, []

    def full(*arguments):
        calls.append(arguments)
        if len(calls) > 2:
            raise sqlite3.OperationalError("database or disk is full")
        write(*arguments)

    before = ledger.head.sequence_no
    monkeypatch.setattr(journal_file, "write_effects", full)
    gate.opened.set()
    assert waiting.all()[:2] == [UnavailableError, UnavailableError]
    monkeypatch.undo()
    assert ledger.head.sequence_no == before + 1
    later.commit()
    assert rows(ledger, "SELECT VALUE t.v FROM T AS t WHERE t.k = 1") == [1]


def test_only_so_many_commits_may_wait(gate, tmp_path):
    with ledger_on("sqlite", tmp_path, limits=Limits(waiting_commits=2)) as ledger:
        rows(ledger, "CREATE TABLE T")
        gate.close(ledger)
        waiting = Waiting(ledger, begun(ledger, *["INSERT INTO T {'k': 3}"] * 2))
        (third,) = begun(ledger, "INSERT INTO T {'k': 4}")
        with pytest.raises(CapacityError, match="2 commits"):
            third.commit()
        gate.opened.set()
        assert all(isinstance(each, int) for each in waiting.all())


def test_what_waits_when_the_ledger_is_closed_is_written(gate, tmp_path):
    ledger = ledger_on("sqlite", tmp_path)
    rows(ledger, "CREATE TABLE T")
    gate.close(ledger)
    waiting = Waiting(ledger, begun(ledger, *["INSERT INTO T {'k': 3}"] * 5))
    closing = threading.Thread(target=ledger.close, daemon=True)
    closing.start()
    gate.opened.set()
    assert all(isinstance(each, int) for each in waiting.all())
    closing.join(30)
    with ledger_on("sqlite", tmp_path, seed=2) as again:
        assert len(rows(again, "SELECT * FROM T")) == 5
