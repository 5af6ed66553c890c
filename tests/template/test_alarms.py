"""What goes wrong is told to somebody, with the place in the runbook that says what to do."""

import json
import re

import pytest

CONSUMERS = {
    "LedgerProjector": "Journal", "JournalPublisher": "Journal", "JournalForwarder": "Journal",
    "JournalAuditor": "Journal", "FraudDetector": "Journal", "AlertNotifier": "Findings",
    "ActionRunner": "Findings",
}  # fmt: skip
FUNCTIONS = [*CONSUMERS, "LedgerApi", "JournalRedactor", "JournalExporter", "DigestSnapshot", "LedgerCompliance"]

# Each of these is a heading of docs/runbook.md, named as its link is.
RUNBOOK_SECTIONS = {
    "altered-blocks",  # a block of the journal was changed or removed
    "api-faults",  # the ledger answers with faults of its own
    "destination-failures",  # Lambda cannot write failed batches to S3
    "dropped-events",  # records that are in no bucket: replay from the stream
    "failed-batches",  # records set aside in S3: redrive
    "forward-refusals",  # a strand is not forwarded to the standby region any more
    "function-duration",  # a function comes near its timeout
    "function-errors",  # a function ended in an error
    "function-throttles",  # the account's concurrency did not suffice
    "hash-failures",  # a block or revision does not match its hash
    "iterator-age",  # a function has fallen behind its stream
    "journal-throttles",  # DynamoDB refuses writes of blocks
    "refused-actions",  # an action of a rule cannot be had
    "open-gaps",  # blocks have been missing for 15 minutes
    "streams-in-the-way",  # a journal stream is not published
    "schedule-dead-letters",  # a sweep or snapshot never started
    "unwitnessed-checkpoints",  # witnesses do not sign
}
# Every metric a function emits, by the function, in namespace counterfoil.
EMITTED = {
    ("RecordsRead", "journal_auditor"), ("BlocksVerified", "journal_auditor"), ("RevisionsVerified", "journal_auditor"),
    ("HashFailures", "journal_auditor"), ("OpenGaps", "journal_auditor"), ("Duplicates", "journal_auditor"),
    ("Quarantined", "journal_auditor"), ("WatermarkLagMs", "journal_auditor"), ("FindingsWritten", "journal_auditor"),
    ("RecordsRead", "fraud_detector"), ("TransfersJudged", "fraud_detector"), ("FindingsWritten", "fraud_detector"),
    ("AlertsSent", "alert_notifier"), ("AlertsRepeated", "alert_notifier"),
    ("ActionsDone", "action_runner"), ("ActionsRefused", "action_runner"),
    ("FindingsHeldBack", "alert_notifier"), ("FindingsSuppressed", "alert_notifier"),
    ("Requests", "ledger_api"), ("RequestsRefused", "ledger_api"),
    ("BlocksProjected", "ledger_projector"), ("RevisionsRedacted", "journal_redactor"),
    ("BlocksPublished", "journal_publisher"), ("BlocksAltered", "journal_publisher"), ("StreamsInTheWay", "journal_publisher"),
    ("ObjectsExported", "journal_exporter"), ("ExportsInTheWay", "journal_exporter"),
    ("BlocksForwarded", "journal_forwarder"), ("ForwardRefusals", "journal_forwarder"),
    ("SnapshotsTaken", "digest_snapshot"), ("SnapshotFailures", "digest_snapshot"),
    ("HeadDisagreements", "digest_snapshot"), ("CheckpointsUnwitnessed", "digest_snapshot"),
    ("RulesJudged", "ledger_compliance"), ("RulesNotCompliant", "ledger_compliance"),
}  # fmt: skip


@pytest.fixture(scope="session")
def alarms(of_type):
    return of_type("AWS::CloudWatch::Alarm")


def subject(alarm):
    """The service or resource an alarm is about."""
    [dimension] = alarm["Dimensions"]
    match dimension["Value"]:
        case {"Ref": name} | {"Fn::GetAtt": [name, _]} | str(name):
            return name


@pytest.fixture(scope="session")
def watched(alarms):
    """(metric, what it is about) -> alarm."""
    found = {(alarm["MetricName"], subject(alarm)): alarm for alarm in alarms.values()}
    assert len(found) == len(alarms), "two alarms watch one thing"
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("metric", ["Errors", "Throttles", "Duration"])
def test_every_function_is_watched(function, metric, watched):
    assert watched[metric, f"{function}Function"]["Namespace"] == "AWS/Lambda"


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_every_consumer_is_watched_for_falling_behind(consumer, watched):
    alarm = watched["IteratorAge", f"{consumer}Function"]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Maximum", 60_000)


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("metric", ["DroppedEventCount", "OnFailureDestinationDeliveredEventCount"])
def test_every_mapping_is_watched_for_giving_up(consumer, metric, watched, expanded):
    mapping = f"{consumer}Function{CONSUMERS[consumer]}"
    assert watched[metric, mapping]["Dimensions"][0]["Name"] == "EventSourceMappingUUID"
    assert expanded[mapping]["Type"] == "AWS::Lambda::EventSourceMapping"


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_broken_destination_is_noticed(consumer, watched):
    assert watched["DestinationDeliveryFailures", f"{consumer}Function"]["Statistic"] == "Sum"


def test_the_duration_alarm_goes_off_at_four_fifths_of_the_timeout(watched, template):
    limit_ms = template["Globals"]["Function"]["Timeout"] * 1000
    thresholds = {alarm["Threshold"] for (metric, _), alarm in watched.items() if metric == "Duration"}
    assert thresholds == {limit_ms * 4 // 5}


def test_one_hash_failure_is_enough(watched):
    alarm = watched["HashFailures", "journal_auditor"]
    assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("counterfoil", "Sum", 0)
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 60


def test_a_gap_that_stays_open_for_a_quarter_of_an_hour_is_told_and_silence_closes_none(watched):
    alarm = watched["OpenGaps", "journal_auditor"]
    assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("counterfoil", "Maximum", 0)
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 15 * 60
    assert alarm["TreatMissingData"] == "ignore"


def test_a_run_that_never_started_is_noticed(watched):
    alarm = watched["ApproximateNumberOfMessagesVisible", "ScheduleDeadLetters"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["ScheduleDeadLetters", "QueueName"]}}]


def test_a_ledger_that_fails_or_is_held_up_is_noticed(watched):
    assert watched["Url5xxCount", "LedgerApiFunction"]["Namespace"] == "AWS/Lambda"
    refused = watched["WriteThrottleEvents", "JournalTable"]
    assert (refused["Namespace"], refused["Dimensions"][0]["Name"]) == ("AWS/DynamoDB", "TableName")


def test_one_block_that_does_not_hold_on_its_way_to_the_standby_is_enough(watched):
    alarm = watched["ForwardRefusals", "journal_forwarder"]
    assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("counterfoil", "Sum", 0)


def test_one_action_that_was_refused_is_told_and_no_later_silence_takes_it_back(watched):
    alarm = watched["ActionsRefused", "action_runner"]
    assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("counterfoil", "Sum", 0)
    assert "OKActions" not in alarm


def test_one_altered_block_is_enough_and_no_later_silence_takes_it_back(watched):
    alarm = watched["BlocksAltered", "journal_publisher"]
    assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("counterfoil", "Sum", 0)
    assert "OKActions" not in alarm


def test_a_stream_that_is_held_up_for_a_quarter_of_an_hour_is_noticed(watched):
    alarm = watched["StreamsInTheWay", "journal_publisher"]
    assert (alarm["Statistic"], alarm["Period"] * alarm["EvaluationPeriods"]) == ("Minimum", 15 * 60)


def test_every_alarm_reaches_people(alarms):
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == [{"Ref": "AlertsTopic"}], name
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold", name


def test_every_alarm_names_its_section_of_the_runbook(alarms):
    texts = [alarm["AlarmDescription"] for alarm in alarms.values()]
    named = [re.fullmatch(r"docs/runbook\.md#([a-z-]+): .{10,}", text) for text in texts]
    assert all(named)
    assert {match[1] for match in named} == RUNBOOK_SECTIONS


def test_the_runbook_has_every_section_an_alarm_names(root):
    runbook = root / "docs/runbook.md"
    if not runbook.exists():
        pytest.skip("docs/runbook.md is not written yet")
    headings = re.findall(r"^#+ (.+)$", runbook.read_text(), flags=re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert anchors >= RUNBOOK_SECTIONS


@pytest.fixture(scope="session")
def dashboard(of_type):
    [properties] = of_type("AWS::CloudWatch::Dashboard").values()
    return json.loads(properties["DashboardBody"]["Fn::Sub"])


def test_the_dashboard_shows_every_metric_the_functions_emit(dashboard):
    shown = {
        (metric[1], metric[3])
        for widget in dashboard["widgets"]
        for metric in widget["properties"]["metrics"]
        if metric[0] == "counterfoil"
    }
    assert shown == EMITTED


def test_every_alarm_s_metric_can_be_seen_on_the_dashboard(dashboard, alarms):
    shown = {metric[1] for widget in dashboard["widgets"] for metric in widget["properties"]["metrics"]}
    assert {alarm["MetricName"] for alarm in alarms.values()} <= shown


def cells(widget):
    """The places of the dashboard's grid that a widget covers."""
    across = range(widget["x"], widget["x"] + widget["width"])
    down = range(widget["y"], widget["y"] + widget["height"])
    return [(x, y) for x in across for y in down]


def test_the_dashboard_s_widgets_do_not_overlap(dashboard):
    taken = [cell for widget in dashboard["widgets"] for cell in cells(widget)]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
