"""qldb-session: how sessions begin and end, and who may use them."""

import threading

import pytest

from counterfoil.protocol.faults import ProtocolError
from counterfoil.protocol.sessions import IDLE_SECONDS
from tests.scripted_ledgers import Service, refused

every = pytest.mark.usefixtures("every_kind")

SELECT = "SELECT * FROM T"


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def token(service):
    return service.session()


@every
def test_a_session_begins_with_a_token_and_says_how_long_it_took(service):
    answer = service.send(StartSession={"LedgerName": "bank"})["StartSession"]
    assert set(answer) == {"SessionToken", "TimingInformation"}
    assert answer["TimingInformation"]["ProcessingTimeMilliseconds"] >= 1


@every
def test_a_ledger_that_is_not_there_is_a_bad_request_which_drivers_do_not_repeat(service):
    error = refused(
        lambda: service.send(StartSession={"LedgerName": "nonExistentLedger"}),
        "BadRequestException",
        "The Ledger with name nonExistentLedger is not found",
    )
    assert error.status == 400
    assert error.members == {"Code": "400"}


@every
@pytest.mark.parametrize("commands", [(), ("StartTransaction", "EndSession")])
def test_a_request_holds_exactly_one_command(service, token, commands):
    request = {"SessionToken": token} | {name: {} for name in commands}
    refused(lambda: service.send(**request), "BadRequestException", "exactly one command")


@every
def test_a_command_of_a_session_needs_its_token(service):
    refused(lambda: service.send(StartTransaction={}), "BadRequestException", "SessionToken")


@every
def test_a_token_that_was_never_given_is_no_session(service):
    refused(lambda: service.begin("AAAA"), "InvalidSessionException", "No such session")


@every
def test_an_ended_session_cannot_be_used_again(service, token):
    transaction_id = service.begin(token)
    assert service.send(SessionToken=token, EndSession={})["EndSession"].keys() == {"TimingInformation"}
    assert service.engine.transactions[0].ended
    for call in (
        lambda: service.begin(token),
        lambda: service.execute(token, transaction_id, SELECT),
        lambda: service.send(SessionToken=token, EndSession={}),
    ):
        refused(call, "InvalidSessionException", "No such session")


@every
def test_an_idle_session_ends_after_a_quarter_of_an_hour_and_says_so(service, token):
    service.begin(token)
    service.seconds.now += IDLE_SECONDS - 1
    service.abort(token)
    service.seconds.now += IDLE_SECONDS - 1
    service.begin(token)
    service.seconds.now += IDLE_SECONDS
    refused(lambda: service.abort(token), "InvalidSessionException", "Session request-1 has expired")
    refused(lambda: service.abort(token), "InvalidSessionException", "No such session")
    assert service.engine.transactions[-1].ended


def test_sessions_are_limited_and_idle_ones_make_room():
    service = Service(max_sessions=3)
    tokens = [service.session() for _ in range(3)]
    refused(service.session, "LimitExceededException", "3 sessions are active")
    service.seconds.now += IDLE_SECONDS - 1
    service.abort(tokens[1])
    service.seconds.now += 1
    assert service.session()
    assert service.sessions.count == 2
    service.abort(tokens[1])


def test_sweeping_closes_what_its_time_is_up_and_spares_what_is_in_use(service, token):
    service.begin(token)
    other = service.session()
    service.begin(other)
    expired, in_time = service.engine.transactions
    expired.expired = True
    service.sessions.sweep()
    assert (expired.ended, in_time.ended) == (True, False)
    service.seconds.now += IDLE_SECONDS
    session = service.sessions._by_token[other]
    with session.lock:
        service.sessions.sweep()
    assert service.sessions.count == 1
    service.sessions.sweep()
    assert service.sessions.count == 0
    assert in_time.ended


def test_sessions_of_a_deleted_ledger_end(service, token):
    service.begin(token)
    service.sessions.forget_ledger("another")
    assert service.sessions.count == 1
    service.sessions.forget_ledger("bank")
    assert service.engine.transactions[0].ended
    refused(lambda: service.abort(token), "InvalidSessionException", "No such session")


def test_commands_of_one_session_wait_for_each_other(service, token):
    transaction_id = service.begin(token)
    service.engine.pause = threading.Event()
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(service.execute(token, transaction_id, SELECT)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    assert service.engine.entered.wait(10)
    service.engine.pause.set()
    for thread in threads:
        thread.join(10)
    assert len(answers) == 4
    assert not service.engine.overlapped


def test_a_command_that_waited_while_its_session_ended_is_told_so(service, token):
    transaction_id = service.begin(token)
    service.engine.pause = threading.Event()
    first = threading.Thread(target=lambda: service.execute(token, transaction_id, SELECT))
    first.start()
    assert service.engine.entered.wait(10)
    errors = []

    def wait_behind():
        try:
            service.begin(token)
        except ProtocolError as error:
            errors.append(str(error))

    second = threading.Thread(target=wait_behind)
    second.start()
    service.sessions._by_token.pop(token)
    service.engine.pause.set()
    first.join(10)
    second.join(10)
    assert errors == ["No such session"]
