"""A person vouches for a chain that diverged: what that makes whole, and what it does not."""

import pytest

from counterfoil.detection.acceptance import accept
from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.strand_audit import RejectedBlock
from counterfoil.errors import IntegrityError
from counterfoil.journal import digest_of
from tests.audit_worlds import StrandWorld, said, verified_fields
from tests.journals import copy_of, rehash, transfers


@pytest.fixture(scope="module")
def blocks():
    return transfers(12).blocks


def forged(block):
    fields = copy_of(block.fields)
    fields["transactionInfo"]["statements"][0]["statement"] = "SELECT 1"
    return verified_fields(rehash(fields))


def ranges(state):
    return [(each.segment.begin, each.segment.end) for each in state.segments]


def test_a_broken_link_that_is_accepted_makes_one_chain_that_grows_on(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], forged(blocks[3]), *blocks[4:6])
    accepted = accept(world.state, 4)
    assert ranges(accepted) == [(0, 6)]
    assert accepted.diverged_at is None
    assert accepted.version == world.state.version + 1
    world.state = accepted
    assert said(world.take(blocks[6])) == []
    assert world.ranges == [(0, 7)]
    assert digest_of(world.state.head) is not None


def test_a_gap_that_is_accepted_sets_aside_what_came_before(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], *blocks[5:8])
    accepted = accept(world.state, 5)
    assert ranges(accepted) == [(5, 8)]
    assert digest_of(accepted.head) is None


def test_only_the_place_that_is_named_is_accepted(blocks):
    world = StrandWorld()
    world.take(*blocks[:2], forged(blocks[2]), *blocks[3:5], forged(blocks[5]), *blocks[6:8])
    assert ranges(world.state) == [(0, 3), (3, 5), (5, 6), (6, 8)] or ranges(world.state) == [(0, 3), (3, 6), (6, 8)]
    assert world.state.diverged_at == 3
    accepted = accept(world.state, 6)
    assert accepted.diverged_at == 3
    assert accept(accepted, 3).diverged_at is None


def test_a_fork_that_is_accepted_leaves_the_block_that_was_verified_first(blocks):
    world = StrandWorld()
    world.take(*blocks[:6])
    world.take(forged(blocks[2]))
    assert world.state.diverged_at == 2
    accepted = accept(world.state, 2)
    assert accepted.diverged_at is None
    assert accepted.segments == world.state.segments


def test_of_two_forks_only_the_one_that_is_named_is_accepted(blocks):
    world = StrandWorld()
    world.take(*blocks[:6])
    world.take(forged(blocks[2]), forged(blocks[4]))
    assert accept(world.state, 2).diverged_at == 4


def test_the_first_block_may_be_one_that_was_rejected(blocks):
    world = StrandWorld()
    world.take(*blocks[1:4], rejected=[RejectedBlock(0, AuditRule.CONTENTS_MISMATCH)])
    assert world.state.diverged_at == 0
    accepted = accept(world.state, 1)
    assert accepted.diverged_at is None
    assert ranges(accepted) == [(1, 4)]


def test_a_rejected_block_is_accepted_at_the_block_behind_it(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], *blocks[4:6], rejected=[RejectedBlock(3, AuditRule.CONTENTS_MISMATCH)])
    assert accept(world.state, 4).diverged_at is None


@pytest.mark.parametrize("sequence_no", [-1, 0, 2, 3, 5, 12, 2**63])
def test_there_is_nothing_to_accept_where_nothing_is_broken(blocks, sequence_no):
    world = StrandWorld()
    world.take(*blocks[:3], forged(blocks[3]), *blocks[4:6])
    with pytest.raises(IntegrityError, match="nothing to accept"):
        accept(world.state, sequence_no)


def test_a_whole_strand_has_nothing_to_accept(blocks):
    world = StrandWorld()
    world.take(*blocks)
    with pytest.raises(IntegrityError, match="nothing to accept"):
        accept(world.state, 0)


def test_a_replay_of_what_was_set_aside_does_not_undo_the_acceptance(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], *blocks[5:8], whole=True)
    world.state = accept(world.state, 5)
    world.take(blocks[1], whole=True)
    assert world.state.head.begin == 5
    assert said(world.wait(10_000)) == []
