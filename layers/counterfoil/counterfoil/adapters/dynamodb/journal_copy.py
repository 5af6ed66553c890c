"""The journal's table as a source of blocks, and one in another region as their copy.

A block goes over as the item that it is (``journal.py``), and the objects that it names go before it: what this region's ledger wrote
beside the block serves the copy's ledger as well. A transaction puts up to ``BLOCKS_AT_ONCE`` blocks where none is, under
the condition that the block in front of them is the one they follow, or that the strand begins where they do; so the copy has no hole
and no second history, whoever else may write to it at that moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.anchors import anchor_item, anchor_key, parse_anchor_item
from counterfoil.adapters.s3 import put_once
from counterfoil.errors import BrokenLinkError, ConflictError
from counterfoil.journal.anchor import ANCHOR_NO, TrustAnchor, anchor_text
from counterfoil.merkle import Hash
from counterfoil.ports import CopiedTip, JournalCopy, JournalSource, Previous, Registered, StoredBlock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

# "TransactWriteItems": 100 items, one of which is the condition, and 4 MB.
BLOCKS_AT_ONCE: Final = 99
BYTES_AT_ONCE: Final = 3_500_000

# What another region needs of the registry; exports and streams are jobs of the region that runs them.
COPIED_KINDS: Final = ("ledger", "permission", "tag")


# Attributes of an item that name an object instead of holding its bytes.
OBJECT_KEYS: Final = ("blockKey", "effectsKey")


class Kept(NamedTuple):
    """An item of the journal's table, and the objects that it names, by their keys."""

    item: Mapping[str, Any]
    objects: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class DynamoDbJournalSource(JournalSource):
    client: DynamoDBClient
    s3: S3Client
    journal_table: str
    journal_bucket: str
    registry_table: str

    def anchor(self, strand_id: str, /) -> TrustAnchor | None:
        with translated(f"looking where strand {strand_id} begins"):
            answer = self.client.query(
                TableName=self.journal_table,
                KeyConditionExpression="strandId = :s AND sequenceNo = :n",
                ExpressionAttributeValues={":s": {"S": strand_id}, ":n": {"N": str(ANCHOR_NO)}},
                ConsistentRead=True,
            )
        return next((parse_anchor_item(strand_id, each) for each in answer["Items"]), None)

    def stored(self, strand_id: str, begin: int, count: int, /) -> Sequence[StoredBlock]:
        with translated(f"reading blocks of {strand_id} from {begin} on"):
            answer = self.client.query(
                TableName=self.journal_table,
                KeyConditionExpression="strandId = :s AND sequenceNo >= :n",
                ExpressionAttributeValues={":s": {"S": strand_id}, ":n": {"N": str(begin)}},
                ConsistentRead=True,
                Limit=count,
            )
            return [self._stored(each) for each in answer["Items"]]

    def registered(self) -> Registered:
        return {
            kind: {each["id"]["S"]: each for each in of_kind(self.client, self.registry_table, kind)}
            for kind in COPIED_KINDS
        }

    def _stored(self, item: Mapping[str, Any]) -> StoredBlock:
        objects = {key: self._object(key) for name in OBJECT_KEYS if (key := item.get(name, {}).get("S"))}
        data = item["block"]["B"] if "block" in item else objects[item["blockKey"]["S"]]
        return StoredBlock(int(item["sequenceNo"]["N"]), Hash(item["blockHash"]["B"]), data, Kept(item, objects))

    def _object(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.journal_bucket, Key=key)["Body"].read()


@dataclass(frozen=True, slots=True)
class DynamoDbJournalCopy(JournalCopy):
    client: DynamoDBClient
    s3: S3Client
    journal_table: str
    journal_bucket: str
    registry_table: str

    def tip(self, strand_id: str, /) -> CopiedTip | None:
        with translated(f"looking where the copy of {strand_id} ends"):
            answer = self.client.query(
                TableName=self.journal_table,
                KeyConditionExpression="strandId = :s AND sequenceNo > :n",
                ExpressionAttributeValues={":s": {"S": strand_id}, ":n": {"N": str(ANCHOR_NO)}},
                ProjectionExpression="sequenceNo, blockHash",
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=1,
            )
        for item in answer["Items"]:
            return CopiedTip(int(item["sequenceNo"]["N"]), Hash(item["blockHash"]["B"]))
        return None

    def begin(self, anchor: TrustAnchor, /) -> None:
        strand_id = anchor.strand_id
        items = [
            _check(self.journal_table, _key(strand_id, 0), "attribute_not_exists(strandId)"),
            _put(self.journal_table, anchor_item(anchor)),
        ]
        try:
            with translated(f"putting where the copy of {strand_id} begins"):
                self.client.transact_write_items(TransactItems=items)
        except ConflictError:
            if not self._begins_at(strand_id, anchor):
                raise

    def append(self, strand_id: str, previous: Previous, blocks: Sequence[StoredBlock], /) -> None:
        for group in _groups(blocks):
            for each in group:
                for key, data in each.kept.objects.items():
                    put_once(self.s3, self.journal_bucket, key, data, {"ContentType": "application/octet-stream"})
            self._append(strand_id, previous, group)
            previous = group[-1].block_hash

    def keep_registered(self, registered: Registered, /) -> None:
        for kind, wanted in registered.items():
            there = {each["id"]["S"]: each for each in of_kind(self.client, self.registry_table, kind)}
            with translated(f"keeping what is registered of kind {kind}"):
                for name in [name for name, item in wanted.items() if there.get(name) != item]:
                    self.client.put_item(TableName=self.registry_table, Item=wanted[name])
                for name in there.keys() - wanted.keys():
                    self.client.delete_item(TableName=self.registry_table, Key={"kind": {"S": kind}, "id": {"S": name}})

    def _append(self, strand_id: str, previous: Previous, blocks: Sequence[StoredBlock]) -> None:
        items = [_put(self.journal_table, each.kept.item) for each in blocks]
        match previous:
            case None:
                begins_with_block_0 = "attribute_not_exists(strandId)"
                check = _check(self.journal_table, anchor_key(strand_id), begins_with_block_0)
            case TrustAnchor():
                text = {":anchor": {"S": anchor_text(previous)}}
                check = _check(self.journal_table, anchor_key(strand_id), "anchor = :anchor", text)
            case block_hash:
                before = _key(strand_id, blocks[0].sequence_no - 1)
                check = _check(self.journal_table, before, "blockHash = :h", {":h": {"B": bytes(block_hash)}})
        items.insert(0, check)
        try:
            with translated(f"putting block {strand_id}#{blocks[0].sequence_no} into the copy"):
                self.client.transact_write_items(TransactItems=items)
        except ConflictError:
            there = self._already_there(strand_id, previous, blocks)
            if not there:
                raise
            if there < len(blocks):
                self._append(strand_id, blocks[there - 1].block_hash, blocks[there:])

    def _already_there(self, strand_id: str, previous: Previous, blocks: Sequence[StoredBlock]) -> int:
        """How many of the blocks the copy has. ``BrokenLinkError`` where it has another in a place, or before the first of them."""
        if isinstance(previous, Hash):
            self._expect(strand_id, blocks[0].sequence_no - 1, previous, there=True)
        else:
            self._begins_at(strand_id, previous)
        return sum(1 for each in blocks if self._expect(strand_id, each.sequence_no, each.block_hash))

    def _begins_at(self, strand_id: str, anchor: TrustAnchor | None) -> bool:
        """Whether the strand begins there, rather than nowhere yet. ``BrokenLinkError`` where it begins elsewhere."""
        with translated(f"looking where the copy of {strand_id} begins"):
            answer = self.client.get_item(TableName=self.journal_table, Key=anchor_key(strand_id), ConsistentRead=True)
        found = parse_anchor_item(strand_id, answer["Item"]) if "Item" in answer else None
        tip = self.tip(strand_id) if found is None else None
        if found != anchor and (found is not None or tip is not None):
            where = "with block 0" if found is None else f"at the trust anchor at block {found.begin}: {found}"
            raise BrokenLinkError(
                f"strand {strand_id} is here already and begins {where}", expected=repr(anchor), found=repr(found)
            )
        return found is not None or tip is not None

    def _expect(self, strand_id: str, sequence_no: int, block_hash: Hash, *, there: bool = False) -> bool:
        with translated(f"reading block {strand_id}#{sequence_no} of the copy"):
            answer = self.client.get_item(
                TableName=self.journal_table,
                Key=_key(strand_id, sequence_no),
                ProjectionExpression="blockHash",
                ConsistentRead=True,
            )
        item = answer.get("Item")
        found = None if item is None else Hash(item["blockHash"]["B"])
        if found not in (block_hash, None) or (there and found is None):
            raise BrokenLinkError(
                f"the copy has {found} as block {strand_id}#{sequence_no}, the journal {block_hash}: it has a history of its own",
                expected=str(block_hash),
                found=str(found),
            )
        return found is not None


def of_kind(client: DynamoDBClient, registry_table: str, kind: str) -> Iterator[Mapping[str, Any]]:
    """Everything of a kind that is registered, as items; never stale."""
    with translated(f"reading what is registered of kind {kind}"):
        pages = client.get_paginator("query").paginate(
            TableName=registry_table,
            KeyConditionExpression="#kind = :kind",
            ExpressionAttributeNames={"#kind": "kind"},
            ExpressionAttributeValues={":kind": {"S": kind}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]


def _groups(blocks: Sequence[StoredBlock]) -> Iterator[list[StoredBlock]]:
    """Runs of blocks that one transaction takes."""
    group: list[StoredBlock] = []
    size = 0
    for each in blocks:
        cost = _size_of(each.kept.item)
        if group and (len(group) == BLOCKS_AT_ONCE or size + cost > BYTES_AT_ONCE):
            yield group
            group, size = [], 0
        group.append(each)
        size += cost
    if group:
        yield group


def _size_of(item: Mapping[str, Any]) -> int:
    """Bytes of an item's long attributes, and more than its short ones can have."""
    return 1_000 + sum(len(value) for each in item.values() for value in each.values())


def _key(strand_id: str, sequence_no: int) -> dict[str, Any]:
    return {"strandId": {"S": strand_id}, "sequenceNo": {"N": str(sequence_no)}}


def _put(ddb_table: str, item: Mapping[str, Any]) -> Any:
    return {"Put": {"TableName": ddb_table, "Item": item, "ConditionExpression": "attribute_not_exists(strandId)"}}


def _check(ddb_table: str, key: Mapping[str, Any], condition: str, values: Mapping[str, Any] | None = None) -> Any:
    given = {} if values is None else {"ExpressionAttributeValues": values}
    return {"ConditionCheck": {"TableName": ddb_table, "Key": key, "ConditionExpression": condition} | given}
