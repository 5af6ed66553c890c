"""The short way to hash a struct of a known shape is the long one: same hash, or a refusal where the walk refuses."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import CounterfoilError, InputError
from counterfoil.ion import dump_binary, hash_of_ion, load_text, read_single, serialize
from counterfoil.journal import parse_stream_record, verify_revision
from tests.damage import flipped
from tests.journals import STREAM_ARN, amounts, texts, transfers

names = st.text("abcdefgh_0ß漢", min_size=1, max_size=8)
scalars = st.one_of(
    texts, st.integers(-(2**70), 2**70), amounts, st.booleans(), st.floats(), st.binary(max_size=20), st.none()
) | st.sampled_from(["2020-01-01T00:00:00.123Z", "2020-02-29", "sym", "{{'''clob'''}}"]).map(load_text)
structs = st.dictionaries(names, scalars, min_size=1, max_size=6)


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
