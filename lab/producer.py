"""Writes blocks into Kinesis as a QLDB journal stream did: Ion records, aggregated by the producer library's format.

A user record's partition key is the lower-case hex of the block's or revision's hash, as in the real service's records;
the outer key is the strand's id, so that a strand stays in order on its shard (docs/architecture.md, "Order").
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from counterfoil.errors import UnavailableError
from counterfoil.journal.address import BlockAddress
from counterfoil.journal.builder import BuiltBlock, control_record

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

STREAM_ARN: Final = "arn:aws:qldb:eu-central-1:123456789012:stream/financial-ledger-demo/IiPT4brpZCqCq3f4MTHbYy"

# The producer library's default for AggregationMaxSize; one user record larger than it goes into a frame of its own.
AGGREGATE_BYTES: Final = 51_200
# "PutRecords": a record with its partition key; a request's records and bytes.
RECORD_LIMIT_BYTES: Final = 1_048_576
REQUEST_LIMIT_RECORDS: Final = 500
REQUEST_LIMIT_BYTES: Final = 5_242_880
PUT_ATTEMPTS: Final = 8


class UserRecord(NamedTuple):
    """One QLDB stream record (binary Ion) under its partition key."""

    partition_key: str
    data: bytes


class OuterRecord(NamedTuple):
    """One Kinesis record as it is put."""

    partition_key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamedBlock:
    """A block as the stream carries it: its summary and the details of its revisions."""

    address: BlockAddress
    summary: UserRecord
    details: tuple[UserRecord, ...]

    @property
    def records(self) -> tuple[UserRecord, ...]:
        """In QLDB's order: the summary, then the revisions."""
        return (self.summary, *self.details)


def streamed(block: BuiltBlock, stream_arn: str = STREAM_ARN) -> StreamedBlock:
    """The stream records of a block under QLDB's keys."""
    shown = [revision for revision, change in zip(block.revisions, block.changes, strict=True) if not change.internal]
    details = tuple(
        UserRecord(revision["hash"].hex(), data)
        for revision, data in zip(shown, block.revision_records(stream_arn), strict=True)
    )
    return StreamedBlock(block.address, UserRecord(str(block.block_hash), block.summary_record(stream_arn)), details)


def control(control_type: str, stream_arn: str = STREAM_ARN) -> UserRecord:
    """A CONTROL record; it has no hash to be keyed by, so its key is the stream's id."""
    return UserRecord(stream_arn.rpartition("/")[2], control_record(stream_arn, control_type))


def outer_records(
    records: Iterable[UserRecord], outer_key: str, *, aggregation: bool = True, max_bytes: int = AGGREGATE_BYTES
) -> Iterator[OuterRecord]:
    """User records in order as Kinesis records.

    ``aggregation`` of ``False`` is QLDB's AggregationEnabled=false: each record goes alone, without a frame. The outer key is
    then still ``outer_key``, since without it a strand would scatter.
    """
    if not aggregation:
        yield from (OuterRecord(outer_key, each.data) for each in records)
        return
    waiting: list[UserRecord] = []
    size = 0
    for each in records:
        # A frame spends the key, the data and less than 32 bytes of lengths on a record, and 20 bytes on itself.
        cost = len(each.data) + len(each.partition_key) + 32
        if waiting and size + cost > max_bytes:
            yield OuterRecord(outer_key, aggregate(waiting))
            waiting, size = [], 0
        waiting.append(each)
        size += cost
    if waiting:
        yield OuterRecord(outer_key, aggregate(waiting))


def aggregate(records: Sequence[UserRecord]) -> bytes:
    """One frame of user records, written by AWS's own library."""
    frame = _aggregator().AggRecord(RECORD_LIMIT_BYTES)
    for each in records:
        if not frame.add_user_record(each.partition_key, each.data):
            raise ValueError(f"{len(records)} user records do not fit into one Kinesis record")
    return bytes(frame.get_contents()[2])


@dataclass(slots=True)
class PutSummary:
    """What was put: Kinesis records, their bytes, and how many had to be put again."""

    records: int = 0
    size_bytes: int = 0
    retried: int = 0


def put(
    client: KinesisClient,
    stream_name: str,
    records: Iterable[OuterRecord],
    *,
    pause: Callable[[float], object] = time.sleep,
) -> PutSummary:
    """Put records in order, in requests as large as Kinesis takes.

    PutRecords may refuse some of a request ("PutRecords": order within it is not guaranteed then); what was refused is put
    again before the next request. Raises ``UnavailableError`` where Kinesis goes on refusing.
    """
    summary = PutSummary()
    for request in _requests(records):
        _put_request(client, stream_name, request, summary, pause)
        summary.records += len(request)
        summary.size_bytes += sum(len(each.data) for each in request)
    return summary


def _put_request(
    client: KinesisClient,
    stream_name: str,
    request: list[OuterRecord],
    summary: PutSummary,
    pause: Callable[[float], object],
) -> None:
    waiting = request
    for attempt in range(PUT_ATTEMPTS):
        answer = client.put_records(StreamName=stream_name, Records=[_entry(each) for each in waiting])
        results = zip(waiting, answer["Records"], strict=True)
        waiting = [record for record, result in results if result.get("ErrorCode")]
        if not waiting:
            return
        summary.retried += len(waiting)
        pause(0.05 * 2**attempt)
    raise UnavailableError(f"stream {stream_name} refused {len(waiting)} records {PUT_ATTEMPTS} times in a row")


def _entry(record: OuterRecord) -> PutRecordsRequestEntryTypeDef:
    return {"Data": record.data, "PartitionKey": record.partition_key}


def _requests(records: Iterable[OuterRecord]) -> Iterator[list[OuterRecord]]:
    request: list[OuterRecord] = []
    size = 0
    for each in records:
        cost = len(each.data) + len(each.partition_key)
        if request and (len(request) == REQUEST_LIMIT_RECORDS or size + cost > REQUEST_LIMIT_BYTES):
            yield request
            request, size = [], 0
        request.append(each)
        size += cost
    if request:
        yield request


def _aggregator() -> Any:
    """AWS's aggregation library. Importing it edits ``sys.path`` and may print: both are kept from everybody else."""
    path = list(sys.path)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return importlib.import_module("aws_kinesis_agg.aggregator")
    finally:
        sys.path[:] = path
