"""Exports and streams that functions carry out: kept here, then the function is asked; what it misses its next sweep finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from counterfoil.errors import ConflictError, NotFoundError, PreconditionError, UnavailableError
from counterfoil.ledger.jobs import ExportJob, StreamJob, StreamStatus
from counterfoil.ports import Clock, JobStore

Ask = Callable[[Mapping[str, Any]], None]

# A stream that is published right now moves on between reading and cancelling it.
ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class AskedJobs:
    """Implements ``protocol.hosting.JobRunner``. A job that is kept is carried out, also where asking for it failed."""

    store: JobStore
    ask_exporter: Ask
    ask_publisher: Ask
    clock: Clock

    def start_export(self, job: ExportJob, /) -> None:
        self.store.save_export(job)
        with suppress(UnavailableError):
            self.ask_exporter({"export": job.export_id})

    def start_stream(self, job: StreamJob, /) -> None:
        self.store.save_stream(job)
        with suppress(UnavailableError):
            self.ask_publisher({"stream": job.stream_id})

    def cancel_stream(self, stream_id: str, /) -> None:
        """End a stream; at most the batch that is on its way is still put. ``PreconditionError`` where it has ended already."""
        for _ in range(ATTEMPTS):
            job = self.store.stream(stream_id)
            if job is None:
                raise NotFoundError(f"there is no stream {stream_id[:80]}")
            if not job.status.running:
                raise PreconditionError(f"stream {stream_id} is {job.status}")
            ended = replace(job, status=StreamStatus.CANCELED, ended_at=self.clock(), error_cause=None)
            with suppress(ConflictError):
                self.store.advance_stream(job, ended)
                return
        raise UnavailableError(f"stream {stream_id} moves on faster than it can be cancelled")

    def exports(self) -> Sequence[ExportJob]:
        return self.store.exports()

    def streams(self) -> Sequence[StreamJob]:
        return self.store.streams()

    def forget_ledger(self, ledger_name: str, /) -> None:
        for export in self.store.exports():
            if export.ledger_name == ledger_name:
                self.store.forget(export.export_id)
        for stream in self.store.streams():
            if stream.ledger_name == ledger_name:
                self.store.forget(stream.stream_id)
