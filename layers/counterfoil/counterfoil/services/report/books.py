"""The books that a report reads: rules as they are shipped and as people changed them, cases as people left them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Final

from counterfoil.detection.audit_rules import SEVERITIES
from counterfoil.detection.case import Case, CaseOutcome, CaseStatus, Step
from counterfoil.detection.catalogue import catalogue, documents
from counterfoil.detection.finding import Severity
from counterfoil.detection.report_evidence import CaseRecord, RuleChange, RuleInForce
from counterfoil.detection.rule_document import RuleDocument, RuleStatus
from counterfoil.detection.rule_log import LISTS, Act, Life, RuleEvent, document_of, lives_of
from counterfoil.report_ports import CaseBook, RuleBook
from counterfoil.rule_ports import RuleReader
from counterfoil.services.cases import Cases

_OWNER: Final = "counterfoil"


@dataclass(frozen=True, slots=True)
class ShippedRules(RuleBook):
    """The rules of one version of the product, which nobody changed: the auditor's are code, the detector's documents."""

    product_version: str

    def in_force(self, _at: datetime, /) -> Sequence[RuleInForce]:
        rules = (_rule(each, str(each.status)) for each in documents())
        return [*_audit_rules(self.product_version), *rules]

    def changes(self, _begin: datetime, _end: datetime, /) -> Sequence[RuleChange]:
        return []


@dataclass(frozen=True, slots=True)
class LoggedRules(RuleBook):
    """The rules as the log of rules left them at a time, over those of one version of the product."""

    log: RuleReader
    product_version: str

    def in_force(self, at: datetime, /) -> Sequence[RuleInForce]:
        rules = (each for life in self._lives(at).values() for each in _of_life(life))
        return [*_audit_rules(self.product_version), *rules]

    def changes(self, begin: datetime, end: datetime, /) -> Sequence[RuleChange]:
        lives = self._lives(end)
        return [_change(event, lives[event.rule_id]) for event in self._events(end) if event.at >= begin]

    def _lives(self, at: datetime) -> Mapping[str, Life]:
        return lives_of(self._events(at), catalogue())

    def _events(self, at: datetime) -> list[RuleEvent]:
        return [event for event in self.log.events() if event.at < at]


def _audit_rules(product_version: str) -> Iterator[RuleInForce]:
    for rule, severity in SEVERITIES.items():
        title = str(rule).partition(".")[2].replace("-", " ").capitalize()
        yield RuleInForce(str(rule), product_version, None, title, severity.name, "active", _OWNER)


def _of_life(life: Life) -> Iterator[RuleInForce]:
    """A rule's versions that judge, or its newest where none does; a list has no severity of its own."""
    if life.rule_id.startswith(LISTS):
        return
    standing = [(RuleStatus.ACTIVE, life.active), (RuleStatus.SHADOW, life.shadow)]
    judging = [(status, version) for status, version in standing if version is not None]
    resting = RuleStatus.PAUSED if life.paused_by else RuleStatus.DRAFT
    for status, version in judging or [(resting, life.newest)]:
        yield _rule(document_of(life, version), str(status))


def _rule(document: RuleDocument, status: str) -> RuleInForce:
    severity, version = Severity(document.severity).name, str(document.version)
    return RuleInForce(document.id, version, document.hash, document.title, severity, status, document.owner)


def _change(event: RuleEvent, life: Life) -> RuleChange:
    """An approval is by another than who wrote the version; whatever else was done, one person did alone."""
    approved = event.act is Act.APPROVE
    author = life.versions[event.version].author or _OWNER if approved else event.by
    reviewer = event.by if approved else None
    return RuleChange(event.at, event.rule_id, str(event.version), str(event.act), author, reviewer, event.reason)


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
