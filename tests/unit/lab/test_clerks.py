"""Clerks at a served ledger: what they are told, in which session, and what they answer. The driver itself: tests/end_to_end."""

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lab.bank import clerks
from lab.bank.acts import Account, Balance, Found, OpenAccounts, Request, SetClockBack, Transfer
from lab.bank.clerks import ClerkError, Clerks, Wording, render_requests, spread
from lab.bank.day import BankPlan, Entry, day_of
from lab.bank.simulation import simulate

AT = datetime(2026, 3, 2, 9, 0, 0, 125_000, tzinfo=UTC)
PLAN = BankPlan(seed=4, transfers=200, own_clock=False)

# Answers as the driver's client does, without a ledger: what it is told is in the transaction's id.
OBEDIENT = """
import json, sys
for line in sys.stdin:
    order = json.loads(line)
    text = order["requests"][0][0]
    print("a warning of some library", file=sys.stderr, flush=True)
    outcome = {"error": "refused: " + text} if "REFUSE" in text else {"transaction": text, "conflicts": order["session"], "at": 1.5}
    print(json.dumps({"order": order["order"], **outcome}), flush=True)
"""


@pytest.fixture
def employed(tmp_path, monkeypatch):
    """Clerks of this interpreter that run a program."""

    def employ(program):
        path = tmp_path / "client.py"
        path.write_text(program)
        monkeypatch.setattr(clerks, "DRIVER_PYTHON", clerks.Path(sys.executable))
        monkeypatch.setattr(clerks, "CLIENT", path)
        monkeypatch.setattr(clerks, "WATCH_SECONDS", 0.01)
        return Clerks(tmp_path, {"PATH": ""}, "bank")

    return employ


def orders(*texts):
    return [("", [Request(text)]) for text in texts]


def test_each_outcome_is_in_its_orders_place(employed):
    texts, watched = [f"SELECT {number}" for number in range(40)], []
    with employed(OBEDIENT) as staff:
        assert [each.transaction_id for each in staff.carry_out(orders(*texts), lambda: watched.append(1))] == texts
        again = staff.carry_out(orders("SELECT 1", "SELECT 2"), lambda: None)
        processes = list(staff._processes)
    assert [each.transaction_id for each in again] == ["SELECT 1", "SELECT 2"]
    assert watched
    assert not any(process.running for process in processes)


def test_a_refusal_is_told_in_the_ledgers_words(employed):
    with employed(OBEDIENT) as staff, pytest.raises(ClerkError, match="refused: REFUSE this"):
        staff.carry_out(orders("SELECT 1", "REFUSE this"), lambda: None)


def test_a_client_that_ends_is_told_with_its_last_words(employed):
    program = "import sys; sys.exit('there is no such ledger')"
    with employed(program) as staff, pytest.raises(ClerkError, match="there is no such ledger"):
        staff.carry_out(orders("SELECT 1"), lambda: None)


def test_a_missing_driver_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(clerks, "DRIVER_PYTHON", tmp_path / "python")
    with pytest.raises(ClerkError, match="make setup"), Clerks(tmp_path, {}, "bank"):
        pass


def test_one_series_stays_in_one_session_and_the_rest_evens_out():
    chosen = list(spread(["a", "a", "a", "b", "", "", "", "a", "", ""], 3))
    assert chosen == [0, 0, 0, 1, 2, 1, 2, 0, 1, 2]


def test_parameters_that_json_does_not_have_are_named():
    document = Wording(PLAN).requests(Entry(AT, Transfer("A", "B", Decimal("3.10"), booked=False)))[0].parameters[0]
    requests = [Request("one", (document, Balance("A", Decimal("-3.10")), Found(0, "id"), [None, 7, "text"]))]
    ((text, parameters),) = json.loads(json.dumps(render_requests(requests)))
    assert text == "one"
    assert parameters[0]["amount"] == {"$decimal": "3.10"}
    assert parameters[0]["timestamp"] == {"$timestamp": "2026-03-02T09:00:00.125000+00:00"}
    assert parameters[1:] == [{"$balance": ["A", "-3.10"]}, {"$found": [0, "id"]}, [None, 7, "text"]]


def test_accounts_are_opened_many_in_one_statement():
    accounts = tuple(Account(name, Decimal("1.00"), "CHECKING", name) for name in ("A", "B", "C"))
    (request,) = Wording(PLAN).requests(Entry(AT, OpenAccounts(accounts)))
    assert request.text == "INSERT INTO Accounts <<?, ?, ?>>"
    assert [each["accountId"] for each in request.parameters] == ["A", "B", "C"]


def test_a_served_ledgers_clock_is_not_set_back():
    with pytest.raises(ValueError, match="cannot be set back"):
        Wording(PLAN).requests(Entry(AT, SetClockBack("A")))


def test_both_ways_to_keep_the_books_say_the_same_to_the_ledger():
    """The journal that is built in this process holds the statements that the driver is given, act for act."""
    day, wording = day_of(PLAN), Wording(PLAN)
    told = [[each.text for each in wording.requests(entry)] for entry in (*day.opening, *day.business, *day.quiet)]
    built = [
        [each["statement"] for each in block.fields["transactionInfo"]["statements"]] for block in simulate(PLAN).blocks
    ]
    assert told == built
    assert wording.transfers == day.transfers
