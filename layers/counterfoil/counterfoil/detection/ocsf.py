"""Findings as OCSF Detection Findings (class 2004 of version 1.6.0), one JSON object each.

``time`` is when the finding was made; what it covers (``start_time`` and ``end_time``) is the instant of the block where the
evidence says it. Times are milliseconds since 1970.

Source: OCSF 1.6.0, class ``detection_finding``; tests check every object against that version's own schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.security_finding import (
    RUNBOOK,
    Home,
    description_of,
    is_about_the_journal,
    security_id,
    subjects_of,
    title_of,
)

VERSION: Final = "1.6.0"
CLASS_UID: Final = 2004
CATEGORY_UID: Final = 2

CREATE, UPDATE, CLOSE = 1, 2, 3
_ACTIVITY_NAMES: Final = {CREATE: "Create", UPDATE: "Update", CLOSE: "Close"}

_SEVERITIES: Final = {
    Severity.INFO: (1, "Informational"),
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
# What became of the finding itself; whether a person has looked at it is a case's affair.
_ACTIVITIES: Final = {Status.OPEN: CREATE, Status.CONFIRMED: UPDATE, Status.HEALED: CLOSE}
_NEW, _SUPPRESSED, _RESOLVED = (1, "New"), (3, "Suppressed"), (4, "Resolved")
# Upper bounds of the risk levels Info, Low, Medium, High, Critical in terms of the score.
_RISK_LEVELS: Final = ((20, 0, "Info"), (40, 1, "Low"), (60, 2, "Medium"), (80, 3, "High"), (100, 4, "Critical"))


def render_ocsf(finding: Finding, home: Home | None = None, version: str = "") -> dict[str, Any]:
    """One finding. ``home`` is unknown where a ledger is on no AWS account; ``version`` is the product's."""
    severity_id, severity = _SEVERITIES[finding.severity]
    status_id, status = _status_of(finding)
    activity = _ACTIVITIES[finding.status]
    score = finding.rank[1]
    level_id, level = next((number, name) for limit, number, name in _RISK_LEVELS if score <= limit)
    event: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": _ACTIVITY_NAMES[activity],
        "category_uid": CATEGORY_UID,
        "category_name": "Findings",
        "class_uid": CLASS_UID,
        "class_name": "Detection Finding",
        "type_uid": CLASS_UID * 100 + activity,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "status_detail": str(finding.status),
        "time": _milliseconds(finding.found_at),
        "is_alert": finding.severity >= Severity.MEDIUM and not finding.shadow,
        "risk_score": score,
        "risk_level_id": level_id,
        "risk_level": level,
        "message": description_of(finding),
        "finding_info": _info(finding),
        "evidences": [_evidence(finding)],
        "resources": [{"type": kind, "uid": name, "name": name} for kind, name in subjects_of(finding).items()],
        "remediation": {"desc": f"{RUNBOOK}, {finding.rule_id}"},
        "metadata": {
            "version": VERSION,
            "product": {
                "name": "counterfoil",
                "vendor_name": "counterfoil",
                **({"version": version} if version else {}),
            },
            "uid": f"{security_id(finding)}/{finding.status}",
        },
    }
    if home is not None:
        cloud = {"provider": "AWS", "region": home.region, "account": {"uid": home.account, "type_id": 10}}
        event["cloud"] = cloud
        event["metadata"] |= {"profiles": ["cloud"]}
    if (at := _block_time(finding)) is not None:
        event |= {"start_time": at, "end_time": at}
    return event


def render_ocsf_line(finding: Finding, home: Home | None = None, version: str = "") -> bytes:
    """The same as one line of JSON, its keys in order: the same finding is the same bytes."""
    return json.dumps(render_ocsf(finding, home, version), sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _info(finding: Finding) -> dict[str, Any]:
    return {
        "uid": security_id(finding),
        "title": title_of(finding),
        "desc": description_of(finding),
        "created_time": _milliseconds(finding.found_at),
        "types": ["Ledger integrity" if is_about_the_journal(finding) else "Fraud"],
        "analytic": {"uid": str(finding.rule_id), "name": str(finding.rule_id), "type_id": 1, "type": "Rule"},
    }


def _evidence(finding: Finding) -> dict[str, Any]:
    """``data`` takes any JSON: the finding's evidence as it is, with what it was found by."""
    return {"data": {**dict(finding.evidence), "place": finding.place, "subject": finding.subject}}


def _status_of(finding: Finding) -> tuple[int, str]:
    if finding.status is Status.HEALED:
        return _RESOLVED
    return _SUPPRESSED if finding.shadow else _NEW


def _block_time(finding: Finding) -> int | None:
    for name in ("block_timestamp", "timestamp"):
        moment = _moment(finding.evidence, name)
        if moment is not None:
            return _milliseconds(moment)
    return None


def _moment(evidence: Mapping[str, str], name: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(evidence.get(name, ""))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
