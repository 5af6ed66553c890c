"""What an audit report is made of: plain values, gathered from wherever a ledger is, before anything is judged or drawn.

The same evidence is the same report, byte for byte; nothing in a report comes from a clock, a locale or chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from counterfoil.detection.finding import Finding
from counterfoil.detection.suppression import Suppression
from counterfoil.merkle import Hash


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """A rule as it judged at the period's end. ``hash`` is of its document; code has the product's version."""

    rule_id: str
    version: str
    hash: str | None
    title: str
    severity: str
    status: str
    owner: str


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One change of a rule: who asked for it, who else agreed, and why."""

    at: datetime
    rule_id: str
    version: str
    what: str
    author: str
    reviewer: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case at the period's end. ``confirmed`` says what people found out: fraud, no fraud, or nothing yet (``None``)."""

    case_id: str
    finding_ids: tuple[str, ...]
    opened_at: datetime
    status: str
    confirmed: bool | None
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class StrandEnd:
    """How far a strand was verified at one end of the period: up to block ``sequence_no`` (included).

    ``snapshot`` and ``key_id`` name the signed digest snapshot that says so; where there is none, the report's own signature does.
    """

    sequence_no: int
    digest: Hash | None
    block_timestamp: str
    snapshot: str | None = None
    key_id: str | None = None
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class MissingBlocks:
    """Blocks ``first`` to ``last`` that the auditor has not seen, although it has seen later ones, since ``since``."""

    first: int
    last: int
    state: str
    since: datetime


@dataclass(frozen=True, slots=True)
class StrandEvidence:
    """A strand over the period. ``before`` is its end before the period (``None``: it began in it), ``after`` at its end.

    ``first_block`` is the first that was verified: 0, a trust anchor's, or where a stream began.
    """

    strand_id: str
    ledger: str | None
    before: StrandEnd | None
    after: StrandEnd | None
    missing: Sequence[MissingBlocks] = ()
    diverged_at: int | None = None
    awaited_revisions: int = 0
    early_revisions: int = 0
    # Times and ends of the verified range, in order: (when, blocks verified).
    watermark: Sequence[tuple[datetime, int]] = ()
    # When each signing key was first seen on a snapshot of the period.
    keys: Sequence[tuple[datetime, str]] = ()
    first_block: int = 0

    @property
    def blocks(self) -> int:
        """Blocks that were added to the verified range in the period."""
        if self.after is None:
            return 0
        return max(0, self.after.sequence_no + 1 - self.begin)

    @property
    def begin(self) -> int:
        """The first block that was verified in the period, or would have been."""
        return self.first_block if self.before is None else self.before.sequence_no + 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything of one period, ``begin`` (included) to ``end`` (excluded).

    ``findings`` are all that were found before ``end``, the older ones because they may still be open. ``series`` maps the name of a
    figure to its course. ``absent`` maps the part of a report that could not be filled to why: nothing is passed over in silence.
    """

    begin: datetime
    end: datetime
    source: str
    product_version: str
    strands: Sequence[StrandEvidence]
    findings: Sequence[Finding]
    rules: Sequence[RuleInForce] = ()
    changes: Sequence[RuleChange] = ()
    cases: Sequence[CaseRecord] = ()
    suppressions: Sequence[Suppression] = ()
    series: Mapping[str, Sequence[tuple[datetime, float]]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
