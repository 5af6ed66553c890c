"""Gives proposals places behind a head, one after the other, without anything of it counting before their blocks are there.

A proposal that waits for whoever writes next (``waiting_room.py``) carries its block as it would be in some place, and what it
changes; both stay the same wherever it is put, but for the fields that name the place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from counterfoil.adapters.dynamodb.effects import BlockEffects, DigestLog, by_digest, of_sequenced
from counterfoil.errors import OccConflictError
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.journal import BlockAddress
from counterfoil.journal.builder import reseal
from counterfoil.ledger.concurrency import Footprint
from counterfoil.ledger.proposal import Proposal
from counterfoil.ledger.reading import StoredRevision
from counterfoil.ledger.sequencing import CONFLICT, LedgerHead, sequence
from counterfoil.ledger.times import moment_of
from counterfoil.merkle.nodes import append_leaf


class WaitingProposal(NamedTuple):
    """A proposal that anybody may commit; ``read`` has keys of indexes by their digests, ``block`` is in binary Ion."""

    transaction_id: str
    snapshot_no: int
    read: tuple[Footprint, ...]
    tx_time_ms: int
    block: bytes
    effects: BlockEffects


class Placed(NamedTuple):
    """A block that has its place: ``head`` is that behind it, ``revisions`` are there for an instance's own proposals."""

    transaction_id: str
    head: LedgerHead
    data: bytes
    nodes: bytes
    effects: BlockEffects
    revisions: tuple[StoredRevision, ...] | None

    @property
    def sequence_no(self) -> int:
        return self.head.sequence_no


class TentativeLog(DigestLog):
    """What was written, and what would have been if these blocks were there."""

    __slots__ = ("_written",)

    def __init__(self, written: DigestLog) -> None:
        super().__init__(written.floor)
        self._written = written

    def conflict(self, read: Iterable[Footprint], snapshot: int) -> Footprint | None:
        footprints = [by_digest(each) for each in read]
        found = self._written.conflict(footprints, snapshot)
        return super().conflict(footprints, snapshot) if found is None else found


def place(head: LedgerHead, log: DigestLog, proposal: Proposal, now_ms: int) -> Placed:
    """The proposal's block behind ``head``; ``OccConflictError`` if something that it read has changed."""
    sequenced = sequence(head, log, proposal, now_ms)
    effects = of_sequenced(sequenced.effects, head)
    nodes = b"".join(each.hash for each in sequenced.nodes)
    return Placed(proposal.transaction_id, sequenced.head, sequenced.data, nodes, effects, sequenced.effects.revisions)


def place_waiting(head: LedgerHead, log: DigestLog, waiting: WaitingProposal, now_ms: int) -> Placed:
    """The same for a proposal of another instance."""
    if log.conflict(waiting.read, waiting.snapshot_no) is not None:
        raise OccConflictError(CONFLICT)
    address = BlockAddress(head.strand_id, head.sequence_no + 1)
    committed_ms = max(now_ms, waiting.tx_time_ms, head.timestamp_ms)
    block_hash, fields = reseal(decode_datagram(waiting.block), address, head.block_hash, moment_of(committed_ms))
    peaks, nodes = append_leaf(head.peaks, block_hash)
    log.record(address.sequence_no, waiting.effects.footprints())
    behind = replace(head, peaks=peaks, block_hash=block_hash, timestamp_ms=committed_ms)
    data = b"".join(each.hash for each in nodes)
    return Placed(waiting.transaction_id, behind, encode(fields), data, waiting.effects, None)


def to_wait(proposal: Proposal, placed: Placed) -> WaitingProposal | None:
    """A proposal for others to commit; ``None`` for one that changes the catalogue, which follows from the statements themselves."""
    if placed.effects.defines:
        return None
    read = tuple(map(by_digest, proposal.read))
    return WaitingProposal(
        proposal.transaction_id, proposal.snapshot_no, read, proposal.tx_time_ms, placed.data, placed.effects
    )
