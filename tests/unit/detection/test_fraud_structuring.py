"""Structuring: amounts kept just below a threshold."""

import pytest

from tests.fraud_court import Court, only, pay

DAY = 86_400
RULE = only("structuring")


def amounts(court, *values, currency="EUR", step=1):
    return [
        len(court.block(pay("A", "B", value, currency=currency), after=step * number))
        for number, value in enumerate(values)
    ]


def test_three_amounts_in_the_band_are_found_at_the_third():
    assert amounts(Court(RULE), "9999.99", "8000", "9000", "9000") == [0, 0, 1, 0]


@pytest.mark.parametrize("miss", ["10000", "10000.00", "7999.99", "7999.9999999999999999999999999999999999", "0.01"])
def test_an_amount_outside_the_band_does_not_count(miss):
    assert amounts(Court(RULE), "9999.99", "8000", miss) == [0, 0, 0]


@pytest.mark.parametrize("hit", ["9999.9999999999999999999999999999999999", "8000", "8000.00"])
def test_the_band_holds_its_lower_edge_and_not_its_upper(hit):
    assert amounts(Court(RULE), "9999.99", "8000", hit) == [0, 0, 1]


def test_a_day_is_the_window():
    assert amounts(Court(RULE), "9000", "9000", "9000", step=DAY // 2) == [0, 0, 0]
    assert amounts(Court(RULE), "9000", "9000", "9000", step=DAY // 2 - 1) == [0, 0, 1]


def test_ordinary_transfers_in_between_do_not_hide_it():
    assert amounts(Court(RULE), "9000", "3", "9000", "12000", "9000") == [0, 0, 0, 0, 1]


def test_other_transfers_between_two_bursts_end_the_first():
    court = Court(RULE)
    assert amounts(court, "9000", "9000", "9000") == [0, 0, 1]
    assert court.block(pay("A", "B", 5), after=2 * DAY) == []
    later = [len(court.block(pay("A", "B", 9_000), after=2 * DAY + second)) for second in range(1, 4)]
    assert later == [0, 0, 1]


def test_currencies_are_apart_and_may_have_thresholds_of_their_own():
    court = Court(RULE)
    assert court.block(pay("A", "B", 9_000), pay("A", "B", 9_000), pay("A", "B", 9_000, currency="USD")) == []
    court = Court(only("structuring", threshold={"default": "10000", "JPY": "1500000"}))
    assert amounts(court, 1_499_999, 1_200_000, 1_300_000, currency="JPY") == [0, 0, 1]


def test_the_reason_has_the_figures():
    (finding,) = Court(RULE).block(*(pay("A", "B", amount) for amount in ("9500.00", "9800.00", "9250.00")))
    assert finding.reason == (
        "A made 3 transfers of at least 8000.0 but below 10000 EUR within 1 day, 28550.00 EUR together"
    )
    assert finding.evidence["threshold"] == "10000"
    assert finding.evidence["sum"] == "28550.00"
