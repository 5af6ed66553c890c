"""A finding as the members of a JSON object, and back, exactly.

Source: docs/format.md, section "Evidence bundles".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from counterfoil.detection.alert_terms import USUAL_TERMS, AlertTerms, parse_alert_terms
from counterfoil.detection.evidence.json_values import list_of, members, number_of, text_of
from counterfoil.detection.finding import MAX_SCORE, Finding, Severity, Status
from counterfoil.errors import InputError, LimitError

_NAMES: Final = (
    "findingId", "ruleId", "severity", "status", "place", "subject", "reason", "foundAt", "documentId", "accountId",
    "score", "shadow", "actions", "evidence",
)  # fmt: skip

# A list in evidence has at most 50 ids of 128 bytes, escaped; a rule has at most so many values.
MAX_TEXT: Final = 65_536
MAX_EVIDENCE: Final = 200
MAX_ACTIONS: Final = 20


def finding_fields(finding: Finding) -> dict[str, Any]:
    """The members; ``foundAt`` in UTC, ``alert`` only where its terms are not as usual."""
    return {
        "findingId": finding.finding_id,
        "ruleId": str(finding.rule_id),
        "severity": finding.severity.name,
        "status": str(finding.status),
        "place": finding.place,
        "subject": finding.subject,
        "reason": finding.reason,
        "foundAt": finding.found_at.astimezone(UTC).isoformat(),
        "documentId": finding.document_id,
        "accountId": finding.account_id,
        "score": finding.score,
        "shadow": finding.shadow,
        "actions": list(finding.actions),
        "evidence": dict(finding.evidence),
        **({} if finding.alert.usual else {"alert": finding.alert.render()}),
    }


def parse_finding_fields(value: object) -> Finding:
    """Read a finding whose id follows from its rule, place and subject; anything else is an ``InputError``."""
    has_terms = isinstance(value, Mapping) and "alert" in value
    fields = members(value, "the finding", (*_NAMES, "alert") if has_terms else _NAMES)
    severity, status = text_of(fields["severity"], "severity"), text_of(fields["status"], "status")
    if severity not in Severity.__members__ or status not in set(Status):
        raise InputError("the finding has a severity or status that is not known")
    if type(fields["shadow"]) is not bool:
        raise InputError("shadow is neither true nor false")
    score = None if fields["score"] is None else number_of(fields["score"], "score")
    if score is not None and score > MAX_SCORE:
        raise InputError(f"a score of {score}; {MAX_SCORE} is the highest")
    finding = Finding(
        _text(fields, "ruleId"),
        Severity[severity],
        _text(fields, "place"),
        _text(fields, "reason"),
        _time(_text(fields, "foundAt")),
        _text(fields, "subject"),
        _evidence(fields["evidence"]),
        Status(status),
        _text_or_none(fields, "accountId"),
        _text_or_none(fields, "documentId"),
        score,
        fields["shadow"],
        tuple(_bounded(each, "actions") for each in list_of(fields["actions"], "actions", MAX_ACTIONS)),
        _terms(fields["alert"]) if has_terms else USUAL_TERMS,
    )
    if fields["findingId"] != finding.finding_id:
        raise InputError(
            f"the finding says its id is {str(fields['findingId'])[:200]!r}, but it is {finding.finding_id}"
        )
    return finding


def _evidence(value: object) -> dict[str, str]:
    named = members(value, "evidence", (), others=True)
    if len(named) > MAX_EVIDENCE:
        raise LimitError(f"evidence has {len(named)} parts; at most {MAX_EVIDENCE} are read")
    return {_bounded(name, "evidence"): _bounded(each, f"evidence {name[:80]}") for name, each in named.items()}


def _terms(value: object) -> AlertTerms:
    """Terms as they are written: each in one way only, and none that are as usual."""
    terms = parse_alert_terms(value, "alert")
    if terms.usual or terms.render() != value:
        raise InputError("alert is not written as the terms of an alert are")
    return terms


def _text(fields: Mapping[str, Any], name: str) -> str:
    return _bounded(fields[name], name)


def _text_or_none(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields[name] is None else _text(fields, name)


def _bounded(value: object, what: str) -> str:
    text = text_of(value, what)
    if len(text) > MAX_TEXT:
        raise LimitError(f"{what} has {len(text)} characters; at most {MAX_TEXT} are read")
    return text


def _time(text: str) -> datetime:
    """ISO 8601 in UTC, as ``finding_fields`` writes it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"foundAt {text[:80]!r} is no time") from None
    if moment.utcoffset() != timedelta(0) or moment.replace(tzinfo=UTC).isoformat() != text:
        raise InputError(f"foundAt {text[:80]!r} is no time in UTC")
    return moment.replace(tzinfo=UTC)
