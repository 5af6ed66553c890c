"""Streams in memory with the life of real ones: shards that split and merge, records that expire. For simulations."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lab.mapping.source import Cursor, Page, Shard, StreamRecord, StreamSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.mapping.declaration import StartingPosition

_LAST_HASH_KEY: Final = 2**128 - 1
_FIRST_SEQUENCE_NUMBER: Final = 49 * 10**54  # 56 digits, as in Kinesis


@dataclass(slots=True)
class _MemoryShard:
    shard: Shard
    hash_keys: tuple[int, int]
    records: list[StreamRecord] = field(default_factory=list)
    closed: bool = False


class _MemoryShards(StreamSource):
    """What both kinds of stream have in common; time is passed in."""

    def __init__(self, arn: str, clock: Callable[[], float], retention_seconds: float) -> None:
        self.arn = arn
        self.retention_seconds = retention_seconds
        self._clock = clock
        self._shards: dict[str, _MemoryShard] = {}
        self._written = 0

    def shards(self) -> Sequence[Shard]:
        return [each.shard for each in self._shards.values()]

    def open(self, shard_id: str, position: StartingPosition, timestamp: float) -> Cursor:
        records = self._shards[shard_id].records
        match position:
            case "LATEST" if records:
                return Cursor.after(records[-1].sequence_number)
            case "AT_TIMESTAMP":
                return Cursor("timestamp", timestamp=timestamp)
        return Cursor()

    def read(self, shard_id: str, cursor: Cursor, limit: int) -> Page:
        self._expire()
        shard = self._shards[shard_id]
        behind = [record for record in shard.records if _is_behind(record, cursor)]
        return Page(behind[:limit], ended=shard.closed and len(behind) <= limit)

    def _expire(self) -> None:
        horizon = self._clock() - self.retention_seconds
        for shard in self._shards.values():
            shard.records = [record for record in shard.records if record.arrived_at >= horizon]

    def _add_shard(self, hash_keys: tuple[int, int], *parents: str) -> str:
        shard_id = f"shardId-{len(self._shards):012d}"
        for parent in parents:
            self._shards[parent].closed = True
        self._shards[shard_id] = _MemoryShard(Shard(shard_id, parents), hash_keys)
        return shard_id

    def _next_sequence_number(self) -> str:
        self._written += 1
        return str(_FIRST_SEQUENCE_NUMBER + self._written)


def _is_behind(record: StreamRecord, cursor: Cursor) -> bool:
    match cursor.kind:
        case "after":
            return int(record.sequence_number) > int(cursor.sequence_number)
        case "timestamp":
            return record.arrived_at >= cursor.timestamp
    return True


class MemoryKinesisStream(_MemoryShards):
    """A Kinesis stream: records go where the MD5 of their partition key says."""

    def __init__(
        self, arn: str, clock: Callable[[], float], *, shard_count: int = 1, retention_seconds: float = 86_400
    ) -> None:
        super().__init__(arn, clock, retention_seconds)
        width = (_LAST_HASH_KEY + 1) // shard_count
        for index in range(shard_count):
            last = _LAST_HASH_KEY if index == shard_count - 1 else (index + 1) * width - 1
            self._add_shard((index * width, last))

    def put(self, partition_key: str, data: bytes, explicit_hash_key: int | None = None) -> tuple[str, str]:
        """PutRecord; returns the shard and the sequence number."""
        digest = hashlib.md5(partition_key.encode(), usedforsecurity=False).digest()
        shard = self._shard_at(int.from_bytes(digest) if explicit_hash_key is None else explicit_hash_key)
        number, arrived_at = self._next_sequence_number(), self._clock()
        content = kinesis_content(number, partition_key, data, arrived_at)
        shard.records.append(StreamRecord(number, partition_key, arrived_at, content))
        return shard.shard.shard_id, number

    def split(self, shard_id: str) -> tuple[str, str]:
        """SplitShard in the middle; returns the children."""
        low, high = self._shards[shard_id].hash_keys
        middle = (low + high + 1) // 2
        return self._add_shard((low, middle - 1), shard_id), self._add_shard((middle, high), shard_id)

    def merge(self, shard_id: str, adjacent_shard_id: str) -> str:
        """MergeShards; returns the child."""
        low, high = sorted(self._shards[each].hash_keys for each in (shard_id, adjacent_shard_id))
        if low[1] + 1 != high[0]:
            raise ValueError(f"{shard_id} and {adjacent_shard_id} are not adjacent")
        return self._add_shard((low[0], high[1]), shard_id, adjacent_shard_id)

    def open_shards(self) -> list[str]:
        """Ids of the shards that take records, in the order of their hash keys."""
        shards = sorted(self._shards.values(), key=lambda each: each.hash_keys)
        return [each.shard.shard_id for each in shards if not each.closed]

    def _shard_at(self, hash_key: int) -> _MemoryShard:
        return next(
            each
            for each in self._shards.values()
            if not each.closed and each.hash_keys[0] <= hash_key <= each.hash_keys[1]
        )


def kinesis_content(sequence_number: str, partition_key: str, data: bytes, arrived_at: float) -> dict[str, Any]:
    """The ``kinesis`` object of a record in the function's event."""
    return {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": partition_key,
        "sequenceNumber": sequence_number,
        "data": base64.b64encode(data).decode(),
        "approximateArrivalTimestamp": round(arrived_at, 3),
    }


class MemoryTableStream(_MemoryShards):
    """A DynamoDB stream with new and old images; DynamoDB keeps 24 hours and renews its shards by itself."""

    def __init__(self, arn: str, clock: Callable[[], float]) -> None:
        super().__init__(arn, clock, 86_400)
        self._open_shard = self._add_shard((0, 0))

    def put(
        self, keys: Mapping[str, Any], new: Mapping[str, Any] | None = None, old: Mapping[str, Any] | None = None
    ) -> str:
        """Record a change of one item, images in DynamoDB's typed form; returns the sequence number."""
        number, arrived_at = self._next_sequence_number()[-21:], self._clock()
        change: dict[str, Any] = {"ApproximateCreationDateTime": int(arrived_at), "Keys": dict(keys)}
        change |= {name: dict(image) for name, image in (("NewImage", new), ("OldImage", old)) if image is not None}
        change |= {
            "SequenceNumber": number,
            "SizeBytes": len(json.dumps(change)),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        content = {
            "eventID": hashlib.md5(number.encode(), usedforsecurity=False).hexdigest(),
            "eventName": "REMOVE" if new is None else "INSERT" if old is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.arn.split(":")[3],
            "dynamodb": change,
        }
        order_key = json.dumps(keys, sort_keys=True)
        self._shards[self._open_shard].records.append(StreamRecord(number, order_key, arrived_at, content))
        return number

    def renew_shard(self) -> str:
        """Close the open shard and go on in a child, as DynamoDB does every few hours."""
        self._open_shard = self._add_shard((0, 0), self._open_shard)
        return self._open_shard
