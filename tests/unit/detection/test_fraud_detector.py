"""The detector on one strand: order, holes, what is held, what is left to the auditor, what fails."""

import pytest
from aws_kinesis_agg.aggregator import RecordAggregator

from counterfoil.adapters.memory.accounts import MemoryAccounts
from counterfoil.detection import block_assembly
from counterfoil.detection.stream_cursor import INLINE_BYTES, Range
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.ion import dump_binary, load_binary
from counterfoil.journal.builder import JournalBuilder
from counterfoil.journal.publication import control_record
from counterfoil.services.batch import KinesisRecord
from tests.fraud_bank import GRACE, NOW, OTHER_STRAND, STRAND, Bank, Desk, outer
from tests.fraud_by_hand import expected
from tests.journals import STREAM_ARN, made_id

SECONDS = int(GRACE.total_seconds())


def bank_of(transfers=4):
    """Two accounts, and transfers of 6,000 between them: the second is money passed on."""
    bank = Bank()
    bank.open("A", 100_000)
    bank.open("B", 0)
    for number in range(transfers):
        bank.transfer(*("AB" if number % 2 == 0 else "BA"), 6_000)
    return bank


def records_of(bank, *numbers):
    return [data for number in numbers for data in bank.blocks[number].stream_records(STREAM_ARN)]


def test_an_ordered_stream_is_judged_as_it_comes_and_nothing_is_held():
    bank, desk = bank_of(), Desk()
    report = desk.detect(*bank.records())
    assert desk.found() == expected(bank.history) != set()
    assert (report.blocks_judged, report.transfers_judged, report.held, report.failed) == (6, 4, 0, [])
    assert report.findings_written == len(report.findings) == len(desk.found())
    assert desk.accounts.pieces == {}
    assert desk.cursor().next_no == 6


def test_an_empty_batch_and_a_batch_of_rubbish_change_nothing():
    desk = Desk()
    junk = [b"", b"\xe0\x01\x00\xea", b"not Ion", b"\xf3\x89\x9a\xc2broken", control_record(STREAM_ARN, "CREATED")]
    assert desk.detect().records == 0
    report = desk.detect(*junk)
    assert (report.unreadable, report.unverified, report.failed) == (4, 0, [])
    assert desk.accounts.states == {}


def test_what_does_not_verify_is_left_to_the_auditor_and_its_neighbours_are_judged():
    bank, desk = bank_of(), Desk()
    records = bank.records()
    changed = records[5].replace(b"EUR", b"USD"), records[4].replace(b"EXEC", b"exec")
    assert changed != (records[5], records[4])
    report = desk.detect(*records[:4], *changed, *records[4:])
    assert (report.unverified, report.unreadable) == (2, 0)
    assert desk.found() == expected(bank.history)


def test_a_revision_that_its_block_does_not_list_is_not_judged():
    bank, other, desk = bank_of(), Bank(), Desk()
    other.open("A", 1)
    other.open("B", 1)
    stranger = other.transfer("A", "B", 99_999_999).revision_records(STREAM_ARN)
    desk.detect(*records_of(bank, 0, 1), *stranger, *records_of(bank, 2, 3, 4, 5))
    assert desk.found() == expected(bank.history)


def test_a_batch_that_cuts_a_block_holds_the_rest_inside_the_cursor():
    bank, desk = bank_of(), Desk()
    records = bank.records()
    for cut in range(1, len(records)):
        desk = Desk()
        first = desk.detect(*records[:cut])
        assert desk.accounts.pieces == {}
        second = desk.detect(*records[cut:])
        assert first.blocks_judged + second.blocks_judged == 6
        assert desk.found() == expected(bank.history)


def test_blocks_in_reverse_are_judged_in_order():
    bank, desk = bank_of(), Desk()
    for record in reversed(bank.records()):
        desk.detect(record)
    ordered = Desk()
    ordered.detect(*bank.records())
    assert desk.tables() == ordered.tables()


def test_a_hole_is_waited_for_and_then_passed():
    bank, desk = bank_of(), Desk()
    desk.detect(*records_of(bank, 0, 1, 3, 4, 5))
    assert desk.cursor().next_no == 2
    assert desk.sweep(after=SECONDS - 1).blocks_judged == 0
    report = desk.sweep(after=1)
    assert (report.blocks_judged, report.holes, report.held) == (3, 1, 0)
    assert desk.cursor().passed == (Range(2, 3),)
    # What is behind the hole is judged on balances that nobody knows: no conservation finding may come of that.
    assert not {rule for rule, _, _ in desk.found()} & {"conservation-of-money"}


def test_a_block_without_all_its_revisions_is_waited_for_and_then_judged_as_it_is():
    bank, desk = bank_of(), Desk()
    records = bank.records()
    desk.detect(*records[:5], *records[6:])
    assert desk.cursor().next_no == 2
    report = desk.sweep(after=SECONDS)
    assert (report.incomplete, report.blocks_judged) == (1, 4)
    assert "conservation-of-money" not in {rule for rule, _, _ in desk.found()}


def test_a_revision_that_came_before_its_block_does_not_shorten_the_wait_for_the_others():
    bank, desk = bank_of(), Desk()
    block, *revisions = records_of(bank, 2)
    desk.detect(*records_of(bank, 0, 1), revisions[0])
    desk.now += GRACE / 2
    desk.detect(block)
    assert desk.sweep(after=SECONDS // 2 + 1).incomplete == 0
    assert desk.sweep(after=SECONDS // 2).incomplete == 1


def test_what_comes_too_late_with_a_balance_of_the_minimum_is_let_pass():
    bank, desk = Bank(), Desk()
    bank.open("A", 10)
    bank.transfer("A", "B", 10)
    bank.query()
    desk.detect(*records_of(bank, 0, 2))
    desk.sweep(after=SECONDS)
    assert desk.detect(*records_of(bank, 1)).late == 1
    assert desk.found() == set()


def test_what_comes_too_late_is_judged_by_what_it_says_alone():
    bank, desk = Bank(), Desk()
    bank.open("A", 10)
    bank.transfer("A", "B", 11)
    bank.query()
    desk.detect(*records_of(bank, 0, 2))
    desk.sweep(after=SECONDS)
    assert desk.found() == set()
    before = desk.tables()[0]
    report = desk.detect(*records_of(bank, 1))
    assert report.late == 1
    assert desk.found() == {("negative-balance", 1, "A")}
    assert desk.tables()[0] == before
    assert desk.detect(*records_of(bank, 1)).findings_written == 0


def test_what_was_judged_and_comes_again_is_counted_and_nothing_else():
    bank, desk = bank_of(), Desk()
    desk.detect(*bank.records())
    states = dict(desk.accounts.states)
    report = desk.detect(*bank.records())
    assert (report.repeated, report.blocks_judged, report.findings_written) == (len(bank.records()), 0, 0)
    assert desk.accounts.states == states


def test_a_strand_seen_first_in_its_middle_begins_after_the_grace_period():
    bank, desk = bank_of(6), Desk()
    desk.detect(*records_of(bank, 7))
    desk.detect(*records_of(bank, 5, 6))
    assert desk.cursor().next_no is None
    desk.sweep(after=SECONDS)
    assert desk.cursor().next_no == 8
    late = desk.detect(*records_of(bank, 4))
    assert (late.late, desk.cursor().next_no) == (1, 8)


def test_a_strand_whose_first_block_comes_begins_there():
    bank, desk = bank_of(), Desk()
    desk.detect(*records_of(bank, 3, 4, 5))
    desk.detect(*records_of(bank, 1, 2))
    assert desk.detect(*records_of(bank, 0)).blocks_judged == 6


def test_a_forged_block_far_ahead_does_not_carry_the_cursor_away():
    bank, desk = bank_of(8), Desk()
    forger = Bank(builder=JournalBuilder(STRAND, first_sequence_no=10**12))
    forger.open("A", 10**9)
    desk.detect(*records_of(bank, 0, 1), *records_of(forger, 0))
    desk.now = NOW + GRACE / 2
    desk.detect(*records_of(bank, 2, 3))
    desk.now = NOW + GRACE
    desk.detect(*records_of(bank, 5))
    assert desk.cursor().next_no == 4
    assert desk.detect(*records_of(bank, 4, 6, 7)).blocks_judged == 4
    assert not desk.cursor().holds


def test_a_strand_that_begins_anew_far_ahead_is_followed_there_when_it_is_quiet():
    bank, desk = bank_of(), Desk()
    desk.detect(*bank.records())
    later = Bank(builder=JournalBuilder(STRAND, first_sequence_no=10**6))
    later.open("A", 10)
    desk.detect(*later.records())
    report = desk.sweep(after=SECONDS)
    assert (report.blocks_judged, report.holes) == (1, 1)
    assert desk.cursor().next_no == 10**6 + 1


def test_revisions_that_no_block_claims_are_dropped_after_the_grace_period():
    bank, desk = bank_of(), Desk()
    desk.detect(*records_of(bank, 0))
    desk.detect(*bank.blocks[3].revision_records(STREAM_ARN))
    assert desk.cursor().holds
    assert desk.sweep(after=SECONDS).dropped == 3
    assert not desk.cursor().holds


def test_more_than_the_bound_is_not_held(monkeypatch):
    monkeypatch.setattr(block_assembly, "MAX_HELD_RECORDS", 6)
    bank, desk = bank_of(8), Desk()
    desk.detect(*records_of(bank, 0, 1, 3))
    assert desk.cursor().next_no == 2
    report = desk.detect(*records_of(bank, 5))
    assert (report.holes, desk.cursor().next_no) == (1, 4)
    assert report.held <= 6


def test_a_flood_of_revisions_without_blocks_stays_within_the_bound(monkeypatch):
    monkeypatch.setattr(block_assembly, "MAX_HELD_RECORDS", 6)
    bank, desk = bank_of(8), Desk()
    desk.detect(*records_of(bank, 0, 1))
    orphans = [data for block in bank.blocks[4:] for data in block.revision_records(STREAM_ARN)]
    assert desk.detect(*orphans).held <= 6
    assert desk.detect(*records_of(bank, 2, 3)).blocks_judged == 2


def large(bank, size=50_000):
    """A block with a document whose text does not compress."""
    import random

    text = random.Random(len(bank.blocks)).randbytes(size // 2).hex()
    return bank.commit([("Notes", made_id("N", len(bank.blocks)), {"text": text})])


def test_what_is_too_large_for_the_cursor_lies_in_blobs_and_is_deleted_when_judged():
    bank, desk = Bank(), Desk()
    for _ in range(30):
        large(bank)
    for number in range(29, 0, -1):
        desk.detect(*records_of(bank, number))
        assert len(desk.accounts.states) == 1
        assert len(desk.cursor().inline) <= INLINE_BYTES
        assert len(desk.cursor().blobs) <= block_assembly.MAX_HELD_RECORDS
        pointed = sum(blob.pieces for blob in desk.cursor().blobs)
        assert len(desk.accounts.pieces) == pointed
    assert desk.detect(*records_of(bank, 0)).blocks_judged == 30
    assert desk.accounts.pieces == {}


def test_a_blob_that_is_gone_is_missing_records_and_no_more():
    bank, desk = Bank(), Desk()
    for _ in range(4):
        large(bank, 100_000)
    desk.detect(*records_of(bank, 1, 2, 3))
    desk.accounts.pieces.clear()
    assert desk.detect(*records_of(bank, 0)).blocks_judged == 1
    assert desk.detect(*records_of(bank, 1, 2, 3)).blocks_judged == 3


def test_a_record_of_a_mebibyte_is_held_in_pieces():
    bank, desk = Bank(), Desk()
    bank.query()
    large(bank, 2**20)
    desk.detect(*records_of(bank, 1))
    assert all(len(piece) <= 350_000 for piece in desk.accounts.pieces.values())
    assert desk.detect(*records_of(bank, 0)).blocks_judged == 2


def test_of_two_blocks_at_one_place_the_one_that_follows_is_judged_whatever_came_first():
    for turn in (1, -1):
        bank, fork, desk = Bank(), Bank(), Desk()
        bank.open("A", 10)
        bank.query()
        fork.open("A", 11)
        fork.open("Z", -5)
        desk.detect(*records_of(bank, 0))
        desk.detect(*[data for each in (bank, fork)[::turn] for data in records_of(each, 1)])
        assert desk.found() == set()


def test_strands_do_not_interfere():
    one, two, desk = bank_of(), Bank(strand_id=OTHER_STRAND), Desk()
    two.open("A", 5)
    two.transfer("A", "B", 6, transaction_id="T1")
    mixed = [*one.records(), *two.records()]
    desk.detect(*sorted(mixed, key=hash))
    alone = [Desk(), Desk()]
    alone[0].detect(*one.records())
    alone[1].detect(*two.records())
    assert desk.found() == alone[0].found() | alone[1].found()
    assert desk.tables()[0] == alone[0].tables()[0] | alone[1].tables()[0]


def test_a_transaction_id_of_another_strand_is_no_duplicate():
    one, two, desk = Bank(), Bank(strand_id=OTHER_STRAND), Desk()
    two.ids += 1
    for bank in (one, two):
        bank.transfer("A", "B", 5, transaction_id="T-9")
    desk.detect(*one.records(), *two.records())
    assert desk.found() == set()


def test_revisions_that_their_block_calls_by_each_others_names_are_not_judged():
    """No hash covers the names in a summary; those in the revisions are hashed."""
    bank, desk = bank_of(1), Desk()
    block, *revisions = records_of(bank, 2)
    record = load_binary(block)
    first, second, *_ = record["payload"]["revisionSummaries"]
    first["documentId"], second["documentId"] = second["documentId"], first["documentId"]
    desk.detect(*records_of(bank, 0, 1), dump_binary(record), *revisions)
    assert desk.cursor().next_no == 2
    assert desk.sweep(after=SECONDS).incomplete == 1


def test_the_table_that_the_block_names_counts_and_not_the_one_on_the_record():
    bank, desk = Bank(), Desk()
    bank.open("A", -5)
    records = bank.records()
    lying = [records[0], records[1].replace(b"Accounts", b"Acc0unts")]
    assert lying != records
    desk.detect(*lying)
    assert desk.found() == {("negative-balance", 0, "A")}


def test_aggregated_records_are_taken_apart():
    bank, desk = bank_of(), Desk()
    aggregator = RecordAggregator()
    for data in bank.records():
        aggregator.add_user_record("k", data)
    _, _, data = aggregator.clear_and_get().get_contents()
    report = desk.detector.detect([KinesisRecord("shard-0", "1", "a", data, NOW)])
    assert (report.records, report.blocks_judged) == (1, 6)


class Refusing(MemoryAccounts):
    """Refuses every write for the accounts of one strand."""

    refused = OTHER_STRAND

    def save(self, changes):
        if any(self.refused in part for change in changes for part in change.key):
            raise UnavailableError("throttled")
        super().save(changes)


def test_a_strand_whose_store_is_unavailable_fails_alone():
    one, two = bank_of(), Bank(strand_id=OTHER_STRAND)
    two.open("A", -5)
    desk = Desk(accounts=Refusing())
    report = desk.detect(*records_of(one, 0, 1), *two.records(), *records_of(one, 2, 3, 4, 5))
    assert report.failed == [4, 5]
    assert report.failed_index == 4
    assert "throttled" in report.failure
    assert report.blocks_judged == 6


def test_a_sweep_without_an_answer_is_no_crash():
    class Mute(MemoryAccounts):
        def strands(self):
            raise UnavailableError("no answer")

    assert Desk(accounts=Mute()).sweep().failure == "no answer"


def test_a_strand_that_is_always_taken_by_others_is_given_back():
    class Taken(MemoryAccounts):
        def save(self, changes):
            raise ConflictError("somebody else")

    report = Desk(accounts=Taken()).detect(*bank_of().records())
    assert report.failed_index == 0
    assert "in a row" in report.failure


def test_a_finding_that_cannot_be_written_leaves_states_and_cursor_alone():
    bank, desk = bank_of(), Desk()

    def refuse(findings):
        raise UnavailableError(f"{len(findings)} findings refused")

    desk.findings.__class__ = type(
        "Refusing", (type(desk.findings),), {"record": lambda self, findings: refuse(findings), "__slots__": ()}
    )
    assert desk.detect(*bank.records()).failed == list(range(len(bank.records())))
    assert desk.accounts.states == {}


@pytest.mark.parametrize("number", [0, 3])
def test_outer_records_are_named_by_their_place(number):
    bank = bank_of()
    records = outer(*[b"junk"] * number, *bank.records())
    desk = Desk(accounts=Refusing())
    desk.accounts.refused = STRAND
    assert desk.detector.detect(records).failed_index == number
