"""The desk in DynamoDB: decisions about alerts in the Alerts table, and the append-only log in the Cases table.

Items of the Alerts table (key ``alert_id``), beside the notes of what was sent: ``#decision/<news>`` put once,
``#group/<alert>`` and ``#day/<day>`` replaced under a condition on their ``version``. A decision is written in one
transaction with the alert and the day that it changes, so that each finding is counted once, whatever happens.

Items of the Cases table (keys ``topic`` and ``name``) are put where none is, and never again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.alerts import REMEMBERED
from counterfoil.adapters.boto_errors import translated
from counterfoil.desk_ports import AlertBook, DeskLog, Entry
from counterfoil.detection.finding import Severity
from counterfoil.detection.telling import AlertGroup, DayTally, Decided, Decision, HeldBack, Outcome

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ALERT_GROUP: Final = "#group/"
_DAY: Final = "#day/"
_DECISION: Final = "#decision/"


@dataclass(frozen=True, slots=True)
class DynamoDbAlertBook(AlertBook):
    client: DynamoDBClient
    ddb_table: str

    def decision(self, news_id: str, /) -> Decision | None:
        body = self._body(_DECISION + news_id)
        return None if body is None else _parse_decision(news_id, body)

    def group(self, group_id: str, /) -> AlertGroup | None:
        body = self._body(_ALERT_GROUP + group_id)
        return None if body is None else _parse_group(group_id, body)

    def day(self, day: date, /) -> DayTally:
        body = self._body(_DAY + day.isoformat())
        return DayTally(day) if body is None else _parse_day(day, body)

    def keep(self, decided: Decided, /) -> None:
        decision, group, day = decided
        expires_at = decision.decided_at + REMEMBERED
        puts = [
            self._put(_DECISION + decision.news_id, _render_decision(decision), 1, expires_at),
            self._put(_ALERT_GROUP + group.group_id, _render_group(group), group.version, expires_at),
            self._put(_DAY + day.day.isoformat(), _render_day(day), day.version, expires_at),
        ]
        with translated(f"deciding about {decision.news_id}"):
            self.client.transact_write_items(TransactItems=[{"Put": each} for each in puts])

    def _body(self, alert_id: str) -> dict[str, Any] | None:
        with translated(f"reading {alert_id}"):
            answer = self.client.get_item(
                TableName=self.ddb_table, Key={"alert_id": {"S": alert_id}}, ConsistentRead=True
            )
        item = answer.get("Item")
        return None if item is None else {**json.loads(item["body"]["S"]), "version": int(item["version"]["N"])}

    def _put(self, alert_id: str, body: Mapping[str, Any], version: int, expires_at: datetime) -> Any:
        put: dict[str, Any] = {
            "TableName": self.ddb_table,
            "Item": {
                "alert_id": {"S": alert_id},
                "version": {"N": str(version)},
                "body": {"S": json.dumps(body, ensure_ascii=False)},
                "expires_at": {"N": str(int(expires_at.timestamp()))},
            },
        }
        if version == 1:
            return put | {"ConditionExpression": "attribute_not_exists(alert_id)"}
        return put | {
            "ConditionExpression": "version = :before",
            "ExpressionAttributeValues": {":before": {"N": str(version - 1)}},
        }


@dataclass(frozen=True, slots=True)
class DynamoDbDeskLog(DeskLog):
    client: DynamoDBClient
    ddb_table: str

    def append(self, entries: Sequence[Entry], /) -> None:
        puts: list[Any] = [
            {
                "Put": {
                    "TableName": self.ddb_table,
                    "Item": {"topic": {"S": each.topic}, "name": {"S": each.name}, "text": {"S": each.text}},
                    "ConditionExpression": "attribute_not_exists(topic)",
                }
            }
            for each in entries
        ]
        with translated(f"noting {entries[0].name} of {entries[0].topic}"):
            self.client.transact_write_items(TransactItems=puts)

    def entries(self, topic: str, prefix: str = "", /) -> Sequence[Entry]:
        arguments = self._query(topic, prefix)
        found: list[Entry] = []
        while True:
            with translated(f"reading {topic}"):
                answer = self.client.query(**arguments)
            found += map(_entry, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return found
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def last(self, topic: str, /) -> Entry | None:
        with translated(f"reading the end of {topic}"):
            answer = self.client.query(**self._query(topic, ""), ScanIndexForward=False, Limit=1)
        return next(map(_entry, answer["Items"]), None)

    def _query(self, topic: str, prefix: str) -> dict[str, Any]:
        names = {"#name": "name"} if prefix else {}
        values = {":topic": {"S": topic}} | ({":prefix": {"S": prefix}} if prefix else {})
        return {
            "TableName": self.ddb_table,
            "ConsistentRead": True,
            "KeyConditionExpression": "topic = :topic" + (" AND begins_with(#name, :prefix)" if prefix else ""),
            "ExpressionAttributeValues": values,
            **({"ExpressionAttributeNames": names} if names else {}),
        }


def _entry(item: Mapping[str, Any]) -> Entry:
    return Entry(item["topic"]["S"], item["name"]["S"], item["text"]["S"])


def _render_decision(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome,
        "decided_at": decision.decided_at.isoformat(),
        "group_id": decision.group_id,
        "suppressed_by": decision.suppressed_by,
    }


def _parse_decision(news_id: str, body: Mapping[str, Any]) -> Decision:
    decided_at = datetime.fromisoformat(body["decided_at"])
    return Decision(news_id, Outcome(body["outcome"]), decided_at, body["group_id"], body["suppressed_by"])


def _render_group(group: AlertGroup) -> dict[str, Any]:
    return {
        "rule_id": group.rule_id,
        "account_id": group.account_id,
        "severity": group.severity.name,
        "count": group.count,
        "first_at": None if group.first_at is None else group.first_at.isoformat(),
        "last_at": None if group.last_at is None else group.last_at.isoformat(),
        "finding_ids": group.finding_ids,
        "told": group.told,
        "held": None if group.held is None else group.held.isoformat(),
        "key": group.key,
        "ends_at": None if group.ends_at is None else group.ends_at.isoformat(),
    }


def _parse_group(group_id: str, body: Mapping[str, Any]) -> AlertGroup:
    """Items from before rules had keys of their own have no key and no end, and say whether something was held back, not when."""
    first_at, last_at = (datetime.fromisoformat(body[name]) for name in ("first_at", "last_at"))
    held, ends_at = body["held"], body.get("ends_at")
    if held:
        held = last_at.astimezone(UTC).date() if held is True else date.fromisoformat(held)
    return AlertGroup(
        group_id,
        body["rule_id"],
        body["account_id"],
        Severity[body["severity"]],
        body["count"],
        first_at,
        last_at,
        tuple(body["finding_ids"]),
        body["told"],
        held or None,
        body["version"],
        body.get("key", ""),
        None if ends_at is None else datetime.fromisoformat(ends_at),
    )


def _render_day(day: DayTally) -> dict[str, Any]:
    """Keys have a place of their own: code from before there were any reads rows of four, and has to after a roll back."""
    return {
        "outcomes": dict(day.outcomes),
        "budgeted": day.budgeted,
        "held": [[each.severity.name, each.score, each.group_id, each.finding_id] for each in day.held],
        "held_keys": {each.group_id: each.key for each in day.held},
        "held_alerts": day.held_alerts,
    }


def _parse_day(day: date, body: Mapping[str, Any]) -> DayTally:
    keys = body.get("held_keys", {})
    held = tuple(
        HeldBack(Severity[severity], score, group_id, finding_id, keys.get(group_id, ""))
        for severity, score, group_id, finding_id in body["held"]
    )
    outcomes = tuple(sorted((Outcome(name), count) for name, count in body["outcomes"].items()))
    return DayTally(day, outcomes, body["budgeted"], held, body["held_alerts"], body["version"])
