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


def journal_table_event(blocks: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """An event of blocks that were put into the journal's table, each by its strand and number; the images are left out."""
    return {"Records": [_appended(index, *each) for index, each in enumerate(blocks)]}


def _appended(index: int, strand_id: str, sequence_no: int) -> dict[str, Any]:
    return {
        "eventID": f"{index:032x}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": ARRIVED_AT,
            "Keys": {"strandId": {"S": strand_id}, "sequenceNo": {"N": str(sequence_no)}},
            "SequenceNumber": str(4_421_584_500_000_000_017_450_439_091 + index),
            "SizeBytes": 2_048,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": TABLE.replace("findings", "journal"),
    }


def url_event(method: str, path: str) -> dict[str, Any]:
    """A request without a body to a function's URL, signed by a user of IAM (payload format 2.0)."""
    domain = f"abcdefghijklmnopqrstuvwxyz012345.lambda-url.{REGION}.on.aws"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": domain, "x-amz-date": "20250303T110000Z", "user-agent": "aws-sdk"},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": domain.partition(".")[0],
            "authentication": None,
            "authorizer": {
                "iam": {
                    "accessKey": "AKIAEXAMPLE",
                    "accountId": ACCOUNT,
                    "callerId": "AIDAEXAMPLE",
                    "cognitoIdentity": None,
                    "principalOrgId": None,
                    "userArn": f"arn:aws:iam::{ACCOUNT}:user/teller",
                    "userId": "AIDAEXAMPLE",
                }
            },
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "aws-sdk",
            },
            "requestId": "6f1f5f2c-5f6c-4b43-8b1d-3a5ad0f3a1c7",
            "routeKey": "$default",
            "stage": "$default",
            "time": "03/Mar/2025:11:00:00 +0000",
            "timeEpoch": 1_741_000_000_000,
        },
        "isBase64Encoded": False,
    }
