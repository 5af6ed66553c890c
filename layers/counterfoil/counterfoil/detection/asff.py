"""Findings in the AWS Security Finding Format, for ``BatchImportFindings``.

Severity, types and criticality stand in ``FindingProviderFields`` alone, from the first time on: that is where a provider may change
them later; the fields of the same names at the top belong to the customer once a finding is there. A finding never sets ``Note``,
``UserDefinedFields``, ``VerificationState`` or ``Workflow``, which Security Hub takes from customers only.

Source: AWS Security Hub User Guide, "Required top-level ASFF attributes", "FindingProviderFields" and "BatchImportFindings";
limits: API Reference, ``AwsSecurityFinding``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.security_finding import (
    MAX_ID,
    RUNBOOK,
    Home,
    description_of,
    is_about_the_journal,
    security_id,
    subjects_of,
    title_of,
    utc_text,
)

SCHEMA_VERSION: Final = "2018-10-08"
MAX_FINDING_BYTES: Final = 240_000
MAX_FINDINGS_PER_CALL: Final = 100
# Pairs of ProductFields, of which some are the finding's own, and the characters of one pair.
MAX_EVIDENCE: Final = 40
MAX_NAME: Final = 100
MAX_VALUE: Final = 2_048

LABELS: Final = {
    Severity.INFO: "INFORMATIONAL",
    Severity.LOW: "LOW",
    Severity.MEDIUM: "MEDIUM",
    Severity.HIGH: "HIGH",
    Severity.CRITICAL: "CRITICAL",
}


def render_asff(finding: Finding, home: Home, updated_at: datetime) -> dict[str, Any]:
    """One finding. ``updated_at`` must be later each time: Security Hub changes nothing by a finding that is not newer.

    What was missing and has arrived is ``ARCHIVED``: it needs nobody any more.
    """
    rendered = {
        "SchemaVersion": SCHEMA_VERSION,
        "Id": security_id(finding),
        "ProductArn": f"arn:{home.partition}:securityhub:{home.region}:{home.account}:product/{home.account}/default",
        "ProductName": "counterfoil",
        "GeneratorId": str(finding.rule_id)[:MAX_ID],
        "AwsAccountId": home.account,
        "Region": home.region,
        "CreatedAt": utc_text(finding.found_at),
        "UpdatedAt": utc_text(max(updated_at, finding.found_at)),
        "Title": title_of(finding),
        "Description": description_of(finding),
        "FindingProviderFields": {
            "Severity": {"Label": LABELS[finding.severity], "Original": finding.severity.name},
            "Types": [_type_of(finding)],
            "Criticality": finding.rank[1],
        },
        "Resources": [_resource(kind, name, home) for kind, name in subjects_of(finding).items()],
        "Remediation": {"Recommendation": {"Text": f"What to do: {RUNBOOK}, {finding.rule_id}"[:512]}},
        "ProductFields": {"counterfoil/status": str(finding.status), **_evidence(finding)},
        "RecordState": "ARCHIVED" if finding.status is Status.HEALED else "ACTIVE",
    }
    return _within_limit(rendered)


def batches(rendered: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """As many findings as one call takes at a time."""
    batch: list[dict[str, Any]] = []
    for each in rendered:
        batch.append(each)
        if len(batch) == MAX_FINDINGS_PER_CALL:
            yield batch
            batch = []
    if batch:
        yield batch


def _type_of(finding: Finding) -> str:
    """Namespace, category and classifier, of which the first two are from AWS's list."""
    return f"Unusual Behaviors/{'Data' if is_about_the_journal(finding) else 'User'}/{finding.rule_id}"


def _resource(kind: str, name: str, home: Home) -> dict[str, Any]:
    """Nothing of a ledger has an ARN: a resource's id is its kind and its own name."""
    return {
        "Type": "Other",
        "Id": f"counterfoil:{kind}:{name}"[:MAX_ID],
        "Partition": home.partition,
        "Region": home.region,
        "Details": {"Other": {kind: name[:1_024]}},
    }


def _evidence(finding: Finding) -> dict[str, str]:
    first = list(finding.evidence.items())[:MAX_EVIDENCE]
    return {f"counterfoil/evidence/{name}"[:MAX_NAME]: value[:MAX_VALUE] or "-" for name, value in first}


def _within_limit(rendered: dict[str, Any]) -> dict[str, Any]:
    """Leave evidence out, the last first, until the finding is small enough. All of it is in the Findings table."""
    fields: dict[str, str] = rendered["ProductFields"]
    while size_bytes(rendered) > MAX_FINDING_BYTES:
        fields.popitem()
    return rendered


def size_bytes(rendered: dict[str, Any]) -> int:
    """As the request has it: JSON, every character but ASCII escaped."""
    return len(json.dumps(rendered))
