"""Proofs of the log's tree hold for what they were made for, and for nothing else."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import InputError, ProofMismatchError
from counterfoil.merkle import Hash
from counterfoil.transparency.tree import (
    EMPTY,
    Frontier,
    TreeHead,
    head_of,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.transparency_logs import entries, node_reader, root_by_definition

LARGEST = 70
LEAVES = [leaf_hash(each) for each in entries(LARGEST)]
SIZES = st.integers(0, LARGEST)


@cache
def read(level, position):
    return node_reader(entries(LARGEST))(level, position)


@cache
def head(size):
    return head_of(read, size)


def flip(hash_):
    return Hash(bytes([hash_[0] ^ 1]) + hash_[1:])


def tampered(path):
    """Every path that is nearly this one."""
    for place in range(len(path)):
        yield (*path[:place], flip(path[place]), *path[place + 1 :])
        yield path[:place] + path[place + 1 :]
        yield path[: place + 1] + path[place:]
        if place and path[place] != path[place - 1]:
            yield (*path[: place - 1], path[place], path[place - 1], *path[place + 1 :])
    yield (*path, LEAVES[0])
    yield (LEAVES[0], *path)
    yield (*path, *path, LEAVES[1])


def refused(verify, *arguments):
    with pytest.raises(ProofMismatchError):
        verify(*arguments)


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_the_root_is_the_definitions_however_it_is_computed(size):
    expected = root_by_definition(LEAVES[:size])
    assert (size, root_of(LEAVES[:size])) == (size, expected) == head(size)


@given(SIZES, SIZES)
def test_a_frontier_goes_on_wherever_it_was_kept(first, second):
    size, more = sorted((first, second))
    kept = Frontier()
    for leaf in LEAVES[:size]:
        kept = kept.append(leaf)
    grown = Frontier(kept.size, kept.nodes)
    for leaf in LEAVES[size:more]:
        grown = grown.append(leaf)
    assert grown.head == head(more)
    with pytest.raises(InputError):
        Frontier(kept.size, (*kept.nodes, LEAVES[0]))


@given(st.data())
@settings(max_examples=40)
def test_an_inclusion_proof_holds_for_its_leaf_place_and_tree_alone(data):
    size = data.draw(st.integers(1, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    path = prove_inclusion(read, index, size)
    leaf = LEAVES[index]
    assert verify_inclusion(leaf, index, path, head(size)) == leaf
    for other in range(-1, LARGEST + 2):
        if other != index:
            refused(verify_inclusion, leaf, other, path, head(size))
            if other % LARGEST != index:
                refused(verify_inclusion, LEAVES[other % LARGEST], index, path, head(size))
    for each in tampered(path):
        refused(verify_inclusion, leaf, index, each, head(size))
    refused(verify_inclusion, leaf, index, path, TreeHead(size, flip(head(size).root)))
    refused(verify_inclusion, flip(leaf), index, path, head(size))


@given(st.data())
@settings(max_examples=40)
def test_an_inclusion_proof_does_not_hold_in_a_tree_of_another_shape(data):
    size = data.draw(st.integers(1, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    path = prove_inclusion(read, index, size)
    other = data.draw(SIZES.filter(lambda each: each != size))
    refused(verify_inclusion, LEAVES[index], index, path, head(other))


@given(SIZES, SIZES)
def test_a_consistency_proof_holds_between_its_two_trees_alone(first, second):
    old, new = sorted((first, second))
    path = prove_consistency(read, old, new)
    assert verify_consistency(head(old), head(new), path) == head(new)
    for each in tampered(path):
        refused(verify_consistency, head(old), head(new), each)
    if old:
        refused(verify_consistency, head(old), TreeHead(new, flip(head(new).root)), path)
    refused(verify_consistency, TreeHead(old, flip(head(old).root)), head(new), path)
    if old != new:
        refused(verify_consistency, head(new), head(old), path)
    if 0 < old < new:
        refused(verify_consistency, TreeHead(old, head(new).root), TreeHead(new, head(old).root), path)


@given(st.data())
@settings(max_examples=40)
def test_a_consistency_proof_does_not_hold_between_other_sizes(data):
    old = data.draw(st.integers(1, LARGEST - 1))
    new = data.draw(st.integers(old + 1, LARGEST))
    path = prove_consistency(read, old, new)
    wrong_old, wrong_new = data.draw(st.tuples(SIZES, SIZES).filter(lambda pair: pair != (old, new)))
    refused(verify_consistency, head(wrong_old), head(wrong_new), path)
    if wrong_old:
        refused(
            verify_consistency, TreeHead(wrong_old, head(old).root), TreeHead(wrong_new, flip(head(new).root)), path
        )


@given(st.integers(1, LARGEST), st.integers(1, LARGEST), st.integers(0, LARGEST - 1))
@settings(max_examples=40)
def test_a_history_that_was_rewritten_before_the_older_head_cannot_be_shown_to_extend_it(first, second, fork):
    old, new = sorted((first, second))
    fork %= old
    other = node_reader(entries(LARGEST, fork))
    forged = head_of(other, new)
    for path in (prove_consistency(other, old, new), prove_consistency(read, old, new)):
        refused(verify_consistency, head(old), forged, path)


@given(st.integers(1, LARGEST - 1), st.integers(1, LARGEST))
def test_two_histories_with_one_beginning_each_extend_it_and_not_each_other(shared, more):
    new = min(shared + more, LARGEST)
    other = node_reader(entries(LARGEST, shared))
    forged = head_of(other, new)
    path = prove_consistency(other, shared, new)
    assert verify_consistency(head(shared), forged, path) == forged
    assert verify_consistency(head(shared), head(new), prove_consistency(read, shared, new))
    if new > shared:
        refused(verify_consistency, head(new), forged, ())


def test_the_empty_tree_is_extended_by_every_tree_with_nothing_to_show():
    assert verify_consistency(EMPTY, head(5), ()) == head(5)
    refused(verify_consistency, EMPTY, head(5), (LEAVES[0],))
    refused(verify_consistency, TreeHead(0, LEAVES[0]), head(5), ())


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_nothing_is_proved_of_a_leaf_that_is_not_there(index, size):
    with pytest.raises(IndexError):
        prove_inclusion(read, index, size)


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3)])
def test_nothing_is_proved_of_a_tree_that_shrank(old, new):
    with pytest.raises(IndexError):
        prove_consistency(read, old, new)
