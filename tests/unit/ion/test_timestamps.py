"""Timestamps: every precision, the calendar, and bodies that are none."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from counterfoil.errors import InputError
from counterfoil.ion import IonTimestamp, binary_of_text, dump_text, hash_of_ion, load_text, read_single
from counterfoil.ion.timestamps import canonical_body, parse_timestamp


def read(text):
    return read_single(binary_of_text(text)).as_timestamp()


@pytest.mark.parametrize(
    ("text", "fields", "fraction", "offset"),
    [
        ("2000T", (2000,), None, None),
        ("2000-05T", (2000, 5), None, None),
        ("2000-05-06", (2000, 5, 6), None, None),
        ("2000-05-06T07:08Z", (2000, 5, 6, 7, 8), None, 0),
        ("2000-05-06T07:08-00:00", (2000, 5, 6, 7, 8), None, None),
        ("2000-05-06T07:08:09+02:00", (2000, 5, 6, 5, 8, 9), None, 120),
        ("2000-05-06T07:08:09-03:30", (2000, 5, 6, 10, 38, 9), None, -210),
        ("2000-05-06T07:08:09.1Z", (2000, 5, 6, 7, 8, 9), "0.1", 0),
        ("2000-05-06T07:08:09.000Z", (2000, 5, 6, 7, 8, 9), "0.000", 0),
        ("2000-05-06T07:08:09.123456789Z", (2000, 5, 6, 7, 8, 9), "0.123456789", 0),
        ("2000-12-31T23:30:00-01:00", (2001, 1, 1, 0, 30, 0), None, -60),
    ],
)
def test_a_timestamp_is_read_to_its_precision(text, fields, fraction, offset):
    found = read(text)
    assert found == IonTimestamp(fields, None if fraction is None else Decimal(fraction), offset)
    assert fraction is None or str(found.fraction) == fraction


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2000T", "2000T"),
        ("2000-05T", "2000-05T"),
        ("2000-05-06", "2000-05-06"),
        ("2000-05-06T07:08Z", "2000-05-06T07:08Z"),
        ("2000-05-06T07:08-00:00", "2000-05-06T07:08-00:00"),
        ("2000-05-06T07:08:09.120+02:00", "2000-05-06T05:08:09.120Z"),
        ("0042-01-01T00:00:00Z", "0042-01-01T00:00:00Z"),
    ],
)
def test_a_timestamp_is_shown_in_utc_to_its_precision(text, shown):
    assert str(read(text)) == shown


def test_an_instant_is_a_datetime_in_utc_with_the_lowest_value_for_what_is_not_said():
    assert read("2000T").to_datetime() == datetime(2000, 1, 1, tzinfo=UTC)
    assert read("2000-05-06T07:08:09.1234567Z").to_datetime() == datetime(2000, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("", "ends in the middle"),
        ("80", "a year or a minute is missing"),
        ("c0", "a year or a minute is missing"),
        ("800f", "ends in the middle"),
        ("800fd0818180", "a year or a minute is missing"),
        ("800fd08d", "not in the calendar"),
        ("800fd080", "not in the calendar"),
        ("800fd0829e", "not in the calendar"),
        ("800fd181829d", "a year or a minute is missing"),
        ("800fd1829d", "not in the calendar"),
        ("800fd081819880", "not in the calendar"),
        ("800fd0818180bc", "not in the calendar"),
        ("800fd081818080bc", "not in the calendar"),
        ("8080", "not in the calendar"),
        ("804e90", "not in the calendar"),
        ("0ba00fd081818080", "the offset is a day or more"),
        ("4ba00fd081818080", "the offset is a day or more"),
        ("800fd08181808080c1", None),
        ("800fd08181808080c10a", "a fraction outside"),
        ("800fd08181808080c18a", "a negative fraction"),
        ("800fd08181808080c181", "a negative fraction"),
        ("800fd081818080808101", "a fraction outside"),
        ("800fd08181808080d301", "finer than 10\\^-18"),
        ("800fd08181808080ff7f", "finer than 10\\^-18"),
        ("00" * 40, "at most 32 are read"),
        ("00" * 31, "ends in the middle"),
    ],
)
def test_a_body_that_is_no_time_is_refused(body, what):
    data = bytes.fromhex(body)
    if what is None:
        assert parse_timestamp(data).fraction == Decimal("0.0")
        return
    for read_body in (parse_timestamp, canonical_body):
        with pytest.raises(InputError, match=what):
            read_body(data)


@pytest.mark.parametrize(
    ("year", "month", "day", "there"),
    [(2000, 2, 29, True), (1900, 2, 29, False), (2024, 2, 29, True), (2023, 2, 29, False), (2023, 4, 31, False)],
)
def test_the_calendar_is_asked_whether_a_commit_time_has_such_a_day(year, month, day, there):
    """The short way for ordinary bodies must not let the thirtieth of February through."""
    body = bytes([0x80, year >> 7, year & 0x7F | 0x80, 0x80 | month, 0x80 | day, 0x80, 0x80, 0x80, 0xC3, 0x05])
    if there:
        assert canonical_body(body) == body
    else:
        with pytest.raises(InputError, match="not in the calendar"):
            canonical_body(body)


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        ("800fd081818080", "800fd081818080"),
        ("80000fd081818080", "800fd081818080"),
        ("00800fd00081818080", "800fd081818080"),
        ("c00fd0", "c00fd0"),
        ("40800fd081818080", None),
        ("800fd0818180808080", "800fd08181808080"),
        ("800fd08181808080c300", "800fd08181808080c3"),
        ("800fd08181808080c3", "800fd08181808080c3"),
        ("800fd08181808080c30001", "800fd08181808080c301"),
        ("800fd08181808080c30080", "800fd08181808080c30080"),
        ("800fd08181808080c303e7", "800fd08181808080c303e7"),
        ("8081", "8081"),
    ],
)
def test_a_body_is_shortened_to_the_one_that_ion_hash_wants(body, canonical):
    """``40 80`` is an offset of minus zero in two bytes: unknown, as ``c0``."""
    assert canonical_body(bytes.fromhex(body)) == bytes.fromhex(canonical or "c00fd081818080")


def test_a_fraction_of_a_thousandth_too_many_is_refused():
    with pytest.raises(InputError, match="a fraction outside"):
        canonical_body(bytes.fromhex("800fd08181808080c303e8"))


def test_precision_is_part_of_the_hash():
    texts = [
        "2017-08-21",
        "2017-08-21T00:00Z",
        "2017-08-21T00:00:00Z",
        "2017-08-21T00:00:00.0Z",
        "2017-08-21T00:00-00:00",
    ]
    assert len({hash_of_ion(read_single(binary_of_text(text))) for text in texts}) == len(texts)


def test_timestamps_of_up_to_nine_decimals_survive_text_and_back():
    text = "2017-08-21T01:02:03.123456789Z"
    assert dump_text(load_text(text)) == text
