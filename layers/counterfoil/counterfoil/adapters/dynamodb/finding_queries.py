"""Findings as people look for them: by the indexes of the Findings table, which may lag behind it by a moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.findings import parse_finding
from counterfoil.detection.finding import Finding, Status
from counterfoil.errors import InputError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class DynamoDbFindingQueries:
    client: DynamoDBClient
    ddb_table: str

    def with_status(self, status: Status) -> Iterator[Finding]:
        """The worst first, the newest first among them."""
        return self._query("by_status", "status", str(status))

    def of_account(self, account_id: str) -> Iterator[Finding]:
        """The newest first."""
        return self._query("by_account", "account_id", account_id)

    def _query(self, index: str, name: str, value: str) -> Iterator[Finding]:
        arguments: dict[str, Any] = {
            "TableName": self.ddb_table,
            "IndexName": index,
            "KeyConditionExpression": "#name = :value",
            "ExpressionAttributeNames": {"#name": name},
            "ExpressionAttributeValues": {":value": {"S": value}},
            "ScanIndexForward": False,
        }
        while True:
            with translated(f"looking for findings with {name} {value[:80]}"):
                answer = self.client.query(**arguments)
            for item in answer["Items"]:
                try:
                    yield parse_finding(item)
                except InputError:
                    continue  # what somebody else put there is no finding
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
