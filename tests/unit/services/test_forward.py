"""The forwarder brings a copy up to the journal, whatever the calls, and puts nothing that does not hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.adapters.memory import MemoryJournalCopy, MemoryJournalSource
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.errors import UnavailableError
from counterfoil.ion import dump_binary
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.merkle import Hash
from counterfoil.ports import StoredBlock
from counterfoil.services.forward import BUDGET, PAGE_BLOCKS, PAGE_LEDGERS, Forwarder
from tests.journals import OTHER_STRAND, STRAND, copy_of, first_revision, rehash, transfer, transfers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONG = transfers(PAGE_BLOCKS + 30)


def stored(fields, number=None):
    place = fields["blockAddress"]["sequenceNo"] if number is None else number
    return StoredBlock(place, Hash(fields["blockHash"]), dump_binary(fields), {"number": place})


def source_of(blocks, strand_id=STRAND):
    return MemoryJournalSource({strand_id: [stored(each.fields) for each in blocks]})


def forwarder(source, copy, clock=lambda: NOW, ledgers=()):
    registry = MemoryLedgerRegistry()
    for number, strand_id in enumerate(ledgers):
        mode = PermissionsMode.STANDARD
        registry.save(None, RegisteredLedger(f"ledger-{number:04}", strand_id, NOW, LedgerState.ACTIVE, mode))
    return Forwarder(source, copy, registry, clock)


def test_a_copy_is_brought_up_to_the_journal_over_several_pages():
    copy = MemoryJournalCopy()
    report = forwarder(source := source_of(LONG.blocks), copy).forward([STRAND])
    assert copy.blocks == source.blocks
    assert report.metrics() == {"BlocksForwarded": len(LONG.blocks), "ForwardRefusals": 0}
    assert not report.behind
    assert not report.failures


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 3)), max_size=6))
def test_whatever_the_calls_in_between_the_copy_is_a_prefix_and_at_last_the_whole(steps):
    """Lengths of the journal at each call, and how often each call comes."""
    journal, copy = transfers(12), MemoryJournalCopy()
    for length, times in sorted(steps):
        for _ in range(times):
            source = source_of(journal.blocks[:length])
            forwarder(source, copy).forward([STRAND, STRAND])
            assert copy.blocks.get(STRAND, []) == source.blocks[STRAND]
    forwarder(source := source_of(journal.blocks), copy).forward([STRAND])
    assert copy.blocks == source.blocks


def test_a_strand_that_is_not_this_journal_s_is_passed_over():
    copy = MemoryJournalCopy()
    assert forwarder(source_of(LONG.blocks[:2]), copy).forward(["a", "another"]).forwarded == 0
    assert not copy.blocks


def altered(fields):
    first_revision(fields)["data"]["amount"] = Decimal("99999.00")


def forge(blocks):
    """Alter block 3 as somebody does who makes every hash in it right again."""
    altered(blocks[3])
    blocks[3] = rehash(blocks[3])


ATTACKS = {
    "an amount": lambda blocks: altered(blocks[3]),
    "a block, re-hashed": forge,
    "a block left out": lambda blocks: blocks.pop(3),
    "two blocks changed places": lambda blocks: blocks.insert(3, blocks.pop(4)),
    "the hash beside a block": lambda blocks: blocks[3].update(blockHash=bytes(32)),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_is_forwarded_with_an_altered_block_in_it(attack):
    blocks = [copy_of(each.fields) for each in LONG.blocks[:8]]
    ATTACKS[attack](blocks)
    copy = MemoryJournalCopy()
    forwarder(source_of(LONG.blocks[:3]), copy).forward([STRAND])
    report = forwarder(MemoryJournalSource({STRAND: [stored(each) for each in blocks]}), copy).forward([STRAND])
    assert report.refusals.keys() == {STRAND}
    assert report.metrics()["ForwardRefusals"] == 1
    assert [each.sequence_no for each in copy.blocks[STRAND]] == [0, 1, 2]


def test_a_forged_block_that_was_forwarded_alone_stops_the_strand_at_the_next_one():
    """Alone it holds; whoever re-hashes is found out by the block behind it, as everywhere."""
    blocks = [copy_of(each.fields) for each in LONG.blocks[:5]]
    forge(blocks)
    copy = MemoryJournalCopy()
    for length in (4, 5):
        source = MemoryJournalSource({STRAND: [stored(each) for each in blocks[:length]]})
        report = forwarder(source, copy).forward([STRAND])
    assert "follows" in report.refusals[STRAND]
    assert len(copy.blocks[STRAND]) == 4


def test_another_strand_s_blocks_are_not_forwarded_as_this_one_s():
    """They hold and follow each other; only their address says whose they are."""
    copy = MemoryJournalCopy()
    report = forwarder(source_of(LONG.blocks[:3], OTHER_STRAND), copy).forward([OTHER_STRAND])
    assert f"the journal has block {STRAND}#0" in report.refusals[OTHER_STRAND]
    assert not copy.blocks


def test_the_hash_beside_a_block_is_the_block_s_own():
    lying = [stored(each.fields)._replace(block_hash=Hash(bytes(32))) for each in LONG.blocks[:1]]
    report = forwarder(MemoryJournalSource({STRAND: lying}), copy := MemoryJournalCopy()).forward([STRAND])
    assert "is kept under the hash" in report.refusals[STRAND]
    assert not copy.blocks.get(STRAND)


def test_bytes_that_are_no_block_are_not_forwarded():
    rubbish = MemoryJournalSource({STRAND: [StoredBlock(0, Hash(bytes(32)), b"rubbish", {})]})
    assert forwarder(rubbish, MemoryJournalCopy()).forward([STRAND]).refusals.keys() == {STRAND}


def test_a_promoted_copy_that_went_on_by_itself_takes_nothing_more():
    """Both regions wrote: the copy's own block stays, and the journal's is not put behind it."""
    copy = MemoryJournalCopy()
    forwarder(source_of(LONG.blocks[:5]), copy).forward([STRAND])
    own = transfers(5).builder.append(transfer(5, "1.00"))
    copy.blocks[STRAND].append(stored(own.fields))
    before = list(copy.blocks[STRAND])
    report = forwarder(source_of(LONG.blocks[:9]), copy).forward([STRAND])
    assert "history of its own" in report.refusals[STRAND]
    assert copy.blocks[STRAND] == before


@pytest.mark.parametrize("length", [6, 5, 1], ids=["as long", "shorter", "much shorter"])
def test_a_copy_with_a_history_of_its_own_is_noticed_before_the_journal_goes_on(length):
    copy = MemoryJournalCopy()
    forwarder(source_of(LONG.blocks[:5]), copy).forward([STRAND])
    own = transfers(5).builder.append(transfer(5, "1.00"))
    copy.blocks[STRAND].append(stored(own.fields))
    report = forwarder(source_of(LONG.blocks[:length]), copy).forward([STRAND])
    assert "history of its own" in report.refusals[STRAND]


def test_a_copy_is_asked_and_not_believed_to_be_where_it_was():
    """Somebody else forwards at the same time: what is there already with the same hash is passed over."""

    class Late(MemoryJournalCopy):
        def tip(self, strand_id):
            return None

    copy = Late()
    for length in (3, 6, 6):
        report = forwarder(source_of(LONG.blocks[:length]), copy).forward([STRAND])
        assert not report.refusals
        assert len(copy.blocks[STRAND]) == length


def test_a_strand_that_fails_does_not_hold_up_the_others():
    class Away(MemoryJournalCopy):
        def append(self, strand_id, previous, blocks):
            if strand_id == STRAND:
                raise UnavailableError("the other region is not there")
            super().append(strand_id, previous, blocks)

    other = [each._replace(kept={}) for each in source_of(LONG.blocks[:2]).blocks[STRAND]]
    source = MemoryJournalSource({STRAND: other, OTHER_STRAND: []})
    report = forwarder(source, copy := Away()).forward([STRAND, OTHER_STRAND])
    assert report.failures == {STRAND: "the other region is not there"}
    assert not copy.blocks.get(STRAND)


def test_a_call_ends_in_time_and_says_which_strands_are_behind():
    times = iter([NOW, NOW, NOW + BUDGET])
    copy = MemoryJournalCopy()
    report = forwarder(source_of(LONG.blocks), copy, lambda: next(times)).forward([STRAND])
    assert report.behind == {STRAND}
    assert report.forwarded == PAGE_BLOCKS == len(copy.blocks[STRAND])


def test_a_sweep_takes_every_strand_and_what_is_registered():
    source = source_of(LONG.blocks[:3])
    source.registry = {"ledger": {"bank": {"id": "bank"}}, "tag": {}}
    copy = MemoryJournalCopy(registry={"ledger": {"gone": {}}, "stream": {"its own": {}}})
    ledgers = [*(f"other-{number}" for number in range(PAGE_LEDGERS)), STRAND]  # the last one by its name
    assert forwarder(source, copy, ledgers=ledgers).forward_all().forwarded == 3
    assert copy.registry == {"ledger": {"bank": {"id": "bank"}}, "tag": {}, "stream": {"its own": {}}}


def test_a_registry_that_cannot_be_kept_is_said_after_the_blocks_were_forwarded():
    class Fenced(MemoryJournalCopy):
        def keep_registered(self, registered):
            raise UnavailableError("AccessDenied")

    report = forwarder(source_of(LONG.blocks[:3]), Fenced(), ledgers=[STRAND]).forward_all()
    assert (report.forwarded, report.failures) == (3, {"the registry": "AccessDenied"})


def test_the_budget_leaves_lambda_s_minute_some_room():
    assert timedelta(seconds=45) >= BUDGET


BEGIN = 5
ANCHOR = TrustAnchor(STRAND, BEGIN, LONG.blocks[BEGIN - 1].block_hash, None)


def test_a_strand_that_begins_at_a_trust_anchor_does_so_in_the_copy():
    source, copy = source_of(LONG.blocks[BEGIN:]), MemoryJournalCopy()
    source.anchors[STRAND] = ANCHOR
    for length in (3, len(LONG.blocks)):
        some = MemoryJournalSource({STRAND: source.blocks[STRAND][:length]}, anchors=source.anchors)
        report = forwarder(some, copy).forward([STRAND])
        assert (report.refusals, report.failures) == ({}, {})
    assert copy.blocks == source.blocks
    assert copy.anchors == source.anchors


def test_a_part_without_its_anchor_is_refused():
    source, copy = source_of(LONG.blocks[BEGIN:]), MemoryJournalCopy()
    assert forwarder(source, copy).forward([STRAND]).metrics()["ForwardRefusals"] == 1
    assert not copy.blocks


def test_a_first_block_that_does_not_follow_the_anchor_is_refused():
    source, copy = source_of(LONG.blocks[BEGIN:]), MemoryJournalCopy()
    source.anchors[STRAND] = replace(ANCHOR, previous_hash=Hash(bytes(32)))
    report = forwarder(source, copy).forward([STRAND])
    assert "follows" in report.refusals[STRAND]
    assert not copy.blocks


def test_a_copy_that_begins_elsewhere_refuses_the_strand():
    copy = MemoryJournalCopy(anchors={STRAND: replace(ANCHOR, begin=BEGIN + 1)})
    source = source_of(LONG.blocks[BEGIN:])
    source.anchors[STRAND] = ANCHOR
    assert "begins elsewhere" in forwarder(source, copy).forward([STRAND]).refusals[STRAND]
