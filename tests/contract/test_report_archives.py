"""What a report reads of a deployed stack's findings and snapshots, on the emulator."""

from dataclasses import replace
from datetime import timedelta

import pytest

from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
from counterfoil.cli.report.stack import DynamoDbFindingArchive, S3SnapshotArchive
from counterfoil.detection.finding import Finding, Severity
from counterfoil.errors import UnavailableError
from tests.audit_worlds import NOW
from tests.contract.conftest import AWS

FINDING = Finding("audit.gap", Severity.HIGH, "strand#1", "a block is missing", NOW, evidence={"first": "1"})


@pytest.mark.parametrize("_", AWS)
def test_findings_of_before_a_time_are_read_as_they_were_written(_, clients, make_ddb_table):
    table, client = make_ddb_table("FindingsTable"), clients("dynamodb")
    later = replace(FINDING, subject="later", found_at=NOW + timedelta(hours=1))
    DynamoDbFindings(client, table).record([FINDING, later])
    archive = DynamoDbFindingArchive(client, table)
    assert list(archive.until(NOW)) == []
    assert list(archive.until(NOW + timedelta(seconds=1))) == [FINDING]
    assert sorted(each.subject for each in archive.until(NOW + timedelta(days=1))) == ["", "later"]


@pytest.mark.parametrize("_", AWS)
def test_snapshots_are_read_by_name_in_order(_, clients, make_bucket):
    client = clients("s3")
    bucket = make_bucket(lock=False)
    for name in ("snapshots/a/2.json", "snapshots/a/1.json", "snapshots/b/1.json"):
        client.put_object(Bucket=bucket, Key=name, Body=name.encode())
    archive = S3SnapshotArchive(client, bucket)
    assert archive.names("snapshots/a/") == ["snapshots/a/1.json", "snapshots/a/2.json"]
    assert archive.names("snapshots/c/") == []
    assert archive.load("snapshots/b/1.json") == b"snapshots/b/1.json"


def test_an_archive_that_does_not_answer_is_unavailable(gone):
    findings, snapshots = DynamoDbFindingArchive(gone("dynamodb"), "t"), S3SnapshotArchive(gone("s3"), "bucket")
    for call in (lambda: list(findings.until(NOW)), lambda: snapshots.names("a"), lambda: snapshots.load("a")):
        with pytest.raises(UnavailableError):
            call()
