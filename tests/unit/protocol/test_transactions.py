"""qldb-session: transactions and statements, and what is answered when something is wrong."""

import re

import pytest

from counterfoil.errors import (
    AlreadyExistsError,
    CapacityError,
    InputError,
    IntegrityError,
    LimitError,
    NotFoundError,
    OccConflictError,
    StatementError,
    UnavailableError,
)
from counterfoil.ion.codec import encode
from counterfoil.journal.builder import Statement, digest_of_statement, hash_of_value
from counterfoil.merkle import dot, hash_of
from tests.scripted_ledgers import Service, refused

pytestmark = pytest.mark.usefixtures("every_kind")

SELECT = "SELECT * FROM T"
INSERT = "INSERT INTO T ?"
WRONG = "SELECT * FROM Nowhere"


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def token(service):
    return service.session()


def test_a_transaction_is_begun_filled_and_committed_with_the_digest_of_its_statements(service, token):
    transaction_id = service.begin(token)
    assert re.fullmatch(r"[A-Za-z0-9]{22}", transaction_id)
    service.execute(token, transaction_id, INSERT, {"IonBinary": encode({"a": 1})})
    service.execute(token, transaction_id, INSERT, {"IonText": "{a: 2}"})
    digest = service.engine.transactions[0].commit_digest
    answer = service.commit(token, transaction_id)
    assert answer["TransactionId"] == transaction_id
    assert answer["CommitDigest"] == digest
    assert answer["ConsumedIOs"] == {"ReadIOs": 0, "WriteIOs": 1}
    assert service.engine.commits == [[(INSERT, ({"a": 1},)), (INSERT, ({"a": 2},))]]


def test_a_wrong_digest_is_refused_and_the_transaction_goes_on(service, token):
    transaction_id = service.begin(token)
    service.execute(token, transaction_id, SELECT)
    for wrong in (hash_of(b"another"), b"", b"short"):
        refused(
            lambda wrong=wrong: service.commit(token, transaction_id, wrong),
            "BadRequestException",
            "Digests don't match",
        )
    assert service.engine.commits == []
    service.commit(token, transaction_id)


def digest_with(transaction_id, *statements):
    digest = hash_of_value(transaction_id)
    for text in statements:
        digest = dot(digest, digest_of_statement(Statement(text)))
    return digest


@pytest.mark.parametrize("counted", [(SELECT, WRONG, SELECT), (SELECT, SELECT)])
def test_a_client_may_catch_an_error_and_commit_whether_it_counts_the_statement_or_not(service, token, counted):
    service.engine.script[WRONG] = StatementError("Semantic", "No such table: Nowhere", 1, 15)
    transaction_id = service.begin(token)
    service.execute(token, transaction_id, SELECT)
    refused(lambda: service.execute(token, transaction_id, WRONG), "BadRequestException")
    service.execute(token, transaction_id, SELECT)
    refused(
        lambda: service.commit(token, transaction_id, digest_with(transaction_id, WRONG, SELECT, SELECT)),
        "BadRequestException",
        "Digests don't match",
    )
    service.commit(token, transaction_id, digest_with(transaction_id, *counted))
    assert service.engine.commits == [[(SELECT, ()), (SELECT, ())]]


def test_what_failed_in_one_transaction_is_not_counted_in_the_next(service, token):
    service.engine.script[WRONG] = StatementError("Semantic", "No such table: Nowhere", 1, 15)
    first = service.begin(token)
    refused(lambda: service.execute(token, first, WRONG), "BadRequestException")
    service.abort(token)
    second = service.begin(token)
    for digest in (digest_with(second, WRONG), digest_with(first, WRONG)):
        refused(
            lambda digest=digest: service.commit(token, second, digest), "BadRequestException", "Digests don't match"
        )
    service.commit(token, second, digest_with(second))


def test_a_commit_that_is_repeated_is_answered_as_the_first_time(service, token):
    transaction_id = service.begin(token)
    service.execute(token, transaction_id, SELECT)
    first = service.commit(token, transaction_id)
    assert service.commit(token, transaction_id) == first
    assert len(service.engine.commits) == 1
    refused(lambda: service.commit(token, transaction_id, hash_of(b"")), "BadRequestException", "Digests don't match")


def test_a_repeated_commit_is_not_known_once_another_transaction_began(service, token):
    first = service.begin(token)
    service.commit(token, first)
    service.begin(token)
    refused(lambda: service.commit(token, first), "BadRequestException", "is not open")


def test_two_transactions_on_one_session_are_refused(service, token):
    transaction_id = service.begin(token)
    refused(lambda: service.begin(token), "BadRequestException", f"Transaction already open: {transaction_id}")
    service.execute(token, transaction_id, SELECT)


@pytest.mark.parametrize("command", ["execute", "fetch", "commit"])
def test_a_transaction_that_is_not_open_is_refused_by_name(service, token, command):
    call = {
        "execute": lambda each: service.execute(token, each, SELECT),
        "fetch": lambda each: service.fetch(token, each, "token0009"),
        "commit": lambda each: service.commit(token, each, hash_of(b"")),
    }[command]
    refused(lambda: call("A" * 22), "BadRequestException", "A{22} is not open on this session")
    service.begin(token)
    refused(lambda: call("A" * 22), "BadRequestException", "A{22} is not open on this session")


def test_an_aborted_transaction_is_over_and_aborting_again_succeeds(service, token):
    transaction_id = service.begin(token)
    assert service.abort(token).keys() == {"TimingInformation"}
    assert service.engine.transactions[0].ended
    service.abort(token)
    refused(lambda: service.execute(token, transaction_id, SELECT), "BadRequestException", "is not open")
    assert service.begin(token) != transaction_id


def test_an_expired_transaction_says_so_in_words_that_drivers_do_not_repeat(service, token):
    transaction_id = service.begin(token)
    service.engine.transactions[0].expired = True
    for call in (
        lambda: service.execute(token, transaction_id, SELECT),
        lambda: service.execute(token, transaction_id, SELECT),
        lambda: service.fetch(token, transaction_id, "token0009"),
        lambda: service.commit(token, transaction_id),
    ):
        refused(call, "InvalidSessionException", f"^Transaction {transaction_id} has expired$")
    service.abort(token)
    service.begin(token)


def test_an_expired_transaction_does_not_hold_up_the_next(service, token):
    service.begin(token)
    service.engine.transactions[0].expired = True
    assert service.begin(token)


def test_after_a_conflict_the_transaction_is_closed_and_the_session_goes_on_without_an_abort(service, token):
    transaction_id = service.begin(token)
    service.engine.commit_error = OccConflictError("T was changed")
    for _ in range(2):  # whoever lost the answer may ask again
        error = refused(
            lambda: service.commit(token, transaction_id),
            "OccConflictException",
            r"Optimistic concurrency control \(OCC\) failure encountered while committing the transaction",
        )
        assert error.members == {}
    service.engine.commit_error = None
    second = service.begin(token)
    service.commit(token, second)


# ---- statements ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "name", "status"),
    [
        (StatementError("Parser", "expected FROM", 1, 10), "BadRequestException", 400),
        (LimitError("at most 40 documents"), "BadRequestException", 400),
        (AlreadyExistsError("Table T already exists"), "BadRequestException", 400),
        (NotFoundError("no such table"), "BadRequestException", 400),
        (InputError("malformed"), "BadRequestException", 400),
        (OccConflictError("changed"), "OccConflictException", 400),
        (CapacityError("too many commits wait"), "CapacityExceededException", 503),
        (UnavailableError("the disk is full"), "ServiceUnavailableException", 503),
        (IntegrityError("a hash does not hold"), "InternalFailure", 500),
    ],
)
def test_each_error_has_its_name_and_the_transaction_stays_open(service, token, error, name, status):
    service.engine.script[SELECT] = error
    transaction_id = service.begin(token)
    assert refused(lambda: service.execute(token, transaction_id, SELECT), name).status == status
    service.execute(token, transaction_id, INSERT)


def test_an_error_of_the_inside_is_told_to_nobody(service, token):
    service.engine.script[SELECT] = IntegrityError("secret", expected="aa", found="bb")
    transaction_id = service.begin(token)
    error = refused(lambda: service.execute(token, transaction_id, SELECT), "InternalFailure")
    assert "secret" not in str(error)


def test_the_place_of_a_mistake_is_in_the_message(service, token):
    service.engine.script["SELECT * FRM T"] = StatementError("Parser", "expected FROM but found: 'FRM'", 1, 10)
    transaction_id = service.begin(token)
    error = refused(
        lambda: service.execute(token, transaction_id, "SELECT * FRM T"),
        "BadRequestException",
        "^Parser Error: at line 1, column 10: expected FROM but found: 'FRM'$",
    )
    assert error.members == {"Code": "412"}


def test_a_store_that_fails_on_beginning_leaves_the_session_usable(service, token):
    service.engine.begin_error = UnavailableError("too many open files")
    refused(lambda: service.begin(token), "ServiceUnavailableException")
    service.engine.begin_error = None
    service.begin(token)


@pytest.mark.parametrize("holder", [{}, {"IonText": "1", "IonBinary": encode(1)}])
def test_a_parameter_is_text_or_binary(service, token, holder):
    transaction_id = service.begin(token)
    refused(
        lambda: service.execute(token, transaction_id, INSERT, {"IonText": "1"}, holder),
        "BadRequestException",
        r"Parameters\[1\] needs exactly one",
    )
    assert service.engine.transactions[0].executed == []


@pytest.mark.parametrize(
    "holder",
    [
        {"IonText": "{a: "},
        {"IonText": ""},
        {"IonText": "1 2"},
        {"IonBinary": b"\xe0\x01\x00\xea"},
        {"IonBinary": encode([1, 2, 3])[:-1]},
        {"IonBinary": b"not Ion at all"},
    ],
)
def test_malformed_ion_is_a_bad_request(service, token, holder):
    transaction_id = service.begin(token)
    refused(lambda: service.execute(token, transaction_id, INSERT, holder), "BadRequestException")
    assert service.engine.transactions[0].executed == []


def test_parameters_are_bounded_in_each_form(service, token):
    transaction_id = service.begin(token)
    fits = encode("x" * 131_000)
    service.execute(token, transaction_id, INSERT, {"IonBinary": fits}, {"IonText": '"' + "x" * 1_048_574 + '"'})
    for holder, message in (
        ({"IonBinary": encode("x" * 131_072)}, "at most 131072"),
        ({"IonText": '"' + "x" * 1_048_575 + '"'}, "at most 1048576"),
    ):
        refused(
            lambda holder=holder: service.execute(token, transaction_id, INSERT, holder), "BadRequestException", message
        )
