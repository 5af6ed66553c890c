"""The way from the functions to AWS: handed on unchanged, counted, and made to fail, in front of a stand-in for the emulator."""

import json
import threading
import time
import zlib
from contextlib import contextmanager
from types import SimpleNamespace

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from lab.gateway import NO_AWS_FAULTS, AsyncFunction, AwsFaults, Fate, Gateway, Strike
from lab.gateway.faults import Chance
from lab.invocation import InvocationResult, Outcome
from lab.local_server import LocalServer

ENVIRONMENT = "LedgerApiFunction.7"
FUNCTION = AsyncFunction("Exporter", "stack-Exporter", "arn:aws:lambda:us-east-1:000000000000:function:stack-Exporter")


class Upstream:
    """Answers every request with the same document, and keeps what it was asked."""

    def __init__(self):
        self.requests = []
        self.answer = {}
        self.status = 200

    async def __call__(self, scope, receive, send):
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        target = headers.get("x-amz-target", "").rpartition(".")[2]
        path = scope["raw_path"].decode()
        self.requests.append(
            SimpleNamespace(method=scope["method"], path=path, headers=headers, body=body, target=target)
        )
        answer = self.answer(json.loads(body)) if callable(self.answer) else self.answer
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        length, head = len(data), scope["method"] == "HEAD"
        answered = [(b"content-length", str(length).encode()), (b"x-amz-crc32", str(zlib.crc32(data)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": answered})
        await send({"type": "http.response.body", "body": b"" if head else data})

    @property
    def bodies(self):
        return [json.loads(each.body) for each in self.requests]


class Hosts:
    def __init__(self):
        self.invocations, self.killed = [], []
        self.results = []

    def invoke(self, function_id, payload, request_id=""):
        self.invocations.append((function_id, payload, request_id))
        return self.results.pop(0) if self.results else InvocationResult(Outcome.ANSWERED, b'"done"', "r")

    def kill(self, environment_name):
        self.killed.append(environment_name)
        return 1


@pytest.fixture
def upstream():
    return Upstream()


@pytest.fixture
def hosts():
    return Hosts()


@pytest.fixture
def gateway(upstream, hosts):
    with LocalServer(upstream, "upstream") as server:
        made = Gateway(server.url, lambda _: 0.01, NO_AWS_FAULTS, seed=1)
        made.functions, made.hosts = [FUNCTION], hosts
        yield made
        made.close()


@contextmanager
def client_of(gateway, service="dynamodb", attempts=1, **settings):
    config = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"}, user_agent_appid=ENVIRONMENT, **settings
    )
    client = botocore.session.Session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=gateway.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )
    yield client
    client.close()


def put(client, number=1, size=10):
    return client.put_item(TableName="Journal", Item={"n": {"N": str(number)}, "block": {"B": b"x" * size}})


def test_requests_and_answers_pass_unchanged(gateway, upstream):
    upstream.answer = {"Item": {"n": {"N": "7"}}}
    with client_of(gateway) as client:
        assert client.get_item(TableName="Journal", Key={"n": {"N": "7"}})["Item"] == {"n": {"N": "7"}}
    (request,) = upstream.requests
    assert request.target == "GetItem"
    assert request.headers["host"] == gateway.url.removeprefix("http://")
    assert upstream.bodies[0] == {"TableName": "Journal", "Key": {"n": {"N": "7"}}, "ReturnConsumedCapacity": "TOTAL"}


def test_objects_pass_byte_for_byte(gateway, upstream):
    upstream.answer = b""
    with client_of(gateway, "s3", s3={"addressing_style": "path"}) as client:
        client.put_object(Bucket="exports", Key="a/b c", Body=b"y" * 200_000)
        upstream.answer = bytes(range(256)) * 1000
        assert client.get_object(Bucket="exports", Key="a/b c")["Body"].read() == upstream.answer
        assert client.head_object(Bucket="exports", Key="a/b c")["ContentLength"] == 256_000
    assert upstream.requests[0].body == b"y" * 200_000
    assert [(each.method, each.path) for each in upstream.requests] == [
        (method, "/exports/a/b%20c") for method in ("PUT", "GET", "HEAD")
    ]
    operations = {kind.operation: tally.requests for kind, tally in gateway.usage().tallies.items()}
    assert operations == {"PUT object": 1, "GET object": 1, "HEAD object": 1}


def test_calls_are_counted_by_function_service_operation_and_table(gateway, upstream):
    upstream.answer = {"ConsumedCapacity": {"TableName": "Journal", "CapacityUnits": 3.0}}
    with client_of(gateway) as client:
        put(client)
        before = gateway.usage()
        put(client)
        put(client)
    ((kind, tally),) = (gateway.usage() - before).tallies.items()
    assert kind == ("LedgerApiFunction", "dynamodb", "PutItem", "Journal")
    assert (tally.requests, tally.write_units, tally.read_units) == (2, 6.0, 0.0)
    assert gateway.usage().of("dynamodb").total.requests == 3
    assert gateway.usage().of("kinesis").total.requests == 0


def test_whoever_listens_is_told_of_every_call(gateway, upstream):
    heard = []
    gateway.listen(heard.append)
    upstream.status = 400
    upstream.answer = {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no table"}
    with client_of(gateway) as client, pytest.raises(ClientError):
        put(client)
    (call,) = heard
    assert (call.operation, call.status, call.function_id) == ("PutItem", 400, "LedgerApiFunction")
    assert json.loads(call.request)["Item"]["n"] == {"N": "1"}
    assert gateway.usage().total.refused == 1


def test_an_emulator_that_is_gone_is_a_broken_connection(hosts):
    gateway = Gateway("http://127.0.0.1:9", lambda _: 0.01, NO_AWS_FAULTS, seed=1)
    with client_of(gateway) as client, pytest.raises(ConnectionClosedError):
        put(client)
    gateway.close()


# ---- faults ----------------------------------------------------------------------------------------------------------


def test_a_throttled_request_is_not_handed_on(gateway, upstream):
    gateway.faults = AwsFaults(throttled=1.0)
    with client_of(gateway) as client, pytest.raises(ClientError) as caught:
        put(client)
    assert caught.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    assert upstream.requests == []


def test_only_the_services_and_functions_that_are_named_are_struck(gateway, upstream):
    gateway.faults = AwsFaults(throttled=1.0, services=frozenset({"kinesis"}))
    with client_of(gateway) as client:
        put(client)
    gateway.faults = AwsFaults(throttled=1.0, functions=frozenset({"Other"}))
    with client_of(gateway) as client:
        put(client)
    assert len(upstream.requests) == 2


@pytest.mark.parametrize(
    ("fate", "done", "killed"),
    [
        (Fate.LOST_REQUEST, 0, []),
        (Fate.LOST_ANSWER, 1, []),
        (Fate.KILLED_BEFORE, 0, [ENVIRONMENT]),
        (Fate.KILLED_AFTER, 1, [ENVIRONMENT]),
    ],
)
def test_a_connection_is_cut_before_or_after_the_effect(gateway, upstream, hosts, fate, done, killed):
    gateway.faults = AwsFaults(**{fate.name.lower(): 1.0})
    with client_of(gateway) as client, pytest.raises(HTTPClientError):
        put(client)
    assert len(upstream.requests) == done
    assert hosts.killed == killed


def test_a_late_request_is_done_after_its_caller_was_cut_off(gateway, upstream):
    gateway.faults = AwsFaults(late=1.0, late_seconds=0.2)
    with client_of(gateway) as client, pytest.raises(HTTPClientError):
        put(client)
    assert upstream.requests == []
    wait_for(lambda: len(upstream.requests) == 1)


def test_a_strike_hits_the_one_request_that_it_is_meant_for(gateway, upstream):
    to_other = Strike(
        "LedgerApiFunction", Fate.THROTTLED, concerns=lambda service, _operation, _body: service == "kinesis"
    )
    gateway.strike(Strike("LedgerApiFunction", Fate.THROTTLED, number=2), to_other)
    with client_of(gateway) as client:
        put(client, 1)
        with pytest.raises(ClientError):
            put(client, 2)
        put(client, 3)
    assert [body["Item"]["n"]["N"] for body in upstream.bodies] == ["1", "3"]
    assert not to_other.struck


def test_a_transaction_meets_another_one(gateway, upstream):
    gateway.faults = AwsFaults(conflicting=1.0)
    with client_of(gateway) as client, pytest.raises(ClientError) as caught:
        client.transact_write_items(TransactItems=[{"Put": {"TableName": "Journal", "Item": {"n": {"N": "1"}}}}] * 2)
    assert caught.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert [each["Code"] for each in caught.value.response["CancellationReasons"]] == ["TransactionConflict", "None"]
    assert upstream.requests == []


def test_a_part_of_put_records_is_refused_and_the_rest_is_in_its_place(gateway, upstream):
    upstream.answer = lambda request: {
        "FailedRecordCount": 0,
        "Records": [{"SequenceNumber": each["PartitionKey"], "ShardId": "s"} for each in request["Records"]],
    }
    gateway.faults = AwsFaults(shortened=1.0)
    records = [{"Data": b"d", "PartitionKey": str(number)} for number in range(20)]
    with client_of(gateway, "kinesis") as client:
        answer = client.put_records(StreamName="journal", Records=records)
    failed = [number for number, each in enumerate(answer["Records"]) if "ErrorCode" in each]
    assert 0 < answer["FailedRecordCount"] == len(failed) < 20
    done = [each["SequenceNumber"] for each in answer["Records"] if "ErrorCode" not in each]
    assert done == [str(number) for number in range(20) if number not in failed]
    assert [each["PartitionKey"] for each in upstream.bodies[0]["Records"]] == done


def test_a_part_of_a_batch_is_left_unprocessed(gateway, upstream):
    gateway.faults = AwsFaults(shortened=1.0)
    items = [{"PutRequest": {"Item": {"n": {"N": str(number)}}}} for number in range(10)]
    keys = [{"n": {"N": str(number)}} for number in range(10)]
    with client_of(gateway) as client:
        left = client.batch_write_item(RequestItems={"A": items[:5], "B": items[5:]})["UnprocessedItems"]
        unread = client.batch_get_item(RequestItems={"A": {"Keys": keys, "ConsistentRead": True}})["UnprocessedKeys"]
    written, read = ([] if body is None else body["RequestItems"] for body in upstream.bodies)
    assert 0 < sum(map(len, left.values())) < 10
    assert sorted(map(str, [*left.get("A", []), *written.get("A", [])])) == sorted(map(str, items[:5]))
    assert sorted(map(str, [*left.get("B", []), *written.get("B", [])])) == sorted(map(str, items[5:]))
    assert unread["A"]["ConsistentRead"] is True
    assert sorted(map(str, unread["A"]["Keys"] + read["A"]["Keys"])) == sorted(map(str, keys))


def test_a_whole_batch_that_is_left_is_not_handed_on(gateway, upstream):
    gateway.faults = AwsFaults(shortened=1.0)
    with client_of(gateway) as client:
        left = client.batch_write_item(RequestItems={"A": [{"DeleteRequest": {"Key": {"n": {"N": "1"}}}}]})
        unread = client.batch_get_item(RequestItems={"A": {"Keys": [{"n": {"N": "1"}}]}})
    with client_of(gateway, "kinesis") as client:
        answer = client.put_records(StreamName="journal", Records=[{"Data": b"d", "PartitionKey": "1"}])
    assert len(left["UnprocessedItems"]["A"]) == len(unread["UnprocessedKeys"]["A"]["Keys"]) == 1
    assert answer["FailedRecordCount"] == 1
    assert upstream.requests == []


def test_the_client_tries_again_what_was_throttled(gateway, upstream):
    gateway.strike(Strike("LedgerApiFunction", Fate.THROTTLED), Strike("LedgerApiFunction", Fate.LOST_ANSWER))
    with client_of(gateway, attempts=4) as client:
        put(client)
    assert gateway.struck[Fate.THROTTLED] == gateway.struck[Fate.LOST_ANSWER] == 1
    assert len(upstream.requests) == 2  # the second was done, its answer was lost; the third was answered


def test_one_seed_gives_one_sequence_of_fates():
    def fates(seed):
        chance = Chance(AwsFaults(throttled=0.3, lost_answer=0.3), seed)
        return [chance.fate_of("F", "dynamodb", "PutItem", b"{}") for _ in range(50)]

    assert fates(1) == fates(1) != fates(2)
    assert set(fates(1)) == {Fate.CARRIED_OUT, Fate.THROTTLED, Fate.LOST_ANSWER}


# ---- Lambda ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [FUNCTION.name, FUNCTION.arn, f"{FUNCTION.name}:$LATEST", "000000000000:function:stack-Exporter"]
)
def test_a_function_invokes_another_and_gets_its_answer(gateway, hosts, name):
    with client_of(gateway, "lambda") as client:
        answer = client.invoke(FunctionName=name, Payload=b'{"a": 1}')
    assert (answer["StatusCode"], answer["Payload"].read()) == (200, b'"done"')
    assert hosts.invocations == [("Exporter", b'{"a": 1}', "")]


def test_an_error_of_the_function_is_an_answer_and_a_refusal_is_none(gateway, hosts):
    hosts.results = [
        InvocationResult.error("ValueError", "no such block", "r"),
        InvocationResult.refused("TooManyRequestsException", "Rate Exceeded.", "r"),
    ]
    with client_of(gateway, "lambda") as client:
        answer = client.invoke(FunctionName=FUNCTION.name)
        assert answer["FunctionError"] == "Unhandled"
        assert json.load(answer["Payload"])["errorMessage"] == "no such block"
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.invoke(FunctionName=FUNCTION.name)
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.invoke(FunctionName="no-such-function")


def test_an_event_is_taken_at_once_and_tried_again(gateway, hosts):
    hosts.results = [InvocationResult.error("ValueError", "not yet", "r")] * 2
    with client_of(gateway, "lambda") as client:
        assert client.invoke(FunctionName=FUNCTION.name, InvocationType="Event", Payload=b"7")["StatusCode"] == 202
        assert client.invoke(FunctionName=FUNCTION.name, InvocationType="DryRun")["StatusCode"] == 204
    wait_for(lambda: gateway.events.pending == 0)
    assert [payload for _, payload, _ in hosts.invocations] == [b"7"] * 3
    assert len({request_id for _, _, request_id in hosts.invocations}) == 1


def test_other_operations_of_lambda_are_the_emulators(gateway, upstream):
    upstream.answer = {"FunctionName": FUNCTION.name}
    with client_of(gateway, "lambda") as client:
        assert client.get_function_configuration(FunctionName=FUNCTION.name)["FunctionName"] == FUNCTION.name


def test_connections_are_used_again_by_many_at_once(gateway, upstream):
    threads = []
    with client_of(gateway, max_pool_connections=8) as client:
        for number in range(8):
            threads.append(threading.Thread(target=lambda first=number: [put(client, first + n) for n in range(10)]))
            threads[-1].start()
        for each in threads:
            each.join()
    assert gateway.usage().total.requests == len(upstream.requests) == 80


def wait_for(condition, seconds=20):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true"
        time.sleep(0.01)
