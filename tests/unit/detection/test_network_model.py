"""A model is numbers: read strictly, evaluated as written, and able to say what made its score."""

import json
from math import exp, log

import pytest

from counterfoil.detection.network.measures import NAMES, OWN, PLACES
from counterfoil.detection.network.model import MAX_DEPTH, MAX_TREES, parse_model, shipped_model
from counterfoil.errors import InputError

TREE = [PLACES["amount"], 100.0, -1.0, [PLACES["first_payment"], 0.5, 0.25, 2.0]]


def document(**changes):
    body = {
        "format": "counterfoil-model/1",
        "name": "a small one",
        "measures": list(NAMES),
        "first": {"baseline": -2, "trees": [0.5]},
        "second": {"baseline": -3.0, "trees": [TREE, 0.125]},
        "card": {},
    }
    return {**body, **changes}


def measures(**values):
    found = [0.0] * len(NAMES)
    for name, value in values.items():
        found[PLACES[name]] = value
    return found


@pytest.mark.parametrize(
    ("values", "odds"),
    [
        ({"amount": 100.0}, -3 - 1 + 0.125),
        ({"amount": 100.1}, -3 + 0.25 + 0.125),
        ({"amount": 101.0, "first_payment": 1.0}, -3 + 2 + 0.125),
    ],
)
def test_the_log_odds_are_the_baseline_and_a_leaf_of_every_tree(values, odds):
    model = parse_model(json.dumps(document()))
    assert model.score(measures(**values)) == pytest.approx(1 / (1 + exp(-odds)))
    assert model.first_score(measures(**values)) == pytest.approx(1 / (1 + exp(1.5)))


def test_contributions_and_the_means_of_the_trees_make_the_score():
    model = parse_model(json.dumps(document()))
    found = model.contributions(measures(amount=101.0, first_payment=1.0))
    mean = (-1 + 0.25 + 2) / 3
    score = model.score(measures(amount=101.0, first_payment=1.0))
    assert list(found) == ["first_payment", "amount"]
    assert sum(found.values()) + mean - 3 + 0.125 == pytest.approx(log(score / (1 - score)))


def deep(levels):
    tree = 1.0
    for _ in range(levels):
        tree = [0, 1.0, tree, 2.0]
    return tree


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"format": "pickle"}, "format"),
        ({"measures": ["amount"]}, "other measures"),
        ({"first": {"baseline": 0, "trees": [[OWN, 1.0, 1.0, 2.0]]}}, "no measure"),
        ({"second": {"baseline": 0, "trees": [[-1, 1.0, 1.0, 2.0]]}}, "no measure"),
        ({"second": {"baseline": 0, "trees": [[True, 1.0, 1.0, 2.0]]}}, "no measure"),
        ({"second": {"baseline": "0", "trees": [1.0]}}, "not a number"),
        ({"second": {"baseline": 0, "trees": [["os.system", 1.0, 1.0, 2.0]]}}, "no measure"),
        ({"second": {"baseline": 0, "trees": [[0, 1.0, 2.0]]}}, "branch"),
        ({"second": {"baseline": 0, "trees": []}}, "trees"),
        ({"second": {"baseline": 0, "trees": [1.0] * (MAX_TREES + 1)}}, "trees"),
        ({"second": {"baseline": 0, "trees": [deep(MAX_DEPTH + 2)]}}, "branch"),
        ({"card": "good"}, "card"),
    ],
)
def test_what_is_no_model_is_refused(changes, named):
    with pytest.raises(InputError, match=named):
        parse_model(json.dumps(document(**changes)))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": NaN}', "[" * 100_000, json.dumps(document()).replace("-3.0", "1e999")]
)
def test_hostile_text_is_refused(text):
    with pytest.raises(InputError):
        parse_model(text)


def test_the_shipped_model_ranks_a_burst_of_first_payments_above_a_habit():
    model = shipped_model()
    habit = measures(
        payments_before=9.0,
        days_since_payment=3.0,
        amount=500.0,
        payer_everyday_count=7.0,
        payee_everyday_count=7.0,
        cycle=9.0,
    )
    burst = measures(
        first_payment=1.0, days_since_payment=99.0, amount=700.0, payee_new_payers_day=6.0, payee_received_day=6.0,
        payer_new_payees_day=6.0, payer_sent_day=6.0, shared_payers=6.0, cycle=9.0, payer_everyday_count=2.0, payee_everyday_count=2.0,
    )  # fmt: skip
    assert model.first_score(burst) > 10 * model.first_score(habit)
    assert model.hash == parse_model_hash()


def parse_model_hash():
    from hashlib import sha256
    from importlib.resources import files

    return sha256((files("counterfoil.detection.network") / "amlgentex.json").read_bytes()).hexdigest()
