"""What the engine asks of a stream, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.mapping.declaration import EventSourceMapping, StartingPosition


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record of a shard.

    ``order_key`` is what Lambda keeps in order when a shard has several lanes: the partition key in Kinesis, the
    item's key in DynamoDB. ``content`` is the part of the function's event that the stream itself determines: the
    ``kinesis`` object, or the whole DynamoDB stream record without its ARN.
    """

    sequence_number: str
    order_key: str
    arrived_at: float
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard that the stream lists, open or closed; ``parents`` may name shards that are listed no longer."""

    shard_id: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a shard: its oldest record, a time, or just behind a sequence number. It stays valid when kept."""

    kind: Literal["horizon", "timestamp", "after"] = "horizon"
    sequence_number: str = ""
    timestamp: float = 0.0

    @classmethod
    def after(cls, sequence_number: str) -> Cursor:
        return cls("after", sequence_number=sequence_number)


@dataclass(frozen=True, slots=True)
class Page:
    """What one read returned; ``ended`` says that the shard is closed and nothing comes after these records."""

    records: Sequence[StreamRecord]
    ended: bool = False


class ThrottledReadError(Exception):
    """The stream refused a read for now (ProvisionedThroughputExceededException); nothing was consumed."""


class StreamSource(Protocol):
    """A stream, as an event source mapping sees it. At-least-once: a cursor may be read again at any time."""

    retention_seconds: float

    def shards(self) -> Sequence[Shard]:
        """Every shard that still holds or may get records, parents before their children."""

    def open(self, shard_id: str, position: StartingPosition, timestamp: float) -> Cursor:
        """Turn a starting position into a cursor: LATEST means behind what the shard holds at this moment."""

    def read(self, shard_id: str, cursor: Cursor, limit: int) -> Page:
        """Read on from ``cursor``, oldest first; raise ThrottledReadError to be asked again later."""


def event_record(record: StreamRecord, shard_id: str, mapping: EventSourceMapping) -> dict[str, Any]:
    """One member of ``Records`` in the function's event.

    Shapes: Lambda Developer Guide, "Process records from Amazon Kinesis Data Streams with Lambda" and "Process records
    from Amazon DynamoDB with Lambda", example events. ``eventSourceARN`` is the mapping's: with fan-out a consumer's.
    """
    if mapping.kind == "dynamodb":
        return {**record.content, "eventSourceARN": mapping.source_arn}
    return {
        "kinesis": record.content,
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{record.sequence_number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": mapping.role_arn,
        "awsRegion": mapping.region,
        "eventSourceARN": mapping.source_arn,
    }
