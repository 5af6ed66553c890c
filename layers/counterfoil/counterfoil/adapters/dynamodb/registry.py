"""Registered ledgers, their tags and the permissions of principals in the Registry table.

Items (partition key ``kind``, sort key ``id``), each with one JSON text ``document``:

* ``ledger`` / name: the ledger, replaced under the condition that it is the document it was;
* ``tag`` / ARN: all tags of a resource, replaced likewise;
* ``permission`` / pattern of principals: what they are allowed (``web.permissions``).

Jobs are in the same table (``jobs.py``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.boto_errors import there, translated
from counterfoil.errors import ConflictError, LimitError
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.ledger.times import milliseconds_of, moment_of
from counterfoil.ports import LedgerRegistry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

LEDGER: Final = "ledger"
TAG: Final = "tag"
PERMISSION: Final = "permission"

# Two writers of one resource's tags may meet; so many in a row do not.
ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class RegistryItems:
    """The items of the Registry table by kind and id. Reads are never stale."""

    client: DynamoDBClient
    ddb_table: str

    def get(self, kind: str, item_id: str) -> Item | None:
        with translated(f"reading {kind} {item_id}"):
            answer = self.client.get_item(TableName=self.ddb_table, Key=_key(kind, item_id), ConsistentRead=True)
        return answer.get("Item")

    def of_kind(self, kind: str, begins_with: str = "") -> Iterator[Item]:
        """The items of a kind whose ids begin with a text, in order of their ids."""
        values: Item = {":kind": {"S": kind}}
        if begins_with:
            values[":prefix"] = {"S": begins_with}
        condition = "begins_with(id, :prefix)" if begins_with else ""
        return self._query(condition, values)

    def behind(self, kind: str, after: str, count: int) -> Iterator[Item]:
        """At most ``count`` items of a kind whose ids are greater."""
        values: Item = {":kind": {"S": kind}}
        if after:
            values[":after"] = {"S": after}
        return self._query("id > :after" if after else "", values, count)

    def put(self, kind: str, item_id: str, attributes: Item) -> None:
        with translated(f"keeping {kind} {item_id}"):
            self.client.put_item(TableName=self.ddb_table, Item=_key(kind, item_id) | attributes)

    def replace(self, kind: str, item_id: str, old: Item | None, new: Item | None) -> None:
        """Put, change or delete an item in one step; ``ConflictError`` if its attributes are not ``old``.

        A client that lost the answer asks again by itself and meets its own item: that is no conflict.
        """
        arguments: dict[str, Any] = {
            "TableName": self.ddb_table,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if old is None:
            arguments["ConditionExpression"] = "attribute_not_exists(id)"
        else:
            names = {f"#{at}": name for at, name in enumerate(old)}
            arguments |= {
                "ConditionExpression": " AND ".join(f"#{at} = :{at}" for at in range(len(old))),
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": {f":{at}": value for at, value in enumerate(old.values())},
            }
        wanted = None if new is None else _key(kind, item_id) | new
        try:
            with translated(f"changing {kind} {item_id}"):
                if wanted is None:
                    self.client.delete_item(Key=_key(kind, item_id), **arguments)
                else:
                    self.client.put_item(Item=wanted, **arguments)
        except ConflictError as error:
            if wanted is None or there(error) != wanted:
                raise

    def delete(self, kind: str, item_id: str) -> None:
        with translated(f"forgetting {kind} {item_id}"):
            self.client.delete_item(TableName=self.ddb_table, Key=_key(kind, item_id))

    def _query(self, condition: str, values: Item, count: int | None = None) -> Iterator[Item]:
        arguments: dict[str, Any] = {
            "TableName": self.ddb_table,
            "ConsistentRead": True,
            "KeyConditionExpression": f"kind = :kind AND {condition}" if condition else "kind = :kind",
            "ExpressionAttributeValues": values,
        }
        left = count
        while left is None or left > 0:
            if left is not None:
                arguments["Limit"] = left
            with translated(f"listing {values[':kind']['S']}"):
                answer = self.client.query(**arguments)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            left = None if left is None else left - len(answer["Items"])


@dataclass(frozen=True, slots=True)
class DynamoDbLedgerRegistry(LedgerRegistry):
    client: DynamoDBClient
    ddb_table: str

    def ledger(self, name: str) -> RegisteredLedger | None:
        item = self._items.get(LEDGER, name)
        return None if item is None else _ledger_of(item)

    def ledgers(self, after: str, count: int) -> Sequence[RegisteredLedger]:
        return [_ledger_of(item) for item in self._items.behind(LEDGER, after, count)]

    def save(self, old: RegisteredLedger | None, new: RegisteredLedger | None) -> None:
        one = old or new
        assert one is not None
        if old is None and new is None:
            return
        self._items.replace(
            LEDGER, one.name, None if old is None else _ledger_item(old), None if new is None else _ledger_item(new)
        )

    def tags(self, arn: str) -> Mapping[str, str]:
        return dict(sorted(_tags_of(self._items.get(TAG, arn)).items()))

    def tag(self, arn: str, tags: Mapping[str, str], at_most: int) -> None:
        def added(kept: Mapping[str, str]) -> dict[str, str]:
            together = {**kept, **tags}
            if len(together) > at_most:
                raise LimitError(f"{len(together)} tags on {arn}; at most {at_most} are allowed")
            return together

        if tags:
            self._change_tags(arn, added)

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        removed = set(keys)
        self._change_tags(arn, lambda kept: {key: value for key, value in kept.items() if key not in removed})

    def forget_tags(self, arn: str) -> None:
        self._items.delete(TAG, arn)
        for item in self._items.of_kind(TAG, f"{arn}/"):
            self._items.delete(TAG, item["id"]["S"])

    def permissions(self) -> Mapping[str, Any]:
        """What is allowed, by pattern of principals: a list of permissions as in a file of keys."""
        return {item["id"]["S"]: json.loads(item["document"]["S"]) for item in self._items.of_kind(PERMISSION)}

    @property
    def _items(self) -> RegistryItems:
        return RegistryItems(self.client, self.ddb_table)

    def _change_tags(self, arn: str, change: Callable[[Mapping[str, str]], dict[str, str]]) -> None:
        for attempt in range(ATTEMPTS):
            item = self._items.get(TAG, arn)
            old = _tags_of(item)
            new = change(old)
            if new == old:
                return
            try:
                self._items.replace(
                    TAG, arn, None if item is None else {"document": item["document"]}, _document(new) if new else None
                )
            except ConflictError:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return


def _key(kind: str, item_id: str) -> Item:
    return {"kind": {"S": kind}, "id": {"S": item_id}}


def _document(document: Any) -> Item:
    return {"document": {"S": json.dumps(document, ensure_ascii=False, sort_keys=True)}}


def _tags_of(item: Item | None) -> dict[str, str]:
    return {} if item is None else json.loads(item["document"]["S"])


def _ledger_item(ledger: RegisteredLedger) -> Item:
    return _document(
        {
            "ledgerId": ledger.ledger_id,
            "createdMs": milliseconds_of(ledger.created_at),
            "state": ledger.state.value,
            "permissionsMode": ledger.permissions_mode.value,
            "deletionProtection": ledger.deletion_protection,
            "kmsKeyArn": ledger.kms_key_arn,
        }
    )


def _ledger_of(item: Item) -> RegisteredLedger:
    kept = json.loads(item["document"]["S"])
    return RegisteredLedger(
        item["id"]["S"],
        kept["ledgerId"],
        moment_of(kept["createdMs"]),
        LedgerState(kept["state"]),
        PermissionsMode(kept["permissionsMode"]),
        kept["deletionProtection"],
        kept["kmsKeyArn"],
    )
