"""Verified heads in DynamoDB.

Items of the Heads table (partition key ``strand_id``, sort key ``item``):

* ``state``: the strand's state, replaced under a condition on its version;
* ``run#<first block>#<part>``: what is remembered of the blocks of one save, written once. A run that does not fit
  one item is cut into parts;
* under the partition key ``#strands``, which is no strand's id: one item per strand, so that the sweep can list them without a scan.

State and runs are written in one transaction: a run without its state would hide a fork.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.strand_item import parse_blocks, parse_state, render_blocks, render_state
from counterfoil.detection.strand import KnownBlock, Run, StrandState
from counterfoil.ports import HeadStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# An item holds 400 KB; a transaction 4 MB and 100 items.
MAX_PART_BYTES: Final = 350_000

# A producer chooses the ids of strands: this must not be one of them (``journal.address.ID_PATTERN``).
STRANDS: Final = "#strands"


@dataclass(frozen=True, slots=True)
class DynamoDbHeads(HeadStore):
    """Heads in one table."""

    client: DynamoDBClient
    ddb_table: str

    def load(self, strand_id: str) -> StrandState | None:
        with translated(f"reading the head of strand {strand_id}"):
            answer = self.client.get_item(TableName=self.ddb_table, Key=_key(strand_id, "state"), ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else parse_state(strand_id, int(item["version"]["N"]), item["state"]["S"])

    def advance(self, old: StrandState | None, new: StrandState, runs: Sequence[Run]) -> None:
        state = self._put_state(old, new)
        others: list[Any] = [
            {"Put": {"TableName": self.ddb_table, "Item": item}} for run in runs for item in _run_items(run)
        ]
        if old is None:
            others.append({"Put": {"TableName": self.ddb_table, "Item": _key(STRANDS, new.strand_id)}})
        with translated(f"advancing strand {new.strand_id} to version {new.version}"):
            if others:
                self.client.transact_write_items(TransactItems=[{"Put": state}, *others])
            else:
                self.client.put_item(**state)

    def known_blocks(self, strand_id: str, sequence_nos: Iterable[int]) -> Mapping[int, KnownBlock]:
        known: dict[int, KnownBlock] = {}
        run: dict[int, KnownBlock] = {}
        for number in sorted(set(sequence_nos), reverse=True):
            if number not in run:
                run = {block.sequence_no: block for block in self._run_at(strand_id, number)}
            if number in run:
                known[number] = run[number]
        return known

    def runs(self, strand_id: str, begin: int, end: int) -> Iterator[Run]:
        first = self._first_run_at(strand_id, begin)
        parts: list[dict[str, Any]] = []
        for item in self._query(strand_id, _run_key(first, 0), _run_key(end - 1, 9999)):
            parts.append(item)
            if len(parts) == int(item["parts"]["N"]):
                run = _parse_run(strand_id, parts)
                if run.first + len(run.blocks) > begin:
                    yield run
                parts = []

    def strands(self) -> Sequence[str]:
        return [item["item"]["S"] for item in self._query(STRANDS, " ", "~")]

    def _put_state(self, old: StrandState | None, new: StrandState) -> Any:
        head = new.head
        item = _key(new.strand_id, "state") | {
            "version": {"N": str(new.version)},
            "state": {"S": render_state(new)},
            "status": {"S": "VERIFIED" if new.diverged_at is None else f"DIVERGED at {new.diverged_at}"},
        }
        if head is not None:
            item |= {"head_sequence_no": {"N": str(head.end - 1)}, "head_hash": {"S": str(head.last_hash)}}
        put: dict[str, Any] = {"TableName": self.ddb_table, "Item": item}
        if old is None:
            return put | {"ConditionExpression": "attribute_not_exists(strand_id)"}
        return put | {
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": {"N": str(old.version)}},
        }

    def _run_at(self, strand_id: str, number: int) -> tuple[KnownBlock, ...]:
        """The blocks of the last run that begins at ``number`` or before it."""
        first = self._first_run_at(strand_id, number)
        items = list(self._query(strand_id, _run_key(first, 0), _run_key(first, 9999)))
        return _parse_run(strand_id, items).blocks if items else ()

    def _first_run_at(self, strand_id: str, number: int) -> int:
        with translated(f"looking for block {strand_id}#{number}"):
            answer = self.client.query(
                TableName=self.ddb_table,
                **_between(strand_id, _run_key(0, 0), _run_key(number, 9999)),
                ScanIndexForward=False,
                Limit=1,
                ConsistentRead=True,
                ProjectionExpression="#item",
                ExpressionAttributeNames={"#item": "item"},
            )
        items = answer["Items"]
        return int(items[0]["item"]["S"].split("#")[1]) if items else number

    def _query(self, partition: str, low: str, high: str) -> Iterator[dict[str, Any]]:
        arguments: dict[str, Any] = {
            "TableName": self.ddb_table,
            "ConsistentRead": True,
            **_between(partition, low, high),
        }
        arguments["ExpressionAttributeNames"] = {"#item": "item"}
        while True:
            with translated(f"reading {partition} from {low} to {high}"):
                answer = self.client.query(**arguments)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _key(strand_id: str, item: str) -> dict[str, Any]:
    return {"strand_id": {"S": strand_id}, "item": {"S": item}}


def _run_key(first: int, part: int) -> str:
    return f"run#{first:020d}#{part:04d}"


def _between(partition: str, low: str, high: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "strand_id = :strand AND #item BETWEEN :low AND :high",
        "ExpressionAttributeValues": {":strand": {"S": partition}, ":low": {"S": low}, ":high": {"S": high}},
    }


def _run_items(run: Run) -> Iterator[dict[str, Any]]:
    blob = render_blocks(run.blocks)
    pieces = [blob[start : start + MAX_PART_BYTES] for start in range(0, len(blob), MAX_PART_BYTES)]
    for part, piece in enumerate(pieces):
        yield _key(run.strand_id, _run_key(run.first, part)) | {
            "blocks": {"B": piece},
            "parts": {"N": str(len(pieces))},
        }


def _parse_run(strand_id: str, items: Sequence[Mapping[str, Any]]) -> Run:
    first = int(items[0]["item"]["S"].split("#")[1])
    return Run(strand_id, first, parse_blocks(first, b"".join(item["blocks"]["B"] for item in items)))
