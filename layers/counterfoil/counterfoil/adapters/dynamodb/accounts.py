"""Account states in DynamoDB.

Items of the AccountState table (partition key ``key``, sort key ``item``, both given by the detector):

* a state: ``version`` (a number) and ``body`` (compact JSON), replaced under a condition on the version;
* a piece of held records: ``data`` (bytes).

``expires_at`` (seconds since 1970) is there where an item may be forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.boto_errors import translated
from counterfoil.detection.account import StateKey
from counterfoil.detection.account_book import StateChange, StoredState
from counterfoil.detection.stream_cursor import CURSORS
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.ports import AccountStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# BatchGetItem takes 100 keys and answers at most 16 MB; pieces of 350 KB are asked for a few at a time.
MAX_KEYS: Final = 100
MAX_PIECES: Final = 40

# Unprocessed keys are asked for again this often, each time after twice the pause of the time before.
MAX_ATTEMPTS: Final = 8
FIRST_PAUSE_SECONDS: Final = 0.02

# Writes under a condition cannot be batched; so many are under way at once. boto3's clients may be shared by threads.
MAX_CONCURRENT: Final = 8


@dataclass(frozen=True, slots=True)
class DynamoDbAccounts(AccountStore):
    """States and pieces in one table. ``pause`` waits for some seconds."""

    client: DynamoDBClient
    ddb_table: str
    pause: Callable[[float], None] = time.sleep

    def load(self, keys: Sequence[StateKey]) -> Mapping[StateKey, StoredState]:
        return {
            _key_of(item): StoredState(int(item["version"]["N"]), item["body"]["S"])
            for item in self._get(keys, MAX_KEYS)
        }

    def save(self, changes: Sequence[StateChange]) -> None:
        self._each(self._replace, changes)

    def held(self, keys: Sequence[StateKey]) -> Mapping[StateKey, bytes]:
        return {_key_of(item): bytes(item["data"]["B"]) for item in self._get(keys, MAX_PIECES)}

    def hold(self, pieces: Mapping[StateKey, bytes], expires_at: datetime) -> None:
        items = [_item(key) | {"data": {"B": data}} | _expiry(expires_at) for key, data in pieces.items()]
        self._each(self._put, items)

    def release(self, keys: Sequence[StateKey]) -> None:
        self._each(self._delete, keys)

    def strands(self) -> Sequence[str]:
        arguments: dict[str, Any] = {
            "TableName": self.ddb_table,
            "ConsistentRead": True,
            "KeyConditionExpression": "#key = :cursors",
            "ProjectionExpression": "#item",
            "ExpressionAttributeNames": {"#key": "key", "#item": "item"},
            "ExpressionAttributeValues": {":cursors": {"S": CURSORS}},
        }
        found: list[str] = []
        while True:
            with translated("listing the strands"):
                answer = self.client.query(**arguments)
            found += [item["item"]["S"] for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return found
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _get(self, keys: Sequence[StateKey], size: int) -> Iterator[dict[str, Any]]:
        for some in batched(dict.fromkeys(keys), size, strict=False):
            waiting: Any = {self.ddb_table: {"Keys": [_item(key) for key in some], "ConsistentRead": True}}
            for attempt in range(MAX_ATTEMPTS):
                with translated("reading states"):
                    answer = self.client.batch_get_item(RequestItems=waiting)
                yield from answer["Responses"].get(self.ddb_table, [])
                waiting = answer.get("UnprocessedKeys")
                if not waiting:
                    break
                self.pause(FIRST_PAUSE_SECONDS * 2**attempt)
            else:
                raise UnavailableError(f"{self.ddb_table} left keys unread {MAX_ATTEMPTS} times in a row")

    def _replace(self, change: StateChange) -> None:
        item: dict[str, Any] = _item(change.key) | {
            "version": {"N": str((change.old_version or 0) + 1)},
            "body": {"S": change.body},
        }
        arguments: dict[str, Any] = {"TableName": self.ddb_table, "Item": item | _expiry(change.expires_at)}
        if change.old_version is None:
            arguments |= {
                "ConditionExpression": "attribute_not_exists(#key)",
                "ExpressionAttributeNames": {"#key": "key"},
            }
        else:
            arguments |= {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":version": {"N": str(change.old_version)}},
            }
        with translated(f"replacing {'/'.join(change.key)}"):
            self.client.put_item(**arguments)

    def _put(self, item: dict[str, Any]) -> None:
        with translated("holding records"):
            self.client.put_item(TableName=self.ddb_table, Item=item)

    def _delete(self, key: StateKey) -> None:
        with translated("releasing records"):
            self.client.delete_item(TableName=self.ddb_table, Key=_item(key))

    def _each[T](self, write: Callable[[T], None], items: Sequence[T]) -> None:
        """Write all items, several at a time, and raise what the first failure was once none is under way any more.

        A conflict goes before anything else: whoever is behind has to load anew, and gets through then if anybody does.
        """
        if len(items) == 1:
            write(items[0])
            return
        with ThreadPoolExecutor(max_workers=MAX_CONCURRENT) as pool:
            outcomes = [pool.submit(write, item) for item in items]
        failures = [failure for outcome in outcomes if (failure := outcome.exception()) is not None]
        for failure in sorted(failures, key=lambda each: not isinstance(each, ConflictError)):
            raise failure


def _item(key: StateKey) -> dict[str, Any]:
    return {"key": {"S": key.key}, "item": {"S": key.item}}


def _key_of(item: Mapping[str, Any]) -> StateKey:
    return StateKey(item["key"]["S"], item["item"]["S"])


def _expiry(expires_at: datetime | None) -> dict[str, Any]:
    return {} if expires_at is None else {"expires_at": {"N": str(int(expires_at.timestamp()))}}
