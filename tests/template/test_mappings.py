"""The event source mappings lose nothing: docs/architecture.md builds on every one of these settings."""

import pytest

MAPPINGS = {
    "LedgerProjectorFunction.Journal": ("DynamoDB", {"Fn::GetAtt": ["JournalTable", "StreamArn"]}),
    "JournalPublisherFunction.Journal": ("DynamoDB", {"Fn::GetAtt": ["JournalTable", "StreamArn"]}),
    "JournalForwarderFunction.Journal": ("Kinesis", {"Fn::GetAtt": ["JournalStream", "Arn"]}),
    "JournalAuditorFunction.Journal": ("Kinesis", {"Fn::GetAtt": ["JournalStream", "Arn"]}),
    "FraudDetectorFunction.Journal": ("Kinesis", {"Fn::GetAtt": ["JournalStream", "Arn"]}),
    "AlertNotifierFunction.Findings": ("DynamoDB", {"Fn::GetAtt": ["FindingsTable", "StreamArn"]}),
    "ActionRunnerFunction.Findings": ("DynamoDB", {"Fn::GetAtt": ["FindingsTable", "StreamArn"]}),
}
PATIENT = {name for name in MAPPINGS if name.endswith(".Findings")}
OPTIONAL = {"JournalForwarderFunction.Journal"}
FAILED_BATCHES = {"Fn::GetAtt": ["FailedBatchesBucket", "Arn"]}


def events(resources):
    return {
        f"{function}.{name}": event
        for function, body in resources.items()
        if body["Type"] == "AWS::Serverless::Function"
        for name, event in body["Properties"].get("Events", {}).items()
        if event["Type"] != "ScheduleV2"
    }


@pytest.fixture(params=MAPPINGS)
def mapping_name(request):
    return request.param


@pytest.fixture
def mapping(mapping_name, everything):
    return events(everything)[mapping_name]["Properties"]


def test_each_function_reads_its_stream_and_no_other(deployed_with):
    resources = deployed_with(StandbyJournalTable="standby-journal")
    found = {name: (event["Type"], event["Properties"]["Stream"]) for name, event in events(resources).items()}
    assert found == MAPPINGS


def test_a_table_s_stream_has_two_readers_at_most():
    """DynamoDB Developer Guide, "Change data capture for DynamoDB Streams": more readers of a shard are throttled."""
    readers = [str(stream) for kind, stream in MAPPINGS.values() if kind == "DynamoDB"]
    assert max(map(readers.count, readers)) == 2


def test_nothing_is_forwarded_unasked(resources):
    assert events(resources).keys() == MAPPINGS.keys() - OPTIONAL


def test_with_enhanced_fan_out_each_consumer_reads_its_own_pipe(everything):
    streams = {name: event["Properties"]["Stream"] for name, event in events(everything).items()}
    assert streams["JournalAuditorFunction.Journal"] == {"Ref": "JournalAuditorConsumer"}
    assert streams["FraudDetectorFunction.Journal"] == {"Ref": "FraudDetectorConsumer"}
    assert everything["JournalAuditorConsumer"]["Type"] == "AWS::Kinesis::StreamConsumer"
    assert everything["FraudDetectorConsumer"]["Type"] == "AWS::Kinesis::StreamConsumer"


def test_without_it_no_consumer_is_paid_for(resources):
    assert not [name for name, body in resources.items() if body["Type"] == "AWS::Kinesis::StreamConsumer"]


def test_a_batch_can_fail_in_part(mapping):
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_bad_record_is_bisected_out_and_retried_but_not_for_ever(mapping):
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == 10


def test_what_is_given_up_goes_to_s3_whole(mapping):
    assert mapping["DestinationConfig"] == {"OnFailure": {"Type": "S3", "Destination": FAILED_BATCHES}}


def test_one_lane_per_shard_keeps_the_order_of_a_strand(mapping):
    assert mapping["ParallelizationFactor"] == 1
    assert "TumblingWindowInSeconds" not in mapping


def test_nothing_is_filtered_away(mapping):
    assert "FilterCriteria" not in mapping


def test_reading_starts_at_the_oldest_record(mapping):
    assert mapping["StartingPosition"] == "TRIM_HORIZON"


def test_batches_are_large_and_prompt(mapping_name, mapping):
    """Between a commit and its finding every window would be felt."""
    assert mapping["BatchSize"] == 200
    assert mapping["MaximumBatchingWindowInSeconds"] == (1 if mapping_name in PATIENT else 0)


def test_what_the_mapping_drops_is_counted(mapping):
    assert mapping["MetricsConfig"] == {"Metrics": ["EventCount"]}


def test_a_record_is_set_aside_before_its_stream_forgets_it(everything, template):
    # DynamoDB streams keep a record for 24 hours, whatever is asked of them.
    kept_hours = {"Kinesis": template["Parameters"]["StreamRetentionHours"]["MinValue"], "DynamoDB": 24}
    for name, event in events(everything).items():
        age = event["Properties"]["MaximumRecordAgeInSeconds"]
        assert 3600 <= age < kept_hours[event["Type"]] * 3600, name


def test_sam_passes_every_safety_setting_on(expanded):
    made = {name: body for name, body in expanded.items() if body["Type"] == "AWS::Lambda::EventSourceMapping"}
    assert made.keys() == {name.replace(".", "") for name in MAPPINGS}
    for properties in (body["Properties"] for body in made.values()):
        assert properties["DestinationConfig"]["OnFailure"] == {"Destination": FAILED_BATCHES}
        assert properties["MetricsConfig"] == {"Metrics": ["EventCount"]}
        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert properties["BisectBatchOnFunctionError"] is True
