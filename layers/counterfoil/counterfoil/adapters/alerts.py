"""Alerts over SNS and EventBridge, and the log of what was sent in DynamoDB."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.boto_errors import translated
from counterfoil.detection.alert import Message
from counterfoil.errors import UnavailableError
from counterfoil.ports import AlertChannel, AlertLog

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient

# Longer than a Kinesis stream can keep records (365 days), so that no replay tells old news again.
REMEMBERED: Final = timedelta(days=400)

EVENT_SOURCE: Final = "counterfoil"


@dataclass(frozen=True, slots=True)
class DynamoDbAlertLog(AlertLog):
    """Sent alerts in one table, forgotten after ``REMEMBERED``."""

    client: DynamoDBClient
    ddb_table: str

    def was_sent(self, alert_id: str) -> bool:
        with translated(f"looking for alert {alert_id}"):
            answer = self.client.get_item(
                TableName=self.ddb_table, Key={"alert_id": {"S": alert_id}}, ConsistentRead=True
            )
        return "Item" in answer

    def note_sent(self, alert_id: str, sent_at: datetime) -> None:
        expires_at = int((sent_at + REMEMBERED).timestamp())
        item = {
            "alert_id": {"S": alert_id},
            "sent_at": {"S": sent_at.isoformat()},
            "expires_at": {"N": str(expires_at)},
        }
        with translated(f"noting alert {alert_id}"):
            self.client.put_item(TableName=self.ddb_table, Item=item)


@dataclass(frozen=True, slots=True)
class SnsChannel(AlertChannel):
    """A message for people, with attributes to filter by."""

    client: SNSClient
    topic_arn: str
    name: str = "sns"

    def send(self, alert: Message) -> None:
        attributes: dict[str, Any] = {
            name: {"DataType": "String", "StringValue": value} for name, value in alert.attributes.items()
        }
        with translated(f"publishing alert {alert.alert_id}"):
            self.client.publish(
                TopicArn=self.topic_arn, Subject=alert.subject, Message=alert.text, MessageAttributes=attributes
            )


@dataclass(frozen=True, slots=True)
class EventBridgeChannel(AlertChannel):
    """An event for systems: the finding as JSON."""

    client: EventBridgeClient
    bus_name: str
    name: str = "eventbridge"

    def send(self, alert: Message) -> None:
        entry: Any = {
            "EventBusName": self.bus_name,
            "Source": EVENT_SOURCE,
            "DetailType": alert.kind,
            "Detail": json.dumps(alert.detail),
        }
        with translated(f"putting event {alert.alert_id}"):
            answer = self.client.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            failed = answer["Entries"][0]
            raise UnavailableError(f"event {alert.alert_id} was refused: {failed.get('ErrorCode')}")
