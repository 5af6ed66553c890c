"""The command line: ``counterfoil``. Never deployed.

Exit status: 0 holds, 1 an integrity failure was found, 2 bad input or usage, 3 something outside was unavailable.
Commands of other packages join by the entry point group ``counterfoil.commands``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import typer
from typer.exceptions import Abort, TyperException

from counterfoil.cli import export, findings, import_ledger, ledgers, maintain, operate, rules, serve, streams, verify
from counterfoil.cli.backtest import backtest
from counterfoil.cli.checkpoints import app as checkpoints_app
from counterfoil.cli.copy_journal import copy_journal
from counterfoil.cli.erase import erase
from counterfoil.cli.evidence import evidence, verify_evidence
from counterfoil.cli.output import HOLDS, INPUT, INTEGRITY, INTERRUPTED, UNAVAILABLE, show_error
from counterfoil.cli.report.command import report, verify_report
from counterfoil.cli.shell.command import shell
from counterfoil.cli.timestamps import timestamp
from counterfoil.cli.witness import app as witness_app
from counterfoil.errors import CounterfoilError, InputError, IntegrityError

_OTHERS: Final = "counterfoil.commands"

app: Final = typer.Typer(
    name="counterfoil",
    help="A ledger in which every entry can be proved: verify, operate, demonstrate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(verify.app, name="verify")
app.add_typer(streams.app, name="streams")
app.add_typer(findings.app, name="findings")
app.add_typer(rules.app, name="rules")
app.command()(backtest)
app.command()(operate.redrive)
app.command()(operate.accept)
app.command()(copy_journal)
app.command()(serve.serve)
app.command()(serve.client_env)
app.command()(shell)
app.command()(erase)
app.add_typer(ledgers.app, name="ledger")
app.add_typer(checkpoints_app, name="checkpoints")
checkpoints_app.command()(timestamp)
app.add_typer(witness_app, name="witness")
app.command()(ledgers.digest)
app.command()(report)
verify.app.command("report")(verify_report)
app.command()(evidence)
verify.app.command("evidence")(verify_evidence)
app.command()(export.export)
app.command("import")(import_ledger.import_)
app.command()(maintain.rebuild)


def add_commands_of_others(arguments: Sequence[str] = ()) -> None:
    """Load the commands of other packages if the arguments name one of them, or none at all and all are shown."""
    command = next(iter(arguments), "-")
    if command.startswith("-") or command in entry_points(group=_OTHERS).names:
        _load_others()


@cache
def _load_others() -> None:
    for entry in entry_points(group=_OTHERS):
        app.command(name=entry.name)(entry.load())


def main() -> None:
    """Run the command line; errors of this library, of usage and of output become its exit statuses."""
    as_json = "--json" in sys.argv
    add_commands_of_others(sys.argv[1:])
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
    except CounterfoilError as error:
        show_error(error, as_json=as_json)
        status = exit_status(error)
    except TyperException as error:  # usage: an option, argument or command that is not there
        if message := error.format_message():  # without one the help was shown already
            context = getattr(error, "ctx", None)
            if context is not None and not as_json:
                print(context.get_usage(), file=sys.stderr)  # noqa: T201 - plain, as every program does
            show_error(InputError(message), as_json=as_json)
        status = INPUT
    except Abort:
        status = INTERRUPTED
    except OSError as error:  # nobody reads what is printed, or the disk is full: the verdict did not arrive
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the interpreter's last flush
        print(f"output: {error.strerror}", file=sys.stderr)  # noqa: T201 - the console of the rest may be what broke
        status = UNAVAILABLE
    raise SystemExit(status or HOLDS)


def exit_status(error: CounterfoilError) -> int:
    """Who has to act: the one who called (2), the one who trusts the data (1), the one who runs the outside (3)."""
    if isinstance(error, InputError):
        return INPUT
    return INTEGRITY if isinstance(error, IntegrityError) else UNAVAILABLE
