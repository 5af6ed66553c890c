"""``counterfoil demo``.

Imports nothing of ``counterfoil.cli``, which loads this module as one of its commands.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console

from lab.bank import BankPlan, simulate
from lab.demo.bank import Bank, BuiltBank
from lab.demo.genuine import verify_genuine
from lab.demo.pipeline import InProcess, Pipeline
from lab.demo.report import DemoReport, show
from lab.demo.screen import Screen
from lab.demo.story import Demonstration

ALL_FOUND, NOT_AS_EXPECTED = 0, 1

ALWAYS: Final = {
    "what each finding means and what to do": "docs/runbook.md",
    "one event through one function": "make invoke EVENT=events/journal_auditor__fork.json",
    "the numbers of a run for a program": "counterfoil demo --json",
}


def demo(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    seed: Annotated[int, typer.Option(help="One seed gives one bank, one day, one attack.")] = 1,
    transfers: Annotated[int, typer.Option(min=200, max=50_000, help="Ordinary transfers in the bank's day.")] = 200,
    keep: Annotated[
        Path | None, typer.Option(file_okay=False, help="A folder to leave findings, a receipt and an event in.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="In this process over memory, without stack and server.")
    ] = False,
) -> None:
    """All of it on this machine: a bank on a served ledger, fraud in its journal, an attacker, and what is found of both."""
    console = Console(stderr=as_json)
    with unwinding_on_sigterm():
        report = run(Screen(console), seed, transfers, keep, fast=fast)
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        show(report, console, further(keep, exported=not fast))
    raise typer.Exit(ALL_FOUND if report.holds else NOT_AS_EXPECTED)


def run(screen: Screen, seed: int, transfers: int, evidence: Path | None = None, *, fast: bool) -> DemoReport:
    """One demonstration from nothing to nothing."""
    began = time.monotonic()
    screen.heading("A block that the real service made is verified to its digest")
    genuine = verify_genuine()
    screen.line(f"block {genuine.address}, digest {genuine.digest.hash.to_base64()} at {genuine.digest.tip_address}")
    with (_built if fast else _deployed)(screen, seed, transfers) as (pipeline, bank):
        return Demonstration(pipeline, bank, screen, seed, began, evidence).run(genuine)


@contextmanager
def unwinding_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the run as Ctrl-C does: what was started is stopped, what was written is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def further(kept: Path | None, *, exported: bool = False) -> dict[str, str]:
    """How to look further, by what a person may want to see; ``exported`` where the ledger's export is among the evidence."""
    if kept is None:
        return {"the evidence of a run, for looking at": "counterfoil demo --keep FOLDER"} | ALWAYS
    exports = {"every block of the ledger, verified": f"counterfoil verify export {kept}/export"} if exported else {}
    return {
        "what was found, with its evidence": f"{kept}/findings.json",
        "the transfer that a clerk falsified, proved": f"counterfoil verify receipt {kept}/receipt.json",
        "what the attacker delivered, judged": f"counterfoil verify events {kept}/attack.kinesis-event.json",
        **exports,
    } | ALWAYS


@contextmanager
def _built(_screen: Screen, seed: int, transfers: int) -> Iterator[tuple[Pipeline, Bank]]:
    pipeline = InProcess()
    yield pipeline, BuiltBank(simulate(BankPlan(seed, transfers)), pipeline)


@contextmanager
def _deployed(screen: Screen, seed: int, transfers: int) -> Iterator[tuple[Pipeline, Bank]]:
    from lab.demo.deployed import Deployed  # noqa: PLC0415 - the stack's clients are not needed without a stack
    from lab.demo.deployed_bank import DeployedBank  # noqa: PLC0415

    screen.heading("The template is built and deployed to the embedded stack")
    with Deployed.up() as pipeline:
        count = pipeline.functions
        screen.line(f"deployed: tables, streams, buckets, keys, and {count} functions, one of them the ledger")
        screen.heading("A ledger is created through its function's URL, and its journal streams into Kinesis")
        with DeployedBank.up(pipeline, seed, transfers) as bank:
            screen.line(f"tables and accounts are there; strand {bank.strand_id}, stream {bank.stream_arn}")
            yield pipeline, bank
