"""Kinesis and DynamoDB streams over boto3, as sources for the engine.

Cursors are sequence numbers, so a poller can go on from a checkpoint after an iterator has expired. Against ministack:
splitting or merging removes the parent at once, so a parent's unread records are gone and "parents first" shows only in
memory (lab/mapping/memory_streams.py); what can be seen there is that the children are found and read from their
beginning. A table has one synthetic shard that never closes.
"""

from __future__ import annotations

import base64
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from lab.mapping.memory_streams import kinesis_content
from lab.mapping.source import Cursor, Page, Shard, StreamRecord, StreamSource, ThrottledReadError

if TYPE_CHECKING:
    from datetime import datetime

    from lab.mapping.declaration import StartingPosition

_THROTTLES: Final = {"ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException"}


class _AwsStream(StreamSource):
    """Keeps one iterator per shard, together with the cursor it stands for."""

    retention_seconds: float = 86_400
    largest_page = 10_000

    def __init__(self, client: Any, stream_arn: str) -> None:
        self._client = client
        self._arn = stream_arn
        self._iterators: dict[str, tuple[Cursor, str]] = {}

    def open(self, shard_id: str, position: StartingPosition, timestamp: float) -> Cursor:
        """LATEST reads the shard to its end once: a sequence number stays valid, an iterator does not."""
        if position == "AT_TIMESTAMP":
            return Cursor("timestamp", timestamp=timestamp)
        cursor = Cursor()
        while position == "LATEST" and (records := self.read(shard_id, cursor, 1000).records):
            cursor = Cursor.after(records[-1].sequence_number)
        return cursor

    def read(self, shard_id: str, cursor: Cursor, limit: int) -> Page:
        """Read; a shard that the service has forgotten has ended."""
        try:
            answer = self._get_records(shard_id, cursor, min(limit, self.largest_page))
        except ClientError as error:
            if error.response["Error"]["Code"] in _THROTTLES:
                raise ThrottledReadError from error
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return Page((), ended=True)
            raise
        records = [self._record(each) for each in answer["Records"]]
        behind = Cursor.after(records[-1].sequence_number) if records else cursor
        ended = "NextShardIterator" not in answer
        self._iterators[shard_id] = (behind, answer.get("NextShardIterator", ""))
        return Page(records, ended=ended)

    def _get_records(self, shard_id: str, cursor: Cursor, limit: int) -> Mapping[str, Any]:
        known = self._iterators.get(shard_id)
        if known is not None and known[0] == cursor:
            with suppress(self._client.exceptions.ExpiredIteratorException):
                return self._call(known[1], limit)
        return self._call(self._new_iterator(shard_id, cursor), limit)

    def _call(self, iterator: str, limit: int) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._client.get_records(ShardIterator=iterator, Limit=limit)
        return answer

    @abstractmethod
    def _new_iterator(self, shard_id: str, cursor: Cursor) -> str:
        """An iterator behind the cursor."""

    @abstractmethod
    def _record(self, raw: Mapping[str, Any]) -> StreamRecord:
        """What GetRecords gave, as the engine knows it."""


class KinesisStreamSource(_AwsStream):
    """A Kinesis stream. Retention is asked once, when the source is made."""

    def __init__(self, client: Any, stream_arn: str) -> None:
        super().__init__(client, stream_arn)
        summary = client.describe_stream_summary(StreamARN=stream_arn)["StreamDescriptionSummary"]
        self.retention_seconds = 3600 * summary["RetentionPeriodHours"]

    def shards(self) -> Sequence[Shard]:
        pages = self._client.get_paginator("list_shards").paginate(StreamARN=self._arn)
        return [_kinesis_shard(each) for page in pages for each in page["Shards"]]

    def _new_iterator(self, shard_id: str, cursor: Cursor) -> str:
        where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if cursor.kind == "after":
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": cursor.sequence_number}
        if cursor.kind == "timestamp":
            where = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": cursor.timestamp}
        iterator = self._client.get_shard_iterator(StreamARN=self._arn, ShardId=shard_id, **where)["ShardIterator"]
        return str(iterator)

    def _record(self, raw: Mapping[str, Any]) -> StreamRecord:
        number, key, arrived_at = (
            raw["SequenceNumber"],
            raw["PartitionKey"],
            _seconds(raw["ApproximateArrivalTimestamp"]),
        )
        return StreamRecord(number, key, arrived_at, kinesis_content(number, key, raw["Data"], arrived_at))


def _kinesis_shard(raw: Mapping[str, Any]) -> Shard:
    parents = (raw.get("ParentShardId"), raw.get("AdjacentParentShardId"))
    return Shard(raw["ShardId"], tuple(parent for parent in parents if parent))


class TableStreamSource(_AwsStream):
    """A DynamoDB stream: 24 hours, an item's changes in order."""

    largest_page = 1_000

    def shards(self) -> Sequence[Shard]:
        found: list[Shard] = []
        page: dict[str, Any] = {"LastEvaluatedShardId": None}
        while "LastEvaluatedShardId" in page:
            start = {"ExclusiveStartShardId": found[-1].shard_id} if found else {}
            page = self._client.describe_stream(StreamArn=self._arn, **start)["StreamDescription"]
            found += [_table_shard(each) for each in page["Shards"]]
        return found

    def _new_iterator(self, shard_id: str, cursor: Cursor) -> str:
        request: dict[str, Any] = {"StreamArn": self._arn, "ShardId": shard_id}
        if cursor.kind == "after":
            # What was trimmed behind the checkpoint is gone: go on with the oldest that is left.
            with suppress(self._client.exceptions.TrimmedDataAccessException):
                where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": cursor.sequence_number}
                return str(self._client.get_shard_iterator(**request, **where)["ShardIterator"])
        return str(self._client.get_shard_iterator(**request, ShardIteratorType="TRIM_HORIZON")["ShardIterator"])

    def _record(self, raw: Mapping[str, Any]) -> StreamRecord:
        change = raw["dynamodb"]
        arrived_at = _seconds(change["ApproximateCreationDateTime"])
        content = {**raw, "dynamodb": json_images({**change, "ApproximateCreationDateTime": int(arrived_at)})}
        order_key = json.dumps(json_images(change["Keys"]), sort_keys=True)
        return StreamRecord(change["SequenceNumber"], order_key, arrived_at, content)


def _table_shard(raw: Mapping[str, Any]) -> Shard:
    return Shard(raw["ShardId"], (raw["ParentShardId"],) if raw.get("ParentShardId") else ())


def json_images(value: Any) -> Any:
    """DynamoDB's typed values as Lambda renders them in JSON: binary (B, BS) as base64 text."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case Mapping():
            return {key: json_images(each) for key, each in value.items()}
        case list():
            return [json_images(each) for each in value]
    return value


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
