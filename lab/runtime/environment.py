"""One execution environment: a process with AWS's own runtime client, and one invocation at a time.

Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle": a timeout or a crash ends the
environment, and the next invocation gets a fresh one.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lab.child_process import ChildProcess, Log
from lab.invocation import InvocationResult, Outcome, check_response_size
from lab.runtime.runtime_api import Conversation, Invocation, RuntimeApi

if TYPE_CHECKING:
    from lab.runtime.function import LambdaFunction

# "Init phase": 10 seconds; then Lambda starts it again under the function's own timeout, which comes to the longer one.
_INIT_SECONDS: Final = 10.0
# No two environments of this process have one name.
_NUMBERS: Final = itertools.count(1)


class ExecutionEnvironment(Conversation):
    """Starts at once, in the background; ``invoke`` waits until the handler is loaded."""

    def __init__(self, function: LambdaFunction, log: Log) -> None:
        self.name = f"{function.label or 'function'}.{next(_NUMBERS)}"
        self._function = function
        self._log = log
        self._changed = threading.Condition()
        self._ready = False
        self._closing = False
        self._exited = False
        self._init_error = b""
        self._pending: Invocation | None = None
        self._current: Invocation | None = None
        self._result: InvocationResult | None = None
        self._api = RuntimeApi(self)
        self._process = ChildProcess(
            [sys.executable, "-m", "awslambdaric", function.handler],
            environment=function.process_environment(self._api.address, self.name),
            folder=function.code_folder,
            log=log,
            on_exit=self._note_exit,
        )

    @property
    def usable(self) -> bool:
        """Whether another invocation may come here."""
        return not self._exited and not self._closing and not self._init_error

    def load_error(self, request_id: str) -> InvocationResult | None:
        """Wait until the handler is loaded; the error that every invocation will get when it cannot be."""
        return None if self._wait_until_ready() else self._failed_init(request_id)

    def invoke(self, payload: bytes, request_id: str) -> InvocationResult:
        """Run one event to its end, its timeout or the process's death."""
        if (error := self.load_error(request_id)) is not None:
            return error
        started = time.monotonic()
        self._log.write(f"START RequestId: {request_id} Version: $LATEST")
        result = self._run(self._invocation(payload, request_id))
        milliseconds = 1000 * (time.monotonic() - started)
        self._log.write(f"END RequestId: {request_id}")
        self._log.write(
            f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tOutcome: {result.outcome.value}"
        )
        return result

    def kill(self) -> None:
        """Let the process die at once; whoever waits in ``invoke`` gets the error that Lambda gives."""
        self._process.kill()

    def close(self) -> None:
        """End the process and the server; whoever waits in ``invoke`` gets an error."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._process.stop(grace_seconds=0)
        self._api.close()

    # ---- the invoking side -------------------------------------------------------------------------------------------

    def _wait_until_ready(self) -> bool:
        limit = max(_INIT_SECONDS, self._function.timeout_seconds)
        with self._changed:
            self._changed.wait_for(lambda: self._ready or not self.usable, limit)
            return self._ready and self.usable

    def _failed_init(self, request_id: str) -> InvocationResult:
        if self._init_error:
            return InvocationResult(Outcome.FAILED, self._init_error, request_id)
        if self._exited:
            return self._exit_error(request_id)
        self._closing = True
        return InvocationResult.error("Sandbox.Timedout", f"RequestId: {request_id} Error: Init timed out", request_id)

    def _invocation(self, payload: bytes, request_id: str) -> Invocation:
        deadline_ms = int(1000 * (time.time() + self._function.timeout_seconds))
        # "Tracing header", AWS X-Ray Developer Guide; never sampled, for there is nobody to send a segment to.
        root, parent = f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}", uuid.uuid4().hex[:16]
        trace_id = f"Root={root};Parent={parent};Sampled=0"
        return Invocation(request_id, payload, deadline_ms, self._function.arn, trace_id)

    def _run(self, invocation: Invocation) -> InvocationResult:
        with self._changed:
            self._pending, self._result = invocation, None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._result or not self.usable, self._function.timeout_seconds)
            result, self._current = self._result, None
        if result is not None:
            return result
        ended = self._exited or self._closing
        return self._exit_error(invocation.request_id) if ended else self._time_out(invocation.request_id)

    def _exit_error(self, request_id: str) -> InvocationResult:
        message = f"RequestId: {request_id} Error: Runtime exited with error: {self._process.describe_exit()}"
        return InvocationResult.error("Runtime.ExitError", message, request_id)

    def _time_out(self, request_id: str) -> InvocationResult:
        message = f"Task timed out after {self._function.timeout_seconds:.2f} seconds"
        self._log.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {request_id} {message}")
        with self._changed:
            self._closing = True
        self._process.stop(grace_seconds=0)
        return InvocationResult.error("Sandbox.Timedout", f"RequestId: {request_id} Error: {message}", request_id)

    # ---- the runtime's side ------------------------------------------------------------------------------------------

    def next_invocation(self) -> Invocation | None:
        with self._changed:
            self._ready = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._pending or not self.usable)
            self._current, self._pending = self._pending, None
            return self._current if self.usable else None

    def respond(self, request_id: str, body: bytes) -> bool:
        return self._finish(request_id, check_response_size(body, request_id))

    def fail(self, request_id: str, body: bytes) -> bool:
        return self._finish(request_id, InvocationResult(Outcome.FAILED, body, request_id))

    def fail_init(self, body: bytes) -> None:
        with self._changed:
            self._init_error = body
            self._changed.notify_all()

    def _finish(self, request_id: str, result: InvocationResult) -> bool:
        with self._changed:
            if self._current is None or self._current.request_id != request_id:
                return False
            self._result = result
            self._changed.notify_all()
            return True

    def _note_exit(self) -> None:
        with self._changed:
            self._exited = True
            self._changed.notify_all()
