"""``findings``: what was found, with its evidence; what people were told of it, and what they chose not to be told."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import islice
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from counterfoil.cli import casework, freezing
from counterfoil.cli.answers import show_members
from counterfoil.cli.desk import (
    AlertsOption,
    AuthorOption,
    CasesOption,
    FindingsOption,
    ReasonOption,
    StackOption,
    desk,
    now,
)
from counterfoil.cli.output import JsonOption, finding_json, out, print_json, printable, show_findings
from counterfoil.detection.alert import Alert
from counterfoil.detection.alert_digest import Digest
from counterfoil.detection.alert_key import key_of, shown_key
from counterfoil.detection.evidence.claim import claim_of
from counterfoil.detection.finding import Finding, Status
from counterfoil.detection.suppression import Suppression
from counterfoil.detection.suppression import suppress as make_suppression
from counterfoil.errors import InputError

app: Final = typer.Typer(help="What was found: look at it, judge it, choose what to be told.", no_args_is_help=True)

FindingArgument = Annotated[str, typer.Argument(metavar="FINDING", help="The finding's id.", show_default=False)]

_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400}


@app.command("list")
def list_findings(
    *,
    status: Annotated[Status, typer.Option(help="Only findings of this status.")] = Status.OPEN,
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="Only findings about this account.")] = "",
    rule: Annotated[str, typer.Option(metavar="RULE", help="Only findings of this rule.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    stack: StackOption = "",
    findings_table: FindingsOption = "",
    json: JsonOption = False,
) -> None:
    """List findings, the worst first; an account's, the newest first."""
    queries = desk(stack, findings=findings_table).queries
    found: Iterable[Finding] = queries.of_account(account) if account else queries.with_status(status)
    kept = list(islice((each for each in found if each.status is status and rule in {"", each.rule_id}), limit))
    if json:
        print_json({"holds": True, "findings": [_finding_json(each) for each in kept]})
    elif kept:
        show_findings(kept)
        out.print(
            f"counterfoil findings show FINDING shows one: {printable(kept[0].finding_id)}",
            markup=False,
            soft_wrap=True,
        )
    else:
        out.print("nothing was found")


@app.command()
def show(
    finding_id: FindingArgument,
    *,
    stack: StackOption = "",
    findings_table: FindingsOption = "",
    cases_table: CasesOption = "",
    alerts_table: AlertsOption = "",
    json: JsonOption = False,
) -> None:
    """Show a finding whole: its evidence, what people were told, its case, and the commands that verify it."""
    at = desk(stack, findings=findings_table, cases=cases_table, alerts=alerts_table)
    finding = at.finding(finding_id)
    decision = at.book.decision(Alert(finding).alert_id)
    group = None if decision is None else at.book.group(decision.group_id)
    key = key_of(finding)
    until = None if group is None or key is None else group.ends_at
    case = at.cases.of_finding(finding)
    answer = {
        **_finding_json(finding),
        "foundAt": finding.found_at.isoformat(),
        "subject": finding.subject,
        "told": None if decision is None else str(decision.outcome),
        "alertId": None if decision is None else decision.group_id,
        "alertKey": shown_key(key),
        "alertUntil": None if until is None else until.isoformat(),
        "alertFindings": None if group is None else group.count,
        "suppressedBy": None if decision is None else decision.suppressed_by or None,
        "caseId": None if case is None else case.case_id,
        "verify": verify_commands(finding),
    }
    if json:
        print_json({"holds": True, "finding": answer})
        return
    out.print(printable(Alert(finding).text), markup=False, highlight=False, soft_wrap=True)
    shown = ("score", "shadow", "told", "alertId", "alertKey", "alertUntil", "alertFindings", "suppressedBy", "caseId")
    show_members({name: answer[name] for name in shown if answer[name] not in {None, False}})
    for command in answer["verify"]:
        out.print(f"$ {command}", markup=False, highlight=False, soft_wrap=True)


def verify_commands(finding: Finding) -> list[str]:
    """What anybody can run to hold the finding against the journal: fetch its evidence once, then verify it offline."""
    return [*_evidence_commands(finding), *_receipt_commands(finding)]


def _evidence_commands(finding: Finding) -> list[str]:
    """None where nothing in a ledger proves the finding."""
    try:
        claim_of(finding)
    except InputError:
        return []
    bundle = f"counterfoil evidence {shlex.quote(finding.finding_id)} --stack STACK --out evidence.json"
    return [bundle, "counterfoil verify evidence evidence.json --key KEY"]


def _receipt_commands(finding: Finding) -> list[str]:
    if not re.fullmatch(r"[0-9A-Za-z]{22}#\d+", finding.place):
        return ["counterfoil verify export DIR"]
    fetch = f"counterfoil findings receipt LEDGER {shlex.quote(finding.place)}"
    document = "" if finding.document_id is None else f" --document {shlex.quote(finding.document_id)}"
    return [f"{fetch}{document} --to receipt.json", "counterfoil verify receipt receipt.json"]


@app.command()
def alerts(
    *,
    day: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The day, in UTC; today if none is named.")] = "",
    stack: StackOption = "",
    alerts_table: AlertsOption = "",
    json: JsonOption = False,
) -> None:
    """Show what became of a day's findings: told, joined to an alert, held back by the budget, suppressed."""
    try:
        asked = date.fromisoformat(day) if day else now().date()
    except ValueError:
        raise InputError(f"{day[:40]!r} is no day: YYYY-MM-DD") from None
    digest = Digest(desk(stack, alerts=alerts_table).book.day(asked))
    if json:
        print_json({"holds": True, **digest.detail})
    else:
        out.print(printable(digest.text), markup=False, highlight=False, soft_wrap=True)


@app.command()
def suppress(  # noqa: PLR0913 - one parameter for each option
    *,
    author: AuthorOption,
    reason: ReasonOption,
    length: Annotated[str, typer.Option("--for", metavar="LENGTH", help="How long: 30m, 12h, 7d; at most 90d.")],
    rule: Annotated[str, typer.Option(metavar="RULE", help="Of this rule only.")] = "",
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="Of this account only.")] = "",
    stack: StackOption = "",
    cases_table: CasesOption = "",
    json: JsonOption = False,
) -> None:
    """Tell nobody what a rule sees, or what is seen of an account, for a while. Findings are kept, and counted in the digest."""
    made = make_suppression(rule or None, account or None, author, reason, now(), parse_length(length))
    desk(stack, cases=cases_table).suppressions.add(made)
    _show_suppressions([made], as_json=json)


@app.command()
def suppressions(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    stack: StackOption = "",
    cases_table: CasesOption = "",
    json: JsonOption = False,
) -> None:
    """List the suppressions in force."""
    kept = desk(stack, cases=cases_table).suppressions
    _show_suppressions(kept.all() if everything else kept.in_force(now()), as_json=json)


@app.command()
def unsuppress(
    suppression_id: Annotated[str, typer.Argument(metavar="SUPPRESSION", help="Its id.", show_default=False)],
    *,
    author: AuthorOption,
    reason: ReasonOption,
    stack: StackOption = "",
    cases_table: CasesOption = "",
    json: JsonOption = False,
) -> None:
    """End a suppression before its time."""
    kept = desk(stack, cases=cases_table).suppressions
    kept.lift(suppression_id, author, reason, now())
    _show_suppressions([each for each in kept.all() if each.suppression_id == suppression_id], as_json=json)


def parse_length(text: str) -> timedelta:
    """``30m``, ``12h`` or ``7d``; anything else is an ``InputError``."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (number.isascii() and number.isdecimal()) or len(number) > 6:
        raise InputError(f"{text[:40]!r} is no length of time: 30m, 12h or 7d")
    return timedelta(seconds=int(number) * _UNITS[unit])


def _finding_json(finding: Finding) -> dict[str, Any]:
    more = {"score": finding.rank[1], "shadow": finding.shadow, "actions": list(finding.actions)}
    return {**finding_json(finding), **more}


def _show_suppressions(kept: Iterable[Suppression], *, as_json: bool) -> None:
    if as_json:
        print_json({"holds": True, "suppressions": [_suppression_json(each) for each in kept]})
        return
    table = Table("suppression", "rule", "account", "until", "by", "why")
    for each in kept:
        until = each.expires_at if each.lifted_at is None else each.lifted_at
        cells = (
            each.suppression_id,
            each.rule_id or "",
            each.account_id or "",
            until.isoformat(),
            each.author,
            each.reason,
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    out.print(table if table.row_count else "no suppression is in force")


def _suppression_json(each: Suppression) -> dict[str, Any]:
    return {
        "suppressionId": each.suppression_id,
        "ruleId": each.rule_id,
        "accountId": each.account_id,
        "author": each.author,
        "reason": each.reason,
        "createdAt": each.created_at.isoformat(),
        "expiresAt": each.expires_at.isoformat(),
        "liftedAt": None if each.lifted_at is None else each.lifted_at.isoformat(),
    }


app.command()(casework.case)
app.command()(casework.resolve)
app.command()(casework.precision)
app.command()(freezing.receipt)
app.command()(freezing.freeze)
app.command()(freezing.unfreeze)
