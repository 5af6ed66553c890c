"""One batch's worth of verified blocks and revisions against what is known of their strand.

Pure: state in, new state and findings out. Nothing depends on the order of arrival as long as nothing is forged: blocks
become segments that join, revisions meet their block's marks whenever both are there. Of two blocks that claim one place
the first verified one stays, the other is a fork.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from counterfoil.detection import audit_rules as rules
from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Finding, Status
from counterfoil.detection.strand import (
    MAX_EXPLAINED,
    SHORT_HASH,
    STANDARD,
    Awaited,
    Bounds,
    EarlyRevision,
    Hole,
    KnownBlock,
    RevisionMark,
    Run,
    SegmentState,
    StrandState,
    known_block_of,
    label_of,
    runs_of,
    weight_of,
)
from counterfoil.errors import BrokenLinkError, UnavailableError
from counterfoil.journal import Block, BlockAddress, Segment, join, segment_of


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what is missing may stay away: ``grace`` until it is reported, ``confirm`` until it is given up."""

    grace: timedelta
    confirm: timedelta


class ArrivedRevision(NamedTuple):
    """A revision as the strand sees it; ``verified`` of ``False``: its hash does not hold and that was reported already."""

    sequence_no: int
    hash: bytes
    label: bytes
    document_id: str
    transaction_id: str
    verified: bool
    deleted: bool


class RejectedBlock(NamedTuple):
    """A block whose contents do not verify."""

    sequence_no: int
    rule: AuditRule


# Block, hash, label, whether it verified.
type _EarlyKey = tuple[int, bytes, bytes, bool]


class Arrivals(NamedTuple):
    """What a batch brought for one strand, in order of arrival."""

    blocks: tuple[tuple[Block, str], ...]
    revisions: tuple[ArrivedRevision, ...]
    rejected: tuple[RejectedBlock, ...]


class Outcome(NamedTuple):
    """What follows: the new state (``None``: nothing changed), blocks to remember, findings, and counts for metrics."""

    state: StrandState | None
    runs: tuple[Run, ...]
    findings: tuple[Finding, ...]
    new_blocks: int
    duplicates: int


@dataclass(slots=True)
class _Piece:
    """A segment while pieces are put together; ``fresh``: made of this batch's blocks alone."""

    state: SegmentState
    fresh: bool


@dataclass(slots=True)
class StrandAudit:
    """The working state of one pass. ``known`` holds the remembered blocks that the arrivals and ``due`` refer to."""

    state: StrandState
    known: Mapping[int, KnownBlock]
    patience: Patience
    now: datetime
    bounds: Bounds = STANDARD
    findings: list[Finding] = field(default_factory=list)
    duplicates: int = 0
    _new: dict[int, Block] = field(default_factory=dict)
    _marks: dict[int, KnownBlock] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _awaited: dict[int, Awaited] = field(default_factory=dict)
    _early: dict[_EarlyKey, EarlyRevision] = field(default_factory=dict)
    _explained: dict[int, str] = field(default_factory=dict)

    def run(self, arrivals: Arrivals) -> Outcome:
        """Take in a batch's arrivals and look at what is overdue."""
        self._awaited = dict(self.state.awaited)
        self._early = {_key_of(each): each for each in self.state.early}
        self._explained = dict(self.state.explained)
        for block, evidence in arrivals.blocks:
            self._take_block(block, evidence)
        for rejected in arrivals.rejected:
            self._reject(rejected)
        pieces = self._put_together()
        self._close_holes(pieces)
        self._match_early()
        for revision in arrivals.revisions:
            self._take_revision(revision)
        segments = tuple(self._look_at_holes([piece.state for piece in pieces]))
        self._look_at_awaited()
        self._look_at_early()
        return self._outcome(segments)

    def _at(self, sequence_no: int) -> BlockAddress:
        return BlockAddress(self.state.strand_id, sequence_no)

    # Blocks

    def _take_block(self, block: Block, evidence: str) -> None:
        sequence_no = block.address.sequence_no
        present = self._hash_at(sequence_no)
        if present is None:
            self._new[sequence_no] = block
            self._names[sequence_no] = evidence
            self._marks[sequence_no] = known_block_of(block)
            self._explained.pop(sequence_no, None)
            self.findings += rules.judge_block(block, self.now)
        elif present == block.block_hash:
            self.duplicates += 1
        else:
            self._explained[sequence_no] = AuditRule.FORK
            self.findings.append(self._fork(block, present, evidence))

    def _hash_at(self, sequence_no: int) -> bytes | None:
        known = self._marks.get(sequence_no) or self.known.get(sequence_no)
        return None if known is None else known.block_hash

    def _fork(self, block: Block, present: bytes, evidence: str) -> Finding:
        return rules.found(
            AuditRule.FORK,
            block.address,
            f"two blocks claim to be {block.address}: {present.hex()} was verified first, {block.block_hash} came later",
            self.now,
            subject=str(block.block_hash),
            verified_hash=present.hex(),
            other_hash=str(block.block_hash),
            transaction_id=block.transaction_id,
            quarantined=evidence,
        )

    def _reject(self, rejected: RejectedBlock) -> None:
        if self._hash_at(rejected.sequence_no) is None:
            self._explained[rejected.sequence_no] = rejected.rule

    def _put_together(self) -> list[_Piece]:
        fresh = [
            _Piece(SegmentState(segment_of(block), self.now, sequence_no), fresh=True)
            for sequence_no, block in self._new.items()
        ]
        old = [_Piece(each, fresh=False) for each in self._old_segments()]
        broken = {right.segment.begin for _, right in self.state.touching()}
        pieces: list[_Piece] = []
        for piece in sorted(fresh + old, key=lambda each: each.state.segment.begin):
            begin = piece.state.segment.begin
            if not pieces or pieces[-1].state.segment.end != begin:
                pieces.append(piece)
                continue
            joined = None if begin in broken and not piece.fresh else self._join(pieces[-1], piece)
            if joined is None:
                pieces.append(piece)
            else:
                pieces[-1] = joined
        return pieces

    def _old_segments(self) -> tuple[SegmentState, ...]:
        """A segment that was the first and now has a hole before it: that hole is seen from now on, whenever its blocks came."""
        segments = self.state.segments
        if not segments or all(number > segments[0].segment.begin for number in self._new):
            return segments
        first = replace(segments[0], since=self.now, hole_at=segments[0].segment.begin, hole=Hole.HELD)
        return (first, *segments[1:])

    def _join(self, left: _Piece, right: _Piece) -> _Piece | None:
        """One piece of two that touch; ``None`` where the link does not hold, which is then a finding."""
        first, second = left.state.segment, right.state.segment
        if second.first_time.to_datetime() < first.last_time.to_datetime():
            self.findings.append(
                rules.clock_regression(self._at(second.begin), first.last_time, second.first_time, self.now)
            )
        try:
            segment = join(first, second)
        except BrokenLinkError as error:
            sides = (("quarantined", second.begin), ("quarantined_before", second.begin - 1))
            kept = {name: self._names[number] for name, number in sides if number in self._names}
            place = self._at(second.begin)
            self.findings.append(rules.from_error(AuditRule.BROKEN_LINK, place, error, self.now, **kept))
            return None
        return _Piece(self._inherit(left, right, segment), left.fresh and right.fresh)

    def _inherit(self, left: _Piece, right: _Piece, segment: Segment) -> SegmentState:
        """The left piece's hole stays; a fresh left piece only made the right one's hole smaller, so that one stays."""
        keep = right.state if left.fresh and not right.fresh else left.state
        return replace(keep, segment=segment)

    def _close_holes(self, pieces: list[_Piece]) -> None:
        """Heal the holes whose blocks have all come, whether or not these link with those around them."""
        pairs = pairwise(pieces)
        left = {b.state.hole_at for a, b in pairs if a.state.segment.end < b.state.segment.begin}
        for _, behind in self.state.holes():
            overdue = behind.hole is not Hole.HELD or self.now - behind.since > self.patience.grace
            if overdue and behind.hole_at not in left:
                last = behind.segment.begin - 1
                self.findings.append(rules.gap(self._at(behind.hole_at), last, last, self.now, Status.HEALED))

    # Revisions

    def _match_early(self) -> None:
        for sequence_no, block in self._marks.items():
            seen = sum(1 << index for index, mark in enumerate(block.marks) if mark.internal)
            awaited = Awaited(self.now, len(block.marks), seen)
            if not awaited.complete:
                self._awaited[sequence_no] = awaited
        for revision in list(self._early.values()):
            if revision.sequence_no in self._marks:
                del self._early[_key_of(revision)]
                self._heal_early(revision)
                self._meet(
                    ArrivedRevision(
                        revision.sequence_no,
                        revision.hash,
                        revision.label,
                        revision.document_id,
                        revision.transaction_id,
                        revision.verified,
                        revision.deleted,
                    ),
                    self._marks[revision.sequence_no],
                )

    def _heal_early(self, revision: EarlyRevision) -> None:
        if revision.reported or self.now - revision.since > self.patience.grace:
            place = self._at(revision.sequence_no)
            self.findings.append(
                rules.orphan_revision(
                    place, revision.hash, revision.document_id, self.now, block_seen=False, status=Status.HEALED
                )
            )

    def _take_revision(self, revision: ArrivedRevision) -> None:
        block = self._marks.get(revision.sequence_no) or self.known.get(revision.sequence_no)
        if block is not None:
            self._meet(revision, block)
        elif _key_of(revision) in self._early:
            self.duplicates += 1
        elif revision.sequence_no not in self._explained:
            self._early[_key_of(revision)] = EarlyRevision(
                revision.sequence_no,
                revision.hash,
                revision.label,
                revision.document_id,
                revision.transaction_id,
                self.now,
                revision.verified,
                revision.deleted,
            )

    def _meet(self, revision: ArrivedRevision, block: KnownBlock) -> None:
        """A revision and its block: is it listed, and in the transaction and table it says?"""
        place = self._at(revision.sequence_no)
        short = revision.hash[:SHORT_HASH]
        index = next((i for i, mark in enumerate(block.marks) if mark.short_hash == short), None)
        if index is None:
            index = next((i for i, mark in enumerate(block.marks) if mark.label == revision.label), None)
            if revision.verified and revision.sequence_no not in self._explained:
                self.findings.append(
                    rules.orphan_revision(place, revision.hash, revision.document_id, self.now, block_seen=True)
                )
        elif revision.verified:
            self._judge_member(revision, block.marks[index], place)
        if index is not None:
            self._see(revision.sequence_no, index, block)

    def _judge_member(self, revision: ArrivedRevision, mark: RevisionMark, place: BlockAddress) -> None:
        # The details of a revision always name its document: a block that calls it internal had the name taken out.
        if mark.label not in {revision.label, label_of(revision.transaction_id, revision.document_id)}:
            self.findings.append(
                rules.found(
                    AuditRule.CONTENTS_MISMATCH,
                    place,
                    f"the revision of document {revision.document_id} arrived under another transaction, document "
                    f"or table than block {place} says",
                    self.now,
                    subject=revision.hash.hex(),
                    document_id=revision.document_id,
                    revision_hash=revision.hash.hex(),
                )
            )
        if revision.deleted:
            self.findings.append(rules.document_deleted(place, revision.hash, revision.document_id, self.now))

    def _see(self, sequence_no: int, index: int, block: KnownBlock) -> None:
        awaited = self._awaited.get(sequence_no)
        if awaited is None or awaited.seen >> index & 1:
            self.duplicates += 1
            return
        if awaited.reported or self.now - awaited.since > self.patience.grace:
            mark = block.marks[index].short_hash
            self.findings.append(rules.missing_revision(self._at(sequence_no), mark, self.now, Status.HEALED))
        awaited = replace(awaited, seen=awaited.seen | 1 << index)
        self._awaited[sequence_no] = awaited
        if awaited.complete:
            del self._awaited[sequence_no]

    # What is overdue

    def _look_at_holes(self, segments: list[SegmentState]) -> Iterator[SegmentState]:
        previous_end = None
        for each in segments:
            begin = each.segment.begin
            if previous_end is not None and previous_end < begin and not self._all_explained(previous_end, begin):
                yield self._age_hole(each, previous_end)
            else:
                yield each
            previous_end = each.segment.end

    def _all_explained(self, first: int, end: int) -> bool:
        return end - first <= len(self._explained) and all(each in self._explained for each in range(first, end))

    def _age_hole(self, state: SegmentState, first: int) -> SegmentState:
        age = self.now - state.since
        for hole, limit, status in (
            (Hole.CONFIRMED, self.patience.confirm, Status.CONFIRMED),
            (Hole.OPEN, self.patience.grace, Status.OPEN),
        ):
            if age > limit:
                if state.hole in {Hole.CONFIRMED, hole}:
                    return state
                last = state.segment.begin - 1
                self.findings.append(rules.gap(self._at(state.hole_at), first, last, self.now, status))
                return replace(state, hole=hole)
        return state

    def _look_at_awaited(self) -> None:
        for sequence_no, awaited in list(self._awaited.items()):
            age = self.now - awaited.since
            block = self._marks.get(sequence_no) or self.known.get(sequence_no)
            if block is None or age <= self.patience.grace:
                continue
            given_up = age > self.patience.confirm
            if given_up or not awaited.reported:
                status = Status.CONFIRMED if given_up else Status.OPEN
                self.findings += (
                    rules.missing_revision(self._at(sequence_no), block.marks[index].short_hash, self.now, status)
                    for index in awaited.missing
                )
                self._awaited[sequence_no] = replace(awaited, reported=True)
            if given_up:
                del self._awaited[sequence_no]

    def _look_at_early(self) -> None:
        for revision in list(self._early.values()):
            age = self.now - revision.since
            if revision.sequence_no in self._explained:
                del self._early[_key_of(revision)]
            elif age > self.patience.grace:
                given_up = age > self.patience.confirm
                if revision.verified and (given_up or not revision.reported):
                    status = Status.CONFIRMED if given_up else Status.OPEN
                    place = self._at(revision.sequence_no)
                    self.findings.append(
                        rules.orphan_revision(
                            place, revision.hash, revision.document_id, self.now, block_seen=False, status=status
                        )
                    )
                self._early[_key_of(revision)] = replace(revision, reported=True)
                if given_up:
                    del self._early[_key_of(revision)]

    def _outcome(self, segments: tuple[SegmentState, ...]) -> Outcome:
        new = replace(
            self.state,
            segments=segments,
            awaited=self._awaited,
            early=tuple(self._early.values()),
            explained=_newest(self._explained),
        )
        check_bounds(new, self.bounds)
        runs = runs_of(self.state.strand_id, (self._marks[number] for number in sorted(self._marks)))
        changed = replace(new, version=self.state.version + 1) if new != self.state or runs else None
        return Outcome(changed, tuple(runs), tuple(self.findings), len(self._marks), self.duplicates)


def _key_of(revision: ArrivedRevision | EarlyRevision) -> _EarlyKey:
    """What makes two early revisions the same; a revision's hash covers neither its block nor its table."""
    return revision.sequence_no, revision.hash, revision.label, revision.verified


def check_bounds(state: StrandState, bounds: Bounds) -> None:
    """Raise ``UnavailableError`` where a state would no longer fit its one item: what is ahead must wait for the rest."""
    for what, held, limit in (
        ("segments with holes between them", len(state.segments), bounds.segments),
        ("blocks with revisions outstanding", len(state.awaited), bounds.awaited),
        ("revisions without their block", len(state.early), bounds.early),
        ("bytes of what is verified and what is awaited", weight_of(state), bounds.size_bytes),
    ):
        if held > limit:
            raise UnavailableError(f"strand {state.strand_id} would hold {held} {what}; at most {limit} are held")


def _newest(explained: dict[int, str]) -> dict[int, str]:
    """The places kept: beyond the bound the oldest go, forks last of all, since a fork is what nobody may push out.

    A place that is forgotten costs no more than a finding that explains itself.
    """
    if len(explained) <= MAX_EXPLAINED:
        return explained
    kept = sorted(explained, key=lambda place: (explained[place] == AuditRule.FORK, place))[-MAX_EXPLAINED:]
    return {place: explained[place] for place in sorted(kept)}


def due(state: StrandState, patience: Patience, now: datetime) -> set[int]:
    """Blocks whose marks are needed because revisions of theirs are overdue."""
    return {sequence_no for sequence_no, each in state.awaited.items() if now - each.since > patience.grace}
