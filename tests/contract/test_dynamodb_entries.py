"""Index entries in DynamoDB outlive what they say: whatever was written since, a snapshot finds each document once and misses none."""

from datetime import timedelta

import pytest

from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
from counterfoil.adapters.dynamodb.projector import Projector
from counterfoil.embedded import EmbeddedLedger
from counterfoil.ledger.transaction import Givens
from tests.dynamodb_ledgers import journal_of, make_place
from tests.ledgers import Ids, ToldClock, rows

BOTH = "SELECT VALUE t.k FROM T AS t WHERE t.k IN (1, 2)"

# The projector reads one block, then two, then four: it builds the index behind whatever comes next.
BEFORE = ("CREATE TABLE Other", "CREATE TABLE T", "INSERT INTO T {'k': 1}", "CREATE INDEX ON T (k)")


class World:
    """One ledger, instances of it that know nothing yet, and its projector, which runs when it is told to."""

    def __init__(self):
        self.clock, self.ids = ToldClock(step=timedelta(milliseconds=1)), Ids(7)
        self.place = make_place(self.ids())
        self.projector = Projector(journal_of(self.place), self.place.projections, self.clock)
        self.open = []

    def instance(self):
        store = DynamoDbLedger(journal_of(self.place), self.place.projections, self.clock)
        self.open.append(EmbeddedLedger("bank", store, self.clock, self.ids))
        return self.open[-1]

    def write(self, *texts):
        for text in texts:
            rows(self.instance(), text)

    def project(self):
        self.projector.project()

    def seen_at(self, number, text):
        """What a transaction that began elsewhere behind a block reads, on an instance that knows nothing yet."""
        tx = self.instance().resume(self.ids(), number, Givens(self.clock, self.clock, self.ids))
        found = list(tx.execute(text))
        tx.abort()
        return found


@pytest.fixture
def world():
    world = World()
    yield world
    for each in world.open:
        each.close()


def test_a_document_that_came_back_to_its_key_was_under_one_key_at_a_time(world):
    world.write("CREATE TABLE T", "CREATE INDEX ON T (k)")
    world.project()
    world.write("INSERT INTO T {'k': 1}", "UPDATE T SET k = 2")
    world.project()
    tx = world.instance().begin()
    world.write("UPDATE T SET k = 1")
    world.project()
    assert list(tx.execute(BOTH)) == [2]


@pytest.mark.parametrize("later", ["UPDATE T SET v = 1", "UPDATE T SET k = 2", "DELETE FROM T"])
def test_an_index_that_was_built_later_has_what_was_there_before(world, later):
    world.write(*BEFORE, later)
    world.project()
    assert world.seen_at(3, BOTH) == [1]
    assert world.seen_at(4, BOTH) == {"UPDATE T SET v = 1": [1], "UPDATE T SET k = 2": [2], "DELETE FROM T": []}[later]


def test_a_document_that_left_an_index_under_way_and_came_back_was_there_all_the_time_before(world):
    world.write(*BEFORE, "UPDATE T SET k = 2", "UPDATE T SET k = 1", "UPDATE T SET v = 1")
    world.project()
    assert [world.seen_at(number, BOTH) for number in (3, 4, 5, 6)] == [[1], [2], [1], [1]]
