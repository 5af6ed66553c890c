"""Exports and streams in the registry's file, each as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.adapters.job_document import parse_export, parse_stream, render_job
from counterfoil.adapters.sqlite.registry_file import RegistryFile
from counterfoil.errors import ConflictError
from counterfoil.ledger.jobs import ExportJob, StreamJob
from counterfoil.ports import JobStore


@dataclass(frozen=True, slots=True)
class SqliteJobs(JobStore):
    file: RegistryFile

    def save_export(self, job: ExportJob, /) -> None:
        self._save("export", job.export_id, job)

    def save_stream(self, job: StreamJob, /) -> None:
        self._save("stream", job.stream_id, job)

    def advance_export(self, old: ExportJob, new: ExportJob, /) -> None:
        self._advance(old.export_id, old, new)

    def advance_stream(self, old: StreamJob, new: StreamJob, /) -> None:
        self._advance(old.stream_id, old, new)

    def export(self, export_id: str, /) -> ExportJob | None:
        documents = self._documents("export", export_id)
        return parse_export(documents[0]) if documents else None

    def stream(self, stream_id: str, /) -> StreamJob | None:
        documents = self._documents("stream", stream_id)
        return parse_stream(documents[0]) if documents else None

    def exports(self) -> Sequence[ExportJob]:
        return sorted(map(parse_export, self._documents("export")), key=lambda job: (job.created_at, job.export_id))

    def streams(self) -> Sequence[StreamJob]:
        return sorted(map(parse_stream, self._documents("stream")), key=lambda job: (job.created_at, job.stream_id))

    def forget(self, job_id: str, /) -> None:
        with self.file.transaction() as transaction:
            transaction.execute("DELETE FROM job WHERE job_id = ?", (job_id,))

    def _save(self, kind: str, job_id: str, job: ExportJob | StreamJob) -> None:
        with self.file.transaction() as transaction:
            transaction.execute("INSERT OR REPLACE INTO job VALUES (?,?,?)", (job_id, kind, render_job(job)))

    def _advance(self, job_id: str, old: ExportJob | StreamJob, new: ExportJob | StreamJob) -> None:
        with self.file.transaction() as transaction:
            sql = "UPDATE job SET document = ? WHERE job_id = ? AND document = ?"
            if not transaction.execute(sql, (render_job(new), job_id, render_job(old))).rowcount:
                raise ConflictError(f"job {job_id} is not what it was")

    def _documents(self, kind: str, job_id: str | None = None) -> list[str]:
        sql = "SELECT document FROM job WHERE kind = ?1 AND (?2 IS NULL OR job_id = ?2)"
        return [document for (document,) in self.file.rows(sql, kind, job_id)]
