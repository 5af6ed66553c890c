"""Every command there is; those of other packages join by the entry point group ``counterfoil.commands``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Final

import typer

from counterfoil.cli import export, findings, import_ledger, ledgers, maintain, operate, rules, serve, streams, verify
from counterfoil.cli.backtest import backtest
from counterfoil.cli.checkpoints import app as checkpoints_app
from counterfoil.cli.copy_journal import copy_journal
from counterfoil.cli.erase import erase
from counterfoil.cli.evidence import evidence, verify_evidence
from counterfoil.cli.report.command import report, verify_report
from counterfoil.cli.shell.command import shell
from counterfoil.cli.timestamps import timestamp
from counterfoil.cli.witness import app as witness_app

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
