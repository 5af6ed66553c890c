"""Findings delivered again and again, in any order, by instances that race and die between any two writes.

Whatever happened, every finding was decided once, the counts are exact, each alert was told on each channel, what was not to
be told was not, and no more alerts were told than the budget allows. Rules have keys and windows of their own, or none.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from counterfoil.adapters.memory import MemoryAlertLog, MemoryChannel
from counterfoil.adapters.memory.desk import MemoryAlertBook, MemoryDeskLog
from counterfoil.detection.alert_terms import USUAL_TERMS, AlertPart, AlertTerms
from counterfoil.detection.finding import Finding, Severity
from counterfoil.detection.suppression import suppress
from counterfoil.detection.telling import Outcome, TellingPolicy, always_told
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.services.notify import Notifier
from counterfoil.services.suppressions import Suppressions

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
POLICY = TellingPolicy(Severity.LOW, 3600, 6)
# Two versions of a rule may be at work on one day.
TERMS = [
    USUAL_TERMS,
    USUAL_TERMS,
    AlertTerms((AlertPart.ACCOUNT, AlertPart.CURRENCY)),
    AlertTerms((AlertPart.CURRENCY,), 2 * 86_400),
    AlertTerms((), 1_800),
]


class CrashError(Exception):
    """The process is gone."""


class World:
    """Writes fail before or behind their effect; another instance may get in between a reading and its write."""

    def __init__(self, seed):
        self.chance = Random(seed)
        self.calm = False
        self.log, self.book, self.channels = (
            MemoryAlertLog(),
            MemoryAlertBook(),
            [MemoryChannel("sns"), MemoryChannel("bus")],
        )
        self.desk = MemoryDeskLog()
        self.others = []

    def failing(self, write, *arguments):
        fate = 1.0 if self.calm else self.chance.random()
        if fate < 0.06:
            raise self.chance.choice([CrashError(), UnavailableError("not now")])
        write(*arguments)
        if fate < 0.12:
            raise self.chance.choice([CrashError(), UnavailableError("the answer was lost")])

    def notifier(self):
        world = self

        class Log(MemoryAlertLog):
            def note_sent(self, alert_id, sent_at):
                world.failing(super().note_sent, alert_id, sent_at)

        class Book(MemoryAlertBook):
            def keep(self, decided, /):
                if world.others and not world.calm and world.chance.random() < 0.2:
                    world.notify_undisturbed([world.others.pop()])
                world.failing(super().keep, decided)

        class Channel(MemoryChannel):
            def send(self, alert):
                world.failing(super().send, alert)

        channels = [Channel(each.name, each.alerts) for each in self.channels]
        book = Book(self.book.decisions, self.book.groups, self.book.days)
        return Notifier(Log(self.log.sent), book, Suppressions(self.desk), channels, POLICY, lambda: NOON)

    def notify_undisturbed(self, findings):
        self.calm = True
        assert self.notifier().notify(findings).failed_index is None
        self.calm = False

    def deliver(self, findings):
        """As Lambda does: from the first that failed on, until nothing fails."""
        for _ in range(300):
            if not findings:
                return
            try:
                failed = self.notifier().notify(findings).failed_index
            except CrashError:
                continue
            findings = [] if failed is None else findings[failed:]
        raise AssertionError("the batch never came through")


def findings_of(chance):
    rules = ["fraud.structuring", "fraud.velocity-count", "audit.gap"]
    return [
        Finding(
            chance.choice(rules),
            chance.choice(list(Severity)),
            f"strand#{number}",
            "seen",
            NOON - timedelta(minutes=chance.randrange(0, 180)),
            account_id=chance.choice([None, "ACC-1", "ACC-2", "ACC-3", "quiet"]),
            shadow=chance.random() < 0.1,
            evidence=chance.choice([{}, {"currency": "EUR"}, {"currency": "CHF"}]),
            alert=chance.choice(TERMS),
        )
        for number in range(chance.randrange(1, 40))
    ]


@pytest.mark.parametrize("seed", range(150))
def test_every_finding_is_decided_once_and_every_alert_told(seed):
    world = World(seed)
    hour = timedelta(hours=1)
    Suppressions(world.desk).add(suppress(None, "quiet", "Ada", "known", NOON - hour, 2 * hour))
    findings = findings_of(world.chance)
    world.others = world.chance.sample(findings, len(findings) // 3)
    size = world.chance.choice([1, 3, 10, 40])
    for start in range(0, len(findings), size):
        world.deliver(findings[start : start + size])
    again = list(findings)
    world.chance.shuffle(again)
    before = [len(each.alerts) for each in world.channels]
    world.notify_undisturbed(again)
    assert [len(each.alerts) for each in world.channels] == before, "a replay tells nothing"
    check(world, findings)


def belongs_to(finding, news):
    """What the findings of one alert have in common, said without the code under test."""
    says = {"account": finding.account_id, "currency": finding.evidence.get("currency")}
    shared = [says[each] for each in finding.alert.key]
    if finding.rule_id == "audit.gap" or None in shared:
        return news
    length = finding.alert.window_seconds or POLICY.window_seconds
    window = int(finding.found_at.timestamp()) // length
    return finding.rule_id, finding.severity, finding.alert, *shared, window


def check(world, findings):
    to_tell = {f"{each.finding_id}/{each.status}": each for each in findings if POLICY.tells(each)}
    decisions = world.book.decisions
    assert decisions.keys() == to_tell.keys()
    (day,) = world.book.days.values() or [world.book.day(NOON.date())]
    assert dict(day.outcomes) == Counter(each.outcome for each in decisions.values())
    groups = {}
    for news, each in to_tell.items():
        groups.setdefault(belongs_to(each, news), set()).add(each.finding_id)
    kept = {frozenset(each.finding_ids): each.count for each in world.book.groups.values()}
    assert kept == {frozenset(each): len(each) for each in groups.values()}
    told = {news for news, each in decisions.items() if each.outcome is Outcome.TOLD}
    assert {each.told for each in world.book.groups.values()} - {None} == told
    for channel in world.channels:
        assert {each.alert_id for each in channel.alerts} == told
    assert sum(not always_told(to_tell[news]) for news in told) == day.budgeted <= POLICY.per_day
    for news, each in to_tell.items():
        if always_told(each):
            assert decisions[news].outcome in {Outcome.TOLD, Outcome.JOINED}
        elif each.account_id == "quiet":
            assert decisions[news].outcome is Outcome.SUPPRESSED
    held = {each.group_id for each in world.book.groups.values() if each.held}
    assert day.held_alerts == len(held)
    assert {each.group_id for each in day.held} <= held


def test_someone_who_decides_without_end_is_waited_for_and_not_for_ever():
    class Busy(MemoryAlertBook):
        def keep(self, decided, /):
            raise ConflictError("another writer was first")

    notifier = Notifier(MemoryAlertLog(), Busy(), Suppressions(MemoryDeskLog()), [], POLICY, lambda: NOON)
    report = notifier.notify([Finding("fraud.x", Severity.HIGH, "strand#1", "seen", NOON)])
    assert report.failed_index == 0
    assert "20 rounds" in report.failure
