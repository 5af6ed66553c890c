"""Blocks as QLDB and this project write them, verified in one step by the layout that many of them share.

Reading a block and verifying it costs most where nothing is wrong with it. A block whose layout (ion/layouts.py) is known is taken
apart at once, and everything that ``parse_block``, ``verify_block`` and ``check_belongs`` would look at is looked at in the values.
Only a block that they accept is accepted here, with the same outcome; of any other, whatever is wrong or merely unusual with it,
nothing is said, and it goes the long way, which says what (tests/property/test_plain_block_laws.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple, cast

from counterfoil.errors import InputError
from counterfoil.ion import IonValue
from counterfoil.ion.layouts import Hashing, Layout, Node, layout_of
from counterfoil.ion.symbols import END, escape, serialize_symbol
from counterfoil.journal.address import MAX_SEQUENCE_NO, checked_id
from counterfoil.journal.block import HASH_OF_NOTHING, MAX_ENTRIES
from counterfoil.journal.chain import Segment
from counterfoil.journal.revision import MAX_VERSION, parse_instant
from counterfoil.merkle import CompactRange, Hash, dot, root_of

_INT: Final = 2
_TIMESTAMP: Final = 6
_STRING: Final = 8
_BLOB: Final = 10

_FIELDS: Final = {
    "blockAddress", "transactionId", "blockTimestamp", "blockHash", "entriesHash", "previousBlockHash", "entriesHashList",
    "transactionInfo", "revisions",
}  # fmt: skip
_ADDRESS: Final = {"strandId": _STRING, "sequenceNo": _INT}
_STATEMENT: Final = {"statement": _STRING, "startTime": _TIMESTAMP, "statementDigest": _BLOB}
_METADATA: Final = {"id": _STRING, "version": _INT, "txTime": _TIMESTAMP, "txId": _STRING}
_HEADER: Final = tuple(serialize_symbol(name) for name in ("blockAddress", "transactionId", "blockTimestamp"))


class PlainBlock(NamedTuple):
    """A verified block: the segment of it alone, and how many revisions it has."""

    segment: Segment
    revisions: int


class _Unusual(Exception):  # noqa: N818 - no error: the long way is taken
    """The struct is not laid out as a block usually is."""


class _Revision(NamedTuple):
    """Which of a block's values are those of one of its revisions."""

    address: tuple[int, int]
    hash: int
    data: Node
    metadata: Node
    document_id: int
    version: int
    tx_time: int
    tx_id: int


class BlockLayout:
    """A layout that is a block's, and what its values are. A struct of another kind is refused with ``_Unusual``."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        root = layout.root
        if set(root.names) != _FIELDS:
            raise _Unusual
        self._address_node = self._node(root, "blockAddress")
        self._address = self._pair(self._address_node)
        self._transaction_id = self._scalar(root, "transactionId", _STRING)
        self._time = self._scalar(root, "blockTimestamp", _TIMESTAMP)
        self._block_hash = self._scalar(root, "blockHash", _BLOB)
        self._entries_hash = self._scalar(root, "entriesHash", _BLOB)
        self._previous_hash = self._scalar(root, "previousBlockHash", _BLOB)
        entries = self._node(root, "entriesHashList", is_list=True)
        self._entries = entries.scalars
        if entries.nodes or not 0 < len(self._entries) <= MAX_ENTRIES:
            raise _Unusual
        if any(layout.kinds[each] != _BLOB for each in self._entries):
            raise _Unusual
        self._info = self._node(root, "transactionInfo")
        documents = self._documents()
        self._has_documents = bool(documents)
        revisions = self._node(root, "revisions", is_list=True)
        self._revisions = [self._revision(each) for each in revisions.nodes]
        if not self._revisions or revisions.scalars:
            raise _Unusual
        parts = [part for each in self._revisions for part in (each.data, each.metadata)]
        layout.prepare(documents, [self._info, self._address_node, *parts], [self._transaction_id, self._time])

    def verify(self, values: Sequence[bytes], document_ids: Sequence[str]) -> PlainBlock | None:
        """The block with these values and document ids, if it holds; ``None`` where anything is to be said of it."""
        try:
            return self._verified(values, document_ids)
        except InputError:
            return None

    def _verified(self, values: Sequence[bytes], document_ids: Sequence[str]) -> PlainBlock | None:
        hashing = self.layout.digests(values, document_ids)
        if hashing is None:
            return None
        strand, sequence = (values[each] for each in self._address)
        transaction_id = values[self._transaction_id]
        entries = cast("list[Hash]", [values[each] for each in self._entries])
        block_hash, entries_hash = Hash(values[self._block_hash]), Hash(values[self._entries_hash])
        previous = Hash(values[self._previous_hash])
        if any(len(each) != 32 for each in entries) or int.from_bytes(sequence) > MAX_SEQUENCE_NO:
            return None
        if root_of(entries) != entries_hash or dot(entries_hash, previous) != block_hash:
            return None
        if hashing.hash_of(self._info) not in entries:
            return None
        revisions = self._checked_revisions(values, hashing)
        if revisions is None:
            return None
        named, hashes = revisions
        if root_of(hashes) not in entries:
            return None
        bound = self._header_hash(hashing) == entries[0]
        if bound and (sorted(named) != sorted(document_ids) or (len(entries) > 4 and entries[4] != HASH_OF_NOTHING)):
            return None
        checked_id(transaction_id.decode(), "transactionId")
        time = parse_instant(values[self._time])
        number = int.from_bytes(sequence)
        segment = Segment(
            checked_id(strand.decode(), "strandId"),
            CompactRange(number, number + 1, (block_hash,)),
            previous,
            block_hash,
            time,
            time,
            bound,
            bound,
        )
        return PlainBlock(segment, len(hashes))

    def _checked_revisions(self, values: Sequence[bytes], hashing: Hashing) -> tuple[list[str], list[Hash]] | None:
        """The document ids and hashes of its revisions; ``None`` where one is not what its hash says, or not of this block."""
        place = [values[each] for each in self._address]
        transaction_id = values[self._transaction_id]
        named, hashes = [], []
        for revision in self._revisions:
            if [values[each] for each in revision.address] != place or values[revision.tx_id] != transaction_id:
                return None
            if int.from_bytes(values[revision.version]) > MAX_VERSION:
                return None
            parse_instant(values[revision.tx_time])
            claimed = Hash(values[revision.hash])
            metadata, data = hashing.hash_of(revision.metadata), hashing.hash_of(revision.data)
            if dot(cast("Hash", metadata), cast("Hash", data)) != claimed:
                return None
            named.append(checked_id(values[revision.document_id].decode(), "document id"))
            hashes.append(claimed)
        return named, hashes

    def _header_hash(self, hashing: Hashing) -> bytes:
        parts: tuple[Node | int, ...] = (self._address_node, self._transaction_id, self._time)
        digests = sorted(map(hashing.digest_of_field, _HEADER, parts))
        return sha256(b"\x0b\xd0" + escape(b"".join(digests)) + END).digest()

    def _documents(self) -> list[int]:
        """The places of the document ids among the names."""
        statements = self._node(self._info, "statements", is_list=True)
        if statements.scalars:
            raise _Unusual
        for each in statements.nodes:
            self._expect(each, _STATEMENT)
        if self._info.names == ["statements"]:
            return []
        if self._info.names != ["statements", "documents"]:
            raise _Unusual
        documents = self._node(self._info, "documents")
        if documents.scalars:
            raise _Unusual
        for each in documents.nodes:
            self._scalar(each, "tableName", _STRING)
            self._scalar(each, "tableId", _STRING)
        return documents.places

    def _revision(self, node: Node) -> _Revision:
        if set(node.names) != {"blockAddress", "hash", "data", "metadata"}:
            raise _Unusual
        metadata = self._node(node, "metadata")
        self._expect(metadata, _METADATA)
        return _Revision(
            self._pair(self._node(node, "blockAddress")),
            self._scalar(node, "hash", _BLOB),
            self._node(node, "data"),
            metadata,
            *(self._scalar(metadata, name, kind) for name, kind in _METADATA.items()),
        )

    def _pair(self, node: Node) -> tuple[int, int]:
        self._expect(node, _ADDRESS)
        return self._scalar(node, "strandId", _STRING), self._scalar(node, "sequenceNo", _INT)

    def _expect(self, node: Node, fields: dict[str, int]) -> None:
        """Nothing but these scalars, of these kinds."""
        if node.is_list or set(node.names) != fields.keys():
            raise _Unusual
        for name, kind in fields.items():
            self._scalar(node, name, kind)

    def _scalar(self, node: Node, name: str, kind: int) -> int:
        found = node.field(name)
        if not isinstance(found, int) or self.layout.kinds[found] != kind:
            raise _Unusual
        return found

    @staticmethod
    def _node(node: Node, name: str, *, is_list: bool = False) -> Node:
        found = node.field(name)
        if not isinstance(found, Node) or found.is_list is not is_list:
            raise _Unusual
        return found


def block_layout_of(value: IonValue) -> BlockLayout | None:
    """The layout of a block; ``None`` where it is not laid out as blocks usually are."""
    layout = layout_of(value)
    if layout is None:
        return None
    try:
        return BlockLayout(layout)
    except _Unusual:
        return None
