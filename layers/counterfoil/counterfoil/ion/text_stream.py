"""Structs of Ion text, one after the other, cut out of a stream of any length.

Nothing is parsed here: strings, quoted symbols, comments and lobs are passed over as they may hold brackets that nest nothing,
brackets are counted, and where they are closed a value ends. What stands between the structs may only be white space,
comments and version markers.

Source: Ion specification 1.0, "Text Encoding".
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion.streams import MAX_SIZE_BYTES

# Possessive throughout: what a hostile text could make the search try again would be tried for every character of it.
_LONG: Final = r"'''(?:[^'\\]++|\\.|'(?!''))*+'''"
_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN: Final = re.compile(
    rf"(?P<opaque>{_LONG}|{_STRING}|'(?!'')[^'\\]*+(?:\\.[^'\\]*+)*+'|//[^\n\r]*+[\n\r]|/\*.*?\*/"
    rf"|\{{\{{\s*+(?:{_STRING}\s*+|(?:{_LONG}\s*+)++|[A-Za-z0-9+/=\s]*+)\}}\}})"
    r"|(?P<begun>[\"']|//|/\*|\{\{)|(?P<open>[\[({])|(?P<close>[\])}])",
    re.DOTALL,
)
_BETWEEN: Final = re.compile(r"(?:\s++|//[^\n\r]*+[\n\r]|/\*.*?\*/|\$ion_1_0(?![\w$:]))*+", re.DOTALL | re.ASCII)

# A token this near to the end of what has come may be the beginning of a longer one.
_LONGEST_OPENER: Final = 3

# Characters of a bad text that its error shows.
_MAX_SHOWN: Final = 40


def split_structs(chunks: Iterable[bytes]) -> Iterator[str]:
    """The text of each top-level struct in order. Anything else at the top, or text cut short, is an ``InputError``."""
    scanner = _Scanner(_decoded(chunks))
    while scanner.skip_between():
        yield scanner.take_struct()


def read_structs[Read](chunks: Iterable[bytes], read: ReadAhead[Read]) -> Iterator[Read | str]:
    """As ``split_structs``; a struct that ``read`` knows is given as what it read of it."""
    scanner = _Scanner(_decoded(chunks))
    while scanner.skip_between():
        found = scanner.read_struct(read)
        yield scanner.take_struct() if found is None else found


# Reads the struct that begins there, if it is all there and its text is known: (where it ends, what was read).
type ReadAhead[Read] = Callable[[str, int], tuple[int, Read] | None]


def _decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks:
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True) + "\n"  # ends a comment that stands last
    except UnicodeDecodeError as error:
        raise InputError(f"Ion text that is not UTF-8: {error.reason}") from None


class _Scanner:
    """A window on the text; ``offset`` counts the characters that have left it."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._text = ""
        self._position = 0
        self._ended = False
        self._offset = 0

    def skip_between(self) -> bool:
        """Pass over what may stand between structs; return whether one follows."""
        while True:
            found = _BETWEEN.match(self._text, self._position)
            assert found is not None  # it matches nothing at all, too
            self._position = found.end()
            rest = self._text[self._position : self._position + 1]
            if rest == "{":
                return True
            if self._ended:
                if rest:
                    raise self._no_struct()
                return False
            if len(self._text) - self._position > MAX_SIZE_BYTES or (rest and rest not in "/$"):
                raise self._no_struct()
            self._read_more()

    def read_struct[Read](self, read: ReadAhead[Read]) -> Read | None:
        """The struct that begins here, if ``read`` knows it."""
        found = read(self._text, self._position)
        if found is None:
            return None
        self._position = found[0]
        return found[1]

    def take_struct(self) -> str:
        """The struct that begins here."""
        depth, index = 0, self._position
        while True:
            found = _TOKEN.search(self._text, index)
            doubtful = found is None or found["begun"] or found.end() + _LONGEST_OPENER > len(self._text)
            if doubtful and not self._ended:
                index = found.start() if found else max(index, len(self._text) - _LONGEST_OPENER)
                index -= self._position
                self._read_more()
                continue
            if found is None or found["begun"]:
                raise self._malformed("a struct that does not end")
            depth += 1 if found["open"] else -1 if found["close"] else 0
            index = found.end()
            if depth == 0:
                struct = self._text[self._position : index]
                self._position = index
                return struct

    def _read_more(self) -> None:
        if len(self._text) - self._position > MAX_SIZE_BYTES:
            raise self._malformed(f"a value of more than {MAX_SIZE_BYTES} characters")
        self._offset += self._position
        self._text, self._position = self._text[self._position :], 0
        chunk = next(self._chunks, None)
        if chunk is None:
            self._ended = True
        else:
            self._text += chunk

    def _no_struct(self) -> InputError:
        """What stands where a struct was expected: the same whatever chunks it came in and however the structs before were read."""
        while not self._ended and len(self._text) - self._position < _MAX_SHOWN:
            self._read_more()
        shown = self._text[self._position :][:_MAX_SHOWN].rstrip("\n")
        return self._malformed(f"a struct was expected, found {shown!r}")

    def _malformed(self, what: str) -> InputError:
        return InputError(f"not Ion text that this reads, at character {self._offset + self._position}: {what}")
