"""Which findings people are told about, decided once for each and written down before anybody is told.

Findings of one rule that agree in their key, in one window, are one alert (``alert_terms``; one account and the stack's window
where the rule says nothing of it): the first is told and the others join it. A day has a budget
of alerts, a share of it for each severity, so that what is worse still finds room late in the day; what is held back is
counted and told in the day's digest. Everything here is a value: the decision, the alert that a finding belongs to, and the
day's tally. They follow from the finding, from what was decided before and from the time of the decision alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

from counterfoil.detection.alert import Alert
from counterfoil.detection.alert_key import AlertKey, is_integrity, key_of, shown_key
from counterfoil.detection.alert_terms import AlertPart
from counterfoil.detection.finding import Finding, Severity
from counterfoil.detection.suppression import Suppression

# An alert lists the first of its findings; their number is always given.
MAX_LISTED: Final = 50
# A digest names the worst of what was held back; their number is always given.
MAX_HELD_NAMED: Final = 20

# Windows are counted from here: those that divide a day begin anew at each midnight, those of several days at some.
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Of a day's budget, how much is open to a severity. What is CRITICAL needs none.
SHARES: Final = {Severity.INFO: 25, Severity.LOW: 50, Severity.MEDIUM: 75, Severity.HIGH: 100, Severity.CRITICAL: 100}


class Outcome(StrEnum):
    """What becomes of a finding's news: told, or why not."""

    TOLD = "TOLD"
    JOINED = "JOINED"
    HELD = "HELD"
    SUPPRESSED = "SUPPRESSED"


@dataclass(frozen=True, slots=True)
class TellingPolicy:
    """``window_seconds`` divides a day, and is for rules without a window of their own.

    ``per_day`` bounds the alerts told in a day (UTC), 0 for no bound.
    """

    minimum_severity: Severity
    window_seconds: int = 3600
    per_day: int = 200

    def tells(self, finding: Finding) -> bool:
        """Whether people may be told of it at all: not of what a rule saw that is only tried, nor of what is below the minimum."""
        return not finding.shadow and finding.severity >= self.minimum_severity

    def room_for(self, severity: Severity) -> int | None:
        """How many alerts may have been told today for one of this severity to be told; ``None`` for any number."""
        return self.per_day * SHARES[severity] // 100 if self.per_day else None


class Decision(NamedTuple):
    """What was decided about a finding in one status; ``suppressed_by`` names the suppression. ``group_id`` is its alert's."""

    news_id: str
    outcome: Outcome
    decided_at: datetime
    group_id: str
    suppressed_by: str = ""


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """One alert: findings of one rule that agree in ``key`` (in words), in one window, which is over at ``ends_at``.

    ``account_id`` is the account of all its findings, if they have one. ``told`` is the news that people were told of, ``held`` the
    last day (UTC) on which there was none for want of room. ``version`` counts its replacements from 1; 0 is one that is not kept yet.
    """

    group_id: str
    rule_id: str
    account_id: str | None
    severity: Severity
    count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    finding_ids: tuple[str, ...] = ()
    told: str | None = None
    held: date | None = None
    version: int = 0
    key: str = ""
    ends_at: datetime | None = None

    def with_finding(self, finding: Finding, *, told: str | None, held: date | None) -> AlertGroup:
        at = finding.found_at
        return replace(
            self,
            count=self.count + 1,
            first_at=at if self.first_at is None else min(self.first_at, at),
            last_at=at if self.last_at is None else max(self.last_at, at),
            finding_ids=(*self.finding_ids, finding.finding_id)[:MAX_LISTED],
            told=self.told or told,
            held=held or self.held,
            version=self.version + 1,
        )


class HeldBack(NamedTuple):
    """An alert that found no room in a day's budget. ``key`` is what its findings have in common, in words."""

    severity: Severity
    score: int
    group_id: str
    finding_id: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class DayTally:
    """What was decided on a day (UTC), by outcome. ``budgeted`` are those the budget counts, ``held`` the worst held back."""

    day: date
    outcomes: tuple[tuple[Outcome, int], ...] = ()
    budgeted: int = 0
    held: tuple[HeldBack, ...] = ()
    held_alerts: int = 0
    version: int = 0

    def count(self, outcome: Outcome) -> int:
        return dict(self.outcomes).get(outcome, 0)

    def with_outcome(self, outcome: Outcome, *, budgeted: bool, held: HeldBack | None) -> DayTally:
        counts = dict(self.outcomes)
        counts[outcome] = counts.get(outcome, 0) + 1
        named = self.held if held is None else tuple(sorted((*self.held, held), key=_worst_first)[:MAX_HELD_NAMED])
        return replace(
            self,
            outcomes=tuple(sorted(counts.items())),
            budgeted=self.budgeted + budgeted,
            held=named,
            held_alerts=self.held_alerts + (held is not None),
            version=self.version + 1,
        )


class Decided(NamedTuple):
    """A decision, and the alert and the day behind it: to be kept in one step, or not at all."""

    decision: Decision
    group: AlertGroup
    day: DayTally


def always_told(finding: Finding) -> bool:
    """Whether neither a budget nor a suppression holds a finding back."""
    return finding.severity is Severity.CRITICAL or is_integrity(finding.rule_id)


def group_of(finding: Finding, policy: TellingPolicy) -> AlertGroup:
    """The alert that a finding belongs to, still without findings: it follows from the finding alone, so order changes nothing.

    Windows begin at whole multiples of their length, by the time at which the finding was found. A finding that says nothing for
    some part of its key, or is about the journal itself, is an alert of its own.
    """
    terms, key = finding.alert, key_of(finding)
    window = timedelta(seconds=terms.window_seconds or policy.window_seconds)
    begin = _EPOCH + (finding.found_at - _EPOCH) // window * window
    name = sha256(json.dumps([*_names(finding, key, window), finding.severity.name]).encode()).hexdigest()[:16]
    of_one_account = key is None or AlertPart.ACCOUNT in terms.key
    return AlertGroup(
        f"{finding.rule_id}@{begin:%Y%m%dT%H%M%SZ}:{name}",
        finding.rule_id,
        finding.account_id if of_one_account else None,
        finding.severity,
        key=shown_key(key),
        ends_at=begin + window,
    )


def _names(finding: Finding, key: AlertKey | None, window: timedelta) -> list[Any]:
    """What tells an alert from others of its rule whose windows begin when its own does, severity apart."""
    if key is None:
        return [Alert(finding).alert_id]
    if finding.alert.usual:
        return [finding.rule_id, finding.account_id, finding.status]
    return [finding.rule_id, key, window // timedelta(seconds=1), finding.status]


def decide(
    finding: Finding,
    group: AlertGroup,
    day: DayTally,
    suppressions: Iterable[Suppression],
    policy: TellingPolicy,
    now: datetime,
) -> Decided:
    """What becomes of a finding's news that the policy tells. ``group`` and ``day`` are those kept now, or new ones."""
    news_id, by = Alert(finding).alert_id, ""
    suppression = next((each for each in suppressions if each.holds(finding, now)), None)
    if suppression is not None and not always_told(finding):
        outcome, by = Outcome.SUPPRESSED, suppression.suppression_id
    else:
        outcome = _outcome(finding, group, day, policy)
    told, held = outcome is Outcome.TOLD, outcome is Outcome.HELD
    named = (
        HeldBack(finding.severity, finding.rank[1], group.group_id, finding.finding_id, group.key)
        if held and group.held != day.day
        else None
    )
    return Decided(
        Decision(news_id, outcome, now, group.group_id, by),
        group.with_finding(finding, told=news_id if told else None, held=day.day if held else None),
        day.with_outcome(outcome, budgeted=told and not always_told(finding), held=named),
    )


def _outcome(finding: Finding, group: AlertGroup, day: DayTally, policy: TellingPolicy) -> Outcome:
    if group.told is not None:
        return Outcome.JOINED
    room = policy.room_for(finding.severity)
    if always_told(finding) or room is None or day.budgeted < room:
        return Outcome.TOLD
    return Outcome.HELD


def _worst_first(held: HeldBack) -> tuple[int, int, str]:
    return -held.severity, -held.score, held.group_id
