"""What each query, change and definition is read as."""

import pytest

from counterfoil.partiql.parser import parse, parse_expression
from tests.partiql_trees import shown

QUERIES = [
    ("SELECT * FROM t", "(Select (SelectStar) source=(Source t alias=t))"),
    ("select distinct a from t", "(Select (SelectItems [(Item a)]) distinct source=(Source t alias=t))"),
    ("SELECT ALL a FROM t", "(Select (SelectItems [(Item a)]) source=(Source t alias=t))"),
    ("SELECT VALUE a FROM t", "(Select (SelectValue a) source=(Source t alias=t))"),
    ("SELECT DISTINCT VALUE a FROM t", "(Select (SelectValue a) distinct source=(Source t alias=t))"),
    (
        'SELECT a, b AS c, d e, f "g h" FROM t',
        "(Select (SelectItems [(Item a) (Item b alias=c) (Item d alias=e) (Item f alias=g h)]) source=(Source t alias=t))",
    ),
    ("SELECT p.*, a FROM t AS p", "(Select (SelectItems [(AllOf p) (Item a)]) source=(Source t alias=p))"),
    ("SELECT a.b.* FROM t", "(Select (SelectItems [(AllOf (Path a [.b]))]) source=(Source t alias=t))"),
    ("PIVOT a.v AT a.n FROM t AS a", "(Select (SelectPivot (Path a [.v]) (Path a [.n])) source=(Source t alias=a))"),
    (
        "SELECT a FROM t AS x AT i BY id",
        "(Select (SelectItems [(Item a)]) source=(Source t alias=x position_alias=i id_alias=id))",
    ),
    ("SELECT a FROM t x", "(Select (SelectItems [(Item a)]) source=(Source t alias=x))"),
    ('SELECT a FROM "t"', '(Select (SelectItems [(Item a)]) source=(Source "t" alias=t))'),
    ("SELECT a FROM db.t", "(Select (SelectItems [(Item a)]) source=(Source (Path db [.t]) alias=t))"),
    ("SELECT a FROM t['b']", "(Select (SelectItems [(Item a)]) source=(Source (Path t [(IndexStep 'b')]) alias=b))"),
    ("SELECT a FROM t[0]", "(Select (SelectItems [(Item a)]) source=(Source (Path t [(IndexStep 0)])))"),
    ("SELECT a FROM 'iot/x'", "(Select (SelectItems [(Item a)]) source=(Source 'iot/x'))"),
    ("SELECT a FROM <<1>>", "(Select (SelectItems [(Item a)]) source=(Source (BagLiteral [1])))"),
    (
        "SELECT a FROM UNPIVOT t AS v AT n",
        "(Select (SelectItems [(Item a)]) source=(Source t alias=v position_alias=n unpivot))",
    ),
    (
        "SELECT * FROM t, @t.l AS i, u",
        "(Select (SelectStar) source=(Join INNER (Join INNER (Source t alias=t) (Source (Path @t [.l]) alias=i)) (Source u alias=u)))",
    ),
    (
        "SELECT * FROM t AS x JOIN u AS y ON x.a = y.a",
        "(Select (SelectStar) source=(Join INNER (Source t alias=x) (Source u alias=y) condition=(= (Path x [.a]) (Path y [.a]))))",
    ),
    (
        "SELECT a FROM t INNER JOIN u ON 1 = 1 WHERE b",
        "(Select (SelectItems [(Item a)]) source=(Join INNER (Source t alias=t) (Source u alias=u) condition=(= 1 1)) where=b)",
    ),
    (
        "SELECT a FROM t CROSS JOIN u",
        "(Select (SelectItems [(Item a)]) source=(Join INNER (Source t alias=t) (Source u alias=u)))",
    ),
    (
        "SELECT * FROM t, u JOIN v ON c",
        "(Select (SelectStar) source=(Join INNER (Join INNER (Source t alias=t) (Source u alias=u)) (Source v alias=v) condition=c))",
    ),
    (
        "SELECT a FROM (SELECT b FROM t) AS x",
        "(Select (SelectItems [(Item a)]) source=(Source (Select (SelectItems [(Item b)]) source=(Source t alias=t)) alias=x))",
    ),
    (
        "SELECT a FROM t WHERE b = ? AND c IN (?, ?)",
        "(Select (SelectItems [(Item a)]) source=(Source t alias=t) where=(AND (= b ?0) (In c (ListLiteral [?1 ?2]))))",
    ),
    (
        "SELECT a, COUNT(*) AS n FROM t GROUP BY a",
        "(Select (SelectItems [(Item a) (Item (Aggregate count) alias=n)]) source=(Source t alias=t) [(GroupKey a)])",
    ),
    (
        "SELECT * FROM t GROUP BY a AS x, b GROUP AS g HAVING c > 1",
        "(Select (SelectStar) source=(Source t alias=t) [(GroupKey a alias=x) (GroupKey b)] group_as=g having=(> c 1))",
    ),
    (
        "SELECT * FROM t ORDER BY a, b DESC, c ASC NULLS FIRST",
        "(Select (SelectStar) source=(Source t alias=t) [(OrderKey a) (OrderKey b descending) (OrderKey c nulls_first=True)])",
    ),
    (
        "SELECT * FROM t ORDER BY a NULLS last LIMIT 1",
        "(Select (SelectStar) source=(Source t alias=t) [(OrderKey a nulls_first=False)] limit=1)",
    ),
    (
        "SELECT a FROM t LIMIT 10 OFFSET ?",
        "(Select (SelectItems [(Item a)]) source=(Source t alias=t) limit=10 offset=?0)",
    ),
    ("SELECT a FROM t OFFSET 5", "(Select (SelectItems [(Item a)]) source=(Source t alias=t) offset=5)"),
    ("SELECT offset FROM t", "(Select (SelectItems [(Item offset)]) source=(Source t alias=t))"),
    (
        "SELECT (SELECT * FROM @t.c AS c) FROM t",
        "(Select (SelectItems [(Item (Select (SelectStar) source=(Source (Path @t [.c]) alias=c)))]) source=(Source t alias=t))",
    ),
]

STATEMENTS = [
    ("SELECT a FROM t;", "(Query (Select (SelectItems [(Item a)]) source=(Source t alias=t)))"),
    ("1 + 1", "(Query (+ 1 1))"),
    ("INSERT INTO t VALUE {'a': 1}", "(Insert t (StructLiteral [['a' 1]]))"),
    ("INSERT INTO \"t\" {'a': 1}", "(Insert \"t\" (StructLiteral [['a' 1]]))"),
    ("insert into t value ?", "(Insert t ?0)"),
    ("INSERT INTO t ?", "(Insert t ?0 many)"),
    ("INSERT INTO t << ?, {'a': 1} >>", "(Insert t (BagLiteral [?0 (StructLiteral [['a' 1]])]) many)"),
    (
        "INSERT INTO t VALUES ({'a': 1}), (b)",
        "(Insert t (BagLiteral [(ListLiteral [(StructLiteral [['a' 1]])]) (ListLiteral [b])]) many)",
    ),
    ("INSERT INTO t VALUE <<1>>", "(Insert t (BagLiteral [1]))"),
    ("UPDATE t SET a = 1", "(Update (Source t alias=t) [(SetField a 1)])"),
    (
        'UPDATE t SET a = ?, b[0]."c" = d + 1 WHERE e = ?',
        '(Update (Source t alias=t) [(SetField a ?0) (SetField (Path b [(IndexStep 0) ."c"]) (+ d 1))] where=(= e ?1))',
    ),
    (
        'UPDATE "t" x BY id SET x = ? WHERE id = ?',
        '(Update (Source "t" alias=x id_alias=id) [(SetField x ?0)] where=(= id ?1))',
    ),
    ("UPDATE t SET a = 1 SET b = 2 REMOVE c", "(Update (Source t alias=t) [(SetField a 1) (SetField b 2) (Remove c)])"),
    (
        "UPDATE t AS x INSERT INTO x.l VALUE {} AT 0 WHERE x.v = ?",
        "(Update (Source t alias=x) [(InsertInto (Path x [.l]) (StructLiteral) position=0)] where=(= (Path x [.v]) ?0))",
    ),
    ("UPDATE t AS x INSERT INTO x VALUE 1 AT 'm'", "(Update (Source t alias=x) [(InsertInto x 1 position='m')])"),
    ("UPDATE t AS x REMOVE x.a WHERE x.b", "(Update (Source t alias=x) [(Remove (Path x [.a]))] where=(Path x [.b]))"),
    ("UPDATE t AS x REMOVE x", "(Update (Source t alias=x) [(Remove x)])"),
    (
        "FROM t AS x WHERE x.a = ? INSERT INTO x.l VALUE ?",
        "(Update (Source t alias=x) [(InsertInto (Path x [.l]) ?1)] where=(= (Path x [.a]) ?0))",
    ),
    (
        "FROM t AS x BY id WHERE id = ? SET x.a = 1, x.b = 2",
        "(Update (Source t alias=x id_alias=id) [(SetField (Path x [.a]) 1) (SetField (Path x [.b]) 2)] where=(= id ?0))",
    ),
    (
        "FROM t AS x, x.l AS y SET y.z = '1'",
        "(Update (Join INNER (Source t alias=x) (Source (Path x [.l]) alias=y)) [(SetField (Path y [.z]) '1')])",
    ),
    ("FROM t REMOVE a", "(Update (Source t alias=t) [(Remove a)])"),
    ("DELETE FROM t", "(Delete (Source t alias=t))"),
    ("DELETE FROM t AS x BY id WHERE id = ?;", "(Delete (Source t alias=x id_alias=id) where=(= id ?0))"),
    ("CREATE TABLE t", "(CreateTable t)"),
    ('CREATE TABLE "order"', "(CreateTable order)"),
    ("CREATE INDEX ON t (a)", "(CreateIndex t a)"),
    ("CREATE INDEX ON t (timestamp)", "(CreateIndex t timestamp)"),
    ('create index on "t" ("date")', "(CreateIndex t date)"),
    ('DROP INDEX "4tP" ON t WITH (purge = true)', "(DropIndex 4tP t)"),
    ('drop index "4tP" on "t" with (purge = TRUE)', "(DropIndex 4tP t)"),
    ("DROP TABLE t", "(DropTable t)"),
    ('UNDROP TABLE "5PL"', "(UndropTable 5PL)"),
    ("EXEC REDACT_REVISION ?, 'a', 'b'", "(Execute redact_revision [?0 'a' 'b'])"),
]


@pytest.mark.parametrize(("text", "tree"), QUERIES)
def test_a_query_is_read_as(text, tree):
    assert shown(parse_expression(text)) == tree
    assert shown(parse(text).statement) == f"(Query {tree})"


@pytest.mark.parametrize(("text", "tree"), STATEMENTS)
def test_a_statement_is_read_as(text, tree):
    assert shown(parse(text).statement) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("INSERT INTO t `{a: 1}`", "(Insert t {'a': 1})"),
        ("INSERT INTO t `[{a: 1}]`", "(Insert t [{'a': 1}] many)"),
        ('CREATE TABLE t WITH (aws_tags = `{a: "b"}`)', "(CreateTable t tags={'a': 'b'})"),
        (
            "exec redact_revision `{sequenceNo: 17}`, 'a', 'b';",
            "(Execute redact_revision [{'sequenceNo': 17} 'a' 'b'])",
        ),
    ],
)
def test_ion_in_a_statement_is_read_as_its_value(text, tree):
    assert shown(parse(text).statement) == tree


@pytest.mark.parametrize("word", ["date", "DAY", "value", "User", "index", "select", "TXID", "undrop"])
def test_any_word_may_follow_a_dot_and_stay_as_written(word):
    assert shown(parse_expression(f"h.{word}.txId")) == f"(Path h [.{word} .txId])"


def test_parameters_are_numbered_as_they_stand_in_the_text():
    parsed = parse("SELECT ?, (SELECT ? FROM ? WHERE ?) FROM t WHERE a = ? ORDER BY ?")
    assert parsed.parameter_count == 6
    assert [shown(parsed.statement).index(f"?{index}") for index in range(6)] == sorted(
        shown(parsed.statement).index(f"?{index}") for index in range(6)
    )


def test_comments_and_space_separate_what_they_stand_between():
    text = "SELECT--all of it\n*/* from\nthe */FROM\tt--end"
    assert shown(parse(text).statement) == "(Query (Select (SelectStar) source=(Source t alias=t)))"


def test_keywords_need_no_space_where_no_name_would_run_into_them():
    assert shown(parse("FROM t WHERE a=?REMOVE b").statement) == shown(parse("FROM t WHERE a = ? REMOVE b").statement)
    assert shown(parse_expression("a = 'x'AND b")) == shown(parse_expression("a = 'x' AND b"))
