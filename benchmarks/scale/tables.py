"""DynamoDB in this process, for as much of it as the ledger asks: what a request consumes is counted, and nothing else is slow.

Conditions and updates are those of ``adapters/dynamodb``: a list of ``SET``, ``REMOVE``, alternatives of "not there" and "less than".
Units are counted as ``lab.gateway.units`` does.
"""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil
from threading import Lock
from typing import Any, Final

from botocore.exceptions import ClientError

from lab.gateway.units import READ_UNIT_BYTES, WRITE_UNIT_BYTES, item_bytes

Item = dict[str, Any]

_KEYS: Final = re.compile(r"pk = :pk(?: AND sk (<=|>) :\w+)?")


class Tables:
    """A client. ``keys`` gives each table's partition and sort key; ``asked`` counts by table and what: requests, units, bytes."""

    def __init__(self, keys: Mapping[str, tuple[str, str]]) -> None:
        self.keys = keys
        self.asked: Counter[tuple[str, str]] = Counter()
        self._items: dict[str, dict[str, dict[Any, Item]]] = {name: {} for name in keys}
        self._sorted: dict[tuple[str, str], list[Any]] = {}
        self._lock = Lock()

    def another(self) -> Tables:
        """A client of the same items with counts of its own."""
        client = Tables(self.keys)
        client._items, client._sorted, client._lock = self._items, self._sorted, self._lock
        return client

    # Requests

    def put_item(self, *, TableName: str, Item: Item, **call: Any) -> Mapping[str, Any]:
        with self._lock:
            self._count(TableName, "write requests", 1)
            self._wrote(TableName, Item)
            there = self._find(TableName, Item)
            _check(call, there)
            self._put(TableName, Item)
        return {}

    def update_item(self, *, TableName: str, Key: Item, UpdateExpression: str, **call: Any) -> Mapping[str, Any]:
        with self._lock:
            self._count(TableName, "write requests", 1)
            there = self._find(TableName, Key)
            _check(call, there)
            item = dict(there or Key)
            sets, _, removed = UpdateExpression.removeprefix("SET ").partition(" REMOVE ")
            for name, default, value in re.findall(r"(\w+) = (?:if_not_exists\(\w+, (:\w+)\)|(:\w+))", sets):
                if value or name not in item:
                    item[name] = call["ExpressionAttributeValues"][value or default]
            for name in filter(None, removed.split(", ")):
                item.pop(name, None)
            self._wrote(TableName, item)
            self._put(TableName, item)
        return {}

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._lock:
            for name, requests in RequestItems.items():
                self._count(name, "write requests", 1)
                for each in requests:
                    self._wrote(name, each["PutRequest"]["Item"])
                    self._put(name, each["PutRequest"]["Item"])
        return {}

    def get_item(self, *, TableName: str, Key: Item, **call: Any) -> Mapping[str, Any]:
        with self._lock:
            self._count(TableName, "read requests", 1)
            found = self._find(TableName, Key)
            self._read(TableName, [found], consistent=bool(call.get("ConsistentRead")))
            return {} if found is None else {"Item": found}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Mapping[str, Any]:
        ((name, request),) = RequestItems.items()
        with self._lock:
            self._count(name, "read requests", 1)
            found = [self._find(name, each) for each in request["Keys"]]
            for item in found:
                self._read(name, [item], consistent=bool(request.get("ConsistentRead")))
            return {"Responses": {name: [each for each in found if each is not None]}}

    def query(self, *, TableName: str, KeyConditionExpression: str, **call: Any) -> Mapping[str, Any]:
        asked = _KEYS.fullmatch(KeyConditionExpression)
        if asked is None:
            raise ValueError(KeyConditionExpression)
        values = call["ExpressionAttributeValues"]
        partition = values[":pk"]["S"]
        with self._lock:
            self._count(TableName, "read requests", 1)
            kept = self._sorted.get((TableName, partition), [])
            if asked[1] == "<=":
                chosen = kept[: bisect_right(kept, values[":last"]["S"])]
            elif asked[1] == ">":
                chosen = kept[bisect_right(kept, values[":after"]["S"]) :]
            else:
                chosen = kept
            chosen = chosen if call.get("ScanIndexForward", True) else chosen[::-1]
            items = [self._items[TableName][partition][each] for each in chosen[: call.get("Limit")]]
            self._read(TableName, items, consistent=bool(call.get("ConsistentRead")))
            return {"Items": items}

    # Counting

    def total(self, *kinds: str) -> float:
        """Of these kinds, over all tables."""
        return sum(count for (_, kind), count in self.asked.items() if kind in kinds)

    def _count(self, ddb_table: str, what: str, number: float) -> None:
        self.asked[ddb_table, what] += number  # type: ignore[assignment]

    def _wrote(self, ddb_table: str, item: Item) -> None:
        size = size_of(item)
        units = max(1, ceil(size / WRITE_UNIT_BYTES))
        self._count(ddb_table, "write units", units)
        self._count(ddb_table, "bytes written", size)

    def _read(self, ddb_table: str, items: Iterable[Item | None], *, consistent: bool) -> None:
        size = sum(size_of(each) for each in items if each is not None)
        units = max(1, ceil(size / READ_UNIT_BYTES)) * (1.0 if consistent else 0.5)
        self._count(ddb_table, "read units", units)

    # Items

    def _place(self, ddb_table: str, item: Item) -> tuple[str, Any]:
        partition, sort = (item[name] for name in self.keys[ddb_table])
        return partition["S"], int(sort["N"]) if "N" in sort else sort["S"]

    def _find(self, ddb_table: str, key: Item) -> Item | None:
        partition, sort = self._place(ddb_table, key)
        return self._items[ddb_table].get(partition, {}).get(sort)

    def _put(self, ddb_table: str, item: Item) -> None:
        partition, sort = self._place(ddb_table, item)
        kept = self._items[ddb_table].setdefault(partition, {})
        if sort not in kept:
            insort(self._sorted.setdefault((ddb_table, partition), []), sort)
        kept[sort] = item


def size_of(item: Item) -> int:
    """An item's size in bytes, its binary values as they are."""
    binary = {name: value["B"] for name, value in item.items() if "B" in value}
    plain = {name: value for name, value in item.items() if name not in binary}
    return item_bytes(plain) + sum(len(name) + len(value) for name, value in binary.items())


def _check(call: Mapping[str, Any], there: Item | None) -> None:
    condition = call.get("ConditionExpression")
    if condition is None or any(_holds(each, call, there) for each in condition.split(" OR ")):
        return
    error: Any = {"Error": {"Code": "ConditionalCheckFailedException", "Message": condition}, "Item": there}
    raise ClientError(error, "PutItem")


def _holds(condition: str, call: Mapping[str, Any], there: Item | None) -> bool:
    if condition.startswith("attribute_not_exists("):
        return there is None or condition[21:-1] not in there
    name, relation, value = condition.split(" ")
    if there is None or name not in there:
        return False
    wanted, found = call["ExpressionAttributeValues"][value], there[name]
    return int(found["N"]) < int(wanted["N"]) if relation == "<" else bool(found == wanted)
