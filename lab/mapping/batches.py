"""How records become the batches that a function is invoked with.

Lambda Developer Guide, "Batching behavior": the function is invoked when the batching window has passed, the batch size
is reached, or the payload reaches 6 MB, whichever comes first. The window of a batch begins with its first record.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lab.invocation import PAYLOAD_LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.mapping.source import StreamRecord

_FRAME: Final = len(b'{"Records":[]}')


@dataclass(frozen=True, slots=True)
class Item:
    """A record on its way to the function: ``text`` is its member of ``Records`` as JSON."""

    record: StreamRecord
    text: bytes
    read_at: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Records delivered together.

    ``failures`` counts towards the retry quota, ``invocations`` is what the failure record reports: a batch that was
    bisected has been invoked without having failed for good.
    """

    items: tuple[Item, ...]
    failures: int = 0
    invocations: int = 0

    def part(self, items: Sequence[Item]) -> Batch:
        """The same history with other records."""
        return replace(self, items=tuple(items))


def render_event(items: Sequence[Item]) -> bytes:
    """The function's event."""
    return b'{"Records":[' + b",".join(item.text for item in items) + b"]}"


def take_batch(waiting: Sequence[Item], batch_size: int, window_seconds: float, now: float) -> Batch | None:
    """The next batch of what waits, or None while it is better to wait for more."""
    if not waiting:
        return None
    count = _fitting(waiting, batch_size)
    full = count == batch_size or count < len(waiting)
    if full or now - waiting[0].read_at >= window_seconds:
        return Batch(tuple(waiting[i] for i in range(count)))
    return None


def _fitting(waiting: Sequence[Item], batch_size: int) -> int:
    """How many of the first records fit into one payload: at least one, for a record cannot be split."""
    size = _FRAME - 1
    for count, item in enumerate(waiting):
        size += len(item.text) + 1
        if count == batch_size or (size > PAYLOAD_LIMIT_BYTES and count > 0):
            return count
    return len(waiting)


def split_by_age(batch: Batch, maximum_age_seconds: float, now: float) -> tuple[Batch, Batch]:
    """The records still young enough, and those that are not.

    "Kinesis parameters", MaximumRecordAgeInSeconds: Lambda discards records older than that, before each invocation.
    """
    young = [item for item in batch.items if now - item.record.arrived_at <= maximum_age_seconds]
    old = [item for item in batch.items if now - item.record.arrived_at > maximum_age_seconds]
    return batch.part(young), batch.part(old)
