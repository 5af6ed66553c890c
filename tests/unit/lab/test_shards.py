"""Order, lanes, starting positions, and the life of shards."""

import json
from collections import defaultdict

import pytest

from lab.invocation import InvocationResult, Outcome
from lab.mapping.engine import MappingEngine, World
from lab.mapping.faults import FaultRates
from lab.mapping.memory_streams import MemoryTableStream
from lab.mapping.shard_reader import lane_of
from lab.mapping.simulation import ManualClock, run_until_quiet


def test_trim_horizon_starts_with_the_oldest_record(scene):
    world = scene(StartingPosition="TRIM_HORIZON")
    world.put("ab")
    world.run()
    assert world.calls == ["ab"]


def test_latest_starts_behind_what_is_there_when_the_mapping_starts(scene):
    world = scene(StartingPosition="LATEST")
    world.put("ab")
    world.engine.discover(world.clock.now)
    world.put("c")
    world.run()
    assert world.calls == ["c"]


def test_at_timestamp_starts_with_the_first_record_that_is_not_older(scene):
    world = scene(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1_600_000_010)
    world.put("a")
    world.clock.advance(10)
    world.put("b")
    world.run()
    assert world.calls == ["b"]


def test_children_of_a_split_wait_until_their_parent_is_done(scene, answer, failed):
    world = scene(BatchSize=2, MaximumRetryAttempts=9)
    world.put("abc")
    world.stream.split("shardId-000000000000")
    world.put("de")
    world.script.extend([failed, failed, answer(None), failed])
    world.run()
    assert world.calls == ["ab", "ab", "ab", "c", "c", "de"]


def test_the_child_of_a_merge_waits_for_both_parents(scene, failed):
    world = scene(MaximumRetryAttempts=9)
    parents = world.stream.split("shardId-000000000000")
    for number in range(20):
        world.stream.put(f"key-{number}", b"p")
    child = world.stream.merge(*parents)
    world.put("c")
    world.script.extend([failed] * 5)
    world.run()
    shards = [event["Records"][0]["eventID"].partition(":")[0] for event in world.events]
    assert set(shards[:-1]) == set(parents)
    assert shards[-1] == child


def test_shards_made_after_the_start_are_read_from_their_beginning_also_with_latest(scene):
    world = scene(StartingPosition="LATEST")
    world.put("a")
    world.engine.discover(world.clock.now)
    world.stream.split("shardId-000000000000")
    world.put("b")
    world.run()
    assert world.calls == ["b"]


def test_a_child_whose_parent_is_listed_no_longer_starts_at_once(scene):
    world = scene()
    world.stream.split("shardId-000000000000")
    world.put("b")
    del world.stream._shards["shardId-000000000000"]
    world.run()
    assert world.calls == ["b"]


def test_lanes_deliver_other_partition_keys_while_one_is_held_up(scene, answer, failed):
    world = scene(ParallelizationFactor=2, BatchSize=1)
    lower, upper = keys_of_two_lanes()
    for letter in "aAbB":
        world.put(letter, partition_key=upper if letter.isupper() else lower)
    world.behave = lambda letters, _event: failed if letters == "a" and len(world.calls) < 5 else answer(None)
    world.run()
    assert [letter for letter in world.calls if letter.isupper()] == ["A", "B"]
    assert world.calls.index("B") < len(world.calls) - 1 - world.calls[::-1].index("a")


def keys_of_two_lanes():
    first = "key-0"
    return first, next(key for key in map("key-{}".format, range(99)) if lane_of(key, 2) != lane_of(first, 2))


@pytest.mark.parametrize("lanes", [1, 2, 5, 10])
def test_order_is_kept_per_partition_key_whatever_the_lanes(scene, answer, failed, lanes):
    world = scene(ParallelizationFactor=lanes, BatchSize=3)
    keys = [f"key-{number % 7}" for number in range(60)]
    for number, key in enumerate(keys):
        world.stream.put(key, f"{number:02d}".encode())
    world.behave = lambda _letters, _event: failed if len(world.times) % 3 == 0 else answer(None)
    seen = defaultdict(list)
    world.run()
    for event, letters in zip(world.events, world.calls, strict=True):
        for record, text in zip(event["Records"], map("".join, zip(*[iter(letters)] * 2, strict=True)), strict=True):
            if text not in seen[record["kinesis"]["partitionKey"]]:
                seen[record["kinesis"]["partitionKey"]].append(text)
    assert sum(map(len, seen.values())) == 60
    assert all(texts == sorted(texts) for texts in seen.values())


def test_a_lost_lease_delivers_again_from_the_checkpoint(scene):
    world = scene(BatchSize=2)
    world.put("abcd")
    world.engine.step()
    world.engine.step()
    world.engine._readers["shardId-000000000000"].rewind()
    world.run()
    assert world.calls == ["ab", "cd"]
    world.engine._readers["shardId-000000000000"].rewind()
    world.put("e")
    world.run()
    assert world.calls == ["ab", "cd", "e"]


def test_what_was_read_and_not_delivered_is_read_again_after_a_lost_lease(scene):
    world = scene(BatchSize=2)
    world.put("ab")
    world.engine.step()
    assert world.calls == []
    world.engine._readers["shardId-000000000000"].rewind()
    world.run()
    assert world.calls == ["ab"]


def test_with_lanes_the_checkpoint_is_before_the_first_record_that_is_not_done(scene, answer, failed):
    world = scene(ParallelizationFactor=2, BatchSize=1)
    lower, upper = keys_of_two_lanes()
    world.put("a", partition_key=lower)
    world.put("A", partition_key=upper)
    world.behave = lambda letters, _event: failed if letters == "a" and len(world.calls) < 4 else answer(None)
    while "A" not in world.calls:
        world.engine.step()
    world.engine._readers["shardId-000000000000"].rewind()
    world.run()
    assert world.calls.count("A") == 2
    assert world.calls.count("a") >= 2


def test_reads_that_are_throttled_are_repeated_and_counted(scene):
    world = scene()
    world.engine._faults._rates = FaultRates(throttled_read=0.7)
    world.put("abc")
    run_until_quiet([world.engine], world.clock)
    assert world.calls == ["abc"]
    assert world.engine.metrics.throttled_reads > 0


def test_a_table_streams_records_have_typed_images_and_survive_a_renewed_shard(make_mapping):
    clock, events = ManualClock(), []
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/findings/stream/2026-01-01T00:00:00.000"
    stream = MemoryTableStream(arn, clock)

    def invoke(payload):
        events.append(json.loads(payload))
        return InvocationResult(Outcome.ANSWERED, b"", "request")

    engine = MappingEngine(make_mapping(arn), stream, invoke, world=World(clock))
    first = stream.put({"id": {"S": "1"}}, new={"id": {"S": "1"}, "n": {"N": "2"}})
    stream.renew_shard()
    stream.put({"id": {"S": "1"}}, old={"id": {"S": "1"}, "n": {"N": "2"}})
    run_until_quiet([engine], clock)
    inserted, removed = (event["Records"][0] for event in events)
    assert inserted["eventSourceARN"] == arn
    assert (inserted["eventName"], removed["eventName"]) == ("INSERT", "REMOVE")
    assert inserted["dynamodb"]["NewImage"] == {"id": {"S": "1"}, "n": {"N": "2"}}
    assert inserted["dynamodb"]["SequenceNumber"] == first
    assert removed["dynamodb"]["OldImage"] == {"id": {"S": "1"}, "n": {"N": "2"}}
