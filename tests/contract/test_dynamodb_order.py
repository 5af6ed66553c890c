"""Rows come in one order on DynamoDB, whichever instance reads them and however far the projector is: pages go on elsewhere."""

import pytest

from counterfoil.partiql.equality import key_of
from tests.contract.test_dynamodb_entries import World

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("emulator")]


def test_a_table_and_an_index_are_read_in_the_same_order_before_and_after_projection():
    world = World()
    world.write("CREATE TABLE T", "CREATE INDEX ON T (k)")
    world.project()
    world.write(*[f"INSERT INTO T {{'n': {number}, 'k': 1}}" for number in range(20)])
    writer = world.instance()
    (entry,) = writer.catalogue.entries.values()
    at = writer.head.sequence_no

    def seen():
        snapshot = world.instance()._store.snapshot_at(at)
        scanned = [each.document_id for each in snapshot.documents(entry.table_id)]
        return scanned, [each.document_id for each in snapshot.probe(entry.indexes[0].index_id, key_of(1))]

    before = seen()
    world.write("INSERT INTO T {'n': 20, 'k': 1}", "UPDATE T AS t SET t.k = 2 WHERE t.n = 3")
    during = seen()
    world.project()
    assert before == during == seen()
    assert [len(each) for each in before] == [20, 20]
