"""Equality and order of values: edges by name. The laws are in tests/property."""

from decimal import Decimal

import pytest

from counterfoil.errors import StatementError
from counterfoil.partiql.compiler import evaluate
from counterfoil.partiql.equality import key_of

EQUAL = [
    "1 = 1.0",
    "1 = `1e0`",
    "0.1 = `0.1e0`",
    "`nan` = `nan`",
    "`0e0` = `-0e0`",
    "'a' = `a`",
    '`{{YQ==}}` = `{{"a"}}`',
    "`2020T` = `2020-01-01T00:00Z`",
    "`2020-01-01T01:00+01:00` = `2020-01-01T00:00:00.000Z`",
    "[1, 'a'] = [1.0, `a`]",
    "{'a': 1, 'b': 2} = {'b': 2.0, 'a': 1}",
    "<<1, 2, 2>> = <<2, 1, 2>>",
    "`x::1` = 1",
    "`{a: 1, a: 2}` = `{a: 2, a: 1}`",
    "[NULL] = [MISSING]",
]
UNEQUAL = [
    "1 = '1'",
    "1 = true",
    "[1] = <<1>>",
    "[1] = `(1)`",
    "<<1, 1>> = <<1>>",
    "`{a: 1, a: 1}` = {'a': 1}",
    "{'a': NULL} = {}",
    "'a' = 'A'",
    "[NULL] = [0]",
]
UNKNOWN = ["NULL = NULL", "MISSING = 1", "1 <> NULL", "`null.int` = 1", "1 < NULL", "NULL BETWEEN 1 AND 2"]


@pytest.mark.parametrize(("conditions", "expected"), [(EQUAL, True), (UNEQUAL, False), (UNKNOWN, None)])
def test_equality_is_by_value_across_types_and_unknown_for_unknown_operands(conditions, expected):
    assert {condition: evaluate(condition) for condition in conditions} == dict.fromkeys(conditions, expected)


@pytest.mark.parametrize(
    "condition",
    [
        "1 < 1.5",
        "`1e0` < 2",
        "'a' < `b`",
        "false < true",
        "`2020T` < `2021T`",
        "[1] < [1, 1]",
        "{'a': 1} < {'a': 2}",
        "`{{AA==}}` < `{{AQ==}}`",
    ],
)
def test_values_of_one_kind_can_be_compared(condition):
    assert evaluate(condition) is True


@pytest.mark.parametrize("condition", ["1 < 'a'", "true < 1", "`2020T` < 5", "[1] >= <<1>>", "'a' BETWEEN 1 AND 2"])
def test_values_of_two_kinds_cannot(condition):
    with pytest.raises(StatementError, match=r"Evaluator Error: at line 1, column \d+: Cannot compare"):
        evaluate(condition)


def test_the_order_of_everything():
    rows = evaluate(
        "SELECT VALUE x FROM << <<1>>, {'a': 1}, `(1)`, [2], [1, 5], `{{AA==}}`, 'b', `a`, `2020T`, `+inf`, 1.5, 1, `-inf`, `nan`,"
        " true, false, NULL >> AS x ORDER BY x"
    )
    assert [repr(row)[:9] for row in rows[:2]] == ["False", "True"]
    assert rows[3] == float("-inf")
    assert rows[4:7] == [1, Decimal("1.5"), float("inf")]
    assert rows[8:10] == ["a", "b"]
    assert rows[11:] == [[1, 5], [2], [1], {"a": 1}, [1], None]


def test_long_keys_are_hashed_and_short_ones_are_told_apart_from_them():
    assert len(key_of("x" * 30)) == 31
    assert len(key_of("x" * 31)) == 32
    assert key_of("x" * 31) != key_of("x" * 32)
