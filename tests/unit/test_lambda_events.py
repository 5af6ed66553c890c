"""Events as Lambda hands them over, and as nobody should."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.lambda_events import StreamImage, batch_answer, parse_dynamodb_event, parse_kinesis_event
from counterfoil.services.batch import MAX_BATCH_RECORDS, KinesisRecord


def kinesis_entry(**changes):
    kinesis = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": "key",
        "sequenceNumber": "495",
        "data": base64.b64encode(b"data").decode(),
        "approximateArrivalTimestamp": 1_741_000_000.25,
    }
    return {"eventID": "shardId-000000000006:495", "kinesis": {**kinesis, **changes}}


def test_a_record_is_read_with_its_shard_and_time():
    arrived_at = datetime.fromtimestamp(1_741_000_000.25, UTC)
    assert parse_kinesis_event({"Records": [kinesis_entry()]}) == [
        KinesisRecord("shardId-000000000006", "495", "key", b"data", arrived_at)
    ]


def test_records_stay_in_order():
    event = {"Records": [kinesis_entry(sequenceNumber=str(number)) for number in (3, 1, 2)]}
    assert [each.shard_sequence_number for each in parse_kinesis_event(event)] == ["3", "1", "2"]


def test_an_event_without_records_is_an_empty_batch():
    assert parse_kinesis_event({"Records": []}) == []
    assert parse_dynamodb_event({"Records": []}) == []


@pytest.mark.parametrize("data", ["not base64!", "YQ", "YQ==YQ==", "größe", "\ud800", "=", "Y Q=="])
def test_data_that_is_not_base64_is_kept_as_it_stands(data):
    [record] = parse_kinesis_event({"Records": [kinesis_entry(data=data)]})
    assert record.data == data.encode("utf-8", "surrogatepass")


def test_empty_data_is_an_empty_record():
    assert parse_kinesis_event({"Records": [kinesis_entry(data="")]})[0].data == b""


@pytest.mark.parametrize(
    "time",
    [None, "noon", -1, float("nan"), float("inf"), -float("inf"), 1e300, 253_402_300_800, 10**400, [], {}],
)
def test_a_record_without_a_usable_time_counts_as_of_1970(time):
    [record] = parse_kinesis_event({"Records": [kinesis_entry(approximateArrivalTimestamp=time)]})
    assert record.arrived_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_the_last_moment_of_the_calendar_is_a_time():
    [record] = parse_kinesis_event({"Records": [kinesis_entry(approximateArrivalTimestamp=253_402_300_799.9999)]})
    assert record.arrived_at.year == 9999


BROKEN = [
    None,
    [],
    "text",
    7,
    {},
    {"Records": None},
    {"Records": {}},
    {"Records": "x"},
    {"Records": [None]},
    {"Records": ["x"]},
    {"Records": [{}]},
    {"Records": [{"kinesis": None, "dynamodb": None}]},
    {"Records": [{"kinesis": [], "dynamodb": []}]},
    {"Records": [{"kinesis": {}, "dynamodb": {}}]},
    {"records": []},
]


@pytest.mark.parametrize("event", BROKEN, ids=repr)
@pytest.mark.parametrize("parse", [parse_kinesis_event, parse_dynamodb_event])
def test_an_event_of_another_shape_is_an_input_error(parse, event):
    with pytest.raises(InputError):
        parse(event)


@pytest.mark.parametrize("name", ["partitionKey", "sequenceNumber", "data"])
@pytest.mark.parametrize("value", [None, 7, b"x", [], {}])
def test_a_record_without_its_texts_is_an_input_error(name, value):
    with pytest.raises(InputError, match=name):
        parse_kinesis_event({"Records": [kinesis_entry(**{name: value})]})


@pytest.mark.parametrize("parse", [parse_kinesis_event, parse_dynamodb_event])
def test_more_records_than_lambda_delivers_are_an_input_error(parse):
    with pytest.raises(InputError, match="at most"):
        parse({"Records": [None] * (MAX_BATCH_RECORDS + 1)})


def test_as_many_records_as_lambda_delivers_are_a_batch():
    assert len(parse_kinesis_event({"Records": [kinesis_entry()] * MAX_BATCH_RECORDS})) == MAX_BATCH_RECORDS


NAMES = [
    *("Records", "eventID", "kinesis", "data", "partitionKey", "sequenceNumber", "approximateArrivalTimestamp"),
    *("dynamodb", "SequenceNumber", "NewImage", "OldImage", "status"),
]
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: (
        st.lists(each, max_size=4)
        | st.dictionaries(
            st.sampled_from(NAMES) | st.text(),
            each,
            max_size=5,
        )
    ),
    max_leaves=30,
)
entries = st.fixed_dictionaries({}, optional={"kinesis": jsons, "dynamodb": jsons, "eventID": jsons}) | jsons


@pytest.mark.parametrize("parse", [parse_kinesis_event, parse_dynamodb_event])
@given(event=jsons | st.fixed_dictionaries({"Records": st.lists(entries, max_size=3)}))
def test_any_json_is_read_or_refused(parse, event):
    try:
        found = parse(event)
    except InputError:
        return
    assert len(found) == len(event["Records"])


@given(
    st.lists(
        st.fixed_dictionaries(
            {"partitionKey": st.text(), "sequenceNumber": st.text(), "data": st.text()},
            optional={"approximateArrivalTimestamp": jsons},
        ),
        max_size=3,
    ),
    jsons,
)
def test_any_texts_are_a_batch(kinesis, event_id):
    event = {"Records": [{"kinesis": each, "eventID": event_id} for each in kinesis]}
    assert [each.partition_key for each in parse_kinesis_event(event)] == [each["partitionKey"] for each in kinesis]


# DynamoDB streams ---------------------------------------------------------------------------------------------------


def change(new=None, old=None, number="7"):
    images = {"NewImage": new, "OldImage": old}
    return {"dynamodb": {"SequenceNumber": number, **{name: each for name, each in images.items() if each is not None}}}


OPEN, HEALED = {"status": {"S": "OPEN"}, "x": {"S": "1"}}, {"status": {"S": "HEALED"}}


@pytest.mark.parametrize(
    ("new", "old", "is_news"),
    [
        pytest.param(OPEN, None, True, id="inserted"),
        pytest.param(HEALED, OPEN, True, id="moved on"),
        pytest.param({**OPEN, "x": {"S": "2"}}, OPEN, False, id="changed otherwise"),
        pytest.param(None, OPEN, False, id="removed"),
        pytest.param(None, None, False, id="nothing"),
        pytest.param({}, OPEN, False, id="emptied"),
        pytest.param("text", OPEN, False, id="an image that is none"),
        pytest.param(OPEN, "text", True, id="an old image that is none"),
    ],
)
def test_a_change_is_news_if_the_item_is_new_or_its_status_another(new, old, is_news):
    [image] = parse_dynamodb_event({"Records": [change(new, old)]})
    assert image == StreamImage("7", new if isinstance(new, dict) else {}, is_news)


# Answers ------------------------------------------------------------------------------------------------------------


def test_an_answer_names_the_outer_record_from_which_to_deliver_again():
    assert batch_answer(["11", "12", "13"], 1) == {"batchItemFailures": [{"itemIdentifier": "12"}]}
    assert batch_answer(["11"], 0) == {"batchItemFailures": [{"itemIdentifier": "11"}]}


def test_an_answer_of_success_names_none():
    assert batch_answer(["11", "12"], None) == {"batchItemFailures": []}
    assert json.dumps(batch_answer([], None)) == '{"batchItemFailures": []}'
