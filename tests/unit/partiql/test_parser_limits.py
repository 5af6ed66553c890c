"""How long and how deep a statement may be, and how large its numbers."""

from decimal import Decimal

import pytest

from counterfoil.errors import LimitError, StatementError
from counterfoil.partiql.grammar.cursor import MAX_DEPTH
from counterfoil.partiql.grammar.literals import MAX_DECIMAL_CHARACTERS
from counterfoil.partiql.lexer import MAX_CHARACTERS
from counterfoil.partiql.parser import MAX_CACHED_CHARACTERS, parse, parse_expression
from counterfoil.partiql.syntax import Binary, Operator
from tests.partiql_trees import nodes_of

NESTINGS = [
    ("(", "1", ")"),
    ("[", "1", "]"),
    ("<<", "1", ">>"),
    ("{'a': ", "1", "}"),
    ("{", "1", ": 1}"),
    ("NOT ", "a", ""),
    ("- ", "a", ""),
    ("f(", "1", ")"),
    ("sum(", "1", ")"),
    ("cast(", "1", " AS INT)"),
    ("trim(both '' FROM ", "a", ")"),
    ("substring(a, ", "1", ")"),
    ("extract(year FROM ", "a", ")"),
    ("a[", "0", "]"),
    ("a IN (", "1", ")"),
    ("a BETWEEN (", "1", ") AND 2"),
    ("CASE WHEN ", "1", " THEN 2 END"),
    ("CASE a WHEN 1 THEN 2 ELSE ", "1", " END"),
    ("VALUES (", "1", ")"),
    ("SELECT VALUE ", "1", " FROM t"),
    ("SELECT * FROM (", "t", ")"),
    ("SELECT * FROM t WHERE ", "1", ""),
    ("SELECT * FROM t WHERE EXISTS(", "1", ")"),
    ("PIVOT (", "1", ") AT b FROM t"),
]
ROWS = ["1 + ", "a || ", "a * ", "a = ", "a IS NULL = ", "a LIKE b LIKE "]


@pytest.mark.parametrize(("opening", "inside", "closing"), NESTINGS)
def test_a_statement_nested_too_deep_is_refused_whatever_nests(opening, inside, closing):
    for depth in (MAX_DEPTH + 1, 3_000):
        with pytest.raises(LimitError, match=f"deeper than {MAX_DEPTH} levels"):
            parse(opening * depth + inside + closing * depth)


@pytest.mark.parametrize(("opening", "inside", "closing"), NESTINGS)
def test_a_statement_nested_fifteen_levels_is_read(opening, inside, closing):
    assert parse(opening * 15 + inside + closing * 15).statement


@pytest.mark.parametrize("link", ROWS)
def test_operators_in_a_row_are_levels_of_the_tree_too(link):
    assert parse(link * 30 + "1").statement
    for length in (MAX_DEPTH + 1, 20_000):
        with pytest.raises(LimitError, match="operators in a row included"):
            parse((link * length)[: MAX_CHARACTERS - 10].rsplit(link, 1)[0] + "1")


def test_joins_in_a_row_are_levels_of_the_tree_too():
    assert parse("SELECT * FROM " + ", ".join(f"t AS a{index}" for index in range(60))).statement
    with pytest.raises(LimitError, match="deeper"):
        parse("SELECT * FROM " + ", ".join(f"t AS a{index}" for index in range(500)))


@pytest.mark.parametrize("operator", [Operator.AND, Operator.OR])
def test_a_generated_condition_of_a_thousand_links_is_read(operator):
    condition = parse_expression(f" {operator.value} ".join(f"a = {index}" for index in range(1_000)))
    links = [node for node in nodes_of(condition) if isinstance(node, Binary) and node.operator is operator]
    assert len(links) == 999


def test_long_flat_lists_are_no_deep_trees():
    assert parse(f"a IN ({', '.join('?' * 10_000)})").parameter_count == 10_000
    assert parse(f"INSERT INTO t <<{', '.join(['{}'] * 10_000)}>>").statement
    assert parse("a" + ".b" * 40_000).statement


def test_a_text_longer_than_qldb_took_is_refused():
    text = "SELECT * FROM t"
    assert parse(text.ljust(MAX_CHARACTERS)).statement == parse(text).statement
    with pytest.raises(LimitError, match=f"at most {MAX_CHARACTERS}"):
        parse(text.ljust(MAX_CHARACTERS + 1))


def test_an_int_has_64_bits():
    assert parse_expression("9223372036854775807").value == 2**63 - 1
    assert parse_expression("-9223372036854775808").value == -(2**63)
    assert parse_expression("0" * 5_000 + "7").value == 7
    for text in ("9223372036854775808", "-9223372036854775809", "9" * 50_000):
        with pytest.raises(StatementError, match="64 bits"):
            parse_expression(text)


def test_a_decimal_keeps_its_digits_and_is_no_larger_than_arithmetic_can_bear():
    assert parse_expression("1." + "3" * 900).value == Decimal("1." + "3" * 900)
    assert parse_expression("1e-9999").value == Decimal("1e-9999")
    assert parse_expression("1e0000000001").value == Decimal("1e1")
    for text in ("1e10000", "1e-999999999999999999999", "1." + "3" * MAX_DECIMAL_CHARACTERS):
        with pytest.raises(StatementError, match="decimal"):
            parse_expression(text)


def test_numbers_of_types_are_ints_of_64_bits():
    assert parse_expression("CAST(a AS DECIMAL(38, 10))").type.arguments == (38, 10)
    with pytest.raises(StatementError, match="64 bits"):
        parse_expression(f"CAST(a AS DECIMAL({'9' * 5_000}))")


def test_a_short_text_is_read_once_and_a_long_one_each_time():
    short = "SELECT a FROM once"
    assert parse(short) is parse(short)
    long = short.ljust(MAX_CACHED_CHARACTERS + 1)
    assert parse(long) is not parse(long)
    assert parse(long) == parse(long)
