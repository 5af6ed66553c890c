"""A place among a statement's tokens: looking, taking, and saying what was expected instead."""

from __future__ import annotations

from typing import Final

from counterfoil.errors import LimitError, StatementError
from counterfoil.partiql.lexer import tokenize
from counterfoil.partiql.reserved_words import RESERVED_WORDS, UNSUPPORTED
from counterfoil.partiql.syntax import Position

# Each level of a statement costs Python frames here, in the compiler and at every evaluation; a hundred levels, the same
# that Ion values may have, fit Python's default stack of a thousand frames several times.
MAX_DEPTH: Final = 100

_SHOWN: Final = 40


class Cursor:
    __slots__ = ("depth", "index", "kind", "kinds", "parameter_count", "places", "texts")

    def __init__(self, text: str) -> None:
        self.kinds, self.texts, self.places = tokenize(text)
        self.index = 0
        self.kind = self.kinds[0]
        self.depth = 0
        self.parameter_count = 0

    @property
    def at(self) -> Position:
        return self.places[self.index]

    def advance(self) -> None:
        """Never called at the end: the last token is taken by nobody."""
        self.index = index = self.index + 1
        self.kind = self.kinds[index]

    def accept(self, kind: str) -> bool:
        """Take the token if it is of that kind."""
        if self.kind != kind:
            return False
        self.index = index = self.index + 1
        self.kind = self.kinds[index]
        return True

    def expect(self, kind: str) -> Position:
        """Take the token, which must be of that kind; its place."""
        if self.kind != kind:
            raise self.unexpected(kind)
        index = self.index
        self.index = index + 1
        self.kind = self.kinds[index + 1]
        return self.places[index]

    def says(self, word: str) -> bool:
        """Whether the token is this word, which is not a reserved one."""
        return self.kind == "name" and self.texts[self.index].upper() == word

    def accept_word(self, word: str) -> bool:
        """Take the token if it is this word, which is not a reserved one."""
        if not self.says(word):
            return False
        self.advance()
        return True

    def expect_word(self, *words: str) -> str:
        """Take one of these words, reserved or not; in lower case."""
        word = self.texts[self.index].lower()
        if word not in words:
            raise self.unexpected(f"{', '.join(words[:-1])} or {words[-1]}")
        self.advance()
        return word

    def name(self, what: str) -> str:
        """Take a name, quoted or not."""
        text = self.texts[self.index]
        if self.kind == "quoted":
            text = unquoted(text)
        elif self.kind in RESERVED_WORDS:
            raise self.reserved(what)
        elif self.kind != "name":
            raise self.unexpected(what)
        self.advance()
        return text

    def field_name(self) -> str:
        """Take a field's name where nothing else can stand: reserved words need no quotes there, as behind a dot."""
        if self.kind not in RESERVED_WORDS:
            return self.name("a field's name")
        text = self.texts[self.index]
        self.advance()
        return text

    def descend(self, levels: int = 1) -> None:
        """Go deeper; whoever calls it takes the levels off ``depth`` when done."""
        self.depth += levels
        if self.depth > MAX_DEPTH:
            raise too_deep()

    def unexpected(self, expected: str) -> StatementError:
        """What to raise where something else than the token was expected."""
        if self.kind in UNSUPPORTED:
            return self.unsupported(UNSUPPORTED[self.kind])
        return self.refusal(f"expected {expected} but found: {self._shown()}")

    def reserved(self, expected: str) -> StatementError:
        """What to raise where a name was expected and the token is a reserved word."""
        return self.refusal(
            f"expected {expected} but found: {self._shown()}, a reserved word; in double quotes it is a name"
        )

    def unsupported(self, what: str) -> StatementError:
        """What to raise for something that other dialects have."""
        return self.refusal(f"not supported: {what}")

    def refusal(self, what: str, at: Position | None = None) -> StatementError:
        return StatementError("Parser", what, *(at or self.at))

    def _shown(self) -> str:
        if self.kind == "end":
            return "the end of the statement"
        text = self.texts[self.index]
        return f"'{text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}'"


def too_deep() -> LimitError:
    return LimitError(f"a statement nested deeper than {MAX_DEPTH} levels, operators in a row included")


def unquoted(text: str) -> str:
    """What a string or a quoted name says: its quotes come off, doubled ones inside become one."""
    quote = text[0]
    inside = text[1:-1]
    return inside.replace(quote + quote, quote) if quote in inside else inside
