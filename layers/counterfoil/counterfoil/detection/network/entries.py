"""What an account's state keeps, as JSON that is written again and again while little of it changes.

What an entry looks like in JSON never changes, so it is remembered with it: a state of five hundred entries, of which a transfer
adds three, is written by joining texts.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import pairwise
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any, Final, Protocol

TIME: Final = attrgetter("at")


class HasTime(Protocol):
    """What happened at ``at``, in whatever unit."""

    @property
    def at(self) -> int: ...


# A text as JSON, in quotation marks; what is not ASCII stays as it is.
quoted: Final[Callable[[str], str]] = encode_basestring


class Entries[E](list[E]):
    """Entries in journal order. The methods below and ``append`` are the only ways to change it.

    Their texts are kept as one, with the size of each: to write a state whose entries nobody looked at is to copy some kilobytes.
    """

    __slots__ = ("_sizes", "_text")

    def __init__(self, entries: Iterable[E] = ()) -> None:
        super().__init__(entries)
        self._sizes: list[int] = []
        self._text = ""

    def forget(self, count: int) -> None:
        """Drop the ``count`` oldest entries."""
        if count > 0:
            del self[:count]
            sizes = self._sizes[:count]
            self._text = self._text[sum(sizes) + len(sizes) :]
            del self._sizes[:count]

    def drop(self, index: int) -> None:
        """Drop one entry."""
        del self[index]
        if index < len(self._sizes):
            begin = sum(self._sizes[:index]) + index
            end = begin + self._sizes.pop(index)
            # Together with the comma behind it, or behind the last one with that before it.
            behind = self._text[end + 1 :]
            self._text = self._text[:begin] + behind if behind else self._text[: max(begin - 1, 0)]

    def replace_first(self, entry: E) -> None:
        """Put another entry in the place of the oldest."""
        self[0] = entry
        if self._sizes:
            text = self.text(entry)
            self._text = text + self._text[self._sizes[0] :]
            self._sizes[0] = len(text)

    @staticmethod
    def text(entry: E) -> str:
        """An entry as JSON."""
        return dumped(entry)

    def rendered(self) -> str:
        """All entries as JSON, compact: ``[[1,"a"],[2,"b"]]``."""
        if len(self._sizes) < len(self):
            new = [self.text(each) for each in self[len(self._sizes) :]]
            self._text = ",".join([self._text, *new] if self._sizes else new)
            self._sizes += map(len, new)
        return f"[{self._text}]"


class Timed[E: HasTime](Entries[E]):
    """Entries that have a time. As long as it never went back among them, a window is found without looking at each."""

    __slots__ = ("_steady",)

    def __init__(self, entries: Iterable[E] = ()) -> None:
        super().__init__(entries)
        self._settle()

    def _settle(self) -> None:
        self._steady = all(earlier.at <= later.at for earlier, later in pairwise(self))

    def enter(self, entry: E) -> None:
        """Append an entry."""
        self._steady = self._steady and (not self or self[-1].at <= entry.at)
        self.append(entry)

    def begins(self, at: int, span: int) -> int | None:
        """Where the entries begin that are less than ``span`` from a time, if it is those from there on; else ``None``."""
        if not self._steady or (self and self[-1].at >= at + span):
            return None
        return bisect_right(self, at - span, key=TIME)

    def within(self, at: int, span: int) -> list[E]:
        """The entries less than ``span`` from a time."""
        begin = self.begins(at, span)
        return [each for each in self if -span < at - each.at < span] if begin is None else self[begin:]


def dumped(value: Any) -> str:
    """A value as compact JSON."""
    return _ENCODER.encode(value)


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
