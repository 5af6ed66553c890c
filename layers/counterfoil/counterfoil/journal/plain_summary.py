"""The summary of a block by a stencil; see plain_record.py. The ids of its documents are names in its symbol table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, cast

from counterfoil.ion import IonValue, read_single
from counterfoil.ion.recipes import Recipe
from counterfoil.ion.stencils import NAME, Role, Slot, Stencil
from counterfoil.ion.symbols import serialize_symbol
from counterfoil.journal.block import HASH_OF_NOTHING, MAX_ENTRIES, Block, RevisionSummary, TouchedDocument
from counterfoil.journal.plain_record import (
    ARN,
    BLOB,
    INT,
    LIST,
    RECORD,
    STRING,
    STRUCT,
    TIMESTAMP,
    Unusual,
    VerifiedSummary,
    address_of,
    address_slots,
    expect,
    fields_of,
    name_of,
    name_slots,
    plain_id,
    slot_of,
    symbols_of_fields,
    symbols_used,
    text_of,
)
from counterfoil.journal.revision import parse_instant
from counterfoil.merkle import Hash, dot, root_of
from counterfoil.merkle.hashes import HASH_SIZE

_BLOCK: Final = {
    "blockAddress": STRUCT, "transactionId": STRING, "blockTimestamp": TIMESTAMP, "blockHash": BLOB, "entriesHash": BLOB,
    "previousBlockHash": BLOB, "entriesHashList": LIST, "transactionInfo": STRUCT, "revisionSummaries": LIST,
}  # fmt: skip
_HEADER: Final = ("blockAddress", "transactionId", "blockTimestamp")
_INFO: Final = {"statements": LIST, "documents": STRUCT}
_STATEMENT: Final = {"statement": STRING, "startTime": TIMESTAMP, "statementDigest": BLOB}
_DOCUMENT: Final = {"tableName": STRING, "tableId": STRING, "statements": LIST}
_SUMMARY: Final = {"hash": BLOB, "documentId": STRING}

# Slots of one summary: each costs hundreds of bytes and ten microseconds to know it, however small what stands in it.
MAX_PARTS: Final = 1_024

# Covered until another is met: what the blocks of an application mostly have in common.
_COMMON: Final = frozenset({"stream", "strand", "statement", "tableName", "tableId", "statementNo"})
_HASHES: Final = frozenset({"blockHash", "entriesHash", "previousBlockHash", "entry", "hash"})
_SCALARS: Final[tuple[Role, ...]] = (
    ARN, ("strand",), ("number",), ("transactionId",), ("blockTimestamp",), ("blockHash",), ("entriesHash",),
    ("previousBlockHash",),
)  # fmt: skip

# Of bytes known to be 32, which spares asking.
_known_hash: Final = cast("Callable[[bytes], Hash]", partial(bytes.__new__, Hash))


class PlainSummary:
    """The summaries of blocks that one stencil fits. ``Unusual`` where a record has no such."""

    def __init__(self, data: bytes, varying: frozenset[Role]) -> None:
        record = read_single(data)
        whole = fields_of(record, RECORD)
        block = fields_of(whole["payload"], _BLOCK)
        info = fields_of(block["transactionInfo"], _INFO)
        self._slots = [slot_of(ARN, whole["qldbStreamArn"]), *address_slots(block["blockAddress"])]
        self._slots += [slot_of((name,), block[name]) for name, kind in _BLOCK.items() if kind not in {STRUCT, LIST}]
        entries = self._add_entries(block["entriesHashList"])
        statements = self._add_structs(info["statements"], _STATEMENT)
        names = self._add_documents(data, record, info["documents"])
        summaries = self._add_structs(block["revisionSummaries"], _SUMMARY)
        if not summaries or len(self._slots) > MAX_PARTS:
            raise Unusual
        if any(slot.end - slot.begin != HASH_SIZE for slot in self._slots if slot.role[0] in _HASHES):
            raise Unusual  # the first block of a strand has no hash before it
        roles = frozenset(slot.role for slot in self._slots if slot.role[0] not in _COMMON)
        self.stencil = stencil = Stencil(data, self._slots, roles | varying)
        self._recipe = Recipe(stencil.open, {symbol: stencil.place(slot.role) for symbol, slot in names.items()})
        self._info = self._recipe.add(block["transactionInfo"])
        self._header = self._recipe.add_struct((serialize_symbol(name), block[name]) for name in _HEADER)
        self._recipe.finish()
        texts = {slot.role[0] for slot in stencil.open if slot.kind in {NAME, STRING}}
        self._vary_ids_alone = texts <= {"name", "documentId", "transactionId"}
        self._transaction_id = stencil.place(("transactionId",))
        self._pick = stencil.picker(_SCALARS)
        self._pick_entries = stencil.picker(entries)
        self._pick_names = stencil.picker([slot.role for slot in names.values()])
        self._pick_texts, self._pick_tables, self._pick_table_ids, self._pick_hashes, self._pick_ids = (
            stencil.picker([(name, index) for index in range(count)])
            for name, count in (
                ("statement", statements),
                ("tableName", len(names)),
                ("tableId", len(names)),
                ("hash", summaries),
                ("documentId", summaries),
            )
        )

    def _add_entries(self, entries: IonValue) -> list[Role]:
        roles: list[Role] = []
        for index, entry in enumerate(entries.items()):
            expect(entry, BLOB)
            roles.append(("entry", index))
            self._slots.append(slot_of(roles[-1], entry))
        if not 0 < len(roles) <= MAX_ENTRIES:
            raise Unusual
        return roles

    def _add_structs(self, listed: IonValue, expected: dict[str, int]) -> int:
        """The scalars of the structs in a list; how many structs there are."""
        items = list(listed.items())
        for index, item in enumerate(items):
            expect(item, STRUCT)
            self._slots += [slot_of((name, index), each) for name, each in fields_of(item, expected).items()]
        return len(items)

    def _add_documents(self, data: bytes, record: IonValue, documents: IonValue) -> dict[int, Slot]:
        """What is said of the documents; where their ids stand, by symbol."""
        used = Counter(symbols_used(record))
        symbols = symbols_of_fields(documents)
        if any(used[symbol] > 1 for symbol in symbols):
            raise Unusual
        for index, (_, document) in enumerate(documents.each_field()):
            expect(document, STRUCT)
            fields = fields_of(document, _DOCUMENT)
            self._slots += [slot_of((name, index), fields[name]) for name in ("tableName", "tableId")]
            for number, each in enumerate(fields["statements"].items()):
                expect(each, INT)
                self._slots.append(slot_of(("statementNo", index, number), each))
        names = name_slots(data, record, symbols)
        self._slots += names.values()
        return names

    def read(self, values: tuple[bytes, ...]) -> VerifiedSummary | None:
        """The record with these values, if it holds; ``None`` or an ``InputError`` where the long way has something to say."""
        names, ids = self._pick_names(values), self._pick_ids(values)
        # Where all texts that vary are ids, letters and digits say that they are plain, and ids.
        are_plain = self._vary_ids_alone and b"".join((*names, *ids, values[self._transaction_id])).isalnum()
        hashing = self._recipe.hashing(values) if are_plain else self._recipe.prepare(values)
        if hashing is None:
            return None
        arn, strand, number, transaction_id, time, block_hash, entries_hash, previous = self._pick(values)
        entries = cast("tuple[Hash, ...]", self._pick_entries(values))
        hashes = tuple(map(_known_hash, self._pick_hashes(values)))
        if root_of(entries) != entries_hash or dot(_known_hash(entries_hash), _known_hash(previous)) != block_hash:
            return None
        if hashing.hash_of(self._info) not in entries or root_of(hashes) not in entries:
            return None
        bound = hashing.hash_of(self._header) == entries[0]
        if bound and not self._is_complete(names, ids, entries):
            return None
        documents = [name.decode() for name in names]
        summarized = documents if ids == names and are_plain else [plain_id(each, "documentId") for each in ids]
        tables, table_ids = map(text_of, self._pick_tables(values)), map(text_of, self._pick_table_ids(values))
        block = Block(
            address_of(strand, number),
            plain_id(transaction_id, "transactionId"),
            parse_instant(time),
            _known_hash(block_hash),
            _known_hash(previous),
            tuple(map(text_of, self._pick_texts(values))),
            tuple(map(TouchedDocument, documents, tables, table_ids)),
            None,
            tuple(map(RevisionSummary, hashes, summarized)),
            (),
            bound,
        )
        return VerifiedSummary(name_of(arn), block)

    @staticmethod
    def _is_complete(names: Sequence[bytes], ids: Sequence[bytes], entries: Sequence[Hash]) -> bool:
        """What a block that binds its header must list: revisions of the documents that it changed, and nothing without a part."""
        return (ids == names or sorted(ids) == sorted(names)) and (len(entries) < 5 or entries[4] == HASH_OF_NOTHING)
