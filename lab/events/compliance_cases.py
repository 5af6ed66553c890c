"""What the rules of AWS Config are asked, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any, Final

from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.compliance import Check, Verdict
from counterfoil.ion import IonTimestamp
from counterfoil.journal import BlockSummaryRecord, parse_stream_record
from counterfoil.journal.publication import StreamedBlock
from lab.events.auditor_cases import journal
from lab.events.case import HANDLED_AT, Case, Step
from lab.events.lambda_shapes import ACCOUNT, REGION
from lab.expectation import Expected

COMPLIANCE: Final = "ledger_compliance"
_DAYS: Final = "365"


def compliance_cases() -> Iterator[Case]:
    made = journal()
    strand, aggregated = made.strand_id, Step("journal_auditor__aggregated.json")
    recent = {"check": str(Check.VERIFIED_RECENTLY), "maximumMinutes": "527040"}
    strict = {"check": str(Check.VERIFIED_RECENTLY), "maximumMinutes": "1"}
    gaps = {"check": str(Check.NO_OPEN_GAP), "graceMinutes": "1"}
    locked = {"check": str(Check.DIGESTS_LOCKED), "minimumDays": _DAYS, "mode": "COMPLIANCE"}
    whole = Verdict.COMPLIANT, "looked at 1 strands"
    yield _case("no_ledger", "nothing to verify is no failure", recent, (Verdict.NOT_APPLICABLE, "there is no ledger"))
    yield _case("verified", "a strand that was verified", recent, whole, [aggregated])
    stale = f"strand {strand}: nothing tells of blocks behind 0, from {_time_of(made.blocks[0])}"
    yield _case(
        "stale",
        "a head that is older than allowed, and no journal",
        strict,
        (Verdict.NON_COMPLIANT, stale),
        [aggregated],
    )
    yield _case("no_gap", "a strand without gaps", gaps, whole, [aggregated])
    missing = f"strand {strand}: blocks 4 to 5 are missing since {HANDLED_AT.isoformat()}"
    gap = [Step("journal_auditor__gap.json", 61), Step("journal_auditor__gap_opened.json")]
    found = [Expected(AuditRule.GAP, made.at(6), "the auditor's finding")]
    yield _case("gap", "blocks that have been missing for too long", gaps, (Verdict.NON_COMPLIANT, missing), gap, found)
    unlocked = Verdict.NON_COMPLIANT, "the bucket has no Object Lock"
    yield _case("not_locked", "a bucket without Object Lock", locked, unlocked)


def _case(
    name: str,
    about: str,
    parameters: dict[str, str],
    comes_to: tuple[Verdict, str],
    after: Sequence[Step] = (),
    findings: Sequence[Expected] = (),
) -> Case:
    answer = {"verdict": str(comes_to[0]), "annotation": comes_to[1]}
    return Case(COMPLIANCE, name, about, config_event(parameters), answer, findings, after=after)


def _time_of(block: StreamedBlock) -> IonTimestamp:
    record = parse_stream_record(block.summary.data)
    if not isinstance(record, BlockSummaryRecord):
        raise TypeError(f"not a block's summary: {record!r}")
    return record.block.timestamp


def config_event(parameters: dict[str, str]) -> dict[str, Any]:
    """A scheduled call of a custom rule.

    Source: AWS Config Developer Guide, "Example Event for Evaluations Triggered by Periodic Frequency".
    """
    invoking = {
        "awsAccountId": ACCOUNT,
        "notificationCreationTime": HANDLED_AT.astimezone(UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "messageType": "ScheduledNotification",
        "recordVersion": "1.0",
    }
    return {
        "invokingEvent": json.dumps(invoking),
        "ruleParameters": json.dumps(parameters),
        "resultToken": "myResultToken",
        "eventLeftScope": False,
        "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/config-role",
        "configRuleArn": f"arn:aws:config:{REGION}:{ACCOUNT}:config-rule/config-rule-0123456",
        "configRuleName": "periodic-config-rule",
        "configRuleId": "config-rule-6543210",
        "accountId": ACCOUNT,
        "version": "1.0",
    }
