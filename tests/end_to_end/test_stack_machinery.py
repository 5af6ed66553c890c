"""The embedded stack with a small template of its own: deployed, driven, taken down."""

import base64
import json
import os
import subprocess
import sys
import textwrap
import time
import uuid
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from lab import deployment
from lab.emulator import Emulator
from lab.mapping.aws_streams import KinesisStreamSource
from lab.mapping.batches import Batch, Item
from lab.mapping.declaration import parse_mapping
from lab.mapping.destinations import (
    BucketDestination,
    DeliveryFailedError,
    DiscardedBatch,
    QueueDestination,
    TopicDestination,
)
from lab.mapping.source import StreamRecord
from lab.stack import Options, Stack

FIXTURE = Path(__file__).parent / "fixture" / "template.yaml"
OPTIONS = Options(template=FIXTURE)
DEADLINE = 120

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("stack_machinery")]


@pytest.fixture
def stack(small_stack):
    return small_stack


def put(stack, letters, partition_key="key"):
    client = stack.client("kinesis")
    for letter in letters:
        client.put_record(StreamName=stack.outputs["StreamName"], PartitionKey=partition_key, Data=letter.encode())


def seen(stack):
    items = stack.client("dynamodb").scan(TableName=stack.physical_id("SeenTable"))["Items"]
    return {item["letter"]["S"]: int(item["times"]["N"]) for item in items}


def echoes(stack):
    items = stack.client("dynamodb").scan(TableName=stack.physical_id("EchoTable"))["Items"]
    return {item["id"]["S"] for item in items}


def discarded(stack):
    client, bucket = stack.client("s3"), stack.physical_id("Failed")
    keys = [each["Key"] for each in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys}


def gone(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


def wait_for(condition):
    limit = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true"
        time.sleep(0.05)


def test_a_record_runs_through_every_function_exactly_once(stack):
    put(stack, "ABCDE")
    stack.drain(DEADLINE)
    assert {letter: times for letter, times in seen(stack).items() if letter in "ABCDE"} == dict.fromkeys("ABCDE", 1)
    assert {"A1", "B1", "C1", "D1", "E1"} <= echoes(stack)


def test_poison_and_a_crash_end_in_the_bucket_and_their_neighbours_do_not(stack):
    put(stack, "abxc!d", "other key")
    stack.drain(DEADLINE)
    assert set("abcd") <= set(seen(stack))
    assert not {"x", "!"} & set(seen(stack))
    records = discarded(stack)
    payloads = [json.loads(record["payload"])["Records"] for record in records.values()]
    assert sorted(record["kinesis"]["data"] for records in payloads for record in records) == ["IQ==", "eA=="]
    uuid = stack.deployment.mappings["ConsumerFunctionLetters"][1].uuid
    assert all(key.startswith(f"aws/lambda/{uuid}/shardId-") for key in records)
    assert stack.metrics["ConsumerFunctionLetters"].on_failure_destination_delivered_event_count == 2


def test_what_a_function_prints_can_be_read(stack):
    put(stack, "L")
    stack.drain(DEADLINE)
    wait_for(lambda: "saw L" in stack.logs("ConsumerFunction"))


def test_the_emulators_own_mappings_and_schedules_are_disabled(stack):
    mappings = stack.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert [mapping["State"] for mapping in mappings] == ["Disabled", "Disabled"]
    schedules = stack.client("scheduler").list_schedules()["Schedules"]
    assert [schedule["State"] for schedule in schedules] == ["DISABLED"]


def test_a_scheduled_function_runs_when_its_schedule_is_called(stack):
    answer = stack.tick("TimekeeperFunctionSoon").answer
    assert answer == {"event": {"tick": "soon"}, "name": stack.physical_id("TimekeeperFunction"), "greeting": "hello"}
    assert stack.invoke("TimekeeperFunction", {"tick": 1}).answer["event"] == {"tick": 1}


def test_shards_made_by_a_split_are_found_and_read_from_their_beginning(stack):
    stack.drain(DEADLINE)
    client, name = stack.client("kinesis"), stack.outputs["StreamName"]
    parent = client.list_shards(StreamName=name)["Shards"][0]
    low, high = (int(parent["HashKeyRange"][end]) for end in ("StartingHashKey", "EndingHashKey"))
    client.split_shard(StreamName=name, ShardToSplit=parent["ShardId"], NewStartingHashKey=str((low + high) // 2))
    for letter, place in (("m", low), ("n", high)):
        client.put_record(StreamName=name, PartitionKey="k", ExplicitHashKey=str(place), Data=letter.encode())
    wait_for(lambda: {"m", "n"} <= set(seen(stack)))


def test_while_the_stack_is_paused_nothing_is_delivered(stack):
    stack.drain(DEADLINE)
    stack.pause()
    put(stack, "p")
    assert "p" not in seen(stack)
    stack.resume()
    stack.drain(DEADLINE)
    assert seen(stack)["p"] == 1


def test_a_paused_stack_can_be_drained(stack):
    stack.pause()
    put(stack, "q")
    stack.drain(DEADLINE)
    assert seen(stack)["q"] == 1
    stack.resume()


def test_two_stacks_run_side_by_side_and_leave_nothing_behind(stack):
    greeting = 'bon jour, "you"'
    with Stack.up({"Greeting": greeting, "BatchSize": "3"}, OPTIONS) as other:
        pid = other.emulator.pid
        folder = Path(f"/proc/{pid}/cwd").readlink()
        put(other, "z")
        other.drain(DEADLINE)
        assert other.invoke("TimekeeperFunction", None).answer["greeting"] == greeting
        assert other.deployment.mappings["ConsumerFunctionLetters"][1].batch_size == 3
        assert seen(other) == {"z": 1}
        assert "z" not in seen(stack)
        assert folder.is_dir()
    assert gone(pid)
    assert not folder.exists()
    assert stack.invoke("TimekeeperFunction", None).answer["greeting"] == "hello"


def test_a_second_build_of_the_same_sources_is_a_look_up(stack, monkeypatch):
    monkeypatch.setattr(deployment, "_run_sam", lambda *_arguments: pytest.fail("built again"))
    assert (deployment.build(FIXTURE) / "template.yaml").exists()


def test_the_emulator_listens_on_this_machine_only(stack):
    sockets = {str(link.readlink()) for link in Path(f"/proc/{stack.emulator.pid}/fd").iterdir() if link.exists()}
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{stack.emulator.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                listening.append(fields[1].partition(":")[0])
    assert listening == ["0100007F"]


def test_the_emulator_dies_with_a_parent_that_is_killed(tmp_path):
    script = f"""
        import os, pathlib, signal
        from lab.emulator import Emulator
        emulator = Emulator(pathlib.Path({str(tmp_path)!r}))
        print(emulator.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == -9
    wait_for(lambda: gone(int(done.stdout)))


@pytest.fixture
def discarded_batch():
    record = StreamRecord("7", "key", 1_600_000_000.0, {"data": "YQ=="})
    mapping = parse_mapping(
        {"StartingPosition": "LATEST"},
        uuid="u",
        source_arn="arn:aws:kinesis:us-east-1:000000000000:stream/s",
        function_arn="f",
        role_arn="r",
    )
    return DiscardedBatch(
        mapping=mapping,
        shard_id="shardId-000000000000",
        batch=Batch((Item(record, b"{}", 0.0),), invocations=3),
        condition="RetryAttemptsExhausted",
        result=None,
        discarded_at=1_600_000_060.0,
        record_id=uuid.UUID(int=1),
    )


def test_a_queue_gets_the_metadata_directly_and_through_a_topic(stack, discarded_batch):
    sqs, sns = stack.client("sqs"), stack.client("sns")
    url = sqs.create_queue(QueueName="failed")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="failed")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    QueueDestination(sqs, arn).deliver(discarded_batch)
    TopicDestination(sns, topic).deliver(discarded_batch)
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
    assert [json.loads(message["Body"]) for message in messages] == [discarded_batch.metadata()] * 2


def test_a_destination_that_does_not_exist_fails_the_delivery(stack, discarded_batch):
    with pytest.raises(DeliveryFailedError):
        BucketDestination(stack.client("s3"), "arn:aws:s3:::no-such-bucket").deliver(discarded_batch)


def test_a_cursor_outlives_its_iterator_and_each_starting_position_means_what_it_says(stack):
    client = stack.client("kinesis")
    client.create_stream(StreamName="positions", ShardCount=1)
    wait_for(lambda: client.describe_stream(StreamName="positions")["StreamDescription"]["StreamStatus"] == "ACTIVE")
    arn = client.describe_stream(StreamName="positions")["StreamDescription"]["StreamARN"]
    put = partial(client.put_record, StreamName="positions", PartitionKey="k")
    put(Data=b"a")
    put(Data=b"b")
    source = KinesisStreamSource(client, arn)
    (shard,) = source.shards()
    latest = source.open(shard.shard_id, "LATEST", 0.0)
    put(Data=b"c")

    def read(cursor):
        records = KinesisStreamSource(client, arn).read(shard.shard_id, cursor, 10).records
        return [base64.b64decode(record.content["data"]) for record in records]

    assert read(latest) == [b"c"]
    assert read(source.open(shard.shard_id, "TRIM_HORIZON", 0.0)) == [b"a", b"b", b"c"]
    assert read(source.open(shard.shard_id, "AT_TIMESTAMP", 0.0)) == [b"a", b"b", b"c"]
    assert read(source.open(shard.shard_id, "AT_TIMESTAMP", time.time() + 60)) == []


def test_an_emulator_can_be_used_alone(tmp_path):
    with Emulator(tmp_path) as emulator:
        client = emulator.client("sqs")
        client.create_queue(QueueName="q")
        assert client.list_queues()["QueueUrls"]
        pid = emulator.pid
    assert gone(pid)
