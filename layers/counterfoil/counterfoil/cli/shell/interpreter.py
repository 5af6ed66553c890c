"""What the shell does with what is typed: statements, transactions, and its own commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from counterfoil.cli.documents import read_documents
from counterfoil.cli.output import read_bytes
from counterfoil.cli.shell.describing import describe_table, list_tables
from counterfoil.cli.shell.presentation import Format
from counterfoil.cli.shell.statements import StatementBuffer
from counterfoil.cli.shell.transactions import Outcome, Transactions, control_word
from counterfoil.errors import CounterfoilError, InputError, OccConflictError
from counterfoil.ion.codec import encode
from counterfoil.ion.values import Value
from counterfoil.journal import Digest
from counterfoil.partiql.parser import parse

HELP: Final = """\
A statement ends with ; and is a transaction by itself, run again where another was in the way. BEGIN; opens one over several
statements, COMMIT; or ROLLBACK; ends it, and so does a statement that fails.

  \\d                  tables                      \\digest            the ledger's digest
  \\d TABLE            a table's indexes           \\timing            say how long statements take, or no longer
  \\format [FORMAT]    table, ion or json          .read FILE         run the statements of a file
  \\insert TABLE FILE  documents of a .json,       \\retry             run the transaction again that met a conflict
                      .jsonl, .ion or .10n file   \\q                 quit
"""

# What fits a transaction by QLDB's own limits; in a transaction that BEGIN opened, all documents go in.
DOCUMENTS_AT_A_TIME: Final = 40
BYTES_AT_A_TIME: Final = 2 * 1024 * 1024

# Files that read files: deeper than this, one reads itself.
MAX_READ_DEPTH: Final = 16


class QuitError(Exception):
    """The person wants to go."""


@dataclass(slots=True)
class Screen:
    """Where results and remarks go. ``show`` gets a statement with what it gave."""

    show: Callable[[str, Outcome], None]
    say: Callable[[str], None]


@dataclass(slots=True)
class Shell:
    """``digest`` gives the ledger's digest. ``fields`` are the names seen in results, for completion."""

    transactions: Transactions
    digest: Callable[[], Digest]
    screen: Screen
    format: Format = Format.TABLE
    timing: bool = False
    parameters: list[Value] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    tables: list[str] = field(default_factory=list)
    depth: int = 0

    def run(self, entry: str) -> None:
        """Carry out a statement or a command; raises this library's errors, and ``QuitError``."""
        if entry[:1] in {"\\", "."}:
            self._command(entry)
        elif (word := control_word(entry)) is not None:
            self._control(word)
        else:
            self._statement(entry)

    def run_text(self, text: str) -> None:
        """Carry out everything in a text; what has no ``;`` at its end is a statement too."""
        buffer = StatementBuffer()
        for line in text.splitlines(keepends=True):
            for entry in buffer.feed(line):
                self.run(entry)
        for entry in buffer.feed("\n"):
            self.run(entry)
        if not buffer.empty:
            self.run(buffer.rest())

    def look_up_tables(self) -> None:
        """The names of the active tables, for completion."""
        rows = self.transactions.look("SELECT VALUE t FROM information_schema.user_tables AS t")
        self.tables = sorted(str(row["name"]) for row in rows if row["status"] == "ACTIVE")

    def _statement(self, text: str) -> None:
        count = parse(text).parameter_count if self.parameters else 0
        given, self.parameters = self.parameters[:count], self.parameters[count:]
        inside = self.transactions.open
        try:
            outcome = self.transactions.run(text, given)
        finally:
            if inside and not self.transactions.open:
                self.screen.say("the transaction is rolled back")
        for row in outcome.rows:
            if isinstance(row, dict):
                self.fields.update(row)
        self.screen.show(text, outcome)

    def _control(self, word: str) -> None:
        if word == "BEGIN":
            self.transactions.begin()
            self.screen.say("transaction open")
        elif word == "ROLLBACK":
            self.transactions.roll_back()
            self.screen.say("rolled back")
        else:
            self._commit()

    def _commit(self) -> None:
        try:
            transaction_id = self.transactions.commit()
        except OccConflictError as error:
            count = len(self.transactions.sent)
            raise OccConflictError(
                f"conflict: another transaction has changed what this one read, and nothing of it was kept. Run it again from "
                f"BEGIN, so that it decides on what is there now; \\retry runs its {count} statements again as they were ({error})"
            ) from error
        self.screen.say(f"committed {transaction_id}")

    def _command(self, entry: str) -> None:
        name, *arguments = entry.split()
        command = self.COMMANDS.get(name)
        if command is None:
            raise InputError(f"there is no command {name[:40]}; \\? lists them")
        run, fewest, most = command
        if not fewest <= len(arguments) <= most:
            raise InputError(f"{name} takes {fewest if fewest == most else f'{fewest} to {most}'} arguments")
        run(self, arguments)

    def _describe(self, arguments: Sequence[str]) -> None:
        rows = self.transactions.look("SELECT VALUE t FROM information_schema.user_tables AS t")
        self.screen.say(describe_table(rows, arguments[0]) if arguments else list_tables(rows))

    def _format(self, arguments: Sequence[str]) -> None:
        if arguments:
            try:
                self.format = Format(arguments[0])
            except ValueError:
                raise InputError(f"there is no format {arguments[0][:40]!r}: {', '.join(Format)}") from None
        self.screen.say(f"format {self.format}")

    def _timing(self, _: Sequence[str]) -> None:
        self.timing = not self.timing
        self.screen.say(f"timing {'on' if self.timing else 'off'}")

    def _digest(self, _: Sequence[str]) -> None:
        digest = self.digest()
        self.screen.say(f"{digest.hash.to_base64()} at {digest.tip_address}")

    def _read(self, arguments: Sequence[str]) -> None:
        path = Path(arguments[0]).expanduser()
        if self.depth >= MAX_READ_DEPTH:
            raise InputError(f"{path}: files that read files are followed {MAX_READ_DEPTH} deep")
        try:
            text = read_bytes(path).decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8: {error}") from None
        self.depth += 1
        try:
            self.run_text(text)
        finally:
            self.depth -= 1

    def _insert(self, arguments: Sequence[str]) -> None:
        table, documents = arguments[0], read_documents(Path(arguments[1]).expanduser())
        pieces = [documents] if self.transactions.open else list(batches(documents))
        text, inserted = f'INSERT INTO "{table.replace(chr(34), chr(34) * 2)}" ?', 0
        try:
            for piece in pieces if documents else ():
                self.transactions.run(text, (piece,))
                inserted += len(piece)
        except CounterfoilError:
            if inserted:
                self.screen.say(f"{inserted} of {len(documents)} documents were inserted before this one failed")
            raise
        self.screen.say(f"{inserted} documents inserted")

    def _again(self, _: Sequence[str]) -> None:
        sent = list(self.transactions.sent)
        for each, outcome in zip(sent, self.transactions.again(), strict=True):
            self.screen.show(each.text, outcome)
        self.screen.say("committed")

    def _help(self, _: Sequence[str]) -> None:
        self.screen.say(HELP)

    def _quit(self, _: Sequence[str]) -> None:
        raise QuitError

    # What each command calls, and with how many words at least and at most.
    COMMANDS: ClassVar[Mapping[str, tuple[Callable[[Shell, Sequence[str]], None], int, int]]] = {
        "\\d": (_describe, 0, 1),
        "\\format": (_format, 0, 1),
        "\\timing": (_timing, 0, 0),
        "\\digest": (_digest, 0, 0),
        "\\insert": (_insert, 2, 2),
        "\\retry": (_again, 0, 0),
        "\\?": (_help, 0, 0),
        "\\q": (_quit, 0, 0),
        ".read": (_read, 1, 1),
    }


def batches(documents: Sequence[Value]) -> list[list[Value]]:
    """Documents in pieces that each fit one transaction."""
    pieces: list[list[Value]] = []
    size = BYTES_AT_A_TIME
    for document in documents:
        size += len(encode(document))
        if size > BYTES_AT_A_TIME or len(pieces[-1]) >= DOCUMENTS_AT_A_TIME:
            pieces.append([])
            size = len(encode(document))
        pieces[-1].append(document)
    return pieces


COMMAND_NAMES: Final = tuple(Shell.COMMANDS)
