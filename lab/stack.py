"""The whole stack on this machine: the emulator, the deployed template, and its functions and mappings at work.

    with Stack.up() as stack:
        stack.client("kinesis").put_record(StreamName=stack.physical_id("JournalStream"), ...)
        stack.drain(60)
        stack.invoke("DigestSnapshotFunction", {})

Everything is found by the template's logical ids. Functions that only a schedule calls run when they are invoked here.
"""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from lab.deployment import Deployment, deploy
from lab.emulator import ROOT, Emulator
from lab.mapping.aws_streams import KinesisStreamSource, TableStreamSource
from lab.mapping.destinations import BucketDestination, Destination, QueueDestination, TopicDestination
from lab.mapping.engine import MappingEngine, Pace, World
from lab.mapping.faults import NO_FAULTS, FaultRates
from lab.mapping.pump import Pump
from lab.runtime import FunctionHost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.invocation import InvocationResult
    from lab.mapping.declaration import EventSourceMapping
    from lab.mapping.metrics import MappingMetrics
    from lab.mapping.source import StreamSource

TEMPLATE: Final = ROOT / "template.yaml"
# Quicker than AWS, where nobody watches a progress bar.
EMBEDDED_PACE: Final = Pace(poll=0.1, discovery=5.0, first_backoff=0.2, longest_backoff=5.0)


class HandlerError(RuntimeError):
    """A function was deployed, but its handler cannot be loaded; the message has the function's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``seed`` decides the faults' chances; with ``pumping`` off nothing is delivered before ``drain`` or ``resume``."""

    template: Path = TEMPLATE
    pumping: bool = True
    pace: Pace = EMBEDDED_PACE
    faults: FaultRates = NO_FAULTS
    seed: int = 0


class Stack:
    """A running stack; ``Stack.up`` makes one and takes it down again."""

    def __init__(self, emulator: Emulator, deployment: Deployment, options: Options) -> None:
        self.emulator = emulator
        self.deployment = deployment
        self._hosts = {name: FunctionHost(function) for name, function in deployment.functions.items()}
        self._engines = {
            name: self._engine(function_id, mapping, options)
            for name, (function_id, mapping) in deployment.mappings.items()
        }
        self._pump = Pump(self._engines)

    @classmethod
    @contextmanager
    def up(cls, parameters: Mapping[str, str] | None = None, options: Options = Options()) -> Iterator[Self]:
        """Start everything; on leaving, however, nothing keeps running and no file is left."""
        with ExitStack() as cleanup:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="counterfoil-stack-")))
            emulator = cleanup.enter_context(Emulator(folder))
            stack = cls(emulator, deploy(emulator, options.template, parameters), options)
            cleanup.callback(stack._close)
            stack._warm_up()
            stack._open_streams()
            stack._check_handlers()
            if options.pumping:
                stack.resume()
            yield stack

    @property
    def outputs(self) -> Mapping[str, str]:
        return self.deployment.outputs

    @property
    def metrics(self) -> Mapping[str, MappingMetrics]:
        """What each mapping counted, by its logical id (function's id + event's name)."""
        return {name: engine.metrics for name, engine in self._engines.items()}

    def physical_id(self, logical_id: str) -> str:
        """A resource's name or URL in the emulator."""
        return self.deployment.physical_ids[logical_id]

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator; it is closed with the stack."""
        return self.emulator.client(service)

    def invoke(self, function_id: str, event: Any) -> InvocationResult:
        """Invoke a function as Lambda does, with any JSON value."""
        return self._hosts[function_id].invoke(json.dumps(event).encode())

    def logs(self, function_id: str, count: int = 1000) -> list[str]:
        """The last lines that a function's environments wrote."""
        return self._hosts[function_id].log.tail(count)

    def drain(self, seconds: float) -> None:
        """Wait until every stream is empty and every record delivered or discarded; TimeoutError after ``seconds``."""
        self._pump.drain(seconds)

    def pause(self) -> None:
        """Stop reading streams; what is in flight is finished first."""
        self._pump.stop()

    def resume(self) -> None:
        self._pump.start()

    def _engine(self, function_id: str, mapping: EventSourceMapping, options: Options) -> MappingEngine:
        world = World(time.time, options.seed, options.faults, options.pace)
        return MappingEngine(
            mapping, self._source(mapping), self._hosts[function_id].invoke, self._destination(mapping), world=world
        )

    def _source(self, mapping: EventSourceMapping) -> StreamSource:
        if mapping.kind == "kinesis":
            return KinesisStreamSource(self.client("kinesis"), mapping.stream_arn)
        return TableStreamSource(self.client("dynamodbstreams"), mapping.stream_arn)

    def _destination(self, mapping: EventSourceMapping) -> Destination | None:
        match (mapping.on_failure_arn or "").split(":")[2:3]:
            case ["s3"]:
                return BucketDestination(self.client("s3"), str(mapping.on_failure_arn))
            case ["sqs"]:
                return QueueDestination(self.client("sqs"), str(mapping.on_failure_arn))
            case ["sns"]:
                return TopicDestination(self.client("sns"), str(mapping.on_failure_arn))
        return None

    def _warm_up(self) -> None:
        """Load the handlers that streams feed while the rest comes up: imports take longer than anything else here."""
        for function_id in self._fed_by_streams():
            self._hosts[function_id].warm_up()

    def _check_handlers(self) -> None:
        """Say at once that a handler cannot be loaded: its stream would be retried for minutes, as on AWS."""
        for function_id in self._fed_by_streams():
            if (error := self._hosts[function_id].load_error()) is not None:
                raise HandlerError(f"{function_id} cannot be loaded: {error.answer['errorMessage']}")

    def _fed_by_streams(self) -> list[str]:
        return sorted({function_id for function_id, _ in self.deployment.mappings.values()})

    def _open_streams(self) -> None:
        """Fix every starting position now: what is written from here on is delivered, also with LATEST."""
        for engine in self._engines.values():
            engine.discover(time.time())

    def _close(self) -> None:
        """An invocation that still runs is cut off: who wants its effects drains first."""
        self._pump.begin_stop()
        for host in self._hosts.values():
            host.close()
        self._pump.stop()
