"""Invokes a function in as many environments as its callers need, or in this very process."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import threading
import time
import traceback
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from awslambdaric.lambda_context import LambdaContext

from lab.child_process import Log
from lab.invocation import InvocationResult, Outcome, check_request_size, check_response_size
from lab.runtime.environment import ExecutionEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lab.runtime.function import LambdaFunction


class Host(Protocol):
    """Something that runs one function."""

    log: Log

    def invoke(self, payload: bytes, request_id: str = "") -> InvocationResult:
        """Run the function on an event given as JSON; never raises for what the function does.

        ``request_id``: attempts of one event have one; without it there is a new one.
        """

    def close(self) -> None:
        """Let go of everything; further invocations are refused."""


class Work(NamedTuple):
    """Invocations that reached a function, and how long they took together; what Lambda is paid for."""

    invocations: int = 0
    seconds: float = 0.0


class FunctionHost(Host):
    """Environments of one function: warm ones are used again, new ones are started up to the function's concurrency."""

    def __init__(self, function: LambdaFunction, log: Log | None = None) -> None:
        self.function = function
        self.log = log or Log()
        self._lock = threading.Lock()
        self._idle: list[ExecutionEnvironment] = []
        self._busy: set[ExecutionEnvironment] = set()
        self._closed = False
        self.work = Work()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def invoke(self, payload: bytes, request_id: str = "") -> InvocationResult:
        request_id = request_id or str(uuid.uuid4())
        if (refusal := check_request_size(payload, request_id)) is not None:
            return refusal
        environment = self._take()
        if environment is None:
            # "Invoke", TooManyRequestsException: the concurrency limit is reached; the function is not.
            return InvocationResult.refused("TooManyRequestsException", "Rate Exceeded.", request_id)
        began = time.monotonic()
        try:
            return environment.invoke(payload, request_id)
        finally:
            self._note(time.monotonic() - began)
            self._give_back(environment)

    def _note(self, seconds: float) -> None:
        with self._lock:
            self.work = Work(self.work.invocations + 1, self.work.seconds + seconds)

    @property
    def environments(self) -> int:
        """How many there are now, at work or warm."""
        with self._lock:
            return len(self._idle) + len(self._busy)

    def warm_up(self) -> None:
        """Start an environment, so that the first invocation does not wait for the handler's imports."""
        environment = self._take()
        if environment is not None:
            self._give_back(environment)

    def load_error(self) -> InvocationResult | None:
        """Wait until the handler is loaded in a warm environment; what is wrong with it, if it cannot be."""
        environment = self._take()
        if environment is None:
            return None
        try:
            return environment.load_error(str(uuid.uuid4()))
        finally:
            self._give_back(environment)

    def kill(self, name: str = "") -> int:
        """Have the environment of that name, or else all that are busy, die where they are; how many there were."""
        with self._lock:
            struck = [each for each in self._busy if not name or each.name == name]
        for environment in struck:
            environment.kill()
        return len(struck)

    def retire(self) -> None:
        """Take no more invocations; what runs comes to its end, as when a function is deployed anew."""
        with self._lock:
            self._closed = True
            idle = list(self._idle)
            self._idle.clear()
        for environment in idle:
            environment.close()

    def close(self) -> None:
        self.retire()
        with self._lock:
            busy = list(self._busy)
        for environment in busy:
            environment.close()

    def _take(self) -> ExecutionEnvironment | None:
        with self._lock:
            environment = self._warm() or self._cold()
            if environment is not None:
                self._busy.add(environment)
            return environment

    def _warm(self) -> ExecutionEnvironment | None:
        while self._idle:
            environment = self._idle.pop()
            if environment.usable:
                return environment
            environment.close()
        return None

    def _cold(self) -> ExecutionEnvironment | None:
        if self._closed or len(self._busy) >= self.function.maximum_concurrency:
            return None
        return ExecutionEnvironment(self.function, self.log)

    def _give_back(self, environment: ExecutionEnvironment) -> None:
        with self._lock:
            self._busy.discard(environment)
            keep = environment.usable and not self._closed
            if keep:
                self._idle.append(environment)
        if not keep:
            environment.close()


class InProcessHost(Host):
    """Calls a handler here, through the same JSON and with the same limits; no timeout, no fresh process."""

    def __init__(self, handler: Callable[[Any, Any], Any], name: str = "in-process", arn: str = "in-process") -> None:
        self.log = Log()
        self._handler = handler
        self._name = name
        self._arn = arn

    @classmethod
    def load(cls, function: LambdaFunction) -> Self:
        """Import the function's handler under a name of its own, with the function's environment variables."""
        module_name, _, attribute = function.handler.rpartition(".")
        path = function.code_folder / f"{module_name.replace('.', '/')}.py"
        spec = importlib.util.spec_from_file_location(f"{function.name}.{module_name}", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is not a module")
        module = importlib.util.module_from_spec(spec)
        with _surroundings(function.environment, function.import_path()):
            spec.loader.exec_module(module)
        return cls(getattr(module, attribute), function.name, function.arn)

    def invoke(self, payload: bytes, request_id: str = "") -> InvocationResult:
        request_id = request_id or str(uuid.uuid4())
        if (refusal := check_request_size(payload, request_id)) is not None:
            return refusal
        try:
            answer = self._handler(json.loads(payload), self._context(request_id))
            return check_response_size(json.dumps(answer).encode(), request_id)
        except Exception as error:  # noqa: BLE001  whatever a handler raises is its answer
            return self._error(error, request_id)

    def _error(self, error: Exception, request_id: str) -> InvocationResult:
        trace = traceback.format_tb(error.__traceback__)
        for line in traceback.format_exception(error):
            self.log.write(line.rstrip("\n"))
        body = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": request_id,
            "stackTrace": trace,
        }
        return InvocationResult(Outcome.FAILED, json.dumps(body).encode(), request_id)

    def _context(self, request_id: str) -> Any:
        context = LambdaContext(request_id, {}, None, int(1000 * time.time()) + 60_000, self._arn)
        context.function_name = self._name
        context.memory_limit_in_mb = "128"
        return context

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def _surroundings(environment: Mapping[str, str], import_path: list[str]) -> Iterator[None]:
    """Environment variables and import path for the time of an import."""
    variables, path = dict(os.environ), list(sys.path)
    os.environ.update(environment)
    sys.path[:0] = import_path
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(variables)
        sys.path[:] = path
