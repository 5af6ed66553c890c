"""Ion text and amazon.ion behind it: what is refused, and that nothing else comes out than an InputError."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from counterfoil.errors import InputError
from counterfoil.ion import (
    MAX_DEPTH,
    MAX_SIZE_BYTES,
    VERSION_MARKER,
    binary_of_text,
    dump_binary,
    dump_text,
    load_binary,
    load_text,
    read_single,
    text_of,
)
from tests.ion_encodings import wrap

NOT_ONE_VALUE = """
// only a comment
1 2
{
[1,
"open
{{YWJj}
{{****}}
2000-13-01
1d99999999999
$99
{$99:1}
$99::1
"\\ud800"
"\\U00110000"
{a}
'''open
/* open
$ion_2_0 5
"""


@pytest.mark.parametrize("text", [*NOT_ONE_VALUE.splitlines(), "   ", "a\0b", "9" * 5_000])
def test_text_that_is_not_one_value_is_refused(text):
    with pytest.raises(InputError):
        binary_of_text(text)


def test_the_message_says_how_many_values_there_were():
    with pytest.raises(InputError, match="2 values of Ion text where one was expected"):
        load_text("1 2")


def test_text_beyond_the_size_limit_is_refused_unread():
    with pytest.raises(InputError, match=f"at most {MAX_SIZE_BYTES} are read"):
        load_text(" " * (MAX_SIZE_BYTES + 1))


@pytest.mark.parametrize(("opening", "closing"), ["[]", "()", ("{a:", "}"), ("[{b:(", ")}]")])
def test_deep_text_is_refused_before_it_is_parsed(opening, closing):
    with pytest.raises(InputError, match=f"nested deeper than {MAX_DEPTH} levels"):
        load_text(opening * 5_000 + closing * 5_000)


def test_text_nested_to_the_limit_is_read():
    assert read_single(binary_of_text("[" * MAX_DEPTH + "]" * MAX_DEPTH)).kind == 11


@pytest.mark.parametrize(
    "text",
    [
        '"' + "[" * 200 + '"',
        "'" + "{" * 200 + "'",
        "'''" + "(" * 200 + "'''",
        "1 // " + "[" * 200 + "\n",
        "1 /* " + "[" * 200 + " */",
        '{{"' + "[" * 200 + '"}}',
        '"\\"' + "[" * 200 + '"',
    ],
)
def test_brackets_inside_strings_symbols_comments_and_clobs_nest_nothing(text):
    assert binary_of_text(text).startswith(VERSION_MARKER)


def test_brackets_hidden_behind_an_escaped_quote_do_not_bring_the_parser_down():
    hidden = "['''\\''' ''', " + "[" * 50_000 + "]" * 50_000 + ", '''''']"
    with pytest.raises(InputError):
        load_text(hidden)


@pytest.mark.parametrize("text", ["0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59"])
def test_a_time_that_leaves_the_calendar_in_utc_is_refused_as_input(text):
    with pytest.raises(InputError):
        binary_of_text(text)


def test_text_of_a_decimal_that_amazon_ion_reads_but_cannot_write_is_refused_as_input():
    with pytest.raises(InputError):
        text_of(read_single(VERSION_MARKER + wrap(5, bytes.fromhex("0e31058b52c3018c936162638d11"))))


def test_a_fine_fraction_is_kept_and_one_that_is_too_fine_refused_not_dropped():
    time = read_single(binary_of_text("2000-01-01T00:00:00.123456789012345678Z")).as_timestamp()
    assert time.fraction == Decimal("0.123456789012345678")
    with pytest.raises(InputError, match="at most 18 digits"):
        binary_of_text("2000-01-01T00:00:00.1234567890123456789Z")


def test_a_string_that_looks_like_a_fine_fraction_is_a_string():
    text = "2000-01-01T00:00:00.1234567890123456789Z"
    assert read_single(binary_of_text(f'"{text}"')).as_text() == text


@pytest.mark.parametrize("data", [b"", VERSION_MARKER, VERSION_MARKER + b"\x20\x20", VERSION_MARKER + b"\x8e"])
def test_binary_that_is_not_one_value_is_refused(data):
    with pytest.raises(InputError):
        load_binary(data)


@pytest.mark.parametrize("data", [b"text", b"{a:1}"])
def test_text_is_not_taken_for_binary(data):
    with pytest.raises(InputError):
        load_binary(data)


@pytest.mark.parametrize("text", ["123456789012345678901234567890123.00", "10000000000000000000000000000000000000."])
def test_the_scale_of_a_decimal_of_more_than_34_digits_is_kept(text):
    """The scale is part of the hash: what is written must be what was read."""
    assert str(read_single(binary_of_text(text)).as_decimal()) == text.rstrip(".")


def test_python_values_are_written_as_the_format_wants_them():
    value = {
        "text": "x",
        "amount": Decimal("1.50"),
        "count": 3,
        "at": datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
        "blob": b"ab",
        "none": None,
        "yes": True,
        "list": [1, "two"],
    }
    fields = read_single(dump_binary(value)).fields()
    assert list(fields) == list(value)
    assert fields["amount"].as_decimal().as_tuple() == Decimal("1.50").as_tuple()
    assert fields["blob"].as_bytes() == b"ab"
    assert fields["none"].is_null
    assert [each.type.name for each in fields["list"].items()] == ["INT", "STRING"]


def test_text_of_a_value_inside_another_needs_nothing_but_the_value():
    outer = read_single(binary_of_text("{first:1,second:a::{third:[sym,'odd symbol',null.int]}}"))
    assert text_of(outer.fields()["second"]) == "a::{third:[sym,'odd symbol',null.int]}"


@pytest.mark.parametrize(
    "text", ['{a:1.50,b:[1,"x"],c:{{AQI=}}}', "2020-01-02T03:04:05.678Z", "-0d0", "nan", "null.list"]
)
def test_text_is_written_compactly_as_it_was_read(text):
    assert dump_text(load_text(text)) == text
