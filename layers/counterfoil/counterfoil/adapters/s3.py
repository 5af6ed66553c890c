"""Quarantine, snapshots, records set aside and exports in S3.

The first three are write-once: the same bytes again succeed, other bytes under the same name do not. An export's objects
replace what an earlier run of the same export wrote.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from counterfoil.adapters.boto_errors import translated
from counterfoil.errors import ForbiddenError, IntegrityError, NotFoundError
from counterfoil.journal.set_aside import SetAsidePlace, set_aside_place
from counterfoil.ledger.jobs import Encryption, EncryptionType
from counterfoil.ports import Clock, ObjectStore, Quarantine, SetAsideRecords, SnapshotStore, quarantine_name

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class S3Quarantine(Quarantine):
    """Bytes that could not be read, under ``quarantine/<SHA-256>`` of one bucket."""

    client: S3Client
    bucket: str

    def keep(self, data: bytes) -> str:
        name = quarantine_name(data)
        put_once(self.client, self.bucket, name, data, {"ContentType": "application/octet-stream"})
        return name

    def load(self, name: str) -> bytes:
        with translated(f"reading {name}"):
            return self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()


@dataclass(frozen=True, slots=True)
class S3Snapshots(SnapshotStore):
    """Snapshot documents under Object Lock: ``mode`` (GOVERNANCE or COMPLIANCE) for ``retention`` from when they are kept."""

    client: S3Client
    bucket: str
    mode: str
    retention: timedelta
    clock: Clock

    def keep(self, name: str, document: bytes) -> None:
        until = self.clock().astimezone(UTC) + self.retention
        lock = {"ObjectLockMode": self.mode, "ObjectLockRetainUntilDate": _whole_second(until)}
        written = put_once(self.client, self.bucket, name, document, {"ContentType": "application/json", **lock})
        if not written and self._read(name) != document:
            raise IntegrityError(f"snapshot {name} is there already, with other contents")

    def latest(self, prefix: str) -> tuple[str, bytes] | None:
        newest = ""
        with translated(f"listing {prefix}"):
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                newest = max([newest, *(entry["Key"] for entry in page.get("Contents", []))])
        return (newest, self._read(newest)) if newest else None

    def _read(self, name: str) -> bytes:
        with translated(f"reading {name}"):
            return self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()


@dataclass(frozen=True, slots=True)
class S3SetAside(SetAsideRecords):
    """Stream records too large for Kinesis, under ``records/<day>/<SHA-256>`` of one bucket, which forgets them by its own rule."""

    client: S3Client
    bucket: str
    clock: Clock

    def keep(self, data: bytes, /) -> SetAsidePlace:
        place = set_aside_place(self.bucket, data, self.clock().astimezone(UTC).date())
        put_once(self.client, self.bucket, place.key, data, {"ContentType": "application/octet-stream"})
        return place

    def fetch(self, place: SetAsidePlace, /) -> bytes:
        with translated(f"reading {place.key}"):
            body = self.client.get_object(Bucket=self.bucket, Key=place.key)["Body"]
            with closing(body):
                return body.read(place.size_bytes + 1)


@dataclass(frozen=True, slots=True)
class S3Bucket(ObjectStore):
    """A bucket that objects are written to, encrypted as asked; without encryption asked for, as the bucket's default says."""

    client: S3Client
    bucket: str
    encryption: Encryption

    def put(self, key: str, data: bytes, /) -> None:
        checksum = b64encode(hashlib.sha256(data).digest()).decode()
        options: dict[str, Any] = {"ChecksumSHA256": checksum, **_encryption_options(self.encryption)}
        with translated(f"writing {key}"):
            try:
                self.client.put_object(Bucket=self.bucket, Key=key, Body=data, **options)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code")
                if code == "NoSuchBucket":
                    raise NotFoundError(f"bucket {self.bucket} is not there") from error
                if code == "AccessDenied":
                    raise ForbiddenError(f"bucket {self.bucket} may not be written") from error
                raise


def _encryption_options(encryption: Encryption) -> dict[str, str]:
    """Source: S3 API, "PutObject", headers of server-side encryption."""
    match encryption.type:
        case EncryptionType.SSE_S3:
            return {"ServerSideEncryption": "AES256"}
        case EncryptionType.SSE_KMS:
            return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": encryption.kms_key_arn or ""}
        case EncryptionType.NO_ENCRYPTION:
            return {}


def put_once(client: S3Client, bucket: str, name: str, data: bytes, options: dict[str, Any]) -> bool:
    """Put an object that is not there yet; ``False`` where it is. The checksum makes S3 refuse bytes damaged on the way.

    A ``ConditionalRequestConflict`` says only that somebody else is writing too, who may yet fail: that is to be repeated.
    """
    checksum = b64encode(hashlib.sha256(data).digest()).decode()
    with translated(f"keeping {name}"):
        try:
            client.put_object(Bucket=bucket, Key=name, Body=data, IfNoneMatch="*", ChecksumSHA256=checksum, **options)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "PreconditionFailed":
                return False
            raise
    return True


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
