"""What a DynamoDB request consumes, in request units: those that on-demand tables are paid by.

Amazon DynamoDB Developer Guide, "DynamoDB read and write operations" and "DynamoDB item sizes and formats": a write unit is 1 KB of
an item, a read unit 4 KB; an eventually consistent read takes half, a transactional one twice; the items of one Query are added up
before they are rounded, those of a BatchGetItem are rounded one by one. The emulator reports all but Query, Scan, BatchGetItem and
refused conditions, which are worked out here; a projection or filter hides from us what was read and left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any, Final, NamedTuple

READ_UNIT_BYTES: Final = 4096
WRITE_UNIT_BYTES: Final = 1024
_READS: Final = {"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"}
_WRITES: Final = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
ASKED_FOR: Final = b'"ReturnConsumedCapacity"'


class Units(NamedTuple):
    read: float = 0.0
    write: float = 0.0


NOTHING: Final = Units()


def asking(operation: str, body: bytes) -> bytes:
    """The request, with the question what it consumes."""
    if operation not in _READS | _WRITES or ASKED_FOR in body or not body.startswith(b"{"):
        return body
    return b"{" + ASKED_FOR + b':"TOTAL",' + body[1:]


def units_of(operation: str, request: Mapping[str, Any], status: int, answer: Mapping[str, Any]) -> Units:
    """What a request consumed; a refused condition consumes what the write would have, other refusals nothing."""
    if status != 200:
        return _refused(operation, request, str(answer.get("__type", "")))
    match operation:
        case "Query" | "Scan":
            return Units(read=_reading(sum(map(item_bytes, answer.get("Items", ()))), consistent=_consistent(request)))
        case "BatchGetItem":
            return Units(read=_batch(request, answer))
    reported = _reported(answer)
    return Units(read=reported) if operation in _READS else Units(write=reported) if operation in _WRITES else NOTHING


def _reported(answer: Mapping[str, Any]) -> float:
    found = answer.get("ConsumedCapacity") or []
    each = found if isinstance(found, list) else [found]
    return float(sum(part.get("CapacityUnits", 0.0) for part in each))


def _refused(operation: str, request: Mapping[str, Any], error: str) -> Units:
    if operation == "PutItem" and "ConditionalCheckFailed" in error:
        return Units(write=_writing(request.get("Item", {})))
    if operation == "UpdateItem" and "ConditionalCheckFailed" in error:
        return Units(write=1.0)
    if operation == "TransactWriteItems" and "TransactionCanceled" in error:
        puts = (action["Put"]["Item"] for action in request.get("TransactItems", ()) if "Put" in action)
        return Units(write=2 * sum(map(_writing, puts)))
    return NOTHING


def _batch(request: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    """What is not there costs as much as the smallest item."""
    total = 0.0
    for ddb_table, asked in request.get("RequestItems", {}).items():
        consistent = _consistent(asked)
        found = answer.get("Responses", {}).get(ddb_table, [])
        left = len(answer.get("UnprocessedKeys", {}).get(ddb_table, {}).get("Keys", ()))
        missing = len(asked["Keys"]) - len(found) - left
        sizes = [*map(item_bytes, found), *([1] * missing)]
        total += sum(_reading(size, consistent=consistent) for size in sizes)
    return total


def _consistent(request: Mapping[str, Any]) -> bool:
    return bool(request.get("ConsistentRead"))


def _reading(size_bytes: int, *, consistent: bool) -> float:
    return max(1, ceil(size_bytes / READ_UNIT_BYTES)) * (1.0 if consistent else 0.5)


def _writing(item: Mapping[str, Any]) -> float:
    return float(max(1, ceil(item_bytes(item) / WRITE_UNIT_BYTES)))


def item_bytes(item: Mapping[str, Any]) -> int:
    """An item's size as DynamoDB counts it: names and values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            padding: int = content[-2:].count("=")
            return 3 * len(content) // 4 - padding
        case "N":
            return len(content.lstrip("-").replace(".", "").strip("0")) // 2 + 2
        case "SS" | "BS" | "NS":
            return sum(_value_bytes({kind[0]: each}) for each in content)
        case "L":
            return 3 + _nested(content)
        case "M":
            return 3 + sum(len(name.encode()) for name in content) + _nested(content.values())
    return 1


def _nested(values: Iterable[Mapping[str, Any]]) -> int:
    return sum(1 + _value_bytes(each) for each in values)
