"""What holds for every Ion value: its hash, its other encodings, its accessors."""

import math
from decimal import Decimal

import pytest
from amazon.ion import simpleion
from amazon.ion.core import IonType, TimestampPrecision
from amazon.ion.simple_types import IonPyBytes, IonPyDecimal, IonPyFloat, IonPyNull
from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.ion import MAX_DEPTH, binary_of_text, hash_of_ion, hash_of_text, read_single, serialize, text_of
from counterfoil.ion.hashing import hash_of_fields
from tests.ion_encodings import encode_anyhow
from tests.ion_hash_reference import reference_hash, serialization
from tests.ion_values import bits_of, ion_values, nested, texts

seeds = st.integers(0, 2**32)


def _decimal(text):
    return IonPyDecimal.from_value(IonType.DECIMAL, Decimal(text))


def written(value):
    """The value as amazon.ion writes it, opened by our reader."""
    return read_single(simpleion.dumps(value, binary=True))


@given(ion_values)
@example(_decimal("0E+5"))
@example(_decimal("0E-2"))
@example(_decimal("0"))
@example(_decimal("-0"))
@example(_decimal("-0E-2"))
@example(_decimal("1E-2"))
@example(IonPyFloat.from_value(IonType.FLOAT, -0.0))
@example(IonPyBytes.from_value(IonType.BLOB, b"\x0b\x0c\x0e"))
def test_the_hash_of_any_value_is_what_the_specification_says(value):
    assert serialize(written(value)) == serialization(value)
    assert hash_of_ion(written(value)) == reference_hash(value)


@given(st.integers(20, MAX_DEPTH - 1).flatmap(nested))
def test_values_nested_to_the_limit_hash_as_specified(value):
    assert hash_of_ion(written(value)) == reference_hash(value)


@given(ion_values, seeds)
def test_every_way_to_write_a_value_hashes_alike(value, seed):
    assert hash_of_ion(read_single(encode_anyhow(value, seed))) == reference_hash(value)


@given(ion_values, seeds)
def test_every_way_to_write_a_value_reads_alike(value, seed):
    assert_reads_as(read_single(encode_anyhow(value, seed)), value)


@given(ion_values)
def test_accessors_agree_with_amazons_reading(value):
    data = simpleion.dumps(value, binary=True)
    assert_reads_as(read_single(data), simpleion.loads(data))


@given(ion_values, seeds)
def test_a_value_cut_out_with_its_symbol_table_is_the_same_value(value, seed):
    outer = read_single(encode_anyhow(_in_struct(value), seed))
    inner = outer.fields()["in"]
    alone = read_single(inner.datagram())
    assert hash_of_ion(alone) == hash_of_ion(inner) == reference_hash(value)
    assert alone.raw() == inner.raw()
    assert alone.size_bytes == len(inner.raw())


@given(ion_values)
def test_text_and_back_keeps_the_hash(value):
    assert hash_of_ion(read_single(binary_of_text(text_of(written(value))))) == reference_hash(value)


@given(texts)
def test_the_short_way_to_hash_a_string_is_the_long_one(text):
    assert hash_of_text(text) == hash_of_ion(written(text))


@given(st.dictionaries(texts.filter(lambda text: not text.startswith("$")), ion_values, max_size=4), seeds)
def test_a_struct_put_together_from_elsewhere_hashes_as_if_written_at_once(values, seed):
    """The fields come from as many symbol tables as there are fields."""
    elsewhere = {name: read_single(encode_anyhow(value, seed)) for name, value in values.items()}
    assert hash_of_fields(elsewhere) == hash_of_ion(written(values))


@given(nested(MAX_DEPTH + 1))
def test_one_level_beyond_the_limit_is_refused(value):
    with pytest.raises(InputError, match=f"nested deeper than {MAX_DEPTH} levels"):
        hash_of_ion(written(value))


def _in_struct(value):
    outer = simpleion.loads("{before:1}")
    outer.add_item("in", value)
    return outer


def assert_reads_as(ours, theirs):
    """Our window on a value and amazon.ion's Python value say the same."""
    assert ours.type.name == theirs.ion_type.name
    assert ours.annotations == tuple(token.text for token in theirs.ion_annotations)
    assert ours.is_null == isinstance(theirs, IonPyNull)
    if not ours.is_null:
        _COMPARISONS[theirs.ion_type](ours, theirs)


def _same_items(ours, theirs):
    items = list(ours.items())
    assert len(items) == len(theirs)
    for mine, yours in zip(items, theirs, strict=True):
        assert_reads_as(mine, yours)


def _same_fields(ours, theirs):
    found = list(ours.each_field())
    names = [name for name, _ in found]
    assert sorted(names) == sorted(name for name, _ in theirs.items())
    if len(set(names)) < len(names):
        with pytest.raises(InputError, match="comes twice"):
            ours.fields()
        return
    for name, value in ours.fields().items():
        assert_reads_as(value, theirs[name])


def _same_decimal(ours, theirs):
    assert ours.as_decimal().as_tuple() == Decimal(theirs).as_tuple()


def _same_int(ours, theirs):
    assert ours.as_int() == int(theirs)
    assert ours.as_decimal() == int(theirs)


def _same_bool(ours, theirs):
    assert ours.as_bool() is bool(theirs)


def _same_float(ours, theirs):
    found = ours.as_float()
    assert bits_of(found) == bits_of(theirs) or (math.isnan(found) and math.isnan(theirs))


def _same_text(ours, theirs):
    assert ours.as_text() == (theirs if isinstance(theirs, str) else theirs.text)


def _same_bytes(ours, theirs):
    assert ours.as_bytes() == bytes(theirs)


def _same_timestamp(ours, theirs):
    instant = ours.as_timestamp()
    offset = theirs.utcoffset()
    utc = theirs.replace(tzinfo=None) - offset if offset is not None else theirs
    count = {TimestampPrecision.MINUTE: 5, TimestampPrecision.SECOND: 6}.get(theirs.precision, theirs.precision + 1)
    assert instant.fields == tuple(utc.timetuple()[:count])
    assert instant.offset_minutes == (None if offset is None else offset.total_seconds() // 60)
    fraction = Decimal(0) if instant.fraction is None else instant.fraction
    assert fraction.as_tuple() == theirs.fractional_seconds.as_tuple()
    assert instant.to_datetime().replace(tzinfo=None) == utc.replace(tzinfo=None)


_COMPARISONS = {
    IonType.BOOL: _same_bool,
    IonType.INT: _same_int,
    IonType.FLOAT: _same_float,
    IonType.DECIMAL: _same_decimal,
    IonType.TIMESTAMP: _same_timestamp,
    IonType.SYMBOL: _same_text,
    IonType.STRING: _same_text,
    IonType.CLOB: _same_bytes,
    IonType.BLOB: _same_bytes,
    IonType.LIST: _same_items,
    IonType.SEXP: _same_items,
    IonType.STRUCT: _same_fields,
}
