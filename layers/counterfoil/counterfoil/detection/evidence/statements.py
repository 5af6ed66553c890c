"""Signed statements about a journal: a log's checkpoint, and a digest snapshot. Each can be led to from a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from counterfoil.detection.evidence.bundle import StatementKind, UnverifiedStatement
from counterfoil.detection.snapshot import DigestSnapshot, parse_document, render_document, signed_bytes
from counterfoil.errors import InputError, ProofMismatchError
from counterfoil.merkle.hashes import Hash
from counterfoil.merkle.tree import path_length
from counterfoil.merkle.tree import verify_inclusion as verify_under_digest
from counterfoil.transparency.checkpoint import SignedCheckpoint, parse_checkpoint, verify_checkpoint
from counterfoil.transparency.entry import LogEntry, render_entry
from counterfoil.transparency.note import KeyType, verify_note
from counterfoil.transparency.policy import WitnessPolicy
from counterfoil.transparency.public_key import StatementKey
from counterfoil.transparency.tree import leaf_hash
from counterfoil.transparency.tree import verify_inclusion as verify_in_log

# KMS's name: ECDSA over SHA-256 of the message, DER.
ALGORITHM: Final = "ECDSA_SHA_256"


@dataclass(frozen=True, slots=True)
class LogStatement:
    """A checkpoint whose signature by ``key`` was checked, and in ``held`` of it those of the policy's witnesses.

    ``timestamp`` is as it was read: unchecked.
    """

    key: StatementKey
    text: str
    checkpoint: SignedCheckpoint
    timestamp: bytes | None = None

    def check_block(self, entry: LogEntry, path: Sequence[Hash]) -> None:
        """Return if the path leads from the block, at its number, to the log's root; else raise ``ProofMismatchError``."""
        verify_in_log(leaf_hash(render_entry(entry)), entry.sequence_no, path, self.checkpoint.head)

    def __str__(self) -> str:
        head = self.checkpoint.head
        return f"the checkpoint of log {self.checkpoint.checkpoint.origin} over {head.size} blocks, root {head.root.to_base64()}"


@dataclass(frozen=True, slots=True)
class SnapshotStatement:
    """A digest snapshot whose signature by ``key`` was checked."""

    key: StatementKey
    text: str
    snapshot: DigestSnapshot

    def check_block(self, entry: LogEntry, path: Sequence[Hash]) -> None:
        """Return if the path leads from the block to the digest and has the length of the block's number; else raise.

        The tree of QLDB has no sides, so this shows the block, and its number only as far as the block's own hash does.
        """
        tip, digest = self.snapshot.tip_address, self.snapshot.digest
        if digest is None or entry.strand_id != tip.strand_id or entry.sequence_no >= self.snapshot.range.end:
            raise ProofMismatchError(
                f"the snapshot at {tip} has no digest over block {entry.strand_id}#{entry.sequence_no}"
            )
        needed = path_length(entry.sequence_no, self.snapshot.range.end)
        if len(path) != needed:
            raise ProofMismatchError(
                f"{len(path)} hashes; the proof of block {entry.sequence_no} under {tip} has {needed}"
            )
        verify_under_digest(entry.block_hash, path, digest)

    def __str__(self) -> str:
        digest = self.snapshot.digest
        said = "no digest" if digest is None else f"digest {digest.to_base64()}"
        said += "" if self.snapshot.anchor is None else f" ({self.snapshot.anchor})"
        return f"the snapshot of {self.snapshot.taken_at.isoformat()} at {self.snapshot.tip_address}, {said}"


Statement = LogStatement | SnapshotStatement


def verify_statement(unverified: UnverifiedStatement, policy: WitnessPolicy) -> Statement:
    """Return the statement, now known to be signed by its key; ``InputError`` or ``IntegrityError`` where it is not.

    Whose key that is, is for whoever trusts it to say. A signature of one of the policy's witnesses that does not hold is an
    ``IntegrityError`` too, and so are two of the same; how many there must be is not decided here.
    """
    if unverified.kind is StatementKind.CHECKPOINT:
        checkpoint = parse_checkpoint(unverified.text.encode())
        signed = verify_checkpoint(checkpoint, unverified.key.named(checkpoint.checkpoint.origin))
        held = (*signed.held, *verify_note(signed.note, policy.verifiers))
        witnessed = SignedCheckpoint(signed.checkpoint, signed.note, held)
        return LogStatement(unverified.key, unverified.text, witnessed, unverified.timestamp)
    snapshot, signature = parse_document(unverified.text.encode())
    if render_document(snapshot, signature).decode() != unverified.text:
        raise InputError("a snapshot that is not written as snapshots are")
    if signature.algorithm != ALGORITHM or unverified.key.type is not KeyType.ECDSA:
        raise InputError(f"a snapshot signed with {str(signature.algorithm)[:40]!r}; {ALGORITHM} is what is checked")
    unverified.key.check(signed_bytes(snapshot), signature.value)
    return SnapshotStatement(unverified.key, unverified.text, snapshot)


def contradictions(statements: Sequence[Statement]) -> list[str]:
    """What two statements of one key say that cannot both be so, in a sentence each."""
    pairs = ((a, b) for a, b in combinations(statements, 2) if a.key == b.key)
    return [said for a, b in pairs if (said := _contradiction(a, b)) is not None]


def _contradiction(left: Statement, right: Statement) -> str | None:
    if isinstance(left, LogStatement) and isinstance(right, LogStatement):
        mine, other = left.checkpoint, right.checkpoint
        same_place = (mine.checkpoint.origin, mine.head.size) == (other.checkpoint.origin, other.head.size)
        if same_place and mine.head.root != other.head.root:
            return f"one key signed two roots of log {mine.checkpoint.origin} over {mine.head.size} blocks"
    if isinstance(left, SnapshotStatement) and isinstance(right, SnapshotStatement):
        return _contradicting_snapshots(*sorted((left.snapshot, right.snapshot), key=lambda each: each.taken_at))
    return None


def _contradicting_snapshots(older: DigestSnapshot, newer: DigestSnapshot) -> str | None:
    strand_id = older.tip_address.strand_id
    if newer.tip_address.strand_id != strand_id or newer.range.begin != older.range.begin:
        return None
    if newer.range.end < older.range.end:
        return (
            f"one key signed that strand {strand_id} was verified up to block {older.range.end - 1}, and later only up to "
            f"block {newer.range.end - 1}"
        )
    if None not in (older.anchor, newer.anchor) and newer.anchor != older.anchor:
        return f"one key signed two trust anchors of strand {strand_id}"
    if newer.range.end == older.range.end and newer.range != older.range:
        return f"one key signed two histories of strand {strand_id} up to block {older.range.end - 1}"
    return None
