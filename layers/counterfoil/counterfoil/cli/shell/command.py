"""``counterfoil shell``: a PartiQL prompt on a ledger, or the statements of a script."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from counterfoil.cli.documents import read_value
from counterfoil.cli.output import JsonOption, ascii_json, err, out, show_error
from counterfoil.cli.places import DataOption, EndpointOption, SealsOption, opened_ledger
from counterfoil.cli.shell.interpreter import QuitError, Screen, Shell
from counterfoil.cli.shell.presentation import Format, footer, ion_of, json_of, table_of
from counterfoil.cli.shell.statements import StatementBuffer
from counterfoil.cli.shell.transactions import Outcome, Transactions
from counterfoil.errors import CounterfoilError, InputError
from counterfoil.ion.value_text import render_json
from counterfoil.ion.values import Value

# Tables on no terminal are as wide as they need.
_WIDE = 100_000


def shell(  # noqa: PLR0913 - one parameter for each option
    ledger: Annotated[
        str, typer.Argument(metavar="LEDGER", help="A ledger's name, or its folder.", show_default=False)
    ],
    *,
    data: DataOption = None,
    endpoint: EndpointOption = None,
    seals: SealsOption = None,
    format: Annotated[Format, typer.Option("--format", help="How rows are shown.")] = Format.TABLE,  # noqa: A002
    command: Annotated[
        list[str] | None, typer.Option("-c", help="Run these statements and quit.", metavar="TEXT")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", help="A value for the next ?, as JSON or Ion.", metavar="VALUE")
    ] = None,
    json: JsonOption = False,
) -> None:
    """PartiQL on a ledger: at a terminal with history and completion, else the statements of standard input.

    A script ends at the first statement that fails, with exit status 2, or 3 where a conflict or the outside was the reason.
    """
    with opened_ledger(ledger, data, endpoint, seals) as one:
        screen = _Screen()
        this = Shell(Transactions(one.source), one.digest, Screen(screen.show, screen.say), format)
        this.parameters = [read_value(each) for each in parameter or ()]
        screen.shell, screen.collects = this, json
        try:
            _run(this, one.name, command, json=json)
        except QuitError:
            pass
        finally:
            if this.transactions.close():
                err.print("the transaction that was open is rolled back", style="yellow")
        if json:
            typer.echo(ascii_json(render_json({"holds": True, "statements": screen.collected})))


def _run(this: Shell, name: str, command: list[str] | None, *, json: bool) -> None:
    if command:
        for each in command:
            _script(this, (f"{each}\n",))
    elif not sys.stdin.isatty():
        _script(this, sys.stdin)
    elif json:
        raise InputError(
            "--json is for statements given with -c or on standard input; \\format json shows rows as JSON"
        )
    else:
        _prompt(this, name)
    if this.parameters:
        raise InputError(f"{len(this.parameters)} more values were given with -p than the statements have ?")


def _script(this: Shell, lines: Iterable[str]) -> None:
    """Run lines as they come; what has no ``;`` at the end is a statement as well."""
    buffer = StatementBuffer()
    for line in lines:
        for entry in buffer.feed(line):
            with _named(entry):
                this.run(entry)
    for entry in (*buffer.feed("\n"), buffer.rest()):
        if entry:
            with _named(entry):
                this.run(entry)


@contextmanager
def _named(entry: str) -> Iterator[None]:
    """Say which statement of a script failed."""
    try:
        yield
    except CounterfoilError:
        err.print(f"in: {' '.join(entry.split())[:200]}", markup=False, highlight=False, style="dim")
        raise


def _prompt(this: Shell, name: str) -> None:
    from counterfoil.cli.shell.prompt import prompt_session

    session = prompt_session(this)
    out.print(f"counterfoil on {name}; \\? for help, \\q to quit", highlight=False, markup=False)
    this.look_up_tables()
    while True:
        try:
            text = session.prompt(f"{name}{'*' if this.transactions.open else ''}> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        _answer(this, text)


def _answer(this: Shell, text: str) -> None:
    """Run what was typed; an error is shown, and the rest of the line is not run."""
    try:
        this.run_text(text)
        if any(word in text.upper() for word in ("CREATE", "DROP")):
            this.look_up_tables()
    except CounterfoilError as error:
        show_error(error, as_json=False)
    except KeyboardInterrupt:
        err.print("interrupted")


class _Screen:
    """Prints, or collects for ``--json``."""

    def __init__(self) -> None:
        self.shell: Shell | None = None
        self.collects = False
        self.collected: list[Value] = []

    def show(self, text: str, outcome: Outcome) -> None:
        assert self.shell is not None
        if self.collects:
            self.collected.append({"statement": text, "rows": outcome.rows, "readIOs": outcome.read_ios})
        elif self.shell.format is Format.JSON:
            typer.echo(json_of(outcome.rows), nl=False)
        elif self.shell.format is Format.ION:
            typer.echo(ion_of(outcome.rows), nl=False)
        else:
            if outcome.rows:
                out.print(table_of(outcome.rows), width=None if out.is_terminal else _WIDE, crop=False)
            milliseconds = outcome.milliseconds if self.shell.timing else None
            out.print(footer(len(outcome.rows), outcome.read_ios, milliseconds), highlight=False, markup=False)

    def say(self, text: str) -> None:
        """Remarks do not stand between rows that a program reads."""
        assert self.shell is not None
        console = out if self.shell.format is Format.TABLE and not self.collects else err
        console.print(text, highlight=False, markup=False, soft_wrap=True)
