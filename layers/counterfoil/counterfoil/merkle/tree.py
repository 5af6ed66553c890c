"""QLDB's Merkle tree: pairs from left to right with ``dot``; a last node without a pair moves up unchanged.

The shape is that of RFC 6962 (an unpaired node moving up is the same as splitting at the largest power of two), so a run
of leaves ``begin..end`` is described completely by the roots of its maximal aligned subtrees: a *compact range*, at most
2 log2(n) hashes. Two ranges that touch merge into one; the range from leaf 0 gives the tree's root. That is the whole
state a verifier needs to know the digest of n blocks.

Source: docs/format.md, section "Digest"; compact ranges after transparency-dev/merkle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import batched

from counterfoil.errors import InputError, ProofMismatchError
from counterfoil.merkle.hashes import Hash, dot


def root_of(leaves: Sequence[Hash]) -> Hash:
    """Root over leaves in order; of one leaf, the leaf itself. No leaves have no root: ``ValueError``."""
    if not leaves:
        raise ValueError("the root of no leaves")
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def _parents(level: list[Hash]) -> list[Hash]:
    return [dot(*pair) if len(pair) == 2 else pair[0] for pair in batched(level, 2, strict=False)]


@dataclass(frozen=True, slots=True)
class CompactRange:
    """Leaves ``begin`` (included) to ``end`` (excluded) of a tree, as the roots of their maximal aligned subtrees.

    ``nodes`` are in leaf order; how many leaves each covers follows from ``begin`` and ``end`` alone.
    """

    begin: int
    end: int
    nodes: tuple[Hash, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end or len(self.nodes) != len(subtree_sizes(self.begin, self.end)):
            raise InputError(f"no compact range: leaves {self.begin} to {self.end} with {len(self.nodes)} nodes")

    @classmethod
    def of_leaf(cls, index: int, leaf: Hash) -> CompactRange:
        return cls(index, index + 1, (leaf,))

    def __add__(self, other: CompactRange) -> CompactRange:
        """Join with the range that begins where this one ends; another is a ``ValueError``."""
        if other.begin != self.end:
            raise ValueError(f"a range that begins at {other.begin} does not follow one that ends at {self.end}")
        sizes = subtree_sizes(self.begin, self.end) + subtree_sizes(other.begin, other.end)
        stack: list[tuple[int, int, Hash]] = []
        position = self.begin
        for size, node in zip(sizes, self.nodes + other.nodes, strict=True):
            _push(stack, position, size, node)
            position += size
        return CompactRange(self.begin, other.end, tuple(node for _, _, node in stack))

    @property
    def root(self) -> Hash | None:
        """The tree's root over leaves 0 to ``end - 1``; ``None`` where the range does not begin at leaf 0."""
        if self.begin:
            return None
        return reduce(lambda right, left: dot(left, right), reversed(self.nodes[:-1]), self.nodes[-1])


def _push(stack: list[tuple[int, int, Hash]], position: int, size: int, node: Hash) -> None:
    """Add a subtree and join it with its left siblings as long as they are complete and aligned."""
    while stack and stack[-1][1] == size and stack[-1][0] % (2 * size) == 0:
        position, _, left = stack.pop()
        node, size = dot(left, node), 2 * size
    stack.append((position, size, node))


def subtree_sizes(begin: int, end: int) -> list[int]:
    """Sizes of the maximal aligned subtrees that cover leaves ``begin`` to ``end - 1``, in order."""
    sizes = []
    while begin < end:
        size = (begin & -begin) if begin else 1 << (end - begin).bit_length()
        while size > end - begin:
            size >>= 1
        sizes.append(size)
        begin += size
    return sizes


def prove_inclusion(leaves: Sequence[Hash], index: int) -> tuple[Hash, ...]:
    """The siblings of a leaf from the bottom up; a level at which the node has no pair adds none. ``IndexError`` outside."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} of {len(leaves)}")
    path, level = [], list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _parents(level), index // 2
    return tuple(path)


def path_length(index: int, size: int) -> int:
    """How many siblings the proof of leaf ``index`` in a tree of ``size`` leaves has."""
    length, last = 0, size - 1
    while last:
        length += (index ^ 1) <= last
        index, last = index >> 1, last >> 1
    return length


def fold(leaf: Hash, path: Iterable[Hash]) -> Hash:
    """Where a proof leads: ``dot`` of the leaf with each sibling in turn. No sides are needed since ``dot`` sorts."""
    return reduce(dot, path, leaf)


def verify_inclusion(leaf: Hash, path: Iterable[Hash], root: Hash) -> Hash:
    """Return the leaf, now known to be under ``root``; else raise ``ProofMismatchError``."""
    reached = fold(leaf, path)
    if reached != root:
        raise ProofMismatchError(
            f"the proof leads from {leaf} to {reached}, not to the digest {root}; leaf, proof and digest do not belong together",
            leaf=str(leaf),
            expected=str(root),
            found=str(reached),
        )
    return leaf
