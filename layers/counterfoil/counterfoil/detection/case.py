"""A case: what people make of the findings on one account or ring. It is its log, folded; nothing in it is ever replaced.

``PENDING`` when it is opened, ``INVESTIGATING`` once somebody takes it up, ``CLOSED`` with an outcome. A closed case stays
closed: what is found later on the same account opens the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from counterfoil.detection.finding import Finding
from counterfoil.errors import InputError, PreconditionError

MAX_NOTE_CHARACTERS: Final = 4_000
# A case lists so many findings; what comes then opens no other case and is found by its account.
MAX_FINDINGS: Final = 1_000


class CaseStatus(StrEnum):
    PENDING = "PENDING"
    INVESTIGATING = "INVESTIGATING"
    CLOSED = "CLOSED"


class CaseOutcome(StrEnum):
    """``VALUABLE`` is no fraud and yet worth having been told of."""

    CONFIRMED = "confirmed"
    VALUABLE = "valuable"
    FALSE_POSITIVE = "false_positive"


class Step(StrEnum):
    OPENED = "opened"
    JOINED = "joined"
    TAKEN = "taken"
    NOTED = "noted"
    CLOSED = "closed"


class CaseEntry(NamedTuple):
    """One step of a case: who did it and when. ``about`` is a finding's id, the assignee, the note's text or the outcome.

    ``rule_id`` and ``severity`` are the finding's; ``note`` goes with an outcome.
    """

    step: Step
    at: datetime
    author: str
    about: str
    rule_id: str = ""
    severity: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """``subject`` is the account or ring, ``number`` counts its cases from 1, ``entries`` is the whole log."""

    subject: str
    number: int
    status: CaseStatus = CaseStatus.PENDING
    outcome: CaseOutcome | None = None
    assignee: str | None = None
    finding_ids: tuple[str, ...] = ()
    rule_ids: frozenset[str] = frozenset()
    entries: tuple[CaseEntry, ...] = ()

    @property
    def case_id(self) -> str:
        return f"{self.subject}/{self.number}"

    @property
    def notes(self) -> Sequence[CaseEntry]:
        return [each for each in self.entries if each.step is Step.NOTED]

    def after(self, entry: CaseEntry) -> Case:
        """The case behind one more step; ``PreconditionError`` where its status does not allow it."""
        if not self.entries and entry.step is not Step.OPENED:
            raise PreconditionError(f"there is no case {self.case_id}")
        if self.status is CaseStatus.CLOSED and entry.step is not Step.NOTED:
            raise PreconditionError(f"case {self.case_id} is closed: what is found now belongs to the next one")
        longer = replace(self, entries=(*self.entries, entry))
        match entry.step:
            case Step.OPENED | Step.JOINED:
                if self.entries and entry.step is Step.OPENED:
                    raise PreconditionError(f"case {self.case_id} was opened before")
                finding_ids = dict.fromkeys((*self.finding_ids, entry.about))
                return replace(longer, finding_ids=tuple(finding_ids), rule_ids=self.rule_ids | {entry.rule_id})
            case Step.TAKEN:
                return replace(longer, status=CaseStatus.INVESTIGATING, assignee=entry.about)
            case Step.CLOSED:
                return replace(longer, status=CaseStatus.CLOSED, outcome=CaseOutcome(entry.about))
            case _:
                return longer


class Precision(NamedTuple):
    """What became of a rule's cases: each case counts once, however many of the rule's findings it holds."""

    rule_id: str
    confirmed: int
    valuable: int
    false_positive: int

    @property
    def closed(self) -> int:
        return self.confirmed + self.valuable + self.false_positive

    @property
    def confirmed_percent(self) -> int:
        """Of a hundred closed cases so many were what the rule says, rounded down."""
        return self.confirmed * 100 // self.closed

    @property
    def useful_percent(self) -> int:
        """Of a hundred closed cases so many were worth being told of, rounded down."""
        return (self.confirmed + self.valuable) * 100 // self.closed


def subject_of(finding: Finding) -> str:
    """What a finding's case is about: its ring if its evidence names one, else its account, else its strand."""
    return finding.evidence.get("ring") or finding.account_id or finding.place.partition("#")[0]


def precision(cases: Iterable[Case]) -> list[Precision]:
    """By rule, of closed cases; the least precise first."""
    counts: dict[str, dict[CaseOutcome, int]] = {}
    for case in cases:
        if case.outcome is not None:
            for rule_id in case.rule_ids:
                of_rule = counts.setdefault(rule_id, dict.fromkeys(CaseOutcome, 0))
                of_rule[case.outcome] += 1
    made = [Precision(rule_id, *(each[outcome] for outcome in CaseOutcome)) for rule_id, each in counts.items()]
    return sorted(made, key=lambda each: (each.confirmed_percent, each.rule_id))


def parse_outcome(text: str) -> CaseOutcome:
    if text not in set(CaseOutcome):
        raise InputError(f"{text[:40]!r} is no outcome: {', '.join(CaseOutcome)}")
    return CaseOutcome(text)


def parse_case_id(text: str) -> tuple[str, int]:
    """``ACC-1/2`` as subject and number; an ``InputError`` if it is none."""
    subject, slash, number = text.rpartition("/")
    if not slash or not subject or not number.isdecimal() or not 0 < len(number) <= 6 or int(number) < 1:
        raise InputError(f"{text[:80]!r} is no case: cases are called <account>/<number>")
    return subject, int(number)


def render_entry(entry: CaseEntry) -> str:
    return json.dumps({**entry._asdict(), "at": entry.at.isoformat()}, ensure_ascii=False)


def parse_entry(text: str) -> CaseEntry:
    body: Mapping[str, Any] = json.loads(text)
    return CaseEntry(Step(body["step"]), datetime.fromisoformat(body["at"]), *list(body.values())[2:])
