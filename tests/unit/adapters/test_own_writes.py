"""A client that lost an answer asks again by itself, and then meets what it wrote: that is no conflict. And what throttling is."""

from datetime import UTC, datetime

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry, RegistryItems
from counterfoil.adapters.dynamodb.session_log import DynamoDbSessionLog
from counterfoil.errors import ConflictError, ThrottledError, UnavailableError
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.ports import SessionEvent

NOW = datetime(2026, 1, 2, tzinfo=UTC)
BANK = RegisteredLedger("bank", "0123456789abcdefABCDEF", NOW, LedgerState.CREATING, PermissionsMode.STANDARD)


@pytest.fixture
def dynamodb():
    session = botocore.session.get_session()
    session.set_credentials("test", "test")
    with Stubber(session.create_client("dynamodb", region_name="eu-central-1")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def refuse(dynamodb, item, operation="put_item"):
    """Answer the next write as if this item stood in the way."""
    dynamodb.add_client_error(
        operation,
        "ConditionalCheckFailedException",
        modeled_fields={"Item": item} if item else {},
        response_meta={},
    )


def test_an_event_that_is_ones_own_is_there(dynamodb):
    log = DynamoDbSessionLog(dynamodb.client, "sessions")
    event = SessionEvent(3, 1, b"data")
    own = {
        "session": {"S": "s"},
        "event": {"N": "3"},
        "base": {"N": "1"},
        "data": {"B": b"data"},
        "expiresAt": {"N": "1"},
    }
    refuse(dynamodb, own)
    log.append("s", event, NOW)
    for other in (own | {"data": {"B": b"other"}}, own | {"base": {"N": "3"}}, None):
        refuse(dynamodb, other)
        with pytest.raises(ConflictError):
            log.append("s", event, NOW)


def test_a_ledger_that_was_registered_before_the_answer_was_lost_is_registered(dynamodb):
    sent = []
    dynamodb.client.meta.events.register(
        "provide-client-params.dynamodb.PutItem", lambda params, **_: sent.append(params)
    )
    registry = DynamoDbLedgerRegistry(dynamodb.client, "registry")
    dynamodb.add_response("put_item", {}, dict.fromkeys(PUT, ANY))
    registry.save(None, BANK)
    own = sent[-1]["Item"]
    refuse(dynamodb, own)
    registry.save(None, BANK)
    refuse(dynamodb, own | {"document": {"S": "{}"}})
    with pytest.raises(ConflictError):
        registry.save(None, BANK)


PUT = ("TableName", "Item", "ConditionExpression", "ReturnValuesOnConditionCheckFailure")


def test_whoever_forgets_what_is_not_what_it_was_is_refused(dynamodb):
    refuse(dynamodb, {"kind": {"S": "ledger"}}, "delete_item")
    with pytest.raises(ConflictError):
        RegistryItems(dynamodb.client, "registry").replace("ledger", "bank", {"document": {"S": "{}"}}, None)


@pytest.mark.parametrize(
    ("code", "reasons", "throttled"),
    [
        ("ProvisionedThroughputExceededException", [], True),
        ("ThrottlingException", [], True),
        ("RequestLimitExceeded", [], True),
        ("SlowDown", [], True),
        ("TransactionCanceledException", ["None", "ThrottlingError"], True),
        ("TransactionCanceledException", ["ProvisionedThroughputExceeded", "ConditionalCheckFailed"], True),
        ("TransactionCanceledException", ["ValidationError"], False),
        ("InternalServerError", [], False),
        ("AccessDeniedException", [], False),
    ],
)
def test_throttling_is_told_from_what_does_not_answer(code, reasons, throttled):
    response = {"Error": {"Code": code}, "CancellationReasons": [{"Code": each} for each in reasons]}
    with pytest.raises(UnavailableError) as caught, translated("saving"):
        raise ClientError(response, "PutItem")
    assert isinstance(caught.value, ThrottledError) == throttled
