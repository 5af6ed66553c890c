"""What AWS Config and S3 are asked, and what their refusals come to."""

from datetime import UTC, datetime

import pytest

from counterfoil.adapters.config_rules import ConfigEvaluations, S3LockReader
from counterfoil.detection.compliance import BucketLock, Evaluation, Verdict
from counterfoil.errors import InputError, UnavailableError
from counterfoil.lambda_events import parse_config_event
from lab.events.compliance_cases import config_event

NOW = datetime(2026, 3, 2, tzinfo=UTC)
EVALUATION = Evaluation("AWS::S3::Bucket", "bucket", Verdict.COMPLIANT, "why", NOW)
LOCK = "get_object_lock_configuration"


def test_an_evaluation_goes_to_whoever_gave_the_token(stub):
    config = stub("config")
    expected = {
        "Evaluations": [
            {
                "ComplianceResourceType": "AWS::S3::Bucket",
                "ComplianceResourceId": "bucket",
                "ComplianceType": "COMPLIANT",
                "Annotation": "why",
                "OrderingTimestamp": NOW,
            }
        ],
        "ResultToken": "token",
    }
    config.add_response("put_evaluations", {"FailedEvaluations": []}, expected)
    ConfigEvaluations(config.client).put("token", EVALUATION)


def test_an_evaluation_that_was_not_taken_was_not_handed_in(stub):
    config = stub("config")
    failed = [
        {
            "ComplianceResourceType": "a",
            "ComplianceResourceId": "b",
            "ComplianceType": "COMPLIANT",
            "OrderingTimestamp": NOW,
        }
    ]
    config.add_response("put_evaluations", {"FailedEvaluations": failed})
    config.add_client_error("put_evaluations", "InvalidResultTokenException")
    for _ in range(2):
        with pytest.raises(UnavailableError):
            ConfigEvaluations(config.client).put("token", EVALUATION)


@pytest.mark.parametrize(
    ("configuration", "lock"),
    [
        ({}, None),
        ({"ObjectLockEnabled": "Enabled"}, BucketLock(None, None)),
        (
            {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}},
            BucketLock("GOVERNANCE", 30),
        ),
        (
            {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 6}}},
            BucketLock("COMPLIANCE", 2190),
        ),
    ],
)
def test_a_lock_is_read_in_days(configuration, lock, stub):
    s3 = stub("s3")
    s3.add_response(LOCK, {"ObjectLockConfiguration": configuration}, {"Bucket": "bucket"})
    assert S3LockReader(s3.client).lock("bucket") == lock


def test_a_bucket_without_a_lock_is_told_from_one_that_may_not_be_looked_at(stub):
    s3 = stub("s3")
    s3.add_client_error(LOCK, "ObjectLockConfigurationNotFoundError")
    assert S3LockReader(s3.client).lock("bucket") is None
    s3.add_client_error(LOCK, "AccessDenied")
    with pytest.raises(UnavailableError, match="AccessDenied"):
        S3LockReader(s3.client).lock("bucket")


GOOD = config_event({"check": "NO_OPEN_GAP", "graceMinutes": "15"})


def test_a_call_has_its_parameters_token_and_time():
    request = parse_config_event(GOOD)
    assert (request.parameters.limit.seconds, request.token) == (900, "myResultToken")
    assert request.asked_at == datetime(2025, 3, 3, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"invokingEvent": "{"}, "invokingEvent"),
        ({"invokingEvent": "[]"}, "invokingEvent"),
        ({"invokingEvent": '{"messageType": "ConfigurationItemChangeNotification"}'}, "clock"),
        ({"invokingEvent": '{"messageType": "ScheduledNotification"}'}, "when it was made"),
        ({"ruleParameters": "{}"}, "check"),
        ({"ruleParameters": None}, "ruleParameters"),
        ({"resultToken": 7}, "resultToken"),
    ],
)
def test_another_call_is_refused_by_name(change, says):
    with pytest.raises(InputError, match=says):
        parse_config_event({**GOOD, **change})


def test_what_is_no_call_is_refused():
    with pytest.raises(InputError):
        parse_config_event([])
