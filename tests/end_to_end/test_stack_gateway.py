"""What a caller and the functions themselves do to the embedded stack: the URL, events, faults, a deployment meanwhile."""

import json
import threading
import time
from dataclasses import replace

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from lab.gateway import NO_AWS_FAULTS, AwsFaults, Fate, Strike
from lab.stack import TELLER

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("stack_machinery")]

DEADLINE = 120


@pytest.fixture
def stack(small_stack):
    yield small_stack
    small_stack.gateway.faults = NO_AWS_FAULTS


@pytest.fixture
def ask(stack):
    """Sends a signed request to the desk; its status and its headers and document."""
    session = URLLib3Session(timeout=60)

    def send(document, principal=TELLER):
        url = stack.url("DeskFunction") + "/"
        request = AWSRequest(method="POST", url=url, data=json.dumps(document).encode())
        SigV4Auth(Credentials(principal.access_key_id, principal.secret), "lambda", "us-east-1").add_auth(request)
        answer = session.send(request.prepare())
        return answer.status_code, answer.headers, json.loads(answer.content)

    yield send
    session.close()


def seen(stack):
    items = stack.client("dynamodb").scan(TableName=stack.physical_id("SeenTable"), ConsistentRead=True)["Items"]
    return {item["letter"]["S"] for item in items}


def echoes(stack):
    return stack.client("dynamodb").scan(TableName=stack.physical_id("EchoTable"), ConsistentRead=True)["Items"]


def test_a_caller_with_a_key_is_answered_and_the_function_knows_who_it_is(stack, ask):
    status, headers, document = ask({"put": "desk"})
    assert (status, document) == (201, {"caller": TELLER.user_arn})
    assert headers["x-amzn-requestid"]
    assert "desk" in seen(stack)
    assert ask({}, replace(TELLER, secret="wrong"))[0] == 403


def test_a_crash_and_a_timeout_are_answered_and_the_next_caller_is_not_hurt(ask):
    assert ask({"crash": True})[0] == 502
    assert ask({"sleep": 30})[0] == 504
    assert ask({})[0] == 201


def test_requests_are_counted_by_function(stack, ask):
    before = stack.gateway.usage()
    ask({"put": "counted"})
    used = (stack.gateway.usage() - before).of("dynamodb", "DeskFunction")
    ((kind, tally),) = used.tallies.items()
    assert kind.operation == "PutItem"
    assert kind.ddb_table == stack.physical_id("SeenTable")
    assert (tally.requests, tally.write_units) == (1, 1.0)


def test_a_function_hands_events_on_until_they_are_done(stack, ask):
    letters = [f"relayed {number}" for number in range(5)]
    assert ask({"relay": {"letters": letters}})[0] == 201
    stack.drain(DEADLINE)
    assert set(letters) <= seen(stack)


def test_an_event_that_fails_each_time_ends_in_the_queue(stack, ask):
    ask({"relay": {"letters": ["x"]}})
    stack.drain(DEADLINE)
    sqs = stack.client("sqs")
    (message,) = sqs.receive_message(QueueUrl=stack.physical_id("GivenUp"), WaitTimeSeconds=5)["Messages"]
    record = json.loads(message["Body"])
    assert record["requestPayload"] == {"letters": ["x"]}
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responsePayload"]["errorMessage"] == "poison"


def test_a_function_that_dies_behind_its_write_has_written_and_is_tried_again(stack, ask):
    strike = Strike(
        "RelayFunction", Fate.KILLED_AFTER, concerns=lambda _service, operation, _body: operation == "PutItem"
    )
    stack.gateway.strike(strike)
    ask({"relay": {"letters": ["struck", "behind it"]}})
    stack.drain(DEADLINE)
    assert strike.struck
    assert {"struck", "behind it"} <= seen(stack)
    assert stack.gateway.struck[Fate.KILLED_AFTER] == 1


def test_a_client_of_aws_bears_throttling_in_the_midst_of_its_work(stack, ask):
    stack.gateway.faults = AwsFaults(throttled=0.2, services=frozenset({"dynamodb"}))
    before = stack.gateway.struck[Fate.THROTTLED]
    put = 0
    # One request in five is throttled, by chance: as many as it takes for it to have happened.
    while put < 10 or stack.gateway.struck[Fate.THROTTLED] == before:
        assert ask({"put": f"throttled {put}"})[0] == 201
        put += 1
    assert {f"throttled {number}" for number in range(put)} <= seen(stack)


def test_whoever_is_at_work_can_be_killed(stack, ask):
    answers = []
    caller = threading.Thread(target=lambda: answers.append(ask({"put": "killed", "sleep": 1.5})))
    caller.start()
    limit = time.monotonic() + DEADLINE
    while "killed" not in seen(stack):
        assert time.monotonic() < limit
    assert stack.kill("DeskFunction") == 1
    caller.join()
    assert answers[0][0] == 502


def test_what_the_emulators_cloudformation_leaves_out_is_made_up_for(stack):
    dynamodb, ddb_table = stack.client("dynamodb"), stack.physical_id("EchoTable")
    assert dynamodb.describe_time_to_live(TableName=ddb_table)["TimeToLiveDescription"]["AttributeName"] == "expires"
    backups = dynamodb.describe_continuous_backups(TableName=ddb_table)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    rules = stack.client("s3").get_bucket_encryption(Bucket=stack.physical_id("Failed"))
    (rule,) = rules["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def test_a_deployment_over_the_running_stack_changes_what_comes_and_not_what_runs(stack, ask):
    before = ask({})[1]
    answers = []
    caller = threading.Thread(target=lambda: answers.append(ask({"sleep": 1.5})))
    caller.start()
    url = stack.url("DeskFunction")
    stack.redeploy({"Farewell": "good night"})
    caller.join()
    assert answers[0][0] == 201
    assert stack.url("DeskFunction") == url
    after = ask({"put": "after"})[1]
    assert (before["x-farewell"], after["x-farewell"]) == ("goodbye", "good night")
    assert before["x-pid"] != after["x-pid"]
    stack.drain(DEADLINE)
    assert "after1" in {item["id"]["S"] for item in echoes(stack)}
    mappings = stack.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert {mapping["State"] for mapping in mappings} == {"Disabled"}
