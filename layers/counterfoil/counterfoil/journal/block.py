"""A block: one committed transaction, with the hashes that bind its contents and link it to the block before.

A block comes in two forms that hash alike: whole (``revisions``, from GetBlock and exports) and as a stream's summary
(``revisionSummaries``). The hash tree of a block:

    blockHash = dot(entriesHash, previousBlockHash)
    entriesHash = merkle(entriesHashList)
    entriesHashList holds merkle(revision hashes), IH(transactionInfo), IH(redactionInfo) and hashes of system metadata

Membership in the list is tested, never the position: real blocks have lists of other lengths. Item 0 of a block that this
project made is ``IH({blockAddress, transactionId, blockTimestamp})``, which no other hash covers; a chain that bound its
headers once must go on doing so (chain.py).

Source: docs/format.md, section "Blocks".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from counterfoil.errors import ContentsMismatchError, InputError
from counterfoil.ion import IonTimestamp, IonValue, hash_of_ion
from counterfoil.ion.hashing import cut_struct, hash_of_fields
from counterfoil.journal.address import BlockAddress, parse_address, parse_id, required
from counterfoil.journal.revision import Revision, UnverifiedRevision, parse_instant, parse_revision, verify_revision
from counterfoil.merkle import Hash, dot, hash_of, root_of

# How the real service wrote a statement, and the table of a document: names in this order, and their type codes.
_STATEMENT_NAMES: Final = ("statement", "startTime", "statementDigest")
_STATEMENT_KINDS: Final = (8, 6, 10)
_TABLE_NAMES: Final = ("tableName", "tableId")
_TABLE_KINDS: Final = (8, 8)

# A list of system hashes of more entries than this is not one that QLDB wrote (4 were seen, 5 or more are possible).
MAX_ENTRIES: Final = 1_024


# An entry that stands for nothing: the revisions of a block without any, and what is reserved.
HASH_OF_NOTHING: Final = hash_of(b"")


class RevisionSummary(NamedTuple):
    """What a block summary says of one of its revisions; without ``document_id`` it is internal to the system."""

    hash: Hash
    document_id: str | None


class TouchedDocument(NamedTuple):
    """A document that a transaction changed, with the table it belongs to."""

    document_id: str
    table_name: str
    table_id: str


class UnverifiedBlock(NamedTuple):
    """A block as it was read: its shape is right, its hashes are only claimed."""

    address: BlockAddress
    transaction_id: str
    timestamp: IonTimestamp
    block_hash: Hash
    entries_hash: Hash
    previous_block_hash: Hash | None
    entries_hash_list: tuple[Hash, ...]
    transaction_info: IonValue | None
    redaction_info: IonValue | None
    statements: tuple[str, ...]
    documents: tuple[TouchedDocument, ...]
    summaries: tuple[RevisionSummary, ...]
    revisions: tuple[UnverifiedRevision, ...]
    header: tuple[IonValue, IonValue, IonValue]


class Block(NamedTuple):
    """A block whose contents hash to ``block_hash``. ``revisions`` is empty for a stream's summary.

    ``statements`` are the texts of the transaction's statements, ``documents`` what they changed. ``header_bound`` says that
    the hash also covers address, transaction id and time.
    """

    address: BlockAddress
    transaction_id: str
    timestamp: IonTimestamp
    block_hash: Hash
    previous_block_hash: Hash | None
    statements: tuple[str, ...]
    documents: tuple[TouchedDocument, ...]
    redaction_info: IonValue | None
    summaries: tuple[RevisionSummary, ...]
    revisions: tuple[Revision, ...]
    header_bound: bool


def parse_block(value: IonValue) -> UnverifiedBlock:
    """Read a block in either form; another shape is an ``InputError``."""
    if value.is_annotated:
        raise InputError("a block with an annotation: nobody writes one, and no hash covers it")
    fields = value.fields()
    header = tuple(required(fields, name) for name in ("blockAddress", "transactionId", "blockTimestamp"))
    time = header[2]
    if time.kind != 6:
        raise InputError(f"blockTimestamp is a {time.type.name.lower()}, not a timestamp")
    entries = tuple(Hash(entry.as_bytes()) for entry in required(fields, "entriesHashList").items())
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise InputError(f"entriesHashList has {len(entries)} entries; 1 to {MAX_ENTRIES} are possible")
    revisions = tuple(parse_revision(each) for each in _list_in(fields, "revisions"))
    summaries = tuple(_parse_summary(each) for each in _list_in(fields, "revisionSummaries"))
    if revisions and summaries:
        raise InputError("a block with both revisions and revisionSummaries")
    transaction_info = _present(fields, "transactionInfo")
    info_fields = {} if transaction_info is None else transaction_info.fields()
    return UnverifiedBlock(
        address=parse_address(header[0]),
        transaction_id=parse_id(header[1], "transactionId"),
        timestamp=parse_instant(time.buffer[time.body : time.end]),
        block_hash=Hash(required(fields, "blockHash").as_bytes()),
        entries_hash=Hash(required(fields, "entriesHash").as_bytes()),
        previous_block_hash=_hash_or_none(required(fields, "previousBlockHash").as_bytes()),
        entries_hash_list=entries,
        transaction_info=transaction_info,
        redaction_info=_present(fields, "redactionInfo"),
        statements=tuple(_parse_statement(each) for each in _list_in(info_fields, "statements")),
        documents=tuple(_parse_documents(info_fields)),
        summaries=summaries or tuple(RevisionSummary(each.hash, _document_id(each)) for each in revisions),
        revisions=revisions,
        header=(header[0], header[1], header[2]),
    )


def verify_block(unverified: UnverifiedBlock) -> Block:
    """Recompute every hash inside a block and return it; raise ``ContentsMismatchError`` or ``RevisionMismatchError``."""
    entries = unverified.entries_hash_list
    _equal("entriesHash", unverified, unverified.entries_hash, root_of(entries))
    _equal("blockHash", unverified, unverified.block_hash, dot(unverified.entries_hash, unverified.previous_block_hash))
    for name, info in (("transactionInfo", unverified.transaction_info), ("redactionInfo", unverified.redaction_info)):
        if info is not None:
            _member(name, unverified, Hash(hash_of_ion(info)))
    if unverified.summaries:
        _member("revisions", unverified, root_of([summary.hash for summary in unverified.summaries]))
    header_bound = entries[0] == hash_of_header(*unverified.header)
    if header_bound:
        _check_complete(unverified)
    return Block(
        unverified.address,
        unverified.transaction_id,
        unverified.timestamp,
        unverified.block_hash,
        unverified.previous_block_hash,
        unverified.statements,
        unverified.documents,
        unverified.redaction_info,
        unverified.summaries,
        tuple(_verify_member(unverified, each) for each in unverified.revisions),
        header_bound,
    )


def hash_of_header(address: IonValue, transaction_id: IonValue, timestamp: IonValue) -> Hash:
    """``IH({blockAddress, transactionId, blockTimestamp})``: what binds a block's header (docs/format.md, "Header")."""
    fields = {"blockAddress": address, "transactionId": transaction_id, "blockTimestamp": timestamp}
    return Hash(hash_of_fields(fields))


def _check_complete(block: UnverifiedBlock) -> None:
    """Nothing may be left out of a block that binds its header, since its layout is known (docs/format.md, "Layout").

    QLDB's own blocks may lack parts for reasons that are not known, so of them only what is there can be checked.
    """
    entries = block.entries_hash_list
    places = {"revisions": (1, bool(block.summaries)), "transactionInfo": (3, block.transaction_info is not None)}
    places["redactionInfo"] = (4, block.redaction_info is not None)
    for part, (place, present) in places.items():
        if not present and len(entries) > place and entries[place] != HASH_OF_NOTHING:
            raise ContentsMismatchError(
                f"block {block.address} has no {part}, although its entriesHashList has one at place {place}",
                expected=str(entries[place]),
                found="nothing",
                part=part,
            )
    named = [summary.document_id for summary in block.summaries if summary.document_id is not None]
    if sorted(named) != sorted(document.document_id for document in block.documents):
        raise ContentsMismatchError(
            f"block {block.address} lists revisions of other documents than its transaction changed",
            expected=" ".join(sorted(document.document_id for document in block.documents)),
            found=" ".join(sorted(named)),
            part="documents",
        )


def check_belongs(revision: UnverifiedRevision | Revision, address: BlockAddress, transaction_id: str) -> None:
    """Raise ``ContentsMismatchError`` where a revision names another block or transaction than the one it is part of."""
    if revision.address is not None and revision.address != address:
        raise ContentsMismatchError(
            f"a revision in block {address} says it belongs to block {revision.address}",
            expected=str(address),
            found=str(revision.address),
        )
    if revision.metadata is not None and revision.metadata.tx_id != transaction_id:
        raise ContentsMismatchError(
            f"block {address} is transaction {transaction_id}, but its revision of document "
            f"{revision.metadata.document_id} says {revision.metadata.tx_id}",
            expected=transaction_id,
            found=revision.metadata.tx_id,
        )


def _verify_member(block: UnverifiedBlock, revision: UnverifiedRevision) -> Revision:
    check_belongs(revision, block.address, block.transaction_id)
    return verify_revision(revision)


def _equal(what: str, block: UnverifiedBlock, claimed: Hash, computed: Hash) -> None:
    if claimed != computed:
        raise ContentsMismatchError(
            f"block {block.address} says its {what} is {claimed}, but its contents give {computed}",
            expected=str(claimed),
            found=str(computed),
            part=what,
        )


def _member(what: str, block: UnverifiedBlock, computed: Hash) -> None:
    if computed not in block.entries_hash_list:
        raise ContentsMismatchError(
            f"the {what} of block {block.address} hashes to {computed}, which is not in its entriesHashList",
            expected=" ".join(map(str, block.entries_hash_list[:8])),
            found=str(computed),
            part=what,
        )


def _parse_summary(value: IonValue) -> RevisionSummary:
    fields = value.fields()
    document_id = _present(fields, "documentId")
    return RevisionSummary(
        Hash(required(fields, "hash").as_bytes()),
        None if document_id is None else parse_id(document_id, "documentId"),
    )


def _parse_statement(value: IonValue) -> str:
    """The text of one of a transaction's statements."""
    found = cut_struct(value)
    if found is not None and found[0].names == _STATEMENT_NAMES and found[0].kinds == _STATEMENT_KINDS:
        text = found[1][0]
        if text.isascii():
            return text.decode()
    return required(value.fields(), "statement").as_text()


def _parse_documents(info_fields: dict[str, IonValue]) -> Iterator[TouchedDocument]:
    documents = _present(info_fields, "documents")
    if documents is not None:
        for document_id, each in documents.each_field():
            found = cut_struct(each)
            if found is not None and found[0].names[:2] == _TABLE_NAMES and found[0].kinds[:2] == _TABLE_KINDS:
                name, table_id = found[1][:2]
                if name.isascii() and table_id.isascii():
                    yield TouchedDocument(document_id, name.decode(), table_id.decode())
                    continue
            fields = each.fields()
            yield TouchedDocument(
                document_id, required(fields, "tableName").as_text(), required(fields, "tableId").as_text()
            )


def _document_id(revision: UnverifiedRevision) -> str | None:
    return None if revision.metadata is None else revision.metadata.document_id


def _hash_or_none(data: bytes) -> Hash | None:
    return Hash(data) if data else None


def _present(fields: dict[str, IonValue], name: str) -> IonValue | None:
    value = fields.get(name)
    return None if value is None or value.is_null else value


def _list_in(fields: dict[str, IonValue], name: str) -> Iterator[IonValue]:
    found = _present(fields, name)
    return iter(()) if found is None else found.items()
