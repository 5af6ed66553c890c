"""The tree kept as complete nodes gives the proofs and roots that all leaves give."""

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.merkle import hash_of, prove_inclusion, root_of
from counterfoil.merkle.nodes import append_leaf, prove_leaf, range_of


def grown(size):
    """Leaves, the nodes that were completed on the way, and the range over all of them."""
    leaves = [hash_of(str(number).encode()) for number in range(size)]
    nodes, peaks = {}, None
    for number, leaf in enumerate(leaves):
        peaks, completed = append_leaf(peaks, leaf)
        assert not [each for each in completed if (each.level, each.position) in nodes]
        nodes |= {(each.level, each.position): each.hash for each in completed} | {(0, number): leaf}
    return leaves, nodes, peaks


@cache
def all_of_them():
    return grown(70)


def read(level, position):
    return all_of_them()[1][level, position]


@given(st.integers(1, 70))
def test_growing_completes_each_node_once_and_gives_the_root(size):
    leaves, nodes, peaks = grown(size)
    assert peaks.root == root_of(leaves)
    for (level, position), node in nodes.items():
        assert node == root_of(leaves[position << level : (position + 1) << level])
    assert len(nodes) == sum(size >> level for level in range(8))


@given(st.integers(1, 70))
def test_the_range_is_read_back_from_the_nodes(size):
    assert range_of(read, size) == grown(size)[2]
    assert range_of(read, 0) is None


@given(st.integers(1, 70), st.data())
def test_a_proof_from_nodes_is_the_proof_from_all_leaves(size, data):
    """Also of a tree that has grown since, whose later nodes stand beside."""
    index = data.draw(st.integers(0, size - 1))
    assert prove_leaf(read, index, size) == prove_inclusion(all_of_them()[0][:size], index)
