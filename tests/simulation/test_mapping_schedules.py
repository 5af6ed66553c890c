"""Worlds drawn from a seed: streams that are split and merged while a faulty function consumes them."""

import base64
import json
import os
import random
from collections import defaultdict
from functools import cached_property

import pytest

from lab.invocation import InvocationResult, Outcome
from lab.mapping.declaration import parse_mapping
from lab.mapping.destinations import MemoryDestination
from lab.mapping.engine import MappingEngine, World
from lab.mapping.faults import FaultRates
from lab.mapping.memory_streams import MemoryKinesisStream
from lab.mapping.simulation import ManualClock, run_until_quiet

SEEDS = range(500 if os.environ.get("COUNTERFOIL_PROVE") else 60)
ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/journal"


def records_of(payload):
    for record in json.loads(payload)["Records"]:
        yield record["kinesis"]["sequenceNumber"], json.loads(base64.b64decode(record["kinesis"]["data"]))


class Consumer:
    """Applies records one after another; poison stops it, and what it did before stays done."""

    def __init__(self, poison, *, reports):
        self.poison = poison
        self.reports = reports
        self.calls = []
        self.effects = []

    def __call__(self, payload):
        self.calls.append(payload)
        for sequence_number, (key, number) in records_of(payload):
            if number in self.poison:
                return self.fail(sequence_number)
            self.effects.append((key, number))
        return InvocationResult(Outcome.ANSWERED, b"null", "request")

    def fail(self, sequence_number):
        if not self.reports:
            return InvocationResult.error("ValueError", "poison", "request")
        answer = {"batchItemFailures": [{"itemIdentifier": sequence_number}]}
        return InvocationResult(Outcome.ANSWERED, json.dumps(answer).encode(), "request")


class Story:
    """Everything that one seed decides."""

    def __init__(self, seed, *, faulty=True, **settings):
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.stream = MemoryKinesisStream(ARN, self.clock, shard_count=self.chance.randint(1, 3))
        self.destination = MemoryDestination()
        self.properties = {**self.draw_properties(), **settings}
        self.count = 0
        poison = {number for number in range(400) if self.chance.random() < 0.02}
        self.consumer = Consumer(poison, reports=bool(self.properties.get("FunctionResponseTypes")))
        mapping = parse_mapping(self.properties, uuid="0" * 36, source_arn=ARN, function_arn="f", role_arn="r")
        world = World(self.clock, seed, self.draw_faults() if faulty else FaultRates())
        self.engine = MappingEngine(mapping, self.stream, self.consumer, self.destination, world=world)

    def draw_properties(self):
        one_of = self.chance.choice
        properties = {
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": one_of([1, 3, 10, 100]),
            "MaximumBatchingWindowInSeconds": one_of([0, 0, 5]),
            "ParallelizationFactor": one_of([1, 1, 2, 10]),
            "BisectBatchOnFunctionError": one_of([True, False]),
            "MaximumRetryAttempts": one_of([0, 2, 10]),
            "MaximumRecordAgeInSeconds": one_of([-1, -1, 120]),
            "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::failed"}},
        }
        if one_of([True, False]):
            properties["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
        return properties

    def draw_faults(self):
        some = self.chance.choice([0.0, 0.05, 0.3])
        return FaultRates(
            duplicate_delivery=some,
            lease_loss=some / 20,  # forgets retry counts too: often enough, it would keep poison in the way for ever
            throttled_read=some,
            crash_before_effects=some / 2,
            crash_after_effects=some / 2,
            refused_invocation=some,
            delayed_shard=some,
            shuffled_shards=True,
        )

    def play(self):
        for _ in range(self.chance.randint(50, 150)):
            self.chance.choices([self.put, self.steps, self.pause, self.split, self.merge], [6, 6, 2, 0.5, 0.5])[0]()
        run_until_quiet([self.engine], self.clock, maximum_steps=100_000)
        return self

    def put(self):
        for _ in range(self.chance.randint(1, 5)):
            key = f"key-{self.chance.randint(0, 5)}"
            self.stream.put(key, json.dumps([key, self.count]).encode())
            self.count += 1

    def steps(self):
        for _ in range(self.chance.randint(1, 10)):
            self.engine.step()

    def pause(self):
        self.clock.advance(self.chance.choice([0.1, 1, 10]))

    def split(self):
        self.stream.split(self.chance.choice(self.stream.open_shards()))

    def merge(self):
        shards = self.stream.open_shards()
        if len(shards) > 1:
            index = self.chance.randrange(len(shards) - 1)
            self.stream.merge(shards[index], shards[index + 1])

    @cached_property
    def discarded(self):
        payloads = (each.invocation_record()["payload"] for each in self.destination.delivered)
        return {number for payload in payloads for _, (_, number) in records_of(payload)}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_record_takes_effect_or_reaches_the_destination(seed):
    story = Story(seed).play()
    done = {number for _, number in story.consumer.effects}
    assert done | story.discarded == set(range(story.count))
    assert not done & story.consumer.poison


@pytest.mark.parametrize("seed", SEEDS)
def test_first_effects_keep_the_order_of_their_partition_key_through_every_reshard(seed):
    # What was discarded may come once more after a lease was lost: by then its successors are done.
    firsts, story = defaultdict(list), Story(seed).play()
    for key, number in story.consumer.effects:
        if number not in firsts[key] and number not in story.discarded:
            firsts[key].append(number)
    assert all(numbers == sorted(numbers) for numbers in firsts.values())


@pytest.mark.parametrize("seed", SEEDS[:20])
def test_one_seed_replays_exactly_one_schedule(seed):
    one, two = Story(seed).play(), Story(seed).play()
    assert one.consumer.calls == two.consumer.calls
    assert [each.object_key() for each in one.destination.delivered] == [
        each.object_key() for each in two.destination.delivered
    ]
    assert one.engine.metrics == two.engine.metrics


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("reports", [True, False])
def test_bisecting_discards_exactly_the_poison_and_nothing_else(seed, reports):
    response_types = {"FunctionResponseTypes": ["ReportBatchItemFailures"] if reports else []}
    settings = {"BisectBatchOnFunctionError": True, "MaximumRecordAgeInSeconds": -1, **response_types}
    story = Story(seed, faulty=False, **settings).play()
    assert story.discarded == story.consumer.poison & set(range(story.count))
    assert {number for _, number in story.consumer.effects} == set(range(story.count)) - story.consumer.poison


@pytest.mark.parametrize("seed", SEEDS)
def test_without_faults_and_poison_every_record_takes_effect_exactly_once(seed):
    story = Story(seed, faulty=False)
    story.consumer.poison = set()
    numbers = [number for _, number in story.play().consumer.effects]
    assert sorted(numbers) == list(range(story.count))


def test_the_schedules_meet_every_kind_of_trouble():
    stories = [Story(seed).play() for seed in range(40)]
    metrics = [story.engine.metrics for story in stories]
    assert sum(each.lost_leases for each in metrics) > 0
    assert sum(each.throttled_reads for each in metrics) > 0
    assert sum(each.dropped_event_count for each in metrics) > 0
    assert any(len(story.consumer.effects) > len(set(story.consumer.effects)) for story in stories)
    assert {each.condition for story in stories for each in story.destination.delivered} == {
        "RetryAttemptsExhausted",
        "RecordAgeExceeded",
    }
