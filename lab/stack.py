"""The whole stack on this machine: the emulator, the deployed template, and its functions and mappings at work.

    with Stack.up() as stack:
        stack.client("kinesis").put_record(StreamName=stack.physical_id("JournalStream"), ...)
        stack.drain(60)
        stack.invoke("DigestSnapshotFunction", {})

Everything is found by the template's logical ids. Functions that only a schedule calls run when they are invoked here. What the
functions ask of AWS passes through ``stack.gateway``, where it is counted and may be made to fail.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from lab.deployment import Deployment, deploy
from lab.emulator import ACCOUNT, ROOT, Emulator
from lab.function_url import FunctionUrl, Principal
from lab.gateway import NO_AWS_FAULTS, AsyncFunction, AwsFaults, Gateway
from lab.gateway.asynchronous import settings_of
from lab.hosts import Hosts
from lab.local_server import LocalServer
from lab.mapping.aws_streams import KinesisStreamSource, TableStreamSource
from lab.mapping.destinations import BucketDestination, Destination, QueueDestination, TopicDestination
from lab.mapping.engine import MappingEngine, Pace, World
from lab.mapping.faults import NO_FAULTS, FaultRates
from lab.mapping.pump import Pump
from lab.metrics import publish
from lab.roles import under_their_roles
from lab.runtime.function import DUMMY_CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.invocation import InvocationResult
    from lab.mapping.declaration import EventSourceMapping
    from lab.mapping.metrics import MappingMetrics
    from lab.mapping.source import StreamSource
from lab.runtime import LambdaFunction

TEMPLATE: Final = ROOT / "template.yaml"
STACK_NAME: Final = "counterfoil"
# Quicker than AWS, where nobody watches a progress bar.
EMBEDDED_PACE: Final = Pace(poll=0.1, discovery=5.0, first_backoff=0.2, longest_backoff=5.0)


# Who calls function URLs when nobody else is named.
TELLER: Final = Principal(
    access_key_id="AKIALABTELLER",
    secret="secret-of-teller",  # noqa: S106 - known to everybody, and good for nothing but this machine's stack
    user_arn=f"arn:aws:iam::{ACCOUNT}:user/teller",
)


# Whom a function is to the URL of another one: here all of them sign with the same keys.
FUNCTIONS: Final = Principal(
    access_key_id=DUMMY_CREDENTIALS["AWS_ACCESS_KEY_ID"],
    secret=DUMMY_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    user_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/functions/function",
)


_IDLE_SECONDS: Final = 0.02


class HandlerError(RuntimeError):
    """A function was deployed, but its handler cannot be loaded; the message has the function's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``seed`` decides the faults' chances; with ``pumping`` off nothing is delivered before ``drain`` or ``resume``.

    ``principals`` may call the functions' URLs. With ``under_roles`` the emulator evaluates IAM policies, and functions have their
    roles' rights only; the gateway then counts and fails nothing but Lambda's Invoke.
    """

    template: Path = TEMPLATE
    pumping: bool = True
    pace: Pace = EMBEDDED_PACE
    faults: FaultRates = NO_FAULTS
    aws_faults: AwsFaults = NO_AWS_FAULTS
    seed: int = 0
    principals: Sequence[Principal] = (TELLER, FUNCTIONS)
    under_roles: bool = False


class Stack:
    """A running stack; ``Stack.up`` makes one and takes it down again."""

    def __init__(self, emulator: Emulator, deployment: Deployment, options: Options) -> None:
        self.emulator = emulator
        self.deployment = deployment
        self._options = options
        self._marks: dict[str, int] = {}
        self._urls: dict[str, tuple[LocalServer, FunctionUrl]] = {}
        self.gateway = Gateway(emulator.endpoint, options.pace.backoff, options.aws_faults, options.seed)
        self.hosts = self.gateway.hosts = Hosts(self._behind_gateway(deployment))
        self._engines = {
            name: self._engine(function_id, mapping, options)
            for name, (function_id, mapping) in deployment.mappings.items()
        }
        self._pump = Pump(self._engines)
        self._urls = {name: self._serve(name, signed=signed) for name, signed in deployment.signed_urls.items()}
        # Only now is it known where functions find the URLs of others.
        self.hosts.replace(self._behind_gateway(deployment))

    @classmethod
    @contextmanager
    def up(cls, parameters: Mapping[str, str] | None = None, options: Options = Options()) -> Iterator[Self]:
        """Start everything; on leaving, however, nothing keeps running and no file is left."""
        with ExitStack() as cleanup:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="counterfoil-stack-")))
            emulator = cleanup.enter_context(Emulator(folder, authorizing=options.under_roles))
            yield cleanup.enter_context(cls.on(emulator, STACK_NAME, parameters, options))

    @classmethod
    @contextmanager
    def on(
        cls, emulator: Emulator, stack_name: str, parameters: Mapping[str, str] | None, options: Options
    ) -> Iterator[Self]:
        """A stack on an emulator that runs, beside others: their resources know nothing of each other."""
        with ExitStack() as cleanup:
            deployment = deploy(emulator, options.template, parameters, stack_name)
            if options.under_roles:
                deployment = under_their_roles(emulator, deployment)
            stack = cls(emulator, deployment, options)
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

    def url(self, function_id: str) -> str:
        """Where a function's URL is served, without a slash at its end."""
        return self._urls[function_id][0].url

    def invoke(self, function_id: str, event: Any) -> InvocationResult:
        """Invoke a function as Lambda does, with any JSON value."""
        return self.hosts.invoke(function_id, json.dumps(event).encode())

    def tick(self, schedule_id: str) -> InvocationResult:
        """Do what a schedule would do now, found by its logical id (function's id + event's name)."""
        function_id, given = self.deployment.schedules[schedule_id]
        return self.hosts.invoke(function_id, given.encode())

    def kill(self, function_id: str) -> int:
        """Let every environment of a function that is at work die where it is; how many there were."""
        return self.hosts[function_id].kill()

    def disturb(self, faults: FaultRates = NO_FAULTS, aws_faults: AwsFaults = NO_AWS_FAULTS) -> None:
        """Let so much go wrong from now on: in what streams deliver, and in what functions ask of AWS. Without arguments: nothing."""
        self.gateway.faults = aws_faults
        for engine in self._engines.values():
            engine.disturb(faults)

    def redeploy(self, parameters: Mapping[str, str] | None = None) -> None:
        """Deploy the template as it is now over the running stack; streams are read on, and what runs comes to its end."""
        deployment = deploy(self.emulator, self._options.template, parameters, self.deployment.stack_name)
        self.deployment = under_their_roles(self.emulator, deployment) if self._options.under_roles else deployment
        self.hosts.replace(self._behind_gateway(self.deployment))

    def logs(self, function_id: str, count: int = 1000) -> list[str]:
        """The last lines that a function's environments wrote."""
        return self.hosts[function_id].log.tail(count)

    def publish_metrics(self) -> int:
        """Put what functions have measured since the last time into the emulator's CloudWatch; how many metrics there were."""
        lines: list[str] = []
        for function_id in self.deployment.functions:
            found, self._marks[function_id] = self.hosts[function_id].log.since(self._marks.get(function_id, 0))
            lines += found
        return publish(self.client("cloudwatch"), lines)

    def drain(self, seconds: float) -> None:
        """Wait until every stream is empty, every record delivered or discarded, and no asynchronous event is left.

        TimeoutError after ``seconds``.
        """
        limit = time.monotonic() + seconds
        while True:
            self._pump.drain(limit - time.monotonic())
            if not (waiting := self.gateway.events.pending):
                return
            if time.monotonic() > limit:
                raise TimeoutError(f"{waiting} asynchronous invocations are not done yet")
            time.sleep(_IDLE_SECONDS)

    def pause(self) -> None:
        """Stop reading streams; what is in flight is finished first."""
        self._pump.stop()

    def resume(self) -> None:
        self._pump.start()

    def _engine(self, function_id: str, mapping: EventSourceMapping, options: Options) -> MappingEngine:
        world = World(time.time, options.seed, options.faults, options.pace)
        destination = self._destination(mapping.on_failure_arn or "")
        return MappingEngine(mapping, self._source(mapping), self.hosts.invoker(function_id), destination, world=world)

    def _source(self, mapping: EventSourceMapping) -> StreamSource:
        if mapping.kind == "kinesis":
            return KinesisStreamSource(self.client("kinesis"), mapping.stream_arn)
        return TableStreamSource(self.client("dynamodbstreams"), mapping.stream_arn)

    def _destination(self, arn: str) -> Destination | None:
        match arn.split(":")[2:3]:
            case ["s3"]:
                return BucketDestination(self.client("s3"), arn)
            case ["sqs"]:
                return QueueDestination(self.client("sqs"), arn)
            case ["sns"]:
                return TopicDestination(self.client("sns"), arn)
        return None

    def _behind_gateway(self, deployment: Deployment) -> dict[str, LambdaFunction]:
        """Functions whose calls to AWS pass through the gateway; what of them is called asynchronously is found there."""
        endpoints = {"AWS_ENDPOINT_URL": self.gateway.url}
        # The gateway changes requests, which a signature that is checked does not survive.
        if self._options.under_roles:
            endpoints = {"AWS_ENDPOINT_URL": self.emulator.endpoint, "AWS_ENDPOINT_URL_LAMBDA": self.gateway.url}
        served = {deployment.outputs.get("LedgerUrl", ""): url.url for url, _ in self._urls.values()}
        functions = {
            name: replace(each, environment={**_where_served(each.environment, served), **endpoints})
            for name, each in deployment.functions.items()
        }
        self.gateway.functions = [self._asynchronous(name, each) for name, each in functions.items()]
        return functions

    def _asynchronous(self, function_id: str, function: LambdaFunction) -> AsyncFunction:
        properties = self.deployment.event_settings.get(function_id, {})
        on_failure = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
        settings = settings_of(properties, self._destination(on_failure))
        return AsyncFunction(function_id, function.name, function.arn, settings)

    def _serve(self, function_id: str, *, signed: bool) -> tuple[LocalServer, FunctionUrl]:
        app = FunctionUrl(self.hosts.invoker(function_id), self._options.principals if signed else None)
        return LocalServer(app, f"url of {function_id}"), app

    def _warm_up(self) -> None:
        """Load the handlers that streams and callers wait for: imports take longer than anything else here."""
        for function_id in self._waited_for():
            self.hosts[function_id].warm_up()

    def _check_handlers(self) -> None:
        """Say at once that a handler cannot be loaded: its stream would be retried for minutes, as on AWS."""
        for function_id in self._waited_for():
            if (error := self.hosts[function_id].load_error()) is not None:
                raise HandlerError(f"{function_id} cannot be loaded: {error.answer['errorMessage']}")

    def _waited_for(self) -> list[str]:
        return sorted({*(function_id for function_id, _ in self.deployment.mappings.values()), *self._urls})

    def _open_streams(self) -> None:
        """Fix every starting position now: what is written from here on is delivered, also with LATEST."""
        for engine in self._engines.values():
            engine.discover(time.time())

    def _close(self) -> None:
        """An invocation that still runs is cut off: who wants its effects drains first."""
        self._pump.begin_stop()
        self.gateway.events.begin_stop()
        self.hosts.close()
        self._pump.stop()
        for server, app in self._urls.values():
            server.close()
            app.close()
        self.gateway.close()


def _where_served(variables: Mapping[str, str], served: Mapping[str, str]) -> dict[str, str]:
    """A function's variables, with URLs that nobody serves on this machine replaced by those that are."""
    return {name: served.get(value, value) for name, value in variables.items()}
