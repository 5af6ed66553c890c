"""Blocks of layouts that were seen before, in binary and in text, verified in one step (plain_block.py).

What is kept is bounded, and so is what learning costs: it is paid from what known layouts have spared.
"""

from __future__ import annotations

from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion import IonValue
from counterfoil.ion.text_layouts import MAX_CHARACTERS, TextLayout
from counterfoil.journal.plain_block import BlockLayout, PlainBlock, block_layout_of

# Layouts kept; each has some dozens of kB.
MAX_LAYOUTS: Final = 128
MAX_LAYOUTS_OF_A_SIZE: Final = 8
# Every one is tried with a block of none.
MAX_TEXT_LAYOUTS: Final = 16

# Learning a layout costs as much as some ten blocks spare; without hits, one miss in ``_COST`` is still learned from.
_COST: Final = 32
_PER_HIT: Final = 4
_MOST_CREDIT: Final = 64 * _COST


class Credit:
    """What may be spent on learning: paid from what known layouts spare, so that blocks of which no two are alike cost little more."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _MOST_CREDIT

    def earn(self) -> None:
        self._left = min(self._left + _PER_HIT, _MOST_CREDIT)

    def spend(self) -> bool:
        """Whether something may be learned now."""
        self._left += 1
        if self._left < _COST:
            return False
        self._left -= _COST
        return True


class BinaryBlocks:
    """The layouts of binary blocks that were seen, by the size of the struct; those met last come first."""

    def __init__(self) -> None:
        self._by_size: dict[int, list[BlockLayout]] = {}
        self._count = 0
        self._credit = Credit()

    def verify(self, value: IonValue) -> PlainBlock | None:
        """The block, if it is of a known layout and holds; ``None`` for every other, which may then be known the next time."""
        known = self._by_size.get(value.end - value.body, [])
        for index, each in enumerate(known):
            found = each.layout.cut(value)
            if found is not None:
                if index:
                    known[0], known[index] = each, known[0]
                self._credit.earn()
                return each.verify(*found)
        if self._credit.spend():
            self._learn(value)
        return None

    def _learn(self, value: IonValue) -> None:
        layout = block_layout_of(value)
        if layout is None:
            return
        if self._count >= MAX_LAYOUTS:
            self._by_size, self._count = {}, 0
        known = self._by_size.setdefault(layout.layout.size, [])
        if len(known) < MAX_LAYOUTS_OF_A_SIZE:
            known.append(layout)
            self._count += 1
        else:
            known[-1] = layout


class TextBlocks:
    """The layouts of blocks in text that were seen; those met last come first."""

    def __init__(self) -> None:
        self._known: list[tuple[TextLayout, BlockLayout]] = []
        self._credit = Credit()

    def read(self, text: str, position: int) -> tuple[int, PlainBlock] | None:
        """Where the block that begins there ends, and the block, if it is of a known layout and holds; ``None`` for every other."""
        known = self._known
        for index, (written, layout) in enumerate(known):
            found = written.read(text, position)
            if found is not None:
                if index:
                    known[0], known[index] = known[index], known[0]
                self._credit.earn()
                end, values, document_ids = found
                block = layout.verify(values, document_ids)
                return None if block is None else (end, block)
        return None

    def learn(self, text: str, value: IonValue) -> None:
        """Remember how a block is written that was not read; ``value`` is what its text is in binary."""
        if len(text) > MAX_CHARACTERS or not self._credit.spend():
            return
        layout = block_layout_of(value)
        if layout is None:
            return
        try:
            written = TextLayout(text, layout.layout)
        except InputError:
            return
        if len(self._known) < MAX_TEXT_LAYOUTS:
            self._known.append((written, layout))
        else:
            self._known[-1] = written, layout
