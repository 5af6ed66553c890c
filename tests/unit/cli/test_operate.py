"""``redrive`` and ``accept``: an operator's commands, on AWS's clients with canned answers."""

import io
import json

import botocore.session
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from counterfoil import wiring
from counterfoil.adapters.dynamodb.strand_item import render_state
from tests.audit_worlds import StrandWorld, verified_fields
from tests.journals import STRAND, copy_of, rehash, transfers

EVENT = {"Records": [{"kinesis": {"sequenceNumber": "1"}}, {"kinesis": {"sequenceNumber": "2"}}]}
RECORD = {"requestContext": {"functionArn": "arn:aws:lambda:eu-central-1:1:function:auditor:$LATEST"}, "payload": EVENT}


@pytest.fixture
def aws(monkeypatch):
    """Stubbed clients by service; nothing is asked that was not expected."""
    session = botocore.session.get_session()
    session.set_credentials("test", "test")
    stubs = {}

    def client(service):
        if service not in stubs:
            stubs[service] = Stubber(session.create_client(service, region_name="eu-central-1"))
            stubs[service].activate()
        return stubs[service].client

    monkeypatch.setattr(wiring, "client", client)

    def stub(service):
        client(service)
        return stubs[service]

    yield stub
    for each in stubs.values():
        each.assert_no_pending_responses()
        each.client.close()


def body_of(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return StreamingBody(io.BytesIO(data), len(data))


def lists(aws, *keys, prefix="failed/"):
    page = {"Contents": [{"Key": key} for key in keys]} if keys else {}
    aws("s3").add_response("list_objects_v2", page, {"Bucket": "bucket", "Prefix": prefix})


def holds(aws, key, contents):
    aws("s3").add_response("get_object", {"Body": body_of(contents)}, {"Bucket": "bucket", "Key": key})


def answers(aws, value, function=RECORD["requestContext"]["functionArn"], **others):
    expected = {"FunctionName": function, "Payload": ANY}
    aws("lambda").add_response("invoke", {"Payload": body_of(value), **others}, expected)


# redrive ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [EVENT, json.dumps(EVENT)], ids=["object", "text"])
@pytest.mark.parametrize("answer", [{"batchItemFailures": []}, None, {}, b""])
def test_a_failed_batch_is_delivered_again_to_the_function_that_failed(run, aws, payload, answer):
    lists(aws, "failed/1")
    holds(aws, "failed/1", {**RECORD, "payload": payload})
    answers(aws, answer)
    found = run("redrive", "bucket", "failed/", "--json")
    assert (found.status, found.err) == (0, "")
    assert found.document == {
        "holds": True,
        "delivered": [
            {"key": "failed/1", "function": RECORD["requestContext"]["functionArn"], "records": 2, "failures": []}
        ],
    }


def test_every_object_under_the_prefix_is_delivered(run, aws):
    lists(aws, "failed/1", "failed/2")
    for number, failures in ((1, []), (2, [{"itemIdentifier": "2"}])):
        holds(aws, f"failed/{number}", RECORD)
        answers(aws, {"batchItemFailures": failures})
    found = run("redrive", "bucket", "failed/")
    assert found.status == 1
    assert "failed/1" in found.out
    assert "failed from 2" in " ".join(found.out.split())


def test_another_function_may_be_named(run, aws):
    lists(aws, "failed/1")
    holds(aws, "failed/1", {"payload": EVENT})
    answers(aws, {"batchItemFailures": []}, function="other")
    assert run("redrive", "bucket", "failed/", "--function", "other").status == 0


def test_a_dry_run_delivers_nothing(run, aws):
    lists(aws, "failed/1")
    holds(aws, "failed/1", RECORD)
    found = run("redrive", "bucket", "failed/", "--dry-run")
    assert found.status == 0
    assert found.out.startswith("would deliver 2 records")


@pytest.mark.parametrize(
    ("answer", "others", "says"),
    [
        ({"errorMessage": "boom"}, {"FunctionError": "Unhandled"}, "Unhandled"),
        (b"not JSON", {}, "not an answer"),
        ("text", {}, "not an answer"),
        ({"batchItemFailures": [7]}, {}, "not an answer"),
        ({"batchItemFailures": [{}]}, {}, "not an answer"),
    ],
)
def test_an_answer_that_is_no_success_is_a_failure(run, aws, answer, others, says):
    lists(aws, "failed/1")
    holds(aws, "failed/1", RECORD)
    answers(aws, answer, **others)
    found = run("redrive", "bucket", "failed/", "--json")
    assert found.status == 1
    assert says in found.document["delivered"][0]["failures"][0]


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"not JSON",
        [],
        7,
        {},
        {"payload": None},
        {"payload": "not JSON"},
        {"payload": {"Records": None}},
        {"payload": []},
        {"payload": EVENT},
        {"payload": EVENT, "requestContext": None},
        {"payload": EVENT, "requestContext": {}},
    ],
    ids=repr,
)
def test_an_object_that_is_no_failed_batch_is_bad_input(run, aws, contents):
    lists(aws, "failed/1")
    holds(aws, "failed/1", contents)
    found = run("redrive", "bucket", "failed/", "--json")
    assert found.status == 2
    assert found.document["error"]["type"] == "InputError"


def test_where_nothing_failed_there_is_nothing_to_deliver(run, aws):
    lists(aws)
    found = run("redrive", "bucket", "failed/")
    assert (found.status, found.out) == (2, "")
    assert "nothing in bucket begins with" in " ".join(found.err.split())


@pytest.mark.parametrize("service", ["s3", "lambda"])
def test_what_is_away_is_said_with_its_own_status(run, aws, service):
    if service == "s3":
        aws("s3").add_client_error("list_objects_v2", "SlowDown", "later", 503)
    else:
        lists(aws, "failed/1")
        holds(aws, "failed/1", RECORD)
        aws("lambda").add_client_error("invoke", "TooManyRequestsException", "later", 429)
    found = run("redrive", "bucket", "failed/", "--json")
    assert found.status == 3
    assert found.document["error"]["type"] == "ThrottledError"


# accept -------------------------------------------------------------------------------------------------------------


def broken_state():
    blocks = transfers(8).blocks
    forged = copy_of(blocks[3].fields)
    forged["transactionInfo"]["statements"][0]["statement"] = "SELECT 1"
    world = StrandWorld()
    world.take(*blocks[:3], verified_fields(rehash(forged)), *blocks[4:])
    assert world.state.diverged_at == 4
    return world.state


def keeps(aws, state):
    item = {"version": {"N": str(state.version)}, "state": {"S": render_state(state)}}
    aws("dynamodb").add_response("get_item", {"Item": item} if state else {})


def test_a_diverged_strand_that_is_accepted_is_whole(run, aws):
    keeps(aws, broken_state())
    aws("dynamodb").add_response("put_item", {})
    found = run("accept", "heads", STRAND, 4, "--json")
    assert (found.status, found.err) == (0, "")
    assert found.document == {
        "holds": True, "strandId": STRAND, "acceptedAt": 4, "divergedAt": None, "first": 0, "last": 7,
    }  # fmt: skip


def test_what_is_accepted_is_said(run, aws):
    keeps(aws, broken_state())
    aws("dynamodb").add_response("put_item", {})
    found = run("accept", "heads", STRAND, 4)
    assert "from block 0 to 7" in " ".join(found.out.split())


def test_an_unknown_strand_is_bad_input(run, aws):
    aws("dynamodb").add_response("get_item", {})
    assert run("accept", "heads", STRAND, 4).status == 2


def test_where_nothing_is_broken_there_is_nothing_to_accept(run, aws):
    keeps(aws, broken_state())
    found = run("accept", "heads", STRAND, 5, "--json")
    assert (found.status, found.document["error"]["type"]) == (1, "IntegrityError")


def test_a_strand_that_moved_on_meanwhile_is_left_alone(run, aws):
    keeps(aws, broken_state())
    aws("dynamodb").add_client_error("put_item", "ConditionalCheckFailedException", "moved on", 400)
    found = run("accept", "heads", STRAND, 4, "--json")
    assert (found.status, found.document["error"]["type"]) == (3, "ConflictError")
