"""Exports and streams as JSON documents, for every store that keeps them as such. Times are kept to the microsecond, in UTC."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

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


def render_job(job: ExportJob | StreamJob) -> str:
    """The same job gives the same text."""
    return json.dumps(asdict(job), default=datetime.isoformat)


def parse_export(document: str) -> ExportJob:
    return ExportJob(**_fields(document, _EXPORT))


def parse_stream(document: str) -> StreamJob:
    return StreamJob(**_fields(document, _STREAM))


def _fields(document: str, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    return {
        name: readers[name](value) if name in readers and value is not None else value
        for name, value in json.loads(document).items()
    }
