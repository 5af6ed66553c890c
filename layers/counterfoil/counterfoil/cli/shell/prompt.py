"""The shell at a terminal: line editing, history and completion."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from counterfoil.cli.shell.interpreter import COMMAND_NAMES, Shell
from counterfoil.cli.shell.statements import is_complete

# Words that begin or join the parts of a statement; other reserved words are seldom typed.
_KEYWORDS: Final = """
    SELECT VALUE FROM WHERE AND OR NOT IN IS NULL MISSING LIKE BETWEEN AS AT BY JOIN ON GROUP ORDER LIMIT OFFSET DISTINCT
    CASE WHEN THEN ELSE END INSERT INTO UPDATE SET REMOVE DELETE CREATE DROP UNDROP TABLE INDEX WITH EXEC REDACT_REVISION
    ERASE_DOCUMENT BEGIN COMMIT ROLLBACK
"""
_FUNCTIONS: Final = """
    AVG CAST CHAR_LENGTH CHARACTER_LENGTH COALESCE COUNT DATE_ADD DATE_DIFF EXISTS EXTRACT history LOWER MAX MIN NULLIF SIZE
    SUBSTRING SUM TO_STRING TO_TIMESTAMP TRIM TXID UPPER UTCNOW
"""
WORDS: Final = (*_KEYWORDS.split(), *_FUNCTIONS.split())

_VIEWS: Final = ("information_schema.user_tables",)


class Words(Completer):
    """Completes commands at the beginning, and everywhere else keywords, tables, their views, functions and fields that were seen."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        before = document.text_before_cursor
        if before[:1] in {"\\", "."} and not before[1:].count(" "):
            yield from _matching(COMMAND_NAMES, before)
            return
        word = document.get_word_before_cursor(WORD=False)
        if word.strip():
            yield from _matching(self._words(word), word)

    def _words(self, word: str) -> Iterator[str]:
        """Keywords in the case in which the word is typed."""
        tables = self._shell.tables
        yield from tables
        yield from (f"_ql_committed_{each}" for each in tables)
        yield from sorted(self._shell.fields)
        for each in WORDS:
            yield each.lower() if word.islower() else each
        yield from _VIEWS


def _matching(words: Iterator[str] | tuple[str, ...], typed: str) -> Iterator[Completion]:
    for each in dict.fromkeys(words):
        if each.lower().startswith(typed.lower()) and each != typed:
            yield Completion(each, start_position=-len(typed))


def history_file() -> Path:
    """In the user's state folder. Source: XDG Base Directory Specification."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "counterfoil" / "shell_history"


def history() -> History:
    """Kept in a file that only its owner reads, since statements hold data; in memory where there can be no such file."""
    path = history_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def prompt_session(shell: Shell, kept: History | None = None) -> PromptSession[str]:
    """Enter ends what is complete, and else begins a new line."""
    unfinished = Condition(lambda: not is_complete(get_app().current_buffer.text))
    return PromptSession(
        history=history() if kept is None else kept,
        completer=Words(shell),
        complete_while_typing=False,
        multiline=unfinished,
        prompt_continuation=lambda width, _number, _wrapped: "... ".rjust(width),
    )
