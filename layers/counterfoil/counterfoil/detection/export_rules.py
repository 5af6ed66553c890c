"""What is found wrong in an export beside its blocks, whose findings are the auditor's (audit_rules).

Meaning, likely causes and first steps of every rule stand in docs/runbook.md under the rule's id.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from counterfoil.detection import audit_rules
from counterfoil.detection.audit_rules import MAX_EVIDENCE, AuditRule
from counterfoil.detection.finding import Finding, Severity
from counterfoil.errors import BrokenLinkError, IntegrityError, RevisionMismatchError
from counterfoil.journal import BlockAddress


class ExportRule(StrEnum):
    MISSING_OBJECT = "export.missing-object"
    MISSING_BLOCKS = "export.missing-blocks"
    NAME_MISMATCH = "export.name-mismatch"
    UNREADABLE = "export.unreadable"
    DIGEST_MISMATCH = "export.digest-mismatch"
    PROOF_MISMATCH = "export.proof-mismatch"


_SEVERITIES: Final = {
    ExportRule.MISSING_OBJECT: Severity.HIGH,
    ExportRule.MISSING_BLOCKS: Severity.HIGH,
    ExportRule.NAME_MISMATCH: Severity.HIGH,
    ExportRule.UNREADABLE: Severity.HIGH,
    ExportRule.DIGEST_MISMATCH: Severity.CRITICAL,
    ExportRule.PROOF_MISMATCH: Severity.HIGH,
}


def found(rule: ExportRule, place: BlockAddress | str, reason: str, now: datetime, /, **evidence: str) -> Finding:
    """The finding of a rule, with its reason and evidence cut to a readable length."""
    kept = {name: value[:MAX_EVIDENCE] for name, value in evidence.items()}
    return Finding(rule, _SEVERITIES[rule], str(place), reason[:MAX_EVIDENCE], now, evidence=kept)


def not_holding(place: BlockAddress, error: IntegrityError, now: datetime, key: str) -> Finding:
    """What is found of a block of an object that does not hold: the auditor's finding, with the key and the field that differs."""
    rule, differs = AuditRule.CONTENTS_MISMATCH, error.evidence.get("part", "revisions")
    if isinstance(error, RevisionMismatchError):
        rule, differs = AuditRule.REVISION_MISMATCH, "revisions.hash"
    elif isinstance(error, BrokenLinkError):
        rule, differs = AuditRule.BROKEN_LINK, "previousBlockHash"
    return audit_rules.from_error(rule, place, error, now, object_key=key, field=differs)
