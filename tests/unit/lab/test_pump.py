"""Engines in the background: draining, stopping, failing."""

import base64
import json
import threading
import time

import pytest

from lab.invocation import InvocationResult, Outcome
from lab.mapping.engine import MappingEngine, Pace, World
from lab.mapping.memory_streams import MemoryKinesisStream
from lab.mapping.pump import Pump, PumpFailedError

PACE = Pace(poll=0.01, first_backoff=0.01)
DONE = InvocationResult(Outcome.ANSWERED, b"null", "request")


@pytest.fixture
def pump_of():
    """Builds a pump over functions in a row, each reading what the one before it wrote."""
    pumps = []

    def build(make_mapping, *functions):
        streams = [MemoryKinesisStream(make_mapping().stream_arn, time.time) for _ in range(len(functions) + 1)]
        engines = {
            f"mapping-{place}": MappingEngine(
                make_mapping(BatchSize=10),
                streams[place],
                step(function, streams[place + 1]),
                world=World(time.time, pace=PACE),
            )
            for place, function in enumerate(functions)
        }
        pumps.append(Pump(engines))
        return pumps[-1], streams

    yield build
    for pump in pumps:
        pump.stop()


def step(function, following):
    def invoke(payload):
        for record in json.loads(payload)["Records"]:
            following.put("key", function(base64.b64decode(record["kinesis"]["data"])))
        return DONE

    return invoke


def contents(stream):
    return b"".join(record.content["data"].encode() for record in stream._shards["shardId-000000000000"].records)


def test_draining_waits_for_what_functions_cause_in_other_streams(pump_of, make_mapping):
    pump, streams = pump_of(make_mapping, bytes.upper, bytes.swapcase, bytes.upper)
    pump.start()
    for number in range(50):
        streams[0].put("key", f"r{number}".encode())
    pump.drain(30)
    assert len(streams[-1]._shards["shardId-000000000000"].records) == 50


def test_a_pump_that_is_not_running_is_drained_by_the_caller(pump_of, make_mapping):
    pump, streams = pump_of(make_mapping, bytes.upper)
    streams[0].put("key", b"a")
    pump.drain(30)
    assert contents(streams[1]) == base64.b64encode(b"A")
    assert not pump.running


def test_draining_names_the_mappings_that_are_not_done_in_time(pump_of, make_mapping):
    release = threading.Event()
    pump, streams = pump_of(make_mapping, lambda data: release.wait(30) and data)
    pump.start()
    streams[0].put("key", b"a")
    threading.Timer(0.5, release.set).start()
    with pytest.raises(TimeoutError, match="mapping-0"):
        pump.drain(0.05)


def test_an_engine_that_raises_fails_the_next_drain_with_its_cause(pump_of, make_mapping):
    pump, streams = pump_of(make_mapping, lambda _data: 1 / 0)
    pump.start()
    streams[0].put("key", b"a")
    with pytest.raises(PumpFailedError) as caught:
        pump.drain(30)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_stopped_pump_goes_on_where_it_was(pump_of, make_mapping):
    pump, streams = pump_of(make_mapping, bytes.upper)
    pump.start()
    streams[0].put("key", b"a")
    pump.drain(30)
    pump.stop()
    streams[0].put("key", b"b")
    pump.start()
    pump.drain(30)
    assert [record.content["data"] for record in streams[1]._shards["shardId-000000000000"].records] == ["QQ==", "Qg=="]
