"""One internal finding becomes a Security Hub finding and an OCSF Detection Finding, and both hold their formats' rules."""

import json
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given, settings

from counterfoil.detection.asff import MAX_FINDING_BYTES, batches, render_asff, size_bytes
from counterfoil.detection.finding import Severity, Status
from counterfoil.detection.ocsf import render_ocsf, render_ocsf_line
from counterfoil.detection.security_finding import Home, security_id
from counterfoil.errors import InputError
from tests.security_findings import FINDINGS, FOUND_AT, HOME, a_finding, asff_problems, ocsf_problems

LATER = FOUND_AT + timedelta(minutes=3)


def test_a_finding_in_security_hubs_format_says_who_what_where_and_how_grave():
    rendered = render_asff(a_finding(document_id="D1"), HOME, LATER)
    assert asff_problems([rendered]) == ""
    assert rendered["ProductArn"] == "arn:aws:securityhub:eu-west-1:123456789012:product/123456789012/default"
    assert (rendered["CreatedAt"], rendered["UpdatedAt"]) == ("2026-03-01T12:30:15.250Z", "2026-03-01T12:33:15.250Z")
    assert rendered["FindingProviderFields"]["Severity"] == {"Label": "HIGH", "Original": "HIGH"}
    assert rendered["ProductFields"]["counterfoil/evidence/first_missing"] == "7"
    assert [each["Id"] for each in rendered["Resources"]] == [
        "counterfoil:place:JdxjkR9bSYB5jMHWcI464T#8",
        "counterfoil:document:D1",
    ]


@pytest.mark.parametrize(
    ("severity", "label", "severity_id", "is_alert"),
    [
        (Severity.INFO, "INFORMATIONAL", 1, False),
        (Severity.LOW, "LOW", 2, False),
        (Severity.MEDIUM, "MEDIUM", 3, True),
        (Severity.HIGH, "HIGH", 4, True),
        (Severity.CRITICAL, "CRITICAL", 5, True),
    ],
)
def test_a_severity_is_the_same_one_in_both_formats(severity, label, severity_id, is_alert):
    finding = a_finding(severity=severity, score=7)
    provided, event = render_asff(finding, HOME, LATER)["FindingProviderFields"], render_ocsf(finding, HOME)
    assert provided["Severity"] == {"Label": label, "Original": severity.name}
    assert provided["Criticality"] == 7
    assert (event["severity_id"], event["severity"]) == (severity_id, label.title())
    assert event["is_alert"] is is_alert


@pytest.mark.parametrize(
    ("rule_id", "kind", "types"),
    [
        ("audit.gap", "Data", ["Ledger integrity"]),
        ("export.broken", "Data", ["Ledger integrity"]),
        ("fraud.structuring", "User", ["Fraud"]),
    ],
)
def test_what_is_about_the_journal_is_told_from_what_is_about_money(rule_id, kind, types):
    finding = a_finding(rule_id)
    assert render_asff(finding, HOME, LATER)["FindingProviderFields"]["Types"] == [
        f"Unusual Behaviors/{kind}/{rule_id}"
    ]
    assert render_ocsf(finding, HOME)["finding_info"]["types"] == types


def test_times_are_written_in_utc_wherever_they_come_from():
    elsewhere = replace(a_finding(), found_at=FOUND_AT.astimezone(timezone(timedelta(hours=-7))))
    rendered = render_asff(elsewhere, HOME, LATER.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert rendered == render_asff(a_finding(), HOME, LATER)
    assert render_ocsf(elsewhere, HOME) == render_ocsf(a_finding(), HOME)


def test_in_another_partition_everything_is_of_that_partition():
    rendered = render_asff(a_finding(), Home("123456789012", "cn-north-1", "aws-cn"), LATER)
    assert rendered["ProductArn"] == "arn:aws-cn:securityhub:cn-north-1:123456789012:product/123456789012/default"
    assert {each["Partition"] for each in rendered["Resources"]} == {"aws-cn"}


def test_of_evidence_as_much_is_given_as_security_hub_takes():
    much = a_finding(evidence={f"name{number:02}": "x" * 3_000 for number in range(60)} | {"last": "y"})
    fields = render_asff(much, HOME, LATER)["ProductFields"]
    assert list(fields) == ["counterfoil/status", *(f"counterfoil/evidence/name{number:02}" for number in range(40))]
    assert {len(value) for name, value in fields.items() if "evidence" in name} == {2_048}


def test_what_a_provider_may_change_later_stands_where_a_provider_may_change_it():
    rendered = render_asff(a_finding(), HOME, LATER)
    assert rendered["FindingProviderFields"].keys() == {"Severity", "Types", "Criticality"}
    customers = {"Note", "UserDefinedFields", "VerificationState", "Workflow", "WorkflowState"}
    assert rendered.keys().isdisjoint({"Severity", "Types", "Criticality", "Confidence"} | customers)


@pytest.mark.parametrize(
    ("status", "state", "activity", "ocsf_status"),
    [(Status.OPEN, "ACTIVE", 1, 1), (Status.CONFIRMED, "ACTIVE", 2, 1), (Status.HEALED, "ARCHIVED", 3, 4)],
)
def test_the_same_finding_keeps_its_id_while_its_status_moves_on(status, state, activity, ocsf_status):
    finding = a_finding(status=status)
    rendered, event = render_asff(finding, HOME, LATER), render_ocsf(finding, HOME)
    assert (rendered["Id"], rendered["RecordState"]) == (finding.finding_id, state)
    assert event["finding_info"]["uid"] == finding.finding_id
    assert (event["activity_id"], event["type_uid"], event["status_id"]) == (activity, 200_400 + activity, ocsf_status)


def test_what_a_rule_on_trial_saw_is_suppressed_and_no_alert():
    event = render_ocsf(a_finding(shadow=True), HOME)
    assert (event["status_id"], event["is_alert"]) == (3, False)


def test_an_ocsf_event_is_of_when_the_finding_was_made_and_covers_the_blocks_time():
    event = render_ocsf(a_finding(evidence={"timestamp": "2026-03-01T12:00:00Z"}), HOME, "1.2.3")
    assert ocsf_problems(event) == []
    assert event["time"] == 1_772_368_215_250
    assert event["start_time"] == event["end_time"] == 1_772_366_400_000
    assert event["metadata"]["product"]["version"] == "1.2.3"
    assert event["evidences"][0]["data"]["timestamp"] == "2026-03-01T12:00:00Z"


def test_of_two_times_the_blocks_own_is_the_one():
    evidence = {"timestamp": "2026-03-01T12:00:01Z", "block_timestamp": "2026-03-01T12:00:00Z"}
    assert render_ocsf(a_finding(evidence=evidence), HOME)["start_time"] == 1_772_366_400_000


def test_a_finding_in_each_status_is_an_event_of_its_own():
    events = [render_ocsf(a_finding(status=status), HOME) for status in Status]
    assert [each["metadata"]["uid"].rpartition("/")[2] for each in events] == list(Status)
    assert len({each["metadata"]["uid"] for each in events}) == 3


def test_no_evidence_stands_in_the_place_of_the_place():
    event = render_ocsf(a_finding(subject="own", evidence={"place": "forged", "subject": "forged"}), HOME)
    data = event["evidences"][0]["data"]
    assert (data["place"], data["subject"]) == ("JdxjkR9bSYB5jMHWcI464T#8", "own")


@pytest.mark.parametrize("text", ["yesterday", "", "2026-03-01T12:00:00"])
def test_a_time_that_is_none_covers_nothing(text):
    assert "start_time" not in render_ocsf(a_finding(evidence={"timestamp": text}), HOME)


def test_a_ledger_outside_of_aws_has_findings_too():
    event = render_ocsf(a_finding())
    assert ocsf_problems(event) == []
    assert "cloud" not in event


@pytest.mark.parametrize("severity", Severity)
def test_every_severity_and_score_has_a_level(severity):
    finding = a_finding(severity=severity)
    event = render_ocsf(finding, HOME)
    assert ocsf_problems(event) == []
    assert event["risk_score"] == severity * 25
    assert event["risk_level_id"] == {0: 0, 25: 1, 50: 2, 75: 3, 100: 4}[severity * 25]


@pytest.mark.parametrize(
    ("score", "level"),
    [(0, "Info"), (20, "Info"), (21, "Low"), (40, "Low"), (41, "Medium"), (60, "Medium"), (61, "High"), (80, "High"),
     (81, "Critical"), (100, "Critical")],
)  # fmt: skip
def test_a_score_is_of_the_lowest_level_that_reaches_it(score, level):
    assert render_ocsf(a_finding(score=score), HOME)["risk_level"] == level


@settings(max_examples=60, deadline=None)
@given(FINDINGS)
def test_whatever_is_found_holds_the_rules_of_both_formats(finding):
    rendered = render_asff(finding, HOME, LATER)
    assert asff_problems([rendered]) == ""
    assert len(rendered["Title"]) <= 256
    assert 0 < len(rendered["Description"]) <= 1_024
    assert len(rendered["Id"]) <= 512
    assert size_bytes(rendered) <= MAX_FINDING_BYTES
    assert all(each for each in rendered["ProductFields"].values())
    assert ocsf_problems(render_ocsf(finding, HOME)) == []


def test_evidence_goes_before_the_limit_is_passed_and_the_finding_stays():
    """Characters that JSON escapes take up to twelve bytes each."""
    huge = a_finding(evidence={f"name{number}": "\U0001f4b0" * 2_000 for number in range(40)})
    rendered = render_asff(huge, HOME, LATER)
    assert MAX_FINDING_BYTES - 24_100 < size_bytes(rendered) <= MAX_FINDING_BYTES
    assert rendered["ProductFields"]["counterfoil/status"] == "OPEN"
    assert "counterfoil/evidence/name0" in rendered["ProductFields"]


def test_two_findings_whose_ids_are_too_long_stay_two():
    one, other = (security_id(a_finding(place="p" * 600 + last)) for last in "ab")
    assert one != other
    assert len(one) <= 512
    assert len(security_id(a_finding("fraud." + "r" * 600))) == 512


def test_a_finding_is_never_updated_before_it_was_made():
    rendered = render_asff(a_finding(), HOME, FOUND_AT - timedelta(days=1))
    assert rendered["UpdatedAt"] == rendered["CreatedAt"]


def test_a_call_takes_a_hundred():
    assert [len(each) for each in batches({"Id": str(number)} for number in range(250))] == [100, 100, 50]
    assert list(batches([])) == []


def test_the_same_finding_is_the_same_line():
    one = a_finding(evidence={"a": "1", "b": "2"})
    other = replace(one, evidence={"b": "2", "a": "1"})
    line = render_ocsf_line(one, HOME)
    assert line == render_ocsf_line(other, HOME)
    assert line.count(b"\n") == 1
    assert json.loads(line) == render_ocsf(one, HOME)


@pytest.mark.parametrize(
    ("account", "region", "partition"),
    [("12345", "eu-west-1", "aws"), ("123456789012", "eu west", "aws"), ("123456789012", "eu-west-1", "")],
)
def test_what_is_no_account_or_region_is_refused(account, region, partition):
    with pytest.raises(InputError):
        Home(account, region, partition)
