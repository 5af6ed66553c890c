"""Laws of the codec: amazon.ion's bytes for every value, the same value back, and a refusal for whatever is damaged."""

import struct
from decimal import Decimal

import pytest
from amazon.ion import simpleion
from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.ion import MAX_DEPTH, hash_of_ion, hash_of_python, read_single
from counterfoil.ion.amazon_values import amazon_of, value_of
from counterfoil.ion.codec import decode, decode_datagram, encode
from counterfoil.ion.reader import MAX_INT_BYTES, IonType
from counterfoil.ion.value_hashing import digest_of_field, hash_of_field, hash_of_fields, list_of, serialized, struct_of
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, IonTimestamp, RepeatedStruct, Sexp
from tests.damage import flipped
from tests.ion_encodings import encode_anyhow
from tests.ion_hash_reference import reference_hash
from tests.ion_values import ion_values, nested

seeds = st.integers(0, 2**32)
UNKNOWN = IonSymbol("", unknown=True)


@given(ion_values)
def test_any_value_is_written_as_amazons_writer_writes_it(value):
    assert encode(value_of(value)).hex() == simpleion.dumps(value, binary=True).hex()


@given(ion_values)
def test_amazons_own_values_need_no_converting_beforehand(value):
    assert encode(value) == encode(value_of(value))


@given(ion_values)
def test_reading_a_written_value_and_writing_it_again_gives_the_same_bytes(value):
    data = encode(value_of(value))
    assert encode(decode_datagram(data)) == data


@given(ion_values, seeds)
def test_every_way_to_write_a_value_decodes_to_that_value(value, seed):
    again = encode(decode_datagram(encode_anyhow(value, seed)))
    assert hash_of_ion(read_single(again)) == reference_hash(value)


@given(ion_values)
@example(float("-inf"))
@example(-float("nan"))
@example(float("nan"))
@example("x" * 20_000)
@example(2**1_000)
def test_the_hash_of_a_python_value_is_that_of_its_bytes(value):
    ours = value_of(value)
    assert hash_of_python(ours) == hash_of_python(value) == hash_of_ion(read_single(encode(ours)))


@given(ion_values)
def test_amazons_values_and_ours_are_converted_both_ways_without_loss(value):
    ours = value_of(value)
    assert encode(value_of(amazon_of(ours))) == encode(ours)


@given(st.integers(20, MAX_DEPTH - 1).flatmap(nested))
def test_values_nested_to_the_limit_are_written_and_read(value):
    data = encode(value)
    assert encode(decode_datagram(data)) == data


@given(nested(MAX_DEPTH + 1))
def test_one_level_beyond_the_limit_is_neither_written_nor_read(value):
    for take in (encode, hash_of_python):
        with pytest.raises(InputError, match=f"nested deeper than {MAX_DEPTH} levels"):
            take(value)
    with pytest.raises(InputError, match=f"nested deeper than {MAX_DEPTH} levels"):
        decode_datagram(simpleion.dumps(value, binary=True))


@given(ion_values, seeds, st.data())
def test_damaged_bytes_are_refused_or_are_another_value_that_can_be_written(value, seed, data):
    written = encode_anyhow(value, seed)
    for bit in data.draw(st.lists(st.integers(32, 8 * len(written) - 1), min_size=1, max_size=12)):
        assert_refused_or_stable(flipped(written, bit))
    for end in data.draw(st.lists(st.integers(4, len(written)), max_size=4)):
        assert_refused_or_stable(written[:end])


@given(st.binary(max_size=60))
@example(b"\xd3\x8a\x20")
@example(b"\xd2\x84\x8e")
@example(b"\xd1\x80")
@example(b"\xe3\x81\x84\x0f")
def test_any_bytes_behind_the_version_marker_are_refused_or_a_value(body):
    assert_refused_or_stable(b"\xe0\x01\x00\xea" + body)


def assert_refused_or_stable(data):
    """Either an InputError, or a value that is written, read and written alike and hashes as the bytes do."""
    try:
        value = decode_datagram(data)
    except InputError:
        return
    written = encode(value)
    assert encode(decode_datagram(written)) == written
    assert hash_of_ion(read_single(written)) == hash_of_ion(read_single(data))


SYMBOLS_IN_ORDER = [
    {"a": IonSymbol("b")},
    {"a": IonSymbol("b"), "c": IonSymbol("a"), "b": IonSymbol("name")},
    {"a": Annotated(("c",), IonSymbol("b"))},
    {"a": Annotated(("c",), {"d": IonSymbol("e")}), "e": 1},
    {"a": Annotated(("c",), 1), "b": [IonSymbol("d"), Annotated(("e", "a"), IonSymbol("f"))]},
    Annotated(("a",), Sexp([IonSymbol("b"), {"c": Annotated(("d",), [])}])),
    {f"field{number}": IonSymbol(f"value{number}") for number in range(200)},
    {"a": UNKNOWN, "b": Annotated((UNKNOWN,), UNKNOWN)},
]


@pytest.mark.parametrize("value", SYMBOLS_IN_ORDER, ids=lambda value: repr(value)[:40])
def test_symbols_are_numbered_in_the_order_of_amazons_writer(value):
    assert encode(value).hex() == simpleion.dumps(amazon_of(value), binary=True).hex()


BEYOND = [
    ("a short field beyond its struct", "b6 d3848261 2101"),
    ("a long field beyond its struct", "be94 d3848e90" + "61" * 16),
    ("a container beyond its struct", "b6 d384b361 2020"),
    ("a field name beyond its struct", "b4 d20404 20"),
    ("a struct that ends behind a name", "b4 d2848f d184 20"),
    ("an item beyond its list", "b5 b2b220 2020"),
    ("annotations beyond their wrapper", "b6 e3838484 2020"),
    ("an annotated value beyond its wrapper", "b6 e4818483 6161"),
    ("a body beyond the stream", "d3 84 8e 90"),
]


@pytest.mark.parametrize("body", [body for _, body in BEYOND], ids=[what for what, _ in BEYOND])
def test_nothing_reaches_beyond_what_holds_it(body):
    with pytest.raises(InputError, match="not valid binary Ion"):
        decode_datagram(b"\xe0\x01\x00\xea" + bytes.fromhex(body))


KEPT = [
    *(IonNull(kind) for kind in IonType if kind not in {IonType.NULL, IonType.NEGATIVE_INT, IonType.ANNOTATION}),
    UNKNOWN,
    IonSymbol("name"),
    IonSymbol("$10"),
    Annotated((UNKNOWN, "a"), 1),
    Annotated(("a", "a"), IonSymbol("a")),
    RepeatedStruct([("a", 1), ("b", 2), ("a", 3)]),
    RepeatedStruct([("", 1), (UNKNOWN, 2)]),
    {UNKNOWN: 1},
    {"": ""},
    {"$ion": 1, "symbols": [], "": {}, "größe": Sexp()},
    Clob(b""),
    b"\0" * 300,
    "x" * 20_000,
    Decimal("-0"),
    Decimal("-0.00"),
    Decimal("0E+5"),
    Decimal(1234567890123456789012345678901234567890),
    Decimal("1234567890123456789012345678901234.5670"),
    256**MAX_INT_BYTES - 1,
    -(256**MAX_INT_BYTES - 1),
    float("-inf"),
    -0.0,
    IonTimestamp((2020,), None, None),
    IonTimestamp((2020, 2, 29), None, None),
    IonTimestamp((2020, 1, 2, 3, 4), None, -1439),
    IonTimestamp((2020, 1, 2, 3, 4, 5), Decimal("0.000"), 0),
    IonTimestamp((2020, 1, 2, 3, 4, 5), Decimal("0.000000000000000001"), None),
    [],
    [[], Sexp([Sexp()]), {}],
]


@pytest.mark.parametrize("value", KEPT, ids=lambda value: repr(value)[:40])
def test_a_value_comes_back_as_it_was_written(value):
    data = encode(value)
    found = decode(read_single(data))
    assert type(found) is type(value)
    assert found == value
    assert str(found) == str(value)
    assert encode(found) == data
    assert hash_of_python(found) == hash_of_ion(read_single(data))


def test_every_nan_is_one_value():
    (nan,) = struct.unpack(">d", bytes.fromhex("fff0000000000001"))
    assert hash_of_python(nan) == hash_of_python(float("nan")) != hash_of_python(float("-inf"))


def test_the_two_empty_names_are_told_apart():
    assert [type(name) for name in decode_datagram(encode({"": 1}))] == [str]
    (name,) = decode_datagram(encode({UNKNOWN: 1}))
    assert name.unknown


REFUSED = [
    256**MAX_INT_BYTES,
    -(256**MAX_INT_BYTES),
    Decimal("NaN"),
    Decimal("-Infinity"),
    Decimal("1E+100001"),
    Decimal("1" * 2_466),
    Decimal("1" * 5_000),
    "\ud800",
    {"\ud800": 1},
    IonSymbol("\udfff"),
    IonTimestamp((2021, 2, 29), None, None),
    IonTimestamp((2021, 13), None, None),
    IonTimestamp((2021, 300), None, None),
    IonTimestamp((2021, 1, 1, 1), None, None),
    IonTimestamp((), None, None),
    IonTimestamp((2021, 1, 1, 1, 1), Decimal("0.5"), 0),
    IonTimestamp((2021, 1, 1, 1, 1, 1), Decimal("1.5"), 0),
    IonTimestamp((2021, 1, 1, 1, 1, 1), Decimal("-0.5"), 0),
    IonTimestamp((2021, 1, 1, 1, 1, 1), Decimal("1E-19"), 0),
    IonTimestamp((2021, 1, 1, 1, 1, 1), None, 1440),
    Annotated((), 1),
    Annotated(("a",), Annotated(("b",), 1)),
    Annotated(("$ion_symbol_table",), {"symbols": ["a"]}),
    IonNull(IonType.ANNOTATION),
    range(3),
    {1, 2},
    bytearray(b"a"),
    {f"{number}": 0 for number in range(65_530)},
]


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: repr(value)[:40])
def test_what_ion_or_the_limits_do_not_allow_is_not_written(value):
    with pytest.raises(InputError):
        encode(value)


@given(st.dictionaries(st.text(max_size=80), ion_values, max_size=4))
def test_a_struct_put_together_from_its_fields_has_the_hash_of_the_whole(fields):
    assert hash_of_fields(*(hash_of_field(name, value) for name, value in fields.items())) == hash_of_python(fields)


@given(st.lists(ion_values, max_size=4), ion_values)
def test_nested_parts_put_together_have_the_hash_of_the_whole(items, value):
    inner = struct_of(hash_of_field("value", value), digest_of_field("items", list_of(map(serialized, items))))
    assert hash_of_fields(digest_of_field("inner", inner)) == hash_of_python(
        {"inner": {"value": value, "items": items}}
    )
