"""Rapid in and out: what came in goes out again."""

import pytest

from counterfoil.detection.account import MAX_INFLOWS
from tests.fraud_court import Court, only, pay

DAY = 86_400
RULE = only("rapid-in-out")


def flows(*steps):
    """What is found at each of ``(second, direction, amount)``."""
    court = Court(RULE)
    return [
        len(court.block(pay("A", "M", amount) if direction == "in" else pay("M", "B", amount), after=second))
        for second, direction, amount in steps
    ]


@pytest.mark.parametrize("sent", ["9000", "9000.00", "10000", "11000"])
def test_ratios_from_nine_tenths_to_eleven_tenths_are_found(sent):
    assert flows((0, "in", 10_000), (1, "out", sent)) == [0, 1]


@pytest.mark.parametrize("sent", ["8999.99", "11000.01", "8999." + "9" * 34, "11000." + "0" * 32 + "1"])
def test_ratios_outside_are_not(sent):
    assert flows((0, "in", 10_000), (1, "out", sent)) == [0, 0]


def test_several_outflows_add_up():
    assert flows((0, "in", 6_000), (1, "out", 2_700), (2, "out", 3_000), (3, "out", 100)) == [0, 0, 1, 0]


def test_several_inflows_add_up_and_small_ones_do_not():
    assert flows((0, "in", 6_000), (1, "in", 6_000), (2, "out", 6_000), (3, "out", 6_000)) == [0, 0, 0, 1]
    assert flows((0, "in", 6_000), (1, "in", "4999.99"), (2, "out", 6_000)) == [0, 0, 1]


def test_an_inflow_below_the_minimum_is_not_looked_at():
    assert flows((0, "in", "4999.99"), (1, "out", "4999.99")) == [0, 0]
    assert flows((0, "in", "5000"), (1, "out", "5000")) == [0, 1]


def test_what_went_out_before_does_not_count():
    assert flows((0, "out", 5_000), (1, "in", 5_000), (2, "out", 100)) == [0, 0, 0]


@pytest.mark.parametrize(("second", "found"), [(DAY - 1, 1), (DAY, 0)])
def test_a_day_later_it_is_no_longer_rapid(second, found):
    assert flows((0, "in", 5_000), (second, "out", 5_000)) == [0, found]


def test_a_second_pass_through_is_a_second_finding():
    steps = (
        (0, "in", 5_000),
        (1, "out", 5_000),
        (2 * DAY, "out", 1),
        (3 * DAY, "in", 5_000),
        (3 * DAY + 1, "out", 5_000),
    )
    assert flows(*steps) == [0, 1, 0, 0, 1]


def test_currencies_are_apart():
    court = Court(RULE)
    court.block(pay("A", "M", 5_000, currency="USD"))
    assert court.block(pay("M", "B", 5_000, currency="EUR")) == []
    assert court.rules_of(pay("M", "B", 5_000, currency="USD")) == ["rapid-in-out"]


def test_a_flood_of_small_inflows_does_not_wash_the_large_one_away():
    court = Court(RULE)
    court.block(pay("A", "M", 5_000))
    court.block(*(pay("A", "M", "0.01") for _ in range(3 * MAX_INFLOWS)))
    assert court.rules_of(pay("M", "B", 5_000)) == ["rapid-in-out"]


def test_the_reason_has_the_figures():
    court = Court(RULE)
    court.block(pay("A", "M", "6000.00"))
    (finding,) = court.block(pay("M", "B", "5700.00"))
    assert finding.reason == "M received 6000.00 EUR and sent 5700.00 EUR (95.0 %) on within 1 day"
    assert finding.account_id == "M"
