"""Accounts as a network: what is remembered, that it is bounded, and that a crash in the middle of a block leaves no trace."""

import json
from decimal import Decimal
from random import Random

import pytest

from counterfoil.detection.fraud_rules.network import Network
from counterfoil.detection.network import limits
from counterfoil.detection.network.measures import MEASURES, NAMES, OWN, PLACES, Measurement, shown
from counterfoil.detection.network.observation import Observation, observe
from counterfoil.detection.network.profile import Profile, parse_profile
from tests.fraud_court import pay

HOUR = 3_600 * 1_000_000
DAY = 24 * HOUR


class Ledger:
    """Profiles by account; each call is a block of transfers at a time in hours."""

    def __init__(self):
        self.profiles = {}
        self.next_no = 0
        self.order = range(len(NAMES))

    def block(self, hours, *transfers, outside=(), ahead=(), cash=()):
        items = [(index, int(hours * HOUR), pay(*each)) for index, each in enumerate(transfers)]
        names = {name for _, _, each in items for name in (each.from_account, each.to_account)} - set(outside)
        everyone = {name: self.profiles.setdefault(name, Profile()) for name in names}
        behind = {name: each for name, each in everyone.items() if name not in ahead}
        known = {name: each for name, each in everyone.items() if name in ahead}
        look = observe(self.next_no, items, behind, known, None, frozenset(cash))
        asked = [{place: each.measures[place] for place in self.order} for each in look.observations]
        seen = [
            each._replace(measures=[found[place] for place in range(len(NAMES))])
            for each, found in zip(look.observations, asked, strict=True)
        ]
        look.take_in()
        self.next_no += 1
        return seen

    def measures(self, *args, **names):
        (seen,) = self.block(*args, **names)
        return dict(zip(NAMES, seen.measures, strict=True))


def test_every_measure_has_a_name_of_its_own_and_those_of_memory_come_last():
    assert len(set(NAMES)) == len(NAMES)
    assert [each.remembered for each in MEASURES] == [index >= OWN for index in range(len(MEASURES))]


def test_the_first_payment_and_what_came_before_it():
    ledger = Ledger()
    ledger.block(0, ("A", "B", "10"))
    found = ledger.measures(48, ("A", "B", "30"))
    assert (found["first_payment"], found["payments_before"], found["days_since_payment"]) == (0, 1, 2)
    back = ledger.measures(49, ("B", "A", "5"))
    assert (back["first_payment"], back["payments_back"], back["days_since_payment"]) == (1, 2, 99)


def test_windows_slide_and_end():
    ledger = Ledger()
    for index in range(3):
        ledger.block(0, (f"P{index}", "G", "10"))
    within = ledger.measures(23, ("Q", "G", "10"))
    assert (within["payee_new_payers_day"], within["payee_received_day"], within["payee_new_payers_week"]) == (3, 3, 3)
    later = ledger.measures(24, ("R", "G", "10"))
    assert (later["payee_new_payers_day"], later["payee_new_payers_week"]) == (1, 4)


def test_scatter_and_gather_count_the_ways_that_meet():
    ledger = Ledger()
    ledger.block(0, ("S", "A", "10"), ("S", "B", "10"), ("S", "C", "10"))
    assert ledger.measures(1, ("A", "G", "9"))["gathered"] == 0
    assert ledger.measures(2, ("B", "G", "9"))["gathered"] == 2
    assert ledger.measures(3, ("C", "G", "9"))["gathered"] == 3
    assert ledger.measures(4, ("Z", "G", "9"))["gathered"] == 0


@pytest.mark.parametrize("length", [3, 4, 5, 6])
def test_a_circle_in_the_order_of_time(length):
    ledger = Ledger()
    for index in range(length - 1):
        assert ledger.measures(index, (f"A{index}", f"A{index + 1}", "10"))["cycle"] == 9
    assert ledger.measures(length, (f"A{length - 1}", "A0", "10"))["cycle"] == length


def test_no_circle_against_the_order_of_time_nor_beyond_six():
    backwards = Ledger()
    backwards.block(0, ("B", "C", "10"))
    backwards.block(1, ("A", "B", "10"))
    assert backwards.measures(2, ("C", "A", "10"))["cycle"] == 9
    long = Ledger()
    for index in range(6):
        long.block(index, (f"A{index}", f"A{index + 1}", "10"))
    assert long.measures(7, ("A6", "A0", "10"))["cycle"] == 9


def test_everyday_payments_and_cash_are_apart():
    ledger = Ledger()
    ledger.block(0, ("A", "SHOP", "5"), ("A", "SHOP", "7"), outside={"SHOP"})
    ledger.block(1, ("A", "CASH", "100"), outside={"CASH"}, cash={"CASH"})
    found = ledger.measures(2, ("A", "B", "1"))
    assert (found["payer_everyday_count"], found["payer_everyday_sum"], found["payer_cash_count"]) == (2, 12, 1)
    assert ledger.measures(15 * 24, ("A", "B", "1"))["payer_everyday_count"] == 0


def test_everyday_payments_are_counted_by_day_since_an_account_was_first_seen():
    ledger = Ledger()
    assert ledger.measures(0, ("A", "B", "1"))["payer_everyday_rate"] == 0
    for day in (1, 2, 40):
        ledger.block(day * 24, ("A", "SHOP", "5"), outside={"SHOP"})
    ledger.block(41 * 24, ("A", "CASH", "100"), outside={"CASH"}, cash={"CASH"})
    found = ledger.measures(59 * 24, ("A", "B", "1"))
    assert (found["payer_everyday_rate"], found["payee_everyday_rate"]) == (3 / 60, 0)


def test_the_everyday_rates_of_those_dealt_with_are_remembered_for_a_week():
    ledger = Ledger()
    for payer, payments in (("A", 2), ("B", 4)):
        ledger.block(0, *[(payer, "SHOP", "5")] * payments, outside={"SHOP"})
        ledger.block(24, (payer, "G", "1"))
    found = ledger.measures(48, ("G", "H", "1"))
    assert (found["payer_payers_rate"], found["payer_payees_rate"], found["payee_payers_rate"]) == (1.5, 9, 9)
    assert ledger.measures(72, ("B", "C", "1"))["payer_payees_rate"] == 0
    assert ledger.measures(8 * 24, ("G", "H", "1"))["payer_payers_rate"] == 9


def test_a_profile_of_the_time_before_rates_is_read_and_its_transfers_have_none():
    body = {"received": [[4, 0, 1_000, "B", 10.0, "EUR", True, 1, 0.0]], "payers": {"B": [1, 1_000]}}
    ledger = Ledger()
    ledger.profiles, ledger.next_no = {"A": parse_profile(body)}, 5
    found = ledger.measures(1, ("A", "C", "1"))
    assert (found["payer_received_day"], found["payer_payers_rate"], found["payer_everyday_rate"]) == (1, 9, 0)


def test_an_unusual_amount_stands_out_in_its_own_currency():
    ledger = Ledger()
    for index, amount in enumerate(("10", "11", "9", "10", "10.5")):
        ledger.block(index, ("A", "B", amount))
    assert ledger.measures(6, ("A", "B", "500"))["outlier"] > 100
    foreign = ledger.block(7, ("A", "B", "500"))
    assert foreign[0].measures[PLACES["outlier"]] > 0


def parties(chance, names):
    payer, payee = chance.sample(names, 2)
    return payer, payee if chance.random() < 0.8 else "SHOP"


def day_of_transfers(seed, accounts, blocks):
    chance = Random(seed)
    names = [f"A{index}" for index in range(accounts)]
    return [
        [(*parties(chance, names), str(chance.randint(1, 999))) for _ in range(chance.choice((1, 1, 1, 3)))]
        for _ in range(blocks)
    ]


def rendered(ledger):
    return {name: json.loads(each.render()) for name, each in ledger.profiles.items()}


@pytest.mark.parametrize("seed", range(6))
def test_accounts_left_behind_by_a_crash_catch_up(seed):
    """Some accounts hold a batch of blocks already, the others do not: judged again, all end as if nothing had happened."""
    blocks = day_of_transfers(seed, accounts=7, blocks=60)
    chance = Random(seed)
    undisturbed = Ledger()
    for number, transfers in enumerate(blocks):
        undisturbed.block(number / 3, *transfers, outside={"SHOP"})
    crashed = Ledger()
    for number, transfers in enumerate(blocks[:20]):
        crashed.block(number / 3, *transfers, outside={"SHOP"})
    before = {name: each.render() for name, each in crashed.profiles.items()}
    for number, transfers in enumerate(blocks[20:], 20):
        crashed.block(number / 3, *transfers, outside={"SHOP"})
    lost = {name for name in crashed.profiles if chance.random() < 0.5}
    for name in lost:
        crashed.profiles[name] = parse_profile(json.loads(before.get(name, "{}")))
    crashed.next_no = 20
    kept = set(crashed.profiles) - lost
    for number, transfers in enumerate(blocks[20:], 20):
        crashed.block(number / 3, *transfers, ahead=kept, outside={"SHOP"})
    assert rendered(crashed) == rendered(undisturbed)


def test_a_profile_read_back_goes_on_as_it_was():
    blocks = day_of_transfers(3, accounts=5, blocks=80)
    whole, in_parts = Ledger(), Ledger()
    for number, transfers in enumerate(blocks):
        whole.block(number, *transfers, outside={"SHOP"})
        in_parts.block(number, *transfers, outside={"SHOP"})
        in_parts.profiles = {name: parse_profile(each) for name, each in rendered(in_parts).items()}
    assert rendered(whole) == rendered(in_parts)


def test_what_is_remembered_is_bounded_however_busy_the_account():
    ledger = Ledger()
    for index in range(1_500):
        ledger.block(index / 10, (f"P{index}", "HUB", "10"), ("HUB", f"Q{index}", "10"))
    hub = ledger.profiles["HUB"]
    assert len(hub.paid) <= limits.MAX_FLOWS * limits.MOST
    assert len(hub.received) <= limits.MAX_FLOWS * limits.MOST
    assert sum(len(each.hops) for each in hub.traces) <= limits.MAX_TRACED * limits.MOST
    assert len(hub.payees) == len(hub.payers) == limits.MAX_PARTIES
    assert len(hub.co_payers) <= limits.MAX_SHARED
    quiet = Ledger()
    for index in range(1_000):
        quiet.next_no = index * limits.SLACK * 2
        quiet.block(index, ("A", "B", "1"))
    assert len(quiet.profiles["A"].paid) == limits.MAX_FLOWS + 1
    assert Decimal(quiet.profiles["A"].payees["B"].times) == 1_000


@pytest.mark.parametrize(
    ("below", "found", "is_seen"),
    [("0", 0.49996, True), ("0", 0.49994, False), ("0", 0.5, True), ("2", 1.50004, True), ("2", 1.50006, False)],
)
def test_a_measure_reaches_its_threshold_as_it_is_shown(below, found, is_seen):
    """To four digits, halves up, on the very edge."""
    values = Measurement(None)
    values[PLACES["outlier"]] = found
    rule = Network(on="outlier", below=Decimal(below), at_least=Decimal("0.5"))
    observation = Observation(pay("A", "B", "10"), values, None)
    assert (rule.value(observation, None) is not None) is is_seen


def test_equal_measures_are_written_alike():
    assert {str(shown(found)) for found in (0, 0.0, -0.0, -0.00001)} == {"0.0"}
    assert {str(shown(found)) for found in (1, 1.0, 1.00004)} == {"1.0"}


def test_a_measure_is_taken_when_asked_for_and_not_after_the_accounts_went_on():
    ledger = Ledger()
    ledger.block(0, ("A", "B", "10"))
    profiles = {name: ledger.profiles[name] for name in "AB"}
    look = observe(1, [(0, HOUR, pay("A", "B", "20"))], profiles, {}, None)
    (seen,) = look.observations
    assert seen.measures[PLACES["payments_before"]] == 1
    look.take_in()
    assert seen.measures[PLACES["payments_before"]] == 1
    with pytest.raises(LookupError, match="payer_sent_day"):
        seen.measures[PLACES["payer_sent_day"]]


@pytest.mark.parametrize("seed", range(3))
def test_measures_are_the_same_in_whatever_order_they_are_asked_for(seed):
    together, apart = Ledger(), Ledger()
    for number, transfers in enumerate(day_of_transfers(seed, accounts=6, blocks=60)):
        expected = [each.measures for each in together.block(number, *transfers)]
        apart.order = Random(number).sample(range(len(NAMES)), len(NAMES))
        assert [each.measures for each in apart.block(number, *transfers)] == expected


class AllMeasures:
    """A model that is told of a measure by its place among all."""

    hash = "0" * 64

    def first_score(self, measures):
        return min(measures[PLACES["amount"]] / 1_000, 1.0)

    def score(self, measures):
        assert len(measures) == len(NAMES)
        return 0.5


def test_where_a_model_is_asked_all_measures_stay():
    look = observe(1, [(0, HOUR, pay("A", "B", "20"))], {"A": Profile(), "B": Profile()}, {}, AllMeasures())
    look.take_in()
    (seen,) = look.observations
    assert (len(seen.measures), seen.score) == (len(NAMES), 0.5)
    assert look.behind["A"].paid[0].score == look.behind["B"].received[0].score == 0.02
