"""Which record-keeping and security controls a report is evidence for, by which part of it, and how that part is made again.

The table says what this product can show; whether a control is met is for the auditor to say, who knows the rest.

Source: 17 CFR 240.17a-4(f) and 240.18a-6(e) as amended in 2022, FINRA Rule 4511(c), 17 CFR 1.31(c)-(d), PCI DSS 4.0.1 requirements
10.2 to 10.7.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Control(NamedTuple):
    """``parts`` are members of the report; ``again`` is a command, or a query, that shows the same from the source."""

    control: str
    asks: str
    evidence: str
    parts: tuple[str, ...]
    again: str


_EXPORT: Final = "counterfoil export LEDGER --to DIR && counterfoil verify export DIR"
_SNAPSHOT: Final = "counterfoil verify snapshot FILE --key KEY"
_REPORT: Final = "counterfoil report LEDGER --from DAY --to DAY --out DIR"
_HISTORY: Final = "counterfoil shell LEDGER, then: SELECT * FROM history(TABLE) WHERE metadata.id = 'ID'"

CONTROLS: Final = (
    Control(
        "SEC 17a-4(f)(2)(i)(A)",
        "an audit trail that recreates an original if it is modified or deleted: all changes, their times and who made them",
        "every version of every document stays in the hash-chained journal; what was deleted or redacted is listed",
        ("scope", "integrity", "redactions"),
        _HISTORY,
    ),
    Control(
        "SEC 17a-4(f)(2)(i)(B)",
        "or records kept exclusively non-rewriteable and non-erasable",
        "digest snapshots under S3 Object Lock; the lock's mode and days are the stack's parameters",
        ("scope", "keys"),
        "aws s3api get-object-lock-configuration --bucket BUCKET",
    ),
    Control(
        "SEC 17a-4(f)(2)(ii)",
        "automatic verification that records are stored completely and accurately",
        "every block and revision is hashed again as it streams; checks run and failed",
        ("completeness", "integrity"),
        _EXPORT,
    ),
    Control(
        "SEC 17a-4(f)(3)(iii)",
        "an audit system for the input of records and of their changes, its results at hand",
        "findings, changes of rules, privileged statements and this report",
        ("findings", "rules", "privilegedActions"),
        _REPORT,
    ),
    Control(
        "SEC 18a-6(e)",
        "the same for security-based swap entities",
        "as for 17a-4(f)",
        ("scope", "completeness", "integrity"),
        _EXPORT,
    ),
    Control(
        "FINRA 4511(c)",
        "books and records in a format and on media that comply with 17a-4",
        "as for 17a-4(f); an export is readable without this product",
        ("scope", "verification"),
        _EXPORT,
    ),
    Control(
        "CFTC 1.31(c)-(d)",
        "regulatory records whose authenticity and reliability are kept, produced on request",
        "signed digests at both ends of the period, and proofs of single records against them",
        ("scope", "verification"),
        "counterfoil verify receipt FILE",
    ),
    Control(
        "PCI DSS 10.2.1, 10.2.2",
        "audit logs with user, event, time, success, origin and affected resource",
        "privileged statements with transaction and block; who called is in the ledger's access log and in CloudTrail",
        ("privilegedActions",),
        "aws logs start-query on the log group of ledger_api",
    ),
    Control(
        "PCI DSS 10.3.2, 10.3.4",
        "audit logs protected from modification; changes to them are noticed",
        "the hash chain, the auditor's own memory, and snapshots that extend one another",
        ("integrity", "scope"),
        _SNAPSHOT,
    ),
    Control(
        "PCI DSS 10.4.1.1",
        "audit log reviews are automated",
        "rules in force with their version and hash, and what each found",
        ("rules", "findings"),
        _REPORT,
    ),
    Control(
        "PCI DSS 10.4.3",
        "exceptions and anomalies found in reviews are addressed",
        "outcomes of cases, open findings by age, suppressions with author and end",
        ("outcomes", "findings", "suppressions"),
        _REPORT,
    ),
    Control(
        "PCI DSS 10.5.1",
        "twelve months of audit logs, three at hand",
        "the journal is kept whole; logs and snapshots as long as the stack's parameters say",
        ("scope",),
        "aws cloudformation describe-stacks --stack-name STACK",
    ),
    Control(
        "PCI DSS 10.6",
        "time synchronisation: correct and consistent time in all logs",
        "blocks whose time lies before that of the block they follow are findings (audit.clock-regression)",
        ("findings",),
        _EXPORT,
    ),
    Control(
        "PCI DSS 10.7.2, 10.7.3",
        "failures of critical security controls are detected and responded to",
        "gaps with when they were found and what became of them; alarms of every function",
        ("completeness", "findings"),
        _REPORT,
    ),
)
