"""A ledger's journal in DynamoDB: one item is one block, put once under the condition that none is in its place.

Items of the journal's table (partition key ``strandId``, sort key ``sequenceNo``):

* ``block`` (binary): the block in its whole form; or ``blockKey``: the object of the journal's bucket that has it, named by the
  transaction and the SHA-256 of the bytes, and put there before the item;
* ``effects`` (binary): what the block changes, for whoever follows the journal (``effects.py``); or ``effectsKey``, likewise;
* ``nodes`` (binary): the hashes of the nodes of the tree that this block completes, from level 1 upwards. Node (level, position)
  stands in block ((position + 1) << level) - 1, so that a proof reads blocks by their numbers and there is no table of nodes;
* ``blockHash``, ``transactionId`` and ``timestampMs``: what the next block and a look-up need without reading the block.

A strand that does not begin with block 0 has an item beside its blocks that says where it begins (``anchors.py``). In place of the
blocks before stand the nodes that it gives.

Blocks are read by their numbers, many at a time: that costs the same however long the strand is.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.anchors import DynamoDbAnchors
from counterfoil.adapters.s3 import put_once
from counterfoil.errors import IntegrityError, NotFoundError, UnavailableError
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.merkle import CompactRange, Hash
from counterfoil.merkle.nodes import range_of
from counterfoil.ports import JournalReader

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

# An item holds 400 KB with its names and numbers; what is over this goes to the bucket.
MAX_INLINE_BYTES: Final = 350_000

# "BatchGetItem": 100 keys and 16 MB in one request. Fewer, so that what is read ahead stays small.
READ_AHEAD_BLOCKS: Final = 25

# How often whoever waits for a block looks: at first, and at most.
FIRST_LOOK_SECONDS: Final = 0.02
LONGEST_LOOK_SECONDS: Final = 1.0

_SHORT: Final = ("sequenceNo", "blockHash", "transactionId", "timestampMs", "effects", "effectsKey", "nodes")


@dataclass(frozen=True, slots=True)
class JournalItem:
    """A block as it stands in the table; ``block`` and ``effects`` may be the key of an object instead."""

    sequence_no: int
    block_hash: Hash
    transaction_id: str
    timestamp_ms: int
    nodes: bytes
    block: bytes | str
    effects: bytes | str

    def node(self, level: int) -> Hash:
        """The node of this level that the block completes; level 0 is the block's own hash."""
        if level == 0:
            return self.block_hash
        hash_ = self.nodes[(level - 1) * 32 : level * 32]
        if len(hash_) != 32:
            raise IntegrityError(f"block {self.sequence_no} has no node of level {level}: the journal is damaged")
        return Hash(hash_)


def key_of_object(transaction_id: str, data: bytes) -> str:
    """Where bytes are kept that are too large for an item: their name follows from them.

    What a transaction wrote is together, also where it lost its place to another: so all of it can be redacted.
    """
    return f"{_folder(transaction_id)}{sha256(data).hexdigest()}"


def _folder(transaction_id: str) -> str:
    return f"blocks/{transaction_id}/"


@dataclass(frozen=True, slots=True)
class DynamoDbJournal(JournalReader):
    """One strand. Never stale: every read is a consistent one."""

    client: DynamoDBClient
    journal_table: str
    s3: S3Client
    bucket: str
    strand_id: str
    # The last block that was seen, so that the tip is looked for from there.
    _seen: list[int] = field(default_factory=lambda: [-1], repr=False, compare=False)
    # Where the strand begins, once that is known.
    _begins: list[TrustAnchor | None] = field(default_factory=list, repr=False, compare=False)

    @property
    def anchor(self) -> TrustAnchor | None:
        """Read until the strand has begun: from then on it never changes."""
        if self._begins:
            return self._begins[0]
        # A block seen before the anchor was read for had it before it, if it has one; one seen since then tells nothing.
        begun = self._seen[0] >= 0
        anchor = DynamoDbAnchors(self.client, self.journal_table).anchor(self.strand_id)
        if anchor is not None or begun or self.read(range(1)):
            self._begins.append(anchor)
        return anchor

    # The journal, for those who follow it

    def tip(self) -> int | None:
        number = self._seen[0]
        if number < 0:
            number = self._last()
        for run in self.behind(number):
            number = run[-1].sequence_no
        self._seen[0] = number
        return None if number < 0 else number

    def blocks(self, begin: int, end: int, /) -> Iterator[bytes]:
        for first in range(begin, end, READ_AHEAD_BLOCKS):
            wanted = range(first, min(first + READ_AHEAD_BLOCKS, end))
            items = self.read(wanted, whole=True)
            for number in wanted:
                if number not in items:
                    why = f": {self.anchor}" if number < self.first() else ""
                    raise NotFoundError(f"there is no block {self.strand_id}#{number}{why}")
                yield self.bytes_of(items[number].block)

    def wait_for(self, sequence_no: int, timeout: float, /) -> bool:
        until, pause = time.monotonic() + timeout, FIRST_LOOK_SECONDS
        while not self.read(range(sequence_no, sequence_no + 1)):
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_LOOK_SECONDS)
        return True

    # Items

    def behind(self, sequence_no: int, *, whole: bool = False) -> Iterator[list[JournalItem]]:
        """The blocks that are there behind one, in runs: each as long as those before it, as what is not there costs too."""
        ahead = 1
        while True:
            wanted = range(sequence_no + 1, sequence_no + 1 + ahead)
            found = self.read(wanted, whole=whole)
            run = [found[number] for number in takewhile(found.__contains__, wanted)]
            if run:
                yield run
            if len(run) < ahead:
                return
            sequence_no, ahead = run[-1].sequence_no, min(2 * ahead, READ_AHEAD_BLOCKS)

    def read(self, numbers: range, *, whole: bool = False) -> Mapping[int, JournalItem]:
        """Those of the blocks that are there; without their own bytes unless ``whole``."""
        if len(numbers) == 1:
            return self._read_one(numbers[0], whole=whole)
        found: dict[int, JournalItem] = {}
        for first in range(0, len(numbers), 100):
            found |= self._read_many(numbers[first : first + 100], whole=whole)
        return found

    def nodes(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Hash]:
        """Nodes of the tree by level and position; ``IntegrityError`` where one is missing."""
        numbers = {place: ((place[1] + 1) << place[0]) - 1 for place in places}
        items = self._read_many(sorted(set(numbers.values())), whole=False)
        found = {place: items[number].node(place[0]) for place, number in numbers.items() if number in items}
        if len(found) < len(numbers):
            anchor = self.anchor
            before = {} if anchor is None else {(level, position): hash_ for level, position, hash_ in anchor.nodes()}
            found |= {place: before[place] for place in numbers.keys() & before.keys()}
        missing = sorted(number for place, number in numbers.items() if place not in found)
        if missing:
            raise IntegrityError(f"block {self.strand_id}#{missing[0]} is missing: the journal is damaged")
        return found

    def peaks(self, size: int) -> CompactRange | None:
        """The tree over the first ``size`` blocks, from the nodes that blocks carry; ``None`` where ``size`` is 0."""
        places: list[tuple[int, int]] = []

        def note(level: int, position: int) -> Hash:
            places.append((level, position))
            return Hash(bytes(32))

        range_of(note, size)
        nodes = self.nodes(places) if places else {}
        return range_of(lambda level, position: nodes[level, position], size)

    def put_request(self, item: JournalItem) -> dict[str, Any]:
        """The put of a block where none is."""
        values: dict[str, Any] = {
            "strandId": {"S": self.strand_id},
            "sequenceNo": {"N": str(item.sequence_no)},
            "blockHash": {"B": bytes(item.block_hash)},
            "transactionId": {"S": item.transaction_id},
            "timestampMs": {"N": str(item.timestamp_ms)},
            "block" if isinstance(item.block, bytes) else "blockKey": _attribute(item.block),
            "effects" if isinstance(item.effects, bytes) else "effectsKey": _attribute(item.effects),
        }
        if item.nodes:
            values["nodes"] = {"B": item.nodes}
        return {
            "TableName": self.journal_table,
            "Item": values,
            "ConditionExpression": "attribute_not_exists(strandId)",
        }

    def keep_outside(self, transaction_id: str, *parts: bytes) -> tuple[bytes | str, ...]:
        """The parts as an item may have them: the largest become objects until the rest fits. The objects are there on return."""
        kept: list[bytes | str] = list(parts)
        while sum(len(each) for each in kept if isinstance(each, bytes)) > MAX_INLINE_BYTES:
            largest = max(
                range(len(kept)), key=lambda place: len(kept[place]) if isinstance(kept[place], bytes) else -1
            )
            data = kept[largest]
            assert isinstance(data, bytes)
            kept[largest] = name = key_of_object(transaction_id, data)
            put_once(self.s3, self.bucket, name, data, {"ContentType": "application/octet-stream"})
        return tuple(kept)

    def bytes_of(self, part: bytes | str) -> bytes:
        """A part of an item, from the bucket where it is there; ``IntegrityError`` where the object is another one."""
        if isinstance(part, bytes):
            return part
        with translated(f"reading {part}"):
            data = self.s3.get_object(Bucket=self.bucket, Key=part)["Body"].read()
        found = sha256(data).hexdigest()
        if found != part.rpartition("/")[2]:
            raise IntegrityError(f"object {part} is not what it is named after", expected=part, found=found)
        return bytes(data)

    def remove_objects(self, transaction_id: str, but: Collection[bytes | str]) -> None:
        """Remove every version of what a transaction wrote outside, but for these: what was redacted is to be nowhere."""
        where: Any = {"Bucket": self.bucket, "Prefix": _folder(transaction_id)}
        with translated(f"removing objects of transaction {transaction_id}"):
            while True:
                page = self.s3.list_object_versions(**where)
                for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    if each["Key"] not in but:
                        self.s3.delete_object(Bucket=self.bucket, Key=each["Key"], VersionId=each["VersionId"])
                if not page.get("IsTruncated"):
                    return
                where |= {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

    def _read_one(self, number: int, *, whole: bool) -> Mapping[int, JournalItem]:
        with translated(f"reading block {self.strand_id}#{number}"):
            answer = self.client.get_item(
                TableName=self.journal_table, Key=self.key(number), ConsistentRead=True, **_projection(whole=whole)
            )
        return {number: _parse(answer["Item"])} if "Item" in answer else {}

    def _read_many(self, numbers: Sequence[int], *, whole: bool) -> Mapping[int, JournalItem]:
        found: dict[int, JournalItem] = {}
        wanted: Any = {
            "Keys": [self.key(each) for each in numbers],
            "ConsistentRead": True,
            **_projection(whole=whole),
        }
        pause = FIRST_LOOK_SECONDS
        while wanted.get("Keys"):
            with translated(f"reading blocks of {self.strand_id}"):
                answer = self.client.batch_get_item(RequestItems={self.journal_table: wanted})
            items = [_parse(each) for each in answer["Responses"].get(self.journal_table, [])]
            found |= {each.sequence_no: each for each in items}
            wanted = answer.get("UnprocessedKeys", {}).get(self.journal_table, {})
            if wanted and not items:
                if pause > LONGEST_LOOK_SECONDS:
                    raise UnavailableError(f"blocks of {self.strand_id} cannot be read: throttled")
                time.sleep(pause)
                pause *= 2
        return found

    def key(self, number: int) -> dict[str, Any]:
        return {"strandId": {"S": self.strand_id}, "sequenceNo": {"N": str(number)}}

    def _last(self) -> int:
        with translated(f"looking for the tip of {self.strand_id}"):
            answer = self.client.query(
                TableName=self.journal_table,
                KeyConditionExpression="strandId = :s",
                ExpressionAttributeValues={":s": {"S": self.strand_id}},
                ProjectionExpression="sequenceNo",
                ScanIndexForward=False,
                Limit=1,
                ConsistentRead=True,
            )
        return int(answer["Items"][0]["sequenceNo"]["N"]) if answer["Items"] else -1


def _projection(*, whole: bool) -> dict[str, Any]:
    names = (*_SHORT, "block", "blockKey") if whole else _SHORT
    return {
        "ProjectionExpression": ", ".join(f"#{name}" for name in names),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }


def _attribute(part: bytes | str) -> dict[str, Any]:
    return {"B": part} if isinstance(part, bytes) else {"S": part}


def _part(item: Mapping[str, Any], name: str) -> bytes | str:
    part: bytes | str = item[name]["B"] if name in item else item.get(f"{name}Key", {}).get("S", b"")
    return part


def _parse(item: Mapping[str, Any]) -> JournalItem:
    try:
        return JournalItem(
            int(item["sequenceNo"]["N"]),
            Hash(item["blockHash"]["B"]),
            item["transactionId"]["S"],
            int(item["timestampMs"]["N"]),
            item.get("nodes", {}).get("B", b""),
            _part(item, "block"),
            _part(item, "effects"),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise IntegrityError(f"an item of the journal cannot be read: {error!r}") from None
