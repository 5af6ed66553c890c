"""Alerts that several findings share, the day's budget and its digest, and suppressions, as people meet them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.adapters.memory import MemoryAlertLog, MemoryChannel
from counterfoil.adapters.memory.desk import MemoryAlertBook, MemoryDeskLog
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.suppression import suppress
from counterfoil.detection.telling import Outcome, TellingPolicy
from counterfoil.errors import UnavailableError
from counterfoil.services.notify import Notifier
from counterfoil.services.suppressions import Suppressions

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def finding(number=1, **changes):
    made = Finding("fraud.structuring", Severity.HIGH, f"strand#{number}", "seen", NOON, account_id="ACC-1")
    return replace(made, **changes)


class Desk:
    def __init__(self, per_day=4):
        self.now, self.channel, self.book = NOON, MemoryChannel(), MemoryAlertBook()
        self.suppressions = Suppressions(MemoryDeskLog())
        policy = TellingPolicy(Severity.LOW, 3600, per_day)
        self.notifier = Notifier(
            MemoryAlertLog(), self.book, self.suppressions, [self.channel], policy, lambda: self.now
        )

    @property
    def told(self):
        return [each.alert_id for each in self.channel.alerts]


def test_of_many_findings_on_an_account_people_are_told_once():
    desk = Desk()
    report = desk.notifier.notify([finding(number) for number in range(50)])
    assert desk.told == ["fraud.structuring@strand#0/OPEN"]
    assert (report.count("TOLD"), report.count("JOINED"), report.sent) == (1, 49, 1)
    (alert,) = desk.channel.alerts
    assert alert.detail["group_id"] == next(iter(desk.book.groups))


def test_a_finding_that_comes_again_is_not_decided_again():
    desk = Desk()
    desk.notifier.notify([finding(1), finding(2)])
    again = desk.notifier.notify([finding(1), finding(2)])
    assert (again.outcomes, again.repeated) == ({}, 1)


def test_whoever_is_overtaken_goes_by_what_the_other_decided():
    desk = Desk()

    class Overtaken(MemoryAlertBook):
        """Another instance, which saw no room any more, was first."""

        def keep(self, decided, /):
            held = decided.decision._replace(outcome=Outcome.HELD)
            self.decisions[held.news_id] = held
            super().keep(decided)

    report = replace(desk.notifier, book=Overtaken()).notify([finding()])
    assert (desk.told, report.count("HELD"), report.failed_index) == ([], 1, None)


def test_the_worst_of_a_batch_is_told_first_and_has_the_room():
    desk = Desk(per_day=2)
    batch = [finding(number, account_id=f"ACC-{number}", score=number) for number in range(5)]
    batch.append(finding(9, account_id="ACC-9", severity=Severity.MEDIUM, score=100))
    desk.notifier.notify(batch)
    assert desk.told == ["fraud.structuring@strand#4/OPEN", "fraud.structuring@strand#3/OPEN"]
    assert [each.finding_id[-1] for each in desk.book.day(NOON.date()).held] == ["2", "1", "0", "9"]


def test_statuses_of_a_finding_keep_their_order():
    desk = Desk()
    desk.notifier.notify([finding(status=status, rule_id="audit.gap", account_id=None) for status in Status])
    assert [each.rsplit("/")[1] for each in desk.told] == ["OPEN", "CONFIRMED", "HEALED"]


def test_what_a_tried_rule_saw_is_counted_and_not_told():
    desk = Desk()
    report = desk.notifier.notify(
        [finding(shadow=True, severity=Severity.CRITICAL), finding(2, severity=Severity.INFO)]
    )
    assert (desk.told, report.shadow, report.below_policy, desk.book.decisions) == ([], 1, 1, {})


def test_suppressed_is_not_told_but_counted_and_afterwards_told_again():
    desk = Desk()
    made = suppress("fraud.structuring", "ACC-1", "Ada", "a payroll run", NOON, DAY)
    desk.suppressions.add(made)
    report = desk.notifier.notify([finding(1), finding(2)])
    assert (desk.told, report.count("SUPPRESSED")) == ([], 2)
    assert {each.suppressed_by for each in desk.book.decisions.values()} == {made.suppression_id}
    desk.now += DAY
    desk.notifier.notify([finding(1), finding(2)])
    assert desk.told == [], "what was decided stays decided"
    desk.notifier.notify([finding(3)])
    assert desk.told == ["fraud.structuring@strand#3/OPEN"]


def test_the_digest_tells_what_a_day_held_back_once_when_it_is_over():
    desk = Desk(per_day=1)
    desk.suppressions.add(suppress(None, "ACC-5", "Ada", "known", NOON, DAY))
    desk.notifier.notify([finding(number, account_id=f"ACC-{number}", score=number) for number in range(6)])
    assert desk.notifier.tell_digests().sent == 0, "the day is not over"
    desk.now = NOON + DAY
    assert desk.notifier.tell_digests().sent == 1
    assert desk.notifier.tell_digests().repeated == 1
    digest = desk.channel.alerts[-1]
    assert digest.subject == "Alerts of 2025-03-03: 4 held back, 1 findings suppressed"
    assert digest.detail["outcomes"] == {"TOLD": 1, "JOINED": 0, "HELD": 4, "SUPPRESSED": 1}
    assert [each["score"] for each in digest.detail["held"]] == [3, 2, 1, 0]
    assert "[HIGH 3] fraud.structuring@strand#3" in digest.text
    assert digest.attributes == {"day": "2025-03-03"}
    assert digest.kind == "AlertDigest"
    assert digest.subject.isascii()
    assert len(digest.subject) <= 100


def test_a_day_on_which_all_was_told_has_no_digest():
    desk = Desk()
    desk.notifier.notify([finding(1), finding(2)])
    desk.now = NOON + DAY
    assert (desk.notifier.tell_digests().sent, len(desk.told)) == (0, 1)


@pytest.mark.parametrize(("days", "sent"), [(1, 1), (3, 1), (4, 0)])
def test_a_digest_that_could_not_be_sent_is_sent_on_one_of_the_days_after(days, sent):
    desk = Desk(per_day=1)
    desk.notifier.notify([finding(number, account_id=f"ACC-{number}") for number in range(2)])
    desk.now = NOON + days * DAY
    assert desk.notifier.tell_digests().sent == sent


def test_a_digest_that_a_channel_does_not_take_is_an_error_for_the_schedule_to_see():
    desk = Desk(per_day=1)
    desk.notifier.notify([finding(number, account_id=f"ACC-{number}") for number in range(2)])
    desk.now = NOON + DAY

    def down(_):
        raise UnavailableError("down")

    desk.channel.send = down
    with pytest.raises(UnavailableError):
        desk.notifier.tell_digests()
