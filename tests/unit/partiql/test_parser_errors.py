"""What is refused, where, and in which words: QLDB's frame, our own wording."""

import pytest

from counterfoil.errors import StatementError
from counterfoil.partiql.parser import parse, parse_expression
from counterfoil.partiql.reserved_words import RESERVED_WORDS, UNSUPPORTED

RESERVED = "a reserved word; in double quotes it is a name"

UNEXPECTED = [
    ("", 1, "expected a statement but found: the end of the statement"),
    ("  ", 3, "expected a statement but found: the end of the statement"),
    (";", 1, "expected an expression but found: ';'"),
    ("SELECT * FRM t", 10, "expected FROM but found: 'FRM'"),
    ("SELECT a FRM t", 14, "expected FROM but found: 't'"),
    ("SELECT a, FROM t", 11, "expected an expression but found: 'FROM'"),
    ("SELECT * FROM t WHERE", 22, "expected an expression but found: the end of the statement"),
    ("SELECT date FROM t", 8, f"expected an expression but found: 'date', {RESERVED}"),
    ("SELECT * FROM order", 15, f"expected an expression but found: 'order', {RESERVED}"),
    ("SELECT * FROM t AS User", 20, f"expected a name but found: 'User', {RESERVED}"),
    ("SELECT * FROM t AS 1", 20, "expected a name but found: '1'"),
    ("CREATE TABLE date", 14, f"expected a table's name but found: 'date', {RESERVED}"),
    ("CREATE INDEX ON t (1)", 20, "expected a field's name but found: '1'"),
    ("CREATE INDEX i ON t (a)", 14, "expected ON but found: 'i'"),
    ("CREATE VIEW v", 8, "expected TABLE or INDEX but found: 'VIEW'"),
    ("CREATE TABLE t WITH (tags = `{}`)", 22, "expected aws_tags but found: 'tags'"),
    ("CREATE TABLE t WITH (aws_tags = 'a')", 33, "expected the tags as an Ion struct in backticks"),
    ('DROP INDEX "x" ON t', 20, "expected WITH (purge = true) but found: the end of the statement"),
    ('DROP INDEX "x" ON t WITH (PURGE = true)', 27, "expected purge but found: 'PURGE'"),
    ('DROP INDEX "x" ON t WITH (purge = false)', 35, "expected true but found: 'false'"),
    ("DROP t", 6, "expected TABLE or INDEX but found: 't'"),
    ("INSERT t VALUE 1", 8, "expected INTO but found: 't'"),
    ("UPDATE t", 9, "expected SET, INSERT INTO or REMOVE but found: the end of the statement"),
    ("UPDATE t SET a", 15, "expected '=' but found: the end of the statement"),
    ("UPDATE t SET 1 = 2", 14, "expected a field or a variable to change"),
    ("UPDATE t AT i SET a = 1", 10, "expected SET, INSERT INTO or REMOVE but found: 'AT'"),
    ("FROM t SELECT a", 8, "expected SET, INSERT INTO or REMOVE but found: 'SELECT'"),
    ("DELETE t", 8, "expected FROM but found: 't'"),
    ("EXEC", 5, "expected a procedure's name but found: the end of the statement"),
    ("SELECT * FROM t; SELECT 1", 18, "expected the end of the statement but found: 'SELECT'"),
    ("FOO bar", 5, "expected the end of the statement but found: 'bar'"),
    ("FOO " + "b" * 50, 5, f"expected the end of the statement but found: '{'b' * 40}…'"),
    ("SELECT * FROM a JOIN b", 23, "expected ON but found: the end of the statement"),
    ("SELECT *, a FROM t", 9, "'*' stands alone in a SELECT list"),
    ("SELECT a[*] FROM t", 8, "a wildcard in a SELECT list only ends a path of names, as in t.*"),
    ("SELECT a.*.b FROM t", 8, "a wildcard in a SELECT list only ends a path of names, as in t.*"),
    ("SELECT a[0].* FROM t", 8, "a wildcard in a SELECT list only ends a path of names, as in t.*"),
    ("SELECT * FROM t ORDER BY a NULLS x", 34, "expected first or last but found: 'x'"),
    ("a NOT 1", 7, "expected IN, LIKE or BETWEEN but found: '1'"),
    ("a IS foo", 6, "expected a type but found: 'foo'"),
    ("a BETWEEN 1 OR 2", 13, "expected AND but found: 'OR'"),
    ("a IN ()", 7, "expected an expression but found: ')'"),
    ("a..b", 3, "expected a field's name or '*' but found: '.'"),
    ("a[0", 4, "expected ']' but found: the end of the statement"),
    ("@1", 2, "expected a variable's name but found: '1'"),
    ("{'a' 1}", 6, "expected ':' but found: '1'"),
    ("{'a': 1,}", 9, "expected an expression but found: '}'"),
    ("{'a': 1", 8, "expected ',' or '}' but found: the end of the statement"),
    ("[1", 3, "expected ',' or ']' but found: the end of the statement"),
    ("<<1>", 5, "expected an expression but found: the end of the statement"),
    ("(1", 3, "expected ')' but found: the end of the statement"),
    ("f(1 2)", 5, "expected ',' or ')' but found: '2'"),
    ("sum(*)", 5, "expected an expression but found: '*'"),
    ("sum(a, b)", 6, "expected ')' but found: ','"),
    (
        "date_diff('year', a, b)",
        11,
        "expected year, month, day, hour, minute, second, timezone_hour or timezone_minute",
    ),
    ("extract(year, a)", 13, "expected FROM but found: ','"),
    ("trim(a b FROM c)", 8, "expected FROM but found: 'b'"),
    ("CASE WHEN 1 THEN 2", 19, "expected END but found: the end of the statement"),
    ("CASE END", 6, "expected an expression but found: 'END'"),
]

REFUSED_BY_NAME = [
    ("SELECT * FROM a LEFT JOIN b ON 1=1", 17, "LEFT JOIN: joins are inner joins"),
    ("SELECT * FROM a RIGHT OUTER JOIN b ON 1=1", 17, "RIGHT JOIN: joins are inner joins"),
    ("SELECT * FROM a FULL JOIN b ON 1=1", 17, "FULL JOIN: joins are inner joins"),
    ("SELECT * FROM a NATURAL JOIN b", 17, "NATURAL JOIN: joins are inner joins with ON"),
    ("SELECT * FROM a JOIN b USING (c)", 24, "USING (a join has ON)"),
    ("SELECT 1 FROM a UNION SELECT 2 FROM b", 17, "UNION"),
    ("(SELECT 1 FROM a) INTERSECT (SELECT 2 FROM b)", 19, "INTERSECT"),
    ("SELECT 1 FROM a EXCEPT SELECT 2 FROM b", 17, "EXCEPT"),
    ("SELECT x FROM a LET 1 AS b", 17, "LET"),
    ("WITH x AS (SELECT 1) SELECT 1 FROM x", 1, "WITH"),
    ("SELECT sum(x) OVER (PARTITION BY y) FROM t", 15, "OVER (window functions)"),
    ("SELECT a INTO b FROM t", 10, "SELECT INTO"),
    ("SELECT a FROM t GROUP PARTIAL BY a", 23, "GROUP PARTIAL BY"),
    ("SELECT CURRENT_TIMESTAMP FROM t", 8, "CURRENT_TIMESTAMP; UTCNOW() is"),
    ("a = ALL (SELECT b FROM c)", 5, "ALL before a query"),
    ("INSERT INTO t (a, b) VALUES (1, 2)", 15, "INSERT with a list of columns"),
    ("INSERT INTO t SELECT * FROM u", 15, "INSERT with a SELECT"),
    ("INSERT INTO t (SELECT * FROM u)", 15, "INSERT with a SELECT"),
    ("INSERT INTO t DEFAULT VALUES", 15, "DEFAULT VALUES"),
    ("INSERT INTO t VALUE 1 ON CONFLICT DO NOTHING", 23, "ON CONFLICT"),
    ("FROM t AS x INSERT INTO x.a VALUE 1 ON CONFLICT DO NOTHING", 37, "ON CONFLICT"),
    ("CREATE TABLE t (a INT)", 16, "columns; a table holds documents of any shape"),
    ("CREATE UNIQUE INDEX ON t (a)", 8, "a UNIQUE index"),
    ("CREATE INDEX ON t (a, b)", 21, "an index on several fields"),
    ("CREATE INDEX ON t (a.b)", 21, "an index on a nested field"),
    ("CREATE INDEX ON t (a[0])", 21, "an index on a nested field"),
    ("ALTER TABLE t", 1, "ALTER"),
    ("ROLLBACK", 1, "ROLLBACK"),
]

LEXICAL = [
    ("SELECT 'x", 8, "a string that begins here does not end"),
    ("SELECT 'x''", 8, "a string that begins here does not end"),
    ('SELECT "x', 8, "a quoted name that begins here does not end"),
    ("SELECT `{a: 1}", 8, "an Ion literal that begins here does not end"),
    ("SELECT `'` ", 8, "an Ion literal that begins here does not end"),
    ("SELECT /* x", 8, "a comment that begins here does not end"),
    ("a ~ b", 3, "the character '~' begins nothing"),
    ("é", 1, "the character 'é' begins nothing"),
    ("a\x00", 2, "the character '\\x00' begins nothing"),
    ("a\xa0= 1", 2, "the character '\\xa0' begins nothing"),
    ("1 + 12ab", 5, "a number that is malformed, or runs into a name"),
    ("1e", 1, "a number that is malformed, or runs into a name"),
    ("1e+", 1, "a number that is malformed, or runs into a name"),
    ("x = '\ud800'", 6, "half a surrogate pair, which is no character"),
]


def refusal_of(text):
    with pytest.raises(StatementError) as refused:
        parse(text)
    return refused.value


@pytest.mark.parametrize(("text", "column", "what"), UNEXPECTED)
def test_what_was_expected_is_said_and_where(text, column, what):
    error = refusal_of(text)
    assert (error.phase, error.line, error.column) == ("Parser", 1, column)
    assert error.what.startswith(what)


@pytest.mark.parametrize(("text", "column", "thing"), REFUSED_BY_NAME)
def test_what_other_dialects_have_is_refused_by_its_name(text, column, thing):
    assert str(refusal_of(text)) == f"Parser Error: at line 1, column {column}: not supported: {thing}"


@pytest.mark.parametrize(("text", "column", "what"), LEXICAL)
def test_what_is_no_token_is_refused_where_it_begins(text, column, what):
    assert str(refusal_of(text)) == f"Lexer Error: at line 1, column {column}: {what}"


def test_the_message_reads_as_qldb_had_it():
    assert str(refusal_of("SELECT * FRM t")) == "Parser Error: at line 1, column 10: expected FROM but found: 'FRM'"


def test_lines_are_counted_over_strings_comments_and_ion():
    error = refusal_of("SELECT 'a\nb' /* c\nd */ FROM `[1,\n2]` -- e\r\n  AS select")
    assert (error.line, error.column) == (5, 6)


@pytest.mark.parametrize("text", ["`{a:}`", "``", "`1 2`", "`{{!}}`", "`'a`", '`"\\q"`', "`[" + "[" * 200 + "`"])
def test_malformed_ion_in_backticks_is_refused_where_it_begins(text):
    error = refusal_of(f"SELECT {text} FROM t")
    assert (error.phase, error.line, error.column) == ("Lexer", 1, 8)
    assert "Ion literal" in error.what


@pytest.mark.parametrize("word", sorted(RESERVED_WORDS))
def test_a_reserved_word_is_no_name_of_a_table_and_quoted_it_is(word):
    with pytest.raises(StatementError, match="reserved word"):
        parse(f"DROP TABLE {word.lower()}")
    assert parse(f'DROP TABLE "{word}"').statement.table == word
    assert parse_expression(f"a.{word}").steps[0].name == word


def test_words_that_give_another_dialect_away_are_reserved():
    assert set(UNSUPPORTED) <= RESERVED_WORDS
