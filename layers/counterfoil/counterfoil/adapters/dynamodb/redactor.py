"""Carries out redactions: the only one who changes a block in the journal's table, and only so that its hash stays.

In this order: the block without the data takes the place of the block with it, under the condition that the block's hash is the same;
what its transaction wrote outside is removed; the revision in the projections loses its data; the request is forgotten. Cut off
anywhere, the next run does it again. A request is left for as long as a projector that began before it may still be at work, since
that one could write the data once more (docs/decisions/0020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.journal import DynamoDbJournal, JournalItem
from counterfoil.adapters.dynamodb.projections import FromBlock, Projections, block_key, key
from counterfoil.errors import IntegrityError, NotFoundError
from counterfoil.journal.redacted import redact_block
from counterfoil.ledger.times import milliseconds_of
from counterfoil.ports import Clock

# Lambda ends every function after a quarter of an hour.
WAIT: Final = timedelta(minutes=16)


def _nothing(_number: int, _document_id: str) -> Any:
    raise NotFoundError("requests for redactions have no revisions")


class Redactor:
    """The redactions of one strand."""

    def __init__(self, journal: DynamoDbJournal, projections_table: str, clock: Clock, wait: timedelta = WAIT) -> None:
        self._journal = journal
        self._table = projections_table
        self._clock = clock
        self._wait_ms = wait // timedelta(milliseconds=1)
        self._client = journal.client
        from_block: FromBlock = _nothing
        self._projections = Projections(journal.client, projections_table, journal.strand_id, from_block)

    def redact(self, running_out: Callable[[], bool] = lambda: False) -> int:
        """Carry out what has waited long enough; how many were carried out."""
        until = milliseconds_of(self._clock()) - self._wait_ms
        done = 0
        for request in list(self._projections.requests()):
            if running_out():
                break
            if int(request["askedAt"]["N"]) <= until:
                self._carry_out(request)
                done += 1
        return done

    def _carry_out(self, request: Mapping[str, Any]) -> None:
        number, _, document_id = request["sk"]["S"].partition("#")
        sequence_no, version = int(number), int(request["version"]["N"])
        item = self._journal.read(range(sequence_no, sequence_no + 1), whole=True).get(sequence_no)
        if item is None:
            raise IntegrityError(f"block {self._journal.strand_id}#{sequence_no}, to be redacted, is not there")
        redacted = redact_block(self._journal.bytes_of(item.block), document_id, version)
        kept = self._replace(item, redacted.block)
        self._journal.remove_objects(item.transaction_id, (kept, item.effects))
        self._forget_data(document_id, sequence_no, bytes(redacted.data_hash))
        with translated("forgetting a request for a redaction"):
            self._client.delete_item(TableName=self._table, Key={"pk": request["pk"], "sk": request["sk"]})

    def _replace(self, item: JournalItem, block: bytes) -> bytes | str:
        (part,) = self._journal.keep_outside(item.transaction_id, block)
        new, old = ("block", "blockKey") if isinstance(part, bytes) else ("blockKey", "block")
        with translated(f"redacting block {self._journal.strand_id}#{item.sequence_no}"):
            self._client.update_item(
                TableName=self._journal.journal_table,
                Key=self._journal.key(item.sequence_no),
                UpdateExpression="SET #new = :new REMOVE #old",
                ConditionExpression="blockHash = :hash",
                ExpressionAttributeNames={"#new": new, "#old": old},
                ExpressionAttributeValues={
                    ":new": {"B": part} if isinstance(part, bytes) else {"S": part},
                    ":hash": {"B": bytes(item.block_hash)},
                },
            )
        return part

    def _forget_data(self, document_id: str, sequence_no: int, data_hash: bytes) -> None:
        with translated(f"redacting document {document_id}"):
            self._client.update_item(
                TableName=self._table,
                Key=key(f"D#{document_id}", block_key(sequence_no)),
                UpdateExpression="SET dataHash = :hash REMOVE #data, inBlock",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeNames={"#data": "data"},
                ExpressionAttributeValues={":hash": {"B": data_hash}},
            )
