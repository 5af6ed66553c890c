"""Where a stack's findings, alerts and cases are: its tables by name, or the stack whose outputs name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from counterfoil import wiring
from counterfoil.adapters.dynamodb.desk import DynamoDbAlertBook, DynamoDbDeskLog
from counterfoil.adapters.dynamodb.finding_queries import DynamoDbFindingQueries
from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
from counterfoil.adapters.dynamodb.rules import DynamoDbRules
from counterfoil.adapters.system import system_clock
from counterfoil.cli.stacks import outputs_of
from counterfoil.detection.finding import Finding
from counterfoil.errors import InputError, NotFoundError
from counterfoil.services.cases import Cases
from counterfoil.services.rules import RuleDesk
from counterfoil.services.suppressions import Suppressions

StackOption = Annotated[
    str,
    typer.Option(
        "--stack", envvar="COUNTERFOIL_STACK", metavar="NAME", help="The stack, whose outputs name its tables."
    ),
]
FindingsOption = Annotated[
    str, typer.Option("--findings-table", envvar="FINDINGS_TABLE", metavar="TABLE", help="The Findings table.")
]
CasesOption = Annotated[
    str, typer.Option("--cases-table", envvar="CASES_TABLE", metavar="TABLE", help="The Cases table.")
]
RulesOption = Annotated[
    str, typer.Option("--rules-table", envvar="RULES_TABLE", metavar="TABLE", help="The Rules table.")
]
AlertsOption = Annotated[
    str, typer.Option("--alerts-table", envvar="ALERTS_TABLE", metavar="TABLE", help="The Alerts table.")
]
AuthorOption = Annotated[
    str,
    typer.Option(
        envvar="COUNTERFOIL_AUTHOR", metavar="NAME", help="Who does this; it is on record.", show_default=False
    ),
]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is on record.", show_default=False)]

# What each table is called among a stack's outputs, and by which option.
_OUTPUTS = {
    "findings": ("FindingsTableName", "--findings-table"),
    "cases": ("CasesTableName", "--cases-table"),
    "alerts": ("AlertsTableName", "--alerts-table"),
    "rules": ("RulesTableName", "--rules-table"),
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command may ask for; a table that was not named is asked for when it is needed."""

    stack: str
    named: Mapping[str, str]

    @property
    def findings(self) -> DynamoDbFindings:
        return DynamoDbFindings(wiring.client("dynamodb"), self._table("findings"))

    @property
    def queries(self) -> DynamoDbFindingQueries:
        return DynamoDbFindingQueries(wiring.client("dynamodb"), self._table("findings"))

    @property
    def book(self) -> DynamoDbAlertBook:
        return DynamoDbAlertBook(wiring.client("dynamodb"), self._table("alerts"))

    @property
    def log(self) -> DynamoDbDeskLog:
        return DynamoDbDeskLog(wiring.client("dynamodb"), self._table("cases"))

    @property
    def rules(self) -> RuleDesk:
        return RuleDesk(DynamoDbRules(wiring.client("dynamodb"), self._table("rules")), self.findings, system_clock)

    @property
    def cases(self) -> Cases:
        return Cases(self.log, system_clock)

    @property
    def suppressions(self) -> Suppressions:
        return Suppressions(self.log)

    def finding(self, finding_id: str) -> Finding:
        found = self.findings.load(finding_id)
        if found is None:
            raise NotFoundError(f"there is no finding {finding_id[:200]}")
        return found

    def _table(self, kind: str) -> str:
        output, option = _OUTPUTS[kind]
        if self.named.get(kind):
            return self.named[kind]
        if not self.stack:
            raise InputError(f"which stack? Name it with --stack, or the table with {option}")
        return outputs_of(self.stack, {output})[output]


def desk(stack: str, *, findings: str = "", cases: str = "", alerts: str = "", rules: str = "") -> Desk:
    return Desk(stack, {"findings": findings, "cases": cases, "alerts": alerts, "rules": rules})


def now() -> datetime:
    return system_clock().astimezone(UTC)
