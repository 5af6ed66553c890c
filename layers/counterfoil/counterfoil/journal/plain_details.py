"""The details of a revision by a stencil; see plain_record.py. The document itself is one slot: it may be anything."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion import IonTimestamp, IonValue, read_single
from counterfoil.ion.hashing import PLAIN
from counterfoil.ion.known_structs import KnownStructs
from counterfoil.ion.stencils import Role, Slot, Stencil
from counterfoil.ion.symbols import END, escape, serialize_symbol
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
    plain_id,
    slot_of,
)
from counterfoil.journal.revision import MAX_VERSION, Metadata, Revision, RevisionKind, parse_instant
from counterfoil.merkle import Hash, dot, hash_of

_TABLE: Final = {"tableName": STRING, "tableId": STRING}
_PAYLOAD: Final = {"tableInfo": STRUCT, "revision": STRUCT}
_REVISION: Final = {"blockAddress": STRUCT, "hash": BLOB, "data": STRUCT, "metadata": STRUCT}
_METADATA: Final = {"id": STRING, "version": INT, "txTime": TIMESTAMP, "txId": STRING}

# Covered until another is met: what the records of a stream mostly have in common.
_COMMON: Final[frozenset[Role]] = frozenset({ARN, ("tableName",), ("tableId",), ("strand",)})
_ROLES: Final[tuple[Role, ...]] = (
    ARN, ("tableName",), ("tableId",), ("strand",), ("number",), ("hash",), ("id",), ("version",), ("txTime",), ("txId",),
    ("data",),
)  # fmt: skip

# How the serializations of the metadata's fields begin.
_ID, _VERSION, _TX_TIME, _TX_ID = (
    serialize_symbol(name) + bytes([0x0B, kind << 4]) for name, kind in _METADATA.items()
)


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
        self._documents = KnownStructs()
        self._document = (document.position, document.body, document.end, STRUCT, document.low, record.symbols)

    def read(self, data: bytes, values: tuple[bytes, ...]) -> VerifiedDetails | None:
        """The record with these values, if it holds; ``None`` or an ``InputError`` where the long way has something to say."""
        arn, table_name, table_id, strand, number, claimed, document_id, version, tx_time, tx_id, body = self._pick(
            values
        )
        version_no, version_digest = _version(version)
        instant, transaction_id, time_digest, id_digest = _transaction(tx_time, tx_id)
        document = IonValue(data, *self._document)
        computed = dot(
            _hash_of_struct([_digest(_ID, document_id), version_digest, time_digest, id_digest]),
            Hash(self._documents.hash_of(document, body)),
        )
        if computed != claimed:
            return None
        metadata = Metadata(plain_id(document_id, "document id"), version_no, instant, transaction_id)
        address = address_of(strand, number)
        revision = Revision(RevisionKind.WRITTEN, computed, address, metadata, document)
        return VerifiedDetails(name_of(arn), name_of(table_name), name_of(table_id), address, metadata, revision)


# Of a version and of a transaction there are mostly several revisions.
@lru_cache(maxsize=1_024)
def _version(body: bytes) -> tuple[int, bytes]:
    """A version, and the digest of that field of the metadata."""
    version = int.from_bytes(body)
    if version > MAX_VERSION:
        raise InputError(f"version {version} is beyond {MAX_VERSION}")
    return version, _digest(_VERSION, PLAIN[INT](body))


@lru_cache(maxsize=1_024)
def _transaction(time: bytes, transaction_id: bytes) -> tuple[IonTimestamp, str, bytes, bytes]:
    """A transaction's time and id, and the digests of these fields of the metadata."""
    return (
        parse_instant(time),
        plain_id(transaction_id, "txId"),
        _digest(_TX_TIME, PLAIN[TIMESTAMP](time)),
        _digest(_TX_ID, transaction_id),
    )


def _digest(head: bytes, represented: bytes) -> bytes:
    return sha256(head + represented + END).digest()


def _hash_of_struct(digests: list[bytes]) -> Hash:
    digests.sort()
    return hash_of(b"\x0b\xd0" + escape(b"".join(digests)) + END)
