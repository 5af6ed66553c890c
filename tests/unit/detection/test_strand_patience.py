"""What is missing: silent within the grace period, then reported, healed when it comes, confirmed when it does not."""

import pytest

from counterfoil.detection.strand import Hole
from tests.audit_worlds import StrandWorld, revisions_of, said, verified_fields
from tests.journals import STRAND, copy_of, rehash, transfers

GAP = "gap"


@pytest.fixture(scope="module")
def blocks():
    return transfers(12).blocks


def at(sequence_no):
    return f"{STRAND}#{sequence_no}"


def with_hole(blocks, missing):
    world = StrandWorld()
    world.take(*(block for block in blocks if block.address.sequence_no not in missing), whole=True)
    return world


# Gaps ---------------------------------------------------------------------------------------------------------------


def test_a_gap_is_silent_until_its_grace_is_over(blocks):
    world = with_hole(blocks, {5})
    assert said(world.wait(60)) == []
    assert said(world.wait(1)) == [(GAP, at(6), "OPEN")]
    assert said(world.wait(1)) == []


def test_a_gap_that_closes_within_grace_is_never_mentioned(blocks):
    world = with_hole(blocks, {5})
    world.wait(60)
    assert said(world.take(blocks[5], whole=True)) == []
    assert said(world.wait(10_000)) == []


def test_a_reported_gap_is_healed_when_its_blocks_come(blocks):
    world = with_hole(blocks, {4, 5})
    assert said(world.wait(61)) == [(GAP, at(6), "OPEN")]
    assert said(world.take(blocks[4], whole=True)) == []
    assert said(world.take(blocks[5], whole=True)) == [(GAP, at(6), "HEALED")]
    assert world.ranges == [(0, 12)]


def test_a_gap_is_confirmed_once_and_may_still_heal(blocks):
    world = with_hole(blocks, {5})
    world.wait(61)
    assert said(world.wait(838)) == []
    assert said(world.wait(2)) == [(GAP, at(6), "CONFIRMED")]
    assert said(world.wait(1)) == []
    assert said(world.take(blocks[5], whole=True)) == [(GAP, at(6), "HEALED")]


def test_a_gap_that_nobody_looked_at_for_long_is_confirmed_at_once(blocks):
    world = with_hole(blocks, {5})
    assert said(world.wait(10_000)) == [(GAP, at(6), "CONFIRMED")]


def test_a_gap_that_heals_unseen_is_said_to_be_healed_in_case_it_was_recorded(blocks):
    """A crash between recording an open gap and saving that it was reported must not leave it open."""
    world = with_hole(blocks, {5})
    world.now += (world.patience.grace * 2) - world.patience.grace / 2
    assert said(world.take(blocks[5], whole=True)) == [(GAP, at(6), "HEALED")]


def test_a_gap_keeps_its_name_while_it_shrinks(blocks):
    world = with_hole(blocks, {3, 4, 5})
    assert said(world.wait(61)) == [(GAP, at(6), "OPEN")]
    assert said(world.take(blocks[5], whole=True)) == []
    assert said(world.take(blocks[3], whole=True)) == []
    assert said(world.wait(900)) == [(GAP, at(6), "CONFIRMED")]
    assert said(world.take(blocks[4], whole=True)) == [(GAP, at(6), "HEALED")]


def test_a_block_in_the_middle_of_a_gap_makes_two_of_it(blocks):
    world = with_hole(blocks, {3, 4, 5})
    world.wait(61)
    world.take(blocks[4], whole=True)
    assert said(world.wait(61)) == [(GAP, at(4), "OPEN")]
    assert said(world.take(blocks[5], whole=True)) == [(GAP, at(6), "HEALED")]
    assert said(world.take(blocks[3], whole=True)) == [(GAP, at(4), "HEALED")]


def test_a_gap_filled_by_a_block_that_does_not_link_is_no_gap_any_more(blocks):
    world = with_hole(blocks, {5})
    world.wait(61)
    stranger = verified_fields(rehash(blocks[5].fields, previous=b"\7" * 32))
    found = said(world.take(stranger))
    assert sorted(found) == [
        ("broken-link", at(5), "OPEN"),
        ("broken-link", at(6), "OPEN"),
        (GAP, at(6), "HEALED"),
    ]
    assert GAP not in str(said(world.wait(10_000)))


def test_a_gap_filled_by_the_successor_of_a_forged_block_is_healed(blocks):
    """The block links with what follows it and not with what comes before: it joins from the right only."""
    world = StrandWorld()
    forged = copy_of(blocks[4].fields)
    forged["transactionInfo"]["statements"][0]["statement"] = "SELECT 1"
    world.take(*blocks[:4], verified_fields(rehash(forged)), *blocks[6:])
    world.wait(61)
    assert sorted(said(world.take(blocks[5]))) == [("broken-link", at(5), "OPEN"), (GAP, at(6), "HEALED")]
    assert world.ranges == [(0, 5), (5, 12)]


def test_several_gaps_age_each_by_itself(blocks):
    world = with_hole(blocks, {3, 7})
    world.wait(30)
    world.take(blocks[7], whole=True)
    assert said(world.wait(31)) == [(GAP, at(4), "OPEN")]


def test_blocks_from_before_the_first_one_seen_open_a_gap_that_is_as_young_as_they_are(blocks):
    """A strand read from its fifth block on for hours, then a block from before: what is between was not missing until now."""
    world = StrandWorld()
    world.take(*blocks[5:], whole=True)
    world.wait(10_000)
    assert said(world.take(blocks[3], whole=True)) == []
    assert said(world.wait(61)) == [(GAP, at(5), "OPEN")]
    assert said(world.take(blocks[4], whole=True)) == [(GAP, at(5), "HEALED")]
    assert world.ranges == [(3, 12)]


def test_what_comes_before_the_first_block_seen_is_not_missing(blocks):
    world = StrandWorld()
    world.take(*blocks[5:], whole=True)
    assert said(world.wait(10_000)) == []


def test_a_block_far_ahead_is_held_like_any_other(blocks):
    address = {"strandId": STRAND, "sequenceNo": 2**63 - 1}
    fields = {**copy_of(blocks[5].fields), "blockAddress": address}
    fields["revisions"][0]["blockAddress"] = address
    world = StrandWorld()
    world.take(*blocks[:3], verified_fields(rehash(fields)))
    assert world.ranges == [(0, 3), (2**63 - 1, 2**63)]
    outcome = world.wait(61)
    gaps = [each for each in outcome.findings if each.rule_id == "audit.gap"]
    assert [each.evidence["count"] for each in gaps] == [str(2**63 - 4)]


def test_the_state_of_a_hole_is_kept(blocks):
    world = with_hole(blocks, {5})
    states = [world.state.segments[1].hole]
    world.wait(61)
    states.append(world.state.segments[1].hole)
    world.wait(900)
    assert [*states, world.state.segments[1].hole] == [Hole.HELD, Hole.OPEN, Hole.CONFIRMED]


# Revisions that are missing -----------------------------------------------------------------------------------------


def test_a_missing_revision_is_silent_then_reported_then_confirmed(blocks):
    world = StrandWorld()
    world.take(*blocks[:2], revisions=revisions_of(blocks[0]))
    assert said(world.wait(60)) == []
    assert world.due() == set()
    assert said(world.wait(1)) == [("missing-revision", at(1), "OPEN")]
    assert world.due() == {1}
    assert said(world.wait(1)) == []
    assert said(world.wait(900)) == [("missing-revision", at(1), "CONFIRMED")]
    assert said(world.wait(900)) == []
    assert not world.state.awaited


def test_a_missing_revision_is_healed_when_it_comes(blocks):
    world = StrandWorld()
    world.take(*blocks[:2], revisions=revisions_of(blocks[0]))
    opened = world.wait(61).findings[0]
    healed = world.take(revisions=revisions_of(blocks[1])).findings[0]
    assert opened.finding_id == healed.finding_id
    assert str(healed.status) == "HEALED"
    assert said(world.wait(10_000)) == []


def test_what_is_overdue_waits_for_the_marks_of_its_block(blocks):
    world = StrandWorld()
    world.take(*blocks[:2], revisions=revisions_of(blocks[0]))
    known, world.known = world.known, {}
    assert said(world.wait(10_000)) == []
    assert set(world.state.awaited) == {1}
    world.known = known
    assert said(world.take()) == [("missing-revision", at(1), "CONFIRMED")]


# Revisions that have no block ---------------------------------------------------------------------------------------


def test_an_orphan_is_silent_then_reported_then_confirmed_and_let_go(blocks):
    world = StrandWorld()
    world.take(blocks[0], whole=True)
    world.take(revisions=revisions_of(blocks[1]))
    assert said(world.wait(60)) == []
    assert said(world.wait(1)) == [("orphan-revision", at(1), "OPEN")]
    assert said(world.wait(1)) == []
    assert said(world.wait(900)) == [("orphan-revision", at(1), "CONFIRMED")]
    assert not world.state.early
    assert said(world.wait(900)) == []


def test_an_orphan_is_healed_when_its_block_comes(blocks):
    world = StrandWorld()
    world.take(blocks[0], whole=True)
    world.take(revisions=revisions_of(blocks[1]))
    opened = world.wait(61).findings[0]
    outcome = world.take(blocks[1])
    assert said(outcome) == [("orphan-revision", at(1), "HEALED")]
    assert outcome.findings[0].finding_id == opened.finding_id
    assert not world.state.awaited


def test_an_orphan_whose_hash_did_not_hold_was_reported_already(blocks):
    world = StrandWorld()
    world.take(revisions=revisions_of(blocks[1], verified=False))
    assert said(world.wait(10_000)) == []
    assert not world.state.early
