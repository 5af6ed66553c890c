"""What AWS answers, in the terms of the ports: somebody else was first, or try again later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from counterfoil.errors import ConflictError, ThrottledError, UnavailableError

_CONFLICTS: Final = frozenset({"ConditionalCheckFailedException", "TransactionConflictException"})
_CANCELLED: Final = "TransactionCanceledException"
_THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_THROTTLING_REASONS: Final = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError"})


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn a failed condition into ``ConflictError`` and every other refusal or silence into ``UnavailableError``.

    A permission that is missing or a table that is not there is "unavailable" too: the stream keeps the records until an operator has
    mended it, which is what should happen to records that nobody could judge.
    """
    try:
        yield
    except ClientError as error:
        detail = error.response.get("Error", {})
        code = detail.get("Code", "unknown")
        if code in _CONFLICTS or (code == _CANCELLED and _conditions_failed(error)):
            raise ConflictError(f"{what}: another writer was first") from error
        throttled = code in _THROTTLED or (code == _CANCELLED and bool(_reasons(error) & _THROTTLING_REASONS))
        kind = ThrottledError if throttled else UnavailableError
        raise kind(f"{what}: {code}: {detail.get('Message', '')}"[:500]) from error
    except BotoCoreError as error:
        raise UnavailableError(f"{what}: {error}"[:500]) from error


def there(error: ConflictError) -> Mapping[str, Any] | None:
    """The item that stood in the way, where the request asked for it (``ReturnValuesOnConditionCheckFailure``)."""
    cause = error.__cause__
    response: Mapping[str, Any] = cause.response if isinstance(cause, ClientError) else {}
    return response.get("Item")


def _conditions_failed(error: ClientError) -> bool:
    """Whether a transaction was cancelled because somebody else wrote, and for no other reason."""
    reasons = _reasons(error)
    if not reasons:
        return "ConditionalCheckFailed" in str(error)
    return reasons <= {"ConditionalCheckFailed", "TransactionConflict"}


def _reasons(error: ClientError) -> set[str]:
    """Why a transaction was cancelled: the codes of its items."""
    return {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])} - {"None"}
