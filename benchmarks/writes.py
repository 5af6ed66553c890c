"""DynamoDB requests and write units of the pipeline per 1,000 stream records, counted at the client, with the list price.

An in-process stand-in for DynamoDB counts what the adapters would send: the calls go through botocore's own
serialization and stop before the network.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from benchmarks.auditing import kinesis_records
from benchmarks.journal import START
from counterfoil.adapters.dynamodb.accounts import DynamoDbAccounts
from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
from counterfoil.adapters.memory import MemoryQuarantine
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.rule_config import parse_rule_config
from counterfoil.detection.strand_audit import Patience
from counterfoil.journal import deaggregate
from counterfoil.services.audit import Auditor
from counterfoil.services.batch import KinesisRecord
from counterfoil.services.detect import Detector

# On-demand list prices of us-east-1, USD per million (AWS, "Amazon DynamoDB pricing", 2025): writes of up to 1 KB, strongly
# consistent reads of up to 4 KB. A write in a transaction costs two.
WRITE_PRICE = 0.625
READ_PRICE = 0.125

REVISIONS = 6_000
BATCH = 4  # Kinesis records of 50 KB to a batch: about a second of 250 transfers/s


class CountingDynamoDb:
    """Answers the few calls that the adapters make from dictionaries, and counts units as DynamoDB bills them."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.requests: Counter[str] = Counter()
        self.write_units = 0
        self.read_units = 0

    def put_item(self, **call: Any) -> dict[str, Any]:
        self._put(call["Item"], 1)
        self.requests["PutItem"] += 1
        return {}

    def transact_write_items(self, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:
        for each in TransactItems:
            self._put(each["Put"]["Item"], 2)
        self.requests["TransactWriteItems"] += 1
        return {}

    def get_item(self, **call: Any) -> dict[str, Any]:
        item = self.items.get(_key(call["Key"]))
        self._read(item)
        self.requests["GetItem"] += 1
        return {} if item is None else {"Item": item}

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:
        ((name, request),) = RequestItems.items()
        found = [self.items[_key(key)] for key in request["Keys"] if _key(key) in self.items]
        for key in request["Keys"]:
            self._read(self.items.get(_key(key)))
        self.requests["BatchGetItem"] += 1
        return {"Responses": {name: found}, "UnprocessedKeys": {}}

    def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:
        for requests in RequestItems.values():
            for request in requests:
                if "PutRequest" in request:
                    self._put(request["PutRequest"]["Item"], 1)
                else:
                    self.write_units += 1
                    self.items.pop(_key(request["DeleteRequest"]["Key"]), None)
        self.requests["BatchWriteItem"] += 1
        return {"UnprocessedItems": {}}

    def query(self, **call: Any) -> dict[str, Any]:
        self.requests["Query"] += 1
        self.read_units += 1
        values = {name: value.get("S", "") for name, value in call["ExpressionAttributeValues"].items()}
        partition, low, high = (
            values.pop(":strand", None) or next(iter(values.values())),
            values.get(":low"),
            values.get(":high"),
        )
        found = sorted(key for key in self.items if key[0] == partition and (not low or low <= key[1] <= high))
        chosen = found if call.get("ScanIndexForward", True) else found[::-1]
        return {"Items": [self.items[key] for key in chosen[: call.get("Limit", 1_000)]]}

    def _put(self, item: dict[str, Any], factor: int) -> None:
        self.items[_key(item)] = item
        self.write_units += factor * math.ceil(_size(item) / 1024)

    def _read(self, item: dict[str, Any] | None) -> None:
        self.read_units += max(1, math.ceil(_size(item or {}) / 4096))


def _key(item: dict[str, Any]) -> tuple[str, str]:
    names = ("strand_id", "key", "finding_id")
    return next(item[name]["S"] for name in names if name in item), item.get("item", {}).get("S", "")


def _size(item: dict[str, Any]) -> int:
    return sum(len(name) + len(next(iter(value.values()))) for name, value in item.items() if "M" not in value) + len(
        json.dumps([value for value in item.values() if "M" in value])
    )


def run() -> dict[str, float]:
    records = kinesis_records(REVISIONS)
    streamed = sum(len(deaggregate(record.data, record.partition_key).records) for record in records)
    batches = -(-len(records) // BATCH)
    print(f"DynamoDB per 1,000 stream records ({streamed:,} records in {batches} batches of an ordered stream)")
    answer: dict[str, float] = {}
    for name, client in counted(records).items():
        thousand = streamed / 1_000
        writes = sum(count for call, count in client.requests.items() if "Get" not in call and call != "Query")
        price = (client.write_units * WRITE_PRICE + client.read_units * READ_PRICE) / streamed
        print(
            f"  {name:9} {writes / thousand:6.1f} write requests, {client.write_units / thousand:7.1f} write units,"
            f" {client.read_units / thousand:6.1f} read units: {price:.2f} USD per million records ({dict(client.requests)})"
        )
        answer |= {f"{name}_write_units": client.write_units / thousand, f"{name}_usd_per_million": price}
    print("  one conditional write per record would be 1,000.0 write units: 0.63 USD per million records")
    return answer


def counted(records: Sequence[KinesisRecord]) -> dict[str, CountingDynamoDb]:
    """What the auditor and the detector ask for these records, in batches."""
    clients = {"auditor": CountingDynamoDb(), "detector": CountingDynamoDb()}
    for service in (_auditor(clients["auditor"]), _detector(clients["detector"])):
        for start in range(0, len(records), BATCH):
            report = service(records[start : start + BATCH])
            if report.failure:
                raise AssertionError(report.failure)
    return clients


def _auditor(client: Any) -> Any:
    patience = Patience(timedelta(seconds=60), timedelta(seconds=900))
    return Auditor(
        DynamoDbHeads(client, "heads"),
        DynamoDbFindings(client, "findings"),
        MemoryQuarantine(),
        MemorySetAside(lambda: START),
        lambda: START,
        patience,
    ).audit


def _detector(client: Any) -> Any:
    accounts, findings = DynamoDbAccounts(client, "accounts"), DynamoDbFindings(client, "findings")
    set_aside = MemorySetAside(lambda: START)
    return Detector(accounts, findings, set_aside, parse_rule_config("{}"), lambda: START, timedelta(seconds=60)).detect
