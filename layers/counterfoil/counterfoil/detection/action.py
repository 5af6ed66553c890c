"""What follows from a finding: a closed list of actions, each carried out once for what set it off, and what they write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from counterfoil.detection.finding import Finding
from counterfoil.errors import InputError

# Tables of the ledger that actions write documents to.
FREEZES: Final = "AccountFreezes"
PROPOSALS: Final = "ProposedCompensations"

# What programs subscribe to on the bus.
ACTION: Final = "RuleAction"

_MOVED: Final = ("transaction_id", "from_account", "to_account", "amount", "currency")


class ActionKind(StrEnum):
    OPEN_CASE = "open_case"
    FREEZE = "freeze"
    PROPOSE_COMPENSATION = "propose_compensation"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class RuleAction:
    """One action that a finding's rule asks for."""

    kind: ActionKind
    finding: Finding

    @property
    def action_id(self) -> str:
        """Follows from the rule and its version, the revision that set it off, the account, and the kind: the same is done once.

        One revision may set a rule off for several accounts, of which each is to be frozen.
        """
        finding = self.finding
        version = finding.evidence.get("rule_version", "")
        trigger = finding.evidence.get("revision_hash") or finding.finding_id
        known = [finding.rule_id, version, trigger, finding.account_id, self.kind]
        return sha256(json.dumps(known).encode()).hexdigest()[:32]


def actions_of(finding: Finding) -> list[RuleAction]:
    """What is to be done about a finding, cases first; nothing about one of a rule that is only tried."""
    if finding.shadow:
        return []
    unknown = set(finding.actions) - set(ActionKind)
    if unknown:
        raise InputError(f"finding {finding.finding_id} asks for {min(unknown)!r}, which is no action")
    return [RuleAction(kind, finding) for kind in ActionKind if kind in finding.actions]


def freeze_document(action: RuleAction) -> dict[str, Any]:
    """The freeze of a finding's account, the same however often it is made; ``InputError`` where there is no account."""
    if action.finding.account_id is None:
        raise InputError("the finding names no account that could be frozen")
    return {"accountId": action.finding.account_id, "frozen": True, **_origin(action)}


def compensation_document(action: RuleAction) -> dict[str, Any]:
    """The transfer that would take a finding's transfer back, as a proposal: a person decides, and nothing here moves money."""
    evidence = action.finding.evidence
    missing = [name for name in _MOVED if not evidence.get(name)]
    if missing:
        raise InputError(f"the finding's evidence has no {missing[0]}: there is no one transfer to take back")
    return {
        "status": "PROPOSED",
        "compensates": evidence["transaction_id"],
        "fromAccountId": evidence["to_account"],
        "toAccountId": evidence["from_account"],
        "amount": evidence["amount"],
        "currency": evidence["currency"],
        **_origin(action),
    }


def _origin(action: RuleAction) -> dict[str, Any]:
    finding = action.finding
    return {
        "actionId": action.action_id,
        "findingId": finding.finding_id,
        "ruleId": finding.rule_id,
        "ruleVersion": finding.evidence.get("rule_version", ""),
        "reason": finding.reason,
        "foundAt": finding.found_at.isoformat(),
        "by": "counterfoil",
    }


@dataclass(frozen=True, slots=True)
class Webhook:
    """An action as a message for programs: the whole finding, and the action's id for deduplication."""

    action: RuleAction

    @property
    def alert_id(self) -> str:
        return self.action.action_id

    @property
    def kind(self) -> str:
        return ACTION

    @property
    def subject(self) -> str:
        return f"{self.action.kind} for {self.action.finding.rule_id}"

    @property
    def text(self) -> str:
        return self.action.finding.reason

    @property
    def attributes(self) -> dict[str, str]:
        return {"rule_id": self.action.finding.rule_id, "severity": self.action.finding.severity.name}

    @property
    def detail(self) -> dict[str, Any]:
        finding = self.action.finding
        evidence: Mapping[str, str] = finding.evidence
        return {
            **_origin(self.action),
            "severity": finding.severity.name,
            "score": finding.rank[1],
            "place": finding.place,
            "accountId": finding.account_id,
            "documentId": finding.document_id,
            "evidence": dict(evidence),
        }
