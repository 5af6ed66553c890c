"""One event source mapping at work: finds shards, reads them, invokes the function, and follows up.

``step`` does at most one thing that matters, a read with records or an invocation, so that a simulation can stop and
look between any two of them. The clock and all chance are passed in. A mapping invokes one batch at a time, also where
Lambda would invoke for several shards at once: shuffling the shards' turns reaches every order that Lambda allows.
"""

from __future__ import annotations

import random
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.invocation import PAYLOAD_LIMIT_BYTES, InvocationResult, Invoke
from lab.mapping.answers import after_failure, first_failed
from lab.mapping.batches import Batch, render_event, split_by_age
from lab.mapping.declaration import FOREVER, EventSourceMapping
from lab.mapping.destinations import Condition, DeliveryFailedError, Destination, DiscardedBatch
from lab.mapping.faults import NO_FAULTS, FaultRates, Faults
from lab.mapping.metrics import MappingMetrics
from lab.mapping.shard_reader import Lane, ShardReader
from lab.mapping.source import Cursor, Page, Shard, StreamSource, ThrottledReadError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is asked and how long is waited, in seconds.

    "Polling and batching streams": Lambda polls each shard at a base rate of once per second, and at once where more is
    there. Retries wait with exponential backoff, whose numbers AWS does not publish: these are ours.
    """

    poll: float = 1.0
    discovery: float = 10.0
    first_backoff: float = 0.5
    longest_backoff: float = 60.0

    def backoff(self, failures_in_a_row: int) -> float:
        return float(min(self.longest_backoff, self.first_backoff * 2 ** min(failures_in_a_row - 1, 20)))


@dataclass(frozen=True, slots=True)
class World:
    """What is passed in from outside: time in seconds since the epoch, chance, what goes wrong, and how fast."""

    clock: Callable[[], float]
    seed: int = 0
    faults: FaultRates = NO_FAULTS
    pace: Pace = Pace()


class MappingEngine:
    """Delivers every record of a stream to a function at least once, in order per shard, or to the destination."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        source: StreamSource,
        invoke: Invoke,
        destination: Destination | None = None,
        *,
        world: World,
    ) -> None:
        self.mapping = mapping
        self.metrics = MappingMetrics()
        self._source = source
        self._invoke = invoke
        self._destination = destination
        self._clock = world.clock
        self._chance = random.Random(world.seed)
        self._faults = Faults(world.faults, self._chance)
        self._pace = world.pace
        self._readers: dict[str, ShardReader] = {}
        self._discover_at = float("-inf")
        self._turn = 0

    def disturb(self, rates: FaultRates) -> None:
        """Let other faults happen from now on, drawn from the same chance."""
        self._faults = Faults(rates, self._chance)

    def step(self) -> bool:
        """Do one thing; False when there is nothing to do at this moment."""
        if not self.mapping.enabled:
            return False
        now = self._clock()
        self.discover(now)
        return any(self._deliver(reader, now) or self._read(reader, now) for reader in self._turns(now))

    def next_due(self) -> float | None:
        """The next moment at which ``step`` may find something to do; None when every shard is finished."""
        if not self.mapping.enabled:
            return None
        times = [time for reader in self._readers.values() if (time := self._due_at(reader)) is not None]
        return min(times, default=None)

    def _due_at(self, reader: ShardReader) -> float | None:
        return reader.due_at() if self._may_start(reader) else None

    def caught_up_since(self, moment: float) -> bool:
        """Whether nothing is in flight and every open shard was found empty by a read begun at or after ``moment``."""
        if not self.mapping.enabled:
            return True
        return bool(self._readers) and all(
            reader.empty and (reader.ended or reader.last_empty_read >= moment) for reader in self._readers.values()
        )

    # ---- shards ------------------------------------------------------------------------------------------------------

    def discover(self, now: float) -> None:
        """Look for new shards when it is time.

        "CreateEventSourceMapping", StartingPosition: it counts for the shards that exist when the mapping starts. What
        a split or merge makes later is read from its beginning, or records would be lost.
        """
        if now < self._discover_at:
            return
        starting = not self._readers
        for shard in self._source.shards():
            if shard.shard_id not in self._readers:
                self._readers[shard.shard_id] = self._open(shard, now, starting=starting)
        self._discover_at = now + self._pace.discovery

    def _open(self, shard: Shard, now: float, *, starting: bool) -> ShardReader:
        start = Cursor()
        if starting:
            start = self._source.open(shard.shard_id, self.mapping.starting_position, self.mapping.starting_timestamp)
        return ShardReader(shard, start, self.mapping, now + self._faults.shard_delay())

    def _may_start(self, reader: ShardReader) -> bool:
        """Parents first.

        Amazon Kinesis Data Streams Developer Guide, "After a reshard": only when a parent is read to its end may its
        children be read, or records of one partition key would overtake each other. A parent that the stream lists no
        longer holds nothing.
        """
        parents = (self._readers.get(parent) for parent in reader.shard.parents)
        return all(parent.finished for parent in parents if parent is not None)

    def _turns(self, now: float) -> list[ShardReader]:
        ready = [r for r in self._readers.values() if not r.finished and now >= r.visible_at and self._may_start(r)]
        self._turn += 1
        first = self._turn % len(ready) if ready else 0
        return self._faults.arrange(ready[first:] + ready[:first])

    def _read(self, reader: ShardReader, now: float) -> bool:
        if now < reader.read_not_before or not reader.wants_read():
            return False
        page = self._fetch(reader)
        if page is None or not page.records:
            reader.read_not_before = now + self._pace.poll
        if page is None:
            return False
        self.metrics.polled_event_count += len(page.records)
        self.metrics.filtered_out_event_count += reader.accept(page, now)
        if page.ended:
            self._discover_at = float("-inf")
        return bool(page.records or page.ended)

    def _fetch(self, reader: ShardReader) -> Page | None:
        if not self._faults.throttles_read():
            with suppress(ThrottledReadError):
                return self._source.read(reader.shard.shard_id, reader.cursor, reader.read_limit)
        self.metrics.throttled_reads += 1
        return None

    # ---- delivery ----------------------------------------------------------------------------------------------------

    def _deliver(self, reader: ShardReader, now: float) -> bool:
        taken = reader.next_batch(now)
        if taken is None:
            return False
        lane, batch = taken
        young, old = split_by_age(batch, self._maximum_age(), now)
        if old.items:
            self._discard(reader, old, "RecordAgeExceeded", None)
        if young.items:
            self._settle(reader, lane, young, self._call(young, now))
        return True

    def _maximum_age(self) -> float:
        """Seconds. Without a maximum Lambda retries "until the record expires in the event source"."""
        limit = self.mapping.maximum_record_age_seconds
        return self._source.retention_seconds if limit == FOREVER else min(limit, self._source.retention_seconds)

    def _call(self, batch: Batch, now: float) -> InvocationResult:
        self.metrics.observe_age(now - batch.items[-1].record.arrived_at)
        self.metrics.invocations += 1
        self.metrics.invoked_event_count += len(batch.items)
        if self._faults.refuses():
            return InvocationResult.refused("TooManyRequestsException", "Rate Exceeded.", self._request_id())
        if self._faults.crashes_before():
            return self._crash()
        result = self._call_with(render_event(batch.items))
        return self._crash() if self._faults.crashes_after() else result

    def _call_with(self, event: bytes) -> InvocationResult:
        """A record too large for any payload fails like a handler's error, so that it is discarded, not in the way."""
        if len(event) > PAYLOAD_LIMIT_BYTES:
            message = f"one record makes a payload of {len(event)} bytes, more than {PAYLOAD_LIMIT_BYTES}"
            return InvocationResult.error("RequestTooLargeException", message, self._request_id())
        return self._invoke(event)

    def _crash(self) -> InvocationResult:
        request_id = self._request_id()
        message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
        return InvocationResult.error("Runtime.ExitError", message, request_id)

    def _settle(self, reader: ShardReader, lane: Lane, batch: Batch, result: InvocationResult) -> None:
        if self._faults.loses_lease():
            self.metrics.lost_leases += 1
            reader.rewind()
            return
        failed_at = first_failed(result, batch.items, reports_item_failures=self.mapping.reports_item_failures)
        reader.finish(batch.items[:failed_at])
        if failed_at is None:
            self._succeed(lane, batch)
        else:
            self._fail(reader, lane, batch, failed_at, result)

    def _succeed(self, lane: Lane, batch: Batch) -> None:
        lane.failures_in_a_row = 0
        if self._faults.repeats_delivery():
            lane.retries.appendleft(replace(batch, failures=0))

    def _fail(self, reader: ShardReader, lane: Lane, batch: Batch, failed_at: int, result: InvocationResult) -> None:
        self.metrics.failed_invoke_event_count += len(batch.items) - failed_at
        lane.failures_in_a_row = lane.failures_in_a_row + 1 if failed_at == 0 else 1
        lane.not_before = self._clock() + self._pace.backoff(lane.failures_in_a_row)
        sequel = after_failure(batch, failed_at, result.outcome, self.mapping)
        lane.retries.extendleft(reversed(sequel.retries))
        if sequel.discarded:
            lane.failures_in_a_row, lane.not_before = 0, 0.0
            self._discard(reader, sequel.discarded, "RetryAttemptsExhausted", result)

    def _discard(
        self, reader: ShardReader, batch: Batch, condition: Condition, result: InvocationResult | None
    ) -> None:
        """Give up on a batch and go on: to the destination if there is one, into nothing if there is none."""
        self.metrics.dropped_event_count += len(batch.items)
        discarded = DiscardedBatch(
            mapping=self.mapping,
            shard_id=reader.shard.shard_id,
            batch=batch,
            condition=condition,
            result=result,
            discarded_at=self._clock(),
            record_id=uuid.UUID(int=self._chance.getrandbits(128), version=4),
        )
        if self._destination is not None:
            self._send(self._destination, discarded)
        reader.finish(batch.items)

    def _send(self, destination: Destination, discarded: DiscardedBatch) -> None:
        try:
            destination.deliver(discarded)
        except DeliveryFailedError:
            self.metrics.destination_delivery_failures += 1
        else:
            self.metrics.on_failure_destination_delivered_event_count += len(discarded.batch.items)

    def _request_id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
