"""Request units of DynamoDB, by the examples and rules of its Developer Guide."""

import pytest

from lab.gateway.units import Units, asking, item_bytes, units_of


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"a": {"S": "héllo"}}, 1 + 6),
        ({"a": {"B": "AAAA"}}, 1 + 3),
        ({"a": {"B": "AA=="}}, 1 + 1),
        ({"a": {"B": ""}}, 1),
        ({"ab": {"N": "12345"}}, 2 + 4),
        ({"a": {"N": "-0.1200"}}, 1 + 3),
        ({"a": {"BOOL": True}, "b": {"NULL": True}}, 4),
        ({"a": {"L": [{"S": "x"}, {"S": "yz"}]}}, 1 + 3 + 2 + 3),
        ({"a": {"M": {"key": {"S": "x"}}}}, 1 + 3 + 3 + 2),
        ({"a": {"SS": ["x", "yz"]}}, 1 + 3),
    ],
)
def test_an_item_is_as_large_as_its_names_and_values(item, size):
    assert item_bytes(item) == size


def blob(size):
    return {"a": {"S": "x" * (size - 1)}}


@pytest.mark.parametrize(
    ("operation", "request_", "answer", "units"),
    [
        ("GetItem", {}, {"ConsumedCapacity": {"CapacityUnits": 0.5}}, Units(read=0.5)),
        ("PutItem", {}, {"ConsumedCapacity": {"CapacityUnits": 4.0}}, Units(write=4.0)),
        (
            "TransactWriteItems",
            {},
            {"ConsumedCapacity": [{"CapacityUnits": 8.0}, {"CapacityUnits": 2.0}]},
            Units(write=10),
        ),
        ("Query", {"ConsistentRead": True}, {"Items": [blob(3000)] * 3}, Units(read=3.0)),
        ("Query", {}, {"Items": [blob(3000)] * 3}, Units(read=1.5)),
        ("Query", {"ConsistentRead": True}, {"Items": []}, Units(read=1.0)),
        ("Scan", {}, {"Items": [blob(4096)]}, Units(read=0.5)),
        (
            "BatchGetItem",
            {"RequestItems": {"T": {"Keys": [1, 2, 3, 4], "ConsistentRead": True}}},
            {"Responses": {"T": [blob(1500), blob(6500)]}, "UnprocessedKeys": {"T": {"Keys": [1]}}},
            Units(read=1 + 2 + 1),
        ),
        ("DescribeTable", {}, {}, Units()),
    ],
)
def test_what_a_request_consumes(operation, request_, answer, units):
    assert units_of(operation, request_, 200, answer) == units


@pytest.mark.parametrize(
    ("operation", "request_", "error", "units"),
    [
        ("PutItem", {"Item": blob(3500)}, "x#ConditionalCheckFailedException", Units(write=4.0)),
        ("UpdateItem", {}, "x#ConditionalCheckFailedException", Units(write=1.0)),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"Item": blob(1025)}}, {"Delete": {}}]},
            "x#TransactionCanceledException",
            Units(write=4.0),
        ),
        ("PutItem", {"Item": blob(3500)}, "x#ProvisionedThroughputExceededException", Units()),
    ],
)
def test_a_refused_condition_costs_what_the_write_would_have(operation, request_, error, units):
    assert units_of(operation, request_, 400, {"__type": error}) == units


def test_what_it_consumes_is_asked_once_and_only_where_it_can_be():
    assert asking("PutItem", b'{"a": 1}') == b'{"ReturnConsumedCapacity":"TOTAL","a": 1}'
    asked = b'{"ReturnConsumedCapacity": "INDEXES"}'
    assert asking("PutItem", asked) == asked
    assert asking("DescribeTable", b"{}") == b"{}"
