"""What every SessionLog guarantees."""

import threading
from datetime import UTC, datetime

import pytest

from counterfoil.adapters.dynamodb.session_log import PAGE_EVENTS, PIECE_BYTES, DynamoDbSessionLog
from counterfoil.adapters.memory.session_log import MemorySessionLog
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.ports import SessionEvent
from tests.contract.conftest import BOTH

EXPIRES = datetime(2036, 1, 1, tzinfo=UTC)
SESSION = "0" * 64


@pytest.fixture(params=BOTH)
def log(request):
    if request.param == "memory":
        return MemorySessionLog()
    ddb_table = request.getfixturevalue("make_ddb_table")("SessionsTable")
    return DynamoDbSessionLog(request.getfixturevalue("clients")("dynamodb"), ddb_table)


def append(log, *events, session=SESSION):
    for event in events:
        log.append(session, event, EXPIRES)


def test_a_session_that_never_was_has_no_events(log):
    assert list(log.events(SESSION)) == []


def test_events_come_back_from_the_base_of_the_last_one_on(log):
    bases = [0, 0, 2, 2, 2, 5]
    events = [SessionEvent(number, base, f"event {number}".encode()) for number, base in enumerate(bases)]
    seen = []
    for event in events:
        append(log, event)
        seen.append([each.number for each in log.events(SESSION)])
    assert seen == [[0], [0, 1], [2], [2, 3], [2, 3, 4], [5]]
    assert list(log.events(SESSION)) == events[5:]


def test_events_of_a_long_transaction_are_all_there(log):
    count = 2 * PAGE_EVENTS + 3
    events = [SessionEvent(0, 0, b""), *(SessionEvent(number, 1, bytes([number])) for number in range(1, count))]
    append(log, *events)
    assert list(log.events(SESSION)) == events[1:]


def test_sessions_know_nothing_of_each_other(log):
    append(log, SessionEvent(0, 0, b"a"))
    append(log, SessionEvent(0, 0, b"b"), session="1" * 64)
    assert [each.data for each in log.events(SESSION)] == [b"a"]


def test_a_stale_writer_is_refused(log):
    append(log, SessionEvent(0, 0, b"a"), SessionEvent(1, 0, b"b"))
    for stale in (SessionEvent(1, 0, b"c"), SessionEvent(1, 1, b"b"), SessionEvent(0, 0, b"b")):
        with pytest.raises(ConflictError):
            append(log, stale)
    assert [each.data for each in log.events(SESSION)] == [b"a", b"b"]


def test_the_same_event_again_changes_nothing(log):
    for _ in range(2):
        append(log, SessionEvent(0, 0, b"a"))
    assert [each.data for each in log.events(SESSION)] == [b"a"]


@pytest.mark.parametrize("size", [PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_an_event_may_be_large(log, size):
    data = bytes(range(256)) * (size // 256 + 1)
    event = SessionEvent(0, 0, data[:size])
    append(log, event, SessionEvent(1, 0, b"small"))
    with pytest.raises(ConflictError):
        append(log, SessionEvent(0, 0, data[1 : size + 1]))
    assert list(log.events(SESSION)) == [event, SessionEvent(1, 0, b"small")]


def test_of_many_writers_of_one_event_one_wins(log):
    won, lost = [], []

    def write(number):
        try:
            append(log, SessionEvent(0, 0, bytes([number])))
            won.append(bytes([number]))
        except ConflictError:
            lost.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    assert [each.data for each in log.events(SESSION)] == won


@pytest.mark.end_to_end
@pytest.mark.xdist_group("emulator")
def test_what_was_forgotten_in_front_of_the_last_events_ends_the_session(clients, make_ddb_table):
    ddb_table = make_ddb_table("SessionsTable")
    log = DynamoDbSessionLog(clients("dynamodb"), ddb_table)
    append(log, *(SessionEvent(number, 0, b"") for number in range(3)))
    clients("dynamodb").delete_item(TableName=ddb_table, Key={"session": {"S": SESSION}, "event": {"N": "0"}})
    assert list(log.events(SESSION)) == []


@pytest.mark.end_to_end
@pytest.mark.xdist_group("emulator")
def test_an_aws_that_does_not_answer_is_unavailable(gone):
    log = DynamoDbSessionLog(gone("dynamodb"), "none")
    for call in (lambda: log.events(SESSION), lambda: append(log, SessionEvent(0, 0, b""))):
        with pytest.raises(UnavailableError):
            call()
