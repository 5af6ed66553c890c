"""What the function's answer says about its batch, and what happens to a batch that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lab.invocation import InvocationResult, Outcome
from lab.mapping.declaration import FOREVER, EventSourceMapping

if TYPE_CHECKING:
    from lab.mapping.batches import Batch, Item


def first_failed(result: InvocationResult, items: Sequence[Item], *, reports_item_failures: bool) -> int | None:
    """Index of the first record that has to be delivered again; None when the whole batch is done.

    Lambda Developer Guide, "Configuring partial batch response with Kinesis Data Streams and Lambda": of several
    reported records the lowest sequence number is the checkpoint, and everything from it on is retried.
    """
    if result.outcome is not Outcome.ANSWERED:
        return 0
    if not reports_item_failures:
        return None
    return _first_reported(_parse(result), items)


def _parse(result: InvocationResult) -> Any:
    try:
        return result.answer
    except ValueError:
        return "not JSON"


def _first_reported(answer: Any, items: Sequence[Item]) -> int | None:
    """Same page, "Success and failure conditions".

    Success: an empty or null EventResponse, an empty or null batchItemFailures. Complete failure: an itemIdentifier
    that is empty, null, of another batch, or under another key. An answer of another shape counts as a complete failure
    too: that is our reading, the cautious one.
    """
    if not answer:
        return None
    if not isinstance(answer, Mapping):
        return 0
    reported = answer.get("batchItemFailures")
    if not reported:
        return None
    places = {item.record.sequence_number: index for index, item in enumerate(items)}
    indexes = [_place(failure, places) for failure in reported] if isinstance(reported, list) else [None]
    known = [index for index in indexes if index is not None]
    return min(known) if len(known) == len(indexes) else 0


def _place(failure: Any, places: Mapping[str, int]) -> int | None:
    identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
    return places.get(identifier) if isinstance(identifier, str) else None


@dataclass(frozen=True, slots=True)
class Sequel:
    """What follows a failed invocation: batches to deliver, in this order, or one to discard."""

    retries: tuple[Batch, ...] = ()
    discarded: Batch | None = None


def after_failure(batch: Batch, failed_at: int, outcome: Outcome, mapping: EventSourceMapping) -> Sequel:
    """Decide about a batch of which ``items[failed_at:]`` are not done.

    "Kinesis parameters": MaximumRetryAttempts "doesn't apply to service errors or throttles where the batch didn't
    reach the function"; BisectBatchOnFunctionError: "splitting a batch doesn't count towards the retry quota".
    """
    remaining = replace(batch.part(batch.items[failed_at:]), invocations=batch.invocations + 1)
    if outcome is Outcome.REFUSED:
        return Sequel(retries=(batch,))
    if mapping.bisects and failed_at > 0:
        # "Configuring partial batch response": with both settings on, the batch is bisected at the reported record.
        return Sequel(retries=(remaining,))
    if mapping.bisects and len(remaining.items) > 1:
        # Also when the reported record is the first one: cutting there would isolate nothing (our reading).
        return Sequel(retries=_halves(remaining))
    return _count(remaining, mapping.maximum_retry_attempts)


def _halves(batch: Batch) -> tuple[Batch, Batch]:
    middle = len(batch.items) // 2
    return batch.part(batch.items[:middle]), batch.part(batch.items[middle:])


def _count(batch: Batch, maximum_retry_attempts: int) -> Sequel:
    failed = replace(batch, failures=batch.failures + 1)
    if maximum_retry_attempts != FOREVER and failed.failures > maximum_retry_attempts:
        return Sequel(discarded=failed)
    return Sequel(retries=(failed,))
