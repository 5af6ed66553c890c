"""A bucket, a stream and a registry of jobs in memory: for tests, and for a server that keeps nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from counterfoil.errors import ConflictError
from counterfoil.journal.publication import OuterRecord
from counterfoil.ledger.jobs import ExportJob, StreamJob
from counterfoil.ports import JobStore, ObjectStore, StreamSink


@dataclass(slots=True)
class MemoryBucket(ObjectStore):
    """Objects by their key."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, data: bytes, /) -> None:
        self.objects[key] = data


@dataclass(slots=True)
class MemoryStream(StreamSink):
    """Records in the order in which they were put."""

    records: list[OuterRecord] = field(default_factory=list)
    record_limit_bytes: int = 1_048_576

    def put(self, records: Sequence[OuterRecord], /) -> None:
        self.records += records


@dataclass(slots=True)
class MemoryJobs(JobStore):
    """Exports and streams by their id."""

    kept_exports: dict[str, ExportJob] = field(default_factory=dict)
    kept_streams: dict[str, StreamJob] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def save_export(self, job: ExportJob, /) -> None:
        self.kept_exports[job.export_id] = job

    def save_stream(self, job: StreamJob, /) -> None:
        self.kept_streams[job.stream_id] = job

    def advance_export(self, old: ExportJob, new: ExportJob, /) -> None:
        _advance(self.kept_exports, old.export_id, old, new, self.lock)

    def advance_stream(self, old: StreamJob, new: StreamJob, /) -> None:
        _advance(self.kept_streams, old.stream_id, old, new, self.lock)

    def export(self, export_id: str, /) -> ExportJob | None:
        return self.kept_exports.get(export_id)

    def stream(self, stream_id: str, /) -> StreamJob | None:
        return self.kept_streams.get(stream_id)

    def exports(self) -> Sequence[ExportJob]:
        return sorted(self.kept_exports.values(), key=lambda job: (job.created_at, job.export_id))

    def streams(self) -> Sequence[StreamJob]:
        return sorted(self.kept_streams.values(), key=lambda job: (job.created_at, job.stream_id))

    def forget(self, job_id: str, /) -> None:
        self.kept_exports.pop(job_id, None)
        self.kept_streams.pop(job_id, None)


def _advance[J: (ExportJob, StreamJob)](kept: dict[str, J], job_id: str, old: J, new: J, lock: Lock) -> None:
    with lock:
        if kept.get(job_id) != old:
            raise ConflictError(f"job {job_id} is not what it was")
        kept[job_id] = new
