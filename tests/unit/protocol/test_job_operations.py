"""Exports and streams: begun, described, listed, cancelled and bounded."""

from dataclasses import replace
from datetime import timedelta

import pytest

from counterfoil.ledger.jobs import ErrorCause, StreamStatus
from counterfoil.protocol.faults import ProtocolError
from tests.scripted_ledgers import ENDED_EXPORT, ENDED_STREAM, NOW, STRAND, Service

EXPORT = {
    "Name": "bank",
    "InclusiveStartTime": NOW - timedelta(days=1),
    "ExclusiveEndTime": NOW,
    "S3ExportConfiguration": {
        "Bucket": "bucket",
        "Prefix": "bank/",
        "EncryptionConfiguration": {"ObjectEncryptionType": "NO_ENCRYPTION"},
    },
    "RoleArn": "arn:aws:iam::000000000000:role/export",
}
STREAM = {
    "LedgerName": "bank",
    "RoleArn": "arn:aws:iam::000000000000:role/stream",
    "InclusiveStartTime": NOW,
    "KinesisConfiguration": {"StreamArn": "arn:aws:kinesis:us-east-1:000000000000:stream/journal"},
    "StreamName": "to-auditor",
}


@pytest.fixture
def service():
    return Service()


def refused(call, name, status, message=None):
    with pytest.raises(ProtocolError, match=message) as caught:
        call()
    assert (caught.value.name, caught.value.status) == (name, status)


def begin_export(service, **changes):
    return service.call("ExportJournalToS3", **{**EXPORT, **changes})["ExportId"]


def begin_stream(service, **changes):
    return service.call("StreamJournalToKinesis", **{**STREAM, **changes})["StreamId"]


def test_an_export_is_begun_and_described(service):
    export_id = begin_export(service)
    described = {
        "LedgerName": "bank",
        "ExportId": export_id,
        "ExportCreationTime": NOW,
        "Status": "IN_PROGRESS",
        "InclusiveStartTime": EXPORT["InclusiveStartTime"],
        "ExclusiveEndTime": EXPORT["ExclusiveEndTime"],
        "S3ExportConfiguration": EXPORT["S3ExportConfiguration"],
        "RoleArn": EXPORT["RoleArn"],
    }
    assert service.call("DescribeJournalS3Export", Name="bank", ExportId=export_id) == {"ExportDescription": described}
    assert service.call("ListJournalS3Exports") == {"JournalS3Exports": [described]}
    assert service.call("ListJournalS3ExportsForLedger", Name="bank") == {"JournalS3Exports": [described]}


def test_key_and_format_are_described_where_they_were_asked_for(service):
    encryption = {"ObjectEncryptionType": "SSE_KMS", "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/x"}
    target = EXPORT["S3ExportConfiguration"] | {"EncryptionConfiguration": encryption}
    export_id = begin_export(service, S3ExportConfiguration=target, OutputFormat="JSON")
    described = service.call("DescribeJournalS3Export", Name="bank", ExportId=export_id)["ExportDescription"]
    assert described["OutputFormat"] == "JSON"
    assert described["S3ExportConfiguration"]["EncryptionConfiguration"] == encryption


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ExclusiveEndTime": NOW + timedelta(milliseconds=1)}, "in the future"),
        ({"ExclusiveEndTime": EXPORT["InclusiveStartTime"]}, "before"),
        ({"InclusiveStartTime": NOW + timedelta(days=1)}, "before"),
        (
            {
                "S3ExportConfiguration": EXPORT["S3ExportConfiguration"]
                | {"EncryptionConfiguration": {"ObjectEncryptionType": "SSE_KMS"}}
            },
            "KmsKeyArn",
        ),
    ],
)
def test_an_export_that_cannot_be_is_refused(service, changes, message):
    refused(lambda: begin_export(service, **changes), "InvalidParameterException", 400, message)
    assert service.jobs.kept_exports == []


def test_two_exports_of_a_ledger_run_at_a_time(service):
    begin_export(service)
    begin_export(service)
    refused(lambda: begin_export(service), "LimitExceededException", 400, "2 exports")
    service.jobs.kept_exports[0] = replace(service.jobs.kept_exports[0], status=ENDED_EXPORT, ended_at=NOW)
    begin_export(service)


def test_ended_jobs_are_listed_for_seven_days(service):
    export_id, stream_id = begin_export(service), begin_stream(service)
    service.jobs.kept_exports[0] = replace(service.jobs.kept_exports[0], status=ENDED_EXPORT, ended_at=NOW)
    service.jobs.kept_streams[0] = replace(service.jobs.kept_streams[0], status=ENDED_STREAM, ended_at=NOW)
    service.now = NOW + timedelta(days=7, seconds=-1)
    assert len(service.call("ListJournalS3Exports")["JournalS3Exports"]) == 1
    assert len(service.call("ListJournalKinesisStreamsForLedger", LedgerName="bank")["Streams"]) == 1
    service.now = NOW + timedelta(days=7)
    assert service.call("ListJournalS3Exports") == {"JournalS3Exports": []}
    refused(
        lambda: service.call("DescribeJournalS3Export", Name="bank", ExportId=export_id),
        "ResourceNotFoundException",
        404,
    )
    refused(
        lambda: service.call("DescribeJournalKinesisStream", LedgerName="bank", StreamId=stream_id),
        "ResourceNotFoundException",
        404,
    )


def test_jobs_of_another_ledger_are_not_shown(service):
    service.call("CreateLedger", Name="shop", PermissionsMode="ALLOW_ALL")
    export_id, stream_id = begin_export(service), begin_stream(service)
    assert service.call("ListJournalS3ExportsForLedger", Name="shop") == {"JournalS3Exports": []}
    assert service.call("ListJournalKinesisStreamsForLedger", LedgerName="shop") == {"Streams": []}
    for call in (
        lambda: service.call("DescribeJournalS3Export", Name="shop", ExportId=export_id),
        lambda: service.call("DescribeJournalKinesisStream", LedgerName="shop", StreamId=stream_id),
        lambda: service.call("CancelJournalKinesisStream", LedgerName="shop", StreamId=stream_id),
    ):
        refused(call, "ResourceNotFoundException", 404)


def test_exports_are_listed_page_by_page_the_oldest_first(service):
    ids = []
    for minute in range(5):
        service.now = NOW + timedelta(minutes=minute)
        ids.append(begin_export(service))
        service.jobs.kept_exports[-1] = replace(
            service.jobs.kept_exports[-1], status=ENDED_EXPORT, ended_at=service.now
        )
    seen, token = [], {}
    while True:
        answer = service.call("ListJournalS3ExportsForLedger", Name="bank", MaxResults=2, **token)
        seen.append([each["ExportId"] for each in answer["JournalS3Exports"]])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert seen == [ids[:2], ids[2:4], ids[4:]]


def test_a_stream_is_begun_and_described(service):
    stream_id = begin_stream(service, Tags={"team": "a"})
    arn = f"arn:aws:qldb:us-east-1:000000000000:stream/bank/{stream_id}"
    described = {
        "LedgerName": "bank",
        "CreationTime": NOW,
        "InclusiveStartTime": NOW,
        "RoleArn": STREAM["RoleArn"],
        "StreamId": stream_id,
        "Arn": arn,
        "Status": "ACTIVE",
        "KinesisConfiguration": {**STREAM["KinesisConfiguration"], "AggregationEnabled": True},
        "StreamName": "to-auditor",
    }
    assert service.call("DescribeJournalKinesisStream", LedgerName="bank", StreamId=stream_id) == {"Stream": described}
    assert service.call("ListJournalKinesisStreamsForLedger", LedgerName="bank") == {"Streams": [described]}
    assert service.call("ListTagsForResource", ResourceArn=arn) == {"Tags": {"team": "a"}}


def test_an_impaired_stream_says_why(service):
    stream_id = begin_stream(service, ExclusiveEndTime=NOW + timedelta(days=1))
    impaired = {"status": StreamStatus.IMPAIRED, "error_cause": ErrorCause.KINESIS_STREAM_NOT_FOUND}
    service.jobs.kept_streams[0] = replace(service.jobs.kept_streams[0], **impaired)
    described = service.call("DescribeJournalKinesisStream", LedgerName="bank", StreamId=stream_id)["Stream"]
    assert described["Status"] == "IMPAIRED"
    assert described["ErrorCause"] == "KINESIS_STREAM_NOT_FOUND"
    assert described["ExclusiveEndTime"] == NOW + timedelta(days=1)


def test_a_running_stream_is_cancelled_and_an_ended_one_is_not(service):
    stream_id = begin_stream(service)
    cancel = lambda: service.call("CancelJournalKinesisStream", LedgerName="bank", StreamId=stream_id)  # noqa: E731
    assert cancel() == {"StreamId": stream_id}
    assert service.jobs.cancelled == [stream_id]
    service.jobs.kept_streams[0] = replace(service.jobs.kept_streams[0], status=ENDED_STREAM, ended_at=NOW)
    refused(cancel, "ResourcePreconditionNotMetException", 412, "has ended")


def test_five_streams_of_a_ledger_run_at_a_time(service):
    for _ in range(5):
        begin_stream(service)
    refused(lambda: begin_stream(service), "LimitExceededException", 400, "5 active streams")
    service.jobs.kept_streams[0] = replace(service.jobs.kept_streams[0], status=ENDED_STREAM, ended_at=NOW)
    begin_stream(service)


def test_a_stream_that_ends_before_it_begins_is_refused(service):
    refused(lambda: begin_stream(service, ExclusiveEndTime=NOW), "InvalidParameterException", 400, "before")


def test_a_job_that_never_was_is_not_found(service):
    refused(
        lambda: service.call("DescribeJournalS3Export", Name="bank", ExportId=STRAND), "ResourceNotFoundException", 404
    )
