"""Exports and streams that other functions carry out: what is kept, who is asked, how a stream is cancelled meanwhile."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from counterfoil.adapters.memory import MemoryJobs
from counterfoil.errors import NotFoundError, PreconditionError, UnavailableError
from counterfoil.ledger.jobs import ErrorCause, StreamStatus
from counterfoil.services import asked_jobs
from counterfoil.services.asked_jobs import AskedJobs
from tests.exports import export_job, stream_job

NOW = datetime(2026, 2, 1, tzinfo=UTC)


class Moving(MemoryJobs):
    """A stream that somebody publishes right now: it has moved on ``moves`` times before each of the next changes."""

    moves = 0

    def advance_stream(self, old, new):
        if self.moves:
            self.moves -= 1
            kept = self.stream(old.stream_id)
            self.save_stream(replace(kept, next_sequence_no=(kept.next_sequence_no or 0) + 1))
        super().advance_stream(old, new)


class World:
    def __init__(self):
        self.store = Moving()
        self.asked = []
        self.deaf = False
        self.jobs = AskedJobs(self.store, self.ask, self.ask, lambda: NOW)

    def ask(self, event):
        if self.deaf:
            raise UnavailableError("throttled")
        self.asked.append(event)


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize("deaf", [False, True])
def test_a_job_is_kept_before_its_function_is_asked_and_whether_it_hears_or_not(world, deaf):
    world.deaf = deaf
    world.jobs.start_export(export_job())
    world.jobs.start_stream(stream_job())
    assert (world.jobs.exports(), world.jobs.streams()) == ([export_job()], [stream_job()])
    asked = [{"export": export_job().export_id}, {"stream": stream_job().stream_id}]
    assert world.asked == ([] if deaf else asked)


@pytest.mark.parametrize("moves", [0, 3])
def test_a_stream_is_cancelled_though_it_moves_on(world, moves):
    world.jobs.start_stream(stream_job())
    world.store.moves = moves
    world.jobs.cancel_stream(stream_job().stream_id)
    (job,) = world.jobs.streams()
    assert (job.status, job.ended_at, job.next_sequence_no) == (StreamStatus.CANCELED, NOW, moves or None)


def test_a_stream_that_is_never_still_cannot_be_cancelled_now(world):
    world.jobs.start_stream(stream_job())
    world.store.moves = asked_jobs.ATTEMPTS
    with pytest.raises(UnavailableError):
        world.jobs.cancel_stream(stream_job().stream_id)
    assert world.jobs.streams()[0].status is StreamStatus.ACTIVE


def test_a_stream_that_has_ended_or_never_was_cannot_be_cancelled(world):
    world.jobs.start_stream(stream_job(status=StreamStatus.COMPLETED))
    with pytest.raises(PreconditionError):
        world.jobs.cancel_stream(stream_job().stream_id)
    with pytest.raises(NotFoundError):
        world.jobs.cancel_stream("n" * 22)


def test_jobs_of_a_deleted_ledger_are_forgotten_and_no_others(world):
    world.jobs.start_export(export_job())
    world.jobs.start_stream(stream_job())
    world.jobs.start_stream(stream_job(stream_id="other", ledger_name="shop"))
    world.jobs.forget_ledger("bank")
    assert (world.jobs.exports(), [each.stream_id for each in world.jobs.streams()]) == ([], ["other"])


def test_who_cancels_an_impaired_stream_hears_no_more_of_what_was_in_its_way(world):
    cause = ErrorCause.IAM_PERMISSION_REVOKED
    world.jobs.start_stream(stream_job(status=StreamStatus.IMPAIRED, error_cause=cause, impaired_since=NOW))
    world.jobs.cancel_stream(stream_job().stream_id)
    (job,) = world.jobs.streams()
    assert (job.status, job.error_cause) == (StreamStatus.CANCELED, None)


def test_a_stream_that_is_held_can_be_cancelled(world):
    world.jobs.start_stream(stream_job(paused=True))
    world.jobs.cancel_stream(stream_job().stream_id)
    assert world.jobs.streams()[0].status is StreamStatus.CANCELED


def test_each_function_is_asked_for_its_own_kind_of_job():
    exporter, publisher = [], []
    jobs = AskedJobs(MemoryJobs(), exporter.append, publisher.append, lambda: NOW)
    jobs.start_export(export_job())
    jobs.start_stream(stream_job())
    assert (exporter, publisher) == ([{"export": export_job().export_id}], [{"stream": stream_job().stream_id}])


def test_a_job_is_kept_when_its_function_is_asked():
    store, seen = MemoryJobs(), []
    jobs = AskedJobs(
        store, lambda _: seen.append(len(store.exports())), lambda _: seen.append(len(store.streams())), lambda: NOW
    )
    jobs.start_export(export_job())
    jobs.start_stream(stream_job())
    assert seen == [1, 1]


def test_what_cannot_be_kept_is_not_asked_for(world, monkeypatch):
    def refuse(*_):
        raise UnavailableError("no table")

    monkeypatch.setattr(Moving, "save_export", refuse)
    monkeypatch.setattr(Moving, "save_stream", refuse)
    with pytest.raises(UnavailableError):
        world.jobs.start_export(export_job())
    with pytest.raises(UnavailableError):
        world.jobs.start_stream(stream_job())
    assert world.asked == []
