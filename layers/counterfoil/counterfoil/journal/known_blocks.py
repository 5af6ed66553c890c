"""Blocks of layouts that were seen before, in binary and in text, verified in one step (plain_block.py).

What is kept is bounded, and so is what learning costs: it is paid from what known layouts have spared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion import IonValue
from counterfoil.ion.json_layouts import JsonLayout
from counterfoil.ion.layouts import Frame, Layout, Taken, take_apart
from counterfoil.ion.text_layouts import MAX_CHARACTERS, TextLayout
from counterfoil.journal.json_block import JsonBlock
from counterfoil.journal.plain_block import BlockLayout, PlainBlock, block_layout_of

# Layouts of binary blocks kept; each has some dozens of kB. Frames are made for those alone, and are a tenth of that.
MAX_LAYOUTS: Final = 128
MAX_FRAMES: Final = 1_024
MAX_FRAMES_OF_A_SIZE: Final = 4
# Every one is tried with a block of none.
MAX_TEXT_LAYOUTS: Final = 16
MAX_LOOKS: Final = 256

# What may differ in blocks in JSON of one layout: values, and ids that are names.
_VALUES: Final = re.compile(r'"[^"\\]*+"(?=\s*+[,\]}])|[0-9A-Za-z]{22}|\b[0-9]++')


class Credit:
    """What may be spent on what may be in vain: paid from what it spares when it is not.

    At first ``at_most`` times are free; then one of ``cost`` asked for is, and ``per_hit`` of them are earned by each that was not in
    vain. Blocks of which no two are alike so cost little more than without.
    """

    __slots__ = ("_cost", "_left", "_most", "_per_hit")

    def __init__(self, cost: int, per_hit: int, at_most: int) -> None:
        self._cost = cost
        self._per_hit = per_hit
        self._most = self._left = at_most * cost

    def earn(self) -> None:
        self._left = min(self._left + self._per_hit, self._most)

    def spend(self) -> bool:
        """Whether it may be tried now."""
        self._left += 1
        if self._left < self._cost:
            return False
        self._left -= self._cost
        return True


class BinaryBlocks:
    """The layouts of binary blocks that were seen, and the frames of those that had the same lengths, by the size of the struct."""

    def __init__(self) -> None:
        self._layouts: dict[bytes, BlockLayout] = {}
        self._frames: dict[int, list[tuple[Frame, BlockLayout]]] = {}
        self._frame_count = 0
        self._to_walk = Credit(8, 8, 64)
        self._to_learn = Credit(32, 4, 32)
        self._to_frame = Credit(16, 4, 64)

    def verify(self, value: IonValue) -> PlainBlock | None:
        """The block, if it is of a known layout and holds; ``None`` for every other, which may then be known the next time."""
        if value.is_annotated:
            return None
        known = self._frames.get(value.end - value.position, ())
        for frame, layout in known:
            bodies = frame.cut(value)
            if bodies is not None:
                self._to_frame.earn()
                return self._verified(value, layout, bodies)
        if not self._to_walk.spend():
            return None
        taken = take_apart(value)
        if taken is None:
            return None
        found = self._layouts.get(taken.signature)
        if found is None:
            if self._to_learn.spend():
                self._learn(value, taken)
            return None
        if self._to_frame.spend():
            self._keep_frame(value, taken, found)
        return self._verified(value, found, taken.bodies)

    def _verified(self, value: IonValue, layout: BlockLayout, bodies: Sequence[bytes]) -> PlainBlock | None:
        self._to_walk.earn()
        self._to_learn.earn()
        document_ids = layout.layout.free_names(value.symbols)
        return None if document_ids is None else layout.verify(bodies, document_ids)

    def _learn(self, value: IonValue, taken: Taken) -> None:
        layout = block_layout_of(value)
        if layout is None:
            return
        if len(self._layouts) >= MAX_LAYOUTS:
            self._layouts = {}
        self._layouts[taken.signature] = layout

    def _keep_frame(self, value: IonValue, taken: Taken, layout: BlockLayout) -> None:
        if self._frame_count >= MAX_FRAMES:
            self._frames, self._frame_count = {}, 0
        known = self._frames.setdefault(value.end - value.position, [])
        if len(known) < MAX_FRAMES_OF_A_SIZE:
            known.append((Frame(value, taken.begins, taken.bodies), layout))
            self._frame_count += 1


class TextBlocks:
    """The layouts of blocks in text that were seen; those met last come first."""

    def __init__(self) -> None:
        self._known: list[tuple[TextLayout, BlockLayout]] = []
        self._credit = Credit(256, 4, 16)

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
        if self._may_learn(text):
            self._learn(text, value)

    def _may_learn(self, text: str) -> bool:
        return len(text) <= MAX_CHARACTERS and self._credit.spend()

    def _learn(self, text: str, value: IonValue) -> None:
        layout = block_layout_of(value)
        if layout is None:
            return
        try:
            written = self._written(text, value, layout.layout)
        except InputError:
            return
        if len(self._known) < MAX_TEXT_LAYOUTS:
            self._known.append((written, layout))
        else:
            self._known[-1] = written, layout

    @staticmethod
    def _written(text: str, _value: IonValue, layout: Layout) -> TextLayout:
        return TextLayout(text, layout)


class JsonBlocks(TextBlocks):
    """The layouts of blocks in JSON whose documents were found. For one object: what is proved of it follows from its bytes alone.

    As much would be learned anew for every object, of whatever size, a layout is learned from the second block that looks alike.
    """

    def __init__(self) -> None:
        super().__init__()
        self._looks: set[int] = set()

    def read_line(self, line: str) -> PlainBlock | None:
        """The block that a whole line is, if it is of a known layout and holds; ``None`` for every other."""
        found = self.read(line, 0)
        return found[1] if found is not None and found[0] == len(line) else None

    def learn_line(self, line: str, block: JsonBlock) -> None:
        """Remember how a block is written that was not read."""
        if block.documents is not None and self.came_before(line) and self._may_learn(line):
            self._learn(line, block.in_ion(block.documents))

    def came_before(self, line: str) -> bool:
        """Whether a line looked like this one, but for values and ids; of so many that were not read."""
        if len(line) > MAX_CHARACTERS:
            return False
        looks = hash(_VALUES.sub("", line))
        if looks in self._looks:
            return True
        if len(self._looks) >= MAX_LOOKS:
            self._looks.clear()
        self._looks.add(looks)
        return False

    @staticmethod
    def _written(text: str, value: IonValue, layout: Layout) -> TextLayout:
        return JsonLayout(text, value, layout)
