"""How a statement reads: what narrows, what does not. The rows are the same either way (tests/property)."""

import pytest

from counterfoil.errors import StatementError
from counterfoil.ion.timestamps import IonTimestamp
from tests.partiql_workspace import NOW, MemoryLedger, Row


@pytest.fixture
def ledger():
    ledger = MemoryLedger(dropped=["Old"], T=["a"], U=["k"], Old=["a"])
    ledger.workspace.documents["T"] = {"t1": {"a": 1, "b": 1}, "t2": {"a": 2, "b": 1}, "t3": {"b": 3}}
    ledger.workspace.documents["U"] = {"u1": {"k": 1, "list": [1, 2]}, "u2": {"k": 2}}
    return ledger


SCAN, PROBE = ("scan", "T"), ("probe", "T", "a")
FIRST = ("fetch", "T", "t1")

READS = [
    ("SELECT * FROM T AS t WHERE t.a = 1", [PROBE], 1),
    ("SELECT * FROM T WHERE 1 = a AND b = 1", [PROBE], 1),
    ("SELECT * FROM T AS t WHERE t['a'] = 1.0", [PROBE], 1),
    ("SELECT * FROM T WHERE a IN (1, 1.0, 2, 3)", [PROBE, PROBE, PROBE], 2),
    ("SELECT * FROM T WHERE a IN [1]", [PROBE], 1),
    ("SELECT * FROM T WHERE a IN (1, NULL)", [PROBE], 1),
    ("SELECT * FROM T WHERE a = NULL", [], 0),
    ("SELECT * FROM T WHERE a IN 'x'", [], 0),
    ("SELECT * FROM T AS t BY d WHERE d = 't1'", [FIRST], 1),
    ("SELECT * FROM T AS t BY d WHERE d IN ('t1', 't1', 'x') AND t.a = 1", [FIRST, ("fetch", "T", "x")], 1),
    ("SELECT * FROM T BY d WHERE d = 5", [], 0),
    ("SELECT * FROM _ql_committed_T AS c WHERE c.metadata.id = 't1'", [FIRST], 1),
    ("SELECT * FROM _ql_committed_T WHERE metadata.id = 't1'", [FIRST], 1),
    ("SELECT * FROM _ql_committed_T AS c WHERE c.data.a = 1", [PROBE], 1),
    ("SELECT * FROM _ql_committed_T AS c WHERE c.a = 1", [SCAN], 0),
    ("SELECT * FROM T WHERE b = 1", [SCAN], 2),
    ("SELECT * FROM T WHERE a > 1", [SCAN], 1),
    ("SELECT * FROM T WHERE a <> 1", [SCAN], 1),
    ("SELECT * FROM T WHERE a NOT IN (1)", [SCAN], 1),
    ("SELECT * FROM T WHERE a = 1 OR b = 3", [SCAN], 2),
    ("SELECT * FROM T WHERE NOT (a = 1)", [SCAN], 1),
    ("SELECT * FROM T WHERE a = b", [SCAN], 1),
    ("SELECT * FROM T WHERE a.x = 1", [SCAN], 0),
    ("SELECT * FROM T AS t WHERE t.b.a = 1", [SCAN], 0),
    ("SELECT * FROM U AS u, T AS t WHERE t.a = u.k AND u.k = 2", [("probe", "U", "k"), PROBE], 1),
    ("SELECT * FROM T AS t, U AS u WHERE t.a = u.k AND u.k = 2", [("probe", "U", "k"), PROBE], 1),
    ("SELECT * FROM T AS t JOIN U AS u ON t.a = u.k WHERE u.k IN (2)", [("probe", "U", "k"), PROBE], 1),
    ("SELECT * FROM U AS u, u.list AS i, T AS t WHERE t.a = i AND u.k = 1", [("probe", "U", "k"), PROBE, PROBE], 2),
    ("SELECT VALUE u.k FROM U AS u WHERE EXISTS(SELECT * FROM T AS t WHERE t.a = u.k)", [("scan", "U"), PROBE, PROBE], 2),
    ("SELECT VALUE t FROM T AS t WHERE t.a IN (SELECT VALUE u.k FROM U AS u WHERE u.k = 1)", [("probe", "U", "k"), PROBE, ("probe", "U", "k")], 1),  # noqa: E501 - one case, one line
    ("SELECT VALUE t FROM T AS t WHERE t.a IN (SELECT VALUE k FROM U AS u WHERE u.k = 1)", [SCAN] + [("probe", "U", "k")] * 2, 1),
    ("SELECT VALUE t FROM T AS t WHERE t.a = SIZE(SELECT * FROM t.a AS t)", [SCAN], 1),
    ("SELECT * FROM T AS x, T AS y WHERE x.a = 1 AND y.a = x.a", [PROBE, PROBE], 1),
]  # fmt: skip


@pytest.mark.parametrize(("query", "reads", "count"), READS)
def test_a_query_reads_no_more_than_its_condition_needs(ledger, query, reads, count):
    if query.endswith("IN 'x'"):
        assert ledger.run(query) == []
    rows = ledger.run(query)
    assert (ledger.workspace.reads, len(rows)) == (reads, count)


@pytest.mark.parametrize(
    "change",
    ["UPDATE T SET b = 9 WHERE a = 1", "DELETE FROM T AS t WHERE t.a = 1", "FROM T AS t WHERE t.a = 1 REMOVE t.b"],
)
def test_a_change_reads_as_a_query_does(ledger, change):
    assert ledger.run(change) == [{"documentId": "t1"}]
    assert ledger.workspace.reads == [PROBE]


def test_a_cross_join_asks_each_condition_as_soon_as_it_can(ledger):
    ledger.workspace.documents["T"] = {f"t{number}": {"a": number} for number in range(20)}
    names = "abcdef"
    sources = ", ".join(f"U AS {name}" for name in names)
    conditions = " AND ".join(f"{name}.k = 2" for name in names)
    assert len(ledger.run(f"SELECT * FROM {sources} WHERE {conditions}")) == 1
    assert ledger.workspace.reads == [("probe", "U", "k")] * 6
    assert len(ledger.run("SELECT * FROM U AS u, T AS t, T AS s WHERE u.list = 7")) == 0
    assert ledger.workspace.reads == [("scan", "U")]


# ---- history


def test_history_is_read_for_one_document_where_the_condition_names_it(ledger):
    ledger.workspace.revisions["T"] = [Row("t1", {"metadata": {"id": "t1"}}), Row("t2", {"metadata": {"id": "t2"}})]
    assert len(ledger.run("SELECT * FROM history(T) AS h WHERE h.metadata.id = ?", "t1")) == 1
    assert ledger.workspace.reads == [("history", "T", None, None, "t1")]
    assert len(ledger.run("SELECT * FROM history(T) AS h")) == 2


def test_history_takes_a_range(ledger):
    start, end = IonTimestamp((2020,), None, None), IonTimestamp((2021, 6, 1), None, None)
    ledger.run("SELECT * FROM history(T, `2020T`, ?) AS h", end)
    ledger.run("SELECT * FROM history(T, ?) AS h", start)
    assert ledger.workspace.reads == [("history", "T", start, None, None)]


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ("`2021T`, `2020T`", "after its end"),
        ("`2020T`, `2030T`", "in the future"),
        ("`2030T`", "after its end"),
        ("'2020'", "takes timestamps"),
        ("NULL, 5", "takes timestamps"),
        ("`2021-06-01T12:00:01Z`", "after its end"),
    ],
)
def test_a_range_of_history_must_be_one(ledger, bounds, message):
    with pytest.raises(StatementError, match=f"Evaluator Error.*{message}"):
        ledger.run(f"SELECT * FROM history(T, {bounds}) AS h")


def test_now_is_the_last_end_of_history(ledger):
    assert ledger.run("SELECT * FROM history(T, `2020T`, ?) AS h", NOW) == []


def test_a_dropped_table_has_history_by_its_id_alone(ledger):
    assert ledger.run("SELECT * FROM history('id-of-Old') AS h") == []
    for query in ("SELECT * FROM history(Old) AS h", "SELECT * FROM history('Old') AS h", "SELECT * FROM Old"):
        with pytest.raises(StatementError, match="No such table: Old"):
            ledger.run(query)


@pytest.mark.parametrize("query", ["history()", "history(1)", "history(T, 1, 2, 3)"])
def test_history_takes_a_table(ledger, query):
    with pytest.raises(StatementError, match="history takes"):
        ledger.run(f"SELECT * FROM {query} AS h")


def test_names_of_tables_are_exact_and_known_when_the_statement_is_read(ledger):
    for name in ("t", "t.items", "_ql_committed_X"):
        with pytest.raises(StatementError, match="No such table"):
            ledger.plan(f"SELECT * FROM T AS x, {name} AS y")


def test_the_tables_of_the_ledger_are_a_table(ledger):
    assert ledger.run("SELECT VALUE name FROM information_schema.user_tables WHERE status = 'ACTIVE'") == ["T", "U"]
