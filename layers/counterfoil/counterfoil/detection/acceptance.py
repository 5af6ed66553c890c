"""What a person's word does to a strand that diverged: the chain counts as whole again, the findings stay."""

from __future__ import annotations

from dataclasses import replace

from counterfoil.detection.strand import SegmentState, StrandState
from counterfoil.errors import IntegrityError


def accept(state: StrandState, sequence_no: int) -> StrandState:
    """A person vouches for the chain at ``sequence_no``; the strand is whole from there on.

    A broken link there is joined as it is. Where blocks are missing before it, what came earlier is set aside: the head then begins
    at that block and has no digest from block 0. Of a fork the block that was verified first stands. Findings stay. Raises
    ``IntegrityError`` where nothing is to be accepted.
    """
    for index, each in enumerate(state.segments[1:], start=1):
        if each.segment.begin == sequence_no:
            left = state.segments[index - 1]
            kept = state.segments[index + 1 :]
            if left.segment.end == sequence_no:
                merged = replace(left, segment=left.segment.followed_by(each.segment))
                return _accepted(state, (*state.segments[: index - 1], merged, *kept), sequence_no)
            return _accepted(state, (each, *kept), sequence_no)
    if _forked_at(state, sequence_no) or _begins_behind_a_rejected_block(state, sequence_no):
        return _accepted(state, state.segments, sequence_no)
    raise IntegrityError(f"strand {state.strand_id} is not broken at block {sequence_no}: there is nothing to accept")


def _forked_at(state: StrandState, sequence_no: int) -> bool:
    return sequence_no in state.explained and state.covers(sequence_no)


def _begins_behind_a_rejected_block(state: StrandState, sequence_no: int) -> bool:
    begins = any(each.segment.begin == sequence_no for each in state.segments[:1])
    return begins and any(place < sequence_no for place in state.explained)


def _accepted(state: StrandState, segments: tuple[SegmentState, ...], sequence_no: int) -> StrandState:
    explained = {place: rule for place, rule in state.explained.items() if place > sequence_no}
    return replace(state, version=state.version + 1, segments=segments, explained=explained)
