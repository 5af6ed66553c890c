"""``counterfoil backtest``: the fraud detector over transactions of the past, and how well it would have done."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from counterfoil.adapters.labelled_transfers import configuration, read_labelled, read_labels
from counterfoil.adapters.system import system_clock
from counterfoil.cli.output import HOLDS, JsonOption, out, print_json, printable
from counterfoil.cli.verify_export import files_in
from counterfoil.detection.fraud_rules import Kind
from counterfoil.detection.network.model import MAX_CHARACTERS, Scorer, parse_model, shipped_model
from counterfoil.detection.past import Label, Past
from counterfoil.detection.rule import Rule, bind
from counterfoil.detection.rule_config import MAX_CHARACTERS as MAX_CONFIG_CHARACTERS
from counterfoil.detection.rule_config import RuleConfig, parse_rule_config
from counterfoil.detection.rule_document import MAX_DOCUMENT_CHARACTERS, parse_rule_document
from counterfoil.errors import InputError
from counterfoil.services.backtest import Measured, Run, judge_past, measure_rules, measure_run
from counterfoil.services.journal_past import past_of_journal

MAX_RULES: Final = 1_000
_DIGITS: Final = 4


def backtest(  # noqa: PLR0913 - a command and its options
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Labelled transactions as CSV, perhaps with .xz; or a journal's export: a directory, or s3://bucket/prefix.",
            show_default=False,
        ),
    ],
    *,
    warm_up: Annotated[
        str | None, typer.Option(metavar="FILE", help="What was before them: judged, and not scored.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="What became known of an export's transfers: CSV, by transactionId.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The rule configuration that says what an export's documents mean.")
    ] = None,
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
    """The fraud detector over transactions of the past: precision, recall, patterns hit, delay, per rule and in all."""
    scorer = None if no_model else _model(model)
    files = _Files(file, warm_up, from_step, labels, config)
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
    """What is read, each time anew: the files may be larger than memory. Both are of one sort, CSV or exports."""

    def __init__(
        self, file: str, warm_up: str | None, from_step: int, labels: Path | None, config_file: Path | None
    ) -> None:
        self._file, self._warm_up, self._from_step = file, warm_up, from_step
        self._journal = _is_export(file)
        if warm_up is not None and _is_export(warm_up) is not self._journal:
            raise InputError("one of FILE and --warm-up is a journal's export, and the other is not")
        if not self._journal and (labels is not None or config_file is not None):
            raise InputError(
                "--labels and --config are for a journal's export: a CSV has its labels and its own meaning"
            )
        self._labels: dict[str, Label] = {} if labels is None else read_labels(labels)
        text = "{}" if config_file is None else _text(config_file, MAX_CONFIG_CHARACTERS)
        self._config = parse_rule_config(text) if self._journal else configuration()
        csv_before = warm_up is not None and not self._journal
        self._before = sum(1 for _ in read_labelled(Path(str(warm_up)))) if csv_before else 0

    def config(self, rules: tuple[Rule[Kind], ...] | None) -> RuleConfig:
        if rules is None:
            return self._config
        return self._config.only(*rules) if self._journal else configuration(rules)

    def warm_up(self) -> Iterator[Past]:
        first = iter(()) if self._warm_up is None else self._read(self._warm_up, 0)
        whole = self._read(self._file, self._before)
        return chain(first, (each for each in whole if each.step < self._from_step) if self._from_step else ())

    def scored(self) -> Iterator[Past]:
        return (each for each in self._read(self._file, self._before) if each.step >= self._from_step)

    def _read(self, place: str, before: int) -> Iterator[Past]:
        if self._journal:
            return past_of_journal(files_in(place), self._config, self._labels)
        return read_labelled(Path(place), before)


def _is_export(place: str) -> bool:
    return place.startswith("s3://") or Path(place).is_dir()


def _run(files: _Files, rules: Path | None, scorer: Scorer | None) -> Run:
    config = files.config(None if rules is None else _rules(rules))
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
        f"{result.transfers} transfers between accounts, {result.bad} of them known to be bad, {alerts_per_step} alerts a step at most"
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
