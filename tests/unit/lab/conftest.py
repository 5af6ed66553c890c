"""A stream in memory, a function that does as it is told, and an engine between them."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from lab.invocation import InvocationResult, Outcome
from lab.mapping.declaration import EventSourceMapping, parse_mapping
from lab.mapping.destinations import MemoryDestination
from lab.mapping.engine import MappingEngine, Pace, World
from lab.mapping.memory_streams import MemoryKinesisStream
from lab.mapping.simulation import ManualClock, run_until_quiet

STREAM_ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/journal"
BUCKET_ARN = "arn:aws:s3:::failed-batches"
PACE = Pace(first_backoff=1.0)


def mapping(source_arn: str = STREAM_ARN, **properties: Any) -> EventSourceMapping:
    return parse_mapping(
        {"StartingPosition": "TRIM_HORIZON", **properties},
        uuid="0a1b2c3d-0000-4000-8000-000000000001",
        source_arn=source_arn,
        function_arn="arn:aws:lambda:us-east-1:123456789012:function:auditor",
        role_arn="arn:aws:iam::123456789012:role/auditor",
    )


def texts(event: dict[str, Any]) -> str:
    """The records of an event, one letter each."""
    return "".join(base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"])


def answered(answer: Any) -> InvocationResult:
    return InvocationResult(Outcome.ANSWERED, json.dumps(answer).encode(), "request-1")


FAILED = InvocationResult.error("ValueError", "no", "request-2")
THROTTLED = InvocationResult.refused("TooManyRequestsException", "Rate Exceeded.", "request-3")


class Scene:
    """``calls`` holds what each invocation was given, one letter per record, and when."""

    def __init__(self, **properties: Any) -> None:
        self.clock = ManualClock()
        self.stream = MemoryKinesisStream(STREAM_ARN, self.clock)
        self.destination = MemoryDestination()
        self.events: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.script: deque[InvocationResult] = deque()
        self.behave: Callable[[str, dict[str, Any]], InvocationResult] = lambda _letters, _event: answered(None)
        self.engine = self.make_engine(**properties)

    def make_engine(self, **properties: Any) -> MappingEngine:
        properties.setdefault("DestinationConfig", {"OnFailure": {"Destination": BUCKET_ARN}})
        world = World(self.clock, pace=PACE)
        return MappingEngine(mapping(**properties), self.stream, self._invoke, self.destination, world=world)

    def _invoke(self, payload: bytes) -> InvocationResult:
        event = json.loads(payload)
        self.events.append(event)
        self.times.append(self.clock.now)
        return self.script.popleft() if self.script else self.behave(texts(event), event)

    @property
    def calls(self) -> list[str]:
        return [texts(event) for event in self.events]

    @property
    def discarded(self) -> list[str]:
        return [texts(json.loads(each.invocation_record()["payload"])) for each in self.destination.delivered]

    def put(self, letters: str, partition_key: str = "strand") -> list[str]:
        return [self.stream.put(partition_key, letter.encode())[1] for letter in letters]

    def run(self) -> None:
        run_until_quiet([self.engine], self.clock, maximum_steps=10_000)


@pytest.fixture
def scene() -> Callable[..., Scene]:
    return Scene


@pytest.fixture
def make_mapping() -> Callable[..., EventSourceMapping]:
    return mapping


@pytest.fixture
def failed() -> InvocationResult:
    return FAILED


@pytest.fixture
def throttled() -> InvocationResult:
    return THROTTLED


@pytest.fixture
def answer() -> Callable[[Any], InvocationResult]:
    return answered


@pytest.fixture
def report() -> Callable[..., InvocationResult]:
    """The answer that names these sequence numbers as failed."""
    return lambda *numbers: answered({"batchItemFailures": [{"itemIdentifier": number} for number in numbers]})
