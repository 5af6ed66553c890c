"""Equality is an equivalence with canonical bytes, and the order is a total one that agrees with it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Annotated, Clob, IonSymbol, RepeatedStruct, Sexp, pairs_of
from counterfoil.partiql.equality import equality, key_of, same
from counterfoil.partiql.kinds import bare, is_unknown
from counterfoil.partiql.ordering import sort_key
from counterfoil.partiql.values import Bag
from tests.partiql_values import bags, values

anything = values | bags


def by_definition(left, right):
    """Equality told once more, value by value and without bytes."""
    left, right = bare(left), bare(right)
    if is_unknown(left) or is_unknown(right):
        return is_unknown(left) and is_unknown(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float | Decimal) and isinstance(right, int | float | Decimal):
        return numbers_equal(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right and getattr(left, "unknown", False) == getattr(right, "unknown", False)
    if isinstance(left, bytes) and isinstance(right, bytes):
        return bytes(left) == bytes(right)
    if isinstance(left, IonTimestamp) and isinstance(right, IonTimestamp):
        fine = (left.fraction or 0) == (right.fraction or 0)
        return fine and left._replace(fraction=None).to_datetime() == right._replace(fraction=None).to_datetime()
    if isinstance(left, dict) and isinstance(right, dict):
        return matched(
            [[[name], item] for name, item in pairs_of(left)], [[[name], item] for name, item in pairs_of(right)]
        )
    if type(left) is not type(right) or not isinstance(left, list):
        return False
    if isinstance(left, Bag):
        return matched(left, right)
    return len(left) == len(right) and all(map(by_definition, left, right))


def numbers_equal(left, right):
    if any(number != number for number in (left, right)):  # noqa: PLR0124 - NaN is what differs from itself
        return left != left and right != right  # noqa: PLR0124
    return shortest(left) == shortest(right)


def shortest(number):
    finite = isinstance(number, float) and abs(number) != float("inf")
    return Decimal(repr(number)) if finite else number


def matched(left, right):
    rest = list(right)
    for item in left:
        found = next((index for index, other in enumerate(rest) if by_definition(item, other)), None)
        if found is None:
            return False
        del rest[found]
    return not rest


@given(anything, anything)
def test_keys_are_the_same_exactly_when_the_values_are_equal(left, right):
    assert same(left, right) == by_definition(left, right)
    if not is_unknown(left) and not is_unknown(right):
        assert (key_of(left) == key_of(right)) == by_definition(left, right)


@given(anything)
def test_a_value_equals_itself_under_any_annotation(value):
    assert same(value, value)
    assert same(Annotated(("x", "y"), bare(value)), value)
    assert key_of(Annotated(("x",), bare(value))) == key_of(value)


@given(anything)
def test_a_key_has_at_most_32_bytes_and_only_unknown_values_have_none(value):
    key = key_of(value)
    assert (key is None) == is_unknown(value)
    assert key is None or len(key) <= 32


@given(anything, anything)
def test_an_unknown_operand_makes_a_comparison_unknown(left, right):
    assert (equality(left, right) is None) == (is_unknown(left) or is_unknown(right))


@given(st.lists(anything, max_size=6))
def test_any_values_can_be_sorted_and_sort_the_same_from_any_order(found):
    backwards = found[::-1]
    once, again = sorted(found, key=sort_key), sorted(backwards, key=sort_key)
    assert all(sort_key(one) == sort_key(other) for one, other in zip(once, again, strict=True))


@given(anything, anything)
def test_equal_values_have_one_place_in_the_order(left, right):
    if by_definition(left, right):
        assert sort_key(left) == sort_key(right)


D = Decimal
SECOND = (2020, 1, 1, 0, 0, 0)
# What is written otherwise and equal, and what is nearly so and differs; chance seldom draws two of a kind.
ALIKE = [
    (1, D("1.0"), 1.0, D("1e0"), D("10e-1"), Annotated(("note",), 1)),
    (1000, D("1e3"), 1000.0, D("1000.00")),
    (0, D("-0.00"), -0.0, D("0e5")),
    (D("0.1"), 0.1, D("0.100")),
    (-5, -5.0, D("-5.000")),
    (10**30, D("1e30"), 1e30),
    ("a", IonSymbol("a"), Annotated(("x",), "a")),
    (b"a", Clob(b"a")),
    ([1, "x"], [1.0, IonSymbol("x")], [D("1.0"), "x"]),
    (Bag([1, 2, 2]), Bag([2, 1, 2.0])),
    ({"a": 1, "b": [2]}, {"b": [2.0], "a": D("1.0")}, RepeatedStruct([("b", [2]), ("a", 1)])),
    (RepeatedStruct([("a", 1), ("a", 2)]), RepeatedStruct([("a", 2), ("a", 1)])),
    (IonTimestamp(SECOND, D("0.5"), 0), IonTimestamp(SECOND, D("0.500"), 60)),
    (IonTimestamp((2020,), None, None), IonTimestamp(SECOND, None, 0), IonTimestamp(SECOND, D("0.0"), 0)),
    ("x" * 100, IonSymbol("x" * 100)),
]
APART = [
    (1, -1, 10, D("0.1"), "1", True, b"1", [1], Sexp([1]), Bag([1]), {"1": 1}),
    (D("0.1"), D(0.1), 0.2),
    ("a", b"a", "A", "a ", ["a"], ""),
    ([1, 12], [11, 2], [112], [[1], 12], [1, [12]], [12, 1]),
    (["ab", "c"], ["a", "bc"], ["abc"], ["as", "b"], ["a", "sb"]),
    (Bag([1, 1, 2]), Bag([1, 2, 2]), Bag([1, 2])),
    ({"a": 1, "b": 2}, {"a": 2, "b": 1}, {"a": 1}, {"ab": 12}),
    (IonTimestamp(SECOND, D("0.5"), 0), IonTimestamp(SECOND, D("0.25"), 0), IonTimestamp(SECOND, None, 0)),
    ("x" * 100, "x" * 99 + "y", "x" * 101),
    ("y" + "x" * 100, "x" * 100 + "y"),
]


@pytest.mark.parametrize("found", ALIKE)
def test_what_is_written_otherwise_is_equal_and_has_one_key(found):
    assert {key_of(each) for each in found} == {key_of(found[0])}
    assert all(same(one, other) and by_definition(one, other) for one in found for other in found)


@pytest.mark.parametrize("found", APART)
def test_what_is_nearly_the_same_differs_and_has_keys_of_its_own(found):
    assert len({key_of(each) for each in found}) == len(found)
    for place, one in enumerate(found):
        assert not any(same(one, other) or by_definition(one, other) for other in found[place + 1 :])
