"""Mutants of the hashes and the trees over them."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

GOLDEN_TREE = "tests/golden/test_hash_tree_table.py"
TREE_LAWS = "tests/property/test_merkle_laws.py"

HASHES = [
    Mutant(
        "hash order unsigned (last byte alone)",
        "merkle/hashes.py",
        "last_left ^ 0x80 < last_right ^ 0x80",
        "last_left < last_right",
        (GOLDEN_TREE,),
    ),
    Mutant(
        "hash order unsigned behind equal last bytes",
        "merkle/hashes.py",
        'int.from_bytes(left, "little") ^ _SIGNS < int.from_bytes(right, "little") ^ _SIGNS',
        'int.from_bytes(left, "little") < int.from_bytes(right, "little")',
        (GOLDEN_TREE,),
    ),
    Mutant(
        "hash order first byte first",
        "merkle/hashes.py",
        "last_left, last_right = left[31], right[31]",
        "last_left, last_right = left[0], right[0]",
        (GOLDEN_TREE,),
    ),
    Mutant(
        "dot(a, None) hashes again",
        "merkle/hashes.py",
        "        return one\n",
        "        return hash_of(one)\n",
        (GOLDEN_TREE,),
    ),
    Mutant(
        "dot in the order of its arguments",
        "merkle/hashes.py",
        "sha256(left + right if lesser_first else right + left)",
        "sha256(left + right)",
        (TREE_LAWS,),
    ),
    Mutant(
        "a hash may have any length",
        "merkle/hashes.py",
        "if len(data) != HASH_SIZE:",
        "if len(data) > HASH_SIZE:",
        (TREE_LAWS,),
    ),
]

TREES = [
    Mutant(
        "odd leaf paired with itself",
        "merkle/tree.py",
        "dot(*pair) if len(pair) == 2 else pair[0]",
        "dot(*pair) if len(pair) == 2 else dot(pair[0], pair[0])",
        (TREE_LAWS,),
    ),
    Mutant(
        "subtrees joined where they are not aligned",
        "merkle/tree.py",
        "stack[-1][1] == size and stack[-1][0] % (2 * size) == 0",
        "stack[-1][1] == size",
        (TREE_LAWS,),
    ),
    Mutant(
        "peaks folded from the largest down",
        "merkle/tree.py",
        "reduce(lambda right, left: dot(left, right), reversed(self.nodes[:-1]), self.nodes[-1])",
        "reduce(dot, self.nodes)",
        (TREE_LAWS,),
    ),
    Mutant(
        "a range from the middle has a root",
        "merkle/tree.py",
        "        if self.begin:\n            return None\n",
        "",
        (TREE_LAWS, "tests/unit/journal/test_chain.py"),
    ),
    Mutant(
        "ranges joined across a hole",
        "merkle/tree.py",
        "if other.begin != self.end:",
        "if other.begin < self.end:",
        (TREE_LAWS,),
    ),
    Mutant(
        "a missing sibling counted in the length of a path",
        "merkle/tree.py",
        "length += (index ^ 1) <= last",
        "length += 1",
        (TREE_LAWS,),
    ),
    Mutant(
        "a proof is never compared with its root",
        "merkle/tree.py",
        "if reached != root:",
        "if reached == leaf and reached != root:",
        (TREE_LAWS,),
    ),
]

MERKLE = [*HASHES, *TREES]
