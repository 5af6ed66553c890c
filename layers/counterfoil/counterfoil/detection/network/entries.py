"""What an account's state keeps, as JSON that is written again and again while little of it changes.

What an entry looks like in JSON never changes, so it is remembered with it: a state of five hundred entries, of which a transfer
adds three, is written by joining texts.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from json.encoder import encode_basestring
from typing import Any, Final, Protocol

# A text as JSON, in quotation marks; what is not ASCII stays as it is.
quoted: Final[Callable[[str], str]] = encode_basestring

# Which entries are meant: from one on, or those with these indexes, from the oldest to the newest.
type Places = range | list[int]


class HasTime(Protocol):
    """What happened at ``at``, in whatever unit."""

    @property
    def at(self) -> int: ...


class Texts:
    """What the oldest entries of a list look like in JSON, as one text, with the size of each.

    To write a state whose entries nobody looked at is then to copy some kilobytes.
    """

    __slots__ = ("_joined", "_sizes")

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._joined = ""

    def __len__(self) -> int:
        return len(self._sizes)

    def forget(self, count: int) -> None:
        """Drop the ``count`` oldest, or as many as there are."""
        sizes = self._sizes[:count]
        self._joined = self._joined[sum(sizes) + len(sizes) :]
        del self._sizes[:count]

    def drop(self, index: int) -> None:
        """Drop one, if it is there."""
        if index < len(self._sizes):
            begin = sum(self._sizes[:index]) + index
            end = begin + self._sizes.pop(index)
            # Together with the comma behind it, or behind the last one with that before it.
            behind = self._joined[end + 1 :]
            self._joined = self._joined[:begin] + behind if behind else self._joined[: max(begin - 1, 0)]

    def extend(self, new: list[str]) -> None:
        """Add what the next entries look like."""
        self._joined = ",".join([self._joined, *new] if self._sizes else new)
        self._sizes += map(len, new)

    def rendered(self) -> str:
        """All of them as a list."""
        return f"[{self._joined}]"

    def groups(self, ends: Sequence[int]) -> Iterator[str]:
        """All of them in groups, the texts of each joined, that end before these indexes."""
        begin, first = 0, 0
        for end in ends:
            size = sum(self._sizes[first:end]) + end - first
            yield self._joined[begin : begin + size - 1]
            begin, first = begin + size, end


class Entries[E](list[E]):
    """Entries in journal order. The methods below and ``append`` are the only ways to change it."""

    __slots__ = ("_texts",)

    def __init__(self, entries: Iterable[E] = ()) -> None:
        super().__init__(entries)
        self._texts = Texts()

    def forget(self, count: int) -> None:
        """Drop the ``count`` oldest entries."""
        if count > 0:
            del self[:count]
            self._texts.forget(count)

    def drop(self, index: int) -> None:
        """Drop one entry."""
        del self[index]
        self._texts.drop(index)

    @staticmethod
    def text(entry: E) -> str:
        """An entry as JSON."""
        return dumped(entry)

    def rendered(self) -> str:
        """All entries as JSON, compact: ``[[1,"a"],[2,"b"]]``."""
        known = len(self._texts)
        if known < len(self):
            self._texts.extend([self.text(each) for each in self[known:]])
        return self._texts.rendered()


class Times:
    """When entries happened, in their order. As long as no time is before another's, a window is found without looking at each.

    They are numbers side by side: in a state that was not looked at for long, to follow a reference to each is what takes time.
    """

    __slots__ = ("_steady", "values")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self.values = array("q", values)
        self.settle()

    def settle(self) -> None:
        """See anew whether the times never went back."""
        self._steady = all(earlier <= later for earlier, later in pairwise(self.values))

    def append(self, at: int) -> None:
        self._steady = self._steady and (not self.values or self.values[-1] <= at)
        self.values.append(at)

    def begins(self, at: int, span: int) -> int | None:
        """Where the entries begin that are less than ``span`` from a time, if it is those from there on; else ``None``."""
        values = self.values
        if not self._steady or (values and values[-1] >= at + span):
            return None
        return bisect_right(values, at - span)

    def near(self, at: int, span: int) -> Places:
        """Which entries are less than ``span`` from a time."""
        begin = self.begins(at, span)
        if begin is None:
            return [index for index, each in enumerate(self.values) if -span < at - each < span]
        return range(begin, len(self.values))


def picked[T](column: Sequence[T], places: Places) -> Sequence[T]:
    """What a column has at these places."""
    return column[places.start :] if isinstance(places, range) else [column[index] for index in places]


class Timed[E: HasTime](Entries[E]):
    """Entries that have a time."""

    __slots__ = ("_times",)

    def __init__(self, entries: Iterable[E] = ()) -> None:
        super().__init__(entries)
        self._times = Times(each.at for each in self)

    def enter(self, entry: E) -> None:
        """Append an entry."""
        self._times.append(entry.at)
        self.append(entry)

    def forget(self, count: int) -> None:
        if count > 0:
            super().forget(count)
            del self._times.values[:count]

    def drop(self, index: int) -> None:
        super().drop(index)
        del self._times.values[index]

    def within(self, at: int, span: int) -> Sequence[E]:
        """The entries less than ``span`` from a time."""
        return picked(self, self._times.near(at, span))


def dumped(value: Any) -> str:
    """A value as compact JSON."""
    return _ENCODER.encode(value)


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
