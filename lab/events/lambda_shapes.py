"""Records as Lambda delivers them, with made-up sequence numbers that grow as the service's do.

Source: AWS Lambda Developer Guide, the example events of "Using AWS Lambda with Amazon Kinesis" and "... Amazon DynamoDB";
EventBridge Scheduler User Guide, "Customizing target invocation" for the schedule without an input.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lab.producer import OuterRecord

ACCOUNT: Final = "123456789012"
REGION: Final = "eu-central-1"
STREAM: Final = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/counterfoil-journal"
TABLE: Final = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/counterfoil-findings/stream/2025-03-03T00:00:00.000"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/counterfoil-journal-auditor"
# A shard's first sequence numbers look like this one; the numbers of one shard only grow.
FIRST_NUMBER: Final = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898
ARRIVED_AT: Final = 1_741_000_000.0


def kinesis_event(records: Iterable[OuterRecord], shard: int = 0) -> dict[str, Any]:
    """An event with these records of one shard, in order."""
    return kinesis_event_of_shards([(shard, each) for each in records])


def kinesis_event_of_shards(records: Iterable[tuple[int, OuterRecord]]) -> dict[str, Any]:
    """Lambda never mixes shards in one event; sample events may, for brevity."""
    return {"Records": [_kinesis_record(index, shard, each) for index, (shard, each) in enumerate(records)]}


def raw_kinesis_record(data: str) -> dict[str, Any]:
    """An event of one record whose data is this text as it stands."""
    event = kinesis_event([OuterRecord("key", b"")])
    event["Records"][0]["kinesis"]["data"] = data
    return event


def _kinesis_record(index: int, shard: int, record: OuterRecord) -> dict[str, Any]:
    number = str(FIRST_NUMBER + 1_000 * shard + index)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key,
            "sequenceNumber": number,
            "data": base64.b64encode(record.data).decode(),
            "approximateArrivalTimestamp": ARRIVED_AT + index / 1_000,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-{shard:012}:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE,
        "awsRegion": REGION,
        "eventSourceARN": STREAM,
    }


def dynamodb_event(changes: Iterable[tuple[str, Mapping[str, Any] | None, Mapping[str, Any] | None]]) -> dict[str, Any]:
    """An event of changes: (INSERT, MODIFY or REMOVE, old image, new image)."""
    return {"Records": [_change(index, *each) for index, each in enumerate(changes)]}


def _change(index: int, name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> dict[str, Any]:
    images = {"OldImage": old, "NewImage": new}
    return {
        "eventID": f"{index:032x}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": ARRIVED_AT,
            "Keys": {"finding_id": (new or old or {})["finding_id"]},
            "SequenceNumber": str(4_421_584_500_000_000_017_450_439_091 + index),
            "SizeBytes": 1_024,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **{name: image for name, image in images.items() if image is not None},
        },
        "eventSourceARN": TABLE,
    }


def schedule_event() -> dict[str, Any]:
    """What EventBridge Scheduler sends where the schedule names no input."""
    return {
        "version": "0",
        "id": "d32c5kddcf5bb8c3",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "2025-03-03T11:00:00Z",
        "region": REGION,
        "resources": [f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/counterfoil-snapshot"],
        "detail": "{}",
    }
