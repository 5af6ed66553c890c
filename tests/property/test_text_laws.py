"""Laws of Ion text and JSON: amazon.ion's text for every value, and the same value back."""

import json
from decimal import Decimal

from amazon.ion import simpleion
from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyNull
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.ion import hash_of_ion, read_single
from counterfoil.ion.amazon_values import value_of
from counterfoil.ion.codec import encode
from counterfoil.ion.value_text import from_json, parse_text, parse_texts, render_json, render_text, to_json
from tests.ion_values import ion_values

documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.decimals(allow_nan=False, allow_infinity=False).filter(lambda number: number.as_tuple().exponent != 0)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    lambda each: (
        st.lists(each, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), each, max_size=4)
    ),
    max_leaves=8,
)


def hash_of(value):
    return hash_of_ion(read_single(encode(value)))


@given(ion_values)
def test_any_value_is_printed_as_amazons_writer_prints_it(value):
    assert render_text(value_of(value)) == simpleion.dumps(value, binary=False, omit_version_marker=True)


@given(ion_values)
def test_text_and_back_is_the_same_value(value):
    ours = value_of(value)
    assert hash_of(parse_text(render_text(ours))) == hash_of(ours)


@given(st.lists(ion_values, max_size=4))
def test_several_values_come_back_in_their_order(values):
    ours = [value_of(value) for value in values]
    found = parse_texts("\n".join(map(render_text, ours)))
    assert [hash_of(each) for each in found] == [hash_of(each) for each in ours]


@given(st.text(max_size=30))
def test_any_text_is_refused_or_a_value_that_can_be_written_again(text):
    for parse in (parse_text, from_json):
        try:
            value = parse(text)
        except InputError:
            continue
        assert hash_of(parse_text(render_text(value))) == hash_of(value)


@given(documents)
def test_json_and_back_keeps_a_document_of_json_types_with_its_scales(value):
    assert encode(from_json(render_json(value))) == encode(value)


@given(ion_values)
def test_any_value_becomes_json(value):
    ours = value_of(value)
    assert json.loads(render_json(ours)) is not None or _is_nothing(value)
    assert json.loads(json.dumps(to_json(ours), allow_nan=False)) == to_json(ours)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_is_never_rounded_on_its_way_to_json(number):
    found = to_json(number)
    assert Decimal(repr(found) if isinstance(found, float) else found) == number


def _is_nothing(value):
    """Nulls of every type, and floats that JSON has no number for."""
    return isinstance(value, IonPyNull) or value.ion_type is IonType.FLOAT
