"""Which findings are told: the alert they belong to, the day's budget, and what neither holds back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.detection.alert_terms import AlertPart, AlertTerms
from counterfoil.detection.finding import Finding, Severity, Status
from counterfoil.detection.suppression import suppress
from counterfoil.detection.telling import (
    MAX_HELD_NAMED,
    MAX_LISTED,
    DayTally,
    Outcome,
    TellingPolicy,
    decide,
    group_of,
)

NOW = datetime(2025, 3, 3, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
POLICY = TellingPolicy(Severity.LOW, 3600, 8)


def finding(place="strand#7", **changes):
    made = Finding("fraud.structuring", Severity.HIGH, place, "three transfers", NOW, account_id="ACC-1")
    return replace(made, **changes)


class Desk:
    """Takes findings one after the other, as the service does."""

    def __init__(self, policy=POLICY, suppressions=(), now=NOW):
        self.policy, self.suppressions, self.now = policy, suppressions, now
        self.groups, self.day = {}, DayTally(now.date())

    def take(self, each):
        new = group_of(each, self.policy)
        made = decide(each, self.groups.get(new.group_id, new), self.day, self.suppressions, self.policy, self.now)
        self.groups[new.group_id], self.day = made.group, made.day
        return made.decision.outcome


def test_the_first_finding_of_an_alert_is_told_and_the_others_join_it():
    desk = Desk()
    assert [desk.take(finding(f"strand#{number}")) for number in range(3)] == ["TOLD", "JOINED", "JOINED"]
    (group,) = desk.groups.values()
    assert (group.count, group.told) == (3, "fraud.structuring@strand#0/OPEN")
    assert group.finding_ids == tuple(f"fraud.structuring@strand#{number}" for number in range(3))
    assert desk.day.outcomes == ((Outcome.JOINED, 2), (Outcome.TOLD, 1))


@pytest.mark.parametrize(
    "other",
    [
        {"rule_id": "fraud.velocity-count"},
        {"account_id": "ACC-2"},
        {"severity": Severity.MEDIUM},
        {"status": Status.HEALED},
        {"found_at": NOW + timedelta(minutes=30)},
        {"found_at": NOW - timedelta(minutes=30, microseconds=1)},
        {"account_id": None},
    ],
)
def test_another_rule_account_severity_status_or_window_is_another_alert(other):
    desk = Desk()
    assert [desk.take(finding()), desk.take(finding("strand#8", **other))] == ["TOLD", "TOLD"]


def test_findings_without_an_account_or_about_the_journal_are_alerts_of_their_own():
    for changes in ({"account_id": None}, {"rule_id": "audit.gap"}, {"rule_id": "export.broken"}):
        desk = Desk()
        assert [desk.take(finding(f"strand#{number}", **changes)) for number in range(3)] == ["TOLD"] * 3


@given(st.permutations(range(6)), st.integers(1, 6))
def test_the_alert_is_the_same_in_any_order(order, minutes):
    made = [finding(f"strand#{number}", found_at=NOW + timedelta(minutes=number * minutes)) for number in range(6)]
    desk, other = Desk(), Desk()
    for number in range(6):
        desk.take(made[number])
    for number in order:
        other.take(made[number])

    def said(groups):
        return {
            each.group_id: (each.count, each.first_at, each.last_at, set(each.finding_ids)) for each in groups.values()
        }

    assert said(desk.groups) == said(other.groups)


def test_an_alert_lists_the_first_of_its_findings_and_counts_all():
    desk = Desk()
    for number in range(MAX_LISTED + 5):
        desk.take(finding(f"strand#{number}", found_at=NOW + timedelta(seconds=number)))
    (group,) = desk.groups.values()
    assert (group.count, len(group.finding_ids)) == (MAX_LISTED + 5, MAX_LISTED)
    assert (group.first_at, group.last_at) == (NOW, NOW + timedelta(seconds=MAX_LISTED + 4))


def several(severity, count, **changes):
    return [finding(account_id=f"ACC-{number}", severity=severity, **changes) for number in range(count)]


@pytest.mark.parametrize(("severity", "told"), [("INFO", 2), ("LOW", 4), ("MEDIUM", 6), ("HIGH", 8)])
def test_a_severity_has_its_share_of_the_day_s_budget(severity, told):
    desk = Desk(TellingPolicy(Severity.INFO, 3600, 8))
    outcomes = [desk.take(each) for each in several(Severity[severity], 10)]
    assert outcomes == ["TOLD"] * told + ["HELD"] * (10 - told)
    assert (desk.day.budgeted, desk.day.held_alerts) == (told, 10 - told)


def test_what_is_worse_finds_room_where_the_rest_did_not():
    desk = Desk()
    for each in several(Severity.LOW, 20):
        desk.take(each)
    assert desk.take(finding()) == "TOLD"


@pytest.mark.parametrize(
    "changes", [{"severity": Severity.CRITICAL}, {"rule_id": "audit.gap"}, {"rule_id": "export.broken"}]
)
def test_what_is_critical_or_about_the_journal_is_told_whatever_the_budget_and_counts_against_none(changes):
    desk = Desk(TellingPolicy(Severity.LOW, 3600, 1))
    made = [finding(f"strand#{number}", account_id=f"ACC-{number}", **changes) for number in range(5)]
    assert [desk.take(each) for each in made] == ["TOLD"] * 5
    assert desk.day.budgeted == 0


def test_no_budget_is_no_bound():
    desk = Desk(TellingPolicy(Severity.LOW, 3600, 0))
    assert {desk.take(each) for each in several(Severity.LOW, 500)} == {"TOLD"}


def test_the_worst_of_what_was_held_back_is_named_and_an_alert_counts_once():
    desk = Desk(TellingPolicy(Severity.LOW, 3600, 1))
    desk.take(finding(account_id="first"))
    for number in range(MAX_HELD_NAMED + 10):
        for place in ("strand#1", "strand#2"):
            assert desk.take(finding(place, account_id=f"ACC-{number}", score=number)) == "HELD"
    assert desk.day.held_alerts == MAX_HELD_NAMED + 10
    assert desk.day.count(Outcome.HELD) == 2 * (MAX_HELD_NAMED + 10)
    assert [each.score for each in desk.day.held] == list(range(MAX_HELD_NAMED + 9, 9, -1))


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("rule_id", "account_id", "outcome"),
    [
        ("fraud.structuring", None, "SUPPRESSED"),
        (None, "ACC-1", "SUPPRESSED"),
        ("fraud.structuring", "ACC-1", "SUPPRESSED"),
        ("fraud.structuring", "ACC-2", "TOLD"),
        ("fraud.velocity-count", "ACC-1", "TOLD"),
        ("fraud.velocity-count", None, "TOLD"),
    ],
)
def test_a_suppression_holds_where_all_that_it_names_is_met(rule_id, account_id, outcome):
    made = suppress(rule_id, account_id, "Ada", "a known payroll run", NOW, HOUR)
    desk = Desk(suppressions=[made])
    assert desk.take(finding()) == outcome
    assert desk.day.budgeted == (outcome == "TOLD")


def test_a_suppression_begins_and_ends():
    made = suppress(None, "ACC-1", "Ada", "a known payroll run", NOW, HOUR)
    at = {NOW - timedelta(seconds=1): "TOLD", NOW: "SUPPRESSED", NOW + HOUR - timedelta(seconds=1): "SUPPRESSED"}
    at[NOW + HOUR] = "TOLD"
    for moment, outcome in at.items():
        assert Desk(suppressions=[made], now=moment).take(finding()) == outcome
    lifted = replace(made, lifted_at=NOW + timedelta(minutes=1))
    assert Desk(suppressions=[lifted], now=NOW + timedelta(minutes=1)).take(finding()) == "TOLD"


def test_no_suppression_silences_what_is_critical_or_about_the_journal():
    made = suppress(None, "ACC-1", "Ada", "a known payroll run", NOW, HOUR)
    assert Desk(suppressions=[made]).take(finding(severity=Severity.CRITICAL)) == "TOLD"
    assert Desk(suppressions=[made]).take(finding(rule_id="audit.gap")) == "TOLD"


def test_a_decision_names_the_suppression_that_held():
    other, made = (suppress(None, account, "Ada", "known", NOW, HOUR) for account in ("ACC-2", "ACC-1"))
    decided = decide(finding(), group_of(finding(), POLICY), DayTally(TODAY), [other, made], POLICY, NOW)
    assert decided.decision.suppressed_by == made.suppression_id
    assert decided.group.told is None


def test_what_comes_when_a_suppression_is_over_is_told_although_the_alert_began_before():
    desk = Desk(suppressions=[suppress(None, "ACC-1", "Ada", "known", NOW, HOUR)])
    assert desk.take(finding()) == "SUPPRESSED"
    desk.now = NOW + HOUR
    assert desk.take(finding("strand#8")) == "TOLD"


def test_what_a_tried_rule_saw_and_what_is_below_the_minimum_is_not_told():
    assert not POLICY.tells(finding(shadow=True, severity=Severity.CRITICAL))
    assert not POLICY.tells(finding(severity=Severity.INFO))
    assert POLICY.tells(finding(severity=Severity.LOW))


def test_windows_begin_at_midnight_of_the_day_in_utc():
    policy = TellingPolicy(Severity.LOW, 6 * 3600, 0)
    zone = NOW.astimezone(UTC).replace(hour=5, minute=59, second=59)
    assert group_of(finding(found_at=zone), policy).group_id.startswith("fraud.structuring@20250303T000000Z:")
    later = group_of(finding(found_at=zone + timedelta(seconds=1)), policy).group_id
    assert later.startswith("fraud.structuring@20250303T060000Z:")


def test_what_was_decided_before_rules_had_keys_is_met_again():
    """Alerts of findings without terms of their own have the ids that they had: a replay finds them."""
    lone, journal = finding(account_id=None), finding(rule_id="audit.gap")
    assert group_of(finding(), POLICY).group_id == "fraud.structuring@20250303T090000Z:9439490c7094a9af"
    assert group_of(lone, POLICY).group_id == "fraud.structuring@20250303T090000Z:3a77871dd7b57ff4"
    policy = TellingPolicy(Severity.LOW, 6 * 3600)
    assert group_of(journal, policy).group_id == "audit.gap@20250303T060000Z:515129ceff4fc8d7"


# ---- rules with a key and a window of their own ----------------------------------------------------------------------

DAY = timedelta(days=1)
PAID = {"from_account": "ACC-1", "to_account": "ACC-2", "currency": "EUR", "transaction_id": "T-1"}


def keyed(place="strand#7", parts=(AlertPart.ACCOUNT, AlertPart.CURRENCY), window=None, **changes):
    return finding(place, **{"evidence": PAID, "alert": AlertTerms(tuple(parts), window), **changes})


@pytest.mark.parametrize(
    ("parts", "changes", "outcome"),
    [
        ("account currency", {}, "JOINED"),
        ("account currency", {"evidence": PAID | {"currency": "CHF"}}, "TOLD"),
        ("account currency", {"evidence": PAID | {"to_account": "ACC-3"}}, "JOINED"),
        ("account currency", {"account_id": "ACC-3"}, "TOLD"),
        ("account counterparty", {"evidence": PAID | {"to_account": "ACC-3"}}, "TOLD"),
        ("account counterparty", {"evidence": PAID | {"currency": "CHF"}}, "JOINED"),
        ("currency", {"account_id": "ACC-3"}, "JOINED"),
        ("transaction", {"account_id": "ACC-2"}, "JOINED"),
        ("transaction", {"evidence": PAID | {"transaction_id": "T-2"}}, "TOLD"),
        ("strand", {"account_id": None, "evidence": {}}, "JOINED"),
        ("strand", {"place": "other#7"}, "TOLD"),
        ("", {"account_id": None, "evidence": {}, "place": "other#7"}, "JOINED"),
        ("", {"rule_id": "fraud.velocity-count"}, "TOLD"),
        ("", {"severity": Severity.MEDIUM}, "TOLD"),
        ("", {"status": Status.HEALED}, "TOLD"),
        ("", {"found_at": NOW + timedelta(minutes=30)}, "TOLD"),
    ],
)
def test_findings_that_agree_in_the_parts_of_their_key_are_one_alert(parts, changes, outcome):
    desk, parts = Desk(), [AlertPart(each) for each in parts.split()]
    assert [desk.take(keyed(parts=parts)), desk.take(replace(keyed("strand#8", parts), **changes))] == ["TOLD", outcome]


@pytest.mark.parametrize("parts", [["entry"], ["account", "entry"]])
def test_findings_that_say_nothing_for_a_part_are_alerts_of_their_own(parts):
    desk = Desk()
    made = [keyed(f"strand#{number}", [AlertPart(each) for each in parts]) for number in range(3)]
    assert [desk.take(each) for each in made] == ["TOLD"] * 3


@pytest.mark.parametrize("rule_id", ["audit.gap", "export.broken"])
def test_no_terms_join_findings_about_the_journal(rule_id):
    desk = Desk()
    assert [desk.take(keyed(f"strand#{number}", [], rule_id=rule_id)) for number in range(3)] == ["TOLD"] * 3


def test_what_is_critical_joins_its_alert_under_the_terms_of_its_rule():
    desk = Desk(TellingPolicy(Severity.LOW, 3600, 1))
    made = [keyed(f"strand#{number}", severity=Severity.CRITICAL) for number in range(3)]
    other = keyed("strand#9", severity=Severity.CRITICAL, evidence=PAID | {"currency": "CHF"})
    assert [desk.take(each) for each in [*made, other]] == ["TOLD", "JOINED", "JOINED", "TOLD"]
    assert desk.day.budgeted == 0


WINDOWS = st.sampled_from([60, 300, 3_600, 86_400, 2 * 86_400, 7 * 86_400, 31 * 86_400])
MOMENTS = st.datetimes(datetime(1969, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - as hypothesis asks


@given(WINDOWS, MOMENTS, st.timedeltas(-40 * DAY, 40 * DAY))
def test_two_findings_are_one_alert_where_no_window_ends_between_them(window, at, apart):
    one = group_of(keyed(window=window, found_at=at), POLICY)
    other = group_of(keyed("strand#8", window=window, found_at=at + apart), POLICY)
    begin = one.ends_at - timedelta(seconds=window)
    assert begin <= at < one.ends_at
    assert (one.group_id == other.group_id) == (begin <= at + apart < one.ends_at)
    assert begin.timestamp() % window == 0
    assert window > 86_400 or begin.day == at.day


@given(WINDOWS, MOMENTS)
def test_the_stacks_window_is_for_rules_without_one(window, at):
    halves = TellingPolicy(Severity.LOW, 43_200)
    assert group_of(keyed(found_at=at), halves) == group_of(keyed(found_at=at, window=43_200), POLICY)
    assert group_of(keyed(found_at=at, window=window), halves) == group_of(keyed(found_at=at, window=window), POLICY)


def test_a_rule_that_changes_its_terms_begins_other_alerts():
    terms = [([], None), (["account"], 86_400), (["account"], None), (["currency"], None), ([], 86_400)]
    made = [keyed(parts=[AlertPart(each) for each in parts], window=window) for parts, window in terms]
    assert len({group_of(replace(each, found_at=NOW.replace(hour=0)), POLICY).group_id for each in made}) == 5


def test_an_alert_says_in_words_what_its_findings_have_in_common_and_until_when_they_join():
    group = group_of(keyed(window=86_400), POLICY)
    assert (group.key, group.account_id) == ("account ACC-1, currency EUR", "ACC-1")
    assert group.ends_at == datetime(2025, 3, 4, tzinfo=UTC)
    assert group_of(keyed(parts=[AlertPart.CURRENCY]), POLICY).account_id is None, "others may join"
    assert group_of(finding(rule_id="audit.gap"), POLICY).key == "this finding alone"


def test_an_alert_of_several_days_is_named_in_the_digest_of_each_day_that_had_no_room():
    desk = Desk(TellingPolicy(Severity.LOW, 3600, 1))
    for ago in range(2):
        desk.now = NOW + ago * DAY
        desk.day = DayTally(desk.now.date())
        desk.take(finding(account_id=f"first-{ago}", found_at=desk.now))
        for number in range(2):
            late = keyed(f"strand#{ago}{number}", window=31 * 86_400, found_at=desk.now)
            assert desk.take(late) == "HELD"
        assert [(each.finding_id, each.key) for each in desk.day.held] == [
            (f"fraud.structuring@strand#{ago}0", "account ACC-1, currency EUR")
        ]
        assert desk.day.held_alerts == 1
    assert len(desk.groups) == 3
