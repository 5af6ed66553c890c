"""Findings in DynamoDB: one item each, put once under a condition, its status moved forward under a condition.

The indexes of the Findings table read ``status`` with ``severity_time`` (severity, then time, so that the worst come last),
``account_id`` and ``document_id`` with ``found_at``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from counterfoil.adapters.boto_errors import translated
from counterfoil.detection.alert_terms import USUAL_TERMS, AlertTerms, parse_alert_terms
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.errors import ConflictError, InputError
from counterfoil.ports import FindingStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class DynamoDbFindings(FindingStore):
    """Findings in one table."""

    client: DynamoDBClient
    ddb_table: str

    def record(self, findings: Sequence[Finding]) -> int:
        unique: dict[tuple[str, Status], Finding] = {}
        for finding in findings:
            unique.setdefault((finding.finding_id, finding.status), finding)
        return sum(self._record(finding) for finding in unique.values())

    def load(self, finding_id: str) -> Finding | None:
        with translated(f"reading finding {finding_id}"):
            answer = self.client.get_item(
                TableName=self.ddb_table, Key={"finding_id": {"S": finding_id}}, ConsistentRead=True
            )
        item = answer.get("Item")
        return None if item is None else parse_finding(item)

    def _record(self, finding: Finding) -> bool:
        return self._put(finding) or (finding.status is not Status.OPEN and self._move(finding))

    def _put(self, finding: Finding) -> bool:
        try:
            with translated(f"recording finding {finding.finding_id}"):
                self.client.put_item(
                    TableName=self.ddb_table,
                    Item=render_finding(finding),
                    ConditionExpression="attribute_not_exists(finding_id)",
                )
        except ConflictError:
            return False
        return True

    def _move(self, finding: Finding) -> bool:
        earlier = {f":earlier{status.rank}": {"S": status} for status in Status if status.rank < finding.status.rank}
        try:
            with translated(f"moving finding {finding.finding_id} to {finding.status}"):
                self.client.update_item(
                    TableName=self.ddb_table,
                    Key={"finding_id": {"S": finding.finding_id}},
                    UpdateExpression="SET #status = :status",
                    ConditionExpression=f"#status IN ({', '.join(earlier)})",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={":status": {"S": finding.status}, **earlier},
                )
        except ConflictError:
            return False
        return True


def render_finding(finding: Finding) -> dict[str, Any]:
    """A finding as an item: text attributes, the evidence as a map of texts, terms of its alert that are not as usual as JSON."""
    found_at = finding.found_at.astimezone(UTC).isoformat()
    texts = {
        "finding_id": finding.finding_id,
        "rule_id": str(finding.rule_id),
        "severity": finding.severity.name,
        "severity_time": f"{finding.severity:d}#{found_at}",
        "status": str(finding.status),
        "place": finding.place,
        "subject": finding.subject,
        "reason": finding.reason,
        "found_at": found_at,
        "account_id": finding.account_id,
        "document_id": finding.document_id,
    }
    item: dict[str, Any] = {name: {"S": text} for name, text in texts.items() if text}
    if finding.score is not None:
        item["score"] = {"N": str(finding.score)}
    if finding.shadow:
        item["shadow"] = {"BOOL": True}
    if finding.actions:
        item["actions"] = {"L": [{"S": each} for each in finding.actions]}
    if not finding.alert.usual:
        item["alert"] = {"S": json.dumps(finding.alert.render())}
    return item | {"evidence": {"M": {name: {"S": text} for name, text in finding.evidence.items()}}}


def parse_finding(item: Mapping[str, Any]) -> Finding:
    """Read an item, or an image of it from the table's stream; another shape is an ``InputError``."""
    try:
        return Finding(
            item["rule_id"]["S"],
            Severity[item["severity"]["S"]],
            item["place"]["S"],
            item["reason"]["S"],
            datetime.fromisoformat(item["found_at"]["S"]),
            item.get("subject", {}).get("S", ""),
            {name: value["S"] for name, value in item.get("evidence", {}).get("M", {}).items()},
            Status(item["status"]["S"]),
            item.get("account_id", {}).get("S"),
            item.get("document_id", {}).get("S"),
            int(item["score"]["N"]) if "score" in item else None,
            item.get("shadow", {}).get("BOOL", False),
            tuple(each["S"] for each in item.get("actions", {}).get("L", [])),
            _terms(item["alert"]) if "alert" in item else USUAL_TERMS,
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"not an item of the Findings table: {error!r}") from error


def _terms(value: Any) -> AlertTerms:
    """The terms of a finding's alert. Those that cannot be read, of later code perhaps, are as usual: people are told all the same."""
    try:
        return parse_alert_terms(json.loads(value["S"]), "alert")
    except (InputError, KeyError, ValueError, TypeError):
        return USUAL_TERMS
