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
from counterfoil.errors import ConflictError, ForbiddenError, IntegrityError, NotFoundError
from counterfoil.journal.set_aside import SetAsidePlace, set_aside_place
from counterfoil.ledger.jobs import Encryption, EncryptionType
from counterfoil.log_ports import LogStore
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
        options = {"ContentType": "application/json", **_lock(self.mode, self.clock() + self.retention)}
        written = put_once(self.client, self.bucket, name, document, options)
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
class S3Log(LogStore):
    """A log's files below ``prefix``, which ends in a slash; every version of each is locked as snapshots are."""

    client: S3Client
    bucket: str
    prefix: str
    mode: str
    retention: timedelta
    clock: Clock

    def load(self, path: str, /) -> bytes | None:
        found = self._found(path)
        return None if found is None else found[0]

    def add(self, path: str, data: bytes, /) -> None:
        if (
            not put_once(self.client, self.bucket, self.prefix + path, data, self._options())
            and self.load(path) != data
        ):
            raise IntegrityError(f"{path} is there already, with other contents")

    def replace(self, path: str, old: bytes | None, new: bytes, /) -> None:
        found = self._found(path)
        if (None if found is None else found[0]) != old:
            raise ConflictError(f"{path}: another writer was first")
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if found is None else {"IfMatch": found[1]}
        checksum = b64encode(hashlib.sha256(new).digest()).decode()
        with translated(f"keeping {path}"):
            try:
                self.client.put_object(
                    Bucket=self.bucket,
                    Key=self.prefix + path,
                    Body=new,
                    ChecksumSHA256=checksum,
                    **condition,
                    **self._options(),
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in {"PreconditionFailed", "NoSuchKey"}:
                    raise ConflictError(f"{path}: another writer was first") from error
                raise

    def _found(self, path: str) -> tuple[bytes, str] | None:
        with translated(f"reading {path}"):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + path)
                return answer["Body"].read(), answer["ETag"]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                    return None
                raise

    def _options(self) -> dict[str, Any]:
        return {"ContentType": "application/octet-stream", **_lock(self.mode, self.clock() + self.retention)}


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


def _lock(mode: str, until: datetime) -> dict[str, Any]:
    return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until.astimezone(UTC).replace(microsecond=0)}
