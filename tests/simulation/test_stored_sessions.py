"""Sessions in a log, continued by any instance, answer what sessions held by one server answer."""

import os

import pytest

from tests.session_worlds import Client

SEEDS = 400 if os.environ.get("COUNTERFOIL_PROVE") else 30
STEPS = 60


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_answer_is_that_of_a_server_that_holds_its_sessions(seed):
    Client(seed).play(STEPS)


def test_the_stories_hold_what_they_are_about():
    """Commits, conflicts, expired transactions and sessions, failed statements, later pages, refusals: each of them happens."""
    seen = set()
    for seed in range(12):
        for request, outcome in Client(seed).play(STEPS).said:
            (name,) = request.keys() - {"SessionToken"}
            seen.add((name, outcome[0]) if isinstance(outcome, tuple) else name)
            if isinstance(outcome, tuple):
                seen.add(outcome[1].partition(":")[0].split(" ")[0])
    assert seen >= {
        "CommitTransaction",
        ("CommitTransaction", "OccConflictException"),
        ("CommitTransaction", "BadRequestException"),
        ("ExecuteStatement", "InvalidSessionException"),
        ("ExecuteStatement", "BadRequestException"),
        "FetchPage",
        ("FetchPage", "BadRequestException"),
        ("StartTransaction", "BadRequestException"),
        "AbortTransaction",
        "Access",
        "Session",
        "Transaction",
    }
