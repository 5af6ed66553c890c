"""What a mapping may say, and what is refused."""

import pytest

from lab.mapping.declaration import MappingRefusedError
from lab.mapping.filters import FilterRefusedError

TABLE_STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/findings/stream/2026-01-01T00:00:00.000"


def test_defaults_are_those_of_the_service(make_mapping):
    mapping = make_mapping()
    assert mapping.batch_size == 100
    assert mapping.batching_window_seconds == 0
    assert mapping.maximum_retry_attempts == mapping.maximum_record_age_seconds == -1
    assert mapping.parallelization_factor == 1
    assert not mapping.bisects
    assert not mapping.reports_item_failures
    assert mapping.enabled


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BatchSize", 0),
        ("BatchSize", 10_001),
        ("MaximumBatchingWindowInSeconds", 301),
        ("MaximumRetryAttempts", -2),
        ("MaximumRetryAttempts", 10_001),
        ("MaximumRecordAgeInSeconds", 59),
        ("MaximumRecordAgeInSeconds", 604_801),
        ("ParallelizationFactor", 11),
        ("StartingPosition", "EARLIEST"),
        ("StartingPosition", "AT_TIMESTAMP"),
        ("FunctionResponseTypes", ["Everything"]),
        ("BisectBatchOnFunctionError", "perhaps"),
        ("DestinationConfig", {"OnFailure": {"Destination": "arn:aws:kafka:us-east-1:123456789012:topic/x"}}),
        ("TumblingWindowInSeconds", 30),
        ("Qualifier", "live"),
    ],
)
def test_what_aws_refuses_or_the_engine_does_not_model_is_refused(make_mapping, name, value):
    with pytest.raises(MappingRefusedError):
        make_mapping(**{name: value})


def test_a_table_stream_has_no_starting_timestamp(make_mapping):
    with pytest.raises(MappingRefusedError, match="AT_TIMESTAMP"):
        make_mapping(TABLE_STREAM, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1)


def test_other_sources_are_refused(make_mapping):
    with pytest.raises(MappingRefusedError, match="neither"):
        make_mapping("arn:aws:sqs:us-east-1:123456789012:queue")


def test_a_consumers_arn_leads_to_its_stream(make_mapping):
    mapping = make_mapping("arn:aws:kinesis:us-east-1:123456789012:stream/journal/consumer/auditor:1600000000")
    assert mapping.stream_arn == "arn:aws:kinesis:us-east-1:123456789012:stream/journal"


@pytest.mark.parametrize(
    "pattern",
    [
        '{"shard": ["x"]}',
        '{"data": "x"}',
        '{"data": {"a": [{"cidr": "10.0.0.0/8"}]}}',
        '{"data": {"a": [{"numeric": ["=="]}]}}',
        '{"data": {"a": [{"anything-but": {"prefix": "x"}}]}}',
        '{"data": {"a": [["x"]]}}',
        "[]",
    ],
)
def test_filter_patterns_outside_the_documented_syntax_are_refused(make_mapping, pattern):
    with pytest.raises(FilterRefusedError):
        make_mapping(FilterCriteria={"Filters": [{"Pattern": pattern}]})
