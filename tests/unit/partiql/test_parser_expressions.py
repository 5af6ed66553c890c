"""What each expression is read as."""

import pytest

from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Annotated
from counterfoil.partiql.parser import parse, parse_expression
from counterfoil.partiql.syntax import Literal, Query
from tests.partiql_trees import shown

NUMBERS_AND_CONSTANTS = [
    ("1", "1"),
    ("007", "7"),
    ("1.50", "Decimal('1.50')"),
    (".5", "Decimal('0.5')"),
    ("1.", "Decimal('1')"),
    ("1e0", "Decimal('1')"),
    ("1.5E-3", "Decimal('0.0015')"),
    ("-1", "-1"),
    ("- 1", "-1"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("-0.0", "Decimal('0.0')"),
    ("+1", "(+ 1)"),
    ("- -1", "(- -1)"),
    ("'it''s'", '"it\'s"'),
    ("''", "''"),
    ("true", "True"),
    ("False", "False"),
    ("NULL", "null"),
    ("missing", "MISSING"),
]

NAMES = [
    ('"a""b"', '"a"b"'),
    ('""', '""'),
    ("a", "a"),
    ("$a", "$a"),
    ("_b", "_b"),
    ("@a", "@a"),
    ('@"a"', '@"a"'),
]

CONSTRUCTORS = [
    ("{}", "(StructLiteral)"),
    ("{'a': 1, 'b': ?}", "(StructLiteral [['a' 1] ['b' ?0]])"),
    ("{a: 1, 'a' || 'b': [1]}", "(StructLiteral [[a 1] [(|| 'a' 'b') (ListLiteral [1])]])"),
    ("[]", "(ListLiteral)"),
    ("[1, 'a']", "(ListLiteral [1 'a'])"),
    ("<<>>", "(BagLiteral)"),
    ("<<1, <<2>>>>", "(BagLiteral [1 (BagLiteral [2])])"),
    ("(1)", "1"),
    ("(1, 2)", "(ListLiteral [1 2])"),
    ("VALUES (1, 2), (3)", "(BagLiteral [(ListLiteral [1 2]) (ListLiteral [3])])"),
    ("list(1, 2)", "(ListLiteral [1 2])"),
    ("bag(1)", "(BagLiteral [1])"),
    ("sexp()", "(SexpLiteral)"),
]

OPERATORS = [
    ("1 + 2 * 3", "(+ 1 (* 2 3))"),
    ("1 * 2 + 3", "(+ (* 1 2) 3)"),
    ("1 - 2 - 3", "(- (- 1 2) 3)"),
    ("1 / 2 % 3", "(% (/ 1 2) 3)"),
    ("-a * b", "(* (- a) b)"),
    ("- a.b", "(- (Path a [.b]))"),
    ("'a' || 'b' + 1", "(|| 'a' (+ 'b' 1))"),
    ("a || b = c", "(= (|| a b) c)"),
    ("a = b < c", "(< (= a b) c)"),
    ("a != b", "(<> a b)"),
    ("a <> b", "(<> a b)"),
    ("a >= b", "(>= a b)"),
    ("NOT a = b", "(NOT (= a b))"),
    ("NOT a AND b", "(AND (NOT a) b)"),
    ("NOT NOT a", "(NOT (NOT a))"),
    ("a OR b AND c", "(OR a (AND b c))"),
    ("a AND b AND c", "(AND (AND a b) c)"),
    ("a AND b AND c AND d", "(AND (AND a b) (AND c d))"),
    ("a OR b OR c OR d OR e", "(OR (OR (OR a b) c) (OR d e))"),
    ("a AND (b OR c)", "(AND a (OR b c))"),
    ("a = NOT b AND c", "(AND (= a (NOT b)) c)"),
    ("a BETWEEN 1 AND 2 AND b", "(AND (Between a 1 2) b)"),
    ("a NOT BETWEEN 1 + 1 AND 2 OR b", "(OR (Between a (+ 1 1) 2 negated) b)"),
    ("a LIKE 'x%'", "(Like a 'x%')"),
    ("a NOT LIKE ? ESCAPE '\\'", "(Like a ?0 escape='\\\\' negated)"),
    ("a IN (1)", "(In a (ListLiteral [1]))"),
    ("a IN (1, ?)", "(In a (ListLiteral [1 ?0]))"),
    ("a IN ?", "(In a ?0)"),
    ("a IN b", "(In a b)"),
    ("a NOT IN [1, 2]", "(In a (ListLiteral [1 2]) negated)"),
    ("a IN (SELECT VALUE b FROM c)", "(In a (Select (SelectValue b) source=(Source c alias=c)))"),
    ("a IN (1) AND b", "(AND (In a (ListLiteral [1])) b)"),
    ("a IS NULL", "(Is a (DataType null))"),
    ("a IS NOT MISSING", "(Is a (DataType missing) negated)"),
    ("a IS DOUBLE PRECISION", "(Is a (DataType double precision))"),
    ("a IS INTEGER AND b", "(AND (Is a (DataType integer)) b)"),
    ("CAST(a AS varchar(3))", "(Cast a (DataType varchar [3]))"),
    ("CAST(a AS DECIMAL(10, 2))", "(Cast a (DataType decimal [10 2]))"),
    ("CAST(a AS CHARACTER VARYING(5))", "(Cast a (DataType varchar [5]))"),
    ("CASE WHEN a THEN 1 END", "(Case [[a 1]])"),
    ("CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' ELSE 'z' END", "(Case operand=a [[1 'x'] [2 'y']] otherwise='z')"),
    ("-a", "(- a)"),
]

PATHS = [
    ("a.b", "(Path a [.b])"),
    ("a.b.c", "(Path a [.b .c])"),
    ('a."b c".d', '(Path a [."b c" .d])'),
    ("h.metadata.select", "(Path h [.metadata .select])"),
    ("a[0]", "(Path a [(IndexStep 0)])"),
    ("a['b'].c[?]", "(Path a [(IndexStep 'b') .c (IndexStep ?0)])"),
    ("a[*].b", "(Path a [(AllElementsStep) .b])"),
    ("a.*.b", "(Path a [(AllFieldsStep) .b])"),
    ("?.a", "(Path ?0 [.a])"),
    ("{'a': 1}.a", "(Path (StructLiteral [['a' 1]]) [.a])"),
    ("(a).b", "(Path a [.b])"),
    ("[1][0]", "(Path (ListLiteral [1]) [(IndexStep 0)])"),
    ("f(x).y", "(Path (Call f [x]) [.y])"),
    ("@a.b", "(Path @a [.b])"),
    ("a[b[0]]", "(Path a [(IndexStep (Path b [(IndexStep 0)]))])"),
]

FUNCTIONS = [
    ("f()", "(Call f)"),
    ("F(1, a)", "(Call f [1 a])"),
    ("UTCNOW()", "(Call utcnow)"),
    ("TXID()", "(Call txid)"),
    ("size(a)", "(Call size [a])"),
    ("EXISTS(SELECT * FROM a)", "(Call exists [(Select (SelectStar) source=(Source a alias=a))])"),
    ("extract(YEAR FROM x)", "(Call extract ['year' x])"),
    ("date_add(day, 1, x)", "(Call date_add ['day' 1 x])"),
    ("DATE_DIFF(Timezone_Hour, x, y)", "(Call date_diff ['timezone_hour' x y])"),
    ("trim(x)", "(Call trim ['both' ' ' x])"),
    ("trim(FROM x)", "(Call trim ['both' ' ' x])"),
    ("trim(LEADING FROM x)", "(Call trim ['leading' ' ' x])"),
    ("trim(trailing 'a' FROM x)", "(Call trim ['trailing' 'a' x])"),
    ("trim('a' FROM x)", "(Call trim ['both' 'a' x])"),
    ("substring(x FROM 2)", "(Call substring [x 2])"),
    ("substring(x FROM 2 FOR 3)", "(Call substring [x 2 3])"),
    ("substring(x, 2, 3)", "(Call substring [x 2 3])"),
    ("COUNT(*)", "(Aggregate count)"),
    ("count(DISTINCT a.b)", "(Aggregate count argument=(Path a [.b]) distinct)"),
    ("SUM(ALL x)", "(Aggregate sum argument=x)"),
    ("max(x + 1)", "(Aggregate max argument=(+ x 1))"),
    ("coalesce(a, null)", "(Call coalesce [a null])"),
]


@pytest.mark.parametrize(("text", "tree"), NUMBERS_AND_CONSTANTS + NAMES + CONSTRUCTORS + OPERATORS + PATHS + FUNCTIONS)
def test_an_expression_is_read_as(text, tree):
    assert shown(parse_expression(text)) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("`1`", 1),
        ('`abc::"x"`', Annotated(("abc",), "x")),
        ("`{a: 'b`c'}`", {"a": "b`c"}),
        ('`"``"`', "``"),
        ('`"\\"`"`', '"`'),
        ("`'''a`b''' '''c'''`", "a`bc"),
        ("`''`", ""),
        ("`{{aGVs//8=}}`", b"hel\xff\xff"),
        ('`{{"}`"}}`', b"}`"),
        ("`1 // a`b\n`", 1),
        ("`/* ` */ 1`", 1),
        ("`2000T`", IonTimestamp),
    ],
)
def test_ion_in_backticks_may_hold_backticks_where_ion_can_quote_them(text, value):
    literal = parse_expression(text)
    assert isinstance(literal, Literal)
    assert literal.value == value or isinstance(literal.value, value)


def test_a_bare_expression_is_a_query_whose_value_is_the_only_row():
    parsed = parse("1 + ?")
    assert isinstance(parsed.statement, Query)
    assert parsed.parameter_count == 1


def test_a_chain_of_conditions_keeps_its_order_in_a_shallow_tree():
    assert shown(parse_expression("a OR b OR c OR d OR e")) == "(OR (OR (OR a b) c) (OR d e))"
