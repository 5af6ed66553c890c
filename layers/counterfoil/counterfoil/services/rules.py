"""Changing rules, under two pairs of eyes, and following their changes without a deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from counterfoil.detection.audit_rules import rule_override
from counterfoil.detection.catalogue import catalogue
from counterfoil.detection.expressions import render_tree
from counterfoil.detection.fraud_rules import Kind
from counterfoil.detection.parameters import Json
from counterfoil.detection.rule import Rule, bind
from counterfoil.detection.rule_config import RuleConfig
from counterfoil.detection.rule_document import RuleStatus, canonical, parse_rule_document, parse_strict
from counterfoil.detection.rule_log import LISTS, Act, Life, RuleEvent, in_force, lives_of
from counterfoil.detection.rule_trial import try_rule
from counterfoil.detection.watch_list import MAX_LIST_CHARACTERS, WatchList, parse_watch_list
from counterfoil.errors import InputError, NotFoundError, UnavailableError
from counterfoil.ports import Clock, FindingStore
from counterfoil.rule_ports import RuleReader, RuleSource, RuleStore

# How long a detector may judge by rules that have been changed meanwhile.
RELOADED_EVERY: Final = timedelta(seconds=20)


@dataclass(slots=True)
class HotRules(RuleSource):
    """The configuration of a deployment with the store's rules over it, read anew when the store's revision has moved.

    The revision is asked at most every ``RELOADED_EVERY``. Where the store cannot be reached, the rules read last go on; where none
    were read yet, ``UnavailableError``: judging by fewer rules than are in force would be silent.
    """

    store: RuleReader
    base: RuleConfig
    _config: RuleConfig | None = None
    _revision: int = -1
    _asked_at: datetime | None = None

    def current(self, now: datetime, /) -> RuleConfig:
        if self._config is not None and self._asked_at is not None and abs(now - self._asked_at) < RELOADED_EVERY:
            return self._config
        try:
            self._reload()
        except UnavailableError:
            if self._config is None:
                raise
        self._asked_at = now
        assert self._config is not None
        return self._config

    def _reload(self) -> None:
        revision = self.store.revision()
        if revision == self._revision:
            return
        # Events that came since the revision was asked are in the list: the next round reads them once more.
        rules, lists = in_force(self.store.events(), catalogue())
        self._config, self._revision = self.base.with_rules(rules, lists), revision


@dataclass(frozen=True, slots=True)
class RuleDesk:
    """What people do with rules and lists; every act is on record with who did it and when."""

    store: RuleStore
    findings: FindingStore
    clock: Clock
    shipped: Sequence[Rule[Kind]] = field(default_factory=catalogue)

    def lives(self) -> Mapping[str, Life]:
        return lives_of(self.store.events(), self.shipped)

    def life(self, rule_id: str) -> Life:
        life = self.lives().get(rule_id)
        if life is None:
            raise NotFoundError(f"there is no rule or list {rule_id}")
        return life

    def history(self, rule_id: str) -> list[RuleEvent]:
        self.life(rule_id)
        return [event for event in self.store.events() if event.rule_id == rule_id]

    def submit(self, text: str, author: str, reason: str) -> RuleEvent:
        """Keep a new version, checked and tried. A shadow version is on trial at once; nothing becomes active by this."""
        read = read_version(text)
        if isinstance(read, WatchList):
            return self._append(read.id, Act.SUBMIT, read.version, author, reason, canonical(read.render()))
        tree = "" if read.tree is None else render_tree(read.tree)
        document = read.document
        return self._append(
            document.id, Act.SUBMIT, document.version, author, reason, canonical(document.render()), tree
        )

    def approve(self, rule_id: str, version: int, approver: str, reason: str = "") -> RuleEvent:
        """Make a version active that somebody else wrote."""
        return self._append(rule_id, Act.APPROVE, version, approver, reason)

    def override(self, rule_id: str, version: int, by: str, reason: str) -> RuleEvent:
        """Make a version active without a second person; a finding says so.

        The finding is recorded first: after a crash between the two it tells of an override that did not happen, never the
        other way round.
        """
        event = self._next(rule_id, Act.OVERRIDE, version, by, reason)
        self.findings.record([rule_override(event.rule_id, version, by, reason, event.revision, event.at)])
        self.store.append(event)
        return event

    def pause(self, rule_id: str, by: str, reason: str) -> RuleEvent:
        """Stop evaluating a rule, or using a list."""
        return self._append(rule_id, Act.PAUSE, self.life(rule_id).newest, by, reason)

    def _append(
        self, rule_id: str, act: Act, version: int, by: str, reason: str, text: str = "", tree: str = ""
    ) -> RuleEvent:
        event = self._next(rule_id, act, version, by, reason)._replace(text=text, tree=tree)
        self._check(event)
        self.store.append(event)
        return event

    def _next(self, rule_id: str, act: Act, version: int, by: str, reason: str) -> RuleEvent:
        if not by.strip():
            raise InputError("who does this must be said: it is on record")
        event = RuleEvent(self.store.revision() + 1, rule_id, act, version, by.strip(), self.clock(), reason)
        if act is not Act.SUBMIT:
            self.life(rule_id)
            self._check(event)
        return event

    def _check(self, event: RuleEvent) -> None:
        self.lives().get(event.rule_id, Life(event.rule_id)).after(event)


def read_version(text: str) -> Rule[Kind] | WatchList:
    """A rule or a list from its JSON, bound and tried; ``InputError`` names what is wrong."""
    body: Json = parse_strict(text, "the document", MAX_LIST_CHARACTERS)
    if not isinstance(body, Mapping):
        raise InputError(f"a rule or a list is an object, not {repr(body)[:80]}")
    if str(body.get("id", "")).startswith(LISTS):
        return parse_watch_list(body)
    rule = bind(parse_rule_document(text))
    try_rule(rule)
    return rule


def status_of(life: Life) -> str:
    """A rule's standing in words: ``active 3, shadow 4``."""
    standing = {RuleStatus.ACTIVE: life.active, RuleStatus.SHADOW: life.shadow}
    found = [f"{status} {version}" for status, version in standing.items() if version is not None]
    return ", ".join(found) or (str(RuleStatus.PAUSED) if life.paused_by else str(RuleStatus.DRAFT))
