"""What one synchronous invocation of a Lambda function comes to, whoever runs it.

The runtime host (lab/runtime) and the simulations produce results; the mapping engine (lab/mapping) and the command
line read them. Shapes as in AWS Lambda API Reference, "Invoke".
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

# "Lambda quotas": 6 MB each for request and response of a synchronous invocation; the service counts to the byte.
PAYLOAD_LIMIT_BYTES: Final = 6_291_556


class Outcome(enum.Enum):
    """How far an invocation came."""

    ANSWERED = "answered"  # the handler returned
    FAILED = "failed"  # the function reported an error, timed out or its process ended
    REFUSED = "refused"  # the function was not reached: throttled, or the service failed


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """``payload`` is the handler's answer as JSON text, or the error object when the function failed."""

    outcome: Outcome
    payload: bytes
    request_id: str

    @property
    def answer(self) -> Any:
        """The payload as a value; ``None`` where there is none."""
        return json.loads(self.payload) if self.payload else None

    @classmethod
    def error(cls, error_type: str, message: str, request_id: str) -> InvocationResult:
        """A function error in the shape that Lambda gives it."""
        body = json.dumps({"errorMessage": message, "errorType": error_type}).encode()
        return cls(Outcome.FAILED, body, request_id)

    @classmethod
    def refused(cls, error_type: str, message: str, request_id: str) -> InvocationResult:
        """The service's refusal: the handler never saw the event."""
        body = json.dumps({"errorMessage": message, "errorType": error_type}).encode()
        return cls(Outcome.REFUSED, body, request_id)


type Invoke = Callable[[bytes], InvocationResult]


def check_request_size(payload: bytes, request_id: str) -> InvocationResult | None:
    """The refusal of a request that is too large, or None.

    "Invoke", RequestTooLargeException: the service answers; the function is not reached.
    """
    if len(payload) <= PAYLOAD_LIMIT_BYTES:
        return None
    return InvocationResult.refused(
        "RequestTooLargeException",
        f"{len(payload)} byte payload is too large for the Invoke operation (limit {PAYLOAD_LIMIT_BYTES} bytes)",
        request_id,
    )


def check_response_size(payload: bytes, request_id: str) -> InvocationResult:
    """The answer, or the error that Lambda makes of an answer that is too large."""
    if len(payload) <= PAYLOAD_LIMIT_BYTES:
        return InvocationResult(Outcome.ANSWERED, payload, request_id)
    return InvocationResult.error(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT_BYTES} bytes).",
        request_id,
    )
