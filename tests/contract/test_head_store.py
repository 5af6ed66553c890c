"""What every HeadStore guarantees."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from counterfoil.adapters.dynamodb.heads import STRANDS, DynamoDbHeads
from counterfoil.adapters.memory import MemoryHeads
from counterfoil.detection.strand import (
    Awaited,
    Bounds,
    EarlyRevision,
    Hole,
    SegmentState,
    StrandState,
)
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.journal import segment_of
from counterfoil.journal.address import ID_PATTERN
from counterfoil.ports import MAX_RUNS
from tests.audit_worlds import NOW, AuditWorld, made_block, made_run, user_datas, verified
from tests.contract.conftest import AWS, BOTH
from tests.journals import OTHER_STRAND, STRAND, head_of, transfers


@pytest.fixture(params=BOTH)
def heads(request):
    if request.param == "memory":
        return MemoryHeads()
    make = request.getfixturevalue("make_ddb_table")
    return DynamoDbHeads(request.getfixturevalue("clients")("dynamodb"), make("HeadsTable"))


@pytest.fixture(params=AWS)
def ddb_heads(request, clients, make_ddb_table):
    return DynamoDbHeads(clients("dynamodb"), make_ddb_table("HeadsTable"))


def state(version=1, strand_id=STRAND, **parts):
    return StrandState(strand_id, version, **parts)


@pytest.fixture(scope="module")
def rich_state():
    """A state with something in every corner."""
    made = transfers(6)
    head = head_of(made.fields[:3])
    island = segment_of(verified(made.blocks[5]))
    early = EarlyRevision(9, b"\1" * 32, b"\2" * 8, "doc", "tx", NOW, verified=False, deleted=True, reported=True)
    return state(
        segments=(
            SegmentState(head, NOW, 0),
            SegmentState(island, NOW + timedelta(microseconds=1), 5, Hole.OPEN),
        ),
        awaited={2: Awaited(NOW, 70, 1 << 69 | 5, reported=True), 5: Awaited(NOW, 1, 0)},
        early=(early, replace(early, sequence_no=10, verified=True, deleted=False, reported=False)),
        explained={4: "audit.fork", 2**63 - 1: "audit.contents-mismatch"},
    )


def test_a_strand_never_seen_has_no_state(heads):
    assert heads.load(STRAND) is None
    assert heads.strands() == []
    assert heads.known_blocks(STRAND, [0, 1]) == {}
    assert list(heads.runs(STRAND, 0, 10)) == []


def test_a_state_is_read_as_it_was_written(heads, rich_state):
    heads.advance(None, rich_state, ())
    assert heads.load(STRAND) == rich_state
    second = replace(rich_state, version=2, awaited={}, early=(), explained={})
    heads.advance(rich_state, second, ())
    assert heads.load(STRAND) == second


def test_the_first_save_wants_nothing_there(heads):
    heads.advance(None, state(), ())
    with pytest.raises(ConflictError):
        heads.advance(None, state(), [made_run(0, 1)])
    assert heads.known_blocks(STRAND, [0]) == {}, "the runs of a refused save are not kept"


@pytest.mark.parametrize("runs", [[], [made_run(7, 2)]])
def test_a_writer_one_step_behind_is_refused_and_changes_nothing(heads, runs):
    first, second = state(1), state(2)
    heads.advance(None, first, ())
    heads.advance(first, second, ())
    with pytest.raises(ConflictError):
        heads.advance(first, state(2, explained={1: "audit.fork"}), runs)
    assert heads.load(STRAND) == second
    assert heads.known_blocks(STRAND, [7, 8]) == {}


@pytest.mark.parametrize("runs", [[], [made_run(7, 2)]])
def test_a_writer_who_expects_a_state_where_there_is_none_is_refused(heads, runs):
    with pytest.raises(ConflictError):
        heads.advance(state(1), state(2), runs)
    assert heads.load(STRAND) is None
    assert heads.strands() == []


def test_repeating_a_save_that_took_effect_is_a_conflict_and_changes_nothing(heads):
    """A caller who did not hear the answer loads anew and finds its own work done."""
    first, second = state(1), state(2, explained={1: "audit.fork"})
    heads.advance(None, first, ())
    heads.advance(first, second, [made_run(0, 3)])
    with pytest.raises(ConflictError):
        heads.advance(first, second, [made_run(0, 3)])
    assert heads.load(STRAND) == second
    assert set(heads.known_blocks(STRAND, range(5))) == {0, 1, 2}


def test_blocks_are_known_as_soon_as_they_are_saved(heads):
    heads.advance(None, state(1), [made_run(0, 3), made_run(7, 1)])
    heads.advance(state(1), state(2), [made_run(3, 2, marks=4)])
    wanted = [8, 7, 0, 2, 3, 4, 5, 2**63 - 1]
    expected = {number: made_block(number, 4 if number in {3, 4} else 1) for number in (0, 2, 3, 4, 7)}
    assert heads.known_blocks(STRAND, wanted) == expected
    assert heads.known_blocks(STRAND, iter(wanted)) == expected
    assert heads.known_blocks(STRAND, []) == {}


def test_strands_do_not_see_each_other(heads):
    heads.advance(None, state(1), [made_run(0, 2)])
    heads.advance(None, state(1, OTHER_STRAND), [made_run(5, 1, strand_id=OTHER_STRAND)])
    assert heads.strands() == sorted([STRAND, OTHER_STRAND])
    assert set(heads.known_blocks(STRAND, range(9))) == {0, 1}
    assert set(heads.known_blocks(OTHER_STRAND, range(9))) == {5}
    assert [run.first for run in heads.runs(OTHER_STRAND, 0, 9)] == [5]


def test_a_strand_is_listed_once_however_often_it_is_saved(heads):
    for version in range(1, 5):
        heads.advance(state(version - 1) if version > 1 else None, state(version), ())
    assert heads.strands() == [STRAND]


@pytest.mark.parametrize("pair", [("_strands", "state"), ("state", "run"), ("_strands", "_strands-"), ("-", "_")])
def test_a_producer_who_chooses_strange_ids_gets_strands_like_any_other(heads, pair):
    assert all(map(ID_PATTERN.fullmatch, pair)), "such an id can arrive"
    for strand_id in pair:
        heads.advance(None, state(1, strand_id), [made_run(0, 1, strand_id=strand_id)])
        assert heads.load(strand_id) == state(1, strand_id)
    assert heads.strands() == sorted(pair)
    assert [heads.load(strand_id) for strand_id in pair] == [state(1, strand_id) for strand_id in pair]


def test_the_list_of_strands_stands_under_no_strands_id():
    assert not ID_PATTERN.fullmatch(STRANDS)


def blocks_of(runs, begin, end):
    return [block for run in runs for block in run.blocks if begin <= block.sequence_no < end]


@pytest.mark.parametrize(
    ("begin", "end"), [(0, 20), (0, 1), (3, 5), (4, 10), (5, 9), (9, 11), (10, 12), (11, 40), (13, 14), (25, 30)]
)
def test_runs_are_those_that_hold_a_block_of_the_range_in_order(heads, begin, end):
    heads.advance(None, state(1), [made_run(0, 4), made_run(10, 3), made_run(20, 1)])
    heads.advance(state(1), state(2), [made_run(4, 1)])
    found = list(heads.runs(STRAND, begin, end))
    present = [*range(5), 10, 11, 12, 20]
    assert blocks_of(found, begin, end) == [made_block(number) for number in present if begin <= number < end]
    assert [run.first for run in found] == sorted(run.first for run in found)
    assert all(blocks_of([run], begin, end) for run in found), "no run without a block of the range"


def test_a_block_with_very_many_revisions_is_remembered_whole(heads):
    """20,000 marks of 25 bytes are more than one DynamoDB item holds."""
    large = replace(made_run(3, 3), blocks=(made_block(3), made_block(4, 20_000), made_block(5)))
    heads.advance(None, state(1), [made_run(0, 3), large])
    assert heads.known_blocks(STRAND, [2, 3, 4, 5]) == {
        2: made_block(2), 3: made_block(3), 4: made_block(4, 20_000), 5: made_block(5),
    }  # fmt: skip
    assert blocks_of(heads.runs(STRAND, 0, 9), 0, 9) == [*map(made_block, range(3)), *large.blocks]
    assert blocks_of(heads.runs(STRAND, 5, 6), 5, 6) == [made_block(5)]


def test_as_many_runs_as_the_port_says_fit_one_save(heads):
    runs = [made_run(2 * index, 1) for index in range(MAX_RUNS)]
    heads.advance(None, state(1), runs)
    assert set(heads.known_blocks(STRAND, range(2 * MAX_RUNS))) == set(range(0, 2 * MAX_RUNS, 2))
    assert list(heads.runs(STRAND, 0, 2 * MAX_RUNS)) == runs


def test_a_long_history_of_runs_is_read_whole(heads):
    previous = None
    for version in range(1, 41):
        new = state(version)
        heads.advance(previous, new, [made_run(100 * version, 100, marks=8)])
        previous = new
    found = blocks_of(heads.runs(STRAND, 150, 4_050), 150, 4_050)
    assert [block.sequence_no for block in found] == list(range(150, 4_050))


def island(number):
    segment = segment_of(verified(transfers(1).blocks[0]))
    return SegmentState(
        replace(segment, range=replace(segment.range, begin=number, end=number + 1)), NOW, number, Hole.OPEN
    )


def test_a_state_with_as_many_segments_as_the_bound_is_kept(heads):
    made = state(1, segments=tuple(island(10**6 + 2 * number) for number in range(Bounds().segments)))
    heads.advance(None, made, [made_run(0, 1)])
    assert heads.load(STRAND) == made


@pytest.mark.parametrize("runs", [[], [made_run(0, 1)]])
def test_of_two_writers_at_the_same_time_one_is_refused(ddb_heads, runs):
    ddb_heads.advance(None, state(1), ())
    both = threading.Barrier(2)

    def write(place):
        both.wait(30)
        try:
            ddb_heads.advance(state(1), state(2, explained={place: "audit.fork"}), runs)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(write, [1, 2]))
    assert sorted(won) == [False, True]
    assert ddb_heads.load(STRAND).explained == {won.index(True) + 1: "audit.fork"}


def test_the_auditor_over_it_comes_to_the_same_head_as_in_memory(heads):
    blocks = transfers(30).blocks
    world, memory = AuditWorld(heads=heads), AuditWorld()
    order = [*blocks[20:], *blocks[5:15], *blocks[:5], *blocks[3:8], *blocks[15:20]]
    for begin in range(0, len(order), 4):
        for each in (world, memory):
            assert each.deliver(user_datas(order[begin : begin + 4])).failed_index is None
    assert world.state() == memory.state()
    assert blocks_of(heads.runs(STRAND, 0, 30), 0, 30) == blocks_of(memory.heads.runs(STRAND, 0, 30), 0, 30)
    assert world.found() == memory.found() == []


@pytest.mark.parametrize(
    "call",
    [
        lambda heads: heads.load(STRAND),
        lambda heads: heads.advance(None, state(1), ()),
        lambda heads: heads.advance(state(1), state(2), ()),
        lambda heads: heads.advance(None, state(1), [made_run(0, 1)]),
        lambda heads: heads.known_blocks(STRAND, [1]),
        lambda heads: list(heads.runs(STRAND, 0, 1)),
        lambda heads: heads.strands(),
    ],
)
def test_a_store_that_does_not_answer_is_unavailable(gone, call):
    with pytest.raises(UnavailableError) as caught:
        call(DynamoDbHeads(gone("dynamodb"), "table"))
    assert not isinstance(caught.value, ConflictError), "silence is not a conflict: it may have taken effect"
