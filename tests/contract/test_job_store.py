"""What every JobStore guarantees."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.adapters.memory.outside import MemoryJobs
from counterfoil.adapters.sqlite.jobs import SqliteJobs
from counterfoil.adapters.sqlite.registry_file import RegistryFile
from counterfoil.journal.export_format import OutputFormat
from counterfoil.ledger.jobs import (
    Encryption,
    EncryptionType,
    ErrorCause,
    ExportJob,
    ExportStatus,
    StreamJob,
    StreamStatus,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
CREATED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
EXPORT = ExportJob(
    export_id="0123456789abcdefABCDE1",
    ledger_name="bank",
    role_arn="arn:aws:iam::000000000000:role/export",
    inclusive_start=START,
    exclusive_end=START + timedelta(days=1),
    bucket="bucket",
    prefix="ledger/",
    encryption=Encryption(EncryptionType.SSE_S3),
    output_format=None,
    created_at=CREATED,
)
ENDED_EXPORT = replace(
    EXPORT,
    encryption=Encryption(EncryptionType.SSE_KMS, "arn:aws:kms:us-east-1:000000000000:key/x"),
    output_format=OutputFormat.JSON,
    status=ExportStatus.COMPLETED,
    next_sequence_no=12,
    keys=("ledger/2026/01/01/00/s.0-5.ion", "ledger/2026/01/01/01/s.6-11.ion"),
    ended_at=CREATED + timedelta(seconds=3),
    reason="é",
)
STREAM = StreamJob(
    stream_id="0123456789abcdefABCDE2",
    stream_name="to-analytics",
    arn="arn:aws:qldb:us-east-1:000000000000:stream/bank/0123456789abcdefABCDE2",
    ledger_name="bank",
    role_arn="arn:aws:iam::000000000000:role/stream",
    inclusive_start=START,
    exclusive_end=None,
    kinesis_stream_arn="arn:aws:kinesis:us-east-1:000000000000:stream/journal",
    aggregation=True,
    created_at=CREATED,
)
IMPAIRED_STREAM = replace(
    STREAM,
    exclusive_end=START + timedelta(days=9),
    aggregation=False,
    status=StreamStatus.IMPAIRED,
    error_cause=ErrorCause.KINESIS_STREAM_NOT_FOUND,
    next_sequence_no=0,
    impaired_since=CREATED + timedelta(minutes=1),
)


@pytest.fixture(params=["memory", "sqlite"])
def jobs(request, tmp_path):
    if request.param == "memory":
        yield MemoryJobs()
        return
    file = RegistryFile(tmp_path / "registry.db")
    yield SqliteJobs(file)
    file.close()


@pytest.mark.parametrize("job", [EXPORT, ENDED_EXPORT])
def test_an_export_is_kept_as_it_was_saved(jobs, job):
    jobs.save_export(job)
    assert jobs.exports() == [job]
    assert jobs.streams() == []


@pytest.mark.parametrize("job", [STREAM, IMPAIRED_STREAM])
def test_a_stream_is_kept_as_it_was_saved(jobs, job):
    jobs.save_stream(job)
    assert jobs.streams() == [job]
    assert jobs.exports() == []


def test_saving_again_replaces_what_was_kept(jobs):
    jobs.save_export(EXPORT)
    jobs.save_export(ENDED_EXPORT)
    jobs.save_stream(STREAM)
    jobs.save_stream(IMPAIRED_STREAM)
    assert jobs.exports() == [ENDED_EXPORT]
    assert jobs.streams() == [IMPAIRED_STREAM]


def test_jobs_come_in_the_order_in_which_they_were_begun(jobs):
    later = replace(EXPORT, export_id="A" * 22, created_at=CREATED + timedelta(microseconds=1))
    same = replace(EXPORT, export_id="Z" * 22)
    for job in (later, same, EXPORT):
        jobs.save_export(job)
    assert jobs.exports() == [EXPORT, same, later]


def test_a_forgotten_job_is_gone_and_forgetting_again_changes_nothing(jobs):
    jobs.save_export(EXPORT)
    jobs.save_stream(STREAM)
    for _ in range(2):
        jobs.forget(EXPORT.export_id)
    assert jobs.exports() == []
    assert jobs.streams() == [STREAM]


def test_jobs_outlive_their_process(tmp_path):
    file = RegistryFile(tmp_path / "registry.db")
    SqliteJobs(file).save_stream(IMPAIRED_STREAM)
    file.close()
    again = RegistryFile(tmp_path / "registry.db")
    assert SqliteJobs(again).streams() == [IMPAIRED_STREAM]
    again.close()
