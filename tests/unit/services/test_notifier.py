"""Telling people: once per finding, status and channel, and never not at all."""

from datetime import timedelta

import pytest

from counterfoil.adapters.memory import MemoryAlertLog, MemoryChannel
from counterfoil.adapters.memory.desk import MemoryAlertBook, MemoryDeskLog
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.telling import TellingPolicy
from counterfoil.errors import UnavailableError
from counterfoil.services.notify import Notifier
from counterfoil.services.suppressions import Suppressions
from tests.audit_worlds import NOW


def finding(number=1, severity=Severity.HIGH, status=Status.OPEN):
    return Finding("audit.gap", severity, f"strand#{number}", "a block is missing", NOW, status=status)


class Channel(MemoryChannel):
    """Down for its first sends, or for good."""

    down = 0

    def send(self, alert):
        if self.down:
            self.down -= 1
            raise UnavailableError(f"{self.name} is down")
        super().send(alert)

    @property
    def told(self):
        return [alert.finding.place for alert in self.alerts]


class Log(MemoryAlertLog):
    """Crashes after so many notes."""

    notes_left = 10**9

    def note_sent(self, alert_id, sent_at):
        if not self.notes_left:
            raise UnavailableError("the log is away")
        self.notes_left -= 1
        super().note_sent(alert_id, sent_at)


class World:
    def __init__(self, minimum=Severity.MEDIUM):
        self.log, self.channels = Log(), [Channel("sns"), Channel("eventbridge")]
        self.notifier = Notifier(
            self.log,
            MemoryAlertBook(),
            Suppressions(MemoryDeskLog()),
            self.channels,
            TellingPolicy(minimum),
            lambda: NOW + timedelta(seconds=5),
        )

    @property
    def told(self):
        return [channel.told for channel in self.channels]


def test_a_finding_is_told_on_every_channel_once():
    world = World()
    report = world.notifier.notify([finding(1), finding(2)])
    assert world.told == [["strand#1", "strand#2"]] * 2
    assert (report.sent, report.repeated, report.failed_index) == (4, 0, None)
    again = world.notifier.notify([finding(1), finding(2)])
    assert world.told == [["strand#1", "strand#2"]] * 2
    assert (again.sent, again.repeated) == (0, 4)


def test_each_status_of_a_finding_is_told():
    world = World()
    for status in (Status.OPEN, Status.CONFIRMED, Status.HEALED):
        assert world.notifier.notify([finding(status=status)]).sent == 2
    assert [alert.finding.status for alert in world.channels[0].alerts] == ["OPEN", "CONFIRMED", "HEALED"]


def test_what_the_policy_does_not_tell_is_counted_and_not_sent():
    world = World(minimum=Severity.HIGH)
    report = world.notifier.notify([finding(1, Severity.MEDIUM), finding(2, Severity.HIGH), finding(3, Severity.INFO)])
    assert world.told == [["strand#2"]] * 2
    assert (report.sent, report.below_policy, report.failed_index) == (2, 2, None)
    assert len(world.log.sent) == 2


def test_the_log_knows_when_an_alert_was_sent():
    world = World()
    world.notifier.notify([finding()])
    assert world.log.sent == {
        "audit.gap@strand#1/OPEN/sns": NOW + timedelta(seconds=5),
        "audit.gap@strand#1/OPEN/eventbridge": NOW + timedelta(seconds=5),
    }


def test_a_channel_that_is_down_stops_the_batch_there_and_nothing_is_told_twice():
    world = World()
    world.channels[1].down = 2
    report = world.notifier.notify([finding(1), finding(2)])
    assert (report.failed_index, report.failure) == (0, "eventbridge is down")
    assert world.told == [["strand#1"], []]
    report = world.notifier.notify([finding(1), finding(2)])
    assert report.failed_index == 0
    assert world.told == [["strand#1"], []]
    assert world.notifier.notify([finding(1), finding(2)]).failed_index is None
    assert world.told == [["strand#1", "strand#2"]] * 2


def test_what_failed_later_in_the_batch_is_where_to_begin_again():
    world = World()
    assert world.notifier.notify([finding(1)]).failed_index is None
    world.channels[0].down = 1
    findings = [finding(1), finding(2, Severity.INFO), finding(3), finding(4)]
    assert world.notifier.notify(findings).failed_index == 2
    assert world.told == [["strand#1"]] * 2


def test_a_crash_between_sending_and_noting_tells_twice_and_not_never():
    world = World()
    world.log.notes_left = 0
    report = world.notifier.notify([finding()])
    assert report.failed_index == 0
    assert world.told == [["strand#1"], []]
    world.log.notes_left = 10
    assert world.notifier.notify([finding()]).failed_index is None
    assert world.told == [["strand#1", "strand#1"], ["strand#1"]]
    ids = {alert.alert_id for alert in world.channels[0].alerts}
    assert len(ids) == 1, "the receiver can notice"


@pytest.mark.parametrize("seed", range(40))
def test_after_any_failures_every_channel_told_every_finding(seed):
    from random import Random

    chance = Random(seed)
    world = World()
    findings = [finding(number, chance.choice(list(Severity))) for number in range(8)]
    wanted = [each.place for each in findings if each.severity >= Severity.MEDIUM]
    for _ in range(200):
        for channel in world.channels:
            channel.down = chance.choice([0, 0, 1])
        world.log.notes_left = chance.choice([0, 1, 2, 100])
        if world.notifier.notify(findings).failed_index is None:
            break
    world.log.notes_left = 100
    assert world.notifier.notify(findings).sent == 0
    assert [sorted(set(told)) for told in world.told] == [wanted, wanted]


def test_no_findings_are_nothing_to_tell():
    assert World().notifier.notify([]).sent == 0
