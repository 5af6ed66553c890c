"""What a block changes, as it stands beside the block in the journal's table: for those who follow the journal without reading blocks.

Keys of indexes are given by their digests, so that no value is longer than another; two keys of one digest are told apart by the
documents' values, which every look-up compares again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

from counterfoil.errors import InputError, IntegrityError
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ion.values import Value
from counterfoil.ledger.catalogue import LedgerCatalogue
from counterfoil.ledger.concurrency import WHOLE_CATALOGUE, Footprint, WriteLog, name_footprint
from counterfoil.ledger.reading import StoredRevision
from counterfoil.ledger.replay import Replayed
from counterfoil.ledger.sequencing import Effects, IndexChange, LedgerHead, index_changes

DIGEST_CHARACTERS = 32


def digest_of(key: bytes) -> str:
    """What stands for a key of an index: 128 bits of its SHA-256, in hexadecimal."""
    return sha256(key).hexdigest()[:DIGEST_CHARACTERS]


class DocumentChange(NamedTuple):
    """``found``: the strand begins at a trust anchor, and this is the first of the document's versions that it has."""

    table_id: str
    document_id: str
    version: int
    found: bool = False

    @property
    def is_new(self) -> bool:
        """Whether the strand has no version before this one."""
        return self.found or self.version == 0


class EntryChange(NamedTuple):
    """A document under a key of an index."""

    index_id: str
    digest: str
    document_id: str


class BlockEffects(NamedTuple):
    """``names`` are those of the tables that the block's statements defined anew; ``redacts`` says that it asks for redactions."""

    documents: tuple[DocumentChange, ...]
    entered: tuple[EntryChange, ...]
    left: tuple[EntryChange, ...]
    names: tuple[str, ...]
    redacts: bool

    @property
    def defines(self) -> bool:
        return bool(self.names)

    def footprints(self) -> Iterator[Footprint]:
        """What the block writes, for transactions that read it (``ledger.concurrency``)."""
        for each in self.documents:
            yield each.document_id
            yield each.table_id
        for change in (*self.entered, *self.left):
            yield change.index_id, change.digest
        if self.names:
            yield WHOLE_CATALOGUE
            yield from map(name_footprint, self.names)


def of_sequenced(effects: Effects, before: LedgerHead) -> BlockEffects:
    """The effects of a block that was just given its place behind ``before``."""
    return BlockEffects(
        tuple(DocumentChange(each.table_id, each.document_id, each.version) for each in effects.revisions),
        tuple(map(_entry, effects.entered)),
        tuple(map(_entry, effects.left)),
        _names_changed(before.catalogue, effects.catalogue) if effects.defined else (),
        bool(effects.redactions),
    )


def of_replayed(block: Replayed, before: LedgerCatalogue, bases: Mapping[str, StoredRevision | None]) -> BlockEffects:
    """The effects of a block that was made elsewhere, as if it had been committed here.

    ``bases`` has of each of its documents the revision that it had before, if any.
    """
    entered: list[EntryChange] = []
    left: list[EntryChange] = []
    for each in block.revisions:
        table, base = block.catalogue.entries.get(each.table_id), bases[each.document_id]
        for change, is_entry in index_changes(table, each.document_id, _value_of(base), _value_of(each)):
            (entered if is_entry else left).append(_entry(change))
    return BlockEffects(
        tuple(document_change(each, has_base=bases[each.document_id] is not None) for each in block.revisions),
        tuple(entered),
        tuple(left),
        _names_changed(before, block.catalogue),
        bool(block.redactions),
    )


def document_change(revision: StoredRevision, *, has_base: bool) -> DocumentChange:
    """The change that a revision is; ``has_base``: the strand has the version before."""
    found = revision.version > 0 and not has_base
    return DocumentChange(revision.table_id, revision.document_id, revision.version, found)


def _names_changed(before: LedgerCatalogue, behind: LedgerCatalogue) -> tuple[str, ...]:
    return tuple(each.name for table_id, each in behind.entries.items() if before.entries.get(table_id) is not each)


def _value_of(revision: StoredRevision | None) -> dict[str, Value] | None:
    return None if revision is None or revision.data is None else revision.value


def _entry(change: IndexChange) -> EntryChange:
    return EntryChange(change.index_id, digest_of(change.key), change.document_id)


def render_effects(effects: BlockEffects) -> bytes:
    return encode(
        {
            "documents": [list(each if each.found else each[:3]) for each in effects.documents],
            "entered": [list(each) for each in effects.entered],
            "left": [list(each) for each in effects.left],
            "names": list(effects.names),
            "redacts": effects.redacts,
        }
    )


def parse_effects(data: bytes) -> BlockEffects:
    """Read what ``render_effects`` wrote; ``IntegrityError`` for anything else."""
    try:
        document = decode_datagram(data)
        return BlockEffects(
            tuple(DocumentChange(*each) for each in document["documents"]),
            tuple(EntryChange(*each) for each in document["entered"]),
            tuple(EntryChange(*each) for each in document["left"]),
            tuple(document["names"]),
            document["redacts"],
        )
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"the effects of a block cannot be read: {error!r}") from None


class DigestLog(WriteLog):
    """A log of writes in which keys of indexes stand by their digests, whoever names them."""

    __slots__ = ()

    def conflict(self, read: Iterable[Footprint], snapshot: int) -> Footprint | None:
        return super().conflict(map(by_digest, read), snapshot)

    def record(self, sequence_no: int, written: Iterable[Footprint]) -> None:
        super().record(sequence_no, map(by_digest, written))


def by_digest(footprint: Footprint) -> Footprint:
    """A footprint as this store compares it."""
    if isinstance(footprint, tuple) and len(footprint) == 2 and isinstance(footprint[1], bytes):
        return footprint[0], digest_of(footprint[1])
    return footprint
