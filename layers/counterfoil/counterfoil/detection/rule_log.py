"""The life of rules and lists as a log that is only appended to: what is in force follows from it, and so does who did what.

A version is submitted, as a draft or on trial; it becomes active by another person's approval, or by an override that says why; a
rule may be paused by one person, and is resumed by approving a version. The rules that are shipped are there from the beginning:
they are versions that nobody here wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from counterfoil.detection.expressions import Tree
from counterfoil.detection.fraud_rules import Kind
from counterfoil.detection.rule import Rule, bind
from counterfoil.detection.rule_document import RuleDocument, RuleStatus, parse_rule_document
from counterfoil.detection.watch_list import WatchList, parse_watch_list
from counterfoil.errors import InputError

LISTS = "list."


class Act(StrEnum):
    SUBMIT = "submit"
    APPROVE = "approve"
    OVERRIDE = "override"
    PAUSE = "pause"


class RuleEvent(NamedTuple):
    """``revision`` counts the events of all rules from 1. A submission has the document as ``text``, its condition as ``tree``."""

    revision: int
    rule_id: str
    act: Act
    version: int
    by: str
    at: datetime
    reason: str
    text: str = ""
    tree: str = ""


class Written(NamedTuple):
    """A version: its text, its condition's tree as JSON, and who wrote it; nobody, where it is shipped."""

    text: str
    tree: str
    author: str


@dataclass(frozen=True, slots=True)
class Life:
    """Where a rule or list stands. ``paused_by`` is who paused it, until a version is active again."""

    rule_id: str
    versions: Mapping[int, Written] = field(default_factory=dict)
    active: int | None = None
    shadow: int | None = None
    paused_by: str = ""

    @property
    def newest(self) -> int:
        return max(self.versions, default=0)

    def after(self, event: RuleEvent) -> Life:
        """Where it stands behind an event; ``InputError`` where that may not happen."""
        match event.act:
            case Act.SUBMIT:
                return self._submitted(event)
            case Act.PAUSE:
                if self.active is None and self.shadow is None:
                    raise InputError(f"{self.rule_id} is neither active nor on trial: there is nothing to pause")
                return replace(self, active=None, shadow=None, paused_by=event.by)
        written = self.versions.get(event.version)
        if written is None:
            raise InputError(f"{self.rule_id} has no version {event.version}; the newest is {self.newest}")
        if event.act is Act.APPROVE and event.by in {written.author, self.paused_by}:
            raise InputError(
                f"{event.by} wrote version {event.version} of {self.rule_id}, or paused it: somebody else has to approve"
            )
        if event.act is Act.OVERRIDE and not event.reason.strip():
            raise InputError("an override needs a reason; it becomes a finding")
        if event.version == self.active:
            raise InputError(f"version {event.version} of {self.rule_id} is active already")
        shadow = None if self.shadow == event.version else self.shadow
        return replace(self, active=event.version, shadow=shadow, paused_by="")

    def _submitted(self, event: RuleEvent) -> Life:
        if event.version != self.newest + 1:
            raise InputError(f"the next version of {self.rule_id} is {self.newest + 1}, not {event.version}")
        status = RuleStatus.DRAFT if event.rule_id.startswith(LISTS) else parse_rule_document(event.text).status
        if status not in {RuleStatus.DRAFT, RuleStatus.SHADOW}:
            raise InputError(
                f"{self.rule_id} is submitted as draft or shadow; it becomes active by approval, not {status}"
            )
        versions = {**self.versions, event.version: Written(event.text, event.tree, event.by)}
        shadow = event.version if status is RuleStatus.SHADOW else self.shadow
        return replace(self, versions=versions, shadow=shadow)


def lives_of(events: Iterable[RuleEvent], shipped: Iterable[Rule[Kind]]) -> dict[str, Life]:
    """Every rule and list, shipped or written here, by id."""
    lives = {rule.rule_id: _shipped(rule) for rule in shipped}
    for event in events:
        lives[event.rule_id] = lives.get(event.rule_id, Life(event.rule_id)).after(event)
    return lives


def in_force(events: Sequence[RuleEvent], shipped: Sequence[Rule[Kind]]) -> tuple[list[Rule[Kind]], list[WatchList]]:
    """The rules and lists that the log speaks of, to go over the shipped ones; a rule that is not evaluated is there as paused."""
    rules: list[Rule[Kind]] = []
    lists: list[WatchList] = []
    lives = lives_of(events, shipped)
    for rule_id in sorted({event.rule_id for event in events}):
        life = lives[rule_id]
        if rule_id.startswith(LISTS):
            lists += [parse_watch_list(life.versions[life.active].text)] if life.active else []
            continue
        standing = {RuleStatus.ACTIVE: life.active, RuleStatus.SHADOW: life.shadow}
        found = [_bound(life, version, status) for status, version in standing.items() if version is not None]
        rules += found or [_bound(life, life.newest, RuleStatus.PAUSED)]
    return rules, lists


def document_of(life: Life, version: int) -> RuleDocument:
    """A version of a rule as it was written."""
    return parse_rule_document(life.versions[version].text)


def _bound(life: Life, version: int, status: RuleStatus) -> Rule[Kind]:
    written = life.versions[version]
    document = replace(parse_rule_document(written.text), status=status)
    trees: dict[str, Tree] = {} if document.when is None else {document.when: json.loads(written.tree)}
    return bind(document, trees)


def _shipped(rule: Rule[Kind]) -> Life:
    document = rule.document
    written = Written(json.dumps(document.render()), json.dumps(rule.tree), "")
    active = document.version if document.status is RuleStatus.ACTIVE else None
    shadow = document.version if document.status is RuleStatus.SHADOW else None
    return Life(document.id, {document.version: written}, active, shadow)
