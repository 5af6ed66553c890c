"""Lists that an account's state keeps: only appended to, forgotten from the front, and written as JSON again and again.

What an entry looks like in JSON never changes, so it is remembered with it: a state of five hundred entries, of which a transfer
adds three, is written by joining texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

# What stands between two entries; a name may contain it, which is noticed.
_BETWEEN = "],["


class Entries[E: tuple[Any, ...]](list[E]):
    """Entries in journal order, each a row of JSON. ``append``, ``extend`` and ``forget`` are the only ways to change it."""

    __slots__ = ("_texts",)

    def __init__(self, entries: Iterable[E] = ()) -> None:
        super().__init__(entries)
        self._texts: list[str] = []

    def forget(self, count: int) -> None:
        """Drop the ``count`` oldest entries."""
        del self[:count]
        del self._texts[:count]

    def rendered(self) -> str:
        """All entries as JSON, compact: ``[[1,"a"],[2,"b"]]``."""
        texts = self._texts
        if len(texts) < len(self):
            new = self[len(texts) :]
            # A name that contains what stands between two entries makes too many parts, never as many as there are entries.
            parts = dumped(new)[2:-2].split(_BETWEEN)
            texts += parts if len(parts) == len(new) else [dumped(each)[1:-1] for each in new]
        return f"[[{_BETWEEN.join(texts)}]]" if texts else "[]"


def dumped(value: Any) -> str:
    """A value as compact JSON."""
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
