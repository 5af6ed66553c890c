"""The short way to hash a struct of a known shape is the long one: same hash, or a refusal where the walk refuses."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import CounterfoilError, InputError
from counterfoil.ion import dump_binary, hash_of_ion, load_text, read_single, serialize, shapes
from counterfoil.ion.shapes import Shape, Shapes
from counterfoil.journal import parse_stream_record, verify_revision
from counterfoil.journal.address import parse_address
from tests.damage import flipped
from tests.journals import STREAM_ARN, amounts, texts, transfers

names = st.text("abcdefgh_0ß漢", min_size=1, max_size=8)
scalars = st.one_of(
    texts, st.integers(-(2**70), 2**70), amounts, st.booleans(), st.floats(), st.binary(max_size=20), st.none()
) | st.sampled_from(["2020-01-01T00:00:00.123Z", "2020-02-29", "sym", "{{'''clob'''}}"]).map(load_text)
structs = st.dictionaries(names, scalars, min_size=1, max_size=6)
nested = st.dictionaries(
    names, st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner))
)


def outcome(way, data):
    """A hash, or that there is none."""
    try:
        return way(read_single(data))
    except InputError:
        return "refused"


def the_long_way(value):
    return sha256(serialize(value)).digest()


def met(data, times=4):
    """Bytes that a consumer has seen before, so that whatever it remembers of them is remembered."""
    for _ in range(times):
        outcome(hash_of_ion, data)
        outcome(lambda value: value.fields(), data)
    return data


def damages(draw, data, begin):
    """``data`` with one bit behind ``begin`` changed, for several bits."""
    bits = draw(st.lists(st.integers(8 * begin, 8 * len(data) - 1), min_size=1, max_size=12))
    return [flipped(data, bit) for bit in bits]


@given(structs)
def test_a_struct_seen_before_hashes_as_at_first_sight(value):
    data = met(dump_binary(value))
    assert hash_of_ion(read_single(data)) == the_long_way(read_single(data))


@given(structs, st.data())
def test_a_struct_like_one_seen_before_is_hashed_or_refused_as_the_walk_does(value, data):
    known = met(dump_binary(value))
    begin = read_single(known).position
    for other in damages(data.draw, known, begin):
        assert outcome(hash_of_ion, other) == outcome(the_long_way, other)


def test_a_field_of_symbol_zero_is_hashed_as_the_walk_does():
    """Its name has no text, so there is no shape to learn; Ion Hash defines it none the less."""
    data = dump_binary({"a": "1", "b": "2"})
    nameless = data[:-3] + b"\x80" + data[-2:]
    for _ in range(4):
        assert hash_of_ion(read_single(nameless)) == the_long_way(read_single(nameless))


@given(st.lists(structs, min_size=2, max_size=2), st.data())
def test_many_shapes_under_one_symbol_table_are_told_apart(values, data):
    for each in values:
        met(dump_binary(values[0] | each))
        met(dump_binary({name: values[0][name] for name in reversed(values[0])} | each))
    for each in values:
        known = dump_binary(values[0] | each)
        assert outcome(hash_of_ion, known) == outcome(the_long_way, known)
        for other in damages(data.draw, known, 4):
            assert outcome(hash_of_ion, other) == outcome(the_long_way, other)


@given(nested)
def test_what_structs_and_lists_hold_is_hashed_as_the_walk_does(value):
    data = met(dump_binary(value))
    assert hash_of_ion(read_single(data)) == the_long_way(read_single(data))


@given(nested, st.data())
def test_a_nested_struct_like_one_seen_before_is_hashed_or_refused_as_the_walk_does(value, data):
    known = met(dump_binary({"of": value}))
    for other in damages(data.draw, known, read_single(known).position):
        assert outcome(hash_of_ion, other) == outcome(the_long_way, other)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True), scalars, st.data())
def test_the_same_bytes_under_another_symbol_table_are_hashed_by_its_names(keys, scalar, data):
    """As every block of a journal has a table of its own, with its documents' ids among the names."""
    others = data.draw(st.permutations("ABCDEFGHabcdefgh"))[: len(keys)]
    met(dump_binary({key: {"in": [scalar]} for key in keys}))
    value = read_single(dump_binary({key: {"in": [scalar]} for key in others}))
    assert hash_of_ion(value) == the_long_way(value)
    assert list(value.fields()) == list(others)


def test_a_shape_is_not_gone_by_where_its_numbers_stand_for_other_names():
    for _ in range(4):
        assert parse_address(read_single(dump_binary({"strandId": "s", "sequenceNo": 7}))).sequence_no == 7
    with pytest.raises(InputError, match="'sequenceNo' is missing"):
        parse_address(read_single(dump_binary({"strandId": "s", "sequenceXo": 7})))


def test_a_symbol_table_like_another_is_read_as_any():
    """Whether its bytes are divided alike or not; and one whose texts are no UTF-8."""
    for names in (["a", "bbb"], ["ccc", "d"], ["aa", "bb"], ["cc", "dd"], ["aa", "cc"]):
        data = dump_binary(dict.fromkeys(names, 1))
        assert list(read_single(data).fields()) == names
    for damage in (b"\xff\xff", b"\x8f\x81"):
        assert outcome(hash_of_ion, data.replace(b"cc", damage, 1)) == "refused"
    assert outcome(hash_of_ion, data.replace(b"\x82cc", b"\x8fcc", 1)) == "refused"


def test_structs_of_which_no_two_are_alike_soon_cost_no_more_than_their_walk(monkeypatch):
    learned = []
    monkeypatch.setattr(shapes, "Shape", lambda *of: learned.append(of) or Shape(*of))
    pool = Shapes()
    values = [read_single(dump_binary({"a": "x" * (number % 2_000), "b": number})) for number in range(4_000)]
    for value in values:
        pool.learn(value, {2: bytes, 8: bytes})
    assert 512 <= len(learned) < 640


def test_what_is_learned_is_bounded(monkeypatch):
    monkeypatch.setattr(shapes, "MAX_SHAPES", 20)
    monkeypatch.setattr(shapes, "MAX_SHAPES_OF_A_LENGTH", 2)
    pool = Shapes()
    values = [
        read_single(dump_binary({f"{letter}{number}": "x" * number})) for number in range(30) for letter in "abcd"
    ]
    for value in values:
        pool.learn(value, {8: bytes})
        assert sum(map(len, pool._by_length.values())) <= 20
        assert all(len(each) <= 2 for each in pool._by_length.values())


DETAILS = met(transfers(1).blocks[0].revision_records(STREAM_ARN)[0])
for _ in range(4):
    verify_revision(parse_stream_record(DETAILS).revision)


@given(st.lists(st.integers(32, 8 * len(DETAILS) - 1), min_size=1, max_size=2))
def test_a_revision_like_one_seen_before_gets_a_verdict(bits):
    damaged = DETAILS
    for bit in bits:
        damaged = flipped(damaged, bit)
    try:
        verify_revision(parse_stream_record(damaged).revision)
    except CounterfoilError as error:
        assert str(error)


def test_no_single_bit_of_a_revision_seen_before_brings_the_reader_down():
    for bit in range(32, 8 * len(DETAILS)):
        try:
            verify_revision(parse_stream_record(flipped(DETAILS, bit)).revision)
        except CounterfoilError as error:
            assert str(error)
