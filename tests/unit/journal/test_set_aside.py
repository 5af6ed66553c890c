"""Pointers to records that were set aside: what they say, what is none, and what they may lead to."""

from datetime import date
from hashlib import sha256

import pytest

from counterfoil.errors import InputError, LimitError, SetAsideMismatchError
from counterfoil.ion import dump_binary, load_binary
from counterfoil.journal import BlockAddress, SetAsideRecord, parse_followed, parse_stream_record
from counterfoil.journal.publication import control_record
from counterfoil.journal.set_aside import MAX_SET_ASIDE_BYTES, set_aside_place, verify_set_aside
from counterfoil.journal.stored import streamed_datagram
from counterfoil.journal.stream_record import RecordType
from tests.journals import STRAND, STREAM_ARN, transfers

DAY = date(2026, 1, 31)
BLOCK = streamed_datagram(transfers(1).blocks[0].block_binary(), STREAM_ARN)
SUMMARY, DETAILS = (each.data for each in BLOCK.records)
FITTED = BLOCK.fitted(STREAM_ARN, 0, lambda data: set_aside_place("bucket", data, DAY))
POINTERS = [each.data for each in FITTED.records]
OTHER = transfers(2).blocks[1].stream_records(STREAM_ARN)


def altered(**changes):
    """The pointer to the summary with another payload."""
    record = dict(load_binary(POINTERS[0]))
    return dump_binary(record | {"payload": dict(record["payload"]) | changes})


def test_a_pointer_says_what_was_set_aside_and_where_it_lies():
    for data, original, kind in zip(POINTERS, (SUMMARY, DETAILS), ("BLOCK_SUMMARY", "REVISION_DETAILS"), strict=True):
        record, digest = parse_stream_record(data), sha256(original)
        assert isinstance(record, SetAsideRecord)
        assert record[:3] == (STREAM_ARN, RecordType(kind), BlockAddress(STRAND, 0))
        assert record.place == ("bucket", f"records/2026-01-31/{digest.hexdigest()}", digest.digest(), len(original))


def test_a_pointer_is_what_the_format_says():
    record = load_binary(POINTERS[0])
    assert list(record) == ["qldbStreamArn", "recordType", "payload"]
    assert record["recordType"] == "OVERSIZED_RECORD"
    assert list(record["payload"]) == ["recordType", "blockAddress", "bucket", "key", "sha256", "sizeBytes"]


def test_a_pointer_has_the_key_of_the_record_that_it_stands_for():
    assert [each.partition_key for each in FITTED.records] == [each.partition_key for each in BLOCK.records]


def test_only_what_is_too_large_is_set_aside():
    smaller, larger = sorted([len(SUMMARY), len(DETAILS)])
    kept = []

    def keep(data):
        kept.append(data)
        return set_aside_place("bucket", data, DAY)

    for limit, count in [(larger, 0), (larger - 1, 1), (smaller, 1), (smaller - 1, 2)]:
        kept.clear()
        fitted = BLOCK.fitted(STREAM_ARN, limit, keep)
        assert len(kept) == count
        assert sum(each.data in {SUMMARY, DETAILS} for each in fitted.records) == 2 - count


HEX = sha256(SUMMARY).hexdigest()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"recordType": "CONTROL"}, "'CONTROL' is not set aside"),
        ({"recordType": "OVERSIZED_RECORD"}, "'OVERSIZED_RECORD' is not set aside"),
        ({"key": f"blocks/2026-01-31/{HEX}"}, "is not the key"),
        ({"key": f"records/../{HEX}"}, "is not the key"),
        ({"key": f"records/2026-01-31/{HEX}/x"}, "is not the key"),
        ({"key": f"records/2026-01-31/{HEX.upper()}"}, "is not the key"),
        ({"key": f"records/2026-01-31/{'0' * 64}"}, "is not the key"),
        ({"key": "x" * 10_000}, "is not the key"),
        ({"sha256": b"\0" * 32}, "is not the key"),
        ({"sha256": HEX}, "expected"),
        ({"bucket": "../x"}, "is not the name of a bucket"),
        ({"bucket": ""}, "is not the name of a bucket"),
        ({"sizeBytes": 0}, "a record of 0 bytes"),
        ({"sizeBytes": -1}, "a record of -1 bytes"),
        ({"sizeBytes": "1"}, "expected int"),
        ({"blockAddress": {"strandId": "", "sequenceNo": 1}}, "is not an id"),
        ({"blockAddress": None}, "'blockAddress' is missing"),
    ],
)
def test_a_pointer_that_is_none_is_refused(changes, what):
    with pytest.raises(InputError, match=what) as refusal:
        parse_stream_record(altered(**changes))
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize("size", [MAX_SET_ASIDE_BYTES + 1, 2**70])
def test_more_than_is_read_is_refused_before_it_is_fetched(size):
    with pytest.raises(LimitError, match=f"at most {MAX_SET_ASIDE_BYTES}"):
        parse_stream_record(altered(sizeBytes=size))
    assert parse_stream_record(altered(sizeBytes=MAX_SET_ASIDE_BYTES)).place.size_bytes == MAX_SET_ASIDE_BYTES


@pytest.mark.parametrize("data", [b"", SUMMARY[:-1], SUMMARY + b"\0", SUMMARY[:-1] + b"\0", DETAILS])
def test_other_bytes_are_not_what_was_set_aside(data):
    with pytest.raises(SetAsideMismatchError) as refusal:
        verify_set_aside(set_aside_place("bucket", SUMMARY, DAY), data)
    assert refusal.value.data == data
    assert refusal.value.evidence["expected"] == HEX


def test_the_same_bytes_with_another_size_are_not_what_was_set_aside():
    place = set_aside_place("bucket", SUMMARY, DAY)
    assert verify_set_aside(place, SUMMARY) == SUMMARY
    with pytest.raises(SetAsideMismatchError):
        verify_set_aside(place._replace(size_bytes=len(SUMMARY) + 1), SUMMARY)


def test_a_pointer_leads_to_the_record_that_was_set_aside():
    for pointer, data in zip(map(parse_stream_record, POINTERS), (SUMMARY, DETAILS), strict=True):
        assert parse_followed(pointer, data) == parse_stream_record(data)


@pytest.mark.parametrize(
    "data",
    [
        DETAILS,
        *OTHER,
        POINTERS[0],
        control_record(STREAM_ARN, "CREATED"),
        SUMMARY.replace(b"stream/", b"Stream/"),
        b"rubbish",
    ],
    ids=["other kind", "other block", "other both", "pointer", "control", "other stream", "rubbish"],
)
def test_a_pointer_that_leads_to_something_else_is_refused(data):
    with pytest.raises(InputError):
        parse_followed(parse_stream_record(POINTERS[0]), data)
