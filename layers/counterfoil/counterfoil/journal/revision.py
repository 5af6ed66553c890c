"""One version of a document, as a block, a stream record or a receipt carries it.

``hash = dot(IH(metadata), IH(data))``. A redacted revision carries ``dataHash`` in the place of its data and keeps its
hash; a deleted one carries neither, and its data counts as no bytes at all (docs/format.md says how sure that is). An
internal revision of the system is only a hash: it cannot be recomputed, but it is a leaf of its block.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.errors import InputError, RevisionMismatchError
from counterfoil.ion import IonTimestamp, IonValue, hash_of_ion
from counterfoil.ion.hashing import cut_struct
from counterfoil.ion.shapes import Shape
from counterfoil.ion.timestamps import parse_timestamp
from counterfoil.journal.address import (
    BlockAddress,
    address_of,
    checked_id,
    is_address,
    parse_address,
    parse_id,
    required,
)
from counterfoil.merkle import Hash, dot, hash_of

HASH_OF_DELETED_DATA: Final = hash_of(b"")

# How the real service wrote it: names in this order, and their type codes.
_NAMES: Final = ("blockAddress", "hash", "data", "metadata")
_KINDS: Final = (13, 10, 13, 13)
_METADATA_NAMES: Final = ("id", "version", "txTime", "txId")
_METADATA_KINDS: Final = (8, 2, 6, 8)

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
    """A revision as it was read: its shape is right, its hash is only claimed.

    ``metadata_hash`` and ``contents_hash`` are what ``hash`` must be made of; an internal revision has neither.
    """

    kind: RevisionKind
    hash: Hash
    address: BlockAddress | None
    metadata: Metadata | None
    data: IonValue | None
    metadata_hash: Hash | None
    contents_hash: Hash | None


def parse_revision(value: IonValue) -> UnverifiedRevision:
    """Read ``{blockAddress, hash, data | dataHash, metadata}`` or ``{hash}``; another shape is an ``InputError``."""
    if value.is_annotated:
        raise InputError("a revision with an annotation: nobody writes one, and no hash covers it")
    found = cut_struct(value)
    if found is not None and found[0].names == _NAMES and found[0].kinds == _KINDS:
        revision = _from_shape(value, *found)
        if revision is not None:
            return revision
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
    if block_address is None:
        raise InputError("a revision with metadata but without blockAddress")
    kind, contents = RevisionKind.DELETED, HASH_OF_DELETED_DATA
    if data is not None:
        kind, contents = RevisionKind.WRITTEN, _hash(data)
    elif data_hash is not None:
        kind, contents = RevisionKind.REDACTED, Hash(data_hash.as_bytes())
    return UnverifiedRevision(kind, claimed, block_address, _parse_metadata(metadata), data, _hash(metadata), contents)


def _from_shape(value: IonValue, shape: Shape, values: Sequence[bytes]) -> UnverifiedRevision | None:
    """A written revision of a known shape, from the values cut out of it; ``None`` where its parts are not as usual."""
    metadata, data = shape.parts["metadata"], shape.parts["data"]
    own = values[metadata.first : metadata.end]
    known = metadata.shape.names == _METADATA_NAMES and metadata.shape.kinds == _METADATA_KINDS
    metadata_hash = metadata.shape.hash_of(own, value.symbols) if known else None
    address = shape.parts["blockAddress"]
    place = values[address.first : address.end]
    if metadata_hash is None or not is_address(address.shape, place):
        return None
    body = value.body
    document = IonValue(
        value.buffer, body + data.offset, body + data.body_offset, body + data.end_offset, 13, 14, value.symbols
    )
    contents = data.shape.hash_of(values[data.first : data.end], value.symbols)
    return UnverifiedRevision(
        RevisionKind.WRITTEN,
        Hash(values[shape.places["hash"]]),
        address_of(place),
        _metadata_of(own),
        document,
        bytes.__new__(Hash, metadata_hash),
        _hash(document) if contents is None else bytes.__new__(Hash, contents),
    )


def verify_revision(unverified: UnverifiedRevision) -> Revision:
    """Recompute the hash and return the revision; raise ``RevisionMismatchError`` where it is another one."""
    kind, claimed, address, metadata, data, metadata_hash, contents_hash = unverified
    if metadata_hash is not None:
        computed = dot(metadata_hash, contents_hash)
        if computed != claimed:
            raise RevisionMismatchError(
                f"revision {_named(metadata)} hashes to {computed}, but says {claimed}: its data or metadata was changed",
                expected=str(claimed),
                found=str(computed),
            )
    return Revision(kind, claimed, address, metadata, data)


def _named(metadata: Metadata | None) -> str:
    return "internal" if metadata is None else f"{metadata.document_id} version {metadata.version}"


def _hash(value: IonValue) -> Hash:
    return bytes.__new__(Hash, hash_of_ion(value))


def _metadata_of(values: Sequence[bytes]) -> Metadata:
    """Metadata from the values of ``_METADATA_NAMES`` and ``_METADATA_KINDS``."""
    document_id, version, tx_time, tx_id = values
    return Metadata(
        checked_id(document_id.decode("ascii", "replace"), "document id"),
        _checked_version(int.from_bytes(version)),
        parse_instant(tx_time),
        checked_id(tx_id.decode("ascii", "replace"), "txId"),
    )


def _checked_version(version: int) -> int:
    if not 0 <= version <= MAX_VERSION:
        raise InputError(f"version {version} is outside 0 to {MAX_VERSION}")
    return version


def _parse_metadata(value: IonValue) -> Metadata:
    fields = value.fields()
    time = required(fields, "txTime")
    if time.kind != 6:
        raise InputError(f"txTime is a {time.type.name.lower()}, not a timestamp")
    return Metadata(
        parse_id(required(fields, "id"), "document id"),
        _checked_version(required(fields, "version").as_int()),
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
