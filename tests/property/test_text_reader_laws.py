"""Ion text is read as amazon.ion reads it, wherever that reads it rightly, and hostile text costs no more than its length."""

import random
from contextlib import suppress
from decimal import Decimal

import pytest
from amazon.ion import simpleion
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.ion.amazon_values import value_of
from counterfoil.ion.codec import encode
from counterfoil.ion.reader import IonType
from counterfoil.ion.text_reader import read_text, read_texts
from counterfoil.ion.text_writer import render_text
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, RepeatedStruct, Sexp, pairs_of
from tests.ion_values import ion_values


def same(left, right):
    """The same bytes; text keeps of a NaN only that it is one."""
    return encode(left) == encode(right) or render_text(left) == render_text(right)


@given(ion_values)
def test_what_was_rendered_is_read_as_it_was(value):
    ours = value_of(value)
    assert same(read_text(render_text(ours)), ours)


@given(ion_values)
def test_what_amazon_ion_prints_is_read_as_it_reads_it(value):
    text = simpleion.dumps(value, binary=False, omit_version_marker=True)
    assert same(read_text(text), value_of(simpleion.loads(text)))


@given(st.text(alphabet="{}[]()'\"\\:, \n\t/*$ab_0123456789.-+deTZxnulrfi", max_size=40))
def test_what_one_reader_takes_the_other_takes_as_the_same(text):
    try:
        theirs = simpleion.loads(text, single_value=False)
    except Exception:  # noqa: BLE001 - amazon.ion refuses text for reasons and with errors of its own
        return
    try:
        ours = read_texts(text)
    except InputError:
        return
    assert len(ours) == len(theirs)
    assert all(same(each, value_of(other)) for each, other in zip(ours, theirs, strict=True))


READ = {
    "null": None,
    "null.null": None,
    "null.int": IonNull(IonType.INT),
    "null.struct": IonNull(IonType.STRUCT),
    "true": True,
    "-0": 0,
    "1_000": 1000,
    "0xFf_0a": 0xFF0A,
    "-0b1_01": -5,
    "1.50": Decimal("1.50"),
    "-0.": Decimal("-0"),
    "1d3": Decimal("1E3"),
    "1.5D-3": Decimal("0.0015"),
    "1_0.2_5": Decimal("10.25"),
    "1e0": 1.0,
    "-1.5E+3": -1500.0,
    "+inf": float("inf"),
    "2024T": IonTimestamp((2024,), None, None),
    "2024-02T": IonTimestamp((2024, 2), None, None),
    "2024-02-29": IonTimestamp((2024, 2, 29), None, None),
    "2024-02-29T": IonTimestamp((2024, 2, 29), None, None),
    "2024-02-29T23:30-01:00": IonTimestamp((2024, 3, 1, 0, 30), None, -60),
    "2024-02-29T00:00:01.0500Z": IonTimestamp((2024, 2, 29, 0, 0, 1), Decimal("0.0500"), 0),
    "2024-02-29T00:00:01-00:00": IonTimestamp((2024, 2, 29, 0, 0, 1), None, None),
    '"a\\n\\x41\\u00e9\\U0001F9C0\\\n\\/"': "a\nAé\U0001f9c0/",
    '"\\uD83E\\uDDC0"': "\U0001f9c0",
    "'''a\r\nb''' // and\n '''c'''": "a\nbc",
    "abc": IonSymbol("abc"),
    "''": IonSymbol(""),
    "'a b'": IonSymbol("a b"),
    "$0": IonSymbol("", unknown=True),
    "$4": IonSymbol("name"),
    "a::'b c'::1": Annotated(("a", "b c"), 1),
    "{{ aGVs bG8= }}": b"hello",
    '{{"a\\x00\\xff"}}': Clob(b"a\0\xff"),
    "{{'''a''' '''b'''}}": Clob(b"ab"),
    "[1, a::2, /* c */ ]": [1, Annotated(("a",), 2)],
    "{a:1, 'b c':2, \"d\":3, '''e''':4,}": {"a": 1, "b c": 2, "d": 3, "e": 4},
    "(a + -1 (b) == 'x')": Sexp(
        [IonSymbol("a"), IonSymbol("+"), -1, Sexp([IonSymbol("b")]), IonSymbol("=="), IonSymbol("x")]
    ),
    "()": Sexp(),
    "$ion_1_0 1": 1,
}


@pytest.mark.parametrize("text", READ)
def test_each_form_of_the_specification(text):
    value = read_text(text)
    assert type(value) is type(READ[text])
    assert same(value, READ[text])


def test_repeated_fields_are_all_kept():
    value = read_text("{a:1,b:2,a:3}")
    assert isinstance(value, RepeatedStruct)
    assert list(pairs_of(value)) == [("a", 1), ("b", 2), ("a", 3)]


def test_values_follow_each_other():
    assert read_texts('1 2.0 a "b" [] {}// end') == [1, Decimal("2.0"), "a", "b", [], {}]
    assert read_texts(" /* nothing */ ") == []


REFUSED = [
    "", "1 2", "[", "[1", "[1 2]", "[,]", "[1,,2]", "{", "{a}", "{a:}", "{a:1 b:2}", "{1:2}", "{:1}", "(", "(1", "]",
    "}", ")", ",", ":", "::", "a::", "a:1", "null.nil", "null::1", "true::1", "01", "0x", "0b2", "1__0", "1_", "_1.5.2",
    "1e", "1d", "1.2.3", "- 1", "+1", "1a", "--1", "2024-13T", "2024-02-30", "2024-01-01T00:00",
    "2024-01-01T24:00Z", "2024-01-01T00:00+24:00", "0000T", "0001-01-01T00:00+01:00", "2024-01-01T00:00:60Z",
    '"', '"a', '"a\nb"', '"\x01"', '"\\q"', '"\\x4"', '"\\ud83e"', '"\\U00110000"', "'a", "'''a", "'a\nb'", "{{", "{{a",
    "{{a}}", "{{aGVsbG8}}", '{{"é"}}', '{{"\\u0041"}}', "{{'''a'''", "/* open", "(/* open)", "+", "a+b", "@", "$10", "$99999999999",
    '$ion_symbol_table::{symbols:["a"]}', "{a:1}}", "1" * 3_000, "0x" + "f" * 3_000, "1." + "1" * 3_000, "1d100001",
    "1d" + "9" * 100, "[" * 101 + "]" * 101, "{a:" * 101, "(" * 101, "\ufeff1", "\ud800", '"\ud800"', "é",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_ion_is_refused_with_its_place(text):
    with pytest.raises(InputError):
        encode(read_text(text))


def test_a_refusal_says_where():
    with pytest.raises(InputError, match="at line 2, column 3: expected ',' or ']' but found '2'"):
        read_text("[1\n  2]")


LONG = {
    "a string": '"' + "x" * 1_000_000 + '"',
    "a long string": "'''" + "x" * 1_000_000 + "'''",
    "a symbol": "'" + "x" * 1_000_000 + "'",
    "a blob": "{{" + "AAAA" * 250_000 + "}}",
    "a clob": '{{"' + "x" * 1_000_000 + '"}}',
    "many numbers": "[" + "1234567890123456789012345678901234567890," * 20_000 + "]",
    "many strings": "[" + '"x",' * 200_000 + "]",
    "escapes": '"' + "\\n" * 400_000 + '"',
    "comments": "/*" + "*" * 500_000 + "*/ 1 //" + "/" * 400_000,
}


@pytest.mark.parametrize("name", LONG)
def test_long_text_is_read(name):
    assert read_text(LONG[name]) is not None


@pytest.mark.parametrize(
    "unit", ['"', "'", "'''", "\\", '"\\', "/*", "//", "{{", "{{'''", "''", "'\\", "a::", "1_", "$", "-", "(+"]
)
def test_open_text_costs_no_more_than_its_length(unit):
    """A search that began again at each character would take hours; this ends, with values or with a refusal."""
    with suppress(InputError):
        read_texts(unit * (300_000 // len(unit)))


def test_random_bytes_are_refused_or_read():
    chance = random.Random(1)
    for _ in range(2_000):
        text = "".join(chance.choice("{}[]()'\":,\\ /*+-.0123456789abdexnulT$_\n\u00e9") for _ in range(60))
        with suppress(InputError):
            read_texts(text)
