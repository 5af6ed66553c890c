"""Serializability by backward validation: whoever commits must not have read what another has changed since its snapshot.

What a transaction reads and writes is a set of *footprints*: a document's id, an index with a key (probed even where nothing
was found), a table's id (scanned), a table's name, the whole catalogue. A commit writes each footprint that it changes; the log
remembers the last block that wrote each. A transaction at snapshot ``s`` conflicts if any footprint it read was written by a
block behind ``s``. Read-only transactions are checked as well. The order of the journal is then a serial order of all
transactions (Kung and Robinson 1981).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from typing import Final

Footprint = Hashable

# Written by every change of the catalogue, read by a query of information_schema.
WHOLE_CATALOGUE: Final = ("catalogue",)


def name_footprint(table_name: str) -> Footprint:
    """What a table's name means."""
    return ("name", table_name)


class WriteLog:
    """The last block that wrote each footprint, for blocks behind ``floor``; older ones are forgotten with ``forget_through``.

    A transaction whose snapshot is before ``floor`` cannot be judged and counts as conflicting: the floor is never moved past a
    snapshot in use.
    """

    __slots__ = ("_last", "_order", "floor")

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self._last: dict[Footprint, int] = {}
        self._order: deque[tuple[int, tuple[Footprint, ...]]] = deque()

    def __len__(self) -> int:
        return len(self._last)

    def record(self, sequence_no: int, written: Iterable[Footprint]) -> None:
        """Remember what a block wrote; blocks come in order."""
        footprints = tuple(written)
        for each in footprints:
            self._last[each] = sequence_no
        self._order.append((sequence_no, footprints))

    def conflict(self, read: Iterable[Footprint], snapshot: int) -> Footprint | None:
        """One of the footprints that a block behind the snapshot wrote; ``None`` where there is none."""
        if snapshot < self.floor:
            return ("snapshot", snapshot)
        last = self._last
        for each in read:
            if last.get(each, -1) > snapshot:
                return each
        return None

    def last(self, footprint: Footprint) -> int:
        """The last block behind the floor that wrote a footprint; -1 where none did."""
        return self._last.get(footprint, -1)

    def forget_through(self, sequence_no: int) -> None:
        """No snapshot before this block is in use any more."""
        order, last = self._order, self._last
        while order and order[0][0] <= sequence_no:
            number, footprints = order.popleft()
            for each in footprints:
                if last.get(each) == number:
                    del last[each]
        self.floor = max(self.floor, sequence_no)

    def forget_after(self, sequence_no: int) -> None:
        """Blocks behind this one were not written after all."""
        order = self._order
        while order and order[-1][0] > sequence_no:
            order.pop()
        self._last = {each: number for number, footprints in order for each in footprints}
