"""A model fitted to transactions: the same each time, and evaluated as the library that fitted it would."""

import json
from itertools import repeat
from random import Random

import pytest

from counterfoil.adapters.labelled_transfers import COLUMNS, read_labelled
from counterfoil.detection.network.model import parse_model
from counterfoil.errors import InputError
from lab import model_training

STEPS = 18


def write(path, *, bad):
    """Customers with habits, and every third day a ring of first payments within the day."""
    chance = Random(1)
    lines = []
    for step in range(STEPS):
        for _ in range(25):
            payer = chance.randrange(40)
            lines.append(
                (step, "TRANSFER", "10.00", payer, (payer * 7 + chance.randrange(2)) % 40, 50, 40, 50, 60, 0, -1, 0)
            )
        if step % 3 == 2:
            ring = chance.sample(range(40, 80), 9)
            lines += [(step, "TRANSFER", "12.00", payer, ring[0], 50, 38, 50, 62, bad, step, 2) for payer in ring[1:]]
    text = "\n".join(",".join(map(str, each)) for each in (COLUMNS, *lines))
    path.write_text(text + "\n")
    return path


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    return list(read_labelled(write(tmp_path_factory.mktemp("set") / "t.csv", bad=1)))


@pytest.fixture(autouse=True)
def one_small_ensemble(monkeypatch):
    monkeypatch.setattr(model_training, "_SEEDS", (0,))
    monkeypatch.setitem(model_training._BOOSTING, "max_iter", 6)


def test_the_same_transactions_give_the_same_model(past):
    first, again = (model_training.fit(past, STEPS - 1, "small") for _ in range(2))
    assert json.dumps(first) == json.dumps(again)
    assert first["second"]["trees"] != first["first"]["trees"]
    assert first["card"]["bad"] == 8 * (STEPS // 3)
    assert first["card"]["checked_average_precision"] > 0.5


def test_the_exported_trees_say_what_the_library_says(past):
    examples = model_training._Examples(past, model_training._Told(repeat(0.0)))
    fitted = examples.fitted(STEPS - 1)
    rows = list(range(0, len(examples.steps), 7))
    body = model_training.fit(past, STEPS - 1, "small") | {"second": fitted.exported()}
    model = parse_model(json.dumps(body))
    told = [model.score(examples.measures[index]) for index in rows]
    assert told == pytest.approx(fitted.probabilities(rows), abs=1e-6)
    assert len(set(told)) > 3


def test_nothing_bad_is_nothing_to_learn(tmp_path):
    with pytest.raises(InputError, match="nothing to learn"):
        model_training.fit(list(read_labelled(write(tmp_path / "t.csv", bad=0))), STEPS - 1, "none")
