"""Writes a journal stream's records into Kinesis, aggregated by AWS's own library."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from counterfoil.adapters.boto_errors import translated
from counterfoil.errors import ForbiddenError, NotFoundError, UnavailableError
from counterfoil.journal.publication import KeyedRecord, OuterRecord
from counterfoil.ports import StreamSink

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

# "PutRecords": a record with its partition key, unless the stream allows larger ones; a request's records and bytes.
RECORD_LIMIT_BYTES: Final = 1_048_576
REQUEST_LIMIT_RECORDS: Final = 500
REQUEST_LIMIT_BYTES: Final = 5_242_880
PUT_ATTEMPTS: Final = 8

_MISSING: Final = frozenset({"ResourceNotFoundException"})
# The stream's own right, or that of the key it is encrypted with.
_FORBIDDEN: Final = frozenset({"AccessDeniedException", "UnrecognizedClientException", "KMSAccessDeniedException"})


@dataclass(frozen=True, slots=True)
class KinesisSink(StreamSink):
    """A stream by its name; ``record_limit_bytes`` follows its MaxRecordSizeInKiB."""

    client: KinesisClient
    stream_name: str
    record_limit_bytes: int = RECORD_LIMIT_BYTES
    pause: Callable[[float], object] = time.sleep

    def put(self, records: Sequence[OuterRecord], /) -> None:
        put(self.client, self.stream_name, records, pause=self.pause)


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


def aggregate(records: Sequence[KeyedRecord]) -> bytes:
    """One frame of user records, written by AWS's own library; ``ValueError`` where they do not fit into 1 MiB."""
    frame = _aggregator().AggRecord(RECORD_LIMIT_BYTES)
    for each in records:
        if not frame.add_user_record(each.partition_key, each.data):
            raise ValueError(f"{len(records)} user records do not fit into one Kinesis record")
    return bytes(frame.get_contents()[2])


def _put_request(
    client: KinesisClient,
    stream_name: str,
    request: list[OuterRecord],
    summary: PutSummary,
    pause: Callable[[float], object],
) -> None:
    waiting = request
    for attempt in range(PUT_ATTEMPTS):
        with _told_apart(stream_name):
            answer = client.put_records(StreamName=stream_name, Records=[_entry(each) for each in waiting])
        results = zip(waiting, answer["Records"], strict=True)
        waiting = [record for record, result in results if result.get("ErrorCode")]
        if not waiting:
            return
        summary.retried += len(waiting)
        pause(0.05 * 2**attempt)
    raise UnavailableError(f"stream {stream_name} refused {len(waiting)} records {PUT_ATTEMPTS} times in a row")


@contextmanager
def _told_apart(stream_name: str) -> Iterator[None]:
    """What a person must mend (no such stream, no right) apart from what mends itself."""
    with translated(f"putting records into stream {stream_name}"):
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code in _MISSING:
                raise NotFoundError(f"stream {stream_name} is not there") from error
            if code in _FORBIDDEN:
                raise ForbiddenError(f"stream {stream_name} may not be written: {code}") from error
            raise


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
