"""What follows from the journal, in DynamoDB: documents, history, index entries, catalogues. All of it can be derived again.

Items of the projections' table (partition key ``pk``, sort key ``sk``; block numbers have 20 digits, so that they sort as numbers):

* ``D#<document id>`` / block: a revision. The document as of block n is the last one up to n. Data over the item limit is read from
  the block (``inBlock``);
* ``T#<table id>`` / document id: that the document is of the table, with the block that made it (``fromNo``);
* ``I#<index id>#<digest of the key>`` / document id: that the document entered the index under the key, with the block in which it
  did (``fromNo``) and, once it left, the block in which it did (``toNo``). What left is removed an hour later; whoever finds an entry
  compares the document's value, so that an entry too many costs a read and nothing else;
* ``X#<transaction id>`` / ``-``: its block;
* ``C#<strand id>`` / block and a number: the catalogue behind a block, as JSON; a further one when an index came online;
* ``R#<strand id>`` / block and document: a redaction that is asked for;
* ``S#<strand id>`` / ``-``: the watermark, the last block of which everything is here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.journal import MAX_INLINE_BYTES
from counterfoil.errors import IntegrityError
from counterfoil.ledger.catalogue import LedgerCatalogue, parse_catalogue, render_catalogue
from counterfoil.ledger.reading import StoredRevision

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ONE: Final = "-"
_LAST: Final = "~"


class KeptCatalogue(NamedTuple):
    """The catalogue behind a block; ``number`` counts those behind one block."""

    sequence_no: int
    number: int
    catalogue: LedgerCatalogue


class Member(NamedTuple):
    document_id: str
    from_no: int


# Gives the revision of a document that a block holds.
FromBlock = Callable[[int, str], StoredRevision]


def block_key(sequence_no: int) -> str:
    return f"{sequence_no:020d}"


def key(partition: str, sort: str = ONE) -> dict[str, Any]:
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def index_partition(index_id: str, digest: str) -> str:
    return f"I#{index_id}#{digest}"


@dataclass(frozen=True, slots=True)
class Projections:
    """Reads of one strand's projections, never stale."""

    client: DynamoDBClient
    ddb_table: str
    strand_id: str
    from_block: FromBlock

    def watermark(self) -> int:
        """The last block of which everything is here; -1 where there is none."""
        item = self.get(f"S#{self.strand_id}")
        return -1 if item is None else int(item["n"]["N"])

    def document(self, document_id: str, at: int) -> StoredRevision | None:
        """The document's revision as of a block, a deletion included."""
        condition = _up_to(f"D#{document_id}", block_key(at))
        items = self._page(condition | {"ScanIndexForward": False, "Limit": 1})["Items"]
        return self._revision(document_id, items[0]) if items else None

    def last(self, document_id: str) -> StoredRevision | None:
        """The document's last revision that is here, of whichever strand; ``None`` where nobody has a document of this id."""
        condition = _all_of(f"D#{document_id}")
        items = self._page(condition | {"ScanIndexForward": False, "Limit": 1})["Items"]
        return self._revision(document_id, items[0]) if items else None

    def revision_at(self, document_id: str, sequence_no: int) -> StoredRevision | None:
        item = self.get(f"D#{document_id}", block_key(sequence_no))
        return None if item is None else self._revision(document_id, item)

    def history(self, document_id: str, at: int) -> Iterator[StoredRevision]:
        """Every revision of a document up to a block, the oldest first."""
        for item in self.query(_up_to(f"D#{document_id}", block_key(at))):
            yield self._revision(document_id, item)

    def members(self, table_id: str, at: int) -> Iterator[str]:
        """Documents that the table had, deleted ones included."""
        for item in self.query(_all_of(f"T#{table_id}")):
            if int(item["fromNo"]["N"]) <= at:
                yield item["sk"]["S"]

    def members_behind(self, table_id: str, document_id: str, count: int) -> list[Member]:
        """The next documents of a table behind one, in the order of their ids."""
        condition = _all_of(f"T#{table_id}")
        condition["KeyConditionExpression"] += " AND sk > :after"
        condition["ExpressionAttributeValues"][":after"] = {"S": document_id or " "}
        items = self._page(condition | {"Limit": count})["Items"]
        return [Member(each["sk"]["S"], int(each["fromNo"]["N"])) for each in items]

    def entered(self, index_id: str, digest: str, at: int) -> Iterator[str]:
        """Documents that were under a key as of a block, and perhaps some that were not any more."""
        for item in self.query(_all_of(index_partition(index_id, digest))):
            to_no = item.get("toNo")
            if int(item.get("fromNo", {}).get("N", "0")) <= at and (to_no is None or int(to_no["N"]) > at):
                yield item["sk"]["S"]

    def transaction(self, transaction_id: str) -> int | None:
        item = self.get(f"X#{transaction_id}")
        return None if item is None else int(item["n"]["N"])

    def requests(self) -> Iterator[Mapping[str, Any]]:
        """Redactions that are asked for, as items."""
        return self.query(_all_of(f"R#{self.strand_id}"))

    def catalogue(self, at: int) -> KeptCatalogue:
        """The last one that was kept for a block up to this one."""
        condition = _up_to(f"C#{self.strand_id}", f"{block_key(at)}#{_LAST}") if at >= 0 else None
        items = self._page(condition | {"ScanIndexForward": False, "Limit": 1})["Items"] if condition else []
        if not items:
            return KeptCatalogue(-1, 0, LedgerCatalogue(0, {}))
        sequence_no, _, number = items[0]["sk"]["S"].partition("#")
        try:
            return KeptCatalogue(int(sequence_no), int(number), parse_catalogue(json.loads(items[0]["catalogue"]["S"])))
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(f"the catalogue behind block {sequence_no} cannot be read: {error!r}") from None

    def _revision(self, document_id: str, item: Mapping[str, Any]) -> StoredRevision:
        if "inBlock" in item:
            return self.from_block(int(item["sk"]["S"]), document_id)
        return parse_revision(document_id, item)

    # Items

    def get(self, partition: str, sort: str = ONE) -> Mapping[str, Any] | None:
        with translated(f"reading {partition}"):
            answer = self.client.get_item(TableName=self.ddb_table, Key=key(partition, sort), ConsistentRead=True)
        return answer.get("Item")

    def query(self, condition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        page = self._page(condition)
        yield from page["Items"]
        while "LastEvaluatedKey" in page:
            page = self._page({**condition, "ExclusiveStartKey": page["LastEvaluatedKey"]})
            yield from page["Items"]

    def _page(self, condition: Mapping[str, Any]) -> Mapping[str, Any]:
        with translated("reading projections"):
            return self.client.query(TableName=self.ddb_table, ConsistentRead=True, **condition)


def _all_of(partition: str) -> dict[str, Any]:
    return {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": partition}}}


def _up_to(partition: str, last: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "pk = :pk AND sk <= :last",
        "ExpressionAttributeValues": {":pk": {"S": partition}, ":last": {"S": last}},
    }


def revision_item(revision: StoredRevision) -> dict[str, Any]:
    item: dict[str, Any] = key(f"D#{revision.document_id}", block_key(revision.sequence_no)) | {
        "tableId": {"S": revision.table_id},
        "version": {"N": str(revision.version)},
        "txId": {"S": revision.tx_id},
        "txTimeMs": {"N": str(revision.tx_time_ms)},
        "hash": {"B": bytes(revision.hash)},
    }
    if revision.data is not None and len(revision.data) <= MAX_INLINE_BYTES:
        item["data"] = {"B": revision.data}
    elif revision.data is not None:
        item["inBlock"] = {"BOOL": True}
    if revision.data_hash is not None:
        item["dataHash"] = {"B": bytes(revision.data_hash)}
    return item


def parse_revision(document_id: str, item: Mapping[str, Any]) -> StoredRevision:
    return StoredRevision(
        item["tableId"]["S"],
        document_id,
        int(item["version"]["N"]),
        int(item["sk"]["S"]),
        item["txId"]["S"],
        int(item["txTimeMs"]["N"]),
        item["hash"]["B"],
        item.get("data", {}).get("B"),
        item.get("dataHash", {}).get("B"),
    )


def catalogue_item(strand_id: str, kept: KeptCatalogue) -> dict[str, Any]:
    document = json.dumps(render_catalogue(kept.catalogue), separators=(",", ":"))
    sort = f"{block_key(kept.sequence_no)}#{kept.number:06d}"
    return key(f"C#{strand_id}", sort) | {"catalogue": {"S": document}}
