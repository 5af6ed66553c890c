"""One version of a document, as a block, a stream record or a receipt carries it.

``hash = dot(IH(metadata), IH(data))``. A redacted revision carries ``dataHash`` in the place of its data and keeps its
hash; a deleted one carries neither, and its data counts as no bytes at all (docs/format.md says how sure that is). An
internal revision of the system is only a hash: it cannot be recomputed, but it is a leaf of its block.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.errors import InputError, RevisionMismatchError
from counterfoil.ion import IonTimestamp, IonValue, hash_of_ion
from counterfoil.ion.timestamps import parse_timestamp
from counterfoil.journal.address import BlockAddress, parse_address, parse_id, required
from counterfoil.merkle import Hash, dot, hash_of

HASH_OF_DELETED_DATA: Final = hash_of(b"")

MAX_VERSION: Final = 2**63 - 1


class RevisionKind(StrEnum):
    WRITTEN = "written"
    DELETED = "deleted"
    REDACTED = "redacted"
    INTERNAL = "internal"


class Metadata(NamedTuple):
    document_id: str
    version: int
    tx_time: IonTimestamp
    tx_id: str


class Revision(NamedTuple):
    """A revision whose hash was recomputed. ``address`` is what the revision says of itself; the hash does not cover it."""

    kind: RevisionKind
    hash: Hash
    address: BlockAddress | None
    metadata: Metadata | None
    data: IonValue | None


class UnverifiedRevision(NamedTuple):
    """A revision as it was read: its shape is right, its hash is only claimed."""

    kind: RevisionKind
    hash: Hash
    address: BlockAddress | None
    metadata: Metadata | None
    data: IonValue | None
    data_hash: Hash | None
    metadata_value: IonValue | None


def parse_revision(value: IonValue) -> UnverifiedRevision:
    """Read ``{blockAddress, hash, data | dataHash, metadata}`` or ``{hash}``; another shape is an ``InputError``."""
    fields = value.fields()
    claimed = Hash(required(fields, "hash").as_bytes())
    address = fields.get("blockAddress")
    block_address = None if address is None else parse_address(address)
    metadata, data, data_hash = fields.get("metadata"), fields.get("data"), fields.get("dataHash")
    if metadata is None:
        if data is not None or data_hash is not None:
            raise InputError("a revision with data but without metadata")
        return UnverifiedRevision(RevisionKind.INTERNAL, claimed, block_address, None, None, None, None)
    if data is not None and data_hash is not None:
        raise InputError("a revision with both data and dataHash")
    kind = RevisionKind.WRITTEN
    if data is None:
        kind = RevisionKind.DELETED if data_hash is None else RevisionKind.REDACTED
    removed = None if data_hash is None else Hash(data_hash.as_bytes())
    return UnverifiedRevision(kind, claimed, block_address, _parse_metadata(metadata), data, removed, metadata)


def verify_revision(unverified: UnverifiedRevision) -> Revision:
    """Recompute the hash and return the revision; raise ``RevisionMismatchError`` where it is another one."""
    kind, claimed, address, metadata, data, data_hash, metadata_value = unverified
    if metadata_value is not None:
        if data is not None:
            contents = bytes.__new__(Hash, hash_of_ion(data))
        else:
            contents = HASH_OF_DELETED_DATA if data_hash is None else data_hash
        computed = dot(bytes.__new__(Hash, hash_of_ion(metadata_value)), contents)
        if computed != claimed:
            raise RevisionMismatchError(
                f"revision {_named(metadata)} hashes to {computed}, but says {claimed}: its data or metadata was changed",
                expected=str(claimed),
                found=str(computed),
            )
    return Revision(kind, claimed, address, metadata, data)


def _named(metadata: Metadata | None) -> str:
    return "internal" if metadata is None else f"{metadata.document_id} version {metadata.version}"


def _parse_metadata(value: IonValue) -> Metadata:
    fields = value.fields()
    version = required(fields, "version").as_int()
    if not 0 <= version <= MAX_VERSION:
        raise InputError(f"version {version} is outside 0 to {MAX_VERSION}")
    time = required(fields, "txTime")
    if time.kind != 6:
        raise InputError(f"txTime is a {time.type.name.lower()}, not a timestamp")
    return Metadata(
        parse_id(required(fields, "id"), "document id"),
        version,
        parse_instant(time.buffer[time.body : time.end]),
        parse_id(required(fields, "txId"), "txId"),
    )


@lru_cache(maxsize=1024)
def parse_instant(body: bytes) -> IonTimestamp:
    """A timestamp's body as an instant to the second or finer; all revisions of a block carry the same one."""
    instant = parse_timestamp(body)
    if len(instant.fields) < 6:
        raise InputError(f"{instant} says no second: a time of commit must")
    return instant
