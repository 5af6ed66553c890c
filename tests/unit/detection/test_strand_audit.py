"""Blocks and revisions against what is known of their strand: the edges."""

import pytest

from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Status
from counterfoil.detection.strand import Bounds, known_block_of, runs_of
from counterfoil.detection.strand_audit import RejectedBlock
from counterfoil.errors import UnavailableError
from counterfoil.journal import BlockAddress, digest_of
from tests.audit_worlds import StrandWorld, revisions_of, said, verified, verified_fields
from tests.journals import STRAND, copy_of, journal_of, rehash, rehash_from, transfer, transfers


@pytest.fixture(scope="module")
def journal():
    return transfers(12)


@pytest.fixture(scope="module")
def blocks(journal):
    return journal.blocks


def forged(block):
    """Another block for the same place: re-hashed competently, linked to the same block before."""
    fields = copy_of(block.fields)
    fields["transactionInfo"]["statements"][0]["statement"] = "SELECT 1"
    return verified_fields(rehash(fields))


def at(sequence_no):
    return f"{STRAND}#{sequence_no}"


# Order --------------------------------------------------------------------------------------------------------------


def test_blocks_in_order_are_one_segment_with_the_builders_digest(journal, blocks):
    world = StrandWorld()
    for block in blocks:
        assert said(world.take(block, whole=True)) == []
    assert world.ranges == [(0, 12)]
    assert digest_of(world.state.head) == journal.builder.digest()
    assert not world.state.awaited
    assert not world.state.early


def test_blocks_in_reverse_come_to_the_same_head(journal, blocks):
    world = StrandWorld()
    for block in reversed(blocks):
        assert said(world.take(block, whole=True)) == []
    assert world.ranges == [(0, 12)]
    assert digest_of(world.state.head) == journal.builder.digest()


def test_islands_join_when_the_blocks_between_them_come(blocks):
    world = StrandWorld()
    world.take(blocks[0], blocks[4], blocks[8])
    assert world.ranges == [(0, 1), (4, 5), (8, 9)]
    world.take(blocks[5], blocks[3], blocks[7])
    assert world.ranges == [(0, 1), (3, 6), (7, 9)]
    outcome = world.take(blocks[1], blocks[2], blocks[6])
    assert world.ranges == [(0, 9)]
    assert [(run.first, len(run.blocks)) for run in outcome.runs] == [(1, 2), (6, 1)]


def test_a_strand_that_was_not_seen_from_its_start_has_a_head_but_no_digest(blocks):
    world = StrandWorld()
    world.take(*blocks[5:])
    assert world.ranges == [(5, 12)]
    assert digest_of(world.state.head) is None


def test_a_repeated_block_or_revision_changes_nothing(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], whole=True)
    before = world.state
    outcome = world.take(*blocks[:3], whole=True)
    assert outcome.state is None
    assert (outcome.new_blocks, outcome.duplicates, outcome.findings, outcome.runs) == (0, 6, (), ())
    assert world.state is before


def test_a_block_twice_in_one_batch_is_taken_once(blocks):
    outcome = StrandWorld().take(blocks[0], blocks[0])
    assert (outcome.new_blocks, outcome.duplicates) == (1, 1)


def test_nothing_at_all_leaves_the_state_alone():
    outcome = StrandWorld().take()
    assert outcome == (None, (), (), 0, 0)


# Forks --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("present", "place"),
    [
        pytest.param(range(6), 5, id="of the head"),
        pytest.param(range(6), 0, id="of the first block"),
        pytest.param(range(6), 2, id="of an old block"),
        pytest.param([0, 1, 5, 6, 7], 6, id="of a block in an island"),
        pytest.param([0, 1, 5, 6, 7], 5, id="of the first block of an island"),
    ],
)
def test_a_second_block_at_a_place_is_a_fork_and_the_first_one_stays(blocks, present, place):
    world = StrandWorld()
    world.take(*(blocks[number] for number in present))
    ranges = world.ranges
    other = forged(blocks[place])
    outcome = world.take(other)
    assert said(outcome) == [("fork", at(place), "OPEN")]
    evidence = outcome.findings[0].evidence
    assert evidence["verified_hash"] == str(blocks[place].block_hash)
    assert evidence["other_hash"] == str(other.block_hash)
    assert evidence["quarantined"] == "quarantine/1"
    assert world.ranges == ranges
    assert world.known[place] == known_block_of(verified(blocks[place]))
    assert world.state.diverged_at == place


def test_two_blocks_for_one_place_in_one_batch_are_a_fork(blocks):
    world = StrandWorld()
    outcome = world.take(blocks[0], blocks[1], forged(blocks[1]), blocks[2])
    assert said(outcome) == [("fork", at(1), "OPEN")]
    assert world.ranges == [(0, 3)]


def test_the_same_fork_again_is_the_same_finding_and_another_fork_another(blocks):
    world = StrandWorld()
    world.take(*blocks[:3])
    fields = copy_of(blocks[1].fields)
    fields["transactionInfo"]["statements"][0]["statement"] = "SELECT 2"
    ids = [
        world.take(each).findings[0].finding_id
        for each in (forged(blocks[1]), forged(blocks[1]), verified_fields(rehash(fields)))
    ]
    assert ids[0] == ids[1] != ids[2]


def test_a_fork_goes_on_being_checked_block_by_block(blocks):
    """A forger who re-hashes everything from a place on: each of his blocks is a fork, no further alarm comes of their links."""
    world = StrandWorld()
    world.take(*blocks[:6])
    branch = [copy_of(block.fields) for block in blocks[:6]]
    branch[3]["transactionInfo"]["statements"][0]["statement"] = "SELECT 1"
    outcome = world.take(*map(verified_fields, rehash_from(branch, 3)[3:]))
    assert said(outcome) == [("fork", at(3), "OPEN"), ("fork", at(4), "OPEN"), ("fork", at(5), "OPEN")]
    assert said(world.take(blocks[6])) == []
    assert world.ranges == [(0, 7)]


def test_revisions_of_a_forged_block_need_no_finding_of_their_own(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], whole=True)
    fields = copy_of(blocks[1].fields)
    fields["revisions"][0]["data"]["amount"] += 1
    fields = rehash(fields)
    theirs = revisions_of(blocks[1])[0]._replace(hash=fields["revisions"][0]["hash"])
    assert said(world.take(verified_fields(fields), revisions=[theirs])) == [("fork", at(1), "OPEN")]
    assert said(world.take(revisions=[theirs])) == []


# Broken links -------------------------------------------------------------------------------------------------------


def test_a_block_that_does_not_follow_is_one_finding_and_begins_a_new_segment(blocks):
    world = StrandWorld()
    world.take(*blocks[:3])
    outcome = world.take(forged(blocks[3]), blocks[4], blocks[5])
    assert said(outcome) == [("broken-link", at(4), "OPEN")]
    assert outcome.findings[0].evidence["expected"] == str(forged(blocks[3]).block_hash)
    assert outcome.findings[0].evidence["found"] == str(blocks[3].block_hash)
    assert world.ranges == [(0, 4), (4, 6)]
    assert world.state.diverged_at == 4


def test_a_broken_link_is_not_reported_twice(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], forged(blocks[3]), blocks[4])
    for block in blocks[5:9]:
        assert said(world.take(block)) == []
    assert "broken-link" not in str(said(world.wait(10_000)))
    assert world.ranges == [(0, 4), (4, 9)]


def test_a_forged_block_between_two_islands_breaks_the_link_to_the_right(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], *blocks[4:6])
    assert said(world.take(forged(blocks[3]))) == [("broken-link", at(4), "OPEN")]
    assert world.ranges == [(0, 4), (4, 6)]


def test_a_forged_block_that_fits_neither_side_breaks_both_links(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], *blocks[4:6])
    fields = rehash(blocks[3].fields, previous=b"\7" * 32)
    outcome = world.take(verified_fields(fields))
    assert said(outcome) == [("broken-link", at(3), "OPEN"), ("broken-link", at(4), "OPEN")]
    assert world.ranges == [(0, 3), (3, 4), (4, 6)]


def test_a_chain_that_bound_its_headers_must_go_on_doing_so(blocks):
    loose = rehash(
        {**copy_of(blocks[3].fields), "entriesHashList": [b"\0" * 32, *blocks[3].fields["entriesHashList"][1:]]},
        bind_header=False,
    )
    world = StrandWorld()
    world.take(*blocks[:3])
    outcome = world.take(verified_fields(loose))
    assert said(outcome) == [("broken-link", at(3), "OPEN")]
    assert outcome.findings[0].evidence["expected"] == "header bound"


# Time ---------------------------------------------------------------------------------------------------------------


def backwards():
    """Twelve blocks, of which number 6 was committed before number 5."""
    return journal_of([transfer(number) if number != 6 else early(number) for number in range(12)]).blocks


def early(number):
    made = transfer(number)
    before = transfer(number - 2).committed_at
    return type(made)(made.transaction_id, before, before, made.statements, made.changes)


def test_a_block_committed_before_its_predecessor_is_a_clock_regression():
    world = StrandWorld()
    outcome = world.take(*backwards())
    assert said(outcome) == [("clock-regression", at(6), "OPEN")]
    assert world.ranges == [(0, 12)]
    assert world.state.diverged_at is None


@pytest.mark.parametrize("last", [5, 6])
def test_a_clock_regression_is_seen_where_two_islands_join(last):
    made = backwards()
    world = StrandWorld()
    rest = [block for block in made if block.address.sequence_no != last]
    assert said(world.take(*rest[:last], *rest[last:])) == []
    assert said(world.take(made[last])) == [("clock-regression", at(6), "OPEN")]


def test_two_blocks_of_one_instant_are_no_clock_regression():
    first = transfer(0)
    made = transfer(1)
    same = type(made)(made.transaction_id, first.tx_time, first.committed_at, made.statements, made.changes)
    assert said(StrandWorld().take(*journal_of([first, same]).blocks)) == []


# Blocks that do not verify ------------------------------------------------------------------------------------------


def rejection(sequence_no):
    return RejectedBlock(sequence_no, AuditRule.CONTENTS_MISMATCH)


def test_the_hole_of_a_rejected_block_and_its_revisions_need_no_finding_of_their_own(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], *blocks[4:6], rejected=[rejection(3)], revisions=revisions_of(blocks[3]))
    assert world.state.diverged_at == 3
    assert not world.state.early
    assert "gap" not in str(said(world.wait(10_000)))
    assert "orphan" not in str(said(world.wait(10_000)))


def test_a_hole_that_is_only_in_part_a_rejected_block_is_still_a_gap(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], *blocks[5:6], rejected=[rejection(3)])
    assert ("gap", at(5), "OPEN") in said(world.wait(61))


def test_early_revisions_of_a_block_that_is_then_rejected_are_let_go(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], whole=True)
    world.take(revisions=revisions_of(blocks[3]))
    assert len(world.state.early) == 1
    assert said(world.take(rejected=[rejection(3)])) == []
    assert not world.state.early


def test_the_honest_copy_of_a_rejected_block_makes_the_strand_whole(journal, blocks):
    world = StrandWorld()
    world.take(*blocks[:3], *blocks[4:], rejected=[rejection(3)], whole=True)
    assert said(world.take(blocks[3], whole=True)) == []
    assert world.state.diverged_at is None
    assert digest_of(world.state.head) == journal.builder.digest()
    assert said(world.wait(10_000)) == []


def test_a_damaged_copy_of_a_verified_block_takes_nothing_from_it(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], whole=True)
    assert world.take(rejected=[rejection(1)]).state is None
    assert world.state.diverged_at is None


def test_a_damaged_and_an_honest_copy_in_one_batch_are_the_honest_one(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], rejected=[rejection(1)], whole=True)
    assert world.ranges == [(0, 3)]
    assert world.state.diverged_at is None


# Revisions ----------------------------------------------------------------------------------------------------------


def test_a_revision_may_come_before_its_block(blocks):
    world = StrandWorld()
    assert said(world.take(revisions=revisions_of(blocks[1]))) == []
    assert said(world.take(blocks[0], whole=True)) == []
    assert said(world.take(blocks[1])) == []
    assert not world.state.early
    assert not world.state.awaited


def test_a_revision_that_its_block_does_not_list_is_an_orphan(blocks):
    world = StrandWorld()
    world.take(blocks[1], whole=True)
    stranger = revisions_of(blocks[2])[0]._replace(sequence_no=1)
    assert said(world.take(revisions=[stranger])) == [("orphan-revision", at(1), "OPEN")]


def test_an_early_revision_that_its_block_does_not_list_is_an_orphan_too(blocks):
    world = StrandWorld()
    stranger = revisions_of(blocks[2])[0]._replace(sequence_no=1)
    assert said(world.take(revisions=[stranger])) == []
    assert said(world.take(blocks[1], whole=True)) == [("orphan-revision", at(1), "OPEN")]


@pytest.mark.parametrize("revision_first", [True, False])
def test_a_revision_under_another_table_contradicts_its_block(blocks, revision_first):
    world = StrandWorld()
    claims = revisions_of(blocks[1], table_name="Archive")
    steps = [lambda: world.take(revisions=claims), lambda: world.take(blocks[1])]
    outcomes = [step() for step in (steps if revision_first else reversed(steps))]
    assert [said(each) for each in outcomes] == [[], [("contents-mismatch", at(1), "OPEN")]]
    assert not world.state.awaited


def test_an_early_revision_does_not_hide_its_copy_under_another_table(blocks):
    world = StrandWorld()
    world.take(revisions=revisions_of(blocks[1]))
    world.take(revisions=revisions_of(blocks[1], table_name="Archive"))
    assert said(world.take(blocks[1])) == [("contents-mismatch", at(1), "OPEN")]


def test_an_early_revision_does_not_hide_its_copy_that_claims_another_block(blocks):
    """A revision's hash covers its metadata and data, not its block: the same hash may claim two places."""
    world = StrandWorld()
    honest = revisions_of(blocks[1])[0]
    world.take(revisions=[honest._replace(sequence_no=2), honest])
    assert said(world.take(blocks[1])) == []
    assert not world.state.awaited
    assert said(world.take(blocks[2], whole=True)) == [("orphan-revision", at(2), "OPEN")]


def test_a_revision_whose_hash_does_not_hold_was_reported_and_counts_as_arrived(blocks):
    world = StrandWorld()
    world.take(*blocks[:2], revisions=[*revisions_of(blocks[0]), *revisions_of(blocks[1], verified=False)])
    assert not world.state.awaited
    assert said(world.wait(10_000)) == []


def test_a_revision_with_a_false_hash_is_matched_by_document_and_table(blocks):
    world = StrandWorld()
    lying = revisions_of(blocks[1], verified=False)[0]._replace(hash=b"\1" * 32)
    assert said(world.take(blocks[1], revisions=[lying])) == []
    assert not world.state.awaited


def test_a_deletion_is_said_when_its_block_confirms_it():
    base = transfer(1)
    deletes = type(base.changes[0])(base.changes[0].document_id, 1, "Transactions", base.changes[0].table_id, None)
    made = journal_of([transfer(0), type(base)(base.transaction_id, base.tx_time, base.committed_at, (), (deletes,))])
    world = StrandWorld()
    assert said(world.take(revisions=revisions_of(made.blocks[1]))) == []
    assert said(world.take(*made.blocks)) == [("document-deleted", at(1), "OPEN")]


# Bounds -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "what"),
    [
        (Bounds(segments=2), "segments with holes"),
        (Bounds(awaited=2), "blocks with revisions outstanding"),
        (Bounds(early=2), "revisions without their block"),
    ],
)
def test_a_batch_beyond_a_bound_is_refused_for_now_and_changes_nothing(blocks, bounds, what):
    world = StrandWorld(bounds=bounds)
    held = [blocks[0], blocks[2]]
    early = [*revisions_of(blocks[7]), *revisions_of(blocks[8])]
    world.take(*held, revisions=early)
    before, known = world.state, dict(world.known)
    with pytest.raises(UnavailableError, match=what):
        world.take(blocks[5], revisions=revisions_of(blocks[9]))
    assert (world.state, world.known) == (before, known)
    assert said(world.take(blocks[1], *held, whole=True)) == [], "what makes room is taken"


def test_a_bound_that_is_reached_is_not_yet_passed(blocks):
    world = StrandWorld(bounds=Bounds(segments=3, awaited=3, early=3))
    world.take(blocks[0], blocks[2], blocks[4], revisions=[r for b in blocks[6:9] for r in revisions_of(b)])
    assert (len(world.state.segments), len(world.state.awaited), len(world.state.early)) == (3, 3, 3)


def test_places_that_explain_themselves_are_forgotten_from_the_oldest():
    world = StrandWorld()
    world.take(rejected=[rejection(number) for number in range(1_500)])
    assert sorted(world.state.explained) == list(range(500, 1_500))


# Values -------------------------------------------------------------------------------------------------------------


def test_runs_are_cut_where_a_number_is_missing(blocks):
    known = [known_block_of(verified(blocks[number])) for number in (1, 2, 3, 7, 9, 10)]
    assert [(run.first, len(run.blocks)) for run in runs_of(STRAND, known)] == [(1, 3), (7, 1), (9, 2)]
    assert runs_of(STRAND, []) == []


def test_a_state_knows_what_it_covers_and_where_its_holes_are(blocks):
    world = StrandWorld()
    world.take(*blocks[:2], *blocks[4:6])
    assert [number for number in range(8) if world.state.covers(number)] == [0, 1, 4, 5]
    assert [(first, behind.segment.begin) for first, behind in world.state.holes()] == [(2, 4)]
    assert world.state.head.tip == BlockAddress(STRAND, 1)


def test_a_status_only_moves_on():
    assert [status.rank for status in (Status.OPEN, Status.CONFIRMED, Status.HEALED)] == [0, 1, 2]
