"""What AWS refuses, in the terms of the ports; and that a refused call has done nothing by half."""

import io
from dataclasses import replace

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from counterfoil.adapters.alerts import DynamoDbAlertLog, EventBridgeChannel, SnsChannel
from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.accounts import DynamoDbAccounts
from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
from counterfoil.adapters.kms import KmsSigner
from counterfoil.adapters.s3 import S3Quarantine
from counterfoil.detection.account import account_key
from counterfoil.detection.account_book import StateChange
from counterfoil.detection.alert import Alert
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.snapshot import Signature
from counterfoil.detection.strand import StrandState
from counterfoil.errors import ConflictError, InputError, IntegrityError, UnavailableError
from tests.audit_worlds import NOW, made_run
from tests.journals import STRAND

CONFLICTS = ["ConditionalCheckFailedException", "TransactionConflictException"]
REFUSALS = [
    *("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "InternalServerError"),
    *("ResourceNotFoundException", "AccessDeniedException", "ValidationException", "SlowDown", "KMSInternalException"),
]
FINDING = Finding("audit.gap", Severity.HIGH, "strand#7", "a block is missing", NOW, evidence={"first": "6"})


def refusal(code, message="", **response):
    return ClientError({"Error": {"Code": code, "Message": message}, **response}, "PutItem")


def raised_by(error):
    with pytest.raises(UnavailableError) as caught, translated("saving"):
        raise error
    return caught.value


@pytest.fixture
def stub():
    """Stubbed clients; what was expected must have been asked, and nothing else."""
    session = botocore.session.get_session()
    session.set_credentials("test", "test")
    stubs = []

    def make(service):
        stubs.append(Stubber(session.create_client(service, region_name="eu-central-1")))
        stubs[-1].activate()
        return stubs[-1]

    yield make
    for each in stubs:
        each.assert_no_pending_responses()
        each.client.close()


# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CONFLICTS)
def test_a_failed_condition_is_a_conflict(code):
    assert isinstance(raised_by(refusal(code)), ConflictError)


@pytest.mark.parametrize("code", REFUSALS)
def test_every_other_refusal_is_unavailable_and_names_what_and_why(code):
    error = raised_by(refusal(code, "the reason"))
    assert not isinstance(error, ConflictError)
    assert str(error) == f"saving: {code}: the reason"


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://x"),
        ReadTimeoutError(endpoint_url="http://x"),
    ],
)
def test_silence_is_unavailable_and_no_conflict(error):
    assert not isinstance(raised_by(error), ConflictError)


@pytest.mark.parametrize(
    ("reasons", "conflict"),
    [
        (["ConditionalCheckFailed"], True),
        (["None", "ConditionalCheckFailed", "None"], True),
        (["TransactionConflict"], True),
        (["TransactionConflict", "ConditionalCheckFailed"], True),
        (["ThrottlingError"], False),
        (["ConditionalCheckFailed", "ThrottlingError"], False),
        (["ProvisionedThroughputExceeded", "None"], False),
        (["ValidationError"], False),
        (["ItemCollectionSizeLimitExceeded"], False),
    ],
)
def test_a_cancelled_transaction_is_a_conflict_only_where_somebody_else_wrote(reasons, conflict):
    error = refusal("TransactionCanceledException", CancellationReasons=[{"Code": each} for each in reasons])
    assert isinstance(raised_by(error), ConflictError) is conflict


@pytest.mark.parametrize(
    ("message", "conflict"), [("[None, ConditionalCheckFailed]", True), ("[ThrottlingError]", False)]
)
def test_a_cancelled_transaction_without_reasons_is_judged_by_its_message(message, conflict):
    assert isinstance(raised_by(refusal("TransactionCanceledException", message)), ConflictError) is conflict


def test_a_long_message_is_cut():
    assert len(str(raised_by(refusal("ValidationException", "x" * 10_000)))) <= 500


@pytest.mark.parametrize("error", [ValueError("x"), InputError("x"), IntegrityError("x")])
def test_our_own_errors_are_not_translated(error):
    with pytest.raises(type(error)), translated("saving"):
        raise error


# Calls --------------------------------------------------------------------------------------------------------------


def test_state_and_runs_go_in_one_transaction(stub):
    """A run without its state would hide a fork, a state without its runs would forget blocks."""
    dynamodb = stub("dynamodb")
    sent = []
    dynamodb.client.meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", lambda params, **_: sent.extend(params["TransactItems"])
    )
    dynamodb.add_response("transact_write_items", {}, {"TransactItems": ANY})
    DynamoDbHeads(dynamodb.client, "heads").advance(StrandState(STRAND, 1), StrandState(STRAND, 2), [made_run(0, 2)])
    state, run = (each["Put"] for each in sent)
    assert state["ConditionExpression"] == "version = :version"
    assert [each["Item"]["item"]["S"] for each in (state, run)] == ["state", f"run#{0:020}#0000"]


def test_a_state_alone_is_one_put_under_a_condition(stub):
    dynamodb = stub("dynamodb")
    expected = {
        "TableName": "heads",
        "Item": ANY,
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": {"N": "1"}},
    }
    dynamodb.add_response("put_item", {}, expected)
    DynamoDbHeads(dynamodb.client, "heads").advance(StrandState(STRAND, 1), StrandState(STRAND, 2), ())


def test_a_first_save_wants_nothing_there(stub):
    dynamodb = stub("dynamodb")
    sent = []
    dynamodb.client.meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", lambda params, **_: sent.extend(params["TransactItems"])
    )
    dynamodb.add_response("transact_write_items", {}, {"TransactItems": ANY})
    DynamoDbHeads(dynamodb.client, "heads").advance(None, StrandState(STRAND, 1), ())
    assert sent[0]["Put"]["ConditionExpression"] == "attribute_not_exists(strand_id)"


@pytest.mark.parametrize(
    ("old_version", "expected"),
    [
        (None, {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": "key"}}),
        (
            7,
            {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":version": {"N": "7"}},
            },
        ),
    ],
)
def test_an_account_state_is_replaced_only_where_it_is_the_one_that_was_read(stub, old_version, expected):
    dynamodb = stub("dynamodb")
    dynamodb.add_response("put_item", {}, {"TableName": "accounts", "Item": ANY, **expected})
    change = StateChange(account_key(STRAND, "A"), old_version, "{}")
    DynamoDbAccounts(dynamodb.client, "accounts").save([change])


@pytest.mark.parametrize("codes", [CONFLICTS[0] + " ThrottlingException", "ThrottlingException " + CONFLICTS[0]])
def test_a_conflict_among_other_refusals_is_told_first(codes):
    """Whoever is behind has to load anew, and gets through then if anybody does."""
    by_key = dict(zip("AB", codes.split(), strict=True))

    class Refusing:
        def put_item(self, Item, **_):
            raise refusal(by_key[Item["key"]["S"][-1]])

    changes = [StateChange(account_key(STRAND, each), 1, "{}") for each in by_key]
    with pytest.raises(ConflictError):
        DynamoDbAccounts(Refusing(), "accounts").save(changes)


def test_a_finding_is_put_once_and_only_its_status_moves_and_only_forward(stub):
    dynamodb = stub("dynamodb")
    put = {"TableName": "findings", "Item": ANY, "ConditionExpression": "attribute_not_exists(finding_id)"}
    dynamodb.add_client_error("put_item", CONFLICTS[0], expected_params=put)
    moved = {
        "TableName": "findings",
        "Key": {"finding_id": {"S": FINDING.finding_id}},
        "UpdateExpression": "SET #status = :status",
        "ConditionExpression": "#status IN (:earlier0, :earlier1)",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            ":status": {"S": "HEALED"},
            ":earlier0": {"S": "OPEN"},
            ":earlier1": {"S": "CONFIRMED"},
        },
    }
    dynamodb.add_response("update_item", {}, moved)
    assert DynamoDbFindings(dynamodb.client, "findings").record([replace(FINDING, status=Status.HEALED)]) == 1


def test_a_finding_that_heals_before_it_was_found_is_put_like_any_other(stub):
    dynamodb = stub("dynamodb")
    put = {"TableName": "findings", "Item": ANY, "ConditionExpression": "attribute_not_exists(finding_id)"}
    dynamodb.add_response("put_item", {}, put)
    assert DynamoDbFindings(dynamodb.client, "findings").record([replace(FINDING, status=Status.HEALED)]) == 1


@pytest.mark.parametrize("runs", [(), (made_run(0, 1),)])
@pytest.mark.parametrize("code", REFUSALS[:4])
def test_a_throttled_save_of_a_head_is_one_call_that_failed_whole(stub, runs, code):
    dynamodb = stub("dynamodb")
    dynamodb.add_client_error("transact_write_items" if runs else "put_item", code, http_status_code=400)
    with pytest.raises(UnavailableError) as caught:
        DynamoDbHeads(dynamodb.client, "heads").advance(StrandState(STRAND, 1), StrandState(STRAND, 2), runs)
    assert not isinstance(caught.value, ConflictError)


def test_a_state_that_cannot_be_read_is_refused_and_never_guessed(stub):
    dynamodb = stub("dynamodb")
    item = {"version": {"N": "1"}, "state": {"S": '{"format":2}'}}
    dynamodb.add_response("get_item", {"Item": item})
    with pytest.raises(InputError, match="format 2"):
        DynamoDbHeads(dynamodb.client, "heads").load(STRAND)


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.OPEN])
def test_a_throttled_recording_is_unavailable_at_the_first_call(stub, status):
    dynamodb = stub("dynamodb")
    dynamodb.add_client_error("put_item", "ThrottlingException")
    with pytest.raises(UnavailableError):
        DynamoDbFindings(dynamodb.client, "findings").record([replace(FINDING, status=status), FINDING])


def test_bytes_that_another_writer_may_or_may_not_keep_are_to_be_kept_again(stub):
    """A 409 says that another upload is under way, which may yet fail; a 412 that the object is there."""
    s3 = stub("s3")
    s3.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
    quarantine = S3Quarantine(s3.client, "bucket")
    with pytest.raises(UnavailableError):
        quarantine.keep(b"x")
    s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    assert quarantine.keep(b"x").startswith("quarantine/")


def test_a_put_carries_the_checksum_and_wants_nothing_there(stub):
    s3 = stub("s3")
    expected = {
        "Bucket": "bucket",
        "Key": "quarantine/2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        "Body": b"x",
        "IfNoneMatch": "*",
        "ChecksumSHA256": "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=",
        "ContentType": "application/octet-stream",
    }
    s3.add_response("put_object", {}, expected)
    S3Quarantine(s3.client, "bucket").keep(b"x")


def test_bytes_are_read_from_the_body(stub):
    s3 = stub("s3")
    s3.add_response("get_object", {"Body": StreamingBody(io.BytesIO(b"data"), 4)}, {"Bucket": "bucket", "Key": "name"})
    assert S3Quarantine(s3.client, "bucket").load("name") == b"data"


@pytest.mark.parametrize(
    "code", ["KMSInternalException", "ThrottlingException", "DisabledException", "NotFoundException"]
)
def test_a_key_that_is_away_is_no_verdict(stub, code):
    kms = stub("kms")
    kms.add_client_error("verify", code)
    with pytest.raises(UnavailableError):
        KmsSigner(kms.client, "key").verify(b"m", Signature("key", "ECDSA_SHA_256", b"x"))


@pytest.mark.parametrize("invalid", ["answer", "error"])
def test_a_signature_that_kms_calls_invalid_does_not_hold(stub, invalid):
    kms = stub("kms")
    if invalid == "answer":
        kms.add_response("verify", {"SignatureValid": False})
    else:
        kms.add_client_error("verify", "KMSInvalidSignatureException")
    with pytest.raises(IntegrityError):
        KmsSigner(kms.client, "key").verify(b"m", Signature("key", "ECDSA_SHA_256", b"x"))


# Alerts -------------------------------------------------------------------------------------------------------------


def test_sns_gets_subject_text_and_attributes(stub):
    alert = Alert(FINDING)
    sns = stub("sns")
    expected = {
        "TopicArn": "arn",
        "Subject": alert.subject,
        "Message": alert.text,
        "MessageAttributes": {
            "finding_id": {"DataType": "String", "StringValue": FINDING.finding_id},
            "rule_id": {"DataType": "String", "StringValue": "audit.gap"},
            "severity": {"DataType": "String", "StringValue": "HIGH"},
            "status": {"DataType": "String", "StringValue": "OPEN"},
        },
    }
    sns.add_response("publish", {"MessageId": "1"}, expected)
    SnsChannel(sns.client, "arn").send(alert)


def test_eventbridge_gets_the_whole_finding(stub):
    import json

    events = stub("events")
    detail = {
        "finding_id": FINDING.finding_id,
        "rule_id": "audit.gap",
        "severity": "HIGH",
        "status": "OPEN",
        "alert_id": f"{FINDING.finding_id}/OPEN",
        "group_id": "alert-1",
        "alert_key": None,
        "score": 75,
        "place": "strand#7",
        "reason": "a block is missing",
        "found_at": "2025-03-03T12:00:00+00:00",
        "document_id": None,
        "evidence": {"first": "6"},
    }
    entry = {"EventBusName": "bus", "Source": "counterfoil", "DetailType": "Finding", "Detail": json.dumps(detail)}
    events.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, {"Entries": [entry]})
    EventBridgeChannel(events.client, "bus").send(Alert(FINDING, "alert-1"))


def test_an_event_that_the_bus_refuses_was_not_sent(stub):
    """PutEvents answers with success and says in the answer that it failed."""
    events = stub("events")
    events.add_response("put_events", {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]})
    with pytest.raises(UnavailableError, match="ThrottlingException"):
        EventBridgeChannel(events.client, "bus").send(Alert(FINDING))


@pytest.mark.parametrize(
    ("service", "operation", "call"),
    [
        ("sns", "publish", lambda client: SnsChannel(client, "arn").send(Alert(FINDING))),
        ("events", "put_events", lambda client: EventBridgeChannel(client, "bus").send(Alert(FINDING))),
        ("dynamodb", "get_item", lambda client: DynamoDbAlertLog(client, "alerts").was_sent("id")),
        ("dynamodb", "put_item", lambda client: DynamoDbAlertLog(client, "alerts").note_sent("id", NOW)),
        ("s3", "put_object", lambda client: S3Quarantine(client, "bucket").keep(b"x")),
        ("kms", "sign", lambda client: KmsSigner(client, "key").sign(b"m")),
        ("dynamodb", "query", lambda client: DynamoDbHeads(client, "heads").strands()),
    ],
)
def test_a_throttled_call_is_unavailable(stub, service, operation, call):
    made = stub(service)
    made.add_client_error(operation, "ThrottlingException")
    with pytest.raises(UnavailableError, match="ThrottlingException"):
        call(made.client)
