"""Frames of the Kinesis Producer Library: many user records in one Kinesis record.

    frame = F3 89 9A C2 | protobuf AggregatedRecord | MD5 of the protobuf (16 bytes)
    AggregatedRecord { 1: partition key (repeated), 2: explicit hash key (repeated), 3: Record (repeated) }
    Record { 1: partition key index, 2: explicit hash key index, 3: data, 4: tags }

A frame is taken whole or not at all: where magic is right and anything behind it is not (checksum, lengths, indexes,
wire types) the whole record is an ``InputError``, so that it is kept and reported; it is never passed on as if it were one plain
record, and no part of it is dropped in silence. Fields that the format does not know are passed over as protobuf
demands, and said: ``Frame.unknown_fields`` lets the caller keep the bytes and report them.

Source: KPL aggregated record format (awslabs/amazon-kinesis-producer, aggregation-format.md); protobuf encoding guide.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from counterfoil.errors import InputError

MAGIC: Final = b"\xf3\x89\x9a\xc2"
CHECKSUM_SIZE: Final = 16

# Kinesis takes records of up to 10 MiB since 2025. A user record costs at least four bytes on the wire; the bound keeps a frame of
# empty records from becoming millions of objects.
MAX_FRAME_BYTES: Final = 10 * 1024 * 1024
MAX_USER_RECORDS: Final = 100_000

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Tags: of the three tables of an aggregated record, and of what a user record mostly has.
_TABLES: Final = frozenset({1 << 3 | _BYTES, 2 << 3 | _BYTES, 3 << 3 | _BYTES})
_KEY_INDEX: Final = 1 << 3 | _VARINT
_DATA: Final = 3 << 3 | _BYTES


class UserRecord(NamedTuple):
    """What a producer put in; ``sub_sequence_number`` counts the user records of one Kinesis record from 0."""

    data: bytes
    partition_key: str
    explicit_hash_key: str | None
    sub_sequence_number: int


class Frame(NamedTuple):
    """The user records of one Kinesis record, in order."""

    records: tuple[UserRecord, ...]
    aggregated: bool
    unknown_fields: frozenset[int]


def deaggregate(data: bytes, partition_key: str) -> Frame:
    """The user records in the data of one Kinesis record; a record that is no frame is its own only user record."""
    if len(data) > MAX_FRAME_BYTES:
        raise InputError(f"a Kinesis record of {len(data)} bytes; at most {MAX_FRAME_BYTES} are possible")
    if data[:4] != MAGIC:
        return Frame((UserRecord(data, partition_key, None, 0),), aggregated=False, unknown_fields=frozenset())
    if len(data) < len(MAGIC) + CHECKSUM_SIZE:
        raise InputError(f"an aggregated record cut short after {len(data)} bytes")
    body, checksum = data[4:-CHECKSUM_SIZE], data[-CHECKSUM_SIZE:]
    found = hashlib.md5(body, usedforsecurity=False).digest()
    if found != checksum:
        raise InputError(
            f"an aggregated record whose checksum is {checksum.hex()}, but whose contents give {found.hex()}"
        )
    return _parse_aggregate(body)


def _parse_aggregate(body: bytes) -> Frame:
    tables: dict[int, list[bytes]] = {1: [], 2: [], 3: []}
    unknown: set[int] = set()
    position, end = 0, len(body)
    while position < end:
        tag, begin, behind = _short_field(body, position, end)
        if tag in _TABLES:
            number, wire, value, position = tag >> 3, _BYTES, body[begin:behind], behind
        else:
            number, wire, value, position = _field(body, position, end)
        if number not in tables:
            unknown.add(number)
        elif wire != _BYTES:
            raise InputError(f"field {number} of an aggregated record has wire type {wire}, not {_BYTES}")
        else:
            tables[number].append(value)
            if len(tables[number]) > MAX_USER_RECORDS:
                raise InputError(f"an aggregated record of more than {MAX_USER_RECORDS} entries")
    if not tables[3]:
        raise InputError("an aggregated record without user records")
    keys, hash_keys = [_key(each) for each in tables[1]], [_key(each) for each in tables[2]]
    records = tuple(_parse_record(each, index, keys, hash_keys, unknown) for index, each in enumerate(tables[3]))
    return Frame(records, aggregated=True, unknown_fields=frozenset(unknown))


def _parse_record(body: bytes, index: int, keys: list[str], hash_keys: list[str], unknown: set[int]) -> UserRecord:
    key_index = hash_key_index = data = None
    position, end = 0, len(body)
    if end > 5 and body[0] == _KEY_INDEX and body[1] < min(len(keys), 0x80) and body[2] == _DATA:
        # What producers write: the key's index, then the data to the end, its length in one byte or two.
        size, begin = (body[3], 4) if body[3] < 0x80 else (body[3] & 0x7F | body[4] << 7, 5)
        if begin + size == end and (begin == 4 or body[4] < 0x80):
            return UserRecord(body[begin:], keys[body[1]], None, index)
    while position < end:
        number, wire, value, position = _field(body, position, end)
        match number, wire:
            case 1, 0:
                key_index = int.from_bytes(value)
            case 2, 0:
                hash_key_index = int.from_bytes(value)
            case 3, 2:
                data = value
            case 4, 2:
                pass  # tags: reserved by the format, written by no producer
            case 1 | 2 | 3 | 4, _:
                raise InputError(f"field {number} of user record {index} has wire type {wire}")
            case _:
                unknown.add(number)
    if data is None or key_index is None:
        raise InputError(f"user record {index} of an aggregated record has no data or no partition key")
    return UserRecord(
        data,
        _entry(keys, key_index, index, "partition key"),
        None if hash_key_index is None else _entry(hash_keys, hash_key_index, index, "explicit hash key"),
        index,
    )


def _entry(table: list[str], position: int, index: int, what: str) -> str:
    if position >= len(table):
        raise InputError(f"user record {index} names {what} {position} of {len(table)}")
    return table[position]


def _key(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InputError(f"a key of an aggregated record is not UTF-8: {data[:40].hex()}") from None


def _short_field(body: bytes, position: int, end: int) -> tuple[int, int, int]:
    """(tag, where the value begins, where it ends) of a field of bytes whose tag has one byte and whose length at most two.

    Of any other field the tag is 0.
    """
    if end - position > 2:
        tag, length, begin = body[position], body[position + 1], position + 2
        if length >= 0x80:
            if body[begin] >= 0x80:
                return 0, 0, 0
            length, begin = length & 0x7F | body[begin] << 7, begin + 1
        if tag < 0x80 and tag & 7 == _BYTES and length <= end - begin:
            return tag, begin, begin + length
    return 0, 0, 0


def _field(body: bytes, position: int, end: int) -> tuple[int, int, bytes, int]:
    """(field number, wire type, value bytes, position behind); a varint's value is given big endian."""
    tag, position = _varint(body, position, end)
    number, wire = tag >> 3, tag & 7
    if number == 0:
        raise InputError(f"field number 0 at byte {position} of an aggregated record")
    if wire == _VARINT:
        value, position = _varint(body, position, end)
        return number, wire, value.to_bytes(8), position
    if wire == _BYTES:
        length, position = _varint(body, position, end)
    elif wire in {_FIXED64, _FIXED32}:
        length = 8 if wire == _FIXED64 else 4
    else:
        raise InputError(f"wire type {wire} at byte {position} of an aggregated record")
    if length > end - position:
        raise InputError(f"a field of {length} bytes at byte {position} of an aggregated record reaches beyond its end")
    return number, wire, body[position : position + length], position + length


def _varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < 64:
        byte = body[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, position
        shift += 7
    raise InputError(f"a varint at byte {position} of an aggregated record does not end")
