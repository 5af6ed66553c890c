"""Bytes that nobody should send: kept, reported, and never at the cost of a neighbour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.detection.audit_rules import MAX_EVIDENCE
from counterfoil.ports import quarantine_name
from tests.audit_worlds import AuditWorld
from tests.damage import damaged
from tests.hostile_records import PART_UNREADABLE, UNREADABLE, honest_datas, odd_values, streamed
from tests.journals import STRAND, transfers

UNREADABLE_RULE = "audit.unreadable-record"


def place_of(data):
    return f"bytes-{quarantine_name(data).partition('/')[2]}"


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_kept_and_reported_and_its_neighbours_are_taken(name):
    data = UNREADABLE[name]
    world = AuditWorld()
    honest = honest_datas()
    report = world.deliver([*honest[:3], data, *honest[3:]])
    assert report.failed_index is None
    assert world.found() == [(UNREADABLE_RULE, place_of(data), "OPEN")]
    assert world.quarantine.kept == {quarantine_name(data): data}
    assert (world.state().head.begin, world.state().head.end) == (0, 3)
    assert not world.state().awaited
    [finding] = report.findings
    assert finding.evidence["quarantined"] == quarantine_name(data)
    assert finding.evidence["size_bytes"] == str(len(data))
    assert 0 < len(finding.reason) <= MAX_EVIDENCE
    assert len(finding.finding_id.encode()) < 2_048


def test_unreadable_bytes_that_come_again_are_the_same_finding():
    world = AuditWorld()
    for _ in range(3):
        assert world.deliver([b"rubbish", b"rubbish"]).quarantined == 2
    assert len(world.findings.findings) == 1
    assert len(world.quarantine.kept) == 1


@pytest.mark.parametrize("name", PART_UNREADABLE)
def test_of_a_frame_only_the_user_record_that_cannot_be_read_is_kept(name):
    frame, rubbish = PART_UNREADABLE[name]
    world = AuditWorld()
    report = world.deliver([frame])
    assert [each for each in world.found() if each[0] == UNREADABLE_RULE] == [
        (UNREADABLE_RULE, place_of(rubbish), "OPEN")
    ]
    assert world.quarantine.kept == {quarantine_name(rubbish): rubbish}
    assert report.blocks_verified == 1


def test_a_block_with_values_of_every_kind_is_taken_like_any_other():
    block = odd_values()
    world = AuditWorld()
    world.deliver([record.data for record in streamed(block).records])
    assert world.found() == []
    state = world.state(block.address.strand_id)
    assert state.head.last_hash == block.block_hash
    assert not state.awaited


def test_strands_never_seen_before_begin_where_they_begin():
    world = AuditWorld()
    world.deliver([record.data for block in transfers(9).blocks[6:] for record in streamed(block).records])
    assert (world.state().head.begin, world.state().head.end) == (6, 9)
    assert world.wait(10_000).findings == []


@pytest.mark.parametrize("count", [1, 100])
def test_a_batch_of_nothing_but_rubbish_is_done_with(count):
    world = AuditWorld()
    report = world.deliver([bytes([number]) for number in range(count)])
    assert (report.failed_index, report.quarantined) == (None, count)
    assert len(world.findings.findings) == count
    assert world.heads.strands() == []


HONEST = honest_datas()


@given(st.binary(max_size=200) | damaged(st.sampled_from(HONEST)))
def test_any_bytes_are_taken_or_kept_and_never_cost_a_neighbour(data):
    world = AuditWorld()
    assert world.deliver([*HONEST[:2], data, *HONEST[2:]]).failed_index is None
    assert world.wait(10_000).failure is None
    if world.quarantine.kept:
        assert world.quarantine.kept == {quarantine_name(data): data}
        assert world.found()
    known = world.heads.blocks[STRAND]
    honest = {block.address.sequence_no: bytes(block.block_hash) for block in transfers(3).blocks}
    forged = {number for number in honest if known[number].block_hash != honest[number]}
    assert not forged or world.found(), "what displaced an honest block was found"
