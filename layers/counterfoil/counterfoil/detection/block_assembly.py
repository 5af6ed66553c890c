"""Verified records of one strand, in whatever order they came, put together to complete blocks in the journal's order.

A block's turn comes when it is the next one and every revision that its summary lists is there. What waits for its turn is
left over and held; the journal's order is therefore the order of judgement whatever the order of delivery, how batches were
cut, and how often a record came.

It does not wait for ever. When the block to go on with has been held for the grace period, or more is held than the bounds
allow, it goes on: with the next block as it is, or past the hole to the lowest block at hand. The auditor reports what was
missing; what arrives later is judged alone (``passed`` in the cursor). A strand that is seen first somewhere in its middle
begins at the lowest block at hand, after the same grace period.

One forged block far ahead must not carry the cursor away from the blocks that come: a hole of more than ``MAX_AHEAD`` blocks is only
passed when the cursor has not moved for the grace period; until then such blocks are dropped as their grace ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from counterfoil.detection.judgement import AssembledBlock
from counterfoil.detection.stream_cursor import MAX_PASSED, HeldRecord, Range, StreamCursor
from counterfoil.detection.transfer import Statement
from counterfoil.errors import ContentsMismatchError
from counterfoil.journal import Block, Revision, check_belongs
from counterfoil.merkle import Hash

# Bounds of what is held of a strand between two batches.
MAX_HELD_RECORDS: Final = 20_000
MAX_HELD_BYTES: Final = 16 * 1024 * 1024

MAX_AHEAD: Final = 10_000


class EarlyBlock(NamedTuple):
    record: HeldRecord
    block: Block


class EarlyRevision(NamedTuple):
    """``table_name`` is what the record says; the block's own word for it counts more."""

    record: HeldRecord
    table_name: str
    revision: Revision


@dataclass(slots=True)
class Place:
    """What is at hand for one sequence number, by hash: usually one block, more where somebody forks."""

    blocks: dict[Hash, EarlyBlock] = field(default_factory=dict)
    revisions: dict[Hash, EarlyRevision] = field(default_factory=dict)

    def records(self) -> Iterator[HeldRecord]:
        yield from (each.record for each in self.blocks.values())
        yield from (each.record for each in self.revisions.values())

    @property
    def block_since(self) -> datetime:
        """Since when there is a block here. Revisions do not count: one that no block lists must not shorten the wait."""
        return min(each.record.held_at for each in self.blocks.values())

    def assemble(self, last_hash: str) -> tuple[Block, AssembledBlock] | None:
        """The block to judge here: one that follows the last block judged, if there is one, then one that is complete.

        Of several equals the one of the lowest hash is taken, so that the choice does not depend on the order of arrival.
        """
        candidates = [(each.block, self._assemble(each.block)) for each in self.blocks.values()]
        if len(candidates) == 1:
            return candidates[0]
        return min(
            candidates,
            key=lambda each: (str(each[0].previous_block_hash) != last_hash, not each[1].complete, each[0].block_hash),
            default=None,
        )

    def _assemble(self, block: Block) -> AssembledBlock:
        tables = {each.document_id: each.table_name for each in block.documents}
        whole = {each.hash: each for each in block.revisions}
        found, complete = [], True
        for revision_hash, document_id in block.summaries:
            if document_id is None:
                continue
            early = self.revisions.get(revision_hash)
            revision = whole.get(revision_hash) or (early.revision if early else None)
            if revision is None or not _belongs(revision, document_id, block):
                complete = False
                continue
            found.append((tables.get(document_id) or (early.table_name if early else ""), revision))
        at = block.timestamp.to_datetime()
        statements = tuple([Statement(number, text, at) for number, text in enumerate(block.statements)])
        return AssembledBlock(block.address, tuple(found), complete, statements)


def _belongs(revision: Revision, document_id: str, block: Block) -> bool:
    """A revision's own word on where it belongs agrees with the block that lists it."""
    try:
        check_belongs(revision, block.address, block.transaction_id)
    except ContentsMismatchError:
        return False
    return revision.metadata is not None and revision.metadata.document_id == document_id


@dataclass(slots=True)
class Assembly:
    """The records of one strand, by place, and the cursor as it goes on. Counts say what was not judged, and why."""

    cursor: StreamCursor
    now: datetime
    grace: timedelta
    places: dict[int, Place] = field(default_factory=dict)
    late: dict[int, Place] = field(default_factory=dict)
    repeated: int = 0
    dropped: int = 0
    holes: int = 0
    incomplete: int = 0
    _count: int = 0
    _bytes: int = 0
    _numbers: deque[int] = field(default_factory=deque)

    def add_block(self, record: HeldRecord, block: Block, *, stored: bool = False) -> None:
        place = self._place(block.address.sequence_no, stored=stored)
        if place is None:
            return
        if block.block_hash in place.blocks:
            self.repeated += 1
            return
        place.blocks[block.block_hash] = EarlyBlock(record, block)
        self._count += 1
        self._bytes += len(record.data)

    def add_revision(
        self, record: HeldRecord, sequence_no: int, table_name: str, revision: Revision, *, stored: bool = False
    ) -> None:
        place = self._place(sequence_no, stored=stored)
        if place is None:
            return
        if revision.hash in place.revisions:
            self.repeated += 1
            return
        place.revisions[revision.hash] = EarlyRevision(record, table_name, revision)
        self._count += 1
        self._bytes += len(record.data)

    def _place(self, sequence_no: int, *, stored: bool) -> Place | None:
        """Where a record belongs: ahead of the cursor, in a place that was passed over, or nowhere, being judged already."""
        next_no = self.cursor.next_no
        places = self.places
        if next_no is not None and sequence_no < next_no:
            if stored:
                return None
            if not self.cursor.passed_over(sequence_no):
                self.repeated += 1
                return None
            places = self.late
        place = places.get(sequence_no)
        if place is None:
            place = places[sequence_no] = Place()
        return place

    def late_blocks(self) -> Iterator[AssembledBlock]:
        """Blocks whose turn is over, with those of their revisions that came with them."""
        for _, place in sorted(self.late.items()):
            assembled = place.assemble("")
            if assembled is None:
                self.dropped += len(place.revisions)
            else:
                yield assembled[1]

    def ready(self) -> Iterator[AssembledBlock]:
        """Blocks whose turn it is, in order; takes them out of the places and moves the cursor."""
        self._numbers = deque(sorted(number for number, place in self.places.items() if place.blocks))
        self._begin()
        while (next_no := self.cursor.next_no) is not None and self.places:
            place = self.places.get(next_no)
            assembled = None if place is None else place.assemble(self.cursor.last_hash)
            if assembled is not None and assembled[1].complete:
                yield self._take(next_no, *assembled)
            elif not self._waited_enough(next_no):
                break
            elif assembled is not None:
                self.incomplete += 1
                self._pass(Range(next_no, next_no + 1))
                yield self._take(next_no, *assembled)
            elif not self._pass_hole(next_no):
                break
        self._drop_blockless()

    def left_over(self) -> list[HeldRecord]:
        """What must be held until the next batch, in order of place."""
        return [record for _, place in sorted(self.places.items()) for record in place.records()]

    def _begin(self) -> None:
        """Find the first block of a strand that was not followed yet; blocks before it will be judged alone."""
        if self.cursor.next_no is not None or not self._numbers:
            return
        first = self._numbers[0]
        if first == 0 or self._waited_at(first):
            self._pass(Range(0, first))
            self._go_to(first, "")

    def _take(self, sequence_no: int, block: Block, contents: AssembledBlock) -> AssembledBlock:
        self._go_to(sequence_no + 1, str(block.block_hash))
        self._remove(sequence_no)
        return contents

    def _go_to(self, sequence_no: int, last_hash: str) -> None:
        old = self.cursor
        self.cursor = StreamCursor(
            old.strand_id, sequence_no, last_hash, self.now, old.passed, inline=old.inline, blobs=old.blobs
        )

    def _waited_enough(self, next_no: int) -> bool:
        """Whether to go on, with the next block as it is or else with the lowest one at hand."""
        place = self.places.get(next_no)
        if place is not None and place.blocks:
            return self._waited_at(next_no)
        return bool(self._numbers) and self._waited_at(self._numbers[0])

    def _waited_at(self, sequence_no: int) -> bool:
        return self._is_full() or self._is_overdue(self.places[sequence_no].block_since)

    def _pass_hole(self, next_no: int) -> bool:
        """Go on to the lowest block at hand; ``False`` where that is too far ahead to be gone to."""
        lowest = self._numbers[0]
        if lowest - next_no > MAX_AHEAD and not self._is_overdue(self.cursor.moved_at or self.now):
            for each in list(self._numbers):
                if self._waited_at(each):
                    self._drop(each)
            return False
        self.holes += 1
        self._pass(Range(next_no, lowest))
        self._go_to(lowest, "")
        for each in [each for each in self.places if each < lowest]:
            self._drop(each)
        return True

    def _pass(self, passed: Range) -> None:
        if passed.begin < passed.end:
            self.cursor = replace(self.cursor, passed=(*self.cursor.passed, passed)[-MAX_PASSED:])

    def _drop_blockless(self) -> None:
        """Revisions without a block wait no longer than the grace period, and go first where the bounds are reached."""
        for number in sorted(self.places, reverse=True):
            place = self.places[number]
            if place.blocks:
                continue
            if self._is_full():
                self._drop(number)
                continue
            overdue = [key for key, each in place.revisions.items() if self._is_overdue(each.record.held_at)]
            for key in overdue:
                self._unweigh([place.revisions.pop(key).record])
            self.dropped += len(overdue)

    def _drop(self, sequence_no: int) -> None:
        self.dropped += self._remove(sequence_no)

    def _remove(self, sequence_no: int) -> int:
        """Take a place out; how many records it had."""
        place = self.places.pop(sequence_no)
        self._unweigh(list(place.records()))
        if place.blocks:
            self._numbers.remove(sequence_no)
        return len(place.blocks) + len(place.revisions)

    def _unweigh(self, records: Sequence[HeldRecord]) -> None:
        self._count -= len(records)
        self._bytes -= sum([len(each.data) for each in records])

    def _is_overdue(self, since: datetime) -> bool:
        return self.now - since >= self.grace

    def _is_full(self) -> bool:
        return self._count > MAX_HELD_RECORDS or self._bytes > MAX_HELD_BYTES
