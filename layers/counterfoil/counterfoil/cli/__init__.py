"""The command line: ``counterfoil``. Never deployed.

Exit status: 0 holds, 1 an integrity failure was found, 2 bad input or usage, 3 something outside was unavailable.
Commands of other packages join by the entry point group ``counterfoil.commands``.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Final

import typer

from counterfoil.cli import operate, verify
from counterfoil.cli.output import INPUT, INTEGRITY, UNAVAILABLE, show_error
from counterfoil.errors import CounterfoilError, InputError, IntegrityError

app: Final = typer.Typer(
    name="counterfoil",
    help="A ledger in which every entry can be proved: verify, operate, demonstrate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(verify.app, name="verify")
app.command()(operate.redrive)
app.command()(operate.accept)
for entry in entry_points(group="counterfoil.commands"):
    app.command(name=entry.name)(entry.load())


def main() -> None:
    """Run the command line; errors of this library become its exit statuses."""
    try:
        app()
    except CounterfoilError as error:
        show_error(error, as_json="--json" in sys.argv)
        raise SystemExit(exit_status(error)) from None


def exit_status(error: CounterfoilError) -> int:
    """Who has to act: the one who called (2), the one who trusts the data (1), the one who runs the outside (3)."""
    if isinstance(error, InputError):
        return INPUT
    return INTEGRITY if isinstance(error, IntegrityError) else UNAVAILABLE
