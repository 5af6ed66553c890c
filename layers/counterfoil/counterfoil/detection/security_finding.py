"""What the two formats of security findings share: whose findings they are, their titles, and what is about an account or a document.

A title names the rule and the place, a description is the finding's reason. Neither is longer than the stricter of the two
formats takes (AWS Security Hub, ``AwsSecurityFinding``: 256 and 1,024 characters).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from counterfoil.detection.finding import Finding
from counterfoil.errors import InputError

MAX_TITLE: Final = 256
MAX_DESCRIPTION: Final = 1_024
MAX_ID: Final = 512

RUNBOOK: Final = "docs/runbook.md"

_ACCOUNT: Final = re.compile(r"\d{12}")
_NAME: Final = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Home:
    """The AWS account and region that the findings are of. ``partition`` is ``aws``, ``aws-cn`` or another."""

    account: str
    region: str
    partition: str = "aws"

    def __post_init__(self) -> None:
        if not _ACCOUNT.fullmatch(self.account):
            raise InputError(f"{self.account[:40]!r} is no AWS account id: twelve digits")
        if not _NAME.fullmatch(self.region) or not _NAME.fullmatch(self.partition):
            raise InputError(f"{self.partition[:40]!r}, {self.region[:40]!r} are no partition and region of AWS")


def security_id(finding: Finding) -> str:
    """The finding's own id, of which a longer one than ``MAX_ID`` characters is represented by its hash."""
    own = finding.finding_id
    return own if len(own) <= MAX_ID else f"{finding.rule_id}@{sha256(own.encode()).hexdigest()}"[-MAX_ID:]


def title_of(finding: Finding) -> str:
    return f"{finding.rule_id} at {finding.place}"[:MAX_TITLE]


def description_of(finding: Finding) -> str:
    """The reason; where a rule gave none, the title, since neither format takes an empty description."""
    return (finding.reason or title_of(finding))[:MAX_DESCRIPTION]


def subjects_of(finding: Finding) -> dict[str, str]:
    """What the finding is about, by kind: its place in the journal, and the account and document where it names them."""
    about = {"place": finding.place, "account": finding.account_id, "document": finding.document_id}
    return {kind: name for kind, name in about.items() if name}


def is_about_the_journal(finding: Finding) -> bool:
    """Whether it says something of the evidence itself, not of what people did with their money."""
    return finding.rule_id.startswith(("audit.", "export."))


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC to the millisecond, as Security Hub writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
