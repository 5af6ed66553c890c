"""From evidence to the report's document: JSON alone, of which every other format is a view.

Times and figures are texts, counts whole numbers, and a share is a text of three decimals, so that no float is rounded twice.
Lists are in an order that follows from their contents. The schema is ``report.schema.json`` beside this file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from counterfoil.detection.audit_rules import FAILURES, INTEGRITY_RULES, AuditRule
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.report_evidence import (
    CaseRecord,
    Evidence,
    MissingBlocks,
    RuleChange,
    RuleInForce,
    StrandEnd,
    StrandEvidence,
)
from counterfoil.detection.suppression import Suppression
from counterfoil.services.report.controls import CONTROLS
from counterfoil.services.report.how_to_verify import STEPS

SCHEMA: Final = "counterfoil audit report 1"

_AGES: Final = ((1, "under 1 day"), (7, "1 to 7 days"), (30, "7 to 30 days"), (None, "over 30 days"))
_PRIVILEGED: Final = frozenset({AuditRule.PRIVILEGED_STATEMENT, AuditRule.TABLE_DROPPED, AuditRule.DOCUMENT_DELETED})
# What cannot be trusted, or is not there, as long as it stays open.
_BROKEN: Final = FAILURES | {AuditRule.SNAPSHOT_NOT_EXTENDING}

Json = dict[str, Any]


def compile_report(evidence: Evidence) -> Json:
    """The whole report as JSON values."""
    found = sorted(evidence.findings, key=lambda each: (each.found_at, each.finding_id))
    told = [each for each in found if not each.shadow]
    in_period = [each for each in told if evidence.begin <= each.found_at < evidence.end]
    return {
        "schema": SCHEMA,
        "period": {"from": _time(evidence.begin), "to": _time(evidence.end)},
        "source": evidence.source,
        "productVersion": evidence.product_version,
        "holds": _holds(evidence.strands, told),
        "scope": {"strands": [_strand(each) for each in _strands(evidence)]},
        "completeness": _completeness(evidence, in_period),
        "integrity": _integrity(evidence, in_period),
        "rules": {
            "inForce": [_rule(each) for each in sorted(evidence.rules, key=lambda each: each.rule_id)],
            "changes": [_change(each) for each in sorted(evidence.changes, key=lambda each: (each.at, each.rule_id))],
        },
        "findings": _findings(in_period, told, evidence.end),
        "shadowFindings": sum(evidence.begin <= each.found_at < evidence.end for each in found if each.shadow),
        "outcomes": _outcomes(evidence.cases, {each.finding_id: each for each in found}),
        "suppressions": [_suppression(each, evidence.end) for each in evidence.suppressions],
        "privilegedActions": _entries(in_period, _PRIVILEGED),
        "redactions": _entries(in_period, {AuditRule.REDACTION}),
        "keys": [
            {"strandId": each.strand_id, "keyId": key_id, "firstSeen": _time(at)}
            for each in _strands(evidence)
            for at, key_id in each.keys
        ],
        "series": _series(evidence, in_period),
        "controls": [each._asdict() | {"parts": list(each.parts)} for each in CONTROLS],
        "verification": list(STEPS),
        "absent": dict(sorted(evidence.absent.items())),
    }


def _holds(strands: Sequence[StrandEvidence], findings: Iterable[Finding]) -> bool:
    """Whether every block of the scope is there and verified, whatever fraud was found in it."""
    whole = all(not each.missing and each.diverged_at is None for each in strands)
    return whole and not any(each.rule_id in _BROKEN and each.status is not Status.HEALED for each in findings)


def _strands(evidence: Evidence) -> list[StrandEvidence]:
    return sorted(evidence.strands, key=lambda each: each.strand_id)


def _strand(strand: StrandEvidence) -> Json:
    first = strand.begin if strand.blocks else None
    return {
        "strandId": strand.strand_id,
        "ledger": strand.ledger,
        "firstBlock": first,
        "lastBlock": None if first is None or strand.after is None else strand.after.sequence_no,
        "digestBefore": _end(strand.before),
        "digestAfter": _end(strand.after),
    }


def _end(end: StrandEnd | None) -> Json | None:
    if end is None:
        return None
    return {
        "sequenceNo": end.sequence_no,
        "digest": None if end.digest is None else end.digest.to_base64(),
        "blockTimestamp": end.block_timestamp,
        "snapshot": end.snapshot,
        "keyId": end.key_id,
        "signature": end.signature,
    }


def _completeness(evidence: Evidence, findings: Sequence[Finding]) -> Json:
    gaps = [each for each in findings if each.rule_id == AuditRule.GAP]
    return {
        "strands": [
            {
                "strandId": each.strand_id,
                "blocksVerified": each.blocks,
                "blocksExpected": each.blocks + sum(_count(hole) for hole in each.missing),
                "missing": [
                    {"first": hole.first, "last": hole.last, "state": hole.state, "since": _time(hole.since)}
                    for hole in each.missing
                ],
                "awaitedRevisions": each.awaited_revisions,
                "earlyRevisions": each.early_revisions,
                "divergedAt": each.diverged_at,
            }
            for each in _strands(evidence)
        ],
        "gaps": _by_status(gaps),
        "duplicates": _total(evidence, "Duplicates"),
        "maxLagMs": _greatest(evidence, "WatermarkLagMs"),
        "maxOpenGaps": _greatest(evidence, "OpenGaps"),
    }


def _count(hole: MissingBlocks) -> int:
    return hole.last - hole.first + 1


def _integrity(evidence: Evidence, findings: Sequence[Finding]) -> Json:
    blocks = sum(each.blocks for each in evidence.strands)
    failures = [each for each in findings if each.rule_id in _BROKEN]
    return {
        "blocksVerified": blocks,
        "checksPerBlock": ["contents against entriesHash", "entriesHash against blockHash", "link to the block before"],
        "checksFailed": sum(each.rule_id in INTEGRITY_RULES for each in failures),
        "failures": [_finding(each) for each in failures],
    }


def _findings(in_period: Sequence[Finding], all_of_them: Sequence[Finding], end: datetime) -> Json:
    still_open = [each for each in all_of_them if each.status is not Status.HEALED]
    return {
        "count": len(in_period),
        "bySeverity": {each.name: sum(one.severity is each for one in in_period) for each in reversed(Severity)},
        "byStatus": _by_status(in_period),
        "byRule": [
            {"ruleId": rule_id, "count": len(of_rule), **_by_status(of_rule)}
            for rule_id, of_rule in _grouped(in_period).items()
        ],
        "openByAge": {name: sum(_age(each, end) == name for each in still_open) for _, name in _AGES},
        "list": [_finding(each) for each in in_period],
    }


def _by_status(findings: Sequence[Finding]) -> dict[str, int]:
    return {str(status).lower(): sum(each.status is status for each in findings) for status in Status}


def _grouped(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for each in findings:
        groups.setdefault(str(each.rule_id), []).append(each)
    return dict(sorted(groups.items()))


def _age(finding: Finding, end: datetime) -> str:
    age = end - finding.found_at
    return next(name for days, name in _AGES if days is None or age < timedelta(days=days))


def _finding(finding: Finding) -> Json:
    return {
        "findingId": finding.finding_id,
        "ruleId": str(finding.rule_id),
        "severity": finding.severity.name,
        "score": finding.rank[1],
        "status": str(finding.status),
        "place": finding.place,
        "foundAt": _time(finding.found_at),
        "accountId": finding.account_id,
        "documentId": finding.document_id,
        "reason": finding.reason,
        "evidence": dict(sorted(finding.evidence.items())),
    }


def _entries(findings: Iterable[Finding], rules: frozenset[AuditRule] | set[AuditRule]) -> list[Json]:
    return [_finding(each) for each in findings if each.rule_id in rules]


def _rule(rule: RuleInForce) -> Json:
    return {
        "ruleId": rule.rule_id,
        "version": rule.version,
        "hash": rule.hash,
        "title": rule.title,
        "severity": rule.severity,
        "status": rule.status,
        "owner": rule.owner,
    }


def _change(change: RuleChange) -> Json:
    return {
        "at": _time(change.at),
        "ruleId": change.rule_id,
        "version": change.version,
        "what": change.what,
        "author": change.author,
        "reviewer": change.reviewer,
        "reason": change.reason,
    }


def _outcomes(cases: Sequence[CaseRecord], findings: Mapping[str, Finding]) -> Json:
    """Precision counts decided findings only: right ones of right and wrong ones. Undecided ones say nothing yet."""
    right: Counter[str] = Counter()
    decided: Counter[str] = Counter()
    for case in cases:
        if case.confirmed is not None:
            for rule_id in (str(findings[each].rule_id) for each in case.finding_ids if each in findings):
                decided[rule_id] += 1
                right[rule_id] += case.confirmed
    return {
        "cases": [_case(each) for each in sorted(cases, key=lambda each: (each.opened_at, each.case_id))],
        "precision": [
            {
                "ruleId": rule_id,
                "decided": count,
                "confirmed": right[rule_id],
                "precision": _share(right[rule_id], count),
            }
            for rule_id, count in sorted(decided.items())
        ],
    }


def _case(case: CaseRecord) -> Json:
    return {
        "caseId": case.case_id,
        "findingIds": sorted(case.finding_ids),
        "openedAt": _time(case.opened_at),
        "status": case.status,
        "confirmed": case.confirmed,
        "decidedBy": case.decided_by,
        "decidedAt": None if case.decided_at is None else _time(case.decided_at),
    }


def _suppression(suppression: Suppression, end: datetime) -> Json:
    return {
        "suppressionId": suppression.suppression_id,
        "ruleId": suppression.rule_id,
        "accountId": suppression.account_id,
        "author": suppression.author,
        "reason": suppression.reason,
        "createdAt": _time(suppression.created_at),
        "expiresAt": _time(suppression.expires_at),
        "liftedAt": None if suppression.lifted_at is None else _time(suppression.lifted_at),
        "inForceAtEnd": suppression.is_in_force(end),
    }


def _series(evidence: Evidence, findings: Sequence[Finding]) -> Json:
    per_day = Counter(each.found_at.astimezone(UTC).date() for each in findings)
    return {
        "findingsPerDay": [{"at": str(day), "value": str(per_day[day])} for day in _days(evidence.begin, evidence.end)],
        "lagMs": _points(evidence.series.get("WatermarkLagMs", ())),
        "verifiedBlocks": [
            {"strandId": each.strand_id, "points": _points(each.watermark)} for each in _strands(evidence)
        ],
    }


def _days(begin: datetime, end: datetime) -> list[date]:
    first, last = begin.astimezone(UTC).date(), (end - timedelta(microseconds=1)).astimezone(UTC).date()
    return [first + timedelta(days=ago) for ago in range((last - first).days + 1)]


def _points(points: Iterable[tuple[datetime, float]]) -> list[dict[str, str]]:
    return [{"at": _time(at), "value": _number(value)} for at, value in points]


def _total(evidence: Evidence, name: str) -> str | None:
    points = evidence.series.get(name)
    return None if points is None else _number(sum(value for _, value in points))


def _greatest(evidence: Evidence, name: str) -> str | None:
    points = evidence.series.get(name)
    return None if not points else _number(max(value for _, value in points))


def _number(value: float) -> str:
    """Plain text, a whole number without a point."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _share(part: int, whole: int) -> str:
    return str((Decimal(part) / whole).quantize(Decimal("0.001")))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
