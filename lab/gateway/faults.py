"""What can be made to go wrong between a function and AWS, each with its probability, drawn from one source of chance.

Every fault comes in pairs: before the request took effect, and after. All of these may happen in production.
"""

from __future__ import annotations

import enum
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab.gateway.forwarding import Whole


class Fate(enum.Enum):
    """What becomes of one request."""

    CARRIED_OUT = "carried out"
    THROTTLED = "throttled"  # refused for now, as the service says it
    CONFLICTING = "conflicting"  # TransactWriteItems meets another transaction on one of its items
    SHORTENED = "shortened"  # a part of a batch is left undone, and the answer says which
    LOST_REQUEST = "lost request"  # the connection is cut; nothing was done
    LOST_ANSWER = "lost answer"  # it was done; the connection is cut
    LATE = "late"  # the connection is cut, and it is done afterwards
    KILLED_BEFORE = "killed before"  # the calling process dies; nothing was done
    KILLED_AFTER = "killed after"  # it was done; the calling process dies before it hears of it


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsFaults:
    """Probabilities between 0 and 1 of each fate of a request; their sum is at most 1.

    ``services`` are those whose requests are struck, ``functions`` the logical ids of those that are; none means all.
    """

    throttled: float = 0.0
    conflicting: float = 0.0
    shortened: float = 0.0
    lost_request: float = 0.0
    lost_answer: float = 0.0
    late: float = 0.0
    late_seconds: float = 0.5
    killed_before: float = 0.0
    killed_after: float = 0.0
    services: frozenset[str] = frozenset({"dynamodb", "kinesis"})
    functions: frozenset[str] = frozenset()

    def rates(self) -> dict[Fate, float]:
        return {fate: getattr(self, fate.name.lower()) for fate in Fate if fate is not Fate.CARRIED_OUT}

    def concern(self, function_id: str, service: str) -> bool:
        return service in self.services and (not self.functions or function_id in self.functions)


NO_AWS_FAULTS: Final = AwsFaults()


@dataclass(slots=True)
class Strike:
    """One request is struck for certain: the ``number``-th (from 1) of a function's that ``concerns`` accepts.

    It is given service, operation and body.
    """

    function_id: str
    fate: Fate
    number: int = 1
    concerns: Callable[[str, str, bytes], bool] = lambda _service, _operation, _body: True
    seen: int = 0
    struck: bool = False

    def hits(self, function_id: str, service: str, operation: str, body: bytes) -> bool:
        if self.struck or function_id != self.function_id or not self.concerns(service, operation, body):
            return False
        self.seen += 1
        self.struck = self.seen == self.number
        return self.struck


class Chance:
    """Decides the fate of every request; counts what it struck."""

    def __init__(self, faults: AwsFaults, seed: int) -> None:
        self.faults = faults
        self.strikes: list[Strike] = []
        self.struck: dict[Fate, int] = dict.fromkeys(Fate, 0)
        self._chance = random.Random(seed)

    def fate_of(self, function_id: str, service: str, operation: str, body: bytes) -> Fate:
        fate = self._certain(function_id, service, operation, body) or self._drawn(function_id, service)
        if fate is Fate.SHORTENED and operation not in _SHORTENED:
            fate = Fate.THROTTLED
        if fate is Fate.CONFLICTING and operation != "TransactWriteItems":
            fate = Fate.THROTTLED
        self.struck[fate] += 1
        return fate

    def _certain(self, function_id: str, service: str, operation: str, body: bytes) -> Fate | None:
        return next((each.fate for each in self.strikes if each.hits(function_id, service, operation, body)), None)

    def _drawn(self, function_id: str, service: str) -> Fate:
        if not self.faults.concern(function_id, service):
            return Fate.CARRIED_OUT
        drawn = self._chance.random()
        for fate, rate in self.faults.rates().items():
            if drawn < rate:
                return fate
            drawn -= rate
        return Fate.CARRIED_OUT

    def some[T](self, of: list[T]) -> tuple[list[T], list[T]]:
        """Split into what is done and what is left, of which there is at least one."""
        left = {self._chance.randrange(len(of)), *(n for n in range(len(of)) if self._chance.random() < 0.3)}
        return [each for n, each in enumerate(of) if n not in left], [of[n] for n in sorted(left)]

    def split(self, count: int) -> list[bool]:
        """For each of ``count`` parts of a batch whether it is done; at least one is not."""
        _, left = self.some(list(range(count)))
        return [number not in left for number in range(count)]


# ---- answers of services that refuse ---------------------------------------------------------------------------------

_MESSAGE: Final = "The level of configured provisioned throughput for the table was exceeded."


def throttle(service: str) -> Whole:
    """How a service says that it is asked too much."""
    match service:
        case "dynamodb" | "kinesis":
            return _json_error("ProvisionedThroughputExceededException", _MESSAGE, 400)
        case "s3":
            body = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
            return Whole([(b"content-type", b"application/xml")], body, 503)
        case "lambda":
            return _json_error("TooManyRequestsException", "Rate Exceeded.", 429)
        case "sns":
            error = b"<Error><Type>Sender</Type><Code>Throttled</Code><Message>Rate exceeded</Message></Error>"
            body = b"<ErrorResponse>" + error + b"</ErrorResponse>"
            return Whole([(b"content-type", b"text/xml")], body, 429)
    return _json_error("ThrottlingException", "Rate exceeded", 400)


def conflict(request: Mapping[str, Any]) -> Whole:
    """TransactWriteItems on an item that another transaction is writing."""
    reasons = [{"Code": "None"} for _ in request.get("TransactItems", ())]
    if reasons:
        reasons[0] = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
    codes = ", ".join(each["Code"] for each in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return _json_error("TransactionCanceledException", message, 400, CancellationReasons=reasons)


def _json_error(name: str, message: str, status: int, **members: Any) -> Whole:
    body = json.dumps({"__type": f"com.amazonaws#{name}", "message": message, **members}).encode()
    headers = [(b"content-type", b"application/x-amz-json-1.0"), (b"x-amzn-errortype", name.encode())]
    return Whole(headers, body, status)


# ---- batches of which a part is left undone --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shortened:
    """A batch as it is handed on, ``None`` if nothing is left to do, and what makes the whole answer of its answer."""

    request: bytes | None
    complete: Callable[[bytes], bytes]


def shorten(operation: str, body: bytes, chance: Chance) -> Shortened:
    """Take a part out of a batch."""
    return _SHORTENED[operation](json.loads(body), chance)


def _shorten_put_records(request: dict[str, Any], chance: Chance) -> Shortened:
    done = chance.split(len(request["Records"]))
    kept = [each for each, is_done in zip(request["Records"], done, strict=True) if is_done]

    def complete(answer: bytes) -> bytes:
        results = iter(json.loads(answer)["Records"] if answer else ())
        refused = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded for shard"}
        records = [next(results) if is_done else refused for is_done in done]
        return json.dumps(
            {"FailedRecordCount": sum("ErrorCode" in each for each in records), "Records": records}
        ).encode()

    return Shortened(json.dumps({**request, "Records": kept}).encode() if kept else None, complete)


def _shorten_batch_write(request: dict[str, Any], chance: Chance) -> Shortened:
    actions = [(ddb_table, each) for ddb_table, several in request["RequestItems"].items() for each in several]
    kept, left = chance.some(actions)

    def complete(answer: bytes) -> bytes:
        document = json.loads(answer) if answer else {}
        return json.dumps({**document, "UnprocessedItems": _by_table(left)}).encode()

    return Shortened(json.dumps({**request, "RequestItems": _by_table(kept)}).encode() if kept else None, complete)


def _shorten_batch_get(request: dict[str, Any], chance: Chance) -> Shortened:
    asked = request["RequestItems"]
    kept, left = chance.some([(ddb_table, key) for ddb_table, each in asked.items() for key in each["Keys"]])

    def with_settings(keys: list[tuple[str, Any]]) -> dict[str, Any]:
        return {ddb_table: {**asked[ddb_table], "Keys": several} for ddb_table, several in _by_table(keys).items()}

    def complete(answer: bytes) -> bytes:
        document = json.loads(answer) if answer else {"Responses": {ddb_table: [] for ddb_table in asked}}
        return json.dumps({**document, "UnprocessedKeys": with_settings(left)}).encode()

    return Shortened(json.dumps({**request, "RequestItems": with_settings(kept)}).encode() if kept else None, complete)


def _by_table(pairs: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for ddb_table, each in pairs:
        found.setdefault(ddb_table, []).append(each)
    return found


_SHORTENED: Final[Mapping[str, Callable[[dict[str, Any], Chance], Shortened]]] = {
    "PutRecords": _shorten_put_records,
    "BatchWriteItem": _shorten_batch_write,
    "BatchGetItem": _shorten_batch_get,
}
