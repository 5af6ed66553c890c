"""The details of a revision by a stencil; see plain_record.py. The document itself is one slot: it may be anything."""

from __future__ import annotations

from typing import Final

from counterfoil.ion import IonValue, hash_of_ion, read_single
from counterfoil.ion.recipes import Recipe
from counterfoil.ion.stencils import Role, Slot, Stencil
from counterfoil.journal.address import checked_id
from counterfoil.journal.plain_record import (
    ARN,
    BLOB,
    INT,
    RECORD,
    STRING,
    STRUCT,
    TIMESTAMP,
    VerifiedDetails,
    address_of,
    address_slots,
    fields_of,
    name_of,
    slot_of,
)
from counterfoil.journal.revision import MAX_VERSION, Metadata, Revision, RevisionKind, parse_instant
from counterfoil.merkle import Hash, dot

_TABLE: Final = {"tableName": STRING, "tableId": STRING}
_PAYLOAD: Final = {"tableInfo": STRUCT, "revision": STRUCT}
_REVISION: Final = {"blockAddress": STRUCT, "hash": BLOB, "data": STRUCT, "metadata": STRUCT}
_METADATA: Final = {"id": STRING, "version": INT, "txTime": TIMESTAMP, "txId": STRING}

# Covered until another is met: what the records of a stream mostly have in common.
_COMMON: Final[frozenset[Role]] = frozenset({ARN, ("tableName",), ("tableId",), ("strand",)})
_ROLES: Final[tuple[Role, ...]] = (
    ARN, ("tableName",), ("tableId",), ("strand",), ("number",), ("hash",), ("id",), ("version",), ("txTime",), ("txId",),
)  # fmt: skip


class PlainDetails:
    """The details of revisions that one stencil fits. ``Unusual`` where a record has no such."""

    def __init__(self, data: bytes, varying: frozenset[Role]) -> None:
        record = read_single(data)
        whole = fields_of(record, RECORD)
        payload = fields_of(whole["payload"], _PAYLOAD)
        table = fields_of(payload["tableInfo"], _TABLE)
        revision = fields_of(payload["revision"], _REVISION)
        metadata, document = fields_of(revision["metadata"], _METADATA), revision["data"]
        slots = [
            slot_of(ARN, whole["qldbStreamArn"]),
            *address_slots(revision["blockAddress"]),
            *(slot_of((name,), each) for name, each in (table | metadata).items()),
            slot_of(("hash",), revision["hash"]),
            Slot(("data",), document.body, document.end, STRUCT),
        ]
        self.stencil = Stencil(data, slots, frozenset(slot.role for slot in slots) - _COMMON | varying)
        self._pick = self.stencil.picker(_ROLES)
        self._recipe = Recipe(self.stencil, {})
        self._metadata = self._recipe.add(revision["metadata"])
        self._recipe.finish()
        self._document = (document.position, document.body, document.end, STRUCT, document.low, record.symbols)

    def read(self, data: bytes, values: tuple[bytes, ...]) -> VerifiedDetails | None:
        """The record with these values, if it holds; ``None`` or an ``InputError`` where the long way has something to say."""
        hashing = self._recipe.prepare(values)
        if hashing is None:
            return None
        arn, table_name, table_id, strand, number, claimed, document_id, version, tx_time, tx_id = self._pick(values)
        document = IonValue(data, *self._document)
        computed = dot(Hash(hashing.hash_of(self._metadata)), Hash(hash_of_ion(document)))
        version_no = int.from_bytes(version)
        if computed != claimed or version_no > MAX_VERSION:
            return None
        metadata = Metadata(
            checked_id(document_id.decode(), "document id"),
            version_no,
            parse_instant(tx_time),
            checked_id(tx_id.decode(), "txId"),
        )
        address = address_of(strand, number)
        revision = Revision(RevisionKind.WRITTEN, computed, address, metadata, document)
        return VerifiedDetails(name_of(arn), name_of(table_name), name_of(table_id), address, metadata, revision)
