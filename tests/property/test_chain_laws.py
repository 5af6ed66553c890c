"""What holds for every honest journal: it is accepted whole, however it is cut, carried or put together again."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import BrokenLinkError
from counterfoil.ion import dump_binary, encode, read_single
from counterfoil.ion.codec import decode_datagram
from counterfoil.journal import (
    BlockAddress,
    BlockSummaryRecord,
    RevisionDetailsRecord,
    RevisionKind,
    digest_of,
    extend,
    join,
    parse_stream_record,
    segment_of,
    verify_block,
    verify_revision,
)
from counterfoil.journal.builder import build_block, reseal
from counterfoil.journal.chain import extend_all
from counterfoil.merkle import root_of
from tests.journals import FEW, STRAND, STREAM_ARN, checked, head_of, journals, transactions


def verified(journal):
    return [checked(fields) for fields in journal.fields]


@FEW
@given(journals())
def test_an_honest_journal_is_accepted_whole(journal):
    head = head_of(journal.fields)
    assert head.tip == journal.blocks[-1].address
    assert head.last_hash == journal.blocks[-1].block_hash
    assert digest_of(head) == journal.builder.digest()
    assert digest_of(head).hash == root_of([block.block_hash for block in journal.blocks])


@FEW
@given(journals())
def test_a_block_says_what_was_put_in(journal):
    for built, block in zip(journal.blocks, verified(journal), strict=True):
        assert block.address == built.address
        assert block.header_bound == journal.builder.bind_headers
        assert block.previous_block_hash == built.previous_block_hash
        shown = [None if change.internal else change.document_id for change in built.changes]
        assert [summary.document_id for summary in block.summaries] == shown
        for revision, change in zip(block.revisions, built.changes, strict=True):
            assert revision.kind is _kind_of(change)
            if revision.data is not None:
                assert revision.metadata.version == change.version


def _kind_of(change):
    if change.internal:
        return RevisionKind.INTERNAL
    return RevisionKind.DELETED if change.data is None else RevisionKind.WRITTEN


@FEW
@given(journals(), st.data())
def test_where_the_batches_are_cut_changes_nothing(journal, data):
    blocks = verified(journal)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(blocks)), max_size=4)))
    head = None
    for begin, end in zip([0, *cuts], [*cuts, len(blocks)], strict=True):
        head = extend_all(head, blocks[begin:end])
    assert head == reduce(extend, blocks, None)


@FEW
@given(journals(min_size=2, max_size=8), st.data())
def test_segments_joined_in_any_order_give_the_same_segment(journal, data):
    blocks = verified(journal)
    pieces = list(map(segment_of, blocks))
    while len(pieces) > 1:
        place = data.draw(st.integers(0, len(pieces) - 2))
        pieces[place : place + 2] = [join(*pieces[place : place + 2])]
    assert pieces[0] == reduce(extend, blocks, None)


@FEW
@given(journals(min_size=2), st.data())
def test_a_segment_that_does_not_begin_with_block_0_has_no_digest(journal, data):
    blocks = verified(journal)
    assert digest_of(extend_all(None, blocks[data.draw(st.integers(1, len(blocks) - 1)) :])) is None


@FEW
@given(journals(min_size=2), st.data())
def test_a_missing_block_is_refused(journal, data):
    missing = data.draw(st.integers(1, len(journal.blocks) - 1))
    blocks = verified(journal)
    del blocks[missing]
    if missing == len(blocks):
        assert extend_all(None, blocks).tip.sequence_no == missing - 1  # the end is missing: the head says so
        return
    with pytest.raises(ValueError, match="does not come directly behind"):
        extend_all(None, blocks)


@FEW
@given(journals(), st.data())
def test_a_repeated_block_is_refused(journal, data):
    blocks = verified(journal)
    place = data.draw(st.integers(0, len(blocks) - 1))
    with pytest.raises(ValueError, match="does not come directly behind"):
        extend_all(None, [*blocks[: place + 1], *blocks[place:]])


@FEW
@given(journals(min_size=2), st.data())
def test_moved_blocks_are_refused(journal, data):
    blocks = verified(journal)
    moved = data.draw(st.permutations(blocks))
    if moved != blocks:
        with pytest.raises(ValueError, match="does not come directly behind"):
            extend_all(None, moved)


@FEW
@given(journals(min_size=2, max_size=4, bind_headers=False), journals(min_size=2, max_size=4, bind_headers=False))
def test_a_block_of_another_journal_does_not_follow(journal, other):
    """Same strand, same sequence number, genuine in itself: only the link tells."""
    theirs = verified(other)[1]
    mine = verified(journal)
    if theirs.previous_block_hash == mine[0].block_hash:
        return
    with pytest.raises(BrokenLinkError) as refusal:
        extend(segment_of(mine[0]), theirs)
    assert refusal.value.evidence["expected"] == str(mine[0].block_hash)


@FEW
@given(journals())
def test_stream_records_carry_the_journal(journal):
    """What the builder publishes is what a consumer reads: same hashes, same heads, every revision with its table."""
    head = None
    for built, whole in zip(journal.blocks, verified(journal), strict=True):
        summary, *details = map(parse_stream_record, built.stream_records(STREAM_ARN))
        assert isinstance(summary, BlockSummaryRecord)
        assert summary.stream_arn == STREAM_ARN
        block = verify_block(summary.block)
        assert block == whole._replace(revisions=(), redaction_info=block.redaction_info)
        head = extend(head, block)
        expected = [change for change in built.changes if not change.internal]
        assert [each.table_name for each in details] == [change.table_name for change in expected]
        _details_match(details, block, expected)
    assert head == head_of(journal.fields)


def _details_match(details, block, expected):
    announced = [summary for summary in block.summaries if summary.document_id is not None]
    for record, summary, change in zip(details, announced, expected, strict=True):
        assert isinstance(record, RevisionDetailsRecord)
        revision = verify_revision(record.revision)
        assert (revision.hash, revision.metadata.document_id) == summary
        assert revision.address == block.address
        assert revision.kind is _kind_of(change)
        assert record.table_id == change.table_id


@FEW
@given(journals())
def test_the_binary_and_the_text_of_a_block_hash_alike(journal):
    for built in journal.blocks:
        assert read_single(built.block_binary()).raw() == read_single(dump_binary(built.fields)).raw()


@FEW
@given(transactions(1), transactions(2), st.integers(0, 2**40))
def test_a_block_that_moves_is_the_block_that_would_have_been_there(transaction, other, sequence_no):
    here, there = BlockAddress(STRAND, 3), BlockAddress(STRAND, sequence_no)
    before = build_block(here, None, other).block_hash
    moved, expected = build_block(here, None, transaction), build_block(there, before, transaction)
    block_hash, fields = reseal(decode_datagram(moved.block_binary()), there, before, transaction.committed_at)
    assert block_hash == expected.block_hash
    assert encode(fields) == expected.block_binary()
