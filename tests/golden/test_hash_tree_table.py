"""The hash order and the tree's shape, by hand: which hash comes first, which leaves pair, how long a path is.

Nothing here is computed by the code under test: orders and shapes are written down, and hashed with hashlib alone.
"""

from hashlib import sha256

import pytest

from counterfoil.merkle import CompactRange, Hash, dot, path_length, prove_inclusion, root_of
from counterfoil.merkle.tree import subtree_sizes


def hash_with(places: dict[int, int]) -> Hash:
    """32 zero bytes but for the places given."""
    return Hash(bytes(places.get(index, 0) for index in range(32)))


def signed(data):
    return [byte - 256 if byte > 127 else byte for byte in data]


WRONG_ORDERS = {
    "unsigned, first byte first": lambda a, b: a < b,
    "unsigned, last byte first": lambda a, b: a[::-1] < b[::-1],
    "signed, first byte first": lambda a, b: signed(a) < signed(b),
}

# (lesser, greater, the wrong readings that say the opposite)
ORDERED = [
    ({31: 0x80}, {31: 0x7F}, {"unsigned, first byte first", "unsigned, last byte first"}),
    ({31: 0xFF}, {31: 0x00}, {"unsigned, first byte first", "unsigned, last byte first"}),
    ({31: 0x80}, {31: 0xFF}, set()),
    ({31: 0x01}, {31: 0x02}, set()),
    ({0: 0x02, 31: 0x01}, {0: 0x01, 31: 0x02}, {"unsigned, first byte first", "signed, first byte first"}),
    ({0: 0x01, 31: 0xFE}, {0: 0x02, 31: 0x7E}, {"unsigned, last byte first"}),
    ({0: 0x7F, 31: 0x81}, {0: 0x80, 31: 0x01}, {"unsigned, last byte first", "signed, first byte first"}),
    ({0: 0x80, 31: 0x01}, {0: 0x7F, 31: 0x02}, {"unsigned, first byte first"}),
    ({30: 0x80, 31: 0x05}, {30: 0x00, 31: 0x05}, {"unsigned, first byte first", "unsigned, last byte first"}),
    ({16: 0xC0}, {16: 0x40}, {"unsigned, first byte first", "unsigned, last byte first"}),
    ({0: 0x80}, {0: 0x7F}, {"unsigned, first byte first", "unsigned, last byte first"}),
    ({0: 0x03, 30: 0xFF}, {0: 0x02, 30: 0x01}, set(WRONG_ORDERS)),
]


@pytest.mark.parametrize(("lesser", "greater", "wrong"), ORDERED)
def test_the_hash_that_is_less_from_the_back_in_signed_bytes_goes_first(lesser, greater, wrong):
    first, second = hash_with(lesser), hash_with(greater)
    expected = sha256(first + second).digest()
    assert dot(first, second) == expected
    assert dot(second, first) == expected


@pytest.mark.parametrize(("lesser", "greater", "wrong"), ORDERED)
def test_the_table_tells_the_right_order_from_the_wrong_ones(lesser, greater, wrong):
    first, second = hash_with(lesser), hash_with(greater)
    assert {name for name, less in WRONG_ORDERS.items() if not less(first, second)} == wrong


def test_a_hash_combined_with_nothing_is_not_hashed_again():
    only = hash_with({0: 1})
    assert dot(only, None) == only
    assert dot(None, only) == only


def test_two_equal_hashes_combine_to_the_hash_of_both():
    only = hash_with({0: 1})
    assert dot(only, only) == sha256(only + only).digest()


# Leaves a..g have the ascending last bytes 1..7, so that the lesser of two leaves is always the one to the left; inner
# nodes are ordered by sorting them here in the plainest way.
LEAVES = [hash_with({31: number}) for number in range(1, 8)]


def node(left, right):
    first, second = sorted((left, right), key=lambda each: signed(each)[::-1])
    return sha256(first + second).digest()


def shapes():
    a, b, c, d, e, f, g = LEAVES
    ab, cd, ef = node(a, b), node(c, d), node(e, f)
    abcd = node(ab, cd)
    return [
        (1, a),
        (2, ab),
        (3, node(ab, c)),
        (4, abcd),
        (5, node(abcd, e)),
        (6, node(abcd, ef)),
        (7, node(abcd, node(ef, g))),
    ]


@pytest.mark.parametrize(("size", "root"), shapes())
def test_a_last_leaf_without_a_pair_moves_up_unchanged(size, root):
    assert root_of(LEAVES[:size]) == root


def test_the_path_of_each_of_seven_leaves_is_written_down():
    a, b, c, d, e, f, g = LEAVES
    ab, cd, ef = node(a, b), node(c, d), node(e, f)
    abcd, efg = node(ab, cd), node(ef, g)
    paths = [(b, cd, efg), (a, cd, efg), (d, ab, efg), (c, ab, efg), (f, g, abcd), (e, g, abcd), (ef, abcd)]
    assert [prove_inclusion(LEAVES, index) for index in range(7)] == paths


@pytest.mark.parametrize(
    ("begin", "end", "sizes"),
    [
        (0, 1, [1]),
        (0, 7, [4, 2, 1]),
        (0, 8, [8]),
        (1, 2, [1]),
        (1, 8, [1, 2, 4]),
        (3, 5, [1, 1]),
        (2, 7, [2, 2, 1]),
        (5, 13, [1, 2, 4, 1]),
        (6, 16, [2, 8]),
        (0, 124, [64, 32, 16, 8, 4]),
    ],
)
def test_a_run_of_leaves_is_covered_by_its_largest_aligned_subtrees(begin, end, sizes):
    assert subtree_sizes(begin, end) == sizes


def test_the_nodes_of_a_compact_range_are_the_roots_of_those_subtrees():
    a, b, c, d, e, f, g = LEAVES
    ranges = [CompactRange.of_leaf(index, leaf) for index, leaf in enumerate(LEAVES)]
    middle = ranges[1] + ranges[2] + ranges[3] + ranges[4] + ranges[5] + ranges[6]
    assert middle.nodes == (b, node(c, d), node(e, f), g)
    whole = ranges[0] + middle
    assert whole.nodes == (node(node(a, b), node(c, d)), node(e, f), g)
    assert whole.root == shapes()[6][1]
    assert middle.root is None


# Block, size and the length of the block's proof in receipts of the real service (a revision's is longer by the siblings
# inside its block), and small trees drawn on paper.
@pytest.mark.parametrize(
    ("index", "size", "length"),
    [
        (100, 124, 7),
        (22, 27, 5),
        (112, 114, 4),
        (19, 20, 3),
        (19, 36, 6),
        (30, 39, 6),
        (0, 1, 0),
        (0, 2, 1),
        (2, 3, 1),
        (0, 3, 2),
        (4, 5, 1),
        (3, 5, 3),
        (6, 7, 2),
        (2**62, 2**62 + 1, 1),
    ],
)
def test_a_proof_is_as_long_as_the_leafs_place_makes_it(index, size, length):
    assert path_length(index, size) == length
