"""Any text at all is a statement, a ``StatementError`` with a place in it, or a ``LimitError``: never another exception."""

from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.errors import LimitError, StatementError
from counterfoil.partiql.grammar.cursor import MAX_DEPTH
from counterfoil.partiql.grammar.depth import check_depth
from counterfoil.partiql.lexer import tokenize
from counterfoil.partiql.parser import parse_anew, parse_expression
from counterfoil.partiql.reserved_words import RESERVED_WORDS
from counterfoil.partiql.syntax import NOWHERE, Parameter
from tests.partiql_trees import nodes_of

STATEMENTS = [
    "SELECT r.VIN, o.\"SecondaryOwners\"[0].* FROM VehicleRegistration AS r AT i BY id, @r.Owners AS o WHERE r.VIN IN (?, 'a''b')",
    "SELECT DISTINCT VALUE {'a': -1.5e2, b: [1, <<>>]} FROM t JOIN u ON t.a = u.a GROUP BY a AS b GROUP AS g HAVING COUNT(*) > 1",
    "SELECT a FROM UNPIVOT t AS v AT n ORDER BY a DESC NULLS LAST LIMIT 1 OFFSET 2",
    "SELECT * FROM history(t, `2000T`, `{a: [\"``\", '''x''', {{aGk=}}]}`) AS h /* c */ WHERE h.metadata.id = ? -- end\n;",
    "SELECT TRIM(BOTH 'x' FROM a), SUBSTRING(a FROM 1 FOR 2), EXTRACT(year FROM a), CAST(a AS DECIMAL(3, 1)) FROM t",
    "date_add(day, 1, a)",
    "a NOT BETWEEN 1 AND 2 OR NOT b LIKE 'c' ESCAPE 'd' AND e IS NOT DOUBLE PRECISION AND EXISTS(SELECT 1 FROM x)",
    "CASE a WHEN 1 THEN 2 ELSE PIVOT v AT n FROM t END || VALUES (1), (2)",
    "INSERT INTO t << {'a': ?}, ? >>",
    "INSERT INTO t VALUE `{a: 1}`",
    "UPDATE t AS p BY id SET p.a = 1, p.b[0] = 2 INSERT INTO p.c VALUE 3 AT 0 REMOVE p.d WHERE id = ?",
    "FROM t AS p, p.a AS q WHERE p.x = ? REMOVE q.y",
    "DELETE FROM t AS p BY id WHERE id = ?",
    "CREATE TABLE t WITH (aws_tags = `{'a': 'b'}`)",
    'CREATE INDEX ON "t" (a)',
    'DROP INDEX "i" ON t WITH (purge = true)',
    'UNDROP TABLE "x"',
    "EXEC REDACT_REVISION `{strandId: \"x\", sequenceNo: 17}`, 'a', 'b'",
]
TOKENS = sorted({token for text in STATEMENTS for token in tokenize(text).texts if token})
WORDS = [*TOKENS, *sorted(RESERVED_WORDS), "'", '"', "`", "/*", "--", "\n", "1.", "e9", "\ud800", "é", "\x00"]


def judge(text):
    """The statement, or ``None`` if it is refused as it should be."""
    try:
        return parse_anew(text)
    except LimitError:
        return None
    except StatementError as error:
        lines = text.split("\n")
        assert error.phase in {"Lexer", "Parser", "Semantic"}
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        return None


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_judged(text):
    judge(text)


@given(st.lists(st.sampled_from(WORDS), max_size=60), st.sampled_from(["", " "]))
def test_any_words_in_any_order_are_judged(words, gap):
    judge(gap.join(words))


@given(st.sampled_from(STATEMENTS), st.data())
def test_a_statement_with_tokens_lost_repeated_and_moved_is_judged(text, data):
    tokens = tokenize(text).texts
    places = st.integers(0, len(tokens) - 1)
    for _ in range(data.draw(st.integers(1, 4))):
        here, there = data.draw(places) % len(tokens), data.draw(places) % len(tokens)
        match data.draw(st.sampled_from(["lose", "repeat", "swap", "put"])):
            case "lose" if len(tokens) > 1:
                del tokens[here]
            case "repeat":
                tokens.insert(there, tokens[here])
            case "swap":
                tokens[here], tokens[there] = tokens[there], tokens[here]
            case _:
                tokens.insert(here, data.draw(st.sampled_from(WORDS)))
    judge(" ".join(tokens))


@given(st.sampled_from(STATEMENTS), st.data())
def test_a_statement_cut_anywhere_is_judged(text, data):
    cut = data.draw(st.integers(0, len(text)))
    judge(text[:cut])
    judge(text[cut:])


@given(st.sampled_from(WORDS), st.sampled_from(WORDS), st.integers(1, 4_000), st.sampled_from(["", " "]))
@example("(", "", 4_000, " ")
@example("SELECT * FROM (", "", 4_000, " ")
@example("a.", "b", 4_000, "")
def test_one_thing_repeated_is_judged_without_using_up_the_stack(one, other, times, gap):
    judge((one + other + gap) * times)


@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_what_is_read_has_a_place_everywhere_and_its_parameters_in_order(words):
    parsed = judge(" ".join(words))
    if parsed is None:
        return
    nodes = list(nodes_of(parsed.statement))
    assert all(node.at != NOWHERE for node in nodes)
    indexes = sorted(node.index for node in nodes if isinstance(node, Parameter))
    assert indexes == list(range(parsed.parameter_count))


@given(st.integers(1, 3 * MAX_DEPTH), st.sampled_from(["(", "- ", "NOT ", "1 + ", "[", "SELECT VALUE ("]))
def test_what_is_read_is_never_deeper_than_the_limit(depth, link):
    closing = {"(": ")", "[": "]", "SELECT VALUE (": ") FROM t"}.get(link, "")
    try:
        expression = parse_expression(link * depth + "1" + closing * depth)
    except LimitError:
        assert depth > MAX_DEPTH // 8
    else:
        check_depth(expression)
        assert depth <= MAX_DEPTH
