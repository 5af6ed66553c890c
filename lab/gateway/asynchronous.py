"""Asynchronous invocations: taken at once, carried out later, tried again, and given up to a destination.

AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation" and "Retain records of asynchronous
invocations": after an error of the function two more attempts; while Lambda itself refuses, attempts until the event is too old.
Like Lambda's queue this one delivers at least once.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from lab.invocation import InvocationResult, Outcome
from lab.mapping.destinations import DeliveryFailedError, Destination, iso

# "Lambda quotas": an event may have 1 MB.
LARGEST_EVENT: Final = 1024 * 1024
_EVENT_TOO_OLD: Final = "EventAgeExceeded"
_RETRIES_EXHAUSTED: Final = "RetriesExhausted"


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncSettings:
    """A function's EventInvokeConfig, with the service's own defaults."""

    maximum_retry_attempts: int = 2
    maximum_age_seconds: float = 21_600
    on_failure: Destination | None = None


class InvokeFunction(Protocol):
    def __call__(self, function_id: str, payload: bytes, request_id: str, /) -> InvocationResult:
        """Run a function once; every attempt of an event has its request id."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """An event that will not be delivered again, with why, as a destination takes it."""

    function_name: str
    function_arn: str
    request_id: str
    payload: bytes
    condition: str
    attempts: int
    result: InvocationResult
    given_up_at: float

    def metadata(self) -> dict[str, Any]:
        """What queues and topics get; unlike a stream's batch, the event is in it."""
        failed = self.result.outcome is Outcome.FAILED
        return {
            "version": "1.0",
            "timestamp": iso(self.given_up_at),
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": f"{self.function_arn}:$LATEST",
                "condition": self.condition,
                "approximateInvokeCount": self.attempts,
            },
            "requestPayload": json.loads(self.payload),
            "responseContext": {
                "statusCode": 200 if failed else 429,
                "executedVersion": "$LATEST",
                **({"functionError": "Unhandled"} if failed else {}),
            },
            "responsePayload": self.result.answer,
        }

    def invocation_record(self) -> dict[str, Any]:
        return self.metadata()

    def object_key(self) -> str:
        moment = datetime.fromtimestamp(self.given_up_at, UTC)
        return f"aws/lambda/async/{self.function_name}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{self.request_id}"


@dataclass(frozen=True, slots=True)
class AsyncFunction:
    """A function as events reach it."""

    function_id: str
    name: str
    arn: str
    settings: AsyncSettings = AsyncSettings()


class AsynchronousInvocations:
    """A queue with a worker for every event. ``backoff`` gives the seconds to wait after so many failures in a row."""

    def __init__(self, invoke: InvokeFunction, backoff: Callable[[int], float]) -> None:
        self._invoke = invoke
        self._backoff = backoff
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._workers: set[threading.Thread] = set()
        self.delivery_failures = 0
        self.given_up: list[GivenUp] = []

    def submit(self, function: AsyncFunction, payload: bytes, times: int = 1) -> str:
        """Take an event, ``times`` over when it is to be delivered more than once; its request id."""
        request_id = str(uuid.uuid4())
        for _ in range(times):
            worker = threading.Thread(
                target=self._work, args=(function, payload, request_id), name=f"event {request_id}", daemon=True
            )
            with self._changed:
                self._workers.add(worker)
            worker.start()
        return request_id

    @property
    def pending(self) -> int:
        """Events that are neither done nor given up."""
        with self._changed:
            return len(self._workers)

    def begin_stop(self) -> None:
        """Give no event another attempt, and do not wait."""
        self._stopping.set()

    def close(self) -> None:
        """Give no event another attempt, and wait for those that run."""
        self.begin_stop()
        with self._changed:
            self._changed.wait_for(lambda: not self._workers)

    def _work(self, function: AsyncFunction, payload: bytes, request_id: str) -> None:
        try:
            self._deliver(function, payload, request_id)
        finally:
            with self._changed:
                self._workers.discard(threading.current_thread())
                self._changed.notify_all()

    def _deliver(self, function: AsyncFunction, payload: bytes, request_id: str) -> None:
        taken_at, attempts, errors, in_a_row = time.monotonic(), 0, 0, 0
        while not self._stopping.is_set():
            result = self._invoke(function.function_id, payload, request_id)
            if result.outcome is Outcome.ANSWERED:
                return
            in_a_row += 1
            if result.outcome is Outcome.FAILED:
                attempts, errors = attempts + 1, errors + 1
            wait = self._backoff(in_a_row)
            condition = _given_up(function.settings, errors, time.monotonic() + wait - taken_at)
            if condition and not self._stopping.is_set():
                self._give_up(function, payload, request_id, condition, attempts, result)
                return
            self._stopping.wait(wait)

    def _give_up(
        self,
        function: AsyncFunction,
        payload: bytes,
        request_id: str,
        condition: str,
        attempts: int,
        result: InvocationResult,
    ) -> None:
        event = GivenUp(
            function_name=function.name,
            function_arn=function.arn,
            request_id=request_id,
            payload=payload,
            condition=condition,
            attempts=attempts,
            result=result,
            given_up_at=time.time(),
        )
        self.given_up.append(event)
        if function.settings.on_failure is not None:
            try:
                function.settings.on_failure.deliver(event)
            except DeliveryFailedError:
                self.delivery_failures += 1


def _given_up(settings: AsyncSettings, errors: int, age_seconds: float) -> str | None:
    if errors > settings.maximum_retry_attempts:
        return _RETRIES_EXHAUSTED
    return _EVENT_TOO_OLD if age_seconds > settings.maximum_age_seconds else None


def settings_of(properties: Mapping[str, Any], on_failure: Destination | None) -> AsyncSettings:
    """Read SAM's EventInvokeConfig, or the properties of an AWS::Lambda::EventInvokeConfig."""
    return AsyncSettings(
        maximum_retry_attempts=int(properties.get("MaximumRetryAttempts", 2)),
        maximum_age_seconds=float(properties.get("MaximumEventAgeInSeconds", 21_600)),
        on_failure=on_failure,
    )
