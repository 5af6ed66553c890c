"""What a rule saw, with the evidence for it.

A finding is a fact about a place in the journal. Its id follows from the rule and that place alone, so that the same evidence
met twice, in whatever batch and however often, is the same finding: writing it twice is writing it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from hashlib import sha256
from typing import Final

from counterfoil.detection.alert_terms import USUAL_TERMS, AlertTerms

# DynamoDB keys may have 2,048 bytes; a subject longer than this is represented by its hash.
MAX_SUBJECT: Final = 80

# A score says how sure and how grave at once; one that a rule does not give follows from its severity.
MAX_SCORE: Final = 100


class Severity(IntEnum):
    """How soon a person should look: at leisure, today, now, at once and with the lawyers."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Status(StrEnum):
    """``OPEN`` is what every finding begins as. What was missing is ``HEALED`` when it arrives, ``CONFIRMED`` when it did not in time.

    A status only moves on: OPEN to CONFIRMED to HEALED.
    """

    OPEN = "OPEN"
    CONFIRMED = "CONFIRMED"
    HEALED = "HEALED"

    @property
    def rank(self) -> int:
        return list(Status).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule saw.

    ``place`` is a block address (``<strand>#<sequence number>``) where there is one, else what the bytes came from; ``subject``
    tells apart what one rule sees at one place (a revision's hash, an account). ``reason`` is a sentence for a person,
    ``evidence`` maps names to text: hashes in hex, amounts as decimals, times as ISO 8601 in UTC. ``score`` is from 0 to 100.
    ``shadow`` marks what a rule saw that is only being tried: it is kept and never told, and nothing is done about it.
    ``actions`` are what the rule asks to be done (``detection.action``), ``alert`` says which other findings its alert is shared with.
    """

    rule_id: str
    severity: Severity
    place: str
    reason: str
    found_at: datetime
    subject: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    status: Status = Status.OPEN
    account_id: str | None = None
    document_id: str | None = None
    score: int | None = None
    shadow: bool = False
    actions: tuple[str, ...] = ()
    alert: AlertTerms = USUAL_TERMS

    @property
    def rank(self) -> tuple[int, int]:
        """What is worse has the greater rank: by severity, then by score."""
        return self.severity, self.severity * (MAX_SCORE // Severity.CRITICAL) if self.score is None else self.score

    @property
    def finding_id(self) -> str:
        subject = self.subject if len(self.subject) <= MAX_SUBJECT else sha256(self.subject.encode()).hexdigest()
        return f"{self.rule_id}@{self.place}" + (f":{subject}" if subject else "")
