"""What every JobStore guarantees."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.adapters.dynamodb.jobs import KEYS_IN_PIECE, DynamoDbJobs
from counterfoil.adapters.memory import MemoryJobs
from counterfoil.adapters.sqlite.jobs import SqliteJobs
from counterfoil.adapters.sqlite.registry_file import RegistryFile
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.journal.export_format import OutputFormat
from counterfoil.ledger.jobs import Encryption, EncryptionType, ErrorCause, ExportStatus, StreamStatus
from tests.contract.conftest import ON_EMULATOR
from tests.exports import NOW, export_job, stream_job

ENDED = datetime(2026, 1, 1, 10, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite", pytest.param("aws", marks=ON_EMULATOR)])
def reopen(request, tmp_path):
    """Gives the store as the next process finds it."""
    if request.param == "memory":
        store = MemoryJobs()
        yield lambda: store
        return
    if request.param == "aws":
        ddb_table = request.getfixturevalue("make_ddb_table")("RegistryTable")
        clients = request.getfixturevalue("clients")
        yield lambda: DynamoDbJobs(clients("dynamodb"), ddb_table)
        return
    files = []

    def open_again():
        for each in files:
            each.close()
        files[:] = [RegistryFile(tmp_path / "registry")]
        return SqliteJobs(files[0])

    yield open_again
    for each in files:
        each.close()


EXPORTS = [
    export_job(),
    export_job(OutputFormat.JSON, prefix=""),
    export_job(encryption=Encryption(EncryptionType.SSE_KMS, "arn:aws:kms:::key/k")),
    export_job(status=ExportStatus.COMPLETED, next_sequence_no=8, keys=("a/b.ion", "größe"), ended_at=ENDED),
    export_job(status=ExportStatus.CANCELLED, ended_at=ENDED, reason="no bucket"),
]
STREAMS = [
    stream_job(),
    stream_job(exclusive_end=NOW, aggregation=False, next_sequence_no=0),
    stream_job(status=StreamStatus.IMPAIRED, error_cause=ErrorCause.RECORD_TOO_LARGE, impaired_since=ENDED),
    stream_job(status=StreamStatus.FAILED, error_cause=ErrorCause.KINESIS_STREAM_NOT_FOUND, ended_at=ENDED),
]


@pytest.mark.parametrize("job", EXPORTS)
def test_an_export_comes_back_as_it_was_saved(reopen, job):
    reopen().save_export(job)
    assert reopen().exports() == [job]
    assert reopen().export(job.export_id) == job
    assert (reopen().streams(), reopen().stream(job.export_id)) == ([], None)


@pytest.mark.parametrize("job", STREAMS)
def test_a_stream_comes_back_as_it_was_saved(reopen, job):
    reopen().save_stream(job)
    assert reopen().streams() == [job]
    assert reopen().stream(job.stream_id) == job
    assert (reopen().exports(), reopen().export(job.stream_id)) == ([], None)


def test_what_is_saved_again_replaces_what_was_kept(reopen):
    for job in EXPORTS:
        reopen().save_export(job)
    for job in STREAMS:
        reopen().save_stream(job)
    assert (reopen().exports(), reopen().streams()) == ([EXPORTS[-1]], [STREAMS[-1]])


def test_jobs_are_listed_in_order_of_creation_and_id(reopen):
    jobs = [
        replace(export_job(), export_id=job_id, created_at=NOW + timedelta(microseconds=later))
        for job_id, later in (("b", 1), ("c", 0), ("a", 1))
    ]
    for job in jobs:
        reopen().save_export(job)
    assert [each.export_id for each in reopen().exports()] == ["c", "a", "b"]
    for job in jobs:
        reopen().save_stream(stream_job(stream_id=job.export_id + "s", created_at=job.created_at))
    assert [each.stream_id for each in reopen().streams()] == ["cs", "as", "bs"]


def test_what_is_forgotten_is_gone_and_may_be_forgotten_again(reopen):
    reopen().save_export(export_job())
    reopen().save_stream(stream_job())
    for _ in range(2):
        reopen().forget(export_job().export_id)
    assert (reopen().exports(), reopen().streams()) == ([], [stream_job()])
    reopen().forget(stream_job().stream_id)
    assert reopen().streams() == []


def further(job, *keys):
    return replace(job, keys=(*job.keys, *keys), next_sequence_no=job.next_sequence_no + 1)


def test_progress_replaces_what_it_was_made_from(reopen):
    job, stream = export_job(), stream_job()
    reopen().save_export(job)
    reopen().save_stream(stream)
    for keys in (("a",), ("b", "c"), ()):
        reopen().advance_export(job, further(job, *keys))
        job = further(job, *keys)
        assert reopen().export(job.export_id) == job
    reopen().advance_stream(stream, replace(stream, next_sequence_no=5))
    assert reopen().stream(stream.stream_id).next_sequence_no == 5


def test_a_stale_runner_is_refused_and_changes_nothing(reopen):
    old = export_job()
    ahead = further(further(old, "a"), "b")
    reopen().save_export(old)
    reopen().advance_export(old, ahead)
    stream = stream_job()
    reopen().save_stream(stream)
    canceled = replace(stream, status=StreamStatus.CANCELED, ended_at=ENDED)
    reopen().advance_stream(stream, canceled)
    with pytest.raises(ConflictError):
        reopen().advance_export(old, further(old, "a"))
    with pytest.raises(ConflictError):
        reopen().advance_stream(stream, replace(stream, next_sequence_no=7))
    assert (reopen().exports(), reopen().streams()) == ([ahead], [canceled])


def test_what_was_forgotten_makes_no_progress(reopen):
    for job_id in ("neverKeptNeverKeptNever", export_job().export_id):
        with pytest.raises(ConflictError):
            reopen().advance_export(export_job(export_id=job_id), further(export_job(export_id=job_id), "a"))
    with pytest.raises(ConflictError):
        reopen().advance_stream(stream_job(), replace(stream_job(), next_sequence_no=7))
    assert (reopen().exports(), reopen().streams()) == ([], [])


def test_an_export_may_have_any_number_of_keys(reopen):
    job = export_job(prefix="")
    reopen().save_export(job)
    for count in (KEYS_IN_PIECE - 1, 2, 3 * KEYS_IN_PIECE, 1):
        grown = further(job, *(f"{len(job.keys) + at:06}{'k' * 1_018}" for at in range(count)))
        reopen().advance_export(job, grown)
        job = grown
        assert reopen().export(job.export_id) == job
    shorter = replace(job, keys=job.keys[:3])
    reopen().save_export(shorter)
    assert reopen().exports() == [shorter]


@pytest.mark.end_to_end
@pytest.mark.xdist_group("emulator")
def test_an_aws_that_does_not_answer_is_unavailable(gone):
    store = DynamoDbJobs(gone("dynamodb"), "none")
    for call in (store.exports, lambda: store.save_stream(stream_job()), lambda: store.forget("x")):
        with pytest.raises(UnavailableError):
            call()
