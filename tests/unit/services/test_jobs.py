"""Exports and streams in the background: they get there, say where they are, and go on after a restart."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from counterfoil.adapters.memory import MemoryBucket, MemoryJobs, MemoryStream
from counterfoil.errors import (
    ForbiddenError,
    InputError,
    IntegrityError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from counterfoil.ledger.jobs import ErrorCause, ExportStatus, StreamStatus
from counterfoil.services import jobs as runner
from counterfoil.services.jobs import IMPAIRED_FOR, LISTED_FOR, Jobs
from tests.exports import (
    EVERYTHING,
    NOW,
    ListReader,
    aggregate,
    big_transfer,
    export_job,
    later,
    said,
    stream_job,
    verdict_of,
)
from tests.journals import journal_of, transfer, transfers

PATIENCE_SECONDS = 20


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    monkeypatch.setattr(runner, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(runner, "FIRST_PAUSE_SECONDS", 0.005)
    monkeypatch.setattr(runner, "LONGEST_PAUSE_SECONDS", 0.02)


def until(condition):
    """Wait for what a background thread is about to do."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.002)


@dataclass
class World:
    """One ledger, one bucket, one stream, a registry, and runners one after the other."""

    reader: ListReader
    store: MemoryJobs = field(default_factory=MemoryJobs)
    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    sink: MemoryStream = field(default_factory=MemoryStream)
    gone: bool = False
    broken: Exception | None = None
    now: object = NOW
    runner: Jobs | None = None
    opened: dict = field(default_factory=lambda: defaultdict(int))

    def begin(self) -> Jobs:
        if self.runner is not None:
            self.runner.close()
        self.runner = Jobs(self.store, self.open_reader, self.open_bucket, self.open_sink, aggregate, lambda: self.now)
        self.runner.resume()
        return self.runner

    def open_reader(self, ledger_name):
        assert ledger_name == "bank"
        self.opened["reader"] += 1
        if self.gone:
            raise NotFoundError("no such ledger")
        return self.reader

    def open_bucket(self, job):
        if job.bucket == "..":
            raise InputError("no name of a bucket")
        return _Guarded(self, self.bucket)

    def open_sink(self, job):
        if job.kinesis_stream_name == "..":
            raise InputError("no name of a stream")
        return _Guarded(self, self.sink)


@dataclass
class _Guarded:
    """What a job writes to, as long as nothing is broken."""

    world: World
    inner: object

    @property
    def record_limit_bytes(self):
        return self.inner.record_limit_bytes

    def put(self, *arguments):
        self.world.opened["put"] += 1
        if self.world.broken is not None:
            raise self.world.broken
        self.inner.put(*arguments)


@pytest.fixture
def world():
    made = World(ListReader.of(transfers(6)))
    made.begin()
    yield made
    made.runner.close()


def export_of(world):
    (job,) = world.runner.exports()
    return job


def stream_of(world):
    (job,) = world.runner.streams()
    return job


def test_an_export_runs_to_its_end_and_is_kept(world):
    world.runner.start_export(export_job())
    until(lambda: export_of(world).status is ExportStatus.COMPLETED)
    assert verdict_of(world.bucket.objects).contents.blocks == 6
    assert world.store.exports() == [export_of(world)]
    assert export_of(world).ended_at == NOW


def test_a_stream_follows_the_tip_until_it_is_cancelled(world):
    world.runner.start_stream(stream_job())
    until(lambda: said(world.sink.records) == EVERYTHING)
    world.reader.append(transfers(7).blocks[6].block_binary())
    until(lambda: said(world.sink.records)[-1] == "r6")
    assert stream_of(world).status is StreamStatus.ACTIVE
    world.runner.cancel_stream(stream_of(world).stream_id)
    assert (stream_of(world).status, stream_of(world).ended_at) == (StreamStatus.CANCELED, NOW)
    assert world.store.streams() == [stream_of(world)]
    world.runner.close()
    world.reader.append(transfers(8).blocks[7].block_binary())
    world.begin()
    world.runner.close()
    assert "COMPLETED" not in said(world.sink.records)
    assert 7 not in said(world.sink.records)


def test_a_stream_ends_at_its_end_time(world):
    world.runner.start_stream(stream_job(exclusive_end=later(seconds=3)))
    until(lambda: stream_of(world).status is StreamStatus.COMPLETED)
    assert said(world.sink.records) == [*EVERYTHING[:7], "COMPLETED"]


def test_a_stream_ends_when_the_clock_has_passed_its_end_time(world):
    world.now = later(seconds=10)
    world.runner.start_stream(stream_job(exclusive_end=later(minutes=1)))
    until(lambda: said(world.sink.records) == EVERYTHING)
    world.now = later(minutes=2)
    until(lambda: stream_of(world).status is StreamStatus.COMPLETED)


@pytest.mark.parametrize("unknown", [True, False])
def test_a_stream_that_has_ended_or_never_was_cannot_be_cancelled(world, unknown):
    world.runner.start_stream(stream_job(exclusive_end=later(seconds=3)))
    until(lambda: stream_of(world).status is StreamStatus.COMPLETED)
    with pytest.raises(NotFoundError if unknown else PreconditionError):
        world.runner.cancel_stream("nobody" if unknown else stream_of(world).stream_id)
    assert stream_of(world).status is StreamStatus.COMPLETED


def test_what_cannot_be_written_to_is_refused_before_it_is_kept(world):
    with pytest.raises(InputError):
        world.runner.start_export(export_job(bucket=".."))
    with pytest.raises(InputError):
        world.runner.start_stream(stream_job(kinesis_stream_arn="arn:aws:kinesis:::stream/.."))
    assert (world.store.exports(), world.store.streams()) == ([], [])


CAUSES = [
    (NotFoundError("no stream"), ErrorCause.KINESIS_STREAM_NOT_FOUND),
    (ForbiddenError("no right"), ErrorCause.IAM_PERMISSION_REVOKED),
]


@pytest.mark.parametrize(("error", "cause"), CAUSES)
def test_a_stream_that_cannot_be_put_is_impaired_and_goes_on_by_itself(world, error, cause):
    world.broken = error
    world.runner.start_stream(stream_job())
    until(lambda: stream_of(world).status is StreamStatus.IMPAIRED)
    assert (stream_of(world).error_cause, stream_of(world).impaired_since) == (cause, NOW)
    attempts = world.opened["put"]
    until(lambda: world.opened["put"] > attempts + 1)
    world.broken = None
    until(lambda: said(world.sink.records) == EVERYTHING)
    until(lambda: stream_of(world).status is StreamStatus.ACTIVE)
    assert (stream_of(world).error_cause, stream_of(world).impaired_since) == (None, None)


def test_a_stream_that_nobody_mends_is_failed(world):
    world.broken = NotFoundError("no stream")
    world.runner.start_stream(stream_job())
    until(lambda: stream_of(world).status is StreamStatus.IMPAIRED)
    world.now = NOW + IMPAIRED_FOR
    until(lambda: stream_of(world).status is StreamStatus.FAILED)
    assert (stream_of(world).ended_at, stream_of(world).error_cause) == (world.now, ErrorCause.KINESIS_STREAM_NOT_FOUND)


def test_a_record_too_large_impairs_the_stream_in_front_of_its_block(world):
    blocks = journal_of([transfer(0), big_transfer(1, world.sink.record_limit_bytes), transfer(2)]).blocks
    world.reader.stored[:] = [block.block_binary() for block in blocks]
    world.runner.start_stream(stream_job())
    until(lambda: stream_of(world).status is StreamStatus.IMPAIRED)
    assert (stream_of(world).error_cause, stream_of(world).next_sequence_no) == (ErrorCause.RECORD_TOO_LARGE, 1)
    assert said(world.sink.records) == ["CREATED", 0, "r0"]
    world.sink.record_limit_bytes *= 2
    until(lambda: said(world.sink.records) == ["CREATED", 0, "r0", 1, "r1", 2, "r2"])


def test_a_block_that_cannot_be_streamed_fails_the_stream(world):
    world.reader.stored[2] = b"rubbish"
    world.runner.start_stream(stream_job())
    until(lambda: stream_of(world).status is StreamStatus.FAILED)
    assert stream_of(world).error_cause is ErrorCause.JOURNAL_UNREADABLE


def test_an_outside_that_is_unavailable_is_tried_again_without_another_status(world):
    world.broken = UnavailableError("not now")
    world.runner.start_stream(stream_job())
    world.runner.start_export(export_job())
    until(lambda: world.opened["put"] > 6)
    assert stream_of(world).status is StreamStatus.ACTIVE
    assert export_of(world).status is ExportStatus.IN_PROGRESS
    world.broken = None
    until(lambda: said(world.sink.records) == EVERYTHING)
    until(lambda: export_of(world).status is ExportStatus.COMPLETED)


@pytest.mark.parametrize("error", [NotFoundError("no bucket"), ForbiddenError("no right"), IntegrityError("damaged")])
def test_an_export_that_cannot_be_written_is_cancelled_and_says_why(world, error):
    world.broken = error
    world.runner.start_export(export_job())
    until(lambda: export_of(world).status is ExportStatus.CANCELLED)
    assert (export_of(world).reason, export_of(world).ended_at) == (str(error), NOW)
    assert world.store.exports() == [export_of(world)]


def test_a_restart_goes_on_from_what_was_confirmed(world):
    world.runner.start_stream(stream_job())
    until(lambda: stream_of(world).next_sequence_no == 6)
    world.runner.close()
    world.sink.records.clear()
    world.reader.append(transfers(7).blocks[6].block_binary())
    world.begin()
    until(lambda: said(world.sink.records) == [6, "r6"])


def test_a_restart_goes_on_with_an_export_that_was_cut_off(world):
    world.broken = UnavailableError("not now")
    world.runner.start_export(export_job())
    until(lambda: world.opened["put"] > 1)
    world.runner.close()
    world.broken = None
    assert world.store.exports()[0].status is ExportStatus.IN_PROGRESS
    world.begin()
    until(lambda: export_of(world).status is ExportStatus.COMPLETED)
    assert verdict_of(world.bucket.objects).findings == ()


def test_what_ended_long_ago_is_forgotten_at_the_next_start(world):
    world.runner.start_export(export_job())
    world.runner.start_stream(stream_job(exclusive_end=later(seconds=3)))
    until(lambda: export_of(world).status is ExportStatus.COMPLETED)
    until(lambda: stream_of(world).status is StreamStatus.COMPLETED)
    world.now = NOW + LISTED_FOR - timedelta(seconds=1)
    world.begin()
    assert (len(world.runner.exports()), len(world.runner.streams())) == (1, 1)
    world.now = NOW + LISTED_FOR
    world.begin()
    assert (world.runner.exports(), world.runner.streams()) == ([], [])
    assert (world.store.exports(), world.store.streams()) == ([], [])


def test_jobs_of_a_ledger_that_is_gone_are_forgotten(world):
    world.gone = True
    world.runner.start_stream(stream_job())
    until(lambda: world.runner.streams() == [])
    assert world.store.streams() == []


def test_a_ledger_that_is_deleted_takes_its_jobs_with_it(world):
    world.broken = UnavailableError("not now")
    world.runner.start_stream(stream_job())
    world.runner.start_export(export_job())
    other = replace(stream_job(), stream_id="other", ledger_name="other", status=StreamStatus.CANCELED, ended_at=NOW)
    world.store.save_stream(other)
    world.begin()
    world.runner.forget_ledger("bank")
    assert (world.runner.exports(), world.runner.streams()) == ([], [other])
    assert (world.store.exports(), world.store.streams()) == ([], [other])
    before = world.opened["put"]
    assert not [each for each in threading.enumerate() if each.name.startswith("job-")]
    assert world.opened["put"] == before


def test_a_ledger_that_cannot_be_opened_for_now_is_waited_for(world):
    failures = [PreconditionError("being created"), UnavailableError("not now")]
    honest = world.open_reader

    def open_reader(name):
        if failures:
            raise failures.pop()
        return honest(name)

    world.open_reader = open_reader
    world.begin()
    world.runner.start_stream(stream_job())
    until(lambda: said(world.sink.records) == EVERYTHING)


def test_a_registry_that_is_unavailable_does_not_end_a_stream(world):
    failing = [True, True, True]
    honest = world.store.save_stream

    class Flaky(MemoryJobs):
        def save_stream(self, job, /):
            if job.next_sequence_no is not None and failing:
                failing.pop()
                raise UnavailableError("disk full")
            honest(job)

    world.store = Flaky()
    world.begin()
    world.runner.start_stream(stream_job())
    until(lambda: stream_of(world).next_sequence_no == 6)
    assert list(dict.fromkeys(said(world.sink.records))) == EVERYTHING


def test_closing_leaves_no_thread_behind(world):
    world.runner.start_stream(stream_job())
    world.runner.start_export(export_job())
    world.runner.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("job-")]
