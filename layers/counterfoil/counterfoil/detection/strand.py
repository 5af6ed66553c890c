"""What the auditor knows of one strand, and how it changes: pure values, no store, no clock.

A strand's state is a handful of *segments* (verified runs of blocks, normally one) and what is still awaited:

* ``segments``: in order, never overlapping. The first is the head. Between two that do not touch there is a hole; between
  two that touch without being joined the chain is broken, and stays so until a person accepts it.
* ``awaited``: blocks whose revisions have not all been seen, as one bit per revision.
* ``early``: revisions whose block has not been seen.
* ``anchor``: where the strand begins, if that is not block 0, as the journal said first.
* ``explained``: places with an integrity finding of their own (a block that does not verify, a fork); whatever else is
  missing or superfluous there needs no finding of its own.

What is known of each verified block (its hash and its revisions' hashes) stands in *runs*, written once and never changed.

Source: docs/architecture.md, "The auditor's memory"; limits are this project's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple

from counterfoil.journal import Block, Digest, Segment
from counterfoil.journal.anchor import TrustAnchor, digest_from
from counterfoil.journal.block import RevisionSummary, TouchedDocument

# Places kept in ``explained``; beyond it the oldest go, which costs no more than a finding that explains itself.
MAX_EXPLAINED: Final = 1_000

SHORT_HASH: Final = 16
LABEL_SIZE: Final = 8
# An internal revision has no document and no table: there is nothing to compare.
NO_LABEL: Final = b"\0" * LABEL_SIZE


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a strand is held in its one item (DynamoDB: 400 KB), by number and by the bytes it takes there.

    A batch that would pass a bound is refused for now, so that the shard which is ahead waits for the others; nothing is dropped.
    """

    segments: int = 400
    awaited: int = 1_000
    early: int = 1_000
    size_bytes: int = 360_000


STANDARD: Final = Bounds()

# For input that is complete and in memory already.
UNBOUNDED: Final = Bounds(2**31, 2**31, 2**31, 2**62)


class Hole(StrEnum):
    """How far the hole before a segment has got: within grace, reported, given up."""

    HELD = "HELD"
    OPEN = "OPEN"
    CONFIRMED = "CONFIRMED"


class RevisionMark(NamedTuple):
    """How a verified block knows a revision: the first 16 bytes of its hash, and 8 bytes that bind its
    transaction, document and table.

    Sixteen bytes leave a forger 2^128 work to find a revision that passes for another; the revision's own full hash is recomputed
    in any case. Internal revisions have no details to wait for.
    """

    short_hash: bytes
    label: bytes
    internal: bool


@dataclass(frozen=True, slots=True)
class KnownBlock:
    """A verified block as remembered."""

    sequence_no: int
    block_hash: bytes
    marks: tuple[RevisionMark, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Blocks ``first`` to ``first + len(blocks) - 1``, verified together."""

    strand_id: str
    first: int
    blocks: tuple[KnownBlock, ...]


@dataclass(frozen=True, slots=True)
class SegmentState:
    """A segment, when the first block of it came, and the state of the hole before it (none before the first segment).

    ``hole_at`` names the hole for good: where the segment began when the hole was first seen.
    """

    segment: Segment
    since: datetime
    hole_at: int
    hole: Hole = Hole.HELD


@dataclass(frozen=True, slots=True)
class Awaited:
    """Which revisions of a block were seen: bit i of ``seen`` is revision i. ``reported``: the missing ones were said."""

    since: datetime
    count: int
    seen: int
    reported: bool = False

    @property
    def missing(self) -> Iterator[int]:
        return (index for index in range(self.count) if not self.seen >> index & 1)

    @property
    def complete(self) -> bool:
        return self.seen == (1 << self.count) - 1


@dataclass(frozen=True, slots=True)
class EarlyRevision:
    """A revision whose block has not been seen. ``verified`` of ``False``: its hash did not hold, and that was reported."""

    sequence_no: int
    hash: bytes
    label: bytes
    document_id: str
    transaction_id: str
    since: datetime
    verified: bool = True
    deleted: bool = False
    reported: bool = False


@dataclass(frozen=True, slots=True)
class StrandState:
    """Everything of a strand that is not in its runs. ``version`` counts the saves."""

    strand_id: str
    version: int = 0
    segments: tuple[SegmentState, ...] = ()
    awaited: Mapping[int, Awaited] = field(default_factory=dict)
    early: tuple[EarlyRevision, ...] = ()
    explained: Mapping[int, str] = field(default_factory=dict)
    anchor: TrustAnchor | None = None

    @property
    def head(self) -> Segment | None:
        """The verified prefix: the segment that begins with the strand's first block seen, or at its anchor."""
        first = 0 if self.anchor is None else self.anchor.begin
        return next((each.segment for each in self.segments if each.segment.end > first), None)

    @property
    def digest(self) -> Digest | None:
        """The ledger's digest at the head; ``None`` where the head begins neither with block 0 nor at the anchor."""
        head = self.head
        return None if head is None else digest_from(self.anchor, head)

    @property
    def diverged_at(self) -> int | None:
        """The first place with an integrity finding that nobody has accepted, if any."""
        broken = [right.segment.begin for _, right in self.touching()]
        return min([*broken, *self.explained], default=None)

    def touching(self) -> Iterator[tuple[SegmentState, SegmentState]]:
        """Neighbouring segments without a hole between them whose link does not hold."""
        return (
            (a, b) for a, b in zip(self.segments, self.segments[1:], strict=False) if a.segment.end == b.segment.begin
        )

    def holes(self) -> Iterator[tuple[int, SegmentState]]:
        """(first missing sequence number, segment behind the hole), in order."""
        pairs = zip(self.segments, self.segments[1:], strict=False)
        return ((a.segment.end, b) for a, b in pairs if a.segment.end < b.segment.begin)

    def covers(self, sequence_no: int) -> bool:
        """Whether a verified block stands there."""
        return any(each.segment.begin <= sequence_no < each.segment.end for each in self.segments)


def weight_of(state: StrandState) -> int:
    """About how many bytes a state takes as an item; rather too many than too few."""
    segments = sum(350 + 50 * len(each.segment.range.nodes) for each in state.segments)
    awaited = sum(100 + each.count // 4 for each in state.awaited.values())
    early = sum(250 + len(each.document_id) + len(each.transaction_id) for each in state.early)
    anchor = 0 if state.anchor is None else 1_000 + 60 * len(state.anchor.path or ())
    return 1_000 + segments + awaited + early + 60 * len(state.explained) + anchor


def label_of(transaction_id: str, document_id: str, table_name: str = "", table_id: str = "") -> bytes:
    """Eight bytes that bind a revision to its transaction, document and table, as far as its block says them.

    No hash of a service's block covers the block's own transaction id and table, nor does the revision's hash cover its table.
    """
    named = f"{transaction_id}\0{document_id}\0{table_name}\0{table_id}"
    return sha256(named.encode()).digest()[:LABEL_SIZE]


def known_block_of(block: Block) -> KnownBlock:
    """What is remembered of a verified block."""
    tables = {each.document_id: each for each in block.documents}
    return KnownBlock(
        block.address.sequence_no,
        bytes(block.block_hash),
        tuple(_mark(block.transaction_id, summary, tables) for summary in block.summaries),
    )


def _mark(transaction_id: str, summary: RevisionSummary, tables: Mapping[str, TouchedDocument]) -> RevisionMark:
    """An internal revision has no label; one whose block does not say the table is labelled without."""
    short_hash = summary.hash[:SHORT_HASH]
    if summary.document_id is None:
        return RevisionMark(short_hash, NO_LABEL, internal=True)
    document = tables.get(summary.document_id, (summary.document_id,))
    return RevisionMark(short_hash, label_of(transaction_id, *document), internal=False)


def runs_of(strand_id: str, blocks: Iterable[KnownBlock]) -> list[Run]:
    """Blocks in order of their numbers, cut into runs where a number is missing."""
    runs: list[list[KnownBlock]] = []
    for block in blocks:
        if not runs or runs[-1][-1].sequence_no + 1 != block.sequence_no:
            runs.append([])
        runs[-1].append(block)
    return [Run(strand_id, run[0].sequence_no, tuple(run)) for run in runs]
