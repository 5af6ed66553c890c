"""A session with a server: begun when needed, begun again when the server ended it, and not to be lied to."""

import pytest

from counterfoil.cli.served import ServedLedger
from counterfoil.cli.service_errors import error_of, service_errors
from counterfoil.errors import (
    AlreadyExistsError,
    CapacityError,
    ClosedError,
    ForbiddenError,
    InputError,
    IntegrityError,
    LimitError,
    NotFoundError,
    OccConflictError,
    PreconditionError,
    UnavailableError,
)
from counterfoil.ion.codec import encode
from counterfoil.protocol.faults import ProtocolError


class Server:
    """Answers as told and remembers what it was sent."""

    def __init__(self):
        self.sent = []
        self.sessions = 0
        self.answers = {}

    def __call__(self, request):
        (name,) = request.keys() - {"SessionToken"}
        self.sent.append(name)
        if name == "StartSession":
            self.sessions += 1
            return {"StartSession": {"SessionToken": f"token{self.sessions}"}}
        answer = self.answers.get(name, lambda _: {})(request[name])
        return {name: {"TransactionId": "T1", **answer}}


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def ledger(server):
    return ServedLedger("bank", server)


def test_pages_are_fetched_as_rows_are_asked_for(ledger, server):
    page = {"Values": [{"IonBinary": encode(1)}], "NextPageToken": "next"}
    server.answers["ExecuteStatement"] = lambda _: {"FirstPage": page, "ConsumedIOs": {"ReadIOs": 1, "WriteIOs": 0}}
    server.answers["FetchPage"] = lambda asked: {
        "Page": {"Values": [{"IonBinary": encode(asked["NextPageToken"])}]},
        "ConsumedIOs": {"ReadIOs": 4, "WriteIOs": 0},
    }
    results = ledger.begin().execute("SELECT * FROM t")
    assert next(results) == 1
    assert "FetchPage" not in server.sent
    assert list(results) == ["next"]
    assert results.read_ios == 5


def test_a_session_that_the_server_ended_is_begun_again(ledger, server):
    ledger.begin()
    ended = iter([True])

    def refuse(_):
        if next(ended, False):
            raise ClosedError("No such session")
        return {}

    server.answers["StartTransaction"] = refuse
    assert ledger.begin().transaction_id == "T1"
    assert server.sessions == 2


def test_a_server_that_committed_something_else_is_not_believed(ledger, server):
    server.answers["CommitTransaction"] = lambda _: {"CommitDigest": b"x" * 32}
    with pytest.raises(IntegrityError, match="T1 was committed as another one"):
        ledger.begin().commit()


def test_the_digest_that_is_sent_covers_what_was_carried_out(ledger, server):
    sent = []
    server.answers["CommitTransaction"] = lambda command: sent.append(command["CommitDigest"]) or command
    server.answers["ExecuteStatement"] = lambda _: {"FirstPage": {"Values": []}}
    for statements in ((), ("SELECT 1 FROM t",), ("SELECT 1 FROM t", "SELECT 1 FROM t")):
        transaction = ledger.begin()
        for each in statements:
            transaction.execute(each)
        transaction.commit()
    assert len(set(sent)) == 3


def test_what_is_ended_is_not_ended_again(ledger, server):
    transaction = ledger.begin()
    transaction.abort()
    transaction.abort()
    assert server.sent.count("AbortTransaction") == 1
    ledger.close()
    ledger.close()
    assert server.sent.count("EndSession") == 1


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("OccConflictException", 400, OccConflictError),
        ("InvalidSessionException", 400, ClosedError),
        ("CapacityExceededException", 503, CapacityError),
        ("LimitExceededException", 400, LimitError),
        ("ResourceNotFoundException", 404, NotFoundError),
        ("ResourceAlreadyExistsException", 409, AlreadyExistsError),
        ("ResourcePreconditionNotMetException", 412, PreconditionError),
        ("AccessDeniedException", 403, ForbiddenError),
        ("BadRequestException", 400, InputError),
        ("InternalFailure", 500, UnavailableError),
    ],
)
def test_an_answer_that_is_an_error_is_the_librarys_own(name, status, kind):
    assert type(error_of(name, status, "because")) is kind
    with pytest.raises(kind, match="because"), service_errors("here"):
        raise ProtocolError(name, "because", status)
