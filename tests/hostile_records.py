"""Stream records that no ledger would write: each is bytes in, and what the auditor must make of them.

``UNREADABLE``: a quarantine entry with the bytes and a finding; ``READ``: strange, but a record like any other.
"""

import base64
from decimal import Decimal

from counterfoil.ion import dump_binary
from counterfoil.journal.builder import JournalBuilder, Statement, Transaction
from lab.producer import streamed
from tests.journals import START, STRAND, STREAM_ARN, TABLE_ID, Change, made_id, transfers
from tests.kpl_frames import field, frame_of, user_record

IVM = b"\xe0\x01\x00\xea"
BLOCK = transfers(3).blocks[2]
HONEST_SUMMARY, HONEST_DETAILS = (each.data for each in streamed(BLOCK).records)


def stream_record(record_type, payload, **changes):
    return dump_binary({"qldbStreamArn": STREAM_ARN, "recordType": record_type, "payload": payload} | changes)


def summary(**changes):
    """A block's summary with some of its fields replaced (``None`` leaves one out)."""
    payload = {name: value for name, value in BLOCK.fields.items() if name != "revisions"} | changes
    return stream_record("BLOCK_SUMMARY", {name: value for name, value in payload.items() if value is not None})


def details(**changes):
    revision = BLOCK.fields["revisions"][0] | changes
    revision = {name: value for name, value in revision.items() if value is not None}
    return stream_record(
        "REVISION_DETAILS", {"tableInfo": {"tableName": "T", "tableId": TABLE_ID}, "revision": revision}
    )


def nested(depth):
    return IVM + _list_of(depth)


def _list_of(depth):
    data = b"\x0f"
    for _ in range(depth):
        size = len(data)
        data = bytes([0xB0 | size]) + data if size < 14 else b"\xbe" + _var_uint(size) + data
    return data


def _var_uint(number):
    found = bytes([number & 0x7F | 0x80])
    while number := number >> 7:
        found = bytes([number & 0x7F]) + found
    return found


UNREADABLE = {
    "empty": b"",
    "text": b"not Ion at all",
    "JSON": b'{"recordType": "CONTROL"}',
    "Ion marker alone": IVM,
    "two values": IVM + b"\x20\x20",
    "an integer": dump_binary(7),
    "null": dump_binary(None),
    "an empty struct": dump_binary({}),
    "a list": dump_binary([1, 2]),
    "no payload": dump_binary({"qldbStreamArn": "a", "recordType": "CONTROL"}),
    "null payload": stream_record("CONTROL", None),
    "unknown record type": stream_record("SOMETHING_ELSE", {}),
    "record type of another kind": stream_record(7, {}),
    "a summary without anything": stream_record("BLOCK_SUMMARY", {}),
    "a summary without a time": summary(blockTimestamp=None),
    "a time that is a text": summary(blockTimestamp="2025-01-01T00:00:00Z"),
    "a hash of 31 bytes": summary(blockHash=b"\0" * 31),
    "no entries": summary(entriesHashList=[]),
    "too many entries": summary(entriesHashList=[b"\0" * 32] * 5_000),
    "a strand that is no key": summary(blockAddress={"strandId": "../../etc", "sequenceNo": 1}),
    "a strand without a name": summary(blockAddress={"strandId": "", "sequenceNo": 1}),
    "a strand with a long name": summary(blockAddress={"strandId": "x" * 65, "sequenceNo": 1}),
    "a negative place": summary(blockAddress={"strandId": STRAND, "sequenceNo": -1}),
    "a place beyond all": summary(blockAddress={"strandId": STRAND, "sequenceNo": 2**63}),
    "a place that is a decimal": summary(blockAddress={"strandId": STRAND, "sequenceNo": Decimal(1)}),
    "a place that is NaN": summary(blockAddress={"strandId": STRAND, "sequenceNo": float("nan")}),
    "a place that is infinite": summary(blockAddress={"strandId": STRAND, "sequenceNo": float("inf")}),
    "details without metadata": details(metadata=None),
    "details without an address": details(blockAddress=None),
    "details of a hash alone": details(metadata=None, data=None, blockAddress=None),
    "deep nesting": nested(5_000),
    "a length beyond the end": IVM + b"\xde\xff\xff\xff\xff",
    "a length that lies": IVM + b"\x8e\x05ab",
    "a symbol out of range": IVM + b"\xd3\xff\x8f\x20",
    "a cut record": summary()[:-10],
    "very long field names": dump_binary({"x" * 100_000 + str(number): 1 for number in range(20)}),
    "a frame of rubbish": frame_of(b"\xff" * 20),
    "a frame with a wrong checksum": frame_of(b"")[:-1] + b"\0",
    "a frame cut to its magic": b"\xf3\x89\x9a\xc2",
    "a record beyond Kinesis": b"\0" * (10 * 1024 * 1024 + 1),
    "a large record of nothing": b"\0" * (10 * 1024 * 1024),
}

# Frames of which one user record cannot be read: (frame, the bytes that cannot).
PART_UNREADABLE = {
    "one of three": (
        frame_of(field(1, b"k") + user_record(HONEST_SUMMARY) + user_record(b"rubbish") + user_record(HONEST_DETAILS)),
        b"rubbish",
    ),
    "an empty one": (frame_of(field(1, b"k") + user_record(b"") + user_record(HONEST_SUMMARY)), b""),
}


def odd_values():
    """An honest block whose documents hold what few documents hold."""
    planes = "".join(chr(plane << 16 | 0xABC) for plane in range(17)) + "\0\u2028é"
    data = {
        "digits": Decimal("1234567890123456789012345678901234567890.1234567890"),
        "tiny": Decimal("1E-400"),
        "minus zero": Decimal("-0.00"),
        "planes": planes,
        planes: 1,
        "nan": float("nan"),
        "infinite": float("-inf"),
        "huge": 2**4_000,
        "bytes": b"\0" * 1_000,
    }
    change = Change(made_id("doc", 0), 0, planes, TABLE_ID, data)
    made = Transaction(made_id("tx", 0), START, START, (Statement(f"SELECT '{planes}'"),), (change,))
    return JournalBuilder(made_id("odd", 0)).append(made)


def event_of(datas):
    """A Lambda event of records with these data; a text stands as it is, bytes in base64."""
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000000:{number}",
                "kinesis": {
                    "partitionKey": "key",
                    "sequenceNumber": str(number),
                    "data": data if isinstance(data, str) else base64.b64encode(data).decode(),
                    "approximateArrivalTimestamp": 1_741_000_000.0,
                },
            }
            for number, data in enumerate(datas)
        ]
    }


def honest_datas():
    return [record.data for block in transfers(3).blocks for record in streamed(block).records]
