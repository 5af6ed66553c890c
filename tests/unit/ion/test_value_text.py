"""Values from and to Ion text and JSON, by example."""

import json
from decimal import Decimal

import pytest

from counterfoil.errors import InputError
from counterfoil.ion import MAX_DEPTH, MAX_SIZE_BYTES, encode
from counterfoil.ion.value_text import from_json, parse_text, parse_texts, render_json, render_text, to_json
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, IonTimestamp, RepeatedStruct, Sexp

AT = IonTimestamp((2025, 3, 1, 9, 30, 0), Decimal("0.120"), 0)

AS_READ = [
    ("null", None),
    ("null.int", IonNull(parse_text("null.int").type)),
    ("5", 5),
    ("1.50", Decimal("1.50")),
    ("1e0", 1.0),
    ('"text"', "text"),
    ("sym", IonSymbol("sym")),
    ("{{YWI=}}", b"ab"),
    ('{{"ab"}}', Clob(b"ab")),
    ("[1,(a b)]", [1, Sexp([IonSymbol("a"), IonSymbol("b")])]),
    ("a::b::{c:1}", Annotated(("a", "b"), {"c": 1})),
    ("{c:1,c:2}", RepeatedStruct([("c", 1), ("c", 2)])),
    ("2025-03-01T09:30:00.120Z", AT),
    ("2025T", IonTimestamp((2025,), None, None)),
    ("2025-03-01T10:30+01:00", IonTimestamp((2025, 3, 1, 9, 30), None, 60)),
]


@pytest.mark.parametrize(("text", "value"), AS_READ)
def test_ion_text_becomes_the_value_of_the_table(text, value):
    found = parse_text(text)
    assert (type(found), encode(found)) == (type(value), encode(value))


PRINTED = [
    "123d0",
    "-0d0",
    "1.5d-20",
    "0.10000000000000000555e+0",
    "-0e0",
    "+inf",
    "'null'",
    "'$10'",
    "$0",
    "'+'",
    "('+' 1 a)",
    r'"\"\\\n\0\x1B"',
    "'a\\'b'",
    r'{{"\"\xFF\x7F"}}',
    "{'':1,$0:2}",
    "a::'b c'::null.sexp",
    "2025-03-01",
    "2025-03-01T09:30-00:00",
    "2025-03-01T10:30:00.120-01:30",
    "1234567890123456789012345678901234567890.00",
]


@pytest.mark.parametrize("text", PRINTED)
def test_values_are_printed_as_they_are_read(text):
    assert render_text(parse_text(text)) == text


def test_several_values_are_read_in_order_and_none_is_an_empty_list():
    assert parse_texts("1 two // three\n [4]") == [1, "two", [4]]
    assert parse_texts("") == []


def test_a_fraction_finer_than_amazons_writer_prints_is_printed_whole():
    fine = IonTimestamp((2025, 1, 1, 0, 0, 0), Decimal("0.123456789012"), 0)
    assert render_text(fine) == "2025-01-01T00:00:00.123456789012Z"


def test_a_time_outside_the_calendar_at_its_offset_is_refused():
    with pytest.raises(InputError, match="leaves the calendar at its offset"):
        render_text(IonTimestamp((9999, 12, 31, 23, 59), None, 60))


DEEP = json.loads("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "value",
    [range(3), Decimal("NaN"), "\ud800", {"\udfff": 1}, 256**1024, DEEP, Annotated((), 1), bytearray(b"a")],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_ion_value_is_not_printed(value):
    with pytest.raises(InputError):
        render_text(value)


OUTWARDS = [
    ("null.list", "null"),
    ("nan", "null"),
    ("-inf", "null"),
    ("1.50", "1.50"),
    ("0.5e0", "0.5"),
    ("a::sym", '"sym"'),
    ("2025-03-01T09:30:00.120Z", '"2025-03-01T09:30:00.120Z"'),
    ("2025T", '"2025"'),
    ("{{YWI=}}", '"YWI="'),
    ('{{"a\\xff"}}', '"aÿ"'),
    ("(a 1)", '["a",1]'),
    ('{a:1,a:2,b:{c:"é"}}', '{"a":1,"a":2,"b":{"c":"é"}}'),
]


@pytest.mark.parametrize(("text", "expected"), OUTWARDS)
def test_ion_is_brought_down_to_json_by_ions_rules(text, expected):
    assert render_json(parse_text(text)) == expected


NUMBERS = [
    ("1.50", 1.5),
    ("3d0", 3),
    ("0.1", 0.1),
    ("0.1000000000000000055", "0.1000000000000000055"),
    ("12345678901234567.89", "12345678901234567.89"),
    ("1d400", "1E+400"),
    ("-0.", -0.0),
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_a_decimal_is_a_number_of_json_only_where_it_is_the_same_number(text, expected):
    found = to_json(parse_text(text))
    assert (type(found), repr(found)) == (type(expected), repr(expected))


def test_json_for_python_keeps_the_first_of_a_repeated_field():
    assert to_json({"a": RepeatedStruct([("b", 1), ("b", 2)]), "at": AT, "s": IonSymbol("x")}) == {
        "a": {"b": 1},
        "at": "2025-03-01T09:30:00.120Z",
        "s": "x",
    }


def test_what_is_no_ion_value_does_not_become_json():
    for render in (to_json, render_json):
        with pytest.raises(InputError, match="of type object"):
            render([object()])
        with pytest.raises(InputError, match="nested deeper"):
            render([DEEP])


def test_numbers_of_json_are_ints_or_decimals_and_never_floats():
    found = from_json('{"a": 1, "b": 1.50, "c": 1e3, "d": [true, null, "é"], "e": -0.0}')
    assert encode(found) == encode(
        {"a": 1, "b": Decimal("1.50"), "c": Decimal("1E+3"), "d": [True, None, "é"], "e": Decimal("-0.0")}
    )


def test_names_of_json_that_ion_text_would_read_otherwise_are_names():
    assert list(from_json('{"$10": 1, "": 2, "null": 3}')) == ["$10", "", "null"]


NOT_JSON = [
    "",
    "{a: 1}",
    "1 2",
    "[1,]",
    "NaN",
    "-Infinity",
    '{"a":1,"a":2}',
    '{"b":{"a":1,"a":2}}',
    "1" * 5_000,
    "1." + "1" * 5_000,
    "1e100001",
    "1e-999999999999999999999",
    '"\\ud800"',
    '{"\\udfff": 1}',
    '["\\ud800"]',
    "\ufeff1",
    "[" * 5_000 + "]" * 5_000,
    '{"a":' * 200 + "1" + "}" * 200,
    " " * (MAX_SIZE_BYTES + 1),
]


@pytest.mark.parametrize("text", NOT_JSON, ids=lambda text: text[:20])
def test_what_is_no_json_or_beyond_the_limits_is_refused(text):
    with pytest.raises(InputError):
        from_json(text)
