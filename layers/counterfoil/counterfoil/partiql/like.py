"""``LIKE``: a pattern compiled to fixed pieces that are searched one after the other, in time linear in the text for each piece.

(A regular expression with ``.*`` for ``%`` would take a hostile pattern's word for how long to look.)
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from counterfoil.ion.values import Value
from counterfoil.partiql.faults import evaluator_fault
from counterfoil.partiql.kinds import bare, is_text, is_unknown, type_name
from counterfoil.partiql.syntax import Position

MAX_PATTERN: Final = 10_000  # characters; each may cost a walk over the text


class Pattern:
    """A pattern between whose pieces any text may stand; a piece is a regular expression of fixed length."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: tuple[re.Pattern[str], ...]) -> None:
        self._pieces = pieces

    def matches(self, text: str) -> bool:
        first, *rest = self._pieces
        if not rest:
            return first.fullmatch(text) is not None
        begin = first.match(text)
        if begin is None:
            return False
        position = begin.end()
        for piece in rest[:-1]:
            found = piece.search(text, position)
            if found is None:
                return False
            position = found.end()
        return self._ends(text, position)

    def _ends(self, text: str, position: int) -> bool:
        last = self._pieces[-1]
        length = last.groups  # each character of the piece is a group of its own
        return len(text) - position >= length and last.match(text, len(text) - length) is not None


def like(value: Value, pattern: Value, escape: Value, at: Position) -> bool | None:
    """Whether the text is like the pattern; ``escape`` is ``""`` where none was given. Unknown operands give NULL."""
    if is_unknown(value) or is_unknown(pattern) or is_unknown(escape):
        return None
    for operand in (value, pattern, escape):
        if not is_text(operand):
            raise evaluator_fault(f"LIKE needs texts, not a {type_name(operand)}", at)
    return _compiled(str(bare(pattern)), str(bare(escape)), at).matches(str(bare(value)))


@lru_cache(maxsize=256)
def _compiled(pattern: str, escape: str, at: Position) -> Pattern:
    if len(pattern) > MAX_PATTERN:
        raise evaluator_fault(f"a pattern of {len(pattern)} characters; at most {MAX_PATTERN} are taken", at)
    return Pattern(tuple(_piece(piece) for piece in _pieces(pattern, escape, at)))


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


def _piece(characters: list[str]) -> re.Pattern[str]:
    return re.compile("".join(f"({re.escape(character) or '.'})" for character in characters), re.DOTALL)


def check_escape(escape: Value, at: Position) -> None:
    """Refuse an escape that is not one character; an unknown one gives NULL later."""
    if not is_unknown(escape) and not (is_text(escape) and len(bare(escape)) == 1):
        raise evaluator_fault("ESCAPE needs a text of one character", at)
