"""``counterfoil streams``: what it shows, and what it changes in the table of a deployed ledger."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from counterfoil.adapters.memory import MemoryJobs
from counterfoil.cli import streams
from counterfoil.errors import UnavailableError
from counterfoil.ledger.jobs import ErrorCause, StreamStatus
from tests.exports import stream_job

ID = stream_job().stream_id
ENDED = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def jobs(monkeypatch):
    """The jobs in the table ``registry``."""
    kept = MemoryJobs()
    kept.save_stream(stream_job(next_sequence_no=7))

    def of_table(table):
        assert table == "registry"
        return kept

    monkeypatch.setattr(streams, "_jobs", of_table)
    return kept


def test_streams_are_listed_with_what_is_in_their_way(run, jobs):
    impaired = replace(
        stream_job(status=StreamStatus.IMPAIRED, error_cause=ErrorCause.IAM_PERMISSION_REVOKED),
        stream_id="other",
        paused=True,
    )
    jobs.save_stream(impaired)
    found = run("streams", "list", "registry", "--json")
    assert found.status == 0
    by_id = {each["streamId"]: each for each in found.document["streams"]}
    assert by_id[ID] == {
        "streamId": ID,
        "streamName": "all",
        "ledgerName": "bank",
        "kinesisStreamArn": stream_job().kinesis_stream_arn,
        "status": "ACTIVE",
        "errorCause": None,
        "paused": False,
        "nextSequenceNo": 7,
        "createdAt": stream_job().created_at.isoformat(),
    }
    other = by_id["other"]
    assert (other["status"], other["errorCause"], other["paused"], other["nextSequenceNo"]) == (
        "IMPAIRED",
        "IAM_PERMISSION_REVOKED",
        True,
        0,
    )


def test_a_person_sees_a_table(run, jobs):
    found = run("streams", "list", "registry")
    assert found.status == 0
    assert "Journal streams" in found.out
    assert "ACTIVE" in found.out


def test_a_stream_is_held_and_let_go_on(run, jobs):
    for verb, paused in (("pause", True), ("pause", True), ("resume", False), ("resume", False)):
        found = run("streams", verb, "registry", ID, "--json")
        assert (found.status, found.document["stream"]["paused"]) == (0, paused)
        assert jobs.stream(ID) == stream_job(next_sequence_no=7, paused=paused)


def test_a_person_is_told_where_it_stands(run, jobs):
    found = run("streams", "pause", "registry", ID)
    assert found.out.strip() == f"stream {ID} of bank is ACTIVE, paused; its next block is 7"


@pytest.mark.parametrize("begin", [0, 3, 7])
def test_a_stream_is_published_again_from_a_block_on(run, jobs, begin):
    found = run("streams", "replay", "registry", ID, "--from", str(begin), "--json")
    assert (found.status, found.document["stream"]["nextSequenceNo"]) == (0, begin)
    assert jobs.stream(ID) == stream_job(next_sequence_no=begin)


@pytest.mark.parametrize("begin", ["-1", "8", "x"])
def test_a_block_that_was_not_published_is_refused(run, jobs, begin):
    assert run("streams", "replay", "registry", ID, "--from", begin).status == 2
    assert jobs.stream(ID) == stream_job(next_sequence_no=7)


def test_replaying_needs_to_know_from_where(run, jobs):
    assert run("streams", "replay", "registry", ID).status == 2


COMMANDS = [("pause", []), ("resume", []), ("replay", ["--from", "0"])]


@pytest.mark.parametrize(("verb", "options"), COMMANDS)
def test_a_stream_that_is_not_there_or_has_ended_is_refused(run, jobs, verb, options):
    assert run("streams", verb, "registry", "nobody", *options).status == 2
    ended = stream_job(status=StreamStatus.CANCELED, ended_at=ENDED)
    jobs.save_stream(ended)
    assert run("streams", verb, "registry", ID, *options).status == 2
    assert jobs.stream(ID) == ended


@pytest.mark.parametrize(("verb", "options"), COMMANDS)
def test_a_table_that_does_not_answer_is_unavailable(run, monkeypatch, verb, options):
    class Gone(MemoryJobs):
        def stream(self, stream_id, /):
            raise UnavailableError("no answer")

    monkeypatch.setattr(streams, "_jobs", lambda _: Gone())
    assert run("streams", verb, "registry", ID, *options).status == 3
