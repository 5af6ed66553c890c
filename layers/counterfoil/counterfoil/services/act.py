"""Rule actions carried out: noted as asked for, done, and noted as done, each of the three once.

What is done is idempotent by the action's id: a document is inserted under it, a finding is in one case, a program that is told
twice can notice. So a crash between any two steps is followed by the same steps, and comes to the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from counterfoil.desk_ports import DeskLog, Entry, LedgerDoor
from counterfoil.detection.action import (
    FREEZES,
    PROPOSALS,
    ActionKind,
    RuleAction,
    Webhook,
    actions_of,
    compensation_document,
    freeze_document,
)
from counterfoil.detection.finding import Finding
from counterfoil.errors import ConflictError, InputError, UnavailableError
from counterfoil.ports import AlertChannel, Clock
from counterfoil.services.cases import Cases

TOPIC: Final = "action/"
# The listing of all actions: one entry each, put with the note that it was asked for.
LISTING: Final = "actions"

_ASKED: Final = "0-asked"
_OVER: Final = "1-over"


@dataclass(slots=True)
class ActReport:
    """Actions done, refused for good and met again, and the first finding that must be delivered again."""

    done: int = 0
    refused: int = 0
    repeated: int = 0
    failed_index: int | None = None
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ActionRunner:
    """Carries actions out. One that cannot be, for now, keeps no other from being carried out."""

    log: DeskLog
    cases: Cases
    ledgers: LedgerDoor
    bus: AlertChannel
    clock: Clock

    def carry_out(self, findings: Sequence[Finding]) -> ActReport:
        report = ActReport()
        for index, finding in enumerate(findings):
            for action in self._actions(finding, report):
                try:
                    self._carry_out(action, report)
                except UnavailableError as error:
                    report.failures.append(f"{action.kind} for {finding.finding_id}: {error}")
                    report.failed_index = index if report.failed_index is None else report.failed_index
        return report

    @staticmethod
    def _actions(finding: Finding, report: ActReport) -> Sequence[RuleAction]:
        try:
            return actions_of(finding)
        except InputError:
            report.refused += 1
            return ()

    def _carry_out(self, action: RuleAction, report: ActReport) -> None:
        topic = TOPIC + action.action_id
        noted = {each.name for each in self.log.entries(topic)}
        if _OVER in noted:
            report.repeated += 1
            return
        if _ASKED not in noted:
            self._note(Entry(topic, _ASKED, self._asked(action)), self._listed(action))
        try:
            result, done = self._do(action), True
        except InputError as error:
            result, done = str(error), False
        report.done += done
        report.refused += not done
        over = {"at": self.clock().isoformat(), "outcome": "done" if done else "refused", "result": result}
        self._note(Entry(topic, _OVER, json.dumps(over, ensure_ascii=False)))

    def _do(self, action: RuleAction) -> str:
        """What came of it, in a few words; ``InputError`` where it cannot be done now or later."""
        match action.kind:
            case ActionKind.OPEN_CASE:
                return f"case {self.cases.open(action.finding).case_id}"
            case ActionKind.FREEZE:
                return self._insert(action, FREEZES)
            case ActionKind.PROPOSE_COMPENSATION:
                return self._insert(action, PROPOSALS)
            case ActionKind.WEBHOOK:
                self.bus.send(Webhook(action))
                return "told"

    def _insert(self, action: RuleAction, table: str) -> str:
        document = freeze_document(action) if table == FREEZES else compensation_document(action)
        strand_id = action.finding.place.partition("#")[0]
        ledger = self.ledgers.ledger_of(strand_id)
        if ledger is None:
            raise InputError(
                f"strand {strand_id[:80]} is no active ledger of this stack, so nothing can be written there"
            )
        transaction_id = self.ledgers.insert(ledger, table, document, action.action_id)
        return f"a document of {table} in {ledger}, transaction {transaction_id}"

    def _note(self, *entries: Entry) -> None:
        try:
            self.log.append(entries)
        except ConflictError:
            return  # somebody else noted the same

    def _asked(self, action: RuleAction) -> str:
        finding = action.finding
        asked = {
            "at": self.clock().isoformat(),
            "action": action.kind,
            "finding_id": finding.finding_id,
            "rule_id": finding.rule_id,
            "rule_version": finding.evidence.get("rule_version", ""),
            "account_id": finding.account_id,
        }
        return json.dumps(asked, ensure_ascii=False)

    @staticmethod
    def _listed(action: RuleAction) -> Entry:
        finding = action.finding
        return Entry(LISTING, f"{finding.found_at.isoformat()}/{action.action_id}", action.action_id)
