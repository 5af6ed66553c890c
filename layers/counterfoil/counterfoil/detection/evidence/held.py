"""What a bundle carries after its own hashes and proofs were checked: blocks, entries of the log, bytes, statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from counterfoil.detection.evidence.bundle import Bundle, KeptRecord, UnverifiedItem
from counterfoil.detection.evidence.statements import Statement, verify_statement
from counterfoil.errors import ContentsMismatchError, InputError, IntegrityError
from counterfoil.ion.streams import read_single
from counterfoil.ion.text import binary_of_text
from counterfoil.journal.address import BlockAddress
from counterfoil.journal.block import Block, check_belongs, parse_block, verify_block
from counterfoil.journal.revision import Revision, parse_revision, verify_revision
from counterfoil.merkle.hashes import Hash
from counterfoil.transparency.entry import LogEntry, parse_entry
from counterfoil.transparency.policy import WitnessPolicy


@dataclass(frozen=True, slots=True)
class HeldItem:
    """What stands at a place: its hash, and where it is not the log's entry alone, the block and revisions of it.

    ``proven_by`` are the statements that it is under.
    """

    entry: LogEntry
    block: Block | None
    revisions: Mapping[Hash, Revision]
    proven_by: tuple[int, ...]

    @property
    def address(self) -> BlockAddress:
        return BlockAddress(self.entry.strand_id, self.entry.sequence_no)


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that a bundle carries, each part by itself as it should be."""

    items: Sequence[HeldItem]
    records: Mapping[str, bytes]
    statements: Sequence[Statement]

    def block(self, address: BlockAddress) -> HeldItem | None:
        """The item with the whole block of a place."""
        return next((each for each in self.items if each.address == address and each.block is not None), None)

    def proven(self, address: BlockAddress, counts: Callable[[Statement], bool]) -> HeldItem | None:
        """What is under a statement that counts, at a place."""
        at_place = (each for each in self.items if each.address == address)
        return next((each for each in at_place if any(counts(self.statements[n]) for n in each.proven_by)), None)


def hold(bundle: Bundle, policy: WitnessPolicy) -> Held:
    """Check every part of a bundle by itself; ``InputError`` or ``IntegrityError`` names the first that is not as it should be."""
    statements = [verify_statement(each, policy) for each in bundle.statements]
    items = [_verify_item(each, statements) for each in bundle.items]
    kinds = [(each.address, each.block is None) for each in items]
    if len(set(kinds)) != len(kinds):
        raise InputError("a bundle with two blocks, or two entries of the log, of one place")
    if len({each.text for each in statements}) != len(statements):
        raise InputError("a bundle with the same statement twice")
    records = dict(map(_verify_record, bundle.records))
    if len(records) != len(bundle.records):
        raise InputError("a bundle with two records of one name")
    return Held(items, records, statements)


def _verify_item(unverified: UnverifiedItem, statements: Sequence[Statement]) -> HeldItem:
    block, revisions = None, dict[Hash, Revision]()
    if unverified.block is None:
        assert unverified.entry is not None
        entry = parse_entry(unverified.entry.encode())
    else:
        block = _verify_block(unverified.block)
        entry = LogEntry(block.address.strand_id, block.address.sequence_no, block.block_hash)
        revisions = {each.hash: each for each in (_verify_member(block, text) for text in unverified.revisions)}
        if len(revisions) != len(unverified.revisions):
            raise InputError(f"block {block.address} comes with one revision twice")
    numbers = tuple(each.statement for each in unverified.proofs)
    if len(set(numbers)) != len(numbers) or any(each >= len(statements) for each in numbers):
        raise InputError("a block's proofs must each lead to another statement of the bundle")
    if block is None and not numbers:
        raise InputError(f"an entry of block {entry.sequence_no} without a proof shows nothing")
    for proof in unverified.proofs:
        statements[proof.statement].check_block(entry, proof.path)
    return HeldItem(entry, block, revisions, numbers)


def _verify_block(text: str) -> Block:
    unverified = parse_block(read_single(binary_of_text(text)))
    if unverified.revisions:
        raise InputError(f"block {unverified.address} stands whole in the bundle; revisions stand beside it")
    return verify_block(unverified)


def _verify_member(block: Block, text: str) -> Revision:
    """A revision whose hash its block lists, and which names the block and its transaction."""
    revision = verify_revision(parse_revision(read_single(binary_of_text(text))))
    if revision.metadata is None:
        raise InputError("a revision without metadata says nothing")
    check_belongs(revision, block.address, block.transaction_id)
    listed = next((each for each in block.summaries if each.hash == revision.hash), None)
    if listed is None or listed.document_id not in {None, revision.metadata.document_id}:
        raise ContentsMismatchError(
            f"block {block.address} lists no revision {revision.hash} of document {revision.metadata.document_id}",
            expected=" ".join(str(each.hash) for each in block.summaries[:8]),
            found=str(revision.hash),
        )
    return revision


def _verify_record(record: KeptRecord) -> tuple[str, bytes]:
    found = sha256(record.data).hexdigest()
    if record.name.rpartition("/")[2] != found:
        raise IntegrityError(f"record {record.name[:200]} is not what it is named after", found=found)
    return record.name, record.data
