"""The log of rules in DynamoDB: an item per event (keys ``rule_id`` and ``item``), put where none is, and one that counts them.

An event and the count (``#rules``, ``revision``) are written in one transaction under a condition on the count, so that the log has no
hole and no two events of one revision; readers compare the count, which is one small item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.boto_errors import translated
from counterfoil.detection.rule_log import Act, RuleEvent
from counterfoil.rule_ports import RuleReader, RuleStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_COUNT: Final[Mapping[str, Any]] = {"rule_id": {"S": "#rules"}, "item": {"S": "revision"}}


@dataclass(frozen=True, slots=True)
class DynamoDbRuleReader(RuleReader):
    client: DynamoDBClient
    ddb_table: str

    def revision(self) -> int:
        with translated("reading the revision of the rules"):
            answer = self.client.get_item(TableName=self.ddb_table, Key=_COUNT, ConsistentRead=True)
        return int(answer["Item"]["revision"]["N"]) if "Item" in answer else 0

    def events(self) -> Sequence[RuleEvent]:
        arguments: dict[str, Any] = {"TableName": self.ddb_table, "ConsistentRead": True}
        found: list[RuleEvent] = []
        while True:
            with translated("reading the rules"):
                answer = self.client.scan(**arguments)
            found += [_parse(item) for item in answer["Items"] if item["rule_id"] != _COUNT["rule_id"]]
            if not (last := answer.get("LastEvaluatedKey")):
                return sorted(found)
            arguments["ExclusiveStartKey"] = last


@dataclass(frozen=True, slots=True)
class DynamoDbRules(DynamoDbRuleReader, RuleStore):
    def append(self, event: RuleEvent, /) -> None:
        before = event.revision - 1
        count: dict[str, Any] = {
            "TableName": self.ddb_table,
            "Item": {**_COUNT, "revision": {"N": str(event.revision)}},
            "ConditionExpression": "attribute_not_exists(rule_id)",
        }
        if before:
            count["ConditionExpression"] = "revision = :before"
            count["ExpressionAttributeValues"] = {":before": {"N": str(before)}}
        put: dict[str, Any] = {
            "TableName": self.ddb_table,
            "Item": _render(event),
            "ConditionExpression": "attribute_not_exists(rule_id)",
        }
        with translated(f"noting {event.act} of {event.rule_id}"):
            puts: list[Any] = [{"Put": put}, {"Put": count}]
            self.client.transact_write_items(TransactItems=puts)


def _render(event: RuleEvent) -> dict[str, Any]:
    texts = {
        "rule_id": event.rule_id,
        "item": f"{event.revision:012}",
        "act": str(event.act),
        "by": event.by,
        "at": event.at.isoformat(),
        "reason": event.reason,
        "text": event.text,
        "tree": event.tree,
    }
    return {**{name: {"S": text} for name, text in texts.items()}, "version": {"N": str(event.version)}}


def _parse(item: Mapping[str, Any]) -> RuleEvent:
    return RuleEvent(
        int(item["item"]["S"]),
        item["rule_id"]["S"],
        Act(item["act"]["S"]),
        int(item["version"]["N"]),
        item["by"]["S"],
        datetime.fromisoformat(item["at"]["S"]),
        item["reason"]["S"],
        item["text"]["S"],
        item["tree"]["S"],
    )
