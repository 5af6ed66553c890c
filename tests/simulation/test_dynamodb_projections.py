"""Projections in DynamoDB whose projector is killed, late, there twice or throttled: nobody can tell from what the ledger answers."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from random import Random

import pytest

from counterfoil.adapters.dynamodb import journal, projector
from counterfoil.errors import UnavailableError
from tests.dynamodb_ledgers import client, make_place
from tests.dynamodb_worlds import World
from tests.faulty_dynamodb import Killed, at, by_chance, killed, lost_after, lost_before, on, throttled, unprocessed
from tests.ledgers import rows


@pytest.fixture
def world():
    with World() as world:
        yield world


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(projector, "FIRST_PAUSE_SECONDS", 0.0001)
    monkeypatch.setattr(projector, "LONGEST_PAUSE_SECONDS", 0.01)


# When an entry may be removed, and what the projector itself compares.
NOT_READ = {"expiresAt", "lastNo"}


def everything_changes(world):
    """Blocks of all sorts: a document comes back to a key, one is deleted, an index comes, a table goes, a redaction is asked for."""
    ledger = world.instance()
    for text in (
        "CREATE TABLE T",
        "INSERT INTO T << {'k': 1, 'v': 'a'}, {'k': 2, 'v': 'b'}, {'k': 3} >>",
        "CREATE INDEX ON T (k)",
        "UPDATE T AS t SET t.k = 9 WHERE t.k = 1",
        "UPDATE T AS t SET t.k = 1 WHERE t.k = 9",
        "DELETE FROM T AS t WHERE t.k = 2",
        "CREATE TABLE Gone",
        "DROP TABLE Gone",
        "INSERT INTO T {'k': 1, 'v': 'c'}",
    ):
        rows(ledger, text)
    (old,) = rows(ledger, "SELECT h.blockAddress, h.metadata.id FROM history(T) AS h WHERE h.data.k = 9")
    table_id = next(each.table_id for each in ledger.catalogue.entries.values() if each.name == "T")
    rows(ledger, "EXEC REDACT_REVISION ?, ?, ?", old["blockAddress"], table_id, old["id"])
    world.move(ledger)


def items(ddb_table):
    """What is read of the projections; of catalogues, of which there is one more where an index came online, only the last."""
    found, catalogues = {}, {}
    for page in client("dynamodb").get_paginator("scan").paginate(TableName=ddb_table, ConsistentRead=True):
        for item in page["Items"]:
            partition, sort = item["pk"]["S"], item["sk"]["S"]
            if partition.startswith("C#"):
                catalogues[sort] = json.loads(item["catalogue"]["S"])["tables"]
            elif not partition.startswith(("W#", "B#")):
                found[partition, sort] = {name: value for name, value in item.items() if name not in NOT_READ}
    return found, catalogues[max(catalogues)]


def projected(world, ddb_table):
    while world.projector(table=ddb_table).project().more:
        pass
    return items(ddb_table)


def new_table():
    return make_place("-").projections


def test_a_projector_that_is_killed_before_any_call_leaves_what_the_next_one_completes(world, monkeypatch):
    monkeypatch.setattr(journal, "READ_AHEAD_BLOCKS", 4)
    monkeypatch.setattr(projector, "PIECE_DOCUMENTS", 2)
    everything_changes(world)
    expected, ddb_table = projected(world, new_table()), new_table()
    for number in count():
        try:
            world.projector(at(number, killed), ddb_table).project()
        except Killed:
            continue
        break
    assert number > 15
    assert items(ddb_table) == expected


@pytest.mark.parametrize("seed", range(3))
def test_projectors_that_meet_and_are_throttled_write_the_same(world, seed, monkeypatch):
    monkeypatch.setattr(journal, "READ_AHEAD_BLOCKS", 2)
    monkeypatch.setattr(projector, "PIECE_DOCUMENTS", 1)
    everything_changes(world)
    expected, ddb_table, chance = projected(world, new_table()), new_table(), Random(seed)

    def attempt(own):
        chosen = by_chance(own, 0.2, throttled, lost_before, lost_after, unprocessed)
        for _ in range(12):
            with suppress(UnavailableError):
                world.projector(chosen, ddb_table).project()

    threads = [threading.Thread(target=attempt, args=(Random(chance.random()),)) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found = projected(world, ddb_table)
    assert found[1] == expected[1]
    assert found[0].keys() == expected[0].keys()
    for place, item in expected[0].items():
        # An old write may have undone that an entry was left: whoever finds too many compares the documents themselves.
        assert found[0][place] in (item, {name: value for name, value in item.items() if name != "toNo"})


def test_batches_of_which_some_is_refused_for_now_are_completed(world):
    everything_changes(world)
    expected, ddb_table = projected(world, new_table()), new_table()
    world.projector(on("batch_write_item", unprocessed, 3), ddb_table).project()
    assert items(ddb_table) == expected
    with pytest.raises(UnavailableError):
        world.projector(on("batch_write_item", unprocessed, 100), new_table()).project()


def test_the_watermark_never_goes_back(world):
    world.project()
    late = world.projector()
    before = late._projections.watermark()
    world.move(world.instance())
    world.project()
    late._advance(before)
    assert late._projections.watermark() == before + 1


@pytest.mark.parametrize("piece", [1, 3, 4, 5])
def test_an_index_that_is_built_in_pieces_has_every_document(world, piece, monkeypatch):
    monkeypatch.setattr(projector, "PIECE_DOCUMENTS", piece)
    rows(world.instance(), "CREATE INDEX ON Accounts (balance)")
    world.project()
    ledger = world.instance()
    assert list(ledger.catalogue.building()) == []
    assert len(rows(ledger, "SELECT * FROM Accounts AS a WHERE a.balance = 100")) == len(world.accounts) == 4


def test_a_projector_that_slept_in_the_middle_of_a_block_undoes_nothing(world):
    ledger = world.instance()
    blocks = []
    for key in (1, 2, 1):
        rows(ledger, "UPDATE Accounts AS a SET a.accountId = ? WHERE a.balance = 100", key)
        blocks.append(ledger.head.sequence_no)
    late = world.projector()
    catalogue = late._projections.catalogue(blocks[0]).catalogue
    second = late._journal.read(range(blocks[1], blocks[1] + 1), whole=True).values()
    world.project()
    with ThreadPoolExecutor(1) as writers:
        late._write_group(list(second), catalogue, writers)
    found = rows(world.instance(), "SELECT * FROM Accounts AS a WHERE a.accountId = 1")
    assert len(found) == len(world.accounts)


def test_an_index_is_built_though_blocks_keep_coming(world, monkeypatch):
    monkeypatch.setattr(projector, "PIECE_DOCUMENTS", 1)
    ledger = world.instance()
    rows(ledger, "CREATE INDEX ON Accounts (balance)")

    def one_more(name, _number):
        if name == "batch_write_item":
            world.move(ledger)

    rounds = count()
    world.projector(one_more).project(lambda: next(rounds) > 8)
    assert list(world.instance().catalogue.building()) == []
