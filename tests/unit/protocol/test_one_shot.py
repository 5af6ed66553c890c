"""Whole transactions in one request: all or nothing, once for each key, whatever happens in between."""

from datetime import timedelta
from decimal import Decimal

import pytest

from counterfoil.errors import (
    ForbiddenError,
    LimitError,
    OccConflictError,
    StatementError,
    UnavailableError,
    UnknownOutcomeError,
)
from counterfoil.journal.builder import Statement
from counterfoil.ledger.registry import PermissionsMode
from counterfoil.protocol import one_shot
from counterfoil.protocol.faults import ProtocolError
from counterfoil.protocol.one_shot import ATTEMPTS, Asked, OneShot, OtherRequestError, id_of_key
from counterfoil.protocol.outcomes import LOOKS
from tests.scripted_ledgers import ANYBODY, Restricted
from tests.session_worlds import BEGAN, STRAND, TELLER, Side

ADD = "UPDATE Accounts AS a SET a.balance = a.balance + ? WHERE a.accountId = ?"
READ = "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = ?"
INSERT = "INSERT INTO Accounts ?"


class Service:
    """One-shot transactions over a ledger of accounts A (1.00) and B (2.00)."""

    def __init__(self):
        self.now = BEGAN
        self.pauses = 0
        self.while_waiting = []
        self.side = Side(1, lambda: self.now, 1)
        self.one_shot = OneShot(self.side.directory(), lambda: self.now, self.side.ids, self.pause)

    def pause(self, _seconds):
        self.pauses += 1
        if self.while_waiting:
            self.while_waiting.pop()()

    def run(self, *statements, key=None, caller=TELLER, **more):
        asked = [Statement(text, tuple(parameters)) for text, *parameters in statements]
        return self.one_shot.run(Asked("bank", tuple(asked), key), caller, **more)

    @property
    def blocks(self):
        return self.side.store.head().sequence_no + 1

    def balance(self, name):
        (rows,) = self.run((READ, name)).rows
        return rows[0]


@pytest.fixture
def service():
    return Service()


def test_statements_are_carried_out_in_order_and_committed_as_one_block(service):
    before = service.blocks
    done = service.run((ADD, Decimal("-0.25"), "A"), (ADD, Decimal("0.25"), "B"), (READ, "A"), (READ, "B"))
    assert service.blocks == before + 1
    assert done.address.sequence_no == before
    assert done.rows[2:] == ([Decimal("0.75")], [Decimal("2.25")])
    assert [len(rows) for rows in done.rows[:2]] == [1, 1]
    assert (done.attempts, done.repeated) == (1, False)
    assert done.read_ios == 4


def test_a_statement_that_fails_leaves_nothing_of_the_others(service):
    before = service.blocks
    with pytest.raises(StatementError):
        service.run((ADD, 1, "A"), ("SELECT * FROM Nowhere",))
    assert service.blocks == before
    assert service.balance("A") == Decimal("1.00")


def test_without_a_key_the_same_request_is_another_transaction(service):
    for _ in range(2):
        service.run((ADD, 1, "A"))
    assert service.balance("A") == Decimal("3.00")


def test_with_a_key_the_same_request_is_committed_once(service):
    statements = (ADD, 1, "A"), (INSERT, {"accountId": "C", "balance": 1}), (READ, "C")
    first = service.run(*statements, key="k")
    before = service.blocks
    service.now += timedelta(days=1)
    again = service.run(*statements, key="k")
    assert service.blocks == before
    assert (again.transaction_id, again.address, again.repeated) == (first.transaction_id, first.address, True)
    assert again.rows == (*first.rows[:2], None)
    assert service.balance("A") == Decimal("2.00")


@pytest.mark.parametrize(
    "others",
    [
        [(ADD, 2, "A")],
        [(ADD, Decimal("1.0"), "A")],
        [(ADD.lower(), 1, "A")],
        [(ADD, 1, "A"), (READ, "A")],
        [(READ, "A")],
    ],
)
def test_a_key_that_is_taken_by_another_request_is_refused(service, others):
    service.run((ADD, 1, "A"), key="k")
    before = service.blocks
    with pytest.raises(OtherRequestError):
        service.run(*others, key="k")
    assert service.blocks == before


def test_a_key_is_its_callers_and_its_ledgers():
    others = [("A", STRAND, "k"), ("B", STRAND, "k"), ("A", "n" * 22, "k"), ("A", STRAND, "l")]
    # Written one behind the other, these two are the same.
    others += [("A", STRAND, f"{STRAND}k"), (f"A{STRAND}", STRAND, "k")]
    assert len({id_of_key(*each) for each in others}) == len(others)
    service = Service()
    other = Restricted("OTHER", TELLER.actions, TELLER.tables)
    for caller in (TELLER, other):
        assert not service.run((ADD, 1, "A"), key="k", caller=caller).repeated
    assert service.balance("A") == Decimal("3.00")


def test_what_another_transaction_changed_meanwhile_is_read_anew(service):
    write = lambda: service.side.write(ADD, 10, "A")  # noqa: E731 - done right before a commit, which is itself one
    service.side.store.meanwhile = [write, lambda: None, write]
    done = service.run((ADD, 1, "A"), (READ, "A"), key="k")
    assert (done.rows[1], done.attempts) == ([Decimal("22.00")], 3)
    assert service.balance("A") == Decimal("22.00")


def test_who_meets_others_each_time_is_told_so_and_nothing_is_committed(service, monkeypatch):
    refused = []

    def conflict(*_):
        refused.append(1)
        raise OccConflictError("changed")

    monkeypatch.setattr(type(service.side.store), "commit", conflict)
    service.one_shot = OneShot(service.side.directory(), lambda: service.now, service.side.ids, service.pause)
    with pytest.raises(OccConflictError):
        service.run((ADD, 1, "A"), key="k")
    assert len(refused) == ATTEMPTS


def test_a_clock_that_is_behind_the_last_block_does_not_make_a_transaction_anothers(service):
    service.run((ADD, 1, "A"))
    service.now -= timedelta(seconds=1)
    done = service.run((ADD, 1, "A"), (READ, "A"), key="k")
    assert (done.repeated, done.rows[1]) == (False, [Decimal("3.00")])


@pytest.mark.parametrize("fault", ["refused", "lost"])
def test_who_does_not_know_what_came_of_it_asks_again_under_the_key(service, fault):
    service.side.store.fault = fault
    with pytest.raises(UnavailableError):
        service.run((ADD, 1, "A"), key="k")
    again = service.run((ADD, 1, "A"), key="k")
    assert again.repeated == (fault == "lost")
    assert service.balance("A") == Decimal("2.00")


def test_a_commit_that_may_happen_yet_is_waited_for_and_then_told(service):
    service.side.store.fault = "unknown"
    service.while_waiting = [lambda: service.run((ADD, 1, "A"), key="k"), lambda: None, lambda: None]
    done = service.run((ADD, 1, "A"), key="k")
    assert (done.repeated, service.pauses) == (False, 3)
    assert service.balance("A") == Decimal("2.00")


@pytest.mark.parametrize("key", [None, "k"])
def test_a_commit_of_which_nothing_is_known_is_said_to_be_so(service, key):
    service.side.store.fault = "unknown"
    with pytest.raises(UnknownOutcomeError):
        service.run((ADD, 1, "A"), key=key)
    assert service.pauses == LOOKS


def test_what_can_be_done_only_once_is_still_answered_the_second_time(service):
    first = service.run(("CREATE TABLE Notes",), key="k", caller=ANYBODY)
    again = service.run(("CREATE TABLE Notes",), key="k", caller=ANYBODY)
    assert (again.address, again.rows) == (first.address, (None,))
    with pytest.raises(StatementError, match="already exists"):
        service.run(("CREATE TABLE Notes",), caller=ANYBODY)


@pytest.mark.parametrize(
    ("statement", "later_ms"), [((INSERT, {"accountId": "C", "balance": 5}), 0), ((ADD, 5, "A"), 5)]
)
def test_of_two_attempts_at_once_one_is_committed_and_both_say_so(service, statement, later_ms):
    done = []

    def overtake():
        service.now += timedelta(milliseconds=later_ms)
        done.append(service.run(statement, key="k"))
        service.now -= timedelta(milliseconds=later_ms)

    service.side.store.meanwhile = [overtake]
    mine = service.run(statement, key="k")
    assert (done[0].repeated, mine.repeated) == (False, True)
    assert mine.address == done[0].address
    assert mine.rows == done[0].rows


def test_of_two_requests_at_once_under_one_key_the_other_one_is_refused(service):
    service.side.store.meanwhile = [lambda: service.run((ADD, 7, "B"), key="k")]
    with pytest.raises(OtherRequestError):
        service.run((ADD, 5, "A"), key="k")
    assert (service.balance("A"), service.balance("B")) == (Decimal("1.00"), Decimal("9.00"))


def test_rows_are_bounded_before_anything_is_committed(service, monkeypatch):
    monkeypatch.setattr(one_shot, "MAX_RESULT_BYTES", 1_000)
    before = service.blocks
    with pytest.raises(LimitError, match="at most 1000 bytes"):
        service.run((ADD, 1, "A"), ("SELECT * FROM Many",))
    assert service.blocks == before


def test_permissions_are_those_of_a_session(service):
    with pytest.raises(ForbiddenError, match="Secrets"):
        service.run(("SELECT * FROM Secrets",))
    with pytest.raises(ForbiddenError, match="NOBODY may not qldb:SendCommand"):
        service.run((READ, "A"), caller=Restricted("NOBODY"))
    assert service.run(("SELECT * FROM Secrets",), caller=ANYBODY).rows == ([],)
    registry = service.side.registry
    bank = registry.ledger("bank")
    assert bank.permissions_mode is PermissionsMode.STANDARD


def test_a_ledger_that_is_not_there_is_not_found(service):
    with pytest.raises(ProtocolError, match="shop is not found") as caught:
        service.one_shot.run(Asked("shop", (Statement("SELECT 1"),)), TELLER)
    assert caught.value.status == 404


def test_a_request_that_takes_too_long_is_given_up(service):
    def too_long():
        raise UnavailableError("it takes longer than it may")

    before = service.blocks
    with pytest.raises(UnavailableError):
        service.run((ADD, 1, "A"), check_time=too_long)
    assert service.blocks == before
