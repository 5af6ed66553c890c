"""A block and its revisions, every hash computed (docs/format.md, "Blocks")"""

from __future__ import annotations

import hashlib
import re
import types
from typing import NamedTuple

from counterfoil.plain.ion_hash import ion_hash
from counterfoil.plain.tree import checked_hash, dot, merkle
from counterfoil.plain.values import BLOB, CLOB, INT, LIST, SEXP, STRUCT, TIME, Value, require

NOTHING = hashlib.sha256(b"").digest()  # stands for a deletion's data, and for an entry that is not there
NO_LIST, NO_STRUCT = Value(LIST, []), Value(STRUCT, [])


class Address(NamedTuple):
    strand_id: str
    sequence_no: int

    def __str__(self) -> str:
        return f"{self.strand_id}#{self.sequence_no}"


def difference(field: str, expected: object, found: object) -> list[str]:
    """What there should be and what is there; nothing where both are the same."""
    shown = [each.hex() if isinstance(each, bytes) else str(each) for each in (expected, found)]
    return [] if expected == found else [f"{field}: expected {shown[0] or 'nothing'}, found {shown[1] or 'nothing'}"]


def id_in(value: Value) -> str:
    return str(require(re.fullmatch(r"[0-9A-Za-z_-]{1,64}", value.text()), f"{value.text()[:80]!r} is not an id", value.text()))


def number_in(value: Value) -> int:
    number = int.from_bytes(value.get(INT), "big")
    return int(require(number < 2**63, "a sequence number or version beyond 2^63 - 1", number))


def address_in(value: Value) -> Address:
    return Address(id_in(value.field("strandId")), number_in(value.field("sequenceNo")))


def hash_in(value: Value) -> bytes:
    return checked_hash(value.get(BLOB, CLOB))


def hashes_in(value: Value) -> list[bytes]:
    return [hash_in(each) for each in value.get(LIST, SEXP)]


def check_time(value: Value) -> None:
    """A time of commit says the second: offset and six fields, each ending in a byte whose highest bit is set."""
    require(sum(byte >> 7 for byte in value.get(TIME)) >= 7, "a time of commit without a second")


def read_revision(value: Value) -> types.SimpleNamespace:
    """Its hash is dot(IH(metadata), IH(data)); of a redacted one dataHash, of a deleted one H("") in place of IH(data)."""
    require(not value.annotations, "a revision with an annotation, which no hash covers")
    fields, claimed = value.fields(), hash_in(value.field("hash"))
    address = address_in(fields["blockAddress"]) if "blockAddress" in fields else None
    named = value.field("documentId", NO_LIST)  # in a stream's summary
    revision = types.SimpleNamespace(address=address, hash=claimed, transaction_id=None, differences=[])
    revision.document_id = None if named is NO_LIST else id_in(named)
    parts = {name: fields[name] for name in ("metadata", "data", "dataHash") if name in fields}
    if parts:  # else it is internal to the system, and there is nothing to compute its hash from
        require("metadata" in parts and len(parts) < 3 and address, "a revision without metadata or address, or with data twice")
        metadata = parts["metadata"]
        revision.document_id, revision.transaction_id = id_in(metadata.field("id")), id_in(metadata.field("txId"))
        number_in(metadata.field("version"))
        check_time(metadata.field("txTime"))
        contents = hash_in(parts["dataHash"]) if "dataHash" in parts else NOTHING
        computed = dot(ion_hash(metadata), ion_hash(parts["data"]) if "data" in parts else contents)
        revision.differences = difference(f"hash of the revision of {revision.document_id}", computed, claimed)
    return revision


def read_block(value: Value) -> types.SimpleNamespace:
    """Its hash is dot(entriesHash, previousBlockHash), entriesHash merkle(entriesHashList), where all parts stand anywhere."""
    require(not value.annotations, "a block with an annotation, which no hash covers")
    header = [(name, value.field(name)) for name in ("blockAddress", "transactionId", "blockTimestamp")]
    address, transaction_id = address_in(header[0][1]), id_in(header[1][1])
    check_time(header[2][1])
    claimed, entries_hash = hash_in(value.field("blockHash")), hash_in(value.field("entriesHash"))
    entries, previous_hash = hashes_in(value.field("entriesHashList")), value.field("previousBlockHash").get(BLOB, CLOB)
    whole, summaries = [value.field(name, NO_LIST).get(LIST, SEXP) for name in ("revisions", "revisionSummaries")]
    is_possible = 0 < len(entries) <= 1024 and len(previous_hash) in {0, 32} and not (whole and summaries)
    require(is_possible, "a wrong entriesHashList or previousBlockHash, or revisions and revisionSummaries")
    revisions = [read_revision(each) for each in whole or summaries]
    documents = documents_in(value.field("transactionInfo", NO_STRUCT))
    infos = {name: value.field(name, NO_LIST) for name in ("transactionInfo", "redactionInfo")}
    parts = {name: ion_hash(info) for name, info in infos.items() if info is not NO_LIST}
    parts.update({"revisions": merkle(each.hash for each in revisions)} if revisions else {})
    differences = difference("entriesHash", merkle(entries), entries_hash)
    differences += difference("blockHash", dot(entries_hash, previous_hash), claimed)
    listed = " or ".join(each.hex() for each in entries[:8])
    differences += [f"{name}: expected {listed}, found {each.hex()}" for name, each in parts.items() if each not in entries]
    for each in revisions:
        differences += each.differences + difference("blockAddress of a revision", address, each.address or address)
        differences += difference("txId of a revision", transaction_id, each.transaction_id or transaction_id)
    binds_header = entries[0] == ion_hash(Value(STRUCT, header))
    if binds_header:  # made here, so that its layout is known, and nothing may be left out ("Header" and "Layout")
        for place, name in ((1, "revisions"), (3, "transactionInfo"), (4, "redactionInfo")):
            entry = b"".join(entries[place : place + 1])
            differences += difference(name, entry, "") if name not in parts and entry not in {b"", NOTHING} else []
        named = sorted(each.document_id for each in revisions if each.document_id)
        differences += difference("documents", " ".join(sorted(documents)), " ".join(named))
    block = types.SimpleNamespace(address=address, hash=claimed, document_id=None, differences=differences)
    lacks_revisions = documents and not whole and "redactionInfo" not in parts
    vars(block).update(previous_hash=previous_hash, binds_header=binds_header, lacks_revisions=lacks_revisions)
    return block


def documents_in(info: Value) -> list[str]:
    """The documents that a transaction changed; its info must be whole."""
    texts = [each.field("statement").text() for each in info.field("statements", NO_LIST).get(LIST, SEXP)]
    documents = info.field("documents", NO_STRUCT).fields()
    texts += [each.field(name).text() for each in documents.values() for name in ("tableName", "tableId")]
    return list(documents)


def link_differences(last: types.SimpleNamespace, block: types.SimpleNamespace) -> list[str]:
    """A block follows the last one; once headers are bound, each binds its own ("Header")."""
    differences = difference("previousBlockHash", last.hash, block.previous_hash)
    return differences + difference("header bound", last.binds_header, block.binds_header and last.binds_header)
