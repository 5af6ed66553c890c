"""What a block of the journal says of the projections: the way back from the journal to everything that is derived from it.

The blocks may have been made by QLDB itself (services/import_export.py). Its CREATE TABLE does not tell the table's id; the first
block that changes a document of the table does, and from then on the table has that id. What cannot be carried out for want of such
ids is passed over, in blocks that do not bind their headers: those of this product tell everything, unless blocks before them are
not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from counterfoil.errors import IntegrityError, StatementError
from counterfoil.ion import IonValue
from counterfoil.ion.codec import decode, encode
from counterfoil.ion.streams import read_single
from counterfoil.journal import Block, RevisionKind, UnverifiedBlock, parse_block, verify_block
from counterfoil.journal.address import parse_address, required
from counterfoil.journal.builder import Redaction
from counterfoil.ledger.catalogue import LedgerCatalogue
from counterfoil.ledger.changes import Definition, define
from counterfoil.ledger.reading import StoredRevision
from counterfoil.ledger.times import milliseconds_of_timestamp
from counterfoil.partiql.parser import parse
from counterfoil.partiql.syntax import DropIndex

# Statements that define something begin with one of these words; the others need not be parsed.
_DEFINING = ("create", "drop", "undrop")


class Replayed(NamedTuple):
    """A verified block with what follows from it: revisions as a store keeps them, the catalogue behind it, redactions it asks for."""

    block: Block
    revisions: tuple[StoredRevision, ...]
    catalogue: LedgerCatalogue
    redactions: tuple[Redaction, ...]


def replay(data: bytes, catalogue: LedgerCatalogue, *, partial: bool = False) -> Replayed:
    """Verify a block's contents and derive what it changes; an ``IntegrityError`` where it contradicts itself.

    ``partial``: blocks before the first one are not known, and what they defined may be named.
    """
    unverified = parse_block(read_single(data))
    block = verify_block(unverified)
    return Replayed(
        block,
        tuple(_revisions(unverified, block)),
        _catalogue_behind(block, catalogue, strict=block.header_bound and not partial),
        tuple(_redactions(block)),
    )


def revisions_in(data: bytes) -> tuple[StoredRevision, ...]:
    """The revisions of a block as a store keeps them; an ``IntegrityError`` where the block contradicts itself."""
    unverified = parse_block(read_single(data))
    return tuple(_revisions(unverified, verify_block(unverified)))


def catalogue_behind(data: bytes, catalogue: LedgerCatalogue, *, partial: bool = False) -> LedgerCatalogue:
    """The catalogue behind a block, from the one before it; ``partial`` as of ``replay``."""
    block = verify_block(parse_block(read_single(data)))
    return _catalogue_behind(block, catalogue, strict=block.header_bound and not partial)


def _revisions(unverified: UnverifiedBlock, block: Block) -> Iterator[StoredRevision]:
    tables = {each.document_id: each.table_id for each in block.documents}
    for revision, claimed in zip(block.revisions, unverified.revisions, strict=True):
        metadata = revision.metadata
        if (
            metadata is None
        ):  # internal to the service that made the block: only a hash, which is checked as a part of the block
            continue
        if metadata.document_id not in tables:
            raise IntegrityError(f"block {block.address} has a revision that is of none of its documents")
        yield StoredRevision(
            tables[metadata.document_id],
            metadata.document_id,
            metadata.version,
            block.address.sequence_no,
            metadata.tx_id,
            milliseconds_of_timestamp(metadata.tx_time),
            revision.hash,
            None if revision.data is None else encode(decode(revision.data)),
            claimed.contents_hash if revision.kind is RevisionKind.REDACTED else None,
        )


def _definitions_in(block: Block, *, strict: bool) -> Iterator[tuple[int, Definition]]:
    """The DDL statements of a block, each with its number."""
    for number, text in enumerate(block.statements):
        if text.lstrip().lower().startswith(_DEFINING) or text.lstrip().startswith(("--", "/*")):
            try:
                statement = parse(text).statement
            except StatementError as error:
                if strict:
                    raise IntegrityError(
                        f"statement {number} of block {block.address} cannot be read: {error}"
                    ) from error
                continue
            if isinstance(statement, Definition):
                yield number, statement


def _defined(
    block: Block, number: int, definition: Definition, catalogue: LedgerCatalogue, *, strict: bool
) -> LedgerCatalogue:
    try:
        return catalogue.with_entry(define(definition, catalogue, block.transaction_id, number, None).entry)
    except StatementError as error:
        if strict:
            raise IntegrityError(f"statement {number} of block {block.address} could not be: {error}") from error
    # QLDB carried it out on an index or a table whose id no block tells. Of one index there is no doubt; an index too many, or an
    # empty table too few, changes no answer.
    table = catalogue.table(definition.table) if isinstance(definition, DropIndex) else None
    entry = None if table is None else catalogue.entries[table.table_id]
    return catalogue if entry is None or len(entry.indexes) != 1 else catalogue.with_entry(replace(entry, indexes=()))


def _catalogue_behind(block: Block, catalogue: LedgerCatalogue, *, strict: bool) -> LedgerCatalogue:
    for number, definition in _definitions_in(block, strict=strict):
        catalogue = _defined(block, number, definition, catalogue, strict=strict)
    for each in block.documents:
        if each.table_id not in catalogue.entries:
            catalogue = catalogue.with_table_id(each.table_name, each.table_id)
    return catalogue


def _redactions(block: Block) -> Iterator[Redaction]:
    if block.redaction_info is None:
        return
    for each in required(block.redaction_info.fields(), "revisions").items():
        fields: dict[str, IonValue] = each.fields()
        yield Redaction(
            parse_address(required(fields, "blockAddress")),
            required(fields, "tableId").as_text(),
            required(fields, "documentId").as_text(),
            required(fields, "version").as_int(),
        )
