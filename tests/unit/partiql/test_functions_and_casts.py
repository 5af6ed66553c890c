"""What expressions give beyond what PartiQL's own scripts say (tests/golden/test_partiql_suite.py)."""

from decimal import Decimal

import pytest

from counterfoil.errors import LimitError, StatementError
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import IonSymbol
from counterfoil.partiql.compiler import compile_expression, evaluate
from counterfoil.partiql.parser import parse_expression
from counterfoil.partiql.values import MISSING, Bag

GIVES = [
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("-7 % 2", -1),
    ("7 / 2.0", Decimal("3.5")),
    ("1 / 3.0", Decimal("0." + "3" * 38)),
    ("2 * `1.5e0`", 3.0),
    ("1 + NULL", None),
    ("-MISSING", None),
    ("CAST('0x1F' AS int)", 31),
    ("CAST(' 1 ' AS float)", 1.0),
    ("CAST(1.99 AS int)", 1),
    ("CAST(`1.5e10` AS string)", "1.5E10"),
    ("CAST(`123.0e0` AS string)", "123.0"),
    ("CAST(`1e-5` AS string)", "1.0E-5"),
    ("CAST(1e3 AS string)", "1E+3"),
    ("CAST(true AS symbol)", IonSymbol("true")),
    ("CAST('yes' AS bool)", False),
    ("CAST('TRUE' AS bool)", True),
    ("CAST(`2020-01-02T03:04+01:00` AS string)", "2020-01-02T03:04+01:00"),
    ("CAST('2020-01-02T' AS timestamp)", IonTimestamp((2020, 1, 2), None, None)),
    ("CAST([1] AS bag)", Bag([1])),
    ("CAST(MISSING AS int)", MISSING),
    ("1 IS ANY", True),
    ("NULL IS MISSING", False),
    ("1 IS INTEGER", True),
    ("1 IS DECIMAL", False),
    ("`null.int` IS INT", False),
    ("COALESCE(NULL, 1, 1 / 0)", 1),
    ("true OR 1 / 0 = 1", True),
    ("false AND 1 / 0 = 1", False),
    ("NULL AND false", False),
    ("NULL OR NULL", None),
    ("NOT MISSING", None),
    ("SUBSTRING('abc', -1, 3)", "a"),
    ("TRIM(LEADING 'ab' FROM 'abcab')", "cab"),
    ("'a%b' LIKE 'a!%b' ESCAPE '!'", True),
    ("'axb' LIKE 'a!%b' ESCAPE '!'", False),
    ("'ab' LIKE 'ab%b'", False),
    ("'😀' LIKE '_'", True),
    ("EXTRACT(second FROM `2020-01-01T00:00:01.9Z`)", 1),
    ("DATE_ADD(month, 1, `2020-01-31T`)", IonTimestamp((2020, 2, 29), None, None)),
    ("DATE_DIFF(year, `2020-03-01T`, `2021-02-28T`)", 0),
    ("DATE_DIFF(day, `2020-01-01T23:00Z`, `2020-01-02T22:00Z`)", 0),
    ("TO_STRING(`2020-01-02T13:04:05.678Z`, 'hh:mm:ss.SSS a')", "01:04:05.678 PM"),
    ("TO_TIMESTAMP('2020-01-02T03:04:05.600Z')", IonTimestamp((2020, 1, 2, 3, 4, 5), Decimal("0.600"), 0)),
    ("TO_TIMESTAMP('1 2 2020', 'd M y')", IonTimestamp((2020, 2, 1), None, None)),
    ("1 IN (2, NULL)", None),
    ("1 IN [1, NULL]", True),
    ("NULL IN [1]", None),
    ("1 NOT IN <<2>>", True),
    ("CASE WHEN NULL THEN 1 ELSE 2 END", 2),
    ("CASE 'a' WHEN `a` THEN 1 END", 1),
    ("CASE 1 WHEN 2 THEN 3 END", None),
    ("{'a': MISSING, 'b': 1}", {"b": 1}),
    ("[1, 2][1]", 2),
    ("[1, 2][2]", MISSING),
    ("{'a': {'b': 1}}.a['b']", 1),
    ("(5).a", MISSING),
    ("[{'a': 1}, {'a': 2}][*].a", Bag([1, 2])),
    ("{'a': 1, 'b': 2}.*", Bag([1, 2])),
    ("SUM([1, 2.5])", Decimal("3.5")),
    ("MAX(<<1, 'a', NULL>>)", "a"),
    ("AVG([])", None),
    ("COUNT([1, NULL])", 1),
]


@pytest.mark.parametrize(("expression", "expected"), GIVES)
def test_an_expression_gives(expression, expected):
    value = evaluate(expression)
    assert type(value) is type(expected)
    assert value == expected


REFUSED = [
    ("9223372036854775807 + 1", "overflow"),
    ("-(-9223372036854775808)", "overflow"),
    ("1 / 0", "Division by zero"),
    ("1.0 % 0", "Division by zero"),
    ("1 + 'a'", "needs numbers"),
    (" * ".join(["`1d99999`"] * 11), "no decimal"),
    ("CAST(`1d99999` AS int)", "64 bits"),
    ("CAST('1e' AS decimal)", "Cannot convert"),
    ("CAST('x' AS timestamp)", "Cannot convert"),
    ("CAST({} AS list)", "Cannot convert struct to list"),
    ("CAST(1 AS missing)", "Cannot convert int to missing"),
    ("CAST(1 AS colour)", "a type"),
    ("COLOUR(1)", "No such function: colour"),
    ("SIZE(1, 2)", "SIZE takes 1 arguments, not 2"),
    ("NOT 1", "true or false"),
    ("1 AND true", "true or false"),
    ("1 IN 2", "IN needs a collection"),
    ("[1][1.5]", "neither a position nor a name"),
    ("'a' LIKE 'a' ESCAPE 'ab'", "one character"),
    ("'a' LIKE 'a!' ESCAPE '!'", "escape character"),
    ("DATE_ADD(year, 1, 'x')", "needs a timestamp"),
    ("DATE_ADD(second, 99999999999999, `2020T`)", "outside the years"),
    ("TO_STRING(`2020T`, 'foo')", "not known"),
    ("TO_TIMESTAMP('x', 'y')", "not as the pattern"),
    ("TO_TIMESTAMP('13', 'M')", "greater"),
    ("nothing", "No such variable: nothing"),
    ("COUNT(*)", "stands only among"),
    ("{1: 2}", "name of a field"),
]


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_an_expression_is_refused_with_its_place(expression, message):
    with pytest.raises(StatementError, match=message) as caught:
        evaluate(expression)
    assert caught.value.line == 1


def test_an_expression_of_parameters_alone_is_a_function_of_them():
    run = compile_expression(parse_expression("{'n': ? + 1, 'p': ?}"))
    assert run((1, "x")) == {"n": 2, "p": "x"}
    with pytest.raises(StatementError, match="2"):
        run((1,))


def test_a_hostile_pattern_is_searched_in_time_linear_in_the_text():
    assert evaluate("? LIKE ?", parameters=("a" * 20_000, "%a" * 500 + "%b")) is False
    with pytest.raises((StatementError, LimitError), match="10000"):
        evaluate("'a' LIKE ?", parameters=("%" * 10_001,))


def test_ints_of_thousands_of_digits_are_values_like_others():
    huge = 10**5000
    assert evaluate("? = ?", parameters=(huge, huge)) is True
    assert evaluate("CHAR_LENGTH(CAST(? AS string))", parameters=(huge,)) == 5001
    with pytest.raises(StatementError):
        evaluate("CAST(? AS int)", parameters=(Decimal(huge),))
    with pytest.raises(StatementError):
        evaluate("CAST(? AS float)", parameters=(huge,))
