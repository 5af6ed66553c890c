"""A ledger in a Python program: plain values in and out, all of a transaction or nothing, and again after a conflict."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

import counterfoil
from counterfoil.adapters.sqlite.store import FILE_NAME
from counterfoil.adapters.sqlite.verification import verify_file
from counterfoil.errors import InputError, NotFoundError, OccConflictError, PreconditionError, StatementError


@pytest.fixture
def ledger(tmp_path):
    with counterfoil.open(tmp_path / "bank.ledger") as opened:
        opened.execute_statement("CREATE TABLE Accounts")
        opened.execute_statement("CREATE INDEX ON Accounts (accountId)")
        opened.execute_statement("INSERT INTO Accounts ?", {"accountId": "A", "balance": 10})
        yield opened


SET = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?"
BALANCE = "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = ?"


def test_plain_values_go_in_and_come_out(ledger):
    at = datetime(2024, 1, 25, 10, 0, 0, 123000, tzinfo=timezone(timedelta(hours=2)))
    document = {
        "accountId": "B",
        "balance": Decimal("10.00"),
        "rate": 0.5,
        "open": True,
        "nothing": None,
        "key": b"\x00\x01",
        "tags": ["x", {"y": 1}],
        "history": [{"at": at}],
    }
    ledger.execute_statement("INSERT INTO Accounts ?", document)
    (row,) = ledger.execute_statement("SELECT * FROM Accounts AS a WHERE a.accountId = ?", "B")
    (seen,) = row.pop("history")
    assert seen["at"].to_datetime() == at
    del document["history"]
    assert row == document
    assert str(row["balance"]) == "10.00"
    assert ledger.execute_statement("SELECT VALUE a.accountId FROM Accounts AS a WHERE ? > `2024-01-01T`", at)


@pytest.mark.parametrize("value", [datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), object(), {"a": {1, 2}}])
def test_what_ion_cannot_say_is_refused(ledger, value):
    with pytest.raises(InputError):
        ledger.execute_statement("INSERT INTO Accounts ?", {"value": value})


def test_parameters_are_counted(ledger):
    with pytest.raises(StatementError, match="2 parameters, but 1 were given"):
        ledger.execute_statement(SET, 1)


def test_rows_that_are_returned_undrawn_come_as_a_list(ledger):
    assert ledger.execute(lambda tx: tx.execute(BALANCE, "A")) == [10]
    assert ledger.execute(lambda _: 5) == 5


def test_what_raises_leaves_nothing(ledger):
    before = ledger.digest()

    def work(tx):
        tx.execute(SET, 99, "A")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        ledger.execute(work)
    assert ledger.digest() == before


def interrupted(ledger, times):
    """Work that another transaction gets in the way of so many times; how often it was run."""
    runs = []

    def work(tx):
        (balance,) = tx.execute(BALANCE, "A")
        if len(runs) < times:
            ledger.execute_statement(SET, balance + 1, "A")
        runs.append(tx.transaction_id)
        tx.execute(SET, balance + 100, "A")

    return work, runs


def test_work_is_run_again_on_what_is_there_then(ledger):
    work, runs = interrupted(ledger, 3)
    ledger.execute(work)
    assert len(set(runs)) == 4
    assert ledger.execute_statement(BALANCE, "A") == [113]


def test_a_conflict_that_does_not_end_is_told(ledger):
    work, runs = interrupted(ledger, 100)
    with pytest.raises(OccConflictError):
        ledger.execute(work, retries=1)
    assert len(runs) == 2
    assert ledger.execute_statement(BALANCE, "A") == [12]


def test_a_ledger_belongs_to_one_opener(ledger, tmp_path):
    with pytest.raises(PreconditionError, match="in use"):
        counterfoil.open(tmp_path / "bank.ledger")


def test_a_ledger_is_made_only_if_it_may_be(tmp_path):
    with pytest.raises(NotFoundError):
        counterfoil.open(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere" / "journal.db").exists()


def test_what_was_committed_is_there_when_it_is_opened_again(tmp_path):
    for _ in range(3):
        with counterfoil.open(tmp_path / "bank") as ledger:
            if ledger.tip() is None:
                ledger.execute_statement("CREATE TABLE T")
            ledger.execute_statement("INSERT INTO T ?", {"at": datetime.now(UTC)})
    with counterfoil.open(tmp_path / "bank", create=False) as ledger:
        assert ledger.execute_statement("SELECT COUNT(*) AS n FROM T") == [{"n": 3}]


def test_what_a_caller_does_to_parameters_and_rows_reaches_nothing_of_the_ledger(tmp_path):
    document = {"a": 1, "list": [1], "struct": {"x": [1]}}
    before = {"a": 1, "list": [1], "struct": {"x": [1]}}

    def work(tx):
        tx.execute("INSERT INTO T ?", document)
        document["list"].append(2)
        document["struct"]["x"].append(2)
        (row,) = tx.execute("SELECT * FROM T")
        row["list"].append(3)
        row["struct"]["x"].append(3)
        (row,) = tx.execute("SELECT * FROM T")
        assert row == before

    with counterfoil.open(tmp_path / "bank") as ledger:
        ledger.execute_statement("CREATE TABLE T")
        ledger.execute(work)
        (row,) = ledger.execute_statement("SELECT * FROM T")
        row["list"].clear()
        assert ledger.execute_statement("SELECT * FROM T") == [before]
    assert verify_file(tmp_path / "bank" / FILE_NAME).problems == []
