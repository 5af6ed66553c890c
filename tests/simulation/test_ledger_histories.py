"""No interleaving of transactions leaves a history that no serial order explains; and the checker would notice one."""

import os

import pytest

from counterfoil.ledger.concurrency import WriteLog
from tests.ledger_histories import Schedule, Told, anomalies
from tests.ledgers import KINDS, ledger_on

SEEDS = range(40 if os.environ.get("COUNTERFOIL_PROVE") else 5)
TRANSACTIONS = {"memory": 2_000, "sqlite": 300, "dynamodb": 150}


def history_of(kind, folder, seed, transactions):
    with ledger_on(kind, folder, seed=seed) as ledger:
        schedule = Schedule(ledger, seed)
        schedule.prepare()
        return schedule.run(transactions), schedule


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_history_is_strictly_serializable(kind, seed, tmp_path):
    history, schedule = history_of(kind, tmp_path, seed, TRANSACTIONS[kind])
    assert anomalies(history) == []
    assert schedule.conflicts > len(history) / 50
    assert sum(each.committed for each in history) > len(history) / 4


def ignores(kind_of_footprint):
    """A validation that does not look at one kind of footprint."""
    honest = WriteLog.conflict

    def conflict(log, read, snapshot):
        return honest(log, [each for each in read if not kind_of_footprint(each)], snapshot)

    return conflict


WEAKENED = {
    "nothing is checked": lambda log, read, snapshot: None,
    "documents are not": ignores(lambda each: isinstance(each, str)),
    "index keys are not": ignores(lambda each: isinstance(each, tuple) and isinstance(each[-1], bytes)),
    "only blocks behind the next one are": lambda log, read, snapshot, honest=WriteLog.conflict: honest(
        log, read, snapshot + 1
    ),
}


@pytest.mark.parametrize("name", WEAKENED)
def test_a_weaker_validation_is_noticed(name, tmp_path, monkeypatch):
    monkeypatch.setattr(WriteLog, "conflict", WEAKENED[name])
    try:
        history, _ = history_of("memory", tmp_path, 1, 2_000)
    except AssertionError as error:
        assert "two documents under key" in str(error)
    else:
        assert anomalies(history)


def told(number, began, answered, appended=(), reads=()):
    return Told(number, began, answered, committed=True, appended=list(appended), reads=list(reads))


@pytest.mark.parametrize(
    ("name", "history"),
    [
        ("lost update", [told(0, 1, 2, [("x", 1)]), told(1, 1, 2, [("x", 2)]), told(2, 3, 4, [], [("x", (2,))])]),
        (
            "write skew",
            [
                told(0, 1, 3, [("x", 1)], [("y", ())]),
                told(1, 1, 3, [("y", 2)], [("x", ())]),
                told(2, 4, 5, [], [("x", (1,)), ("y", (2,))]),
            ],
        ),
        (
            "a read that is split",
            [
                told(0, 1, 3, [("x", 1), ("y", 2)]),
                told(1, 1, 3, [], [("x", (1,)), ("y", ())]),
                told(2, 4, 5, [], [("y", (2,))]),
            ],
        ),
        ("a stale read", [told(0, 1, 2, [("x", 1)]), told(1, 3, 4, [], [("x", ())]), told(2, 5, 6, [], [("x", (1,))])]),
        (
            "two orders",
            [
                told(0, 1, 9, [("x", 1)]),
                told(1, 1, 9, [("x", 2)]),
                told(2, 1, 9, [], [("x", (1, 2))]),
                told(3, 1, 9, [], [("x", (2, 1))]),
            ],
        ),
    ],
)
def test_the_checker_knows_the_anomalies_by_hand(name, history):
    assert anomalies(history)


def test_the_checker_accepts_a_history_that_is_serial():
    history = [told(0, 1, 2, [("x", 1)]), told(1, 3, 4, [("x", 2)], [("x", (1,))]), told(2, 5, 6, [], [("x", (1, 2))])]
    assert anomalies(history) == []
