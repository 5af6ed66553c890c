"""A log as files: whatever steps it grew in, every proof read from them holds, and no altered file is believed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import InputError, IntegrityError, NotFoundError
from counterfoil.transparency.tiles import CHECKPOINT_PATH, Tile, TileReader, TileWriter, edge_of, tile_at
from counterfoil.transparency.tree import (
    EMPTY,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.transparency_logs import entries, tiled

STEPS = [1, 2, 255, 256, 257, 511, 512, 700, 1030]
FILES, CHECKPOINTS = tiled(*STEPS)
SIZE = STEPS[-1]
HEAD = CHECKPOINTS[-1].head
LEAVES = [leaf_hash(each) for each in entries(SIZE)]


def read_everything(files, head=HEAD):
    reader = TileReader(files.get, head)
    assert list(reader.all_entries()) == entries(head.size)
    return reader


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_every_head_that_was_signed_is_the_trees_and_can_still_be_read(step):
    head = CHECKPOINTS[step].head
    assert head.root == root_of(LEAVES[: head.size])
    assert list(TileReader(FILES.get, head).all_entries()) == entries(head.size)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=6))
@settings(max_examples=10)
def test_the_files_do_not_depend_on_the_steps(steps):
    sizes = [sum(steps[: place + 1]) for place in range(len(steps))]
    files, checkpoints = tiled(*sizes)
    assert checkpoints[-1].head.root == root_of(leaf_hash(each) for each in entries(sizes[-1]))
    at_once, _ = tiled(sizes[-1])
    assert at_once.items() <= files.items()


@given(st.integers(0, SIZE - 1), st.integers(1, SIZE))
@settings(max_examples=40)
def test_proofs_from_the_files_hold(index, old):
    reader = TileReader(FILES.get, HEAD)
    assert verify_inclusion(LEAVES[index], index, prove_inclusion(reader.node, index, SIZE), HEAD)
    older = HEAD._replace(size=old, root=root_of(LEAVES[:old]))
    assert verify_consistency(older, HEAD, prove_consistency(reader.node, old, SIZE)) == HEAD


@given(st.data())
@settings(max_examples=40)
def test_a_file_with_another_bit_is_found_wherever_it_is_needed(data):
    needed = [tile.path for tile in edge_of(SIZE)] + [tile_at(0, index, SIZE).path for index in range(5)]
    needed += [tile_at(-1, index, SIZE).path for index in range(5)]
    path = data.draw(st.sampled_from(needed))
    altered = bytearray(FILES[path])
    altered[data.draw(st.integers(0, len(altered) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((IntegrityError, InputError)):
        read_everything({**FILES, path: bytes(altered)})


@given(st.data())
@settings(max_examples=30)
def test_a_file_of_another_length_is_found(data):
    path = data.draw(st.sampled_from([each for each in FILES if each != CHECKPOINT_PATH]))
    tile = Tile.parse(path)
    if tile != tile_at(tile.level, tile.index, SIZE):
        return
    length = data.draw(st.integers(0, len(FILES[path]) - 1))
    for altered in (FILES[path][:length], FILES[path] + b"\0"):
        with pytest.raises((IntegrityError, InputError)):
            read_everything({**FILES, path: altered})


def test_a_partial_file_that_was_removed_is_read_from_the_full_one():
    files = dict(FILES)
    head = CHECKPOINTS[2].head
    for tile in (*edge_of(head.size), tile_at(-1, 0, head.size)):
        del files[tile.path]
    assert read_everything(files, head).head.size == 255


@pytest.mark.parametrize(
    "path", ["tile/0/004.p/6", "tile/1/000.p/4", "tile/0/001", "tile/entries/002", "tile/entries/004.p/6"]
)
def test_a_file_that_is_not_there_is_said_to_be_missing(path):
    files = dict(FILES)
    del files[path]
    with pytest.raises(NotFoundError, match=path):
        read_everything(files)


def test_a_log_cannot_pass_for_another_one_of_its_size():
    forged, checkpoints = tiled(SIZE, fork=300)
    with pytest.raises(IntegrityError, match="the tiles at the edge"):
        TileReader(FILES.get, checkpoints[-1].head)
    mixed = {**FILES, "tile/entries/001": forged["tile/entries/001"]}
    with pytest.raises(IntegrityError, match="entry 300 "):
        read_everything(mixed)
    with pytest.raises(IntegrityError, match="as the tile above it says"):
        read_everything(mixed | {"tile/0/001": forged["tile/0/001"]})


def test_a_log_without_entries_has_no_files():
    writer = TileWriter()
    assert (writer.filled(), writer.edge(), writer.head) == ([], [], EMPTY)
    assert list(TileReader({}.get, EMPTY).all_entries()) == []


def test_what_is_not_in_the_tree_is_not_read():
    reader = TileReader(FILES.get, HEAD)
    for level, position in ((0, SIZE), (0, -1), (3, SIZE >> 3), (12, 0)):
        with pytest.raises(IndexError):
            reader.node(level, position)
    for level, index in ((0, 5), (1, 1), (2, 0), (-2, 0), (8, 0), (0, -1)):
        with pytest.raises(IndexError):
            tile_at(level, index, SIZE)


def test_a_reader_keeps_a_bounded_number_of_tiles(monkeypatch):
    monkeypatch.setattr(TileReader, "KEPT", 2)
    reader = read_everything(FILES)
    assert len(reader._kept) <= 2


def test_a_large_trees_tiles_stand_where_the_specification_puts_them():
    assert Tile(0, 1_234_067).path == "tile/0/x001/x234/067"
    assert Tile(2, 5, 17).path == "tile/2/005.p/17"
    assert [tile.path for tile in edge_of(70_000)] == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    for path in ("tile/0/x001/x234/067", "tile/entries/x001/000.p/255", "tile/7/000"):
        assert Tile.parse(path).path == path
