"""Filter rule syntax: which records pass."""

import json

import pytest

from lab.mapping.filters import Filters
from lab.mapping.memory_streams import kinesis_content


def admits(pattern, value, kind="kinesis"):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    record = {"kinesis": kinesis_content("1", "key", data, 0.0)} if kind == "kinesis" else value
    return Filters.parse({"Filters": [{"Pattern": json.dumps(pattern)}]}, kind).admit(record)


@pytest.mark.parametrize(
    ("test", "passing", "failing"),
    [
        ("x", "x", "y"),
        (None, None, "x"),
        ("", "", " "),
        (5, 5, 6),
        (True, True, 1),
        ({"prefix": "ab"}, "abc", "ba"),
        ({"suffix": "yz"}, "xyz", "yzx"),
        ({"equals-ignore-case": "Ab"}, "aB", "abc"),
        ({"anything-but": ["x", "y"]}, "z", "y"),
        ({"numeric": ["=", 3]}, 3.0, "3"),
        ({"numeric": [">", 1, "<=", 5]}, 5, 1),
        ({"numeric": [">=", 1, "<", 5]}, 1, 5),
    ],
)
def test_each_documented_comparison(test, passing, failing):
    assert admits({"data": {"a": [test]}}, {"a": passing})
    assert not admits({"data": {"a": [test]}}, {"a": failing})


def test_exists_asks_whether_the_field_is_there():
    assert admits({"data": {"a": [{"exists": True}]}}, {"a": None})
    assert not admits({"data": {"a": [{"exists": True}]}}, {"b": 1})
    assert admits({"data": {"a": [{"exists": False}]}}, {"b": 1})


def test_all_fields_of_a_pattern_must_match_and_any_of_their_values_may():
    pattern = {"data": {"a": ["x", "y"], "b": [1]}}
    assert admits(pattern, {"a": "y", "b": 1})
    assert not admits(pattern, {"a": "y", "b": 2})


def test_or_matches_one_of_several_fields():
    pattern = {"data": {"$or": [{"a": [1]}, {"b": [2]}]}}
    assert admits(pattern, {"b": 2})
    assert not admits(pattern, {"a": 2, "b": 1})


def test_several_filters_are_alternatives():
    filters = Filters.parse(
        {"Filters": [{"Pattern": '{"data": {"a": [1]}}'}, {"Pattern": '{"data": {"a": [2]}}'}]}, "kinesis"
    )
    assert [filters.admit({"kinesis": kinesis_content("1", "k", b'{"a": %d}' % n, 0.0)}) for n in (1, 2, 3)] == [
        True,
        True,
        False,
    ]


def test_data_that_is_not_json_never_matches_a_pattern_for_json_but_may_match_text():
    assert not admits({"data": {"a": [1]}}, b"\xe0\x01\x00\xea")
    assert admits({"data": ["plain"]}, b"plain")


def test_metadata_of_a_record_can_be_filtered():
    assert admits({"partitionKey": ["key"]}, {})
    assert not admits({"partitionKey": ["other"]}, {})


def test_a_table_stream_is_filtered_by_event_name_and_typed_images():
    inserted = {"eventName": "INSERT", "dynamodb": {"NewImage": {"kind": {"S": "finding"}}}}
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["finding"]}}}}
    assert admits(pattern, inserted, "dynamodb")
    assert not admits(pattern, {**inserted, "eventName": "REMOVE"}, "dynamodb")


def test_records_kept_out_are_counted_and_never_delivered(scene):
    world = scene(FilterCriteria={"Filters": [{"Pattern": '{"data": ["a", "c"]}'}]})
    world.put("abc")
    world.run()
    assert world.calls == ["ac"]
    assert world.engine.metrics.filtered_out_event_count == 1
