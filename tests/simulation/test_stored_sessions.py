"""Sessions in a log, continued by any instance, answer what sessions held by one server answer."""

import os

import pytest

from counterfoil.adapters.dynamodb.session_log import DynamoDbSessionLog
from tests.session_worlds import STATEMENTS, STRAND, Client, Stored

PROVING = bool(os.environ.get("COUNTERFOIL_PROVE"))
SEEDS = 400 if PROVING else 30
STEPS = 60


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_answer_is_that_of_a_server_that_holds_its_sessions(seed):
    Client(seed).play(STEPS)


# Rows of a table come in another order there: what depends on it is left to memory.
UNORDERED = [each for each in STATEMENTS if "m.text" not in each and "history" not in each]


class OnDynamoDb(Stored):
    """Every instance has a ledger of its own over the same tables, and the log is a table."""

    def open_store(self):
        from tests.dynamodb_ledgers import make_place  # the emulator starts with the first of them

        self.place = make_place(STRAND)
        return self.shared_store()

    def shared_store(self):
        from tests.dynamodb_ledgers import ProjectedNowAndThen

        return ProjectedNowAndThen(self.place, self.clock, self.chance.randrange(2**32))

    def open_log(self):
        from tests.dynamodb_ledgers import client

        keys = [("session", "S", "HASH"), ("event", "N", "RANGE")]
        name = self.place.journal.replace("Journal", "Sessions")
        client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": each, "KeyType": key} for each, _, key in keys],
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": kind} for each, kind, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        return DynamoDbSessionLog(client("dynamodb"), name)


@pytest.mark.end_to_end
@pytest.mark.xdist_group("emulator")
@pytest.mark.parametrize("seed", range(20 if PROVING else 2))
def test_so_it_is_on_dynamodb(seed):
    Client(seed, OnDynamoDb, UNORDERED).play(40)


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
