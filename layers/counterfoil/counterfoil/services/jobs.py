"""Runs exports and streams in the background: each job is one thread, its progress is kept, a restart goes on from there.

A stream follows the ledger's tip until it is cancelled, has reached its end time, or cannot be put. What a person must mend makes it
``IMPAIRED`` with the cause; it is tried again and again, goes on by itself, and is given up as ``FAILED`` after ``IMPAIRED_FOR``. What
an outside that is only unavailable refuses is tried again without another status. An export ends ``COMPLETED``, or ``CANCELLED``
where it cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, RLock, Thread
from typing import Final

from counterfoil.errors import (
    CounterfoilError,
    ForbiddenError,
    LimitError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from counterfoil.ledger.jobs import ErrorCause, ExportJob, ExportStatus, StreamJob, StreamStatus
from counterfoil.ports import Aggregate, Clock, JobStore, JournalReader, ObjectStore, StreamSink
from counterfoil.services.export import Exporter
from counterfoil.services.publish import Publisher

# How long a waiting thread takes to notice that it should stop, and an end time that it has passed.
WAIT_SECONDS: Final = 0.5
# Between two attempts at what was refused: at first, and at most.
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0

# Characters of why an export was given up.
MAX_REASON: Final = 1_000

# Source: QLDB's documentation of streams; ended jobs were listed as long.
IMPAIRED_FOR: Final = timedelta(days=7)
LISTED_FOR: Final = timedelta(days=7)


class Jobs:
    """The exports and streams of all ledgers of one process.

    ``open_reader`` gives the journal of a ledger by name (``NotFoundError``: it is gone), ``open_bucket`` and ``open_sink`` what
    a job writes to (``InputError``: there can be no such thing). Every call may come from any thread.
    """

    def __init__(
        self,
        store: JobStore,
        open_reader: Callable[[str], JournalReader],
        open_bucket: Callable[[ExportJob], ObjectStore],
        open_sink: Callable[[StreamJob], StreamSink],
        aggregate: Aggregate,
        clock: Clock,
    ) -> None:
        self._store = store
        self._open_reader = open_reader
        self._open_bucket = open_bucket
        self._open_sink = open_sink
        self._aggregate = aggregate
        self._clock = clock
        self._lock = RLock()
        self._stopping = Event()
        self._exports = {each.export_id: each for each in store.exports()}
        self._streams = {each.stream_id: each for each in store.streams()}
        self._threads: dict[str, Thread] = {}

    def resume(self) -> None:
        """Go on with what was running when the process ended; forget what ended long ago."""
        now = self._clock()
        for export in self.exports():
            if export.status is ExportStatus.IN_PROGRESS:
                self._run(export.export_id, self._export)
            elif export.ended_at is None or now - export.ended_at >= LISTED_FOR:
                self._forget(export.export_id)
        for stream in self.streams():
            if stream.status.running:
                self._run(stream.stream_id, self._stream)
            elif stream.ended_at is None or now - stream.ended_at >= LISTED_FOR:
                self._forget(stream.stream_id)

    def start_export(self, job: ExportJob, /) -> None:
        """Keep an export and begin it; a bucket that cannot be is an ``InputError``."""
        self._open_bucket(job)
        with self._lock:
            self._store.save_export(job)
            self._exports[job.export_id] = job
            self._run(job.export_id, self._export)

    def start_stream(self, job: StreamJob, /) -> None:
        """Keep a stream and begin it; a Kinesis stream that cannot be is an ``InputError``."""
        self._open_sink(job)
        with self._lock:
            self._store.save_stream(job)
            self._streams[job.stream_id] = job
            self._run(job.stream_id, self._stream)

    def cancel_stream(self, stream_id: str, /) -> None:
        """End a stream; at most the batch that is on its way is still put. ``PreconditionError`` where it has ended already."""
        with self._lock:
            job = self._streams.get(stream_id)
            if job is None:
                raise NotFoundError(f"there is no stream {stream_id[:80]}")
            if not self._save_stream(
                replace(job, status=StreamStatus.CANCELED, ended_at=self._clock(), error_cause=None)
            ):
                raise PreconditionError(f"stream {stream_id} is {job.status}")

    def exports(self) -> Sequence[ExportJob]:
        """All exports of all ledgers, the oldest first."""
        with self._lock:
            return sorted(self._exports.values(), key=lambda job: (job.created_at, job.export_id))

    def streams(self) -> Sequence[StreamJob]:
        """All streams of all ledgers, the oldest first."""
        with self._lock:
            return sorted(self._streams.values(), key=lambda job: (job.created_at, job.stream_id))

    def forget_ledger(self, ledger_name: str, /) -> None:
        """Stop and forget the jobs of a ledger; returns when none of them reads it any more."""
        with self._lock:
            gone = [each.export_id for each in self._exports.values() if each.ledger_name == ledger_name]
            gone += [each.stream_id for each in self._streams.values() if each.ledger_name == ledger_name]
            for job_id in gone:
                self._forget(job_id)
            threads = [self._threads[job_id] for job_id in gone if job_id in self._threads]
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """Stop all jobs where they are; a later process goes on with them."""
        self._stopping.set()
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join()

    # What the threads do

    def _run(self, job_id: str, work: Callable[[str], None]) -> None:
        thread = Thread(target=self._work, args=(job_id, work), name=f"job-{job_id}", daemon=True)
        self._threads[job_id] = thread
        thread.start()

    def _work(self, job_id: str, work: Callable[[str], None]) -> None:
        try:
            work(job_id)
        finally:
            with self._lock:
                self._threads.pop(job_id, None)

    def _export(self, export_id: str) -> None:
        pause = FIRST_PAUSE_SECONDS
        while (job := self._exports.get(export_id)) is not None:
            try:
                self._export_all(job)
            except UnavailableError:
                if self._stopping.wait(pause):
                    return
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                return

    def _export_all(self, job: ExportJob) -> None:
        try:
            exporter = Exporter(self._open_reader(job.ledger_name), self._open_bucket(job))
            for each in exporter.export(job, self._clock()):
                if not self._save_export(each) or self._stopping.is_set():
                    return
        except UnavailableError:
            raise
        except CounterfoilError as error:
            reached = self._exports.get(job.export_id, job)
            reason = str(error)[:MAX_REASON]
            self._save_export(replace(reached, status=ExportStatus.CANCELLED, ended_at=self._clock(), reason=reason))

    def _stream(self, stream_id: str) -> None:
        pause = FIRST_PAUSE_SECONDS
        while (job := self._streams.get(stream_id)) is not None and job.status.running:
            if self._follow(job):
                pause = FIRST_PAUSE_SECONDS
                if self._stopping.is_set():
                    return
            elif self._stopping.wait(pause):
                return
            else:
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _follow(self, job: StreamJob) -> bool:
        """Publish what is there and wait for more; ``False`` where something was in the way."""
        try:
            reader = self._open_reader(job.ledger_name)
        except NotFoundError:
            self._forget(job.stream_id)
            return True
        except CounterfoilError:  # the ledger is not ready, or damaged: what a person must mend is said there
            return False
        if not self._publish(job, reader):
            return False
        reached = self._streams.get(job.stream_id, job)
        if reached.status.running:
            reader.wait_for(reached.next_sequence_no or 0, WAIT_SECONDS)
        return True

    def _publish(self, job: StreamJob, reader: JournalReader) -> bool:
        """Publish what is there; return whether nothing was in the way."""
        now = self._clock()
        try:
            publisher = Publisher(reader, self._open_sink(job), self._aggregate)
            for each in publisher.publish(job, now):
                if not self._save_stream(healthy(each)) or self._stopping.is_set():
                    return True
        except UnavailableError:
            return False
        except CounterfoilError as error:
            self._impair(self._streams.get(job.stream_id, job), error)
            return False
        return True

    def _impair(self, job: StreamJob, error: CounterfoilError) -> None:
        with suppress(UnavailableError):  # the next attempt comes to the same
            self._save_stream(impaired(job, error, self._clock()))

    # What is kept

    def _save_export(self, job: ExportJob) -> bool:
        """Replace what is kept of an export; ``False`` where it was forgotten meanwhile."""
        with self._lock:
            if job.export_id not in self._exports:
                return False
            self._store.save_export(job)
            self._exports[job.export_id] = job
            return True

    def _save_stream(self, job: StreamJob) -> bool:
        """Replace what is kept of a stream; ``False`` where it has ended meanwhile: that is not undone."""
        with self._lock:
            kept = self._streams.get(job.stream_id)
            if kept is None or not kept.status.running:
                return False
            if kept != job:
                self._store.save_stream(job)
                self._streams[job.stream_id] = job
            return True

    def _forget(self, job_id: str) -> None:
        with self._lock:
            self._store.forget(job_id)
            self._exports.pop(job_id, None)
            self._streams.pop(job_id, None)


def healthy(job: StreamJob) -> StreamJob:
    """The stream without what was in its way."""
    mended = replace(job, error_cause=None, impaired_since=None)
    return replace(mended, status=StreamStatus.ACTIVE) if mended.status.running else mended


def impaired(job: StreamJob, error: CounterfoilError, now: datetime) -> StreamJob:
    """The stream with what is in its way; ``FAILED`` where that cannot be mended, or was not for too long."""
    cause = _cause_of(error)
    since = job.impaired_since or now
    hopeless = cause is ErrorCause.JOURNAL_UNREADABLE or now - since >= IMPAIRED_FOR
    status, ended_at = (StreamStatus.FAILED, now) if hopeless else (StreamStatus.IMPAIRED, None)
    return replace(job, status=status, error_cause=cause, impaired_since=since, ended_at=ended_at)


def _cause_of(error: CounterfoilError) -> ErrorCause:
    if isinstance(error, NotFoundError):
        return ErrorCause.KINESIS_STREAM_NOT_FOUND
    if isinstance(error, ForbiddenError):
        return ErrorCause.IAM_PERMISSION_REVOKED
    return ErrorCause.RECORD_TOO_LARGE if isinstance(error, LimitError) else ErrorCause.JOURNAL_UNREADABLE
