"""The Merkle tree of RFC 6962 and RFC 9162, which can show that one tree extends another.

A leaf is ``SHA-256(0x00 || entry)``, a node ``SHA-256(0x01 || left || right)``; the tree over n leaves splits at the largest
power of two below n. Complete nodes are named as in ``merkle/nodes.py``: ``(level, position)`` is the root over leaves
``position * 2**level`` to ``(position + 1) * 2**level - 1``, and never changes once it is there.

Source: RFC 9162, sections 2.1.1 to 2.1.4; vectors: tests/golden/test_rfc6962.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from typing import Final, NamedTuple

from counterfoil.errors import InputError, ProofMismatchError
from counterfoil.merkle import Hash
from counterfoil.merkle.tree import subtree_sizes

# The root of a tree without leaves.
EMPTY_ROOT: Final = Hash(sha256(b"").digest())

# Sizes are counted in 63 bits, as tlog-witness bounds its proofs.
MAX_SIZE: Final = 2**63 - 1
MAX_PATH: Final = 63

# Gives the hash of a complete node by level and position.
ReadNode = Callable[[int, int], Hash]


class TreeHead(NamedTuple):
    """A tree over the first ``size`` leaves."""

    size: int
    root: Hash


EMPTY: Final = TreeHead(0, EMPTY_ROOT)


def leaf_hash(entry: bytes) -> Hash:
    return bytes.__new__(Hash, sha256(b"\0" + entry).digest())


def node_hash(left: bytes, right: bytes) -> Hash:
    return bytes.__new__(Hash, sha256(b"\1" + left + right).digest())


def fold_right(peaks: Sequence[Hash]) -> Hash:
    """The root over complete subtrees that stand side by side, the largest first."""
    return reduce(lambda right, left: node_hash(left, right), reversed(peaks[:-1]), peaks[-1])


@dataclass(frozen=True, slots=True)
class Frontier:
    """All of a tree that appending needs: the roots of its complete subtrees, the largest first; at most 63 hashes."""

    size: int = 0
    nodes: tuple[Hash, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE or len(self.nodes) != self.size.bit_count():
            raise InputError(f"no tree of {self.size} leaves has {len(self.nodes)} complete subtrees at its edge")

    def append(self, leaf: Hash) -> Frontier:
        """The tree with one more leaf."""
        nodes, position, node = list(self.nodes), self.size, leaf
        while position & 1:
            node, position = node_hash(nodes.pop(), node), position >> 1
        return Frontier(self.size + 1, (*nodes, node))

    @property
    def head(self) -> TreeHead:
        return TreeHead(self.size, fold_right(self.nodes)) if self.nodes else EMPTY


def root_of(leaves: Iterable[Hash]) -> Hash:
    """The root over leaf hashes in order; of none, ``EMPTY_ROOT``."""
    return reduce(Frontier.append, leaves, Frontier()).head.root


def head_of(read: ReadNode, size: int) -> TreeHead:
    """The head over the first ``size`` leaves, from their complete nodes."""
    return TreeHead(size, _range_root(read, 0, size)) if size else EMPTY


def prove_inclusion(read: ReadNode, index: int, size: int) -> tuple[Hash, ...]:
    """The path of leaf ``index`` in the tree over the first ``size`` leaves, from the bottom up; ``IndexError`` outside it."""
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} of {size}")
    path, level = [], 0
    while (1 << level) < size:
        begin = ((index >> level) ^ 1) << level
        if begin < size:
            path.append(_range_root(read, begin, min(begin + (1 << level), size)))
        level += 1
    return tuple(path)


def prove_consistency(read: ReadNode, old: int, new: int) -> tuple[Hash, ...]:
    """The path that shows the tree over ``old`` leaves to be the beginning of the one over ``new``; ``IndexError`` if it is larger.

    Empty where ``old`` is 0 or ``new``. Source: RFC 9162, section 2.1.4.1.
    """
    if not 0 <= old <= new:
        raise IndexError(f"a tree of {new} leaves extends none of {old}")
    if old in {0, new}:
        return ()
    path: list[Hash] = []
    begin, end, complete = 0, new, True
    while begin + old != end:
        split = 1 << (end - begin - 1).bit_length() - 1
        if old <= split:
            path.append(_range_root(read, begin + split, end))
            end = begin + split
        else:
            path.append(_range_root(read, begin, begin + split))
            begin, old, complete = begin + split, old - split, False
    if not complete:
        path.append(_range_root(read, begin, end))
    return tuple(reversed(path))


def verify_inclusion(leaf: Hash, index: int, path: Sequence[Hash], head: TreeHead) -> Hash:
    """Return the leaf, now known to be number ``index`` of the tree; else raise ``ProofMismatchError``.

    Unlike QLDB's proofs this one shows the place too. Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < head.size <= MAX_SIZE:
        raise ProofMismatchError(f"there is no leaf {index} in a tree of {head.size}")
    needed = inclusion_length(index, head.size)
    if len(path) != needed:
        raise ProofMismatchError(f"{len(path)} hashes; the proof of leaf {index} in a tree of {head.size} has {needed}")
    node, place, last = leaf, index, head.size - 1
    for sibling in path:
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    _expect(node, head.root, f"the proof of leaf {index}", head.size)
    return leaf


def inclusion_length(index: int, size: int) -> int:
    """How many hashes the path of a leaf has."""
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def verify_consistency(old: TreeHead, new: TreeHead, path: Sequence[Hash]) -> TreeHead:
    """Return ``new``, now known to extend ``old``; else raise ``ProofMismatchError``. Source: RFC 9162, section 2.1.4.2."""
    if not 0 <= old.size <= new.size <= MAX_SIZE:
        raise ProofMismatchError(f"a tree of {new.size} leaves extends none of {old.size}")
    if old.size in {0, new.size}:
        if path:
            raise ProofMismatchError(f"{len(path)} hashes, where a proof from {old.size} to {new.size} leaves has none")
        _expect(old.root, new.root if old.size else EMPTY_ROOT, "the older head", old.size)
        return new
    hashes = list(path)
    if old.size.bit_count() == 1:
        hashes.insert(0, old.root)
    place, last = old.size - 1, new.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    needed = 1 + inclusion_length(place, last + 1)
    if len(hashes) != needed:
        raise ProofMismatchError(f"a proof from {old.size} to {new.size} leaves has another length than {len(path)}")
    older = newer = hashes[0]
    for sibling in hashes[1:]:
        if place & 1 or place == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        place, last = place >> 1, last >> 1
    _expect(older, old.root, "the consistency proof", old.size)
    _expect(newer, new.root, "the consistency proof", new.size)
    return new


def _expect(found: Hash, expected: Hash, what: str, size: int) -> None:
    if found != expected:
        raise ProofMismatchError(
            f"{what} leads to {found}, not to the root {expected} of {size} leaves; they do not belong together",
            expected=str(expected),
            found=str(found),
        )


def _range_root(read: ReadNode, begin: int, end: int) -> Hash:
    """The root over leaves ``begin`` to ``end - 1``; a power of two that is no less than their number divides ``begin``."""
    peaks, position = [], begin
    for size in subtree_sizes(begin, end):
        level = size.bit_length() - 1
        peaks.append(read(level, position >> level))
        position += size
    return fold_right(peaks)
