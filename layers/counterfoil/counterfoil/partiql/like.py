"""``LIKE``: a pattern compiled to fixed pieces that are searched one after the other, never twice in the same part of the text.

(A regular expression with ``.*`` for ``%`` would take a hostile pattern's word for how long to look.) A piece without ``_`` is
found in time linear in the text; one with ``_`` may be compared at every place, which is bounded by ``MAX_COMPARED``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from counterfoil.ion.values import Value
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.kinds import bare, is_text, is_unknown, type_name
from counterfoil.partiql.syntax import Position

MAX_PATTERN: Final = 10_000  # characters
MAX_COMPARED: Final = 20_000_000  # characters of the text times those of the longest piece with _: about a second


class Piece:
    """A part of a pattern between two ``%``: of fixed length, some of its characters any (``""``)."""

    __slots__ = ("_fixed", "_shape", "size")

    def __init__(self, characters: list[str]) -> None:
        self.size = len(characters)
        self._fixed = "".join(characters) if all(characters) else None
        self._shape = re.compile("".join(re.escape(each) or "." for each in characters), re.DOTALL)

    @property
    def compared(self) -> int:
        """Characters that may be compared at every place of a text."""
        return self.size if self._fixed is None else 0

    def stands_at(self, text: str, position: int) -> bool:
        if self._fixed is not None:
            return text.startswith(self._fixed, position)
        return self._shape.match(text, position) is not None

    def end_in(self, text: str, position: int) -> int:
        """Behind the first place from a position on where the piece stands; -1 if there is none."""
        if self._fixed is not None:
            begin = text.find(self._fixed, position)
            return -1 if begin < 0 else begin + self.size
        found = self._shape.search(text, position)
        return -1 if found is None else found.end()


class Pattern:
    """A pattern between whose pieces any text may stand."""

    __slots__ = ("_compared", "_pieces")

    def __init__(self, pieces: tuple[Piece, ...]) -> None:
        self._pieces = pieces
        self._compared = max(piece.compared for piece in pieces)

    def matches(self, text: str, at: Position) -> bool:
        if len(text) * self._compared > MAX_COMPARED:
            raise evaluator_fault(f"a pattern with _ for a text of {len(text)} characters would take too long", at)
        first, *rest = self._pieces
        if not rest:
            return len(text) == first.size and first.stands_at(text, 0)
        if not first.stands_at(text, 0):
            return False
        position = first.size
        for piece in rest[:-1]:
            position = piece.end_in(text, position)
            if position < 0:
                return False
        end = len(text) - rest[-1].size
        return end >= position and rest[-1].stands_at(text, end)


def like(value: Value, pattern: Value, escape: Value, at: Position) -> bool | None:
    """Whether the text is like the pattern; ``escape`` is ``""`` where none was given. Unknown operands give NULL."""
    if is_unknown(value) or is_unknown(pattern) or is_unknown(escape):
        return None
    for operand in (value, pattern, escape):
        if not is_text(operand):
            raise evaluator_fault(f"LIKE needs texts, not a {type_name(operand)}", at)
    return _compiled(str(bare(pattern)), str(bare(escape)), at).matches(str(bare(value)), at)


@lru_cache(maxsize=256)
def _compiled(pattern: str, escape: str, at: Position) -> Pattern:
    if len(pattern) > MAX_PATTERN:
        raise evaluator_fault(f"a pattern of {len(pattern)} characters; at most {MAX_PATTERN} are taken", at)
    return Pattern(tuple(Piece(piece) for piece in _pieces(pattern, escape, at)))


def _pieces(pattern: str, escape: str, at: Position) -> list[list[str]]:
    """The pattern's characters, an empty text for ``_``, cut at every ``%``."""
    pieces: list[list[str]] = [[]]
    characters = iter(pattern)
    for character in characters:
        if escape and character == escape:
            pieces[-1].append(_escaped(next(characters, ""), escape, at))
        elif character == "%":
            pieces.append([])
        else:
            pieces[-1].append("" if character == "_" else character)
    return pieces


def _escaped(character: str, escape: str, at: Position) -> str:
    if character and character in {"%", "_", escape}:
        return character
    raise evaluator_fault(f"the escape character {escape!r} stands before neither %, _ nor itself", at)


def check_escape(escape: Value, at: Position) -> None:
    """Refuse an escape that is not one character; an unknown one gives NULL later."""
    if not is_unknown(escape) and not (is_text(escape) and len(bare(escape)) == 1):
        raise evaluator_fault("ESCAPE needs a text of one character", at)
