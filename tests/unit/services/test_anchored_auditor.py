"""The auditor of a strand that begins at a trust anchor: no false gap, the ledger's digest, a finding for what does not link to it."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.adapters.dynamodb.strand_item import parse_state, render_state
from counterfoil.adapters.memory import MemoryJournalSource
from counterfoil.detection.acceptance import accept
from counterfoil.detection.strand import weight_of
from counterfoil.errors import InputError, IntegrityError
from counterfoil.ion import dump_binary
from counterfoil.journal.anchor import TrustAnchor, parse_trust_anchor
from counterfoil.merkle import Hash
from counterfoil.ports import AnchorSource
from counterfoil.services.publish import streamed_datagram
from tests.anchors import HASHES, JOURNAL, declared, receipt
from tests.audit_worlds import CONFIRM, GRACE, AuditWorld, user_datas
from tests.journals import OTHER_STRAND, STRAND, first_revision, rehash_from, transfers

BEGIN, END = 13, 24
PROVED = parse_trust_anchor(receipt(BEGIN - 1, 20))
DECLARED = parse_trust_anchor(declared(BEGIN))
OTHER = replace(DECLARED, previous_hash=HASHES[2])
BLOCKS = JOURNAL.blocks
BROKEN = ("audit.broken-link", f"{STRAND}#{BEGIN}", "OPEN")


@dataclass
class Counting(AnchorSource):
    """Where strands begin, and how often somebody asked."""

    anchors: dict[str, TrustAnchor]
    asked: list[str] = field(default_factory=list)

    def anchor(self, strand_id, /):
        self.asked.append(strand_id)
        return self.anchors.get(strand_id)


def world_of(anchor=PROVED):
    return AuditWorld(anchors=MemoryJournalSource(anchors={} if anchor is None else {STRAND: anchor}))


def late(world):
    """Whatever could be missing has been missing for long."""
    world.wait(GRACE.total_seconds() + 1)
    world.wait(CONFIRM.total_seconds() + 1)
    return world


@given(st.data())
def test_in_whatever_order_and_pieces_it_comes_the_head_has_the_ledgers_digest_and_nothing_is_found(data):
    world, anchor = world_of(), PROVED
    records = data.draw(st.permutations(user_datas(BLOCKS[BEGIN:END])))
    while records:
        size = data.draw(st.integers(1, len(records)))
        world.deliver(records[:size])
        records = records[size:]
    late(world)
    assert world.found() == []
    state = world.state()
    assert (state.anchor, state.head.begin, state.diverged_at) == (anchor, BEGIN, None)
    assert state.digest == JOURNAL.builder.digest(END - 1)
    assert parse_state(STRAND, state.version, render_state(state)) == state


def test_behind_a_declared_anchor_the_digest_is_that_of_the_declared_tree():
    world = world_of(DECLARED)
    world.deliver(user_datas(BLOCKS[BEGIN:END]))
    state = late(world).state()
    assert world.found() == []
    assert state.digest == DECLARED.digest_behind(state.head)
    assert state.digest != JOURNAL.builder.digest(END - 1)


def test_without_its_anchor_the_same_stream_has_no_digest():
    world = world_of(None)
    world.deliver(user_datas(BLOCKS[BEGIN:END]))
    assert (late(world).state().digest, world.found()) == (None, [])


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_first_block_that_does_not_follow_the_anchor_is_found_once_and_kept(pieces):
    world = world_of(OTHER)
    records = user_datas(BLOCKS[BEGIN:END])
    reports = [world.deliver(records[each::pieces]) for each in range(pieces)]
    reports.append(world.deliver(records))
    assert sum(each.hash_failures for each in reports) == 1
    assert late(world).found() == [BROKEN]
    assert world.state().diverged_at == BEGIN
    (finding,) = world.findings.findings.values()
    assert (finding.evidence["expected"], finding.evidence["found"]) == (str(HASHES[2]), str(HASHES[BEGIN - 1]))
    assert world.quarantine.load(finding.evidence["quarantined"]) in records


def test_a_forger_who_alters_what_is_before_the_anchor_and_makes_every_hash_anew_is_found():
    fields = JOURNAL.fields
    first_revision(fields[BEGIN - 1])["data"]["amount"] = Decimal("1.00")
    forged = [dump_binary(each) for each in rehash_from(fields, BEGIN - 1)[BEGIN:END]]
    world = world_of()
    world.deliver([each.data for data in forged for each in streamed_datagram(data, "arn").records])
    assert late(world).found() == [BROKEN]
    assert world.state().digest != JOURNAL.builder.digest(END - 1)


def test_a_person_who_accepts_makes_the_strand_whole():
    world = world_of(OTHER)
    world.deliver(user_datas(BLOCKS[BEGIN:END]))
    accepted = accept(world.state(), BEGIN)
    assert accepted.diverged_at is None
    world.heads.advance(world.state(), accepted, ())
    world.deliver(user_datas(BLOCKS[BEGIN : END + 3]))
    assert world.state().diverged_at is None
    assert world.found() == [BROKEN]


def test_blocks_before_the_anchor_are_found_kept_and_taken_into_nothing():
    world = world_of()
    world.deliver(user_datas(BLOCKS[BEGIN:END]))
    before = world.state()
    report = world.deliver(user_datas(BLOCKS[4:6]))
    assert report.failure is None
    assert world.state() == before
    rules = ("audit.broken-link", "audit.orphan-revision")
    assert sorted(late(world).found()) == [(rule, f"{STRAND}#{number}", "OPEN") for rule in rules for number in (4, 5)]
    blocks = [each for each in world.findings.findings.values() if each.rule_id == rules[0]]
    assert {world.quarantine.load(each.evidence["quarantined"]) for each in blocks} <= set(user_datas(BLOCKS[4:6]))


def test_a_revision_of_a_block_before_the_anchor_is_found():
    """Nobody waits for its block: a forger's revision, which the detector judges as any other, must not come unseen."""
    world = world_of()
    world.deliver(user_datas(BLOCKS[BEGIN:END]))
    before = world.state()
    world.deliver(user_datas(BLOCKS[4:5])[1:])
    assert world.state() == before
    assert late(world).found() == [("audit.orphan-revision", f"{STRAND}#4", "OPEN")]


@pytest.mark.parametrize("first", [4, BEGIN - 1], ids=["long before", "up to it"])
def test_blocks_that_were_verified_before_an_anchor_was_known_that_is_behind_them_are_found(first):
    """A journal whose stream was begun in the middle is given an anchor further on: what was verified is not its past any more."""
    world = world_of(None)
    world.deliver(user_datas(BLOCKS[first:END]))
    world.anchors.anchors[STRAND] = PROVED
    for _ in range(2):
        late(world)
    assert world.found() == [("audit.broken-link", f"{STRAND}#{first}", "OPEN")]
    assert (world.state().anchor, world.state().digest) == (PROVED, None)


def test_the_first_batch_of_a_strand_may_be_all_from_before_its_anchor():
    world = world_of()
    world.deliver(user_datas(BLOCKS[:3]))
    assert (world.state().anchor, world.state().head) == (PROVED, None)
    world.deliver(user_datas(BLOCKS[BEGIN:END]))
    assert late(world).state().digest == JOURNAL.builder.digest(END - 1)


def test_what_was_seen_before_the_anchor_was_known_is_held_against_it():
    """A stream that was begun in the middle, before the journal said where it begins."""
    for anchor, found in ((PROVED, []), (OTHER, [BROKEN])):
        world = world_of(None)
        world.deliver(user_datas(BLOCKS[BEGIN:END]))
        world.anchors.anchors[STRAND] = anchor
        late(world)
        assert world.found() == found
        assert world.state().anchor == anchor
        assert world.state().digest == anchor.digest_behind(world.state().head)


def test_an_injected_block_before_an_anchor_that_is_learnt_later_is_not_the_head():
    world = world_of(None)
    world.deliver(user_datas(BLOCKS[4:6]))
    world.anchors.anchors[STRAND] = PROVED
    world.deliver(user_datas(BLOCKS[BEGIN:END]))
    assert world.state().digest == JOURNAL.builder.digest(END - 1)
    assert ("audit.gap", f"{STRAND}#{BEGIN}", "CONFIRMED") in late(world).found()


def test_a_gap_behind_the_anchor_is_a_gap():
    world = world_of()
    world.deliver(user_datas(BLOCKS[BEGIN:END][:3] + BLOCKS[BEGIN:END][5:]))
    assert [each[0] for each in late(world).found()] == ["audit.gap"]


def test_what_was_said_first_counts_and_is_asked_for_no_more():
    source = Counting({STRAND: PROVED})
    world = AuditWorld(anchors=source)
    world.deliver(user_datas(BLOCKS[BEGIN:END]))
    source.anchors[STRAND] = OTHER
    world.deliver(user_datas(BLOCKS[END : END + 3]))
    late(world)
    assert (world.state().anchor, source.asked) == (PROVED, [STRAND])
    whole = Counting({})
    world = AuditWorld(anchors=whole)
    for number in range(3):
        world.deliver(user_datas(transfers(3).blocks[number : number + 1]))
    assert whole.asked == [STRAND]


class Damaged(AnchorSource):
    def anchor(self, strand_id, /):
        raise IntegrityError(f"the trust anchor of strand {strand_id} cannot be read")


def test_while_an_anchor_is_damaged_its_strand_waits_and_others_go_on():
    world = AuditWorld(anchors=Damaged())
    report = world.deliver(user_datas(BLOCKS[BEGIN:END]))
    assert report.failed_index == 0
    assert world.state() is None
    assert world.found() == []


def test_an_anchor_weighs_and_one_that_is_damaged_in_the_state_is_refused():
    world = world_of()
    world.deliver(user_datas(BLOCKS[BEGIN:END]))
    state = world.state()
    assert weight_of(state) > weight_of(replace(state, anchor=None)) + 60 * len(PROVED.path)
    for damaged in (
        render_state(state).replace(PROVED.previous_hash.to_base64(), Hash(bytes(32)).to_base64()),
        render_state(state).replace('"strandId":', '"strand":'),
    ):
        with pytest.raises(InputError):
            parse_state(STRAND, 1, damaged)


def test_another_strand_has_no_anchor():
    world = world_of()
    world.deliver(user_datas(BLOCKS[BEGIN:END]))
    assert world.anchors.anchor(OTHER_STRAND) is None
