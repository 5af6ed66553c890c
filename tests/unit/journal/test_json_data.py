"""Which document a JSON text was: found by its hash among those that read alike, and never among others."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ion import (
    Annotated,
    Clob,
    IonNull,
    IonSymbol,
    IonType,
    Sexp,
    from_json,
    hash_of_python,
    parse_text,
    render_json,
)
from counterfoil.journal import json_data
from counterfoil.journal.json_data import find_document

TIME, DAY = parse_text("2025-03-01T09:30:00.000Z"), parse_text("2025-03-01")


def found(document, text=None):
    """Whether a document is found in its JSON, or in another text."""
    wanted = hash_of_python(document)
    it = find_document(from_json(text or render_json(document)), lambda each: each == wanted)
    assert it is None or it.hash == wanted == hash_of_python(it.document)
    return it is not None


@pytest.mark.parametrize(
    "value",
    [
        "text", "", 5, Decimal(5), Decimal("5.0"), 1.5, 1e300, True, None, IonSymbol("sym"), b"blob", b"", Clob(b"clob"), TIME, DAY,
        parse_text("2025T"), parse_text("2025-03T"), parse_text("2025-03-01T09:30Z"), parse_text("2025-03-01T09:30:00+02:00"),
        parse_text("2025-03-01T09:30:00.123456Z"), parse_text("2025-03-01T09:30:00-00:00"), [], [1, [2.5]], Sexp(["a", 1]),
        [Sexp([TIME])], *(IonNull(each) for each in IonType if each not in {IonType.NULL, IonType.NEGATIVE_INT, IonType.ANNOTATION}),
    ],
)  # fmt: skip
def test_a_value_of_any_type_is_found(value):
    assert found({"a": value})
    assert found({"n": 1, "s": "x", "in": {"a": value, "b": {"c": value}}})


def test_values_of_a_sort_that_have_one_type_are_found_however_many():
    assert found({f"f{number}": parse_text(f"2025-03-01T09:30:{number:02}.500Z") for number in range(40)})
    assert found({f"f{number}": IonSymbol(f"s{number}") for number in range(40)} | {"when": TIME})


def test_few_values_that_are_not_like_the_others_are_found():
    assert found({"a": "x", "b": "y", "c": IonSymbol("z"), "d": 1, "e": 2.5, "f": Decimal("2.50")})


@pytest.mark.parametrize(
    ("written", "read"),
    [("2025-03-01T09:30:00Z", "2025-03-01T09:30:00.000Z"), ("2025-03-01", "2025-03-01T00:00:00.000Z")],
)
def test_a_time_is_found_as_qldb_writes_it_in_json(written, read):
    assert found({"a": parse_text(written)}, f'{{"a":"{read}"}}')


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"a": 12}, '{"a":13}'), ({"a": "x"}, '{"a":"y"}'), ({"a": 0.1}, '{"a":0.10000000000000000001}'),
        ({"a": b"ab"}, '{"a":"YWJ="}'),
        ({"a": TIME}, '{"a":"2025-03-01T09:30:00.001Z"}'), ({"a": 1, "b": 2}, '{"a":1}'), ({"a": 1}, '{"a":1,"b":2}'),
        ({"a": [1, 2]}, '{"a":[2,1]}'), ({"a": None}, '{"a":0}'), ({"a": True}, '{"a":"true"}'), ({"A": 1}, '{"a":1}'),
        ({"a": Decimal("12.50")}, '{"a":12.5}'), ({"a": parse_text("2025-03-01T09:30:00+02:00")}, '{"a":"2025-03-01T09:30:00Z"}'),
    ],
)  # fmt: skip
def test_a_document_that_reads_otherwise_is_not_found(document, text):
    assert not found(document, text)


def test_what_had_annotations_is_not_found():
    assert not found({"a": Annotated(("EUR",), 5)})


def test_the_search_is_bounded_whatever_it_is_given(monkeypatch):
    tried = []
    monkeypatch.setattr(json_data, "hash_of_python", lambda each: tried.append(each) or bytes(32))
    assert find_document({f"f{number}": None for number in range(50)}, lambda _: False) is None
    assert len(tried) == json_data.MAX_TRIED
    tried.clear()
    assert find_document({"a": "x" * 1_000_000, "b": None}, lambda _: False) is None
    assert len(tried) == 1
    began = time.perf_counter()
    find_document([None] * 100_000, lambda _: False)
    assert time.perf_counter() - began < 30


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.decimals(-1000, 1000, places=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(values, values)
def test_a_document_of_json_s_own_types_is_found_and_no_other(one, other):
    assert found({"a": one})
    if render_json(one) != render_json(other):
        assert not found({"a": one}, render_json({"a": other}))
