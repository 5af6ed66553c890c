"""The details of a revision by a pattern; see plain_record.py. The document is one slot of it, and may be anything."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Final, cast

from counterfoil.errors import InputError
from counterfoil.ion import IonTimestamp, IonValue
from counterfoil.ion.hashing import PLAIN
from counterfoil.ion.known_structs import KnownStructs
from counterfoil.ion.patterns import Pattern
from counterfoil.ion.stencils import picker
from counterfoil.ion.symbols import END, escape, serialize_symbol
from counterfoil.journal.plain_record import (
    ADDRESS,
    BLOB,
    INT,
    RECORD,
    STRING,
    STRUCT,
    TIMESTAMP,
    Unusual,
    VerifiedDetails,
    address_of,
    fields_of,
    name_of,
    plain_id,
)
from counterfoil.journal.revision import MAX_VERSION, Metadata, Revision, RevisionKind, parse_instant
from counterfoil.merkle import Hash, dot, hash_of

_TABLE: Final = {"tableName": STRING, "tableId": STRING}
_PAYLOAD: Final = {"tableInfo": STRUCT, "revision": STRUCT}
_REVISION: Final = {"blockAddress": STRUCT, "hash": BLOB, "data": STRUCT, "metadata": STRUCT}
_METADATA: Final = {"id": STRING, "version": INT, "txTime": TIMESTAMP, "txId": STRING}

# Names of stream, table and strand together; each byte takes ten in a pattern. QLDB's take less than 400.
MAX_FIXED_BYTES: Final = 1_024

# How the serializations of the metadata's fields begin.
_ID, _VERSION, _TX_TIME, _TX_ID = (
    serialize_symbol(name) + bytes([0x0B, kind << 4]) for name, kind in _METADATA.items()
)


class PlainDetails:
    """The details of revisions of one pattern, of one table. ``Unusual`` or an ``InputError`` where a record has no such."""

    def __init__(self, record: IonValue, documents: KnownStructs) -> None:
        whole = fields_of(record, RECORD)
        payload = fields_of(whole["payload"], _PAYLOAD)
        table = fields_of(payload["tableInfo"], _TABLE)
        revision = fields_of(payload["revision"], _REVISION)
        address, metadata = fields_of(revision["blockAddress"], ADDRESS), fields_of(revision["metadata"], _METADATA)
        strand, number = address["strandId"], address["sequenceNo"]
        fixed = (whole["qldbStreamArn"], whole["recordType"], *table.values(), strand)
        if sum(each.size_bytes for each in fixed) > MAX_FIXED_BYTES:
            raise Unusual
        rigid = (number, metadata["id"], metadata["txId"])
        self._pattern = Pattern(
            record, [each.position for each in fixed], [each.position for each in rigid], revision["data"].position
        )
        places = {slot.begin: place for place, slot in enumerate(self._pattern.slots)}
        open_values = (number, revision["hash"], revision["data"], *(metadata[name] for name in _METADATA))
        self._pick = picker([places[each.body] for each in open_values])
        self._arn, self._table_name, self._table_id = (
            name_of(_body(each)) for each in (whole["qldbStreamArn"], table["tableName"], table["tableId"])
        )
        self._strand = _body(strand)
        self._symbols = record.symbols
        self._documents = documents

    def read(self, data: bytes, position: int) -> VerifiedDetails | None:
        """The record that begins there, if it is of this pattern and holds.

        ``None`` or an ``InputError`` where the long way has something to say.
        """
        found = self._pattern.read(data, position)
        if found is None:
            return None
        values, begin = found
        number, claimed, body, document_id, version, tx_time, tx_id = self._pick(values)
        version_no, version_digest = _version(version)
        instant, transaction_id, time_digest, id_digest = _transaction(tx_time, tx_id)
        size = len(body)
        low, head = (size, 1) if size < 14 else (14, 2 if size < 128 else 3)
        document = IonValue(data, begin - head, begin, begin + size, STRUCT, low, self._symbols)
        computed = dot(
            _hash_of_struct([_digest(_ID, document_id), version_digest, time_digest, id_digest]),
            cast("Hash", self._documents.hash_of(document, body)),
        )
        if computed != claimed:
            return None
        metadata = Metadata(plain_id(document_id, "document id"), version_no, instant, transaction_id)
        address = address_of(self._strand, number)
        revision = Revision(RevisionKind.WRITTEN, computed, address, metadata, document)
        return VerifiedDetails(self._arn, self._table_name, self._table_id, address, metadata, revision)


def _body(value: IonValue) -> bytes:
    return value.buffer[value.body : value.end]


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
