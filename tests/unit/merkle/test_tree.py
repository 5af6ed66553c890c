"""Trees at their edges: no leaves, places outside, ranges that do not fit."""

import pytest

from counterfoil.errors import InputError, ProofMismatchError
from counterfoil.merkle import CompactRange, Hash, hash_of, prove_inclusion, root_of, verify_inclusion

LEAVES = [hash_of(bytes([number])) for number in range(5)]


def test_no_leaves_have_no_root():
    with pytest.raises(ValueError, match="no leaves"):
        root_of([])


@pytest.mark.parametrize("index", [-1, 5, 99])
def test_a_leaf_outside_the_tree_has_no_proof(index):
    with pytest.raises(IndexError, match=f"leaf {index} of 5"):
        prove_inclusion(LEAVES, index)


def test_the_only_leaf_is_its_own_root_and_needs_no_path():
    assert root_of(LEAVES[:1]) == LEAVES[0]
    assert prove_inclusion(LEAVES[:1], 0) == ()
    assert verify_inclusion(LEAVES[0], (), LEAVES[0]) == LEAVES[0]


def test_a_proof_that_leads_elsewhere_says_where_it_leads():
    with pytest.raises(ProofMismatchError, match="do not belong together") as refusal:
        verify_inclusion(LEAVES[0], [LEAVES[1]], LEAVES[2])
    assert refusal.value.evidence["leaf"] == str(LEAVES[0])
    assert refusal.value.evidence["expected"] == str(LEAVES[2])


@pytest.mark.parametrize(("begin", "end", "count"), [(0, 0, 0), (2, 1, 1), (-1, 1, 1), (0, 3, 1), (0, 3, 3), (1, 3, 1)])
def test_ends_and_nodes_of_a_range_must_fit(begin, end, count):
    with pytest.raises(InputError, match="no compact range"):
        CompactRange(begin, end, tuple(LEAVES[:count]))


def test_a_range_does_not_join_what_does_not_follow_it():
    with pytest.raises(ValueError, match="begins at 3 does not follow one that ends at 1"):
        CompactRange.of_leaf(0, LEAVES[0]) + CompactRange.of_leaf(3, LEAVES[1])


def test_a_range_at_the_highest_sequence_number_is_possible():
    top = 2**63 - 1
    joined = CompactRange.of_leaf(top - 1, LEAVES[0]) + CompactRange.of_leaf(top, LEAVES[1])
    assert (joined.begin, joined.end, len(joined.nodes)) == (top - 1, 2**63, 1)


def test_hashes_in_a_range_stay_hashes():
    whole = CompactRange.of_leaf(0, LEAVES[0]) + CompactRange.of_leaf(1, LEAVES[1])
    assert isinstance(whole.nodes[0], Hash)
    assert isinstance(whole.root, Hash)
