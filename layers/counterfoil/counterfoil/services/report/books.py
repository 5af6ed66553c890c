"""The books that a report reads where they are kept: rules as they are shipped, cases as people left them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Final

from counterfoil.detection.audit_rules import SEVERITIES
from counterfoil.detection.case import Case, CaseOutcome, CaseStatus, Step
from counterfoil.detection.catalogue import documents
from counterfoil.detection.finding import Severity
from counterfoil.detection.report_evidence import CaseRecord, RuleChange, RuleInForce
from counterfoil.report_ports import CaseBook, RuleBook
from counterfoil.services.cases import Cases

_OWNER: Final = "counterfoil"


@dataclass(frozen=True, slots=True)
class ShippedRules(RuleBook):
    """The rules of one version of the product, which nobody changed: the auditor's are code, the detector's documents."""

    product_version: str

    def in_force(self, _at: datetime, /) -> Sequence[RuleInForce]:
        return [*self._audit_rules(), *self._documents()]

    def changes(self, _begin: datetime, _end: datetime, /) -> Sequence[RuleChange]:
        return []

    def _audit_rules(self) -> Iterator[RuleInForce]:
        for rule, severity in SEVERITIES.items():
            title = str(rule).partition(".")[2].replace("-", " ").capitalize()
            yield RuleInForce(str(rule), self.product_version, None, title, severity.name, "active", _OWNER)

    def _documents(self) -> Iterator[RuleInForce]:
        for each in documents():
            severity = Severity(each.severity).name
            yield RuleInForce(each.id, str(each.version), each.hash, each.title, severity, str(each.status), each.owner)


@dataclass(frozen=True, slots=True)
class DeskCases(CaseBook):
    """The desk's cases, each as it stood at a time: its log up to then."""

    desk: Cases

    def cases(self, begin: datetime, end: datetime, /) -> Sequence[CaseRecord]:
        stood = (_at(case, end) for case in self.desk.all())
        return [_record(case) for case in stood if case is not None and not _over_before(case, begin)]


def _at(case: Case, end: datetime) -> Case | None:
    entries = [each for each in case.entries if each.at < end]
    return reduce(Case.after, entries, Case(case.subject, case.number)) if entries else None


def _over_before(case: Case, begin: datetime) -> bool:
    return case.status is CaseStatus.CLOSED and _closing(case)[1] < begin


def _closing(case: Case) -> tuple[str, datetime]:
    return next((each.author, each.at) for each in case.entries if each.step is Step.CLOSED)


def _record(case: Case) -> CaseRecord:
    """What was worth being told of and yet no fraud is not confirmed."""
    decided_by, decided_at = (None, None) if case.outcome is None else _closing(case)
    confirmed = None if case.outcome is None else case.outcome is CaseOutcome.CONFIRMED
    opened_at = case.entries[0].at
    return CaseRecord(case.case_id, case.finding_ids, opened_at, str(case.status), confirmed, decided_by, decided_at)
