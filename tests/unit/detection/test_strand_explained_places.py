"""Places that explain themselves, being forked or rejected: which holes they excuse, and which of them are forgotten first."""

import pytest

from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.strand_audit import RejectedBlock
from tests.audit_worlds import StrandWorld, said, verified_fields
from tests.journals import STRAND, copy_of, rehash, transfers


@pytest.fixture(scope="module")
def blocks():
    return transfers(12).blocks


def rejections(*sequence_nos):
    return [RejectedBlock(number, AuditRule.CONTENTS_MISMATCH) for number in sequence_nos]


def test_a_rejected_block_elsewhere_does_not_excuse_a_hole(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], *blocks[5:6], rejected=rejections(3, 9))
    assert ("gap", f"{STRAND}#5", "OPEN") in said(world.wait(61))


def test_rejected_blocks_side_by_side_excuse_the_whole_hole(blocks):
    world = StrandWorld()
    world.take(*blocks[:3], *blocks[5:6], rejected=rejections(3, 4))
    assert "gap" not in str(said(world.wait(10_000)))


def test_a_fork_is_not_pushed_out_by_blocks_that_do_not_verify(blocks):
    fields = copy_of(blocks[2].fields)
    fields["transactionInfo"]["statements"][0]["statement"] = "SELECT 1"
    world = StrandWorld()
    world.take(*blocks[:6], verified_fields(rehash(fields)))
    world.take(rejected=rejections(*range(10, 1_510)))
    assert world.state.diverged_at == 2
