"""What a transaction commits, and the hashes that do not depend on where its block will stand.

Values are the Python values of ``counterfoil.ion``; times are aware datetimes, written to the millisecond in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, reduce
from typing import Any, Final

from counterfoil.ion import IonTimestamp, hash_of_ion, hash_of_python, read_single
from counterfoil.ion.timestamps import timestamp_of_milliseconds
from counterfoil.ion.value_hashing import (
    digest_of_field,
    hash_of_field,
    hash_of_fields,
    list_of,
    serialized,
    struct_of,
)
from counterfoil.journal.address import BlockAddress
from counterfoil.journal.block import HASH_OF_NOTHING
from counterfoil.merkle import Hash, dot, root_of


@dataclass(frozen=True, slots=True)
class Statement:
    """A PartiQL statement as executed; parameters are hashed with it and never written into the block.

    ``digest`` is ``digest_of_statement``, where that was computed before; it then stands for the parameters.
    """

    text: str
    parameters: tuple[Any, ...] = ()
    digest: Hash | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The revision of one document that a transaction makes; ``data`` of ``None`` deletes it.

    ``statements`` are the 0-based numbers of the statements that touched it, a number once for each field that its statement
    changed. ``internal`` makes a revision of the system: in the block only its hash is shown. ``encoded`` is ``data`` in binary, where
    that is at hand: it is not written a second time to be hashed. ``known_hash`` is ``IH(data)``, where that is at hand.
    """

    document_id: str
    version: int
    table_name: str
    table_id: str
    data: dict[str, Any] | None
    statements: tuple[int, ...] = (0,)
    internal: bool = False
    encoded: bytes | None = None
    known_hash: Hash | None = None

    @property
    def data_hash(self) -> Hash:
        """``IH(data)``; that of no bytes for a deletion."""
        if self.known_hash is not None:
            return self.known_hash
        if self.data is None:
            return HASH_OF_NOTHING
        return hash_of_value(self.data) if self.encoded is None else hash_of_datagram(self.encoded)


@dataclass(frozen=True, slots=True)
class Redaction:
    """A revision whose data a transaction removes."""

    address: BlockAddress
    table_id: str
    document_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one block commits. ``tx_time`` is a few milliseconds before ``committed_at``, as in the real service."""

    transaction_id: str
    tx_time: datetime
    committed_at: datetime
    statements: tuple[Statement, ...] = ()
    changes: tuple[Change, ...] = ()
    redactions: tuple[Redaction, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A transaction with every hash that can be known before its block has a place.

    ``info`` and ``redaction_info`` are the block's fields of that name; ``metadata`` and ``revision_hashes`` are in the order of
    ``changes``.
    """

    transaction_id: str
    changes: tuple[Change, ...]
    metadata: tuple[dict[str, Any], ...]
    revision_hashes: tuple[Hash, ...]
    revisions_root: Hash
    info: dict[str, Any]
    info_hash: Hash
    redaction_info: dict[str, Any] | None
    redaction_hash: Hash | None


def prepare(
    transaction_id: str,
    tx_time: datetime,
    statements: Sequence[Statement] = (),
    changes: Sequence[Change] = (),
    redactions: Sequence[Redaction] = (),
) -> Prepared:
    """Compute what does not wait for the block's address, the hash before it and its time: the bulk of a commit."""
    at = ion_time(tx_time)
    metadata = tuple(
        {"id": each.document_id, "version": each.version, "txTime": at, "txId": transaction_id} for each in changes
    )
    shared = (hash_of_field("txTime", at), hash_of_field("txId", transaction_id))
    hashes = tuple(dot(_metadata_hash(change, shared), change.data_hash) for change in changes)
    info = _transaction_info(at, statements, changes)
    redaction_info = _redaction_info(redactions)
    return Prepared(
        transaction_id,
        tuple(changes),
        metadata,
        hashes,
        root_of(hashes) if hashes else HASH_OF_NOTHING,
        info,
        _info_hash(at, statements, changes),
        redaction_info,
        None if redaction_info is None else hash_of_value(redaction_info),
    )


def _metadata_hash(change: Change, shared: tuple[bytes, bytes]) -> Hash:
    """``IH(metadata)``, of which every revision of a transaction has two fields in common."""
    own = (hash_of_field("id", change.document_id), hash_of_field("version", change.version))
    return Hash(hash_of_fields(*own, *shared))


def _info_hash(at: IonTimestamp, statements: Sequence[Statement], changes: Sequence[Change]) -> Hash:
    """``IH`` of what ``_transaction_info`` makes: its texts and names are those of every other transaction too."""
    started = hash_of_field("startTime", at)
    texts = [
        struct_of(
            _text_field("statement", each.text),
            started,
            hash_of_field("statementDigest", bytes(digest_of_statement(each))),
        )
        for each in statements
    ]
    fields = [digest_of_field("statements", list_of(texts))]
    touched = {each.document_id: _touched(each) for each in changes if not each.internal}
    if touched:
        documents = [digest_of_field(document_id, each) for document_id, each in touched.items()]
        fields.append(digest_of_field("documents", struct_of(*documents)))
    return Hash(hash_of_fields(*fields))


def _touched(change: Change) -> bytes:
    """A document's entry in ``transactionInfo.documents``, serialized."""
    numbers = list_of(map(serialized, change.statements))
    return struct_of(
        _text_field("tableName", change.table_name),
        _text_field("tableId", change.table_id),
        digest_of_field("statements", numbers),
    )


def _text_field(name: str, text: str) -> bytes:
    return _kept_field(name, text) if len(text) <= MAX_KEPT_TEXT else hash_of_field(name, text)


# Hashes -----------------------------------------------------------------------------------------------------------------


def hash_of_value(value: Any) -> Hash:
    """Ion Hash of a Python value."""
    return Hash(hash_of_python(value))


def hash_of_datagram(data: bytes) -> Hash:
    """Ion Hash of the one value of a binary Ion stream."""
    return Hash(hash_of_ion(read_single(data)))


# An application has some dozens of statements; what they hash to is kept, of those of usual size: 1 MB at the most.
MAX_KEPT_TEXT: Final = 2_000


@lru_cache(maxsize=512)
def _hash_of_text(text: str) -> Hash:
    return hash_of_value(text)


_kept_field = lru_cache(maxsize=512)(hash_of_field)


def digest_of_statement(statement: Statement) -> Hash:
    """``IH(text)``, then ``dot`` with ``IH(parameter)`` for each parameter in order."""
    if statement.digest is not None:
        return statement.digest
    return statement_digest(statement.text, map(hash_of_value, statement.parameters))


def statement_digest(text: str, parameter_hashes: Iterable[Hash]) -> Hash:
    """As ``digest_of_statement``, where the parameters are hashed already."""
    return reduce(dot, parameter_hashes, _hash_of_text(text) if len(text) <= MAX_KEPT_TEXT else hash_of_value(text))


def revision_hash(metadata: dict[str, Any], data: dict[str, Any] | None) -> Hash:
    """``dot(IH(metadata), IH(data))``; a deleted revision's data counts as no bytes."""
    return dot(hash_of_value(metadata), HASH_OF_NOTHING if data is None else hash_of_value(data))


# Parts of a block -------------------------------------------------------------------------------------------------------

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def ion_time(moment: datetime) -> IonTimestamp:
    """A time to the millisecond in UTC, as QLDB writes commit times."""
    return timestamp_of_milliseconds((moment - _EPOCH) // _MILLISECOND)


def address_fields(address: BlockAddress) -> dict[str, Any]:
    """A block's address as blocks and revisions carry it."""
    return {"strandId": address.strand_id, "sequenceNo": address.sequence_no}


def _transaction_info(at: IonTimestamp, statements: Sequence[Statement], changes: Sequence[Change]) -> dict[str, Any]:
    info: dict[str, Any] = {
        "statements": [
            {"statement": each.text, "startTime": at, "statementDigest": bytes(digest_of_statement(each))}
            for each in statements
        ]
    }
    documents = {
        each.document_id: {"tableName": each.table_name, "tableId": each.table_id, "statements": list(each.statements)}
        for each in changes
        if not each.internal
    }
    return info | ({"documents": documents} if documents else {})


def _redaction_info(redactions: Sequence[Redaction]) -> dict[str, Any] | None:
    if not redactions:
        return None
    return {
        "revisions": [
            {
                "blockAddress": address_fields(each.address),
                "tableId": each.table_id,
                "documentId": each.document_id,
                "version": each.version,
            }
            for each in redactions
        ]
    }
