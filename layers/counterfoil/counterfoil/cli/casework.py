"""Cases on the command line: look at one, take it up, note something, close it; and what came of a rule's cases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from counterfoil.cli.desk import AuthorOption, CasesOption, FindingsOption, StackOption, desk
from counterfoil.cli.output import JsonOption, out, print_json, printable
from counterfoil.detection.case import Case, CaseStatus, parse_outcome
from counterfoil.detection.case import precision as precision_of
from counterfoil.errors import InputError
from counterfoil.services.cases import RULE_AUTHOR

WhichArgument = Annotated[
    str, typer.Argument(metavar="CASE", help="The case, or a finding that is in it or opens one.", show_default=False)
]
NoteOption = Annotated[str, typer.Option(metavar="TEXT", help="What is to be noted.")]


def case(  # noqa: PLR0913 - one parameter for each option
    which: Annotated[str, typer.Argument(metavar="[CASE]", help="The case, or a finding; without it, all cases.")] = "",
    *,
    assign: Annotated[str, typer.Option(metavar="NAME", help="Who investigates it from now on.")] = "",
    note: NoteOption = "",
    author: AuthorOption = "",
    status: Annotated[CaseStatus | None, typer.Option(help="Only cases of this status.")] = None,
    stack: StackOption = "",
    cases_table: CasesOption = "",
    findings_table: FindingsOption = "",
    json: JsonOption = False,
) -> None:
    """Show a case with its log, or list cases; a finding without a case opens one. Every step is appended, none undone."""
    at = desk(stack, findings=findings_table, cases=cases_table)
    if not which:
        if assign or note:
            raise InputError("which case? Name it, or a finding that is in it")
        _show([each for each in at.cases.all() if status in {None, each.status}], as_json=json)
        return
    one = at.cases.open(at.finding(which), author or RULE_AUTHOR) if is_finding(which) else at.cases.case(which)
    if assign:
        one = at.cases.take(one.case_id, assign, author)
    if note:
        one = at.cases.note(one.case_id, note, author)
    _show([one], as_json=json, whole=True)


def resolve(  # noqa: PLR0913 - one parameter for each option
    which: WhichArgument,
    *,
    outcome: Annotated[
        str, typer.Option(metavar="OUTCOME", help="confirmed, valuable or false_positive.", show_default=False)
    ],
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is on record.", show_default=False)],
    author: AuthorOption,
    stack: StackOption = "",
    cases_table: CasesOption = "",
    findings_table: FindingsOption = "",
    json: JsonOption = False,
) -> None:
    """Close a case with its outcome, for good. What is found on the account later opens the next one."""
    asked = parse_outcome(outcome)
    at = desk(stack, findings=findings_table, cases=cases_table)
    case_id = at.cases.open(at.finding(which), author).case_id if is_finding(which) else which
    _show([at.cases.close(case_id, asked, note, author)], as_json=json, whole=True)


def precision(*, stack: StackOption = "", cases_table: CasesOption = "", json: JsonOption = False) -> None:
    """How often each rule was right, by the outcomes of closed cases; the least precise first."""
    rules = precision_of(desk(stack, cases=cases_table).cases.all())
    if json:
        made = [
            {
                "ruleId": each.rule_id,
                "closed": each.closed,
                "confirmed": each.confirmed,
                "valuable": each.valuable,
                "falsePositive": each.false_positive,
                "confirmedPercent": each.confirmed_percent,
                "usefulPercent": each.useful_percent,
            }
            for each in rules
        ]
        print_json({"holds": True, "rules": made})
        return
    table = Table("rule", "closed", "confirmed", "valuable", "false positive", "confirmed %", "useful %")
    for each in rules:
        cells = (each.rule_id, each.closed, *each[1:4], each.confirmed_percent, each.useful_percent)
        table.add_row(*(Text(printable(str(cell))) for cell in cells))
    out.print(table if table.row_count else "no case was closed yet")


def is_finding(name: str) -> bool:
    """Whether a name is a finding's and not a case's: ``<rule>@<strand>#<number>``, where cases are ``<account>/<number>``."""
    return re.match(r"[a-z0-9-]+(\.[a-z0-9-]+)+@[^#/]*#", name) is not None


def _show(cases: Iterable[Case], *, as_json: bool, whole: bool = False) -> None:
    if as_json:
        print_json({"holds": True, "cases": [_case_json(each) for each in cases]})
        return
    table = Table("case", "status", "outcome", "with", "findings", "rules")
    logs: list[str] = []
    for each in cases:
        cells = (each.case_id, each.status, each.outcome or "", each.assignee or "", str(len(each.finding_ids)))
        table.add_row(*(Text(printable(cell)) for cell in (*cells, ", ".join(sorted(each.rule_ids)))))
        logs += [
            f"{step.at.isoformat()}  {step.author}  {step.step} {step.about} {step.note}".rstrip()
            for step in each.entries
        ]
    out.print(table if table.row_count else "there is no case")
    for line in logs if whole else ():
        out.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def _case_json(one: Case) -> dict[str, Any]:
    return {
        "caseId": one.case_id,
        "subject": one.subject,
        "status": str(one.status),
        "outcome": None if one.outcome is None else str(one.outcome),
        "assignee": one.assignee,
        "findingIds": list(one.finding_ids),
        "ruleIds": sorted(one.rule_ids),
        "log": [
            {
                "step": str(each.step),
                "at": each.at.isoformat(),
                "author": each.author,
                "about": each.about,
                "note": each.note or None,
            }
            for each in one.entries
        ],
    }
