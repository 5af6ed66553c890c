"""Aggregated Kinesis records for tests: made by AWS's own library, and made wrong by hand."""

import base64
import contextlib
import hashlib
import io
import sys
from unittest import mock

MAGIC = b"\xf3\x89\x9a\xc2"

with mock.patch.object(sys, "path", [*sys.path]):  # the library puts its own folders in front of the path when imported
    from aws_kinesis_agg.aggregator import RecordAggregator
    from aws_kinesis_agg.deaggregator import deaggregate_records


def aggregate(records) -> bytes:
    """The frame that AWS's library makes of (partition key, data, explicit hash key or ``None``)."""
    aggregator = RecordAggregator()
    for partition_key, data, explicit_hash_key in records:
        assert aggregator.add_user_record(partition_key, data, explicit_hash_key) is None, (
            "the test's frame is too large"
        )
    return aggregator.clear_and_get().get_contents()[2]


def deaggregate_with_aws(frame: bytes):
    """What AWS's library reads: (partition key, data, explicit hash key, sub-sequence number) each, or ``None`` for no frame.

    It prints what it cannot read and goes on with what it has: that is caught here and counts as no frame.
    """
    kinesis = {
        "kinesisSchemaVersion": "1.0",
        "sequenceNumber": "1",
        "approximateArrivalTimestamp": 0,
        "partitionKey": "outer",
        "data": base64.b64encode(frame),
    }
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed):
        found = [record["kinesis"] for record in deaggregate_records([{"kinesis": kinesis}])]
    if printed.getvalue() or not all(each.get("aggregated") for each in found):
        return None
    return [
        (each["partitionKey"], base64.b64decode(each["data"]), each["explicitHashKey"], each["subSequenceNumber"])
        for each in found
    ]


# By hand: protobuf, field by field ------------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def field(number: int, value: int | bytes) -> bytes:
    """A varint field for an int, a length-delimited one for bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def user_record(data: bytes, key_index: int = 0, *extra: bytes) -> bytes:
    return field(3, field(1, key_index) + field(3, data) + b"".join(extra))


def frame_of(body: bytes) -> bytes:
    """A frame whose checksum is right, whatever is in it."""
    return MAGIC + body + hashlib.md5(body).digest()
