"""``counterfoil backtest``: the fraud detector over labelled transactions of the past, and how well it would have done."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from counterfoil.adapters.labelled_transfers import configuration, read_labelled
from counterfoil.adapters.system import system_clock
from counterfoil.cli.output import HOLDS, JsonOption, out, print_json, printable
from counterfoil.detection.fraud_rules import Kind
from counterfoil.detection.network.model import MAX_CHARACTERS, Scorer, parse_model, shipped_model
from counterfoil.detection.past import Past
from counterfoil.detection.rule import Rule, bind
from counterfoil.detection.rule_document import MAX_DOCUMENT_CHARACTERS, parse_rule_document
from counterfoil.errors import InputError
from counterfoil.services.backtest import Measured, Run, judge_past, measure_rules, measure_run

MAX_RULES: Final = 1_000
_DIGITS: Final = 4


def backtest(  # noqa: PLR0913 - a command and its options
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Labelled transactions as CSV, perhaps with .xz.", show_default=False)
    ],
    *,
    warm_up: Annotated[Path | None, typer.Option(help="Transactions before them: judged, and not scored.")] = None,
    from_step: Annotated[
        int, typer.Option(min=0, help="Score FILE from this step on; what is before it warms up.")
    ] = 0,
    rules: Annotated[
        Path | None, typer.Option(help="A directory of rule documents in place of the shipped ones.")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="Another directory of rules, to compare with.")] = None,
    alerts_per_step: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many alerts people can look at.")
    ] = 20,
    model: Annotated[
        Path | None, typer.Option(help="A model of `counterfoil train` in place of the shipped one.")
    ] = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Rules alone: transfers are ranked by their typologies.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """The fraud detector over labelled transactions: precision, recall, patterns hit, delay, per rule and in all."""
    scorer = None if no_model else _model(model)
    files = _Files(file, warm_up, from_step)
    run = _run(files, rules, scorer)
    result = measure_run(run, alerts_per_step)
    by_rule = measure_rules(run, alerts_per_step)
    other = None if against is None else measure_run(_run(files, against, scorer), alerts_per_step)
    if json:
        body = _json(result) | {
            "rules": {name: _json(each) for name, each in by_rule.items()},
            "findings": dict(sorted(run.findings.items())),
        }
        print_json(body | ({} if other is None else {"against": _json(other) | _difference(result, other)}))
    else:
        _show(result, by_rule, run, alerts_per_step)
        if other is not None:
            _show_difference(result, other)
    raise typer.Exit(HOLDS)


class _Files:
    """What is read, each time anew: the files may be larger than memory."""

    def __init__(self, file: Path, warm_up: Path | None, from_step: int) -> None:
        self._file, self._warm_up, self._from_step = file, warm_up, from_step
        self._before = 0 if warm_up is None else sum(1 for _ in read_labelled(warm_up))

    def warm_up(self) -> Iterator[Past]:
        first = iter(()) if self._warm_up is None else read_labelled(self._warm_up)
        return chain(first, (each for each in self._read() if each.step < self._from_step) if self._from_step else ())

    def scored(self) -> Iterator[Past]:
        return (each for each in self._read() if each.step >= self._from_step)

    def _read(self) -> Iterator[Past]:
        return read_labelled(self._file, self._before)


def _run(files: _Files, rules: Path | None, scorer: Scorer | None) -> Run:
    config = configuration(None if rules is None else _rules(rules))
    return judge_past(files.warm_up(), files.scored(), config, scorer, system_clock())


def _rules(directory: Path) -> tuple[Rule[Kind], ...]:
    if not directory.is_dir():
        raise InputError(f"{directory} is not a directory of rule documents")
    files = sorted(directory.glob("*.json"))
    if not 0 < len(files) <= MAX_RULES:
        raise InputError(f"{directory} holds {len(files)} rule documents; 1 to {MAX_RULES} are read")
    return tuple(
        bind(parse_rule_document(_text(each, MAX_DOCUMENT_CHARACTERS)))
        for each in files
        if each.name != "conditions.json"
    )


def _model(file: Path | None) -> Scorer:
    return shipped_model() if file is None else parse_model(_text(file, MAX_CHARACTERS))


def _text(file: Path, most: int) -> str:
    try:
        if file.stat().st_size > 4 * most:
            raise InputError(f"{file} has {file.stat().st_size} bytes; at most {4 * most} are read")
        return file.read_text("utf-8")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8") from None


def _json(measured: Measured) -> dict[str, Any]:
    return {
        "precision": _rounded(measured.precision),
        "recall": _rounded(measured.recall),
        "average_precision": _rounded(measured.average_precision),
        "auc": _rounded(measured.auc),
        "patterns_hit": measured.patterns_hit,
        "patterns_total": measured.patterns_total,
        "alerts": measured.alerts,
        "delay_steps_median": measured.delay_steps_median,
        "transfers": measured.transfers,
        "laundering": measured.bad,
        "patterns_by_typology": {
            name: {"hit": hit, "total": total} for name, (hit, total) in measured.by_typology.items()
        },
    }


def _difference(one: Measured, other: Measured) -> dict[str, Any]:
    return {
        "alerts_of_both": len(one.alerted & other.alerted),
        "alerts_only_here": len(one.alerted - other.alerted),
        "alerts_only_there": len(other.alerted - one.alerted),
    }


def _show(result: Measured, by_rule: dict[str, Measured], run: Run, alerts_per_step: int) -> None:
    out.print(
        f"{result.transfers} transfers between accounts, {result.bad} of them laundering, {alerts_per_step} alerts a step at most"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in ("alerts", "precision", "recall", "AP", "AUC", "patterns", "delay"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, each in (("all rules", result), *by_rule.items()):
        table.add_row(
            printable(name),
            str(each.alerts),
            _shown(each.precision),
            _shown(each.recall),
            _shown(each.average_precision),
            _shown(each.auc),
            f"{each.patterns_hit}/{each.patterns_total}",
            "-" if each.delay_steps_median is None else f"{each.delay_steps_median:g}",
        )
    out.print(table)
    for typology, (hit, total) in result.by_typology.items():
        out.print(f"{printable(typology)}: {hit} of {total} patterns hit")
    for rule_id, count in sorted(run.findings.items()):
        out.print(f"{printable(rule_id)}: {count} findings")


def _show_difference(result: Measured, other: Measured) -> None:
    changes = _difference(result, other)
    out.print(
        f"against the other rules: {changes['alerts_of_both']} alerts of both, {changes['alerts_only_here']} only here, "
        f"{changes['alerts_only_there']} only there; there precision {_shown(other.precision)}, recall {_shown(other.recall)}, "
        f"patterns hit {other.patterns_hit} of {other.patterns_total}"
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
