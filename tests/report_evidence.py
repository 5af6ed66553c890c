"""Evidence of one made-up month, with something in every part of a report."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

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
from counterfoil.detection.suppression import suppress
from counterfoil.merkle import Hash

BEGIN, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
STRAND = "JdxjkR9bSYB5jMHWcI464T"


def found(rule_id, days_before_end, severity=Severity.HIGH, **more):
    number = more.pop("number", int(days_before_end))
    return Finding(
        rule_id, severity, f"{STRAND}#{number}", "it was seen", END - timedelta(days=days_before_end), **more
    )


FINDINGS = (
    found("audit.gap", 40),
    found("audit.gap", 20, status=Status.HEALED),
    found("audit.broken-link", 3, Severity.CRITICAL, evidence={"expected": "aa", "computed": "bb"}),
    found("audit.redaction", 5, Severity.MEDIUM),
    found("audit.privileged-statement", 6, Severity.LOW, evidence={"statement": "=CREATE TABLE \u4e2d <b>"}),
    found("fraud.structuring", 0.5, number=90, account_id="ACC-1"),
    found("fraud.structuring", 9, account_id="ACC-2"),
    found("fraud.velocity-sum", 8, shadow=True),
)
STRANDS = (
    StrandEvidence(
        STRAND,
        "bank",
        StrandEnd(9, Hash(b"\1" * 32), "2026-02-28T23:59:00Z", "snapshots/before.json", "key-1", "00ff"),
        StrandEnd(99, Hash(b"\2" * 32), "2026-03-31T23:00:00Z", "snapshots/after.json", "key-2", "ff00"),
        [MissingBlocks(100, 104, "OPEN", END - timedelta(hours=1))],
        watermark=[(BEGIN, 10), (END - timedelta(days=1), 100)],
        keys=[(BEGIN, "key-1"), (END - timedelta(days=2), "key-2")],
    ),
)
CASES = tuple(
    CaseRecord(f"ACC-{number}/1", (finding.finding_id,), finding.found_at, "CLOSED", confirmed, "ann", END)
    for number, (finding, confirmed) in enumerate([(FINDINGS[5], True), (FINDINGS[6], False)], 1)
)


def evidence(**changes):
    made = Evidence(
        BEGIN,
        END,
        "stack test",
        "1.2.3",
        STRANDS,
        FINDINGS,
        [RuleInForce("fraud.structuring", "2", "cc" * 32, "Structuring", "HIGH", "active", "fraud-team")],
        [RuleChange(BEGIN, "fraud.structuring", "2", "approved", "ann", "bob", "the limit moved")],
        CASES,
        [suppress("fraud.structuring", None, "ann", "holidays", END - timedelta(days=2), timedelta(days=3))],
        {"WatermarkLagMs": [(BEGIN, 1200.0), (BEGIN + timedelta(hours=1), 3400.5)], "Duplicates": [(BEGIN, 2.0)]},
        {"keys": "policies are elsewhere"},
    )
    return replace(made, **changes)
