"""What happened on sessions, in the Sessions table.

Items (partition key ``session``, sort key ``event``):

* the session / number: one event, put where none of that number is;
* ``<session>#<number>#<SHA-256 of the data>`` / 0, 1, …: the data of an event that does not fit one item, put before it. The name
  follows from the data, so two writers of one event never mix theirs.

All of it is forgotten some time after ``expiresAt``, which DynamoDB does when it finds the time; nobody relies on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.boto_errors import there, translated
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.ports import SessionEvent, SessionLog

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# An item holds 400 KB.
PIECE_BYTES: Final = 350_000

# A transaction has some events; a session that goes on for hours has thousands, of which the last few matter.
PAGE_EVENTS: Final = 25


@dataclass(frozen=True, slots=True)
class DynamoDbSessionLog(SessionLog):
    client: DynamoDBClient
    ddb_table: str

    def append(self, session: str, event: SessionEvent, expires_at: datetime, /) -> None:
        expires = {"expiresAt": {"N": str(int(expires_at.timestamp()))}}
        key = {"session": {"S": session}, "event": {"N": str(event.number)}}
        item: dict[str, Any] = {**key, "base": {"N": str(event.base)}, **expires}
        if len(event.data) <= PIECE_BYTES:
            item["data"] = {"B": event.data}
        else:
            name = f"{session}#{event.number}#{sha256(event.data).hexdigest()}"
            item["pieces"] = {"S": name}
            item["pieceCount"] = {"N": str(self._put_pieces(name, event.data, expires))}
        self._put_once(item)

    def events(self, session: str, /) -> Sequence[SessionEvent]:
        found: list[SessionEvent] = []
        for item in self._backwards(session):
            event = SessionEvent(int(item["event"]["N"]), int(item["base"]["N"]), self._data(item))
            found.append(event)
            if event.number == found[0].base:
                break
        if found and found[-1].number != found[0].base:
            return []  # it begins with events that were forgotten
        return found[::-1]

    def _put_once(self, item: dict[str, Any]) -> None:
        try:
            with translated(f"adding event {item['event']['N']} to a session"):
                self.client.put_item(
                    TableName=self.ddb_table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(event)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConflictError as error:
            # A client that lost the answer asks again by itself and meets its own item.
            kept = there(error) or {}
            if any(kept.get(name) != item.get(name) for name in ("base", "data", "pieces")):
                raise

    def _put_pieces(self, name: str, data: bytes, expires: dict[str, Any]) -> int:
        pieces = [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]
        for number, piece in enumerate(pieces):
            key = {"session": {"S": name}, "event": {"N": str(number)}}
            with translated("keeping a large event of a session"):
                self.client.put_item(TableName=self.ddb_table, Item={**key, "data": {"B": piece}, **expires})
        return len(pieces)

    def _data(self, item: dict[str, Any]) -> bytes:
        if "data" in item:
            return bytes(item["data"]["B"])
        pieces = [each["data"]["B"] for each in self._backwards(item["pieces"]["S"])]
        if len(pieces) != int(item["pieceCount"]["N"]):
            raise UnavailableError("a large event of a session is not there any more")
        return b"".join(reversed(pieces))

    def _backwards(self, session: str) -> Iterator[dict[str, Any]]:
        arguments: dict[str, Any] = {
            "TableName": self.ddb_table,
            "KeyConditionExpression": "#session = :session",
            "ExpressionAttributeNames": {"#session": "session"},
            "ExpressionAttributeValues": {":session": {"S": session}},
            "ConsistentRead": True,
            "ScanIndexForward": False,
            "Limit": PAGE_EVENTS,
        }
        while True:
            with translated("reading the events of a session"):
                answer = self.client.query(**arguments)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
