"""The stores of a deployed stack, found by its outputs, as a report reads them: by whoever has the right to read each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from counterfoil import wiring
from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.desk import DynamoDbDeskLog
from counterfoil.adapters.dynamodb.findings import parse_finding
from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry
from counterfoil.adapters.dynamodb.rules import DynamoDbRuleReader
from counterfoil.adapters.kms import KmsSigner
from counterfoil.cli.stacks import outputs_of
from counterfoil.detection.finding import Finding
from counterfoil.ports import LedgerRegistry
from counterfoil.report_ports import FigureHistory, FindingArchive, SnapshotArchive
from counterfoil.services.cases import Cases
from counterfoil.services.report.books import DeskCases, LoggedRules
from counterfoil.services.report.from_stores import Stores
from counterfoil.services.suppressions import Suppressions

# How a figure is drawn together, by hours; the others are added up.
_MAXIMUM: Final = frozenset({"OpenGaps", "WatermarkLagMs"})
_PERIOD: Final = timedelta(hours=1)
_SERVICE: Final = "journal_auditor"

_LEDGERS_AT_ONCE: Final = 100

_OUTPUTS: Final = frozenset(
    {
        "CasesTableName", "FindingsTableName", "HeadsTableName", "RegistryTableName", "RulesTableName",
        "SnapshotsBucketName", "SnapshotSigningKeyId",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DynamoDbFindingArchive(FindingArchive):
    """The Findings table, read whole: its indexes do not go by time alone."""

    client: Any
    ddb_table: str

    def until(self, end: datetime, /) -> Iterator[Finding]:
        for item in self._items():
            finding = parse_finding(item)
            if finding.found_at < end:
                yield finding

    def _items(self) -> Iterator[Mapping[str, Any]]:
        with translated(f"reading {self.ddb_table}"):
            for page in self.client.get_paginator("scan").paginate(TableName=self.ddb_table, ConsistentRead=True):
                yield from page["Items"]


@dataclass(frozen=True, slots=True)
class S3SnapshotArchive(SnapshotArchive):
    client: Any
    bucket: str

    def names(self, prefix: str, /) -> Sequence[str]:
        with translated(f"listing {prefix}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))

    def load(self, name: str, /) -> bytes:
        with translated(f"reading {name}"):
            data: bytes = self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()
        return data


@dataclass(frozen=True, slots=True)
class CloudWatchFigures(FigureHistory):
    client: Any

    def series(self, name: str, begin: datetime, end: datetime, /) -> Sequence[tuple[datetime, float]]:
        metric = {
            "Namespace": "counterfoil",
            "MetricName": name,
            "Dimensions": [{"Name": "service", "Value": _SERVICE}],
        }
        statistic = "Maximum" if name in _MAXIMUM else "Sum"
        query = {
            "Id": "one",
            "MetricStat": {"Metric": metric, "Period": int(_PERIOD.total_seconds()), "Stat": statistic},
        }
        with translated(f"reading {name}"):
            pages = self.client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=[query], StartTime=begin, EndTime=end, ScanBy="TimestampAscending"
            )
            results = [each for page in pages for each in page["MetricDataResults"]]
        points = ((at, value) for each in results for at, value in zip(each["Timestamps"], each["Values"], strict=True))
        return sorted((at.astimezone(UTC), value) for at, value in points)


def stores_of(stack: str, version: str) -> Stores:
    """``InputError`` where the stack is not one of this product's."""
    outputs = outputs_of(stack, _OUTPUTS)
    dynamodb = wiring.client("dynamodb")
    desk = DynamoDbDeskLog(dynamodb, outputs["CasesTableName"])
    return Stores(
        DynamoDbHeads(dynamodb, outputs["HeadsTableName"]),
        DynamoDbFindingArchive(dynamodb, outputs["FindingsTableName"]),
        S3SnapshotArchive(wiring.client("s3"), outputs["SnapshotsBucketName"]),
        KmsSigner(wiring.client("kms"), outputs["SnapshotSigningKeyId"]),
        Suppressions(desk),
        DeskCases(Cases(desk, lambda: datetime.now(UTC))),
        LoggedRules(DynamoDbRuleReader(dynamodb, outputs["RulesTableName"]), version),
        CloudWatchFigures(wiring.client("cloudwatch")),
        f"stack {stack}",
        version,
        ledgers_by_strand(DynamoDbLedgerRegistry(dynamodb, outputs["RegistryTableName"])),
    )


def ledgers_by_strand(registry: LedgerRegistry) -> dict[str, str]:
    """The names of all ledgers that are registered, deleted ones included, by strand."""
    found: dict[str, str] = {}
    after = ""
    while page := registry.ledgers(after, _LEDGERS_AT_ONCE):
        found |= {each.ledger_id: each.name for each in page}
        after = page[-1].name
    return found
