"""Reading over boto3 when the service says no."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from lab.mapping.aws_streams import KinesisStreamSource, TableStreamSource
from lab.mapping.source import Cursor, ThrottledReadError


class ExpiredIteratorException(ClientError):  # noqa: N818  the service's name
    pass


class TrimmedDataAccessException(ClientError):  # noqa: N818  the service's name
    pass


def refusal(code, kind=ClientError):
    return kind({"Error": {"Code": code, "Message": ""}}, "GetRecords")


class FakeService:
    """Answers GetRecords from a list; an exception in it is raised. Iterators are named for what they were asked with."""

    class exceptions:  # noqa: N801  as boto3 has it
        ExpiredIteratorException = ExpiredIteratorException
        TrimmedDataAccessException = TrimmedDataAccessException

    def __init__(self, *answers):
        self.answers = list(answers)
        self.iterators = []
        self.asked = []
        self.trimmed = False

    def describe_stream_summary(self, **_request):
        return {"StreamDescriptionSummary": {"RetentionPeriodHours": 48}}

    def get_shard_iterator(self, **request):
        if self.trimmed and request["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER":
            raise refusal("TrimmedDataAccessException", TrimmedDataAccessException)
        self.iterators.append((request["ShardIteratorType"], request.get("StartingSequenceNumber")))
        return {"ShardIterator": f"new-{len(self.iterators)}"}

    def get_records(self, **request):
        self.asked.append(request["ShardIterator"])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def page(number, following="next"):
    record = {
        "SequenceNumber": number,
        "PartitionKey": "k",
        "Data": b"\x00\xff",
        "ApproximateArrivalTimestamp": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return {"Records": [record], **({"NextShardIterator": following} if following else {})}


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "LimitExceededException"])
def test_a_throttled_read_is_said_to_be_one(code):
    with pytest.raises(ThrottledReadError):
        KinesisStreamSource(FakeService(refusal(code)), "arn").read("shard", Cursor(), 10)


def test_an_iterator_is_used_on_while_the_cursor_moves_with_it():
    service = FakeService(page("1"), page("2"))
    source = KinesisStreamSource(service, "arn")
    source.read("shard", Cursor(), 10)
    source.read("shard", Cursor.after("1"), 10)
    assert service.asked == ["new-1", "next"]


def test_an_expired_iterator_is_made_anew_from_the_cursor():
    service = FakeService(page("1"), refusal("ExpiredIteratorException", ExpiredIteratorException), page("2"))
    source = KinesisStreamSource(service, "arn")
    source.read("shard", Cursor(), 10)
    (record,) = source.read("shard", Cursor.after("1"), 10).records
    assert record.sequence_number == "2"
    assert service.iterators[-1] == ("AFTER_SEQUENCE_NUMBER", "1")


def test_a_shard_ends_where_no_next_iterator_is_given():
    source = KinesisStreamSource(FakeService(page("1", following=None)), "arn")
    assert source.read("shard", Cursor(), 10).ended


def test_a_shard_that_the_service_has_forgotten_has_ended():
    source = KinesisStreamSource(FakeService(refusal("ResourceNotFoundException")), "arn")
    assert source.read("shard", Cursor(), 10).ended


def test_other_errors_are_not_hidden():
    with pytest.raises(ClientError, match="AccessDenied"):
        KinesisStreamSource(FakeService(refusal("AccessDenied")), "arn").read("shard", Cursor(), 10)


def test_retention_is_the_streams():
    assert KinesisStreamSource(FakeService(), "arn").retention_seconds == 48 * 3600


def test_binary_data_reaches_the_event_as_base64():
    (record,) = KinesisStreamSource(FakeService(page("1")), "arn").read("shard", Cursor(), 10).records
    assert record.content["data"] == "AP8="
    assert record.content["approximateArrivalTimestamp"] == datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def change(**images):
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    keys = {"id": {"B": b"\x01"}}
    return {
        "Records": [
            {
                "eventName": "INSERT",
                "dynamodb": {"ApproximateCreationDateTime": moment, "Keys": keys, "SequenceNumber": "1", **images},
            }
        ],
        "NextShardIterator": "next",
    }


def test_a_tables_images_keep_their_types_and_their_bytes_become_base64():
    service = FakeService(change(NewImage={"all": {"BS": [b"\x00"]}, "map": {"M": {"n": {"N": "1"}}}}))
    (record,) = TableStreamSource(service, "arn").read("shard", Cursor(), 10).records
    assert record.content["dynamodb"]["NewImage"] == {"all": {"BS": ["AA=="]}, "map": {"M": {"n": {"N": "1"}}}}
    assert record.content["dynamodb"]["ApproximateCreationDateTime"] == 1_767_225_600
    assert record.order_key == '{"id": {"B": "AQ=="}}'


def test_a_checkpoint_that_the_table_stream_has_trimmed_leads_to_the_oldest_record():
    service = FakeService(change())
    service.trimmed = True
    assert TableStreamSource(service, "arn").read("shard", Cursor.after("0"), 10).records
    assert service.iterators == [("TRIM_HORIZON", None)]
