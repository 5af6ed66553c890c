"""Where a discarded batch goes, and what is written there.

Lambda Developer Guide, "Retain discarded batch records for a Kinesis Data Streams event source in Lambda" (and the same
page for DynamoDB): a queue or topic gets the metadata, a bucket the metadata and the whole event as an escaped JSON
string in ``payload``, under ``aws/lambda/<mapping's UUID>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID>``.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from lab.invocation import InvocationResult, Outcome
from lab.mapping.batches import Batch, render_event

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from lab.mapping.declaration import EventSourceMapping

type Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]

_BATCH_FIELD: Final = {"kinesis": "KinesisBatchInfo", "dynamodb": "DDBStreamBatchInfo"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardedBatch:
    """A batch that will not be delivered again, with why."""

    mapping: EventSourceMapping
    shard_id: str
    batch: Batch
    condition: Condition
    result: InvocationResult | None
    discarded_at: float
    record_id: uuid.UUID

    def metadata(self) -> dict[str, Any]:
        """What queues and topics get."""
        return {
            "requestContext": self._request_context(),
            "responseContext": self._response_context(),
            "version": "1.0",
            "timestamp": iso(self.discarded_at),
            _BATCH_FIELD[self.mapping.kind]: self._batch_info(),
        }

    def invocation_record(self) -> dict[str, Any]:
        """What a bucket gets: enough to deliver the batch again."""
        return {**self.metadata(), "payload": render_event(self.batch.items).decode()}

    def object_key(self) -> str:
        moment = datetime.fromtimestamp(self.discarded_at, UTC)
        return f"aws/lambda/{self.mapping.uuid}/{self.shard_id}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{self.record_id}"

    def _request_context(self) -> dict[str, Any]:
        return {
            "requestId": self.result.request_id if self.result else str(self.record_id),
            "functionArn": self.mapping.function_arn,
            "condition": self.condition,
            "approximateInvokeCount": self.batch.invocations,
        }

    def _response_context(self) -> dict[str, Any] | None:
        if self.result is None:
            return None
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
        if self.result.outcome is Outcome.FAILED:
            context["functionError"] = "Unhandled"
        return context

    def _batch_info(self) -> dict[str, Any]:
        first, last = self.batch.items[0].record, self.batch.items[-1].record
        return {
            "shardId": self.shard_id,
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": iso(first.arrived_at),
            "approximateArrivalOfLastRecord": iso(last.arrived_at),
            "batchSize": len(self.batch.items),
            "streamArn": self.mapping.stream_arn,
        }


def iso(seconds: float) -> str:
    """A time in seconds since the epoch as Lambda writes it: UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class DeliveryFailedError(Exception):
    """The destination did not take the batch; Lambda counts that and goes on, and so the batch is lost."""


@contextmanager
def _deliveries() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise DeliveryFailedError(str(error)) from error


class Discarded(Protocol):
    """What will not be delivered again, a stream's batch or an event: each as destinations are told of it."""

    def metadata(self) -> dict[str, Any]:
        """What queues and topics get."""
        ...

    def invocation_record(self) -> dict[str, Any]:
        """What a bucket gets."""
        ...

    def object_key(self) -> str:
        """Where in the bucket."""
        ...


class Destination(Protocol):
    """Takes what is discarded."""

    def deliver(self, discarded: Discarded) -> None:
        """Keep it for good or raise DeliveryFailedError."""


class MemoryDestination(Destination):
    """Keeps what it gets, for simulations."""

    def __init__(self) -> None:
        self.delivered: list[Any] = []

    def deliver(self, discarded: Discarded) -> None:
        self.delivered.append(discarded)


class BucketDestination(Destination):
    """Writes whole invocation records to S3."""

    def __init__(self, client: Any, bucket_arn: str) -> None:
        self._client = client
        self._bucket = bucket_arn.rpartition(":")[2]

    def deliver(self, discarded: Discarded) -> None:
        body = json.dumps(discarded.invocation_record(), ensure_ascii=False).encode()
        with _deliveries():
            self._client.put_object(
                Bucket=self._bucket, Key=discarded.object_key(), Body=body, ContentType="application/json"
            )


class QueueDestination(Destination):
    """Sends metadata to SQS."""

    def __init__(self, client: Any, queue_arn: str) -> None:
        self._client = client
        self._queue_name = queue_arn.rpartition(":")[2]

    def deliver(self, discarded: Discarded) -> None:
        with _deliveries():
            url = self._client.get_queue_url(QueueName=self._queue_name)["QueueUrl"]
            self._client.send_message(QueueUrl=url, MessageBody=json.dumps(discarded.metadata()))


class TopicDestination(Destination):
    """Publishes metadata to SNS."""

    def __init__(self, client: Any, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def deliver(self, discarded: Discarded) -> None:
        with _deliveries():
            self._client.publish(TopicArn=self._topic_arn, Message=json.dumps(discarded.metadata()))
