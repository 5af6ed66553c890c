"""Stencils: laid on bytes of one length, they show the values in their openings if all the rest is as it was where they were made.

A *slot* is the body of a scalar, the body of a container that is taken as it is, or the text of a symbol in a symbol table. What
stands before it, its type and its length, is never part of it. So in bytes that a stencil fits the reader finds, whatever is in the
slots, the same structure: the same containers, types and names, at the same places.

Slots that held the same wherever they were met are *covered*: compared with all the rest, and hashed beforehand.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final, NamedTuple

# What a slot is: a word, and its numbers where there are several of the kind.
Role = tuple[str, *tuple[int, ...]]

# The kind of a slot that is the text of a symbol; those of values are type codes.
NAME: Final = 16


class Slot(NamedTuple):
    role: Role
    begin: int
    end: int
    kind: int


class Stencil:
    """``slots`` in the order in which they stand, ``varying`` the roles of those that are open.

    ``cut`` gives the bodies of the open ones, in order, and behind them those of the covered ones; ``place`` says where which stands.
    """

    __slots__ = ("_covered", "_cut", "_outside", "_places", "_skeleton", "open", "slots", "varying")

    def __init__(self, data: bytes, slots: Sequence[Slot], varying: frozenset[Role]) -> None:
        self.slots = tuple(sorted(slots, key=lambda slot: slot.begin))
        self.varying = varying
        self._outside = _digest_outside(data, self.slots)
        self.open = tuple(slot for slot in self.slots if slot.role in varying)
        covered = [slot for slot in self.slots if slot.role not in varying]
        self._covered = tuple(data[slot.begin : slot.end] for slot in covered)
        self._places = {slot.role: place for place, slot in enumerate((*self.open, *covered))}
        sizes: list[int] = []
        skeleton: list[bytes] = []
        position = 0
        for _, begin, end, _ in self.open:
            sizes += (begin - position, end - begin)
            skeleton.append(data[position:begin])
            position = end
        self._cut = struct.Struct("".join(f"{size}s" for size in (*sizes, len(data) - position))).unpack
        self._skeleton = (*skeleton, data[position:])

    def cut(self, data: bytes) -> tuple[bytes, ...] | None:
        """The bodies of all slots in bytes of the stencil's length; ``None`` where it does not fit."""
        parts: tuple[bytes, ...] = self._cut(data)
        return parts[1::2] + self._covered if parts[::2] == self._skeleton else None

    def place(self, role: Role) -> int:
        return self._places[role]

    def picker(self, roles: Sequence[Role]) -> Callable[[tuple[bytes, ...]], tuple[bytes, ...]]:
        """Takes the bodies of these out of all of them."""
        return picker([self._places[role] for role in roles])

    def is_like(self, other: Stencil) -> bool:
        """Whether the two were made of bytes that differ in their slots alone."""
        return self.slots == other.slots and self._outside == other._outside

    def varying_with(self, data: bytes) -> frozenset[Role]:
        """The slots that are open, and those that are covered and hold something else in these bytes, which are like its own."""
        covered = (slot for slot in self.slots if slot.role not in self.varying)
        held = zip(covered, self._covered, strict=True)
        return self.varying.union(slot.role for slot, body in held if data[slot.begin : slot.end] != body)


def _digest_outside(data: bytes, slots: Sequence[Slot]) -> bytes:
    begins = (0, *(slot.end for slot in slots))
    ends = (*(slot.begin for slot in slots), len(data))
    return sha256(b"".join(data[begin:end] for begin, end in zip(begins, ends, strict=True))).digest()


def picker(places: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Takes what stands at these places, in order, and gives it as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda whole: tuple(whole[place] for place in places)
