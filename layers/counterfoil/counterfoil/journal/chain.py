"""The chain as a fold, and pieces of it that join.

A *segment* is a run of verified blocks without a hole, described by its ends and the compact range of its block hashes:
some hundred bytes, whatever its length. Segments form a monoid under ``join``: where one ends and the other begins the
link is checked, and only there. A stream that arrives in order is the case of one segment that grows by ``extend``; a
stream spread over many shards gives several that join as the missing blocks come in. The segment that begins with the
first block of a strand is its *head*.

Source: docs/architecture.md, "Chain"; docs/format.md, "Blocks" and "Digest".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Final

from counterfoil.errors import BrokenLinkError
from counterfoil.ion import IonTimestamp
from counterfoil.journal.address import BlockAddress
from counterfoil.journal.block import Block
from counterfoil.merkle import CompactRange, Hash

# What a link whose header is no longer bound was expected to be (``BrokenLinkError``'s evidence).
HEADER_BOUND: Final = "header bound"


@dataclass(frozen=True, slots=True)
class Segment:
    """Blocks ``range.begin`` to ``range.end - 1`` of a strand, each linked to the one before.

    ``previous_hash`` is what the first block says of its predecessor. ``first_bound`` and ``last_bound`` say whether the
    first and last block bind their headers (block.py).
    """

    strand_id: str
    range: CompactRange
    previous_hash: Hash | None
    last_hash: Hash
    first_time: IonTimestamp
    last_time: IonTimestamp
    first_bound: bool
    last_bound: bool

    @property
    def begin(self) -> int:
        """Sequence number of the first block."""
        return self.range.begin

    @property
    def end(self) -> int:
        """Sequence number behind the last block."""
        return self.range.end

    def followed_by(self, other: Segment) -> Segment:
        """Both as one, the link between them unchecked: for ``join``, and for a link that a person has accepted."""
        return Segment(
            self.strand_id,
            self.range + other.range,
            self.previous_hash,
            other.last_hash,
            self.first_time,
            other.last_time,
            self.first_bound,
            other.last_bound,
        )

    @property
    def tip(self) -> BlockAddress:
        return BlockAddress(self.strand_id, self.range.end - 1)


# The last verified block of a strand with everything that extending it needs: the segment from the strand's first block on.
ChainHead = Segment


@dataclass(frozen=True, slots=True)
class Digest:
    """Commitment to every block of a ledger up to and including ``tip_address``."""

    hash: Hash
    tip_address: BlockAddress


def segment_of(block: Block) -> Segment:
    """The segment of one block."""
    address = block.address
    return Segment(
        address.strand_id,
        CompactRange.of_leaf(address.sequence_no, block.block_hash),
        block.previous_block_hash,
        block.block_hash,
        block.timestamp,
        block.timestamp,
        block.header_bound,
        block.header_bound,
    )


def join(left: Segment, right: Segment) -> Segment:
    """One segment of two that touch; ``BrokenLinkError`` where the link does not hold, ``ValueError`` where they do not touch."""
    if (left.strand_id, left.end) != (right.strand_id, right.begin):
        raise ValueError(f"{right.strand_id}#{right.begin} does not come directly behind {left.tip}")
    check_link(left, right)
    return left.followed_by(right)


def check_link(left: Segment, right: Segment) -> None:
    """Raise ``BrokenLinkError`` unless the first block of ``right`` follows the last block of ``left``."""
    if right.previous_hash != left.last_hash:
        raise BrokenLinkError(
            f"block {left.strand_id}#{right.begin} follows {right.previous_hash}, but the block verified before it is "
            f"{left.last_hash}; compare both with an export before trusting either",
            expected=str(left.last_hash),
            found=str(right.previous_hash),
        )
    if left.last_bound and not right.first_bound:
        raise BrokenLinkError(
            f"block {left.strand_id}#{right.begin} does not bind its header, although the blocks before it do: its "
            "address, transaction id or time was changed",
            expected=HEADER_BOUND,
            found="header not bound",
        )


def extend(head: ChainHead | None, block: Block) -> ChainHead:
    """The head with one more block; the fold that stream, export, import and command line share.

    ``None`` begins a strand at this block. A block that does not come next is a ``ValueError`` (order is the caller's
    affair), one that does not follow is a ``BrokenLinkError``.
    """
    return segment_of(block) if head is None else join(head, segment_of(block))


def extend_all(head: ChainHead | None, blocks: list[Block]) -> ChainHead | None:
    """Fold of ``extend`` over blocks in order."""
    return reduce(extend, blocks, head)


def digest_of(head: ChainHead) -> Digest | None:
    """The ledger's digest at the head's tip; ``None`` where the head does not begin with block 0."""
    root = head.range.root
    return None if root is None else Digest(root, head.tip)
