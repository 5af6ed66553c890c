"""Cuts what is typed or read from a file into statements, which end with ``;``, and commands, which take a line.

A ``;`` in a string, a quoted name, a comment or an Ion literal ends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from counterfoil.partiql.lexer import ION_LITERAL

_BLANK: Final = r"(?:\s|--[^\n]*+\n|/\*(?:[^*]|\*(?!/))*+\*/)*+"
_STATEMENT: Final = re.compile(
    rf"""
    ((?:
      [^-/'"`;]++
    | --[^\n]*+
    | /\*(?:[^*]|\*(?!/))*+\*/
    | '(?:[^']|'')*+'
    | "(?:[^"]|"")*+"
    | {ION_LITERAL}
    | -(?!-)
    | /(?!\*)
    )*+)
    ;
    """,
    re.VERBOSE | re.DOTALL,
)
_LEADING: Final = re.compile(_BLANK, re.DOTALL)
_COMMAND: Final = re.compile(r"([\\.][^\n]*+)(?:\n|\Z)")


class StatementBuffer:
    """Takes lines and gives the statements and commands that are complete."""

    def __init__(self) -> None:
        self._pending = ""

    @property
    def empty(self) -> bool:
        """Whether nothing but blanks and comments waits for its end."""
        return not self.rest()

    def feed(self, text: str) -> Iterator[str]:
        """Take whole lines; give what is complete, commands with their mark and statements without their ``;``."""
        self._pending += text
        if ";" not in text and not _is_command(self.rest()):
            return
        while (entry := self._take()) is not None:
            if entry:
                yield entry

    def rest(self) -> str:
        """What has not ended yet."""
        return self._pending[_start(self._pending) :].strip()

    def clear(self) -> None:
        self._pending = ""

    def _take(self) -> str | None:
        start = _start(self._pending)
        found = (_COMMAND if _is_command(self._pending[start:]) else _STATEMENT).match(self._pending, start)
        if found is None:
            return None
        self._pending = self._pending[found.end() :]
        return found[1].strip()


def is_complete(text: str) -> bool:
    """Whether a text is whole: a command, nothing, or statements of which the last has its ``;``."""
    buffer = StatementBuffer()
    for _ in buffer.feed(text + "\n"):
        pass
    return buffer.empty


def _start(text: str) -> int:
    found = _LEADING.match(text)
    assert found is not None  # it may be empty, and so always fits
    return found.end()


def _is_command(text: str) -> bool:
    return text[:1] in {"\\", "."}
