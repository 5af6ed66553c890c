"""Exports and streams of a journal: what was asked for, and how far each has come.

Both are values; a runner replaces them as it goes (services/jobs.py), a registry keeps them (``ports.JobStore``), and the
control plane describes them. Times are aware datetimes in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from counterfoil.errors import InputError, PreconditionError
from counterfoil.journal.export_format import OutputFormat, check_prefix

__all__ = [
    "Encryption",
    "EncryptionType",
    "ErrorCause",
    "ExportJob",
    "ExportStatus",
    "OutputFormat",
    "StreamJob",
    "StreamStatus",
]


class ExportStatus(StrEnum):
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class StreamStatus(StrEnum):
    """``IMPAIRED`` goes on by itself once its cause is mended; the last three are final."""

    ACTIVE = "ACTIVE"
    IMPAIRED = "IMPAIRED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"

    @property
    def running(self) -> bool:
        return self in {StreamStatus.ACTIVE, StreamStatus.IMPAIRED}


class ErrorCause(StrEnum):
    """Why a stream is impaired or failed. The last two are this project's own: QLDB documented the first two only."""

    KINESIS_STREAM_NOT_FOUND = "KINESIS_STREAM_NOT_FOUND"
    IAM_PERMISSION_REVOKED = "IAM_PERMISSION_REVOKED"
    RECORD_TOO_LARGE = "RECORD_TOO_LARGE"
    JOURNAL_UNREADABLE = "JOURNAL_UNREADABLE"


class EncryptionType(StrEnum):
    SSE_S3 = "SSE_S3"
    SSE_KMS = "SSE_KMS"
    NO_ENCRYPTION = "NO_ENCRYPTION"


@dataclass(frozen=True, slots=True)
class Encryption:
    """How the objects of an export are encrypted at rest; ``kms_key_arn`` goes with ``SSE_KMS`` alone."""

    type: EncryptionType
    kms_key_arn: str | None = None

    def __post_init__(self) -> None:
        if (self.type is EncryptionType.SSE_KMS) != (self.kms_key_arn is not None):
            raise InputError("a KmsKeyArn belongs to ObjectEncryptionType SSE_KMS, and to no other")


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One ExportJournalToS3. ``output_format`` of ``None`` was not asked for and means ION_TEXT.

    ``next_sequence_no`` is the first block not yet in an object that was written, ``keys`` are those objects in order: whoever
    goes on from here writes what the first run would have written.
    """

    export_id: str
    ledger_name: str
    role_arn: str
    inclusive_start: datetime
    exclusive_end: datetime
    bucket: str
    prefix: str
    encryption: Encryption
    output_format: OutputFormat | None
    created_at: datetime
    status: ExportStatus = ExportStatus.IN_PROGRESS
    next_sequence_no: int = 0
    keys: tuple[str, ...] = ()
    ended_at: datetime | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        _check_range(self.inclusive_start, self.exclusive_end)
        check_prefix(self.prefix)


@dataclass(frozen=True, slots=True)
class StreamJob:
    """One StreamJournalToKinesis.

    ``next_sequence_no`` is the first block of which Kinesis has not yet confirmed every record; ``None`` until the CREATED
    record is confirmed. One that is ``paused`` is ``ACTIVE`` to those who ask, and publishes nothing.
    """

    stream_id: str
    stream_name: str
    arn: str
    ledger_name: str
    role_arn: str
    inclusive_start: datetime
    exclusive_end: datetime | None
    kinesis_stream_arn: str
    aggregation: bool
    created_at: datetime
    status: StreamStatus = StreamStatus.ACTIVE
    error_cause: ErrorCause | None = None
    next_sequence_no: int | None = None
    impaired_since: datetime | None = None
    ended_at: datetime | None = None
    paused: bool = False

    def __post_init__(self) -> None:
        _check_range(self.inclusive_start, self.exclusive_end)

    def with_paused(self, *, paused: bool) -> StreamJob:
        """The stream held where it is, or going on; ``PreconditionError`` once it has ended."""
        self._check_running()
        return replace(self, paused=paused)

    def replayed_from(self, sequence_no: int) -> StreamJob:
        """The stream as if nothing from this block on had been published. Only back, never forward: nothing is passed over."""
        self._check_running()
        if not 0 <= sequence_no <= (self.next_sequence_no or 0):
            raise InputError(
                f"block {sequence_no} has not been published: the stream is at {self.next_sequence_no or 0}"
            )
        return replace(self, next_sequence_no=sequence_no)

    def _check_running(self) -> None:
        if not self.status.running:
            raise PreconditionError(f"stream {self.stream_id} is {self.status}")

    @property
    def kinesis_stream_name(self) -> str:
        """The last part of ``arn:aws:kinesis:<region>:<account>:stream/<name>``."""
        return self.kinesis_stream_arn.rpartition("/")[2]


def _check_range(inclusive_start: datetime, exclusive_end: datetime | None) -> None:
    if exclusive_end is not None and inclusive_start >= exclusive_end:
        raise InputError("InclusiveStartTime must be before ExclusiveEndTime")
