"""Sessions in a log: what several instances, clocks and failures make of one session."""

import threading
from datetime import timedelta

import pytest

from counterfoil.adapters.memory.session_log import MemorySessionLog
from counterfoil.errors import UnavailableError, UnknownOutcomeError
from counterfoil.ion.codec import encode
from counterfoil.ledger.limits import QLDB_LIMITS
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.protocol.outcomes import LOOK_SECONDS, LOOKS
from counterfoil.services.ledger import Ledger
from tests.scripted_ledgers import ANYBODY, NOW, Service, refused
from tests.session_worlds import BEGAN, STRAND, TELLER, RememberingLedger, Side, digest_of

SELECT = "SELECT * FROM T"


class Instances:
    """One session of a real ledger, and two instances that share its log, each with a clock of its own."""

    def __init__(self, kept=64):
        self.now = BEGAN
        self.requests = 0
        self.skew = [timedelta(0), timedelta(0)]
        self.side = Side(2, lambda: self.now, 1)
        self.log = Failing()
        self.instances = [self.side.instance(self.log, lambda at=at: self.now + self.skew[at], kept) for at in range(2)]
        self.start()

    def start(self):
        self.token = self.send(0, StartSession={"LedgerName": "bank"})["SessionToken"]

    def send(self, at, command_id=b"", check_time=lambda: None, caller=TELLER, **request):
        if "StartSession" not in request:
            request["SessionToken"] = self.token
        self.requests += 1
        number = f"request-{self.requests}"
        (answer,) = self.instances[at].send(request, caller, number, command_id, check_time).values()
        return {name: value for name, value in answer.items() if name != "TimingInformation"}

    def begin(self, at):
        return self.send(at, StartTransaction={})["TransactionId"]

    def execute(self, at, transaction_id, text, *parameters, **more):
        holders = [{"IonBinary": encode(each)} for each in parameters]
        command = {"TransactionId": transaction_id, "Statement": text, "Parameters": holders}
        return self.send(at, ExecuteStatement=command, **more)

    def commit(self, at, transaction_id, *statements, **more):
        digest = digest_of(transaction_id, [(text, parameters) for text, *parameters in statements])
        return self.send(at, CommitTransaction={"TransactionId": transaction_id, "CommitDigest": digest}, **more)

    def balances(self):
        transaction = self.side.rival.begin()
        found = list(transaction.execute("SELECT VALUE a.balance FROM Accounts AS a"))
        transaction.abort()
        return found


class Failing(MemorySessionLog):
    """``error`` is raised by every call as long as there is one."""

    error = None

    def append(self, *arguments):
        if self.error is not None:
            raise self.error
        super().append(*arguments)

    def events(self, session):
        if self.error is not None:
            raise self.error
        return super().events(session)


UPDATE = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = 'A'"
READ = "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = 'A'"


def value_of(answer):
    (value,) = answer["FirstPage"]["Values"]
    return value["IonBinary"]


def test_another_instance_goes_on_where_the_first_one_stopped():
    world = Instances()
    transaction_id = world.begin(0)
    world.execute(1, transaction_id, UPDATE, 7)
    assert value_of(world.execute(0, transaction_id, READ)) == encode(7)
    assert value_of(world.execute(1, transaction_id, READ)) == encode(7)
    world.commit(0, transaction_id, (UPDATE, 7), (READ,), (READ,))
    assert 7 in world.balances()


def test_what_another_instance_read_for_a_transaction_is_checked_when_it_is_committed():
    world = Instances()
    transaction_id = world.begin(0)
    world.execute(0, transaction_id, "SELECT * FROM Many AS m WHERE m.number = 0")
    world.execute(1, transaction_id, READ)
    world.side.write(UPDATE, 5)
    refused(
        lambda: world.commit(0, transaction_id, ("SELECT * FROM Many AS m WHERE m.number = 0",), (READ,)),
        "OccConflictException",
    )


def test_an_instance_that_remembers_less_than_happened_begins_at_the_log():
    world = Instances()
    transaction_id = world.begin(0)
    world.send(1, AbortTransaction={})
    refused(lambda: world.execute(0, transaction_id, READ), "BadRequestException", "is not open")
    world.send(1, EndSession={})
    refused(lambda: world.begin(0), "InvalidSessionException", "No such session")


def test_a_clock_that_is_behind_neither_ends_nor_prolongs_a_transaction():
    world = Instances()
    world.skew[1] = -timedelta(seconds=2)
    transaction_id = world.begin(0)
    world.execute(1, transaction_id, READ)
    world.execute(0, transaction_id, READ)
    world.now += QLDB_LIMITS.transaction_time
    refused(lambda: world.execute(0, transaction_id, READ), "InvalidSessionException", "has expired")
    refused(lambda: world.execute(1, transaction_id, READ), "InvalidSessionException", "has expired")


def test_a_ledger_of_the_same_name_is_not_the_ledger_of_the_session():
    world = Instances()
    world.begin(0)
    registry = world.side.registry
    old = registry.ledger("bank")
    registry.save(old, None)
    for at in (0, 1):
        refused(lambda at=at: world.begin(at), "InvalidSessionException", "No such session")
    registry.save(None, RegisteredLedger("bank", "n" * 22, NOW, LedgerState.ACTIVE, PermissionsMode.ALLOW_ALL))
    new = RememberingLedger("n" * 22, lambda: world.now)
    for each in world.instances:
        each._directory.ledgers.engine = Ledger("bank", new, lambda: world.now, world.side.ids)
    for at in (0, 1):
        refused(lambda at=at: world.begin(at), "InvalidSessionException", "No such session")


def test_a_session_is_its_callers_on_every_instance():
    world = Instances()
    for at in (0, 1):
        refused(
            lambda at=at: world.send(at, caller=ANYBODY, StartTransaction={}),
            "InvalidSessionException",
            "No such session",
        )
    world.begin(1)


def test_the_log_holds_no_token():
    world = Instances()
    world.execute(0, world.begin(0), "SELECT m.number FROM Many AS m")
    everything = str(world.log.by_session)
    assert world.token not in everything
    assert STRAND in everything


def test_an_instance_remembers_a_bounded_number_of_sessions():
    world = Instances(kept=3)
    for _ in range(5):
        world.start()
        world.begin(0)
    assert world.instances[0].count == 3


# ---- the same command twice ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1])
def test_a_command_that_is_sent_again_has_its_effect_once(at):
    world = Instances()
    transaction_id = world.send(0, b"1", StartTransaction={})["TransactionId"]
    assert world.send(at, b"1", StartTransaction={})["TransactionId"] == transaction_id
    many = world.execute(0, transaction_id, "SELECT m.number FROM Many AS m", command_id=b"2")
    assert world.execute(at, transaction_id, "SELECT m.number FROM Many AS m", command_id=b"2") == many
    fetch = {"TransactionId": transaction_id, "NextPageToken": many["FirstPage"]["NextPageToken"]}
    page = world.send(0, b"3", FetchPage=fetch)
    assert world.send(at, b"3", FetchPage=fetch) == page
    text = "INSERT INTO Accounts {'accountId': 'N', 'balance': 3}"
    inserted = world.execute(0, transaction_id, text, command_id=b"4")
    assert world.execute(at, transaction_id, text, command_id=b"4") == inserted
    said = ("SELECT m.number FROM Many AS m",), (text,)
    committed = world.commit(0, transaction_id, *said, command_id=b"5")
    assert world.commit(at, transaction_id, *said, command_id=b"5") == committed
    assert world.balances().count(3) == 1
    world.send(0, b"6", EndSession={})
    assert world.send(at, b"6", EndSession={}) == {}


def test_a_failed_statement_that_is_sent_again_is_counted_once():
    world = Instances()
    transaction_id = world.begin(0)
    for at in (0, 1):
        refused(
            lambda at=at: world.execute(at, transaction_id, "SELECT * FROM Nowhere", command_id=b"2"),
            "BadRequestException",
        )
    world.execute(1, transaction_id, READ)
    world.commit(1, transaction_id, ("SELECT * FROM Nowhere",), (READ,))


def test_what_failed_for_want_of_an_answer_is_tried_when_it_is_sent_again(monkeypatch):
    monkeypatch.setattr(Service, "kind", "stored")
    service = Service()
    token = service.session()
    transaction_id = service.begin(token)
    service.engine.script[SELECT] = UnavailableError("throttled")
    request = {"ExecuteStatement": {"TransactionId": transaction_id, "Statement": SELECT}, "SessionToken": token}
    refused(lambda: service.sessions.send(request, ANYBODY, "r", b"2"), "ServiceUnavailableException")
    service.engine.script[SELECT] = [1]
    service.sessions.send(request, ANYBODY, "r", b"2")
    service.commit(token, transaction_id)


# ---- failures --------------------------------------------------------------------------------------------------------


def test_a_log_that_does_not_answer_is_unavailable_and_the_session_goes_on():
    world = Instances()
    transaction_id = world.begin(0)
    world.log.error = UnavailableError("throttled")
    for at in (0, 1):
        refused(lambda at=at: world.execute(at, transaction_id, READ), "ServiceUnavailableException")
    refused(world.start, "ServiceUnavailableException")
    world.log.error = None
    world.execute(0, transaction_id, READ)
    world.commit(1, transaction_id, (READ,))


@pytest.mark.parametrize("fault", ["refused", "lost"])
@pytest.mark.parametrize("at", [0, 1])
def test_a_commit_is_asked_for_again_where_it_is_not_known_what_came_of_it(fault, at):
    world = Instances()
    transaction_id = world.begin(0)
    world.execute(0, transaction_id, UPDATE, 9)
    world.side.store.fault = fault
    refused(lambda: world.commit(0, transaction_id, (UPDATE, 9)), "ServiceUnavailableException")
    assert world.balances().count(9) == (fault == "lost")
    assert world.commit(at, transaction_id, (UPDATE, 9))["ConsumedIOs"] == {"ReadIOs": 0, "WriteIOs": 1}
    assert world.balances().count(9) == 1
    assert world.begin(1 - at) != transaction_id


def test_a_commit_that_may_happen_yet_is_waited_for():
    world = Instances()
    transaction_id = world.begin(0)
    world.execute(0, transaction_id, UPDATE, 9)
    store, left = world.side.store, []

    def late(seconds):
        world.side.pauses.append(seconds)
        if len(world.side.pauses) == 3:
            RememberingLedger.commit(store, left.pop())

    def unknown(proposal):
        left.append(proposal)
        raise UnknownOutcomeError("it may be committed yet")

    session = next(iter(world.instances[0]._kept.values()))
    session._draws.pause = late
    ledger = world.instances[0]._directory.ledgers.engine
    session.machine.transaction._inner._engine = ledger._engine._replace(commit=unknown)
    assert world.commit(0, transaction_id, (UPDATE, 9))["ConsumedIOs"]["WriteIOs"] == 1
    assert world.balances().count(9) == 1
    assert len(world.side.pauses) == 3


def test_a_commit_of_which_nobody_can_say_whether_it_happened_is_not_run_again_by_drivers():
    world = Instances()
    transaction_id = world.begin(0)
    world.execute(0, transaction_id, UPDATE, 9)
    world.side.store.fault = "unknown"
    error = refused(lambda: world.commit(0, transaction_id, (UPDATE, 9)), "BadRequestException", "not known whether")
    assert error.members == {"Code": "503"}
    assert sum(world.side.pauses) == LOOKS * LOOK_SECONDS
    world.commit(1, transaction_id, (UPDATE, 9))
    assert world.balances().count(9) == 1


def test_who_looks_for_a_commit_stops_in_time():
    world = Instances()
    transaction_id = world.begin(0)
    world.execute(0, transaction_id, UPDATE, 9)
    world.side.store.fault = "unknown"
    times = [None] * 5

    def in_time():
        if not times:
            raise UnavailableError("it takes longer than it may")
        times.pop()

    refused(lambda: world.commit(0, transaction_id, (UPDATE, 9), check_time=in_time), "BadRequestException")
    assert 0 < len(world.side.pauses) < 5


@pytest.mark.parametrize("fault", ["refused", "lost"])
def test_whoever_does_not_ask_what_came_of_a_commit_may_begin_anew(fault):
    world = Instances()
    transaction_id = world.begin(0)
    world.execute(0, transaction_id, UPDATE, 9)
    world.side.store.fault = fault
    refused(lambda: world.commit(0, transaction_id, (UPDATE, 9)), "ServiceUnavailableException")
    world.begin(1)
    refused(lambda: world.commit(0, transaction_id, (UPDATE, 9)), "BadRequestException", "is not open")
    assert world.balances().count(9) == (fault == "lost")


def test_what_comes_to_something_else_when_it_is_carried_out_again_cannot_be_continued():
    world = Instances()
    transaction_id = world.begin(0)
    world.execute(0, transaction_id, READ)
    number = world.side.store.head().sequence_no
    world.side.write(UPDATE, 8)
    world.side.store._heads[number + 1] = world.side.store.head()
    refused(lambda: world.execute(1, transaction_id, READ), "InvalidSessionException", "cannot be continued")
    refused(lambda: world.commit(0, transaction_id, (READ,)), "InvalidSessionException", "cannot be continued")
    world.begin(0)


def test_a_command_that_takes_too_long_is_unavailable_and_changes_nothing():
    world = Instances()
    transaction_id = world.begin(0)

    def too_long():
        raise UnavailableError("it takes longer than it may")

    refused(lambda: world.execute(0, transaction_id, UPDATE, 8, check_time=too_long), "ServiceUnavailableException")
    world.execute(1, transaction_id, UPDATE, 9)
    world.commit(0, transaction_id, (UPDATE, 9))
    assert 9 in world.balances()
    assert 8 not in world.balances()


def test_a_statement_that_took_too_long_may_be_counted_or_not():
    world = Instances()
    transaction_id = world.begin(0)

    times = [None, UnavailableError("it takes longer than it may")]

    def too_long():
        if (error := times.pop(0)) is not None:
            raise error

    refused(lambda: world.execute(0, transaction_id, UPDATE, 8, check_time=too_long), "ServiceUnavailableException")
    world.execute(1, transaction_id, UPDATE, 9)
    world.commit(1, transaction_id, (UPDATE, 8), (UPDATE, 9))
    assert 9 in world.balances()
    assert 8 not in world.balances()


def test_commands_of_one_session_that_meet_are_all_carried_out_one_after_the_other():
    world = Instances()
    transaction_id = world.begin(0)
    text = "UPDATE Accounts AS a SET a.balance = a.balance + 1 WHERE a.accountId = 'A'"
    threads = [threading.Thread(target=lambda at=at: world.execute(at % 2, transaction_id, text)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.commit(0, transaction_id, *[(text,)] * 4)
    assert sorted(map(int, world.balances())) == [2, 5]
