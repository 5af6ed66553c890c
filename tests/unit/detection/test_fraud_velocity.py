"""Velocity: sliding windows per event, one finding per burst, money apart by currency."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from counterfoil.detection.finding import Severity
from tests.fraud_court import MORNING, Court, only, pay

COUNT = only("velocity-count", threshold="3", window_seconds=60)
SUM = only("velocity-sum", threshold="100", window_seconds=60)


def test_one_transfer_more_than_the_limit_is_found_once():
    court = Court(COUNT)
    assert [len(court.block(pay("A", "B", 1), after=second)) for second in range(6)] == [0, 0, 0, 1, 0, 0]


def test_the_limit_itself_is_not_too_many():
    court = Court(COUNT)
    assert [court.block(pay("A", "B", 1), after=second) for second in range(3)] == [[], [], []]


@pytest.mark.parametrize(("last", "found"), [(59.999999, 1), (60, 0)])
@pytest.mark.parametrize("others", [True, False])
def test_what_lies_a_whole_window_back_is_outside(last, found, others):
    """Also where another rule looks further back, and so more is remembered."""
    settings = {"velocity-count": {"threshold": "3", "window_seconds": 60}}
    court = Court(json.dumps({"rules": settings}) if others else COUNT)
    for _ in range(3):
        court.block(pay("A", "B", 1))
    assert len(court.block(pay("A", "B", 1), after=last)) == found


def test_a_second_burst_is_a_second_finding():
    court = Court(COUNT)
    seconds = [0, 1, 2, 3, 100, 101, 102, 103]
    found = [len(court.block(pay("A", "B", 1), after=second)) for second in seconds]
    assert found == [0, 0, 0, 1, 0, 0, 0, 1]


def test_a_burst_that_goes_on_stays_one_finding():
    court = Court(COUNT)
    found = [len(court.block(pay("A", "B", 1), after=15 * number)) for number in range(40)]
    assert sum(found) == 1


def test_transfers_of_one_block_count_one_by_one():
    court = Court(COUNT)
    (finding,) = court.block(*(pay("A", "B", 1) for _ in range(10)))
    assert finding.evidence["value"] == "4"


def test_what_comes_in_does_not_count():
    court = Court(COUNT)
    assert court.block(*(pay(f"P{number}", "A", 1) for number in range(10))) == []


def test_accounts_count_apart_and_currencies_together():
    court = Court(COUNT)
    assert court.block(*(pay(f"P{number % 3}", "B", 1) for number in range(9))) == []
    court = Court(COUNT)
    assert court.rules_of(*(pay("A", "B", 1, currency=f"C{number}") for number in range(4))) == ["velocity-count"]


def test_a_clock_that_goes_back_hides_no_burst():
    court = Court(COUNT)
    found = [len(court.block(pay("A", "B", 1), after=second)) for second in (30, 20, 10, 0)]
    assert found == [0, 0, 0, 1]


def test_the_evidence_names_every_transfer_in_the_window():
    court = Court(COUNT)
    court.block(pay("A", "B", 1, transaction_id="old"), after=0)
    for second, name in enumerate(("t1", "t2", "t3"), start=100):
        court.block(pay("A", "B", second, transaction_id=name), after=second)
    (finding,) = court.block(pay("A", "B", "2.50", transaction_id="t4", document_id="d4"), after=103)
    assert json.loads(finding.evidence["transaction_ids"]) == ["t1", "t2", "t3", "t4"]
    assert json.loads(finding.evidence["amounts"]) == ["100", "101", "102", "2.50"]
    assert json.loads(finding.evidence["blocks"]) == ["1", "2", "3", "4"]
    assert finding.evidence["window_end"] == "2025-03-01T09:01:43.000000Z"
    assert finding.evidence["window_start"] == "2025-03-01T09:00:43.000000Z"
    assert json.loads(finding.evidence["rule_settings"])["threshold"] == "3"
    assert finding.evidence["rule_config_version"] == court.config.version
    assert (finding.account_id, finding.document_id) == ("A", "d4")
    assert finding.severity is Severity.MEDIUM
    assert finding.finding_id == "fraud.velocity-count@JdxjkR9bSYB5jMHWcI464T#4:A"
    assert "A made 4 transfers within 1 minute" in finding.reason


def test_one_cent_above_the_sum_is_found_and_the_sum_itself_is_not():
    assert Court(SUM).block(pay("A", "B", "60"), pay("A", "B", "40.00")) == []
    (finding,) = Court(SUM).block(pay("A", "B", "60"), pay("A", "C", "40.01"))
    assert finding.evidence["value"] == "100.01"
    assert "A sent 100.01 EUR in 2 transfers" in finding.reason
    assert finding.subject == "A:EUR"


def test_sums_are_kept_apart_by_currency():
    assert Court(SUM).block(pay("A", "B", 99), pay("A", "B", 99, currency="USD")) == []
    court = Court(only("velocity-sum", threshold={"default": "100", "JPY": "10000"}))
    assert court.block(pay("A", "B", 10_000, currency="JPY")) == []
    assert court.rules_of(pay("A", "B", 1, currency="JPY")) == ["velocity-sum"]


def test_each_currency_has_a_burst_of_its_own():
    court = Court(SUM)
    assert court.rules_of(pay("A", "B", 101)) == ["velocity-sum"]
    assert court.rules_of(pay("A", "B", 101, currency="USD")) == ["velocity-sum"]
    assert court.rules_of(pay("A", "B", 101)) == []


def test_sums_of_amounts_of_38_digits_are_exact():
    limit = "9" * 38
    court = Court(only("velocity-sum", threshold=limit))
    assert court.block(pay("A", "B", limit)) == []
    smallest = Decimal("0." + "0" * 36 + "1")
    (finding,) = court.block(pay("A", "B", smallest))
    assert finding.evidence["value"] == f"{limit}.{'0' * 36}1"


def test_times_at_the_edge_of_the_calendar_are_judged_like_others():
    court = Court(COUNT)
    at = MORNING.replace(year=1) - MORNING
    found = [len(court.block(pay("A", "B", 1), after=at + timedelta(seconds=second))) for second in range(4)]
    assert found == [0, 0, 0, 1]


def test_the_first_instant_of_the_calendar_has_a_window_too():
    court = Court(COUNT)
    at = MORNING.replace(year=1, month=1, day=1, hour=0) - MORNING
    (finding,) = [each for _ in range(4) for each in court.block(pay("A", "B", 1), after=at)]
    assert finding.evidence["window_start"] == "0001-01-01T00:00:00.000000Z"
