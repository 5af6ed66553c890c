"""One shard of one mapping: what was read, what waits in which lane, what is to be retried, and how far it is done."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lab.mapping.batches import Batch, Item, take_batch
from lab.mapping.source import Cursor, Page, Shard, StreamRecord, event_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lab.mapping.declaration import EventSourceMapping

_BUFFERED_BATCHES: Final = 4


@dataclass(slots=True)
class Lane:
    """Records that are delivered one batch after another; a failed batch holds up its lane and nothing else."""

    waiting: deque[Item] = field(default_factory=deque)
    retries: deque[Batch] = field(default_factory=deque)
    not_before: float = 0.0
    failures_in_a_row: int = 0

    @property
    def empty(self) -> bool:
        return not self.waiting and not self.retries

    def due_at(self, window_seconds: float) -> float | None:
        """When the lane will have a batch even if nothing more arrives."""
        if self.retries:
            return self.not_before
        return max(self.not_before, self.waiting[0].read_at + window_seconds) if self.waiting else None


class ShardReader:
    """Reads a shard in order and keeps its progress.

    "Kinesis parameters", ParallelizationFactor: up to ten batches of a shard at a time, in order per partition key;
    each lane here is one of them, and a partition key always takes the same lane.
    """

    def __init__(self, shard: Shard, start: Cursor, mapping: EventSourceMapping, visible_at: float) -> None:
        self.shard = shard
        self.visible_at = visible_at
        self.checkpoint = start
        self.ended = False
        self.read_not_before = visible_at
        self.last_empty_read = float("-inf")
        self._turn = 0
        self._cursor = start
        self._mapping = mapping
        self._lanes = [Lane() for _ in range(mapping.parallelization_factor)]
        self._unfinished: dict[str, bool] = {}  # sequence number -> done, in the shard's order

    @property
    def cursor(self) -> Cursor:
        return self._cursor

    @property
    def finished(self) -> bool:
        """Closed, read to its end, and every record delivered or discarded: only then may its children start."""
        return self.ended and self.empty

    @property
    def empty(self) -> bool:
        return all(lane.empty for lane in self._lanes)

    @property
    def read_limit(self) -> int:
        return min(10_000, self._mapping.batch_size * self._mapping.parallelization_factor)

    def wants_read(self) -> bool:
        """Whether a lane could deliver more, and not too much waits already behind a lane that is held up."""
        hungry = any(not lane.retries and len(lane.waiting) < self._mapping.batch_size for lane in self._lanes)
        waiting = sum(len(lane.waiting) for lane in self._lanes)
        return not self.ended and hungry and waiting < _BUFFERED_BATCHES * self.read_limit

    def accept(self, page: Page, now: float) -> int:
        """Put what was read into the lanes; return how many records the filters kept out."""
        self.ended = page.ended
        refused = [record for record in page.records if not self._accept_record(record, now)]
        for record in refused:
            self._unfinished[record.sequence_number] = True
        self._advance_checkpoint()
        if not page.records:
            self.last_empty_read = now
        return len(refused)

    def _accept_record(self, record: StreamRecord, now: float) -> bool:
        self._cursor = Cursor.after(record.sequence_number)
        self._unfinished[record.sequence_number] = False
        shaped = event_record(record, self.shard.shard_id, self._mapping)
        if not self._mapping.filters.admit(shaped):
            return False
        text = json.dumps(shaped, separators=(",", ":"), ensure_ascii=False).encode()
        self._lanes[lane_of(record.order_key, len(self._lanes))].waiting.append(Item(record, text, now))
        return True

    def next_batch(self, now: float) -> tuple[Lane, Batch] | None:
        """Take the next batch that is due out of its lane."""
        self._turn += 1
        first = self._turn % len(self._lanes)
        for lane in self._lanes[first:] + self._lanes[:first]:
            if now >= lane.not_before and (batch := self._take(lane, now)):
                return lane, batch
        return None

    def _take(self, lane: Lane, now: float) -> Batch | None:
        if lane.retries:
            return lane.retries.popleft()
        batch = take_batch(lane.waiting, self._mapping.batch_size, self._mapping.batching_window_seconds, now)
        for _ in batch.items if batch else ():
            lane.waiting.popleft()
        return batch

    def finish(self, items: Sequence[Item]) -> None:
        """Note that these records will not be delivered again; a second time changes nothing."""
        for item in items:
            if item.record.sequence_number in self._unfinished:
                self._unfinished[item.record.sequence_number] = True
        self._advance_checkpoint()

    def _advance_checkpoint(self) -> None:
        for sequence_number in list(self._done_prefix()):
            del self._unfinished[sequence_number]
            self.checkpoint = Cursor.after(sequence_number)

    def _done_prefix(self) -> Iterator[str]:
        for sequence_number, done in self._unfinished.items():
            if not done:
                return
            yield sequence_number

    def rewind(self) -> None:
        """Another poller took the shard over: it knows the checkpoint and nothing else."""
        self._cursor = self.checkpoint
        self._lanes = [Lane() for _ in self._lanes]
        self._unfinished = {}
        self.ended = False
        self.last_empty_read = float("-inf")

    def due_at(self) -> float | None:
        """When something can happen next; None when nothing will."""
        lanes = (lane.due_at(self._mapping.batching_window_seconds) for lane in self._lanes)
        times = [max(time, self.visible_at) for time in lanes if time is not None]
        return min([*times, self.read_not_before] if self.wants_read() else times, default=None)


def lane_of(order_key: str, lanes: int) -> int:
    if lanes == 1:
        return 0
    return int.from_bytes(hashlib.md5(order_key.encode(), usedforsecurity=False).digest()) % lanes
