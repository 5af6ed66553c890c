"""Publishes journal streams without a process of their own: each call goes on where the job says, and saves how far it came.

A call comes when blocks were committed, when a stream was started, and by the clock. Two at once may put a batch twice, which the
consumers know by its addresses; the one that saves second stops, for another has gone on or the stream was ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from counterfoil.errors import ConflictError, CounterfoilError, NotFoundError, UnavailableError
from counterfoil.ledger.jobs import StreamJob
from counterfoil.ports import Aggregate, Clock, JobStore, JournalReader, LedgerRegistry, SetAsideRecords, StreamSink
from counterfoil.services.jobs import healthy, impaired
from counterfoil.services.publish import Publisher

# A call ends in time for Lambda's minute, and asks to be called again where there is more.
BUDGET: Final = timedelta(seconds=40)

# A stream that is published right now moves on between reading and changing it.
ATTEMPTS: Final = 20


@dataclass(slots=True)
class PublishReport:
    """What one call did. ``unfinished`` are streams with more to publish, ``failures`` say by stream what was in the way."""

    blocks: int = 0
    unfinished: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    failed_strands: set[str] = field(default_factory=set)

    def add(self, other: PublishReport) -> None:
        """Take in what another call did."""
        self.blocks += other.blocks
        self.unfinished += other.unfinished
        self.failures |= other.failures
        self.failed_strands |= other.failed_strands


@dataclass(frozen=True, slots=True)
class StreamPublishing:
    """``open_reader`` gives the journal of a strand; ``open_sink`` what a stream is put into (``NotFoundError``: it is not there)."""

    jobs: JobStore
    registry: LedgerRegistry
    open_reader: Callable[[str], JournalReader]
    open_sink: Callable[[StreamJob], StreamSink]
    aggregate: Aggregate
    set_aside: SetAsideRecords
    clock: Clock

    def publish_strands(self, strand_ids: Iterable[str]) -> PublishReport:
        """Go on with every stream of these strands."""
        wanted = set(strand_ids)
        return self._publish([each for each in self._running() if self._strand_of(each) in wanted])

    def publish_stream(self, stream_id: str) -> PublishReport:
        """Go on with one stream; one that is not running, or held, is left alone."""
        job = self.jobs.stream(stream_id)
        return self._publish([job] if job is not None and job.status.running and not job.paused else [])

    def publish_altered(self, strand_id: str, sequence_no: int) -> PublishReport:
        """Put a block that was altered into every stream that has published it: who verified it before finds out by it.

        One that is gone, or cannot be read any more, leads to no record; whoever is told of the alteration looks at the table.
        """
        report = PublishReport()
        for job in self._running():
            if self._strand_of(job) == strand_id and (job.next_sequence_no or 0) > sequence_no:
                try:
                    self._publisher(job, strand_id).repeat(job, sequence_no)
                    report.blocks += 1
                except UnavailableError as error:
                    report.failures[job.stream_id] = str(error)
                    report.failed_strands.add(strand_id)
                except CounterfoilError as error:
                    report.failures[job.stream_id] = str(error)
        return report

    def publish_all(self) -> PublishReport:
        """Go on with every stream: for end times that have come, and for whatever no other call led to."""
        return self._publish(self._running())

    def _running(self) -> list[StreamJob]:
        return [each for each in self.jobs.streams() if each.status.running and not each.paused]

    def _strand_of(self, job: StreamJob) -> str | None:
        ledger = self.registry.ledger(job.ledger_name)
        return None if ledger is None else ledger.ledger_id

    def _publisher(self, job: StreamJob, strand_id: str) -> Publisher:
        return Publisher(self.open_reader(strand_id), self.open_sink(job), self.aggregate, self.set_aside)

    def _publish(self, jobs: Iterable[StreamJob]) -> PublishReport:
        report = PublishReport()
        until = self.clock() + BUDGET
        for job in jobs:
            strand_id = self._strand_of(job)
            if strand_id is None:  # its ledger was deleted
                self.jobs.forget(job.stream_id)
                continue
            try:
                self._publish_one(job, strand_id, until, report)
            except ConflictError:
                report.unfinished.append(job.stream_id)  # another call has gone on, or it has ended
            except UnavailableError as error:
                report.failures[job.stream_id] = str(error)
                report.failed_strands.add(strand_id)
        return report

    def _publish_one(self, job: StreamJob, strand_id: str, until: datetime, report: PublishReport) -> None:
        now = self.clock()
        reached = job
        try:
            for each in self._publisher(job, strand_id).publish(job, now):
                before, after = reached, healthy(each)
                self.jobs.advance_stream(before, after)
                report.blocks += (after.next_sequence_no or 0) - (before.next_sequence_no or 0)
                reached = after
                if self.clock() >= until and reached.status.running:
                    report.unfinished.append(job.stream_id)
                    return
        except (ConflictError, UnavailableError):
            raise
        except CounterfoilError as error:
            self.jobs.advance_stream(reached, impaired(reached, error, now))
            report.failures[job.stream_id] = str(error)


def pause(jobs: JobStore, stream_id: str, *, paused: bool) -> StreamJob:
    """Hold a stream where it is, or let it go on. ``NotFoundError`` where there is none, ``PreconditionError`` once it has ended."""
    return _changed(jobs, stream_id, lambda job: job.with_paused(paused=paused))


def replay(jobs: JobStore, stream_id: str, sequence_no: int) -> StreamJob:
    """Let a stream publish again from a block on; consumers know what they have already. Errors as of ``pause``; ``InputError`` of a
    block that it has not published.
    """
    return _changed(jobs, stream_id, lambda job: job.replayed_from(sequence_no))


def _changed(jobs: JobStore, stream_id: str, change: Callable[[StreamJob], StreamJob]) -> StreamJob:
    for _ in range(ATTEMPTS):
        job = jobs.stream(stream_id)
        if job is None:
            raise NotFoundError(f"there is no stream {stream_id[:80]}")
        changed = change(job)
        with suppress(ConflictError):
            jobs.advance_stream(job, changed)
            return changed
    raise UnavailableError(f"stream {stream_id} moves on faster than it can be changed")
