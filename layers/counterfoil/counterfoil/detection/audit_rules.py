"""The audit rules: what is found in a journal, how severe it is, and the sentence a person reads.

Each function makes the finding of one rule; what happened is decided in ``strand_audit`` and ``services/audit``. The
meaning, likely causes and first steps of every rule stand in docs/runbook.md under the rule's id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.errors import InputError, IntegrityError
from counterfoil.ion import IonTimestamp, IonValue, text_of
from counterfoil.journal import Block, BlockAddress, ControlRecord

# Characters of a reason or of one piece of evidence. Whoever writes the stream chooses how long a name in it is, and DynamoDB's
# items have 400 KB.
MAX_EVIDENCE: Final = 1_000


class AuditRule(StrEnum):
    REVISION_MISMATCH = "audit.revision-mismatch"
    CONTENTS_MISMATCH = "audit.contents-mismatch"
    BROKEN_LINK = "audit.broken-link"
    FORK = "audit.fork"
    GAP = "audit.gap"
    ORPHAN_REVISION = "audit.orphan-revision"
    MISSING_REVISION = "audit.missing-revision"
    UNREADABLE_RECORD = "audit.unreadable-record"
    REDACTION = "audit.redaction"
    TABLE_DROPPED = "audit.table-dropped"
    DOCUMENT_DELETED = "audit.document-deleted"
    CLOCK_REGRESSION = "audit.clock-regression"
    PRIVILEGED_STATEMENT = "audit.privileged-statement"
    STREAM_CONTROL = "audit.stream-control"
    SNAPSHOT_NOT_EXTENDING = "audit.snapshot-not-extending"
    HEADS_DISAGREE = "audit.heads-disagree"
    RULE_OVERRIDE = "audit.rule-override"


SEVERITIES: Final = {
    AuditRule.REVISION_MISMATCH: Severity.CRITICAL,
    AuditRule.CONTENTS_MISMATCH: Severity.CRITICAL,
    AuditRule.BROKEN_LINK: Severity.CRITICAL,
    AuditRule.FORK: Severity.CRITICAL,
    AuditRule.GAP: Severity.HIGH,
    AuditRule.ORPHAN_REVISION: Severity.HIGH,
    AuditRule.MISSING_REVISION: Severity.HIGH,
    AuditRule.UNREADABLE_RECORD: Severity.HIGH,
    AuditRule.REDACTION: Severity.MEDIUM,
    AuditRule.TABLE_DROPPED: Severity.MEDIUM,
    AuditRule.DOCUMENT_DELETED: Severity.LOW,
    AuditRule.CLOCK_REGRESSION: Severity.MEDIUM,
    AuditRule.PRIVILEGED_STATEMENT: Severity.LOW,
    AuditRule.STREAM_CONTROL: Severity.INFO,
    AuditRule.SNAPSHOT_NOT_EXTENDING: Severity.CRITICAL,
    AuditRule.HEADS_DISAGREE: Severity.CRITICAL,
    AuditRule.RULE_OVERRIDE: Severity.HIGH,
}

# What makes an offline check fail: something does not hold, is missing, or cannot be read. The other rules report what was
# done openly.
FAILURES: Final = frozenset(
    {
        AuditRule.REVISION_MISMATCH,
        AuditRule.CONTENTS_MISMATCH,
        AuditRule.BROKEN_LINK,
        AuditRule.FORK,
        AuditRule.GAP,
        AuditRule.ORPHAN_REVISION,
        AuditRule.MISSING_REVISION,
        AuditRule.UNREADABLE_RECORD,
    }
)

# What the auditor counts as a failed hash: the metric HashFailures and its alarm.
INTEGRITY_RULES: Final = frozenset(
    {AuditRule.REVISION_MISMATCH, AuditRule.CONTENTS_MISMATCH, AuditRule.BROKEN_LINK, AuditRule.FORK}
)

# By these names a finding's evidence has the record that was kept of its block, and of the block before it.
QUARANTINED: Final = ("quarantined", "quarantined_before")

# The longest name of a stream that stands in a finding's id; an id, as a key of DynamoDB, has at most 2,048 bytes.
MAX_PLACE: Final = 512

_BLANK: Final = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z_]+")
_PRIVILEGED_WORDS: Final = frozenset({"CREATE", "DROP", "UNDROP", "EXEC"})


def found(
    rule: AuditRule,
    place: BlockAddress | str,
    reason: str,
    now: datetime,
    *,
    subject: str = "",
    status: Status = Status.OPEN,
    document_id: str | None = None,
    **evidence: str,
) -> Finding:
    """The finding of a rule, with its reason and evidence cut to a readable length."""
    return Finding(
        rule,
        SEVERITIES[rule],
        str(place),
        reason[:MAX_EVIDENCE],
        now,
        subject,
        _cut(evidence),
        status,
        document_id=document_id,
    )


def from_evidence(
    rule: AuditRule, place: BlockAddress, reason: str, now: datetime, subject: str, evidence: Mapping[str, str]
) -> Finding:
    """The finding of a rule whose evidence is named by what was compared."""
    return Finding(rule, SEVERITIES[rule], str(place), reason[:MAX_EVIDENCE], now, subject, _cut(evidence))


def from_error(
    rule: AuditRule,
    place: BlockAddress,
    error: IntegrityError,
    now: datetime,
    *,
    subject: str = "",
    document_id: str | None = None,
    **evidence: str,
) -> Finding:
    """The finding that an integrity error is."""
    kept = _cut({**error.evidence, **evidence})
    reason = str(error)[:MAX_EVIDENCE]
    return Finding(rule, SEVERITIES[rule], str(place), reason, now, subject, kept, document_id=document_id)


def _cut(evidence: Mapping[str, str]) -> dict[str, str]:
    return {name: value[:MAX_EVIDENCE] for name, value in evidence.items()}


def gap(place: BlockAddress, first: int, last: int, now: datetime, status: Status) -> Finding:
    """Blocks ``first`` to ``last`` have not come although the block behind them has; ``HEALED``: they were the last to come."""
    what = f"block {first} has" if first == last else f"blocks {first} to {last} have"
    late = status is Status.HEALED
    return found(
        AuditRule.GAP,
        place,
        f"what was missing before block {place} arrived late"
        if late
        else f"{what} not arrived, although block {place} has",
        now,
        status=status,
        first_missing=str(first),
        last_missing=str(last),
        count=str(last - first + 1),
    )


def missing_revision(place: BlockAddress, short_hash: bytes, now: datetime, status: Status) -> Finding:
    return found(
        AuditRule.MISSING_REVISION,
        place,
        f"block {place} lists a revision with hash {short_hash.hex()}…, which {_has_not(status)} arrived",
        now,
        subject=short_hash.hex(),
        status=status,
        revision_hash_prefix=short_hash.hex(),
    )


def orphan_revision(
    place: BlockAddress,
    revision_hash: bytes,
    document_id: str,
    now: datetime,
    *,
    block_seen: bool,
    status: Status = Status.OPEN,
) -> Finding:
    why = "which does not list it" if block_seen else f"which {_has_not(status)} arrived"
    return found(
        AuditRule.ORPHAN_REVISION,
        place,
        f"a revision of document {document_id} says it belongs to block {place}, {why}",
        now,
        subject=revision_hash.hex(),
        status=status,
        document_id=document_id,
        revision_hash=revision_hash.hex(),
    )


def _has_not(status: Status) -> str:
    return "had long not" if status is Status.HEALED else "has not"


def document_deleted(place: BlockAddress, revision_hash: bytes, document_id: str, now: datetime) -> Finding:
    return found(
        AuditRule.DOCUMENT_DELETED,
        place,
        f"block {place} deletes document {document_id}",
        now,
        subject=document_id,
        document_id=document_id,
        revision_hash=revision_hash.hex(),
    )


def clock_regression(place: BlockAddress, before: IonTimestamp, after: IonTimestamp, now: datetime) -> Finding:
    return found(
        AuditRule.CLOCK_REGRESSION,
        place,
        f"block {place} was committed at {after}, before the block it follows ({before})",
        now,
        previous_timestamp=str(before),
        timestamp=str(after),
    )


def stream_control(record: ControlRecord, now: datetime) -> Finding:
    return found(
        AuditRule.STREAM_CONTROL,
        _place_of(record.stream_arn),
        f"the journal stream {record.stream_arn} says it was {record.control_type}",
        now,
        subject=record.control_type,
        control_type=record.control_type,
        stream_arn=record.stream_arn,
    )


def rule_override(rule_id: str, version: int, by: str, reason: str, revision: int, now: datetime) -> Finding:
    """A version of a rule became active without a second person; ``revision`` is that of the rules' log."""
    return found(
        AuditRule.RULE_OVERRIDE,
        f"rules-{revision}",
        f"{by} made version {version} of {rule_id} active without a second person: {reason}",
        now,
        subject=f"{rule_id}-{version}",
        rule_id=rule_id,
        rule_version=str(version),
        by=by,
        why=reason,
        revision=str(revision),
    )


def _place_of(stream_arn: str) -> str:
    """The name of a stream, if it is a place that can be part of a key; else its hash is."""
    if 0 < len(stream_arn) <= MAX_PLACE and stream_arn.isascii() and stream_arn.isprintable():
        return stream_arn
    return f"stream-{sha256(stream_arn.encode()).hexdigest()}"


def judge_block(block: Block, now: datetime) -> Iterator[Finding]:
    """What a verified block says by itself: redactions, dropped tables, privileged statements."""
    if block.redaction_info is not None:
        yield found(
            AuditRule.REDACTION,
            block.address,
            f"block {block.address} redacts data of earlier revisions",
            now,
            redaction_info=_text(block.redaction_info),
            transaction_id=block.transaction_id,
        )
    for index, statement in enumerate(block.statements):
        rule = classify_statement(statement)
        if rule is not None:
            yield found(
                rule,
                block.address,
                f"transaction {block.transaction_id} executed {statement[:200]}",
                now,
                subject=str(index),
                statement=statement,
                transaction_id=block.transaction_id,
            )


def _text(value: IonValue) -> str:
    """Ion text for evidence; of what cannot be written as text, the bytes."""
    try:
        return text_of(value)
    except InputError:
        return value.raw().hex()


def classify_statement(statement: str) -> AuditRule | None:
    """The rule that a statement's first words meet; comments and blank space in front and between do not hide them."""
    first, rest = _next_word(statement)
    if first not in _PRIVILEGED_WORDS:
        return None
    second, _ = _next_word(rest)
    return AuditRule.TABLE_DROPPED if (first, second) == ("DROP", "TABLE") else AuditRule.PRIVILEGED_STATEMENT


def _next_word(text: str) -> tuple[str, str]:
    blank = _BLANK.match(text)
    start = blank.end() if blank else 0
    word = _WORD.match(text, start)
    return ("", "") if word is None else (word[0].upper(), text[word.end() :])
