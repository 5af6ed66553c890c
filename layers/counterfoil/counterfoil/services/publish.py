"""The publisher: committed blocks in, QLDB stream records out, in order and at least once.

What happens to a stream, in this order, and why in this order:

1. CREATED is put, then the cursor is set to the strand's first block: a crash in between puts CREATED again.
2. The blocks from the cursor to the tip are read, batch by batch. Those before the start time are passed over.
3. A batch's records are put; only then is the job with the advanced cursor handed to the caller, who saves it. A crash before
   the saving puts the batch again: consumers tell repetitions by block address (docs/format.md, "Stream records").
4. Where the end time was reached, COMPLETED is put, then the job is handed over as completed.

A strand keeps its order since the outer partition key of all its records is the strand's id. A user record larger than
``AGGREGATE_BYTES`` goes into a frame of its own; where its frame is over the Kinesis limit it goes without one; where it is
over the limit by itself, it is set aside before a pointer to it is put. Where that is not possible, since there is no place
for it or it is over ``MAX_SET_ASIDE_BYTES``, publishing stops in front of its block with a ``LimitError``. Nothing is passed
over in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from counterfoil.errors import LimitError, NotFoundError
from counterfoil.journal.publication import KeyedRecord, OuterRecord, StreamedBlock, control
from counterfoil.journal.set_aside import MAX_SET_ASIDE_BYTES, SetAsidePlace
from counterfoil.journal.stored import block_time, streamed_datagram
from counterfoil.ledger.jobs import StreamJob, StreamStatus
from counterfoil.ports import Aggregate, JournalReader, SetAsideRecords, StreamSink

# The producer library's default for AggregationMaxSize; one user record larger than it goes into a frame of its own.
AGGREGATE_BYTES: Final = 51_200

# What is repeated after a crash, and what is held in memory: a batch ends with the block that passes either bound.
BATCH_BLOCKS: Final = 256
BATCH_BYTES: Final = 2 * 1024 * 1024

# A block's time is taken shortly before it is committed. Only when the clock is past the end by this much can no block
# with an earlier time come any more.
END_GRACE: Final = timedelta(seconds=5)


def outer_records(
    records: Iterable[KeyedRecord], outer_key: str, aggregate: Aggregate | None, *, max_bytes: int = AGGREGATE_BYTES
) -> Iterator[OuterRecord]:
    """User records in order as Kinesis records.

    ``aggregate`` of ``None`` is QLDB's AggregationEnabled=false: each record goes alone, without a frame. The outer key is
    then still ``outer_key``, since without it a strand would scatter.
    """
    if aggregate is None:
        yield from (OuterRecord(outer_key, each.data) for each in records)
        return
    waiting: list[KeyedRecord] = []
    size = 0
    for each in records:
        # A frame spends the key, the data and less than 32 bytes of lengths on a record, and 20 bytes on itself.
        cost = len(each.data) + len(each.partition_key) + 32
        if waiting and size + cost > max_bytes:
            yield _framed(waiting, outer_key, aggregate)
            waiting, size = [], 0
        waiting.append(each)
        size += cost
    if waiting:
        yield _framed(waiting, outer_key, aggregate)


def _framed(records: list[KeyedRecord], outer_key: str, aggregate: Aggregate) -> OuterRecord:
    try:
        return OuterRecord(outer_key, aggregate(records))
    except ValueError:
        if len(records) > 1:
            raise
        return OuterRecord(outer_key, records[0].data)  # a frame would only make it larger


def first_block_at(reader: JournalReader, moment: datetime, begin: int, end: int) -> int:
    """The first of blocks ``begin`` to ``end - 1`` whose time is ``moment`` or later; ``end`` where there is none.

    Most often it is ``begin``: whoever follows a journal has long passed its start time.
    """
    middle = begin
    while begin < end:
        (block,) = reader.blocks(middle, middle + 1)
        if block_time(block) < moment:
            begin = middle + 1
        else:
            end = middle
        middle = (begin + end) // 2
    return begin


@dataclass(frozen=True, slots=True)
class _Batch:
    """Blocks whose records are put together; ``end`` is the sequence number behind the last of them."""

    blocks: list[StreamedBlock]
    end: int
    too_large: LimitError | None = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes the journal of one reader into one sink. Keeps nothing: the job says where it stands.

    ``set_aside`` of ``None``: what is too large for the stream stops it.
    """

    reader: JournalReader
    sink: StreamSink
    aggregate: Aggregate
    set_aside: SetAsideRecords | None = None

    def publish(self, job: StreamJob, now: datetime) -> Iterator[StreamJob]:
        """Put what is committed and not yet put; yield the job after each batch that the sink has confirmed.

        The caller saves what is yielded before asking for more, and may stop asking at any time. ``now`` is the time before
        this call. Raises what the sink raises, and ``LimitError`` in front of a block with a record that can neither be put nor set
        aside.
        """
        if job.next_sequence_no is None:
            self._put(job, [control("CREATED", job.arn)])
            job = replace(job, next_sequence_no=self.reader.first())
            yield job
        begin, end = self._range(job)
        for batch in self._batches(job.arn, begin, end):
            if batch.blocks:
                self._put(job, [record for block in batch.blocks for record in block.records])
                job = replace(job, next_sequence_no=batch.end)
                yield job
            if batch.too_large is not None:
                raise batch.too_large
        if end > (job.next_sequence_no or 0):  # blocks before the start time
            job = replace(job, next_sequence_no=end)
            yield job
        if self._reached_end(job, end, now):
            self._put(job, [control("COMPLETED", job.arn)])
            yield replace(job, status=StreamStatus.COMPLETED, ended_at=now)

    def repeat(self, job: StreamJob, sequence_no: int) -> None:
        """Put a block's records once more, as the journal has it now. ``NotFoundError`` where it has none there."""
        (data,) = self.reader.blocks(sequence_no, sequence_no + 1)
        self._put(job, list(self._fitted(data, job.arn).records))

    def _range(self, job: StreamJob) -> tuple[int, int]:
        """The blocks to publish now: from the first one to the one behind the last."""
        tip = self.reader.tip()
        behind = 0 if tip is None else tip + 1
        begin = self._begin(job, behind)
        if job.exclusive_end is None:
            return begin, behind
        return begin, first_block_at(self.reader, job.exclusive_end, begin, behind)

    def _begin(self, job: StreamJob, behind: int) -> int:
        begin = job.next_sequence_no or 0
        try:
            return first_block_at(self.reader, job.inclusive_start, begin, behind)
        except NotFoundError:  # a stream that was set back to before a trust anchor
            return first_block_at(self.reader, job.inclusive_start, max(begin, self.reader.first()), behind)

    def _reached_end(self, job: StreamJob, end: int, now: datetime) -> bool:
        """Whether no block before the end time can come any more; ``end`` is the one behind the last that was published."""
        if job.exclusive_end is None:
            return False
        if now >= job.exclusive_end + END_GRACE:
            return True
        tip = self.reader.tip()
        if tip is None or tip < end:
            return False
        (block,) = self.reader.blocks(end, end + 1)
        return block_time(block) >= job.exclusive_end

    def _batches(self, stream_arn: str, begin: int, end: int) -> Iterator[_Batch]:
        stored = self.reader.blocks(begin, end) if begin < end else iter(())
        while begin < end:
            batch = self._batch(stream_arn, begin, stored)
            yield batch
            begin = batch.end

    def _batch(self, stream_arn: str, begin: int, stored: Iterator[bytes]) -> _Batch:
        blocks: list[StreamedBlock] = []
        size = 0
        for data in islice(stored, BATCH_BLOCKS):
            try:
                block = self._fitted(data, stream_arn)
            except LimitError as error:
                return _Batch(blocks, begin + len(blocks), error)
            blocks.append(block)
            size += len(data)
            if size >= BATCH_BYTES:
                break
        return _Batch(blocks, begin + len(blocks))

    def _fitted(self, data: bytes, stream_arn: str) -> StreamedBlock:
        """A block as it is put: what is too large for the stream is set aside."""
        block = streamed_datagram(data, stream_arn)
        limit = self.sink.record_limit_bytes - len(self.reader.strand_id)

        def keep(record: bytes) -> SetAsidePlace:
            if self.set_aside is None or len(record) > MAX_SET_ASIDE_BYTES:
                most = self.sink.record_limit_bytes if self.set_aside is None else MAX_SET_ASIDE_BYTES
                raise LimitError(f"a record of block {block.address} has {len(record)} bytes, over the limit of {most}")
            return self.set_aside.keep(record)

        return block.fitted(stream_arn, limit, keep)

    def _put(self, job: StreamJob, records: list[KeyedRecord]) -> None:
        aggregate = self._bounded if job.aggregation else None
        strand_id = self.reader.strand_id
        most = min(AGGREGATE_BYTES, self.sink.record_limit_bytes - len(strand_id))
        self.sink.put(list(outer_records(records, strand_id, aggregate, max_bytes=most)))

    def _bounded(self, records: Iterable[KeyedRecord]) -> bytes:
        frame = self.aggregate(list(records))
        if len(frame) + len(self.reader.strand_id) > self.sink.record_limit_bytes:
            raise ValueError(f"a frame of {len(frame)} bytes, over the stream's limit")
        return frame
