"""What every StreamSink guarantees, and what the directory that stands in for Kinesis holds."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count

import pytest

from counterfoil.adapters.kinesis import KinesisSink
from counterfoil.adapters.memory import MemoryStream
from counterfoil.adapters.outbox import Outbox
from counterfoil.errors import InputError, NotFoundError, UnavailableError
from counterfoil.journal.publication import OuterRecord
from counterfoil.lambda_events import parse_kinesis_event
from tests.contract.conftest import AWS, ON_EMULATOR

ALL = ["memory", "outbox", pytest.param("aws", marks=ON_EMULATOR)]
NUMBERS = count(1)


def clock():
    return datetime(2026, 1, 1, tzinfo=UTC)


def events_of(directory):
    return [json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))]


def records_in(directory):
    return [
        OuterRecord(each.partition_key, each.data)
        for event in events_of(directory)
        for each in parse_kinesis_event(event)
    ]


@pytest.fixture
def kinesis(clients):
    return clients("kinesis")


def of_kinesis(client, name):
    shard = client.describe_stream(StreamName=name)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = client.get_records(ShardIterator=iterator["ShardIterator"], Limit=10_000)["Records"]
    return [OuterRecord(each["PartitionKey"], each["Data"]) for each in records]


@pytest.fixture(params=ALL)
def sink(request, tmp_path):
    """(a sink, how to read what is in the stream)."""
    if request.param == "memory":
        memory = MemoryStream()
        return memory, lambda: list(memory.records)
    if request.param == "outbox":
        return Outbox(tmp_path, clock).stream("journal"), lambda: records_in(tmp_path / "kinesis" / "journal")
    client, name = request.getfixturevalue("kinesis"), f"journal-{next(NUMBERS)}"
    client.create_stream(StreamName=name, ShardCount=1)
    client.get_waiter("stream_exists").wait(StreamName=name)
    return KinesisSink(client, name), lambda: of_kinesis(client, name)


def outer(*numbers):
    return [OuterRecord("strand", b"record %d" % number) for number in numbers]


def test_records_come_out_as_they_were_put_and_in_order(sink):
    stream, read = sink
    stream.put(outer(*range(700)))
    stream.put(outer(700))
    assert read() == outer(*range(701))


def test_bytes_and_keys_are_kept(sink):
    stream, read = sink
    records = [
        OuterRecord("k" * 256, bytes(range(256))),
        OuterRecord("größe", b"\xf3\x89\x9a\xc2"),
        OuterRecord("a", b"\0"),
    ]
    stream.put(records)
    assert read() == records


def test_a_record_of_the_stated_limit_is_taken(sink):
    stream, read = sink
    record = OuterRecord("strand", b"x" * (stream.record_limit_bytes - 6))
    stream.put([record])
    assert read() == [record]


def test_nothing_can_be_put(sink):
    stream, read = sink
    stream.put([])
    assert read() == []


@pytest.mark.parametrize("_", AWS)
def test_a_stream_that_is_not_there_is_not_found(_, kinesis):
    with pytest.raises(NotFoundError, match="no-such-stream"):
        KinesisSink(kinesis, "no-such-stream").put(outer(1))


def test_a_stream_that_does_not_answer_is_unavailable(gone):
    with pytest.raises(UnavailableError):
        KinesisSink(gone("kinesis"), "journal").put(outer(1))


# The directory


@pytest.mark.parametrize("name", ["", "..", "a/b", ".a", "x" * 129, "a b", "a\n", "größe"])
def test_what_is_no_name_of_a_stream_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="name of a stream"):
        Outbox(tmp_path, clock).stream(name)


def test_every_put_is_one_event_and_a_new_process_goes_on_counting(tmp_path):
    for _ in range(2):
        stream = Outbox(tmp_path, clock).stream("journal")
        stream.put(outer(1, 2))
        stream.put(outer(3))
    directory = tmp_path / "kinesis" / "journal"
    assert [path.name for path in sorted(directory.iterdir())] == [f"{number:020}.json" for number in range(4)]
    assert [len(event["Records"]) for event in events_of(directory)] == [2, 1, 2, 1]


def test_sequence_numbers_grow_and_times_are_the_clocks(tmp_path):
    stream = Outbox(tmp_path, clock).stream("journal")
    stream.put(outer(*range(11)))
    stream.put(outer(11))
    events = events_of(tmp_path / "kinesis" / "journal")
    numbers = [each["kinesis"]["sequenceNumber"] for event in events for each in event["Records"]]
    assert sorted(numbers) == numbers
    assert len({len(each) for each in numbers}) == 1
    assert len(set(numbers)) == 12
    (arrival,) = {record.arrived_at for event in events for record in parse_kinesis_event(event)}
    assert arrival == clock()


def test_two_jobs_on_one_stream_overwrite_nothing(tmp_path):
    outbox = Outbox(tmp_path, clock)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: outbox.stream("journal").put(outer(number)), range(40)))
    assert sorted(records_in(tmp_path / "kinesis" / "journal")) == sorted(outer(*range(40)))
