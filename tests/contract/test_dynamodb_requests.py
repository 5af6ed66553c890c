"""How many requests a transfer costs: they are what it is paid by, and most of what it takes."""

from collections import Counter

import pytest

from counterfoil.adapters.dynamodb import ledger as ledger_store
from tests.dynamodb_worlds import World, faulty
from tests.faulty_dynamodb import Faulty


@pytest.fixture
def world():
    with World(accounts=8) as world:
        world.project()
        yield world


def requests(clients: Faulty):
    """Those since one asked last."""
    found = Counter(clients.log)
    clients.log.clear()
    return found


def test_a_transfer_costs_two_reads_for_each_document_that_is_not_known_and_one_write(world):
    ledger = world.of(world.store(clients := faulty()))
    world.move(ledger, "0", "1")
    requests(clients)
    world.move(ledger, "2", "3")
    assert requests(clients) == {"get_item": 1, "query": 4, "put_item": 1}
    world.move(ledger, "2", "3")
    assert requests(clients) == {"get_item": 1, "put_item": 1}


def test_an_instance_that_begins_reads_where_the_projections_are_and_nothing_of_the_past(world):
    for _ in range(5):
        world.move(world.instance())
    world.project()
    ledger = world.of(world.store(clients := faulty()))
    assert ledger.head.sequence_no > 7
    assert requests(clients).total() <= 6


def test_blocks_of_others_are_taken_in_with_few_requests(world):
    ledger, other = world.of(world.store(clients := faulty())), world.instance()
    world.move(ledger)
    requests(clients)
    world.move(other)
    assert ledger.head == other.head
    assert requests(clients) == {"get_item": 1, "batch_get_item": 1}
    for _ in range(10):
        world.move(other)
    assert ledger.head == other.head
    assert requests(clients) == {"get_item": 1, "batch_get_item": 3}


def test_an_instance_that_slept_for_long_reads_no_more_than_one_that_begins(world, monkeypatch):
    monkeypatch.setattr(ledger_store, "SLEPT_BLOCKS", 10)
    ledger, other = world.of(world.store(clients := faulty())), world.instance()
    world.move(ledger)
    for _ in range(20):
        world.move(other)
    world.project()
    world.clock.now += ledger_store.LOOK_EVERY
    requests(clients)
    assert ledger.head.sequence_no == other.head.sequence_no
    assert requests(clients)["batch_get_item"] == 1


def test_the_projector_writes_what_a_block_changes_in_one_batch(world):
    world.move(world.instance())
    projector = world.projector()
    clients = projector._client
    projector.project()
    assert requests(clients)["batch_write_item"] == 1
    assert requests(clients).total() == 0
    projector.project()
    assert requests(clients) == {"get_item": 2, "query": 1}
