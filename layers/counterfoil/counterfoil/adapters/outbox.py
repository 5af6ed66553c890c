"""A local directory in the place of S3 and Kinesis: what a ledger without AWS exports and streams.

    DIR/s3/<bucket>/<key>                    objects, as they would be in the bucket
    DIR/kinesis/<stream>/<number>.json       one Lambda event per put, numbered from 0, for ``counterfoil verify events``

Buckets and streams come to be when they are first written. One process writes to a directory.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

from counterfoil.adapters.durable_files import disk_errors, path_of_key, write_whole
from counterfoil.errors import InputError
from counterfoil.journal.publication import OuterRecord
from counterfoil.ports import Clock, ObjectStore, StreamSink

# Source: the service models of S3 as QLDB used it, and of Kinesis.
_BUCKET: Final = re.compile(r"(?!\.)[A-Za-z0-9_.-]{3,255}")
_STREAM: Final = re.compile(r"(?!\.)[a-zA-Z0-9_.-]{1,128}")
_FILE: Final = re.compile(r"(\d{20})\.json")

# As Kinesis: its default limit of a record with its key; the lowest sequence numbers it gives are as long.
RECORD_LIMIT_BYTES: Final = 1_048_576
_SEQUENCE_DIGITS: Final = 56


@dataclass(slots=True)
class Outbox:
    """A directory with its buckets and streams. ``clock`` gives the time of arrival that records carry."""

    root: Path
    clock: Clock
    lock: Lock = field(default_factory=Lock)
    next_numbers: dict[str, int] = field(default_factory=dict)

    def bucket(self, name: str) -> ObjectStore:
        """A bucket to be written; a name that is none is an ``InputError``."""
        if not _BUCKET.fullmatch(name):
            raise InputError(f"{name[:80]!r} is not a name of a bucket")
        return DirectoryBucket(self.root / "s3" / name)

    def stream(self, name: str) -> StreamSink:
        """A stream to be written; a name that is none is an ``InputError``."""
        if not _STREAM.fullmatch(name):
            raise InputError(f"{name[:80]!r} is not a name of a stream")
        return _DirectoryStream(self, name)

    def add_event(self, stream_name: str, records: Sequence[OuterRecord]) -> None:
        """Write one put as the stream's next event."""
        directory = self.root / "kinesis" / stream_name
        with self.lock:
            number = self.next_numbers.get(stream_name)
            if number is None:
                number = _next_number(directory)
            event = _event(stream_name, number, records, self.clock().timestamp())
            write_whole(directory / f"{number:020}.json", json.dumps(event).encode())
            self.next_numbers[stream_name] = number + 1


@dataclass(frozen=True, slots=True)
class DirectoryBucket(ObjectStore):
    root: Path

    def put(self, key: str, data: bytes, /) -> None:
        write_whole(path_of_key(self.root, key), data)


@dataclass(frozen=True, slots=True)
class _DirectoryStream(StreamSink):
    outbox: Outbox
    name: str
    record_limit_bytes: int = RECORD_LIMIT_BYTES

    def put(self, records: Sequence[OuterRecord], /) -> None:
        if records:
            self.outbox.add_event(self.name, records)


def _next_number(directory: Path) -> int:
    with disk_errors(f"listing {directory}"):
        names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    return 1 + max((int(found[1]) for found in map(_FILE.fullmatch, names) if found), default=-1)


def _event(stream_name: str, number: int, records: Sequence[OuterRecord], arrived_at: float) -> dict[str, Any]:
    """The event that Lambda would hand to a function. Source: AWS Lambda Developer Guide, "Kinesis"."""
    shard = "shardId-000000000000"
    arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{stream_name}"
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": each.partition_key,
                    "sequenceNumber": (sequence := f"{number:020}{index:06}".rjust(_SEQUENCE_DIGITS, "4")),
                    "data": base64.b64encode(each.data).decode(),
                    "approximateArrivalTimestamp": arrived_at,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard}:{sequence}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::000000000000:role/outbox",
                "awsRegion": "us-east-1",
                "eventSourceARN": arn,
            }
            for index, each in enumerate(records)
        ]
    }
