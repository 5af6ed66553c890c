"""Cases over the desk's log: every step is an entry put where none is, so that two people never undo each other's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from counterfoil.desk_ports import DeskLog, Entry
from counterfoil.detection.case import (
    MAX_FINDINGS,
    MAX_NOTE_CHARACTERS,
    Case,
    CaseEntry,
    CaseOutcome,
    CaseStatus,
    Step,
    parse_case_id,
    parse_entry,
    render_entry,
    subject_of,
)
from counterfoil.detection.finding import Finding
from counterfoil.detection.suppression import MAX_AUTHOR_CHARACTERS, check_words
from counterfoil.errors import ConflictError, NotFoundError, UnavailableError
from counterfoil.ports import Clock

TOPIC: Final = "case/"
# The listing of all cases: one entry each, put with the case's first.
LISTING: Final = "cases"

# A rule action may meet a person who works on the same case.
ATTEMPTS: Final = 20

# Whoever opens cases in the name of a rule.
RULE_AUTHOR: Final = "counterfoil"


@dataclass(frozen=True, slots=True)
class Cases:
    log: DeskLog
    clock: Clock

    def case(self, case_id: str) -> Case:
        subject, number = parse_case_id(case_id)
        for found in self._of_subject(subject, f"{number:06}/"):
            return found
        raise NotFoundError(f"there is no case {case_id[:80]}")

    def all(self) -> Iterator[Case]:
        """Every case, in the order they were opened."""
        for entry in self.log.entries(LISTING):
            yield self.case(entry.text)

    def of_finding(self, finding: Finding) -> Case | None:
        """The case that a finding belongs to, if there is one."""
        found = (each for each in self._of_subject(subject_of(finding)) if finding.finding_id in each.finding_ids)
        return next(found, None)

    def open(self, finding: Finding, author: str = RULE_AUTHOR) -> Case:
        """Put a finding into the open case of its account, or into a new one; one that is in a case already stays there."""
        for _ in range(ATTEMPTS):
            subject = subject_of(finding)
            cases = list(self._of_subject(subject))
            known = next((each for each in cases if finding.finding_id in each.finding_ids), None)
            if known is not None:
                return known
            last = cases[-1] if cases else Case(subject, 0, CaseStatus.CLOSED)
            if last.status is not CaseStatus.CLOSED and len(last.finding_ids) >= MAX_FINDINGS:
                return last
            new = last.status is CaseStatus.CLOSED
            case = Case(subject, last.number + 1) if new else last
            try:
                return self._append(case, self._about(finding, Step.OPENED if new else Step.JOINED, author))
            except ConflictError:
                continue
        raise UnavailableError(f"others are at work on the cases of {subject_of(finding)} all the time")

    def take(self, case_id: str, assignee: str, author: str) -> Case:
        """Assign a case to somebody, who investigates it from now on."""
        name = check_words("the assignee", assignee, MAX_AUTHOR_CHARACTERS)
        return self._step(case_id, author, lambda at, who: CaseEntry(Step.TAKEN, at, who, name))

    def note(self, case_id: str, text: str, author: str) -> Case:
        said = check_words("the note", text, MAX_NOTE_CHARACTERS)
        return self._step(case_id, author, lambda at, who: CaseEntry(Step.NOTED, at, who, said))

    def close(self, case_id: str, outcome: CaseOutcome, note: str, author: str) -> Case:
        """Close a case with its outcome, for good."""
        said = check_words("the note", note, MAX_NOTE_CHARACTERS)
        return self._step(case_id, author, lambda at, who: CaseEntry(Step.CLOSED, at, who, outcome, note=said))

    def _step(self, case_id: str, author: str, make: Callable[..., CaseEntry]) -> Case:
        """One step of a person: ``ConflictError`` where somebody else was at work on the case at the same time."""
        who = check_words("the author", author, MAX_AUTHOR_CHARACTERS)
        return self._append(self.case(case_id), make(self.clock(), who))

    def _append(self, case: Case, entry: CaseEntry) -> Case:
        longer = case.after(entry)
        name = f"{case.number:06}/{len(case.entries):06}"
        entries = [Entry(TOPIC + case.subject, name, render_entry(entry))]
        if entry.step is Step.OPENED:
            entries.append(Entry(LISTING, f"{entry.at.isoformat()}/{case.case_id}", case.case_id))
        self.log.append(entries)
        return longer

    def _about(self, finding: Finding, step: Step, author: str) -> CaseEntry:
        return CaseEntry(step, self.clock(), author, finding.finding_id, finding.rule_id, finding.severity.name)

    def _of_subject(self, subject: str, prefix: str = "") -> Iterator[Case]:
        entries: Sequence[Entry] = self.log.entries(TOPIC + subject, prefix)
        for number, steps in groupby(entries, key=lambda each: each.name.partition("/")[0]):
            case = Case(subject, int(number))
            for each in steps:
                case = case.after(parse_entry(each.text))
            yield case
