"""Whatever the statement and whatever the documents, a statement gives plain Ion or one of our errors, and changes no shared value."""

import copy

from hypothesis import assume, given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.ion.codec import encode
from counterfoil.partiql.equality import same
from counterfoil.partiql.values import MISSING
from tests.partiql_values import documents, values
from tests.partiql_workspace import MemoryLedger

leaves = st.sampled_from(
    [
        "t.a",
        "t.b",
        "a",
        "c",
        "t",
        "i",
        "?",
        "1",
        "2.5",
        "'a'",
        "NULL",
        "MISSING",
        "`1e0`",
        "`2020T`",
        "[1, 2]",
        "{'a': 1}",
        "<<1>>",
    ]
)
OPERATORS = ["+", "-", "*", "/", "%", "||", "=", "<>", "<", ">=", "AND", "OR", "IN", "LIKE"]
CALLS = ["SIZE", "EXISTS", "UPPER", "CHAR_LENGTH", "COALESCE", "TO_TIMESTAMP", "SUM", "MIN", "COUNT"]
TYPES = [
    "INT",
    "DECIMAL",
    "FLOAT",
    "STRING",
    "SYMBOL",
    "BOOL",
    "TIMESTAMP",
    "LIST",
    "BAG",
    "STRUCT",
    "BLOB",
    "NULL",
    "MISSING",
]


def _larger(inner):
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("{}({})".format, st.sampled_from(CALLS), inner),
        st.builds("CAST({} AS {})".format, inner, st.sampled_from(TYPES)),
        st.builds("({} IS NOT {})".format, inner, st.sampled_from(TYPES)),
        st.builds("(NOT {})".format, inner),
        st.builds("(- {})".format, inner),
        st.builds("({} BETWEEN {} AND {})".format, inner, inner, inner),
        st.builds("NULLIF({}, {})".format, inner, inner),
        st.builds("SUBSTRING({}, {}, {})".format, inner, inner, inner),
        st.builds("DATE_ADD({}, {}, {})".format, st.sampled_from(["month", "second"]), inner, inner),
        st.builds("DATE_DIFF({}, {}, {})".format, st.sampled_from(["year", "day"]), inner, inner),
        st.builds("TO_STRING({}, {})".format, inner, inner),
        st.builds("CASE {} WHEN {} THEN {} ELSE {} END".format, inner, inner, inner, inner),
        st.builds("{{'a': {}, 'b': {}}}".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("<<{}, {}>>".format, inner, inner),
        st.builds("{}.a".format, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}[*].b".format, inner),
        st.builds("(SELECT VALUE x FROM {} AS x WHERE {})".format, inner, inner),
        st.builds("(SELECT x.a FROM {} AS x)".format, inner),
        st.builds("(SELECT a FROM U AS u WHERE u.a = {})".format, inner),
    )


expressions = st.recursive(leaves, _larger, max_leaves=5)
queries = st.one_of(
    st.builds("SELECT {}, t.* FROM T AS t, t.b AS i WHERE {}".format, expressions, expressions),
    st.builds("SELECT VALUE {} FROM T AS t BY i WHERE t.a = {}".format, expressions, expressions),
    st.builds("SELECT DISTINCT {} AS x FROM T AS t AT i ORDER BY x DESC".format, expressions),
    st.builds("SELECT MAX({}), COUNT(DISTINCT {}) FROM T AS t, UNPIVOT t AS i".format, expressions, expressions),
    st.builds("SELECT k, AVG(t.b), g FROM T AS t GROUP BY {} AS k GROUP AS g".format, expressions),
    st.builds("PIVOT {} AT {} FROM T AS t, <<1>> AS i".format, expressions, expressions),
    st.builds("SELECT t.a FROM T AS t JOIN U AS i ON t.a = i.a AND {} LIMIT {}".format, expressions, leaves),
)
changes = st.one_of(
    st.builds(
        "UPDATE T AS t BY i SET t.a = {}, t.b.c = {} WHERE t.a = {}".format, expressions, expressions, expressions
    ),
    st.builds("UPDATE T AS t BY i SET t = {}".format, expressions),
    st.builds(
        "UPDATE T AS t BY i INSERT INTO t.b VALUE {} AT {} WHERE {}".format, expressions, expressions, expressions
    ),
    st.builds("UPDATE T AS t BY i REMOVE t.b[{}]".format, expressions),
    st.builds("FROM T AS t, t.b AS i WHERE {} SET i = {}".format, expressions, expressions),
    st.builds("FROM T AS t, t.b AS i AT p WHERE {} REMOVE i".format, expressions),
    st.builds("FROM T AS t, t.b AS i SET i.a[{}] = {}".format, expressions, expressions),
    st.builds("DELETE FROM T AS t BY i WHERE {}".format, expressions),
)


def ledger_of(found, others):
    ledger = MemoryLedger(T=["a"], U=["a"])
    ledger.workspace.documents["T"] = {f"T-{number}": document for number, document in enumerate(found)}
    ledger.workspace.documents["U"] = {f"U-{number}": document for number, document in enumerate(others)}
    return ledger


def rows_of(ledger, statement, parameter):
    """The rows; only our own errors may come in their place."""
    try:
        return ledger.run(statement, *[parameter] * statement.count("?"))
    except InputError:
        return None


several = st.lists(documents, max_size=3)


@given(queries, several, several, values)
def test_a_query_gives_plain_ion_or_one_of_our_errors(statement, found, others, parameter):
    rows = rows_of(ledger_of(found, others), statement, parameter)
    assume(rows is not None)
    assert all(encode(row) for row in rows)


@given(changes, several, values)
def test_a_change_stores_plain_ion_or_is_refused_and_shared_documents_stay_as_they_were(statement, found, parameter):
    before = copy.deepcopy(found)
    ledger = ledger_of(found, found)
    rows_of(ledger, statement, parameter)
    assert all(same(document, kept) for document, kept in zip(found, before, strict=True))
    assert all(encode(document) for document in ledger.documents("T"))


@given(st.sampled_from(["t.a = ?", "? = t.a", "t.a IN (?, 1)", "t.a IN [?]", "a = ?"]), several, values)
def test_an_index_gives_the_rows_that_a_scan_gives(condition, found, parameter):
    statement = f"SELECT VALUE d FROM T AS t BY d WHERE {condition}"
    indexed = ledger_of(found, [])
    plain = MemoryLedger(T=[])
    plain.workspace.documents["T"] = indexed.workspace.documents["T"]
    rows = rows_of(indexed, statement, parameter)
    assert rows is not None
    assert sorted(rows) == sorted(rows_of(plain, statement, parameter))
    assert ("scan", "T") not in indexed.workspace.reads
    assert MISSING not in rows
