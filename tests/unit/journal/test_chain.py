"""The fold at its edges: what begins a strand, what follows, and what the refusal says."""

import pytest

from counterfoil.errors import BrokenLinkError, ContentsMismatchError
from counterfoil.journal import BlockAddress, check_belongs, check_link, digest_of, extend, join, segment_of
from counterfoil.journal.builder import JournalBuilder
from counterfoil.merkle import root_of
from tests.journals import OTHER_STRAND, STRAND, checked, head_of, transfer, transfers

BLOCKS = [checked(fields) for fields in transfers(4).fields]


def test_the_first_block_begins_a_strand():
    head = extend(None, BLOCKS[0])
    assert (head.begin, head.end, head.tip) == (0, 1, BlockAddress(STRAND, 0))
    assert head.previous_hash is None
    assert digest_of(head).hash == BLOCKS[0].block_hash


def test_a_segment_remembers_its_ends():
    segment = join(segment_of(BLOCKS[1]), segment_of(BLOCKS[2]))
    assert (segment.begin, segment.end) == (1, 3)
    assert (segment.first_time, segment.last_time) == (BLOCKS[1].timestamp, BLOCKS[2].timestamp)
    assert (segment.previous_hash, segment.last_hash) == (BLOCKS[0].block_hash, BLOCKS[2].block_hash)
    assert (segment.first_bound, segment.last_bound) == (True, True)
    assert digest_of(segment) is None


def test_a_segment_is_small_however_long_it_is():
    head = head_of(transfers(64).fields)
    assert len(head.range.nodes) == 1
    assert digest_of(head).hash == root_of([block.block_hash for block in transfers(64).blocks])


@pytest.mark.parametrize("other", [0, 2, 3])
def test_a_block_that_does_not_come_next_is_the_callers_affair(other):
    with pytest.raises(ValueError, match="does not come directly behind"):
        extend(segment_of(BLOCKS[0]), BLOCKS[other])


def test_a_block_of_another_strand_does_not_come_next():
    builder = JournalBuilder(OTHER_STRAND, first_sequence_no=1, previous_block_hash=BLOCKS[0].block_hash)
    with pytest.raises(ValueError, match=f"{OTHER_STRAND}#1 does not come directly behind {STRAND}#0"):
        extend(segment_of(BLOCKS[0]), checked(builder.append(transfer(1)).fields))


def test_a_block_that_follows_another_hash_is_named_with_both():
    stranger = checked(JournalBuilder(STRAND, first_sequence_no=1).append(transfer(1)).fields)
    with pytest.raises(BrokenLinkError, match=f"block {STRAND}#1 follows None") as refusal:
        extend(segment_of(BLOCKS[0]), stranger)
    assert refusal.value.evidence == {"expected": str(BLOCKS[0].block_hash), "found": "None"}


def test_a_chain_that_bound_its_headers_once_must_go_on_doing_so():
    builder = JournalBuilder(STRAND, bind_headers=False, first_sequence_no=1, previous_block_hash=BLOCKS[0].block_hash)
    unbound = segment_of(checked(builder.append(transfer(1)).fields))
    with pytest.raises(BrokenLinkError, match="does not bind its header") as refusal:
        check_link(segment_of(BLOCKS[0]), unbound)
    assert refusal.value.evidence == {"expected": "header bound", "found": "header not bound"}


def test_a_chain_may_begin_to_bind_its_headers():
    """A ledger that came from the real service and goes on here."""
    first = transfers(1, bind_headers=False).blocks[0]
    builder = JournalBuilder(STRAND, first_sequence_no=1, previous_block_hash=first.block_hash)
    head = extend(segment_of(checked(first.fields)), checked(builder.append(transfer(1)).fields))
    assert (head.first_bound, head.last_bound) == (False, True)


def test_a_digest_says_up_to_which_block_it_speaks():
    journal = transfers(5)
    assert journal.builder.digest(2).tip_address == BlockAddress(STRAND, 2)
    assert journal.builder.digest(2) == digest_of(head_of(journal.fields[:3]))


def test_a_revision_belongs_to_its_block_and_transaction():
    (revision,) = BLOCKS[1].revisions
    check_belongs(revision, BLOCKS[1].address, BLOCKS[1].transaction_id)
    with pytest.raises(ContentsMismatchError, match="says it belongs to block") as refusal:
        check_belongs(revision, BLOCKS[2].address, BLOCKS[1].transaction_id)
    assert refusal.value.evidence == {"expected": f"{STRAND}#2", "found": f"{STRAND}#1"}
    with pytest.raises(ContentsMismatchError, match="its revision of document"):
        check_belongs(revision, BLOCKS[1].address, BLOCKS[2].transaction_id)
