"""Patterns: regular expressions of binary Ion, one for all values of the same names, types and nesting, whatever their lengths.

A pattern is made from a value that was read. What matches it is taken apart in one step: between two values stands what stood there;
each scalar begins with a type and a length of its own type; and every length is the shortest writing of the length that was found,
those of containers included. So the reader, which goes by these lengths, finds the same fields in it. Whatever is written in another
way does not match.

Texts are ASCII without the bytes that Ion Hash escapes. No such byte begins the name of the next field, which is what ends a text.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion.hashing import PLAIN
from counterfoil.ion.reader import IonValue, read_var_uint
from counterfoil.ion.stencils import Slot, picker

# To make a pattern takes a tenth of a millisecond for each group; a text has two, each level costs a Python frame.
MAX_GROUPS: Final = 96
MAX_DEPTH: Final = 8
# Names, nulls and what begins and ends a value: of each group there are four at most, and nulls have no groups.
MAX_PIECES: Final = 4 * MAX_GROUPS

_BOOL: Final = 1
_STRING: Final = 8
_OCTETS: Final = frozenset({9, 10})
_LIST: Final = 11
_STRUCT: Final = 13

_TEXT: Final = rb"([\x00-\x0a\x0d\x0f-\x7f]*+)"


# What is longer is not matched.
_MAX_SIZE: Final = 4_096


def _heads(kind: int) -> list[bytes]:
    """Type and length in their shortest writing, by the length."""
    short, long = kind << 4, kind << 4 | 14
    return [
        *(bytes((short | size,)) for size in range(14)),
        *(bytes((long, 0x80 | size)) for size in range(14, 0x80)),
        *(bytes((long, size >> 7, 0x80 | size & 0x7F)) for size in range(0x80, _MAX_SIZE)),
    ]


_HEADS: Final = {kind: _heads(kind) for kind in (_STRING, _LIST, _STRUCT)}
# A struct of one byte is none: this head says that it is sorted, and that its length comes next.
_HEADS[_STRUCT][1] = b""
_STRING_HEADS: Final = _HEADS[_STRING]


def _head_pattern(kind: int) -> bytes:
    first = kind << 4
    return (
        b"((?>["
        + _byte(first)
        + b"-"
        + _byte(first | 13)
        + b"]|"
        + _byte(first | 14)
        + rb"(?>[\x8e-\xff]|[\x01-\x7f][\x80-\xff])))"
    )


def _size_of(head: bytes) -> int:
    """The length that a head says."""
    if len(head) == 1:
        return head[0] & 15
    return head[1] & 0x7F if len(head) == 2 else head[1] << 7 | head[2] & 0x7F


def _byte(number: int) -> bytes:
    return b"\\x%02x" % number


# Type and length in one byte, and the body.
_SHORT: Final = {
    kind: b"((?>" + b"|".join(_byte(kind << 4 | size) + b".{%d}" % size for size in range(14)) + b"))"
    for kind in PLAIN
    if kind not in {_STRING, *_OCTETS}
}
_HEAD_PATTERNS: Final = {kind: _head_pattern(kind) for kind in (_STRING, _LIST, _STRUCT)}


class Pattern:
    """The pattern of a struct. ``slots`` are what stands open in it, in the order of the values that ``read`` gives.

    ``fixed`` are the positions of values that are always the same, ``rigid`` those of scalars that always have the same length, and
    ``whole`` that of a struct that is one slot, whatever is in it. ``InputError`` where a struct is not plain enough.
    """

    def __init__(
        self,
        value: IonValue,
        fixed: Collection[int] = (),
        rigid: Collection[int] = (),
        whole: int | None = None,
        *,
        body_alone: bool = False,
    ) -> None:
        self._fixed, self._rigid, self._whole = fixed, rigid, whole
        self._pieces: list[bytes] = []
        self._groups = 0
        self.slots: list[Slot] = []
        self._values: list[int] = []
        self._described: list[int] = []
        self._text_heads: list[int] = []
        self._texts: list[int] = []
        # By the number of the group behind them: how such containers begin, by their length; where that stands among the groups; the
        # number of that group.
        self._containers: list[tuple[int, list[tuple[list[bytes], int, int]]]] = []
        # How many pieces and groups stand before the body of the struct that is one slot.
        self._before: tuple[int, int] | None = None
        if body_alone:
            self._add_held(value, MAX_DEPTH)
        else:
            self._add(value, MAX_DEPTH)
        if self._groups > MAX_GROUPS or len(self._pieces) > MAX_PIECES:
            raise InputError(f"a struct of more than {MAX_GROUPS} parts that vary, or {MAX_PIECES} in all")
        before = len(self._pieces) if self._before is None else self._before[0]
        front, rest = (re.compile(b"".join(each), re.DOTALL) for each in (self._pieces[:before], self._pieces[before:]))
        self._match = front.fullmatch if self._before is None else front.match
        self._match_rest = rest.fullmatch
        self._lengths = [
            (self._end_of(behind), [(heads, place, self._end_of(number)) for heads, place, number in containers])
            for behind, containers in self._containers
        ]
        self._pick_values = picker(self._values)
        self._pick_heads, self._pick_texts = picker(self._text_heads), picker(self._texts)

    def read(self, data: bytes, position: int = 0) -> tuple[list[bytes], int] | None:
        """The bodies of the slots of what begins there and fills the rest, and where the struct stands that is one slot.

        ``None`` where it is another.
        """
        found = self._match(data, position)
        if found is None:
            return None
        groups, heads, begin = found.groups(), _STRING_HEADS, position
        ends = [found.end]
        if self._before is not None:
            begin = found.end()
            end = begin + _size_of(groups[-1])
            # Its length says where the rest begins; to look for it would cost a try for each of its bytes.
            rest = self._match_rest(data, end)
            if rest is None:
                return None
            groups = (*groups, data[begin:end], *rest.groups())
            ends.append(rest.end)
        try:
            if self._texts and self._pick_heads(groups) != tuple(
                [heads[len(text)] for text in self._pick_texts(groups)]
            ):
                return None
            for (part, number), containers in self._lengths:
                behind = ends[part](number)
                for known, place, (own_part, head) in containers:
                    if groups[place] != known[behind - ends[own_part](head)]:
                        return None
        except IndexError:
            return None
        values = list(self._pick_values(groups))
        for place in self._described:
            values[place] = values[place][1:]
        return values, begin

    def _end_of(self, group: int) -> tuple[int, int]:
        """By which of the two matches a group is found, that before the struct that is one slot or that behind it, and its number."""
        if self._before is None or group <= self._before[1]:
            return 0, group
        return 1, group - self._before[1] - 1

    def _add(self, value: IonValue, depth: int) -> bool:
        """Add a value; whether its length may vary."""
        raw = value.raw()
        if raw[0] >= 0xE0:
            raise InputError("a value with annotations")
        if value.position in self._fixed or value.low == 15:
            self._pieces.append(re.escape(raw))
            return False
        if value.kind in {_LIST, _STRUCT}:
            return self._add_container(value, depth)
        head = re.escape(value.buffer[value.position : value.body])
        if value.position in self._rigid or value.kind in _OCTETS:
            self._add_slot(value, head + b"(.{%d})" % (value.end - value.body))
            return False
        if value.kind == _BOOL:
            self._add_slot(value, rb"([\x10\x11])")
            return False
        if value.kind == _STRING:
            self._text_heads.append(self._add_group(_HEAD_PATTERNS[_STRING]))
            self._texts.append(self._groups)
            self._add_slot(value, _TEXT)
            return True
        if value.kind not in _SHORT:
            raise InputError("a value that is not plain")
        self._described.append(len(self.slots))
        self._add_slot(value, _SHORT[value.kind])
        return True

    def _add_container(self, value: IonValue, depth: int) -> bool:
        if depth == 0 or (value.kind == _STRUCT and value.low == 1):
            raise InputError("a struct that is sorted or nested too deep")
        place = len(self._pieces)
        begin = self._add_group(_HEAD_PATTERNS[value.kind])
        if value.position == self._whole:
            self._before = len(self._pieces), self._groups
            self._add_slot(value, b"")
        elif not self._add_held(value, depth - 1):
            # Its length is always the same; the group stays, so that those behind it keep their numbers.
            self._pieces[place] = b"(" + re.escape(value.buffer[value.position : value.body]) + b")"
            return False
        if self._pieces[-1] != b"()":
            self._add_group(b"()")
            self._containers.append((self._groups, []))
        self._containers[-1][1].append((_HEADS[value.kind], begin, begin + 1))
        return True

    def _add_held(self, value: IonValue, depth: int) -> bool:
        held = list(value.items()) if value.kind == _LIST else [field for _, field in value.each_field()]
        varies, position = False, value.body
        for each in held:
            begin = position
            if value.kind == _STRUCT:
                position = read_var_uint(value.buffer, position, value.end)[1]
            if position != each.position:
                raise InputError("padding")
            self._pieces.append(re.escape(value.buffer[begin:position]))
            varies |= self._add(each, depth)
            position = each.end
        if position != value.end:
            raise InputError("padding")
        return varies

    def _add_group(self, pattern: bytes) -> int:
        self._pieces.append(pattern)
        self._groups += 1
        return self._groups - 1

    def _add_slot(self, value: IonValue, pattern: bytes) -> None:
        self._values.append(self._add_group(pattern))
        self.slots.append(Slot(("at", value.position), value.body, value.end, value.kind))
