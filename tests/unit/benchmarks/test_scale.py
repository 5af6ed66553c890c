"""docs/scale.md is what the model says; the model stands on counts, of which the simplest are checked by hand."""

import re

import pytest
from botocore.exceptions import ClientError

from benchmarks import cache, writes
from benchmarks.auditing import kinesis_records
from benchmarks.scale import hot, model, page
from benchmarks.scale.bank import Setting, measured
from benchmarks.scale.tables import Tables
from counterfoil.journal import deaggregate


def test_the_page_has_the_tables_that_the_model_makes():
    text = page.PAGE.read_text(encoding="utf-8")
    made = page.filled(text, {name: make() for name, make in page.TABLES.items()})
    assert made == text, "`python -m benchmarks scale --write` writes them"


def test_a_table_without_a_place_on_the_page_is_told():
    with pytest.raises(ValueError, match="no place for the table 'none'"):
        page.filled("<!-- none -->", {"none": ""})


@pytest.mark.prove
def test_the_page_has_the_caches_table_give_or_take_what_threads_change():
    begin, end = f"<!-- {cache.NAME} -->", f"<!-- end of {cache.NAME} -->"
    there = page.PAGE.read_text(encoding="utf-8").partition(begin)[2].partition(end)[0]
    made = page.table(cache.HEADS, cache.rows())
    assert numbers(made) == pytest.approx(numbers(there), abs=2)
    assert re.sub(r"[\d.]+", "", made) == re.sub(r"[\d.]+", "", there.strip())


def numbers(text):
    return [float(each) for each in re.findall(r"\d+(?:\.\d+)?", text)]


def test_each_cache_spares_reads_of_projections_and_none_spares_looks():
    none, own, shared = (
        measured(Setting(30, 40, 4, 1.0, cache_bytes, is_shared))
        for cache_bytes, is_shared in ((0, False), (1 << 20, False), (1 << 20, True))
    )
    assert none.reads > own.reads > shared.reads
    assert none.looks == own.looks == shared.looks
    assert none.cache.own == none.shared_requests == own.shared_requests == 0
    assert shared.shared_requests > 0


def test_more_traffic_on_fewer_accounts_meets_more_conflicts_every_time_the_same():
    rising = [hot.conflicts(50.0, skew, 0.1).attempts for skew in (0.0, 0.8, 1.2)]
    assert rising == sorted(rising)
    assert hot.conflicts(50.0, 0.8, 0.1) == hot.conflicts(50.0, 0.8, 0.1)
    assert hot.touching_first(0.0) == pytest.approx(2 / hot.ACCOUNTS, rel=0.01)


def test_what_the_model_takes_for_the_pipeline_is_what_is_counted_at_its_adapters():
    records = kinesis_records(300)
    users = sum(len(deaggregate(each.data, each.partition_key).records) for each in records)
    found = writes.counted(records)
    transfer = {name: model.RECORDS * client.write_units / users for name, client in found.items()}
    reads = model.RECORDS * sum(client.read_units for client in found.values()) / users
    assert transfer["auditor"] == pytest.approx(model.AUDITOR_WRITES, rel=0.3)
    assert transfer["detector"] == pytest.approx(model.DETECTOR_WRITES, rel=0.3)
    assert reads == pytest.approx(model.PIPELINE_READS, rel=0.3)


def test_units_are_rounded_up_and_what_is_not_there_costs_as_much_as_the_smallest():
    tables = Tables({"T": ("pk", "sk")})
    item = {"pk": {"S": "a"}, "sk": {"S": "1"}, "data": {"B": bytes(1_100)}}
    tables.put_item(TableName="T", Item=item)
    keys = [{"pk": {"S": "a"}, "sk": {"S": each}} for each in "12"]
    answer = tables.batch_get_item(RequestItems={"T": {"Keys": keys, "ConsistentRead": True}})
    assert answer == {"Responses": {"T": [item]}}
    with pytest.raises(ClientError):
        tables.put_item(TableName="T", Item=item, ConditionExpression="attribute_not_exists(pk)")
    assert tables.total("write units") == 4
    assert tables.total("read units") == 2
    assert tables.another().total("write units") == 0
