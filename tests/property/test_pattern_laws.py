"""Laws of patterns and their recipes: what matches is read as the reader reads it, and has the hash that it has."""

from decimal import Decimal
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.ion import IonTimestamp, dump_binary, hash_of_ion, read_single
from counterfoil.ion.known_structs import KnownStructs
from counterfoil.ion.patterns import Pattern
from counterfoil.ion.reader import IonValue, read_value
from counterfoil.ion.recipes import Recipe
from counterfoil.ion.scalars import var_uint
from counterfoil.ion.shapes import scalars_of
from counterfoil.ion.stencils import Slot
from counterfoil.ion.symbols import SYSTEM_TABLE, SymbolTable, symbol_of
from counterfoil.ion.values import Annotated
from tests.damage import damaged

NAMES = ["a", "b", "größe", "d", "e"]
TABLE = SymbolTable((*SYSTEM_TABLE.symbols, *(symbol_of(b"n%d" % number) for number in range(2**14))))

words = st.text("abcXYZ019 -_", max_size=20) | st.text(max_size=6) | st.integers(0, 700).map(lambda size: "x" * size)
times = st.builds(
    lambda second, thousandth: IonTimestamp((2025, 3, 1, 9, 30, second), Decimal(thousandth).scaleb(-3), 0),
    st.integers(0, 59),
    st.integers(0, 999),
)
scalars = st.one_of(
    words,
    st.integers(-(2**70), 2**70),
    st.decimals(-(10**9), 10**9, places=2),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(max_size=3),
    times,
)
values = st.recursive(
    scalars,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(NAMES), each, max_size=4),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=5)


def alike(value, draw):
    """A value of the same types, of other lengths."""
    if isinstance(value, dict):
        return {name: alike(each, draw) for name, each in value.items()}
    if isinstance(value, list):
        return [alike(each, draw) for each in value]
    kinds = {str: words, bool: st.booleans(), int: st.integers(0, 2**70), float: st.floats(), IonTimestamp: times}
    kinds[Decimal] = st.decimals(-(10**9), 10**9, places=2)
    return draw(kinds[type(value)]) if type(value) in kinds else value


def outcome(ask):
    try:
        return ask()
    except InputError as error:
        return str(error)


def same(known, value):
    body = value.buffer[value.body : value.end]
    assert outcome(lambda: known.hash_of(value, body)) == outcome(lambda: hash_of_ion(value))


@given(documents, st.data())
def test_structs_of_known_patterns_have_the_hash_that_they_have(document, data):
    known = KnownStructs()
    first = read_single(dump_binary(document))
    same(known, first)
    same(known, first)
    for _ in range(3):
        other = dump_binary(alike(document, data.draw))
        value = read_single(other)
        same(known, value._replace(symbols=first.symbols))


HONEST = dump_binary(
    {
        "id": "ACC-1", "open": True, "count": 5, "debt": -5, "rate": 0.5, "amount": Decimal("12.50"), "none": None,
        "at": IonTimestamp((2025, 3, 1, 9, 30, 4), Decimal("0.995"), 0), "key": b"\x0b\x0c",
        "of": {"name": "abc", "tags": ["x", "y", {"z": 1}]}, "nothing": {}, "long": "y" * 200,
    }
)  # fmt: skip
BODY = read_single(HONEST)


@given(damaged(st.just(HONEST[BODY.body :])))
@example(HONEST[BODY.body :])
def test_damaged_structs_of_known_patterns_have_the_hash_that_they_have(body):
    known = KnownStructs()
    same(known, BODY)
    data = b"\xde" + var_uint(len(body)) + body
    value = read_value(data, 0, len(data), BODY.symbols)
    same(known, value)
    same(known, value)
    same(known, BODY)


@given(damaged(st.just(HONEST[BODY.position :])))
@example(HONEST[BODY.position :])
def test_what_a_pattern_takes_out_is_what_the_reader_finds(data):
    pattern = Pattern(BODY)
    found = pattern.read(data)
    if found is not None:
        value = read_value(data, 0, len(data), BODY.symbols)
        assert value.end == len(data)
        bodies = [data[each.body : each.end] for each in scalars_of(value) if each.kind != 1 and each.low != 15]
        assert [body for body, slot in zip(found[0], pattern.slots, strict=True) if slot.kind != 1] == bodies


def test_an_honest_struct_matches_its_pattern():
    assert Pattern(BODY).read(HONEST, BODY.position) is not None


@pytest.mark.parametrize(
    ("data", "matches"),
    [
        ("d7 8a d2 8b20 8c2105", True),
        ("d9 8a d4 8b208b20 8c2105", True),
        ("d5 8a d0 8c2105", True),
        ("d8 8a d2 8b20 8c220105", True),
        ("d7 8a d3 8b20 8c2105", False),
        ("d7 8a d1 8b20 8c2105", False),
        ("d6 8a d1 8b 8c2105", False),  # a struct of one byte, which the reader takes for a sorted one
        ("d8 8a de82 8b20 8c2105", False),  # not the shortest length
        ("d8 8a d2 8b20 8c2105", False),
        ("d7 8a d2 8b20 8d2105", False),
        ("d7 8a b2 8b20 8c2105", False),
    ],
)
def test_a_struct_that_is_one_slot_ends_where_the_reader_says(data, matches):
    made_of = read_value(bytes.fromhex("d78ad28b208c2105"), 0, 8, TABLE)
    pattern = Pattern(made_of, whole=made_of.fields()["n0"].position)
    assert (pattern.read(bytes.fromhex(data)) is not None) is matches


def test_the_end_of_a_struct_that_is_one_slot_is_not_searched_for():
    """Behind it something else stands than in the pattern: that is seen where it ends, not by trying all ends."""
    made_of = read_value(bytes.fromhex("d78ad28b208c2105"), 0, 8, TABLE)
    pattern = Pattern(made_of, whole=made_of.fields()["n0"].position)
    body = b"\x8a\xde" + var_uint(16_000) + b"\x8c" * 16_000 + bytes.fromhex("8d2105")
    data = b"\xde" + var_uint(len(body)) + body
    begin = process_time()
    for _ in range(1_000):
        assert pattern.read(data) is None
    assert process_time() - begin < 0.1


@pytest.mark.parametrize(
    "document",
    [
        {"a": [[[[[[[[[[1]]]]]]]]]]},
        {f"n{number}": "x" for number in range(200)},
        {f"n{number}": 1 for number in range(300)},
        {"n": [None] * 400},
        {"n": Annotated(("a",), None)},
    ],
)
def test_a_struct_of_too_many_parts_or_levels_or_with_annotations_has_no_pattern(document):
    with pytest.raises(InputError):
        Pattern(read_single(dump_binary(document)))


@pytest.mark.parametrize("data", ["d48a008b20", "d1838a2105", "d78ae58183210500", "d38a0100", "d28a71"])
def test_what_is_not_plain_has_no_pattern(data):
    data = bytes.fromhex(data)
    value = outcome(lambda: read_value(data, 0, len(data), TABLE))
    if isinstance(value, IonValue):
        with pytest.raises(InputError):
            Pattern(value)


@pytest.mark.parametrize("byte", ["\x0a", "\x0b", "\x0c", "\x0d", "\x0e", "\x0f", "\x7f", "é"])
def test_a_text_need_not_be_plain(byte):
    known = KnownStructs()
    for text in ("abc", f"a{byte}b", "abd", byte):
        same(known, read_single(dump_binary({"a": text, "b": {"c": text}})))


@pytest.mark.parametrize("byte", [0x0B, 0x0C, 0x0E, 0x80])
def test_a_recipe_does_not_hash_what_is_no_plain_text(byte):
    value = read_single(dump_binary({"a": "abc"}))
    text = value.fields()["a"]
    recipe = Recipe([Slot(("text",), text.body, text.end, text.kind)])
    whole = recipe.add(value)
    recipe.finish()
    assert recipe.prepare([b"abc"]).hash_of(whole) == hash_of_ion(value)
    assert recipe.prepare([bytes([0x61, byte, 0x62])]) is None


def test_what_differs_once_is_not_taken_for_the_same_again():
    known = KnownStructs()
    documents = [
        {"a": word, "b": other, "c": number} for word in "xxyx" for other in ("p", "p", "q") for number in (1, 2)
    ]
    for document in documents:
        value = read_single(dump_binary(document))
        same(known, value)
    assert len(known._known) == 1


def test_structs_of_which_no_two_are_alike_soon_cost_no_more_than_their_walk(monkeypatch):
    known = KnownStructs()
    learned = []
    monkeypatch.setattr(KnownStructs, "_learn", lambda *of: learned.append(of))
    for number in range(2_000):
        same(known, read_single(dump_binary({f"n{number}": 1})))
    assert len(learned) == 4
