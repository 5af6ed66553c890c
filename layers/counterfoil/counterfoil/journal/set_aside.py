"""A stream record too large for Kinesis lies in a bucket; in its place the stream carries a pointer to it.

    {qldbStreamArn, recordType: "OVERSIZED_RECORD",
     payload: {recordType, blockAddress, bucket, key, sha256: blob of 32 bytes, sizeBytes: int}}

The pointer is under no hash. What it leads to is held against ``sha256`` and ``sizeBytes`` before it is read, and must then be the
record of the stream, kind and block that the pointer names.

Source: docs/format.md, section "Records set aside".
"""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256
from typing import Any, Final, NamedTuple

from counterfoil.errors import InputError, LimitError, SetAsideMismatchError
from counterfoil.ion import IonValue
from counterfoil.journal.address import BlockAddress, parse_address, required

# A block's transaction has at most 4 MiB, which its summary repeats with names and addresses. A larger record is neither set
# aside nor read.
MAX_SET_ASIDE_BYTES: Final = 10 * 1024 * 1024

# The day is when the record was set aside: what is published again later does not expire with what was published before.
_KEY: Final = re.compile(r"records/\d{4}-\d{2}-\d{2}/([0-9a-f]{64})")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{2,62}")


class SetAsidePlace(NamedTuple):
    """Where a record lies, and what it must be: the SHA-256 and the number of its bytes."""

    bucket: str
    key: str
    sha256: bytes
    size_bytes: int


def set_aside_place(bucket: str, data: bytes, day: date) -> SetAsidePlace:
    """Where a record that is set aside on this day (UTC) lies: ``records/<day>/<SHA-256>``."""
    digest = sha256(data)
    return SetAsidePlace(bucket, f"records/{day.isoformat()}/{digest.hexdigest()}", digest.digest(), len(data))


def pointer_payload(record_type: str, address: BlockAddress, place: SetAsidePlace) -> dict[str, Any]:
    """The payload of the record that is published in the place of one that was set aside."""
    return {
        "recordType": record_type,
        "blockAddress": {"strandId": address.strand_id, "sequenceNo": address.sequence_no},
        "bucket": place.bucket,
        "key": place.key,
        "sha256": place.sha256,
        "sizeBytes": place.size_bytes,
    }


def parse_pointer(payload: IonValue) -> tuple[str, BlockAddress, SetAsidePlace]:
    """The kind and block of the record that was set aside, and where it lies.

    A key that is not that of the hash is an ``InputError``, so that a pointer leads nowhere but to records that were set aside; a
    size above ``MAX_SET_ASIDE_BYTES`` is a ``LimitError``.
    """
    fields = payload.fields()
    record_type, address = required(fields, "recordType").as_text(), parse_address(required(fields, "blockAddress"))
    bucket, key = required(fields, "bucket").as_text(), required(fields, "key").as_text()
    digest, size_bytes = required(fields, "sha256").as_bytes(), required(fields, "sizeBytes").as_int()
    named = _KEY.fullmatch(key)
    if named is None or named[1] != digest.hex():
        raise InputError(
            f"{key[:120]!r} is not the key of a record that was set aside, with SHA-256 {digest[:32].hex()}"
        )
    if not _BUCKET.fullmatch(bucket):
        raise InputError(f"{bucket[:80]!r} is not the name of a bucket")
    if size_bytes <= 0:
        raise InputError(f"a record of {size_bytes} bytes that was set aside")
    if size_bytes > MAX_SET_ASIDE_BYTES:
        raise LimitError(f"a record of {size_bytes} bytes that was set aside; at most {MAX_SET_ASIDE_BYTES} are read")
    return record_type, address, SetAsidePlace(bucket, key, digest, size_bytes)


def verify_set_aside(place: SetAsidePlace, data: bytes) -> bytes:
    """The bytes, if they are those that were set aside; else a ``SetAsideMismatchError`` that has them."""
    found = sha256(data).digest()
    if len(data) != place.size_bytes or found != place.sha256:
        raise SetAsideMismatchError(
            f"what lies under {place.key} is not the record that was set aside there",
            data,
            part="set-aside record",
            key=place.key,
            expected=place.sha256.hex(),
            found=found.hex(),
            expected_size=str(place.size_bytes),
        )
    return data
