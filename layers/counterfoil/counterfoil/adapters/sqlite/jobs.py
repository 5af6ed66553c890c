"""Exports and streams in the registry's file, each as one JSON document. Times are kept to the microsecond, in UTC."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

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
from counterfoil.ports import JobStore

# How fields come back that JSON does not keep as they are. A field that is ``None`` stays so.
_EXPORT: Final[Mapping[str, Callable[[Any], Any]]] = {
    "inclusive_start": datetime.fromisoformat,
    "exclusive_end": datetime.fromisoformat,
    "created_at": datetime.fromisoformat,
    "ended_at": datetime.fromisoformat,
    "encryption": lambda document: Encryption(EncryptionType(document["type"]), document["kms_key_arn"]),
    "output_format": OutputFormat,
    "status": ExportStatus,
    "keys": tuple,
}
_STREAM: Final[Mapping[str, Callable[[Any], Any]]] = {
    "inclusive_start": datetime.fromisoformat,
    "exclusive_end": datetime.fromisoformat,
    "created_at": datetime.fromisoformat,
    "impaired_since": datetime.fromisoformat,
    "ended_at": datetime.fromisoformat,
    "status": StreamStatus,
    "error_cause": ErrorCause,
}


@dataclass(frozen=True, slots=True)
class SqliteJobs(JobStore):
    file: RegistryFile

    def save_export(self, job: ExportJob, /) -> None:
        self._save("export", job.export_id, job)

    def save_stream(self, job: StreamJob, /) -> None:
        self._save("stream", job.stream_id, job)

    def exports(self) -> Sequence[ExportJob]:
        jobs = [ExportJob(**fields) for fields in self._fields("export", _EXPORT)]
        return sorted(jobs, key=lambda job: (job.created_at, job.export_id))

    def streams(self) -> Sequence[StreamJob]:
        jobs = [StreamJob(**fields) for fields in self._fields("stream", _STREAM)]
        return sorted(jobs, key=lambda job: (job.created_at, job.stream_id))

    def forget(self, job_id: str, /) -> None:
        with self.file.transaction() as transaction:
            transaction.execute("DELETE FROM job WHERE job_id = ?", (job_id,))

    def _save(self, kind: str, job_id: str, job: ExportJob | StreamJob) -> None:
        document = json.dumps(asdict(job), default=datetime.isoformat)
        with self.file.transaction() as transaction:
            transaction.execute("INSERT OR REPLACE INTO job VALUES (?,?,?)", (job_id, kind, document))

    def _fields(self, kind: str, readers: Mapping[str, Callable[[Any], Any]]) -> list[dict[str, Any]]:
        rows = self.file.rows("SELECT document FROM job WHERE kind = ?", kind)
        return [
            {
                name: readers[name](value) if name in readers and value is not None else value
                for name, value in json.loads(document).items()
            }
            for (document,) in rows
        ]
