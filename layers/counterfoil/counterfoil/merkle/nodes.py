"""QLDB's Merkle tree kept as the roots of its complete subtrees, so that a proof reads a few of them instead of every leaf.

A node is ``(level, position)``: the root over leaves ``position * 2**level`` to ``(position + 1) * 2**level - 1``; level 0 are
the leaves. Appending a leaf completes one node on average; a complete node never changes again. A proof in a tree of n leaves
reads at most 2 log2(n) nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple

from counterfoil.errors import InputError
from counterfoil.merkle.hashes import Hash, dot
from counterfoil.merkle.tree import CompactRange, subtree_sizes


class Node(NamedTuple):
    level: int
    position: int
    hash: Hash


# Gives the hash of a complete node by level and position.
ReadNode = Callable[[int, int], Hash]


def append_leaf(peaks: CompactRange | None, leaf: Hash) -> tuple[CompactRange, list[Node]]:
    """The range from leaf 0 with one more leaf, and the nodes above it that are complete now, from the bottom up."""
    size = 0 if peaks is None else peaks.end
    nodes = [] if peaks is None else list(peaks.nodes)
    completed: list[Node] = []
    level, position, node = 0, size, leaf
    while position & 1:
        node = dot(nodes.pop(), node)
        level, position = level + 1, position >> 1
        completed.append(Node(level, position, node))
    nodes.append(node)
    return CompactRange(0, size + 1, tuple(nodes)), completed


def prove_leaf(read: ReadNode, index: int, size: int) -> tuple[Hash, ...]:
    """The proof of leaf ``index`` in the tree over the first ``size`` leaves, as ``prove_inclusion`` gives it of all leaves."""
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} of {size}")
    path, level = [], 0
    while (1 << level) < size:
        sibling = (index >> level) ^ 1
        begin, end = sibling << level, (sibling + 1) << level
        if end <= size:
            path.append(read(level, sibling))
        elif begin < size:
            path.append(_edge(read, begin, size))
        level += 1
    return tuple(path)


def left_of_proof(path: Sequence[Hash], index: int, size: int) -> tuple[Hash, ...]:
    """Of the proof of leaf ``index`` in a tree of ``size`` leaves the siblings to the left: the proof in the tree that ends with it.

    A path of another length than the leaf's place gives is an ``InputError``.
    """
    levels = [level for level in range(size.bit_length() + 1) if (1 << level) < size]
    sides = [(index >> level) & 1 for level in levels if ((index >> level) ^ 1) << level < size]
    if len(sides) != len(path):
        raise InputError(f"a proof of {len(path)} hashes for leaf {index} of {size}, whose place takes {len(sides)}")
    return tuple(hash_ for is_left, hash_ in zip(sides, path, strict=True) if is_left)


def peaks_of_proof(leaf: Hash, path: Sequence[Hash], size: int) -> CompactRange:
    """The range over ``size`` leaves, of which ``leaf`` is the last, out of that leaf's proof in their tree."""
    siblings, node, level = list(left_of_proof(path, size - 1, size)), leaf, 0
    while (size >> level) & 1 == 0:
        node = dot(siblings.pop(0), node)
        level += 1
    return CompactRange(0, size, (*reversed(siblings), node))


def range_of(read: ReadNode, size: int) -> CompactRange | None:
    """The compact range over the first ``size`` leaves; ``None`` where there are none."""
    return CompactRange(0, size, tuple(_peaks(read, 0, size))) if size else None


def _edge(read: ReadNode, begin: int, end: int) -> Hash:
    """The root of the incomplete subtree at the right edge."""
    peaks = _peaks(read, begin, end)
    return reduce(lambda right, left: dot(left, right), reversed(peaks[:-1]), peaks[-1])


def _peaks(read: ReadNode, begin: int, end: int) -> list[Hash]:
    peaks, position = [], begin
    for size in subtree_sizes(begin, end):
        level = size.bit_length() - 1
        peaks.append(read(level, position >> level))
        position += size
    return peaks
