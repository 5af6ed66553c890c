"""Aggregated records at their edges: taken whole or refused, and every refusal says why."""

import hashlib

import pytest

from counterfoil.errors import InputError
from counterfoil.journal import Frame, UserRecord, deaggregate
from counterfoil.journal.kpl import MAX_FRAME_BYTES, MAX_USER_RECORDS
from tests.kpl_frames import MAGIC, field, frame_of, user_record, varint

KEYS = field(1, b"one") + field(1, b"two")


def read(body):
    return deaggregate(frame_of(body), "outer")


@pytest.mark.parametrize("data", [b"", b"\xf3", b"\xf3\x89\x9a", b"plain", b"\xf3\x89\x9a\xc3" + bytes(40)])
def test_a_record_without_the_magic_is_plain(data):
    assert deaggregate(data, "key") == Frame(
        (UserRecord(data, "key", None, 0),), aggregated=False, unknown_fields=frozenset()
    )


@pytest.mark.parametrize("length", [0, 1, 15])
def test_a_frame_cut_before_its_checksum_ends_is_refused(length):
    with pytest.raises(InputError, match=f"cut short after {4 + length} bytes"):
        deaggregate(MAGIC + bytes(length), "key")


def test_a_wrong_checksum_is_named_with_the_right_one():
    body = KEYS + user_record(b"data")
    with pytest.raises(
        InputError, match=f"checksum is {'00' * 16}, but whose contents give {hashlib.md5(body).hexdigest()}"
    ):
        deaggregate(MAGIC + body + bytes(16), "key")


def test_a_frame_cut_anywhere_is_refused():
    frame = frame_of(KEYS + user_record(b"first") + user_record(b"second", 1))
    for end in range(4, len(frame)):
        with pytest.raises(InputError):
            deaggregate(frame[:end], "key")


def test_bytes_behind_the_checksum_are_refused():
    with pytest.raises(InputError, match="checksum"):
        deaggregate(frame_of(KEYS + user_record(b"data")) + b"\0", "key")


def test_a_record_larger_than_kinesis_carries_is_refused_unread():
    with pytest.raises(InputError, match=f"at most {MAX_FRAME_BYTES} are possible"):
        deaggregate(bytes(MAX_FRAME_BYTES + 1), "key")


def test_a_plain_record_of_ten_mebibytes_is_possible():
    assert len(deaggregate(bytes(MAX_FRAME_BYTES), "key").records[0].data) == MAX_FRAME_BYTES


def test_records_keep_their_order_keys_and_numbers():
    frame = read(KEYS + user_record(b"a", 1) + user_record(b"b", 0) + user_record(b"c", 1))
    assert frame.records == (
        UserRecord(b"a", "two", None, 0),
        UserRecord(b"b", "one", None, 1),
        UserRecord(b"c", "two", None, 2),
    )


def test_an_explicit_hash_key_is_kept():
    record = user_record(b"a", 0, field(2, 1))
    assert read(KEYS + field(2, b"123") + field(2, b"456") + record).records[0].explicit_hash_key == "456"


def test_the_key_table_may_stand_behind_the_records():
    assert read(user_record(b"a", 1) + KEYS).records[0].partition_key == "two"


def test_an_empty_payload_is_a_record():
    assert read(KEYS + user_record(b"")).records[0].data == b""


def test_tags_are_passed_over():
    frame = read(KEYS + user_record(b"a", 0, field(4, field(1, b"key") + field(2, b"value"))))
    assert (len(frame.records), frame.unknown_fields) == (1, frozenset())


BAD = {
    "names partition key 2 of 2": KEYS + user_record(b"a", 2),
    "names partition key 18446744073709551615 of 2": KEYS + user_record(b"a", 2**64 - 1),
    "names explicit hash key 0 of 0": KEYS + user_record(b"a", 0, field(2, 0)),
    "user record 1 of an aggregated record has no data": KEYS + user_record(b"a") + field(3, field(1, 0)),
    "user record 0 of an aggregated record has no data or no partition key": KEYS + field(3, field(3, b"a")),
    "user record 0 of an aggregated record has no data": KEYS + field(3, b""),
    "field 1 of an aggregated record has wire type 0": field(1, 5),
    "field 3 of an aggregated record has wire type 0": field(3, 5),
    "field 1 of user record 0 has wire type 2": KEYS + field(3, field(1, b"x") + field(3, b"a")),
    "field 3 of user record 0 has wire type 0": KEYS + field(3, field(1, 0) + field(3, 7)),
    "field 4 of user record 0 has wire type 0": KEYS + user_record(b"a", 0, field(4, 7)),
    "a key of an aggregated record is not UTF-8: fffe": field(1, b"\xff\xfe") + user_record(b"a"),
    "field number 0": KEYS + b"\x02\x01a",
    "wire type 3 at byte": KEYS + b"\x2b\x2c",
    "wire type 6 at byte": KEYS + b"\x0e",
    "a field of 100 bytes at byte": KEYS + b"\x1a\x64abc",
    "a field of 8 bytes at byte": KEYS + b"\x29abc",
    "a field of 4 bytes at byte": KEYS + b"\x2dabc",
    "a varint at byte": KEYS + b"\x1a\xff\xff\xff",
    "a varint at byte 11 of an aggregated record does not end": KEYS + b"\xff",
    "does not end": KEYS + b"\x1a" + b"\x80" * 12 + b"\x01",
}


@pytest.mark.parametrize(("what", "body"), BAD.items(), ids=range(len(BAD)))
def test_a_frame_with_a_right_checksum_and_wrong_contents_is_refused_whole(what, body):
    with pytest.raises(InputError, match=what):
        read(body)


def test_a_length_beyond_64_bits_is_refused():
    with pytest.raises(InputError):
        read(KEYS + b"\x1a" + b"\xff" * 9 + b"\x7f")


def test_a_nested_length_may_not_reach_into_the_next_record():
    lying = varint(3 << 3 | 2) + varint(6) + field(1, 0) + varint(3 << 3 | 2) + varint(20) + b"ab"
    with pytest.raises(InputError, match="a field of 20 bytes"):
        read(KEYS + lying + user_record(b"neighbour" * 4))


@pytest.mark.parametrize("wire", [1, 5])
def test_unknown_fields_of_fixed_size_are_said_too(wire):
    body = KEYS + varint(9 << 3 | wire) + bytes(8 if wire == 1 else 4) + user_record(b"a")
    assert read(body).unknown_fields == {9}


def test_a_frame_of_more_records_than_are_possible_is_refused():
    with pytest.raises(InputError, match=f"more than {MAX_USER_RECORDS} entries"):
        read(KEYS + b"\x1a\x00" * (MAX_USER_RECORDS + 1))


def test_a_frame_in_a_frame_is_not_opened_twice():
    inner = frame_of(KEYS + user_record(b"a"))
    assert read(KEYS + user_record(inner)).records[0].data == inner
