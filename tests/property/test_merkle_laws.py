"""What holds for every tree: one root however it is made, proofs that verify, forgeries that do not."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import InputError, ProofMismatchError
from counterfoil.merkle import CompactRange, Hash, dot, fold, path_length, prove_inclusion, root_of, verify_inclusion

hashes = st.binary(min_size=32, max_size=32).map(Hash)
leaf_lists = st.lists(hashes, min_size=1, max_size=40)
many_leaves = st.integers(1, 300).map(lambda size: [Hash(number.to_bytes(32)) for number in range(size)])


def range_of(leaves, begin=0):
    return reduce(
        lambda left, right: left + right, [CompactRange.of_leaf(begin + i, each) for i, each in enumerate(leaves)]
    )


@given(hashes, hashes)
def test_the_order_of_two_hashes_does_not_matter(left, right):
    assert dot(left, right) == dot(right, left)


@given(leaf_lists | many_leaves)
def test_a_root_grown_leaf_by_leaf_is_the_root_made_at_once(leaves):
    grown = range_of(leaves)
    assert grown.root == root_of(leaves)
    assert len(grown.nodes) == len(leaves).bit_count()


@given(leaf_lists | many_leaves, st.data())
def test_every_proof_verifies_and_is_as_long_as_its_place_says(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = prove_inclusion(leaves, index)
    assert verify_inclusion(leaves[index], path, root_of(leaves)) == leaves[index]
    assert len(path) == path_length(index, len(leaves))


@given(st.lists(hashes, min_size=2, max_size=40, unique=True), st.data())
def test_no_changed_shortened_lengthened_or_reordered_path_verifies(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = list(prove_inclusion(leaves, index))
    forged = data.draw(st.sampled_from(FORGERIES))(data, path)
    if forged == path:
        return
    with pytest.raises(ProofMismatchError) as refusal:
        verify_inclusion(leaves[index], forged, root_of(leaves))
    assert refusal.value.evidence["expected"] == str(root_of(leaves))
    assert refusal.value.evidence["found"] == str(fold(leaves[index], forged))


def _place(data, path):
    return data.draw(st.integers(0, len(path) - 1))


def _change(data, path):
    place = _place(data, path)
    other = bytearray(path[place])
    other[data.draw(st.integers(0, 31))] ^= data.draw(st.integers(1, 255))
    return [*path[:place], Hash(bytes(other)), *path[place + 1 :]]


def _drop(data, path):
    place = _place(data, path)
    return path[:place] + path[place + 1 :]


def _insert(data, path):
    place = data.draw(st.integers(0, len(path)))
    return [*path[:place], data.draw(hashes), *path[place:]]


def _reorder(data, path):
    return data.draw(st.permutations(path))


FORGERIES = [_change, _drop, _insert, _reorder]


@given(st.lists(hashes, min_size=2, max_size=40, unique=True), st.data())
def test_the_proof_of_one_leaf_does_not_hold_for_another(leaves, data):
    index, other = data.draw(st.lists(st.integers(0, len(leaves) - 1), min_size=2, max_size=2, unique=True))
    with pytest.raises(ProofMismatchError):
        verify_inclusion(leaves[other], prove_inclusion(leaves, index), root_of(leaves))


@given(leaf_lists, st.integers(0, 2**40), st.data())
def test_ranges_join_in_any_grouping_to_the_same_range(leaves, begin, data):
    pieces = [CompactRange.of_leaf(begin + index, leaf) for index, leaf in enumerate(leaves)]
    while len(pieces) > 1:
        place = data.draw(st.integers(0, len(pieces) - 2))
        pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
    assert pieces[0] == range_of(leaves, begin)


@given(leaf_lists, st.data())
def test_a_range_from_leaf_zero_has_the_root_and_every_other_has_none(leaves, data):
    cut = data.draw(st.integers(1, len(leaves)))
    assert range_of(leaves[:cut]).root == root_of(leaves[:cut])
    assert range_of(leaves, begin=cut).root is None


@given(leaf_lists, leaf_lists, st.integers(0, 100), st.integers(0, 200))
def test_ranges_that_do_not_touch_do_not_join(left, right, begin, other_begin):
    first, second = range_of(left, begin), range_of(right, other_begin)
    if first.end == second.begin:
        assert (first + second).end == second.end
    else:
        with pytest.raises(ValueError, match="does not follow"):
            first + second


@given(st.integers(-5, 40), st.integers(-5, 40), st.lists(hashes, max_size=8))
def test_a_range_with_another_number_of_nodes_than_its_ends_need_is_refused(begin, end, nodes):
    try:
        made = CompactRange(begin, end, tuple(nodes))
    except InputError as error:
        assert f"leaves {begin} to {end} with {len(nodes)} nodes" in str(error)
    else:
        assert len(made.nodes) == len(range_of([nodes[0]] * (end - begin), begin).nodes)


@given(st.binary(max_size=64))
def test_only_32_bytes_are_a_hash(data):
    if len(data) == 32:
        assert Hash.from_base64(Hash(data).to_base64()) == data
    else:
        with pytest.raises(InputError, match=f"32 bytes, not {len(data)}"):
            Hash(data)
