"""Any bytes at all give a value or an InputError: never another exception, never a window outside the value."""

from amazon.ion import simpleion
from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.ion import (
    MAX_DEPTH,
    VERSION_MARKER,
    IonType,
    IonValue,
    binary_of_text,
    hash_of_ion,
    load_text,
    read_single,
    read_values,
    text_of,
)
from tests.damage import damaged
from tests.ion_encodings import encode_anyhow
from tests.ion_values import ion_values, texts

ACCESSORS = [
    IonValue.as_text,
    IonValue.as_bytes,
    IonValue.as_int,
    IonValue.as_bool,
    IonValue.as_decimal,
    IonValue.as_float,
    IonValue.as_timestamp,
    IonValue.fields,
    lambda value: value.annotations,
]

written = st.builds(encode_anyhow, ion_values, st.integers(0, 2**32)) | ion_values.map(
    lambda value: simpleion.dumps(value, binary=True)
)
anything = st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: VERSION_MARKER + data) | damaged(written)


def survive(use, value):
    """Call ``use``; an ``InputError`` with something to read in it is an answer like any other."""
    try:
        return use(value)
    except InputError as error:
        assert str(error)
        return None


def walk(value, depth=0):
    """Ask every value inside ``value`` for everything."""
    assert 0 <= value.position < value.body <= value.end <= len(value.buffer)
    assert value.type in IonType
    for use in ACCESSORS:
        survive(use, value)
    if survive(hash_of_ion, value) is not None:
        survive(text_of, value)
    if depth < MAX_DEPTH and not value.is_null and value.type in {IonType.LIST, IonType.SEXP, IonType.STRUCT}:
        for child in survive(_children, value) or ():
            assert value.body <= child.position < child.end <= value.end
            walk(child, depth + 1)


def _children(value):
    return [child for _, child in value.each_field()] if value.type is IonType.STRUCT else list(value.items())


def read_all(data):
    for value in read_values(data):
        walk(value)


@given(anything)
def test_any_bytes_give_values_or_an_input_error(data):
    survive(read_all, data)
    survive(read_single, data)


@given(texts | st.text("[](){}<>:,'\"\\/*$+-.0123456789abnTZtruefalsu \n_", max_size=40))
@example("{a:{b:[1]}}")
def test_any_text_gives_a_value_or_an_input_error(text):
    survive(load_text, text)
    survive(binary_of_text, text)


@given(ion_values.map(lambda value: simpleion.dumps(value, binary=False, omit_version_marker=True)), st.data())
def test_damaged_text_gives_a_value_or_an_input_error(text, data):
    survive(binary_of_text, data.draw(damaged(st.just(text.encode()))).decode(errors="replace"))
