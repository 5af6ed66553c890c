"""Queries over values and tables: names, projections, grouping, order. Extensions to QLDB's dialect included."""

import pytest

from counterfoil.errors import LimitError, StatementError
from counterfoil.partiql import compile_grouping, compile_queries
from counterfoil.partiql.compiler import compile_statement, evaluate
from counterfoil.partiql.parser import parse
from counterfoil.partiql.values import MISSING, Bag
from tests.partiql_workspace import MemoryCatalogue, MemoryLedger

WORLD = {
    "people": [
        {"name": "Ada", "age": 36, "pets": [{"kind": "cat"}, {"kind": "owl"}]},
        {"name": "Bo", "age": 7, "pets": []},
        {"name": "Cy"},
    ],
    "towns": [{"town": "Ulm", "mayor": "Ada"}],
}

GIVES = [
    ("SELECT name FROM people WHERE age > 10", [{"name": "Ada"}]),
    ("SELECT p.age FROM people AS p", [{"age": 36}, {"age": 7}, {}]),
    ("SELECT age + 1, 'x', name AS n FROM people WHERE name = 'Bo'", [{"_1": 8, "_2": "x", "n": "Bo"}]),
    ("SELECT VALUE name FROM people", ["Ada", "Bo", "Cy"]),
    ("SELECT VALUE x.kind FROM people AS p, p.pets AS x", ["cat", "owl", MISSING]),
    ("SELECT VALUE [x.kind, i] FROM people AS p, @p.pets AS x AT i WHERE i > 0", [["owl", 1]]),
    ("SELECT p.name, t.town FROM people AS p, towns AS t WHERE p.name = t.mayor", [{"name": "Ada", "town": "Ulm"}]),
    ("SELECT name, town FROM people INNER JOIN towns ON name = mayor", [{"name": "Ada", "town": "Ulm"}]),
    ("SELECT p.name, (SELECT VALUE x.kind FROM p.pets AS x) AS k FROM people AS p WHERE age = 7", [{"name": "Bo", "k": Bag()}]),
    ("SELECT * FROM towns AS t, <<1>> AS one", [{"town": "Ulm", "mayor": "Ada", "_3": 1}]),
    ("SELECT t.*, 5 AS five FROM towns AS t", [{"town": "Ulm", "mayor": "Ada", "five": 5}]),
    ("SELECT v, n FROM UNPIVOT {'a': 1, 'b': 2} AS v AT n", [{"v": 1, "n": "a"}, {"v": 2, "n": "b"}]),
    ("SELECT COUNT(*), COUNT(age), SUM(age), MIN(age), MAX(name) FROM people", [{"_1": 3, "_2": 2, "_3": 43, "_4": 7, "_5": "Cy"}]),
    ("SELECT COUNT(*) AS n, SUM(age) AS s FROM people WHERE age > 99", [{"n": 0, "s": None}]),
    ("SELECT VALUE COUNT(*) FROM people", [3]),
    ("SELECT age, COUNT(*) AS n FROM people GROUP BY age HAVING COUNT(*) = 1 AND age > 7", [{"age": 36, "n": 1}]),
    ("SELECT k, COUNT(*) AS n FROM <<1, 1.0, NULL, MISSING, 'a', `a`>> AS x GROUP BY x AS k", [{"k": 1, "n": 2}, {"k": None, "n": 2}, {"k": "a", "n": 2}]),  # noqa: E501 - one case, one line
    ("SELECT p.age + 1 AS nxt FROM people AS p WHERE age > 7 GROUP BY p.age + 1", [{"nxt": 37}]),
    ("SELECT VALUE g FROM towns AS t GROUP BY t.town GROUP AS g", [Bag([{"t": {"town": "Ulm", "mayor": "Ada"}}])]),
    ("SELECT DISTINCT VALUE x FROM <<1, 1.0, `1e0`, 'b', `b`>> AS x", [1, "b"]),
    ("SELECT name FROM people WHERE name IN (SELECT mayor FROM towns)", [{"name": "Ada"}]),
    ("SELECT name FROM people WHERE age = (SELECT MAX(age) FROM people)", [{"name": "Ada"}]),
    ("SELECT name FROM people AS p WHERE EXISTS(SELECT * FROM towns AS t WHERE t.mayor = p.name)", [{"name": "Ada"}]),
    ("SELECT t FROM people AS p, towns AS t WHERE p.age = 7", [{"t": {"town": "Ulm", "mayor": "Ada"}}]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), GIVES)
def test_a_query_gives_a_bag_of(query, expected):
    rows = evaluate(query, WORLD)
    assert type(rows) is Bag
    assert rows == expected


ORDERED = [
    ("SELECT VALUE name FROM people ORDER BY age", ["Bo", "Ada", "Cy"]),
    ("SELECT VALUE name FROM people ORDER BY age DESC", ["Cy", "Ada", "Bo"]),
    ("SELECT VALUE name FROM people ORDER BY age DESC NULLS LAST", ["Ada", "Bo", "Cy"]),
    ("SELECT VALUE name FROM people ORDER BY age NULLS FIRST LIMIT 2", ["Cy", "Bo"]),
    ("SELECT VALUE name FROM people ORDER BY name LIMIT 1 OFFSET 1", ["Bo"]),
    ("SELECT -age AS minus FROM people WHERE age > 0 ORDER BY minus", [{"minus": -36}, {"minus": -7}]),
    ("SELECT a, COUNT(*) AS n FROM <<1, 2, 2>> AS x GROUP BY x AS a ORDER BY n DESC", [{"a": 2, "n": 2}, {"a": 1, "n": 1}]),
    ("SELECT VALUE [x, y] FROM <<2, 1>> AS x, <<2, 1>> AS y ORDER BY x DESC, y", [[2, 1], [2, 2], [1, 1], [1, 2]]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), ORDERED)
def test_an_ordered_query_gives_a_list(query, expected):
    rows = evaluate(query, WORLD)
    assert type(rows) is list
    assert rows == expected


def test_pivot_makes_a_struct_and_leaves_out_what_has_no_name():
    assert evaluate("PIVOT x.v AT x.n FROM <<{'n': 'a', 'v': 1}, {'n': 2, 'v': 3}, {'n': 'b'}>> AS x") == {"a": 1}


REFUSED = [
    ("SELECT * FROM nowhere", "No such table: nowhere"),
    ("SELECT * FROM nowhere.inside", "No such table: nowhere"),
    ("SELECT name FROM people GROUP BY age", "No such variable: name"),
    ("SELECT p.name FROM people AS p GROUP BY p.age", "p is neither grouped nor aggregated"),
    ("SELECT name, COUNT(*) FROM people", "No such variable: name"),
    ("SELECT COUNT(*) FROM people HAVING COUNT(*) > 1", "HAVING needs GROUP BY"),
    ("SELECT * FROM people WHERE name", "true or false"),
    ("SELECT * FROM people LIMIT -1", "at least 0"),
    ("SELECT * FROM people LIMIT 'a'", "needs an int"),
    ("SELECT * FROM people WHERE age = (SELECT age FROM people)", "3 rows"),
    ("SELECT VALUE SUM(age) FROM people", "needs a collection here"),
    ("SELECT age FROM `[{age: 1, age: 2}]`", "more than once"),
]


@pytest.mark.parametrize(("query", "message"), REFUSED)
def test_a_query_is_refused(query, message):
    with pytest.raises(StatementError, match=message):
        evaluate(query, WORLD)


def test_variables_come_before_fields_of_the_same_name():
    assert evaluate("SELECT VALUE a FROM <<{'a': 1}>> AS a") == [{"a": 1}]
    assert evaluate("SELECT VALUE a FROM <<{'a': 1}>> AS x", {"a": 5}) == [1]
    assert evaluate("SELECT VALUE a FROM <<{'b': 1}>> AS x", {"a": 5}) == [5]


def test_only_so_many_rows_are_held(monkeypatch):
    monkeypatch.setattr(compile_queries, "MAX_HELD_ROWS", 2)
    monkeypatch.setattr(compile_grouping, "MAX_HELD_ROWS", 2)
    for query in (
        "SELECT VALUE x FROM [1, 2, 3] AS x ORDER BY x",
        "SELECT DISTINCT VALUE x FROM [1, 2, 3] AS x",
        "SELECT k FROM [1, 2, 3] AS x GROUP BY x AS k",
        "SELECT k, g FROM [1, 1, 1] AS x GROUP BY x AS k GROUP AS g",
        "SIZE(SELECT VALUE x FROM [1, 2, 3] AS x)",
    ):
        with pytest.raises(LimitError, match="2 "):
            evaluate(query)


def test_rows_are_made_one_by_one_as_they_are_asked_for():
    ledger = MemoryLedger(T=[])
    ledger.workspace.documents["T"] = {"1": {"a": 1}, "2": {"a": 0}}
    rows = ledger.plan("SELECT 1 / a AS x FROM T").run(ledger.workspace)
    assert next(rows) == {"x": 1}
    with pytest.raises(StatementError, match="Division by zero"):
        next(rows)


def test_rows_of_a_ledger_are_plain_ion():
    ledger = MemoryLedger(T=[])
    ledger.workspace.documents["T"] = {"1": {"a": [1]}}
    assert ledger.run("SELECT <<a, MISSING>> AS x, MISSING AS y FROM T") == [{"x": [[1], None]}]
    assert ledger.run("SELECT VALUE b FROM T") == []
    assert ledger.run("<<1, <<2>>, MISSING>>") == [[1, [2], None]]
    assert ledger.run("MISSING") == []
    assert type(ledger.run("SELECT (SELECT VALUE t FROM T AS t) AS x FROM T")[0]["x"]) is list


def test_functions_of_the_transaction():
    ledger = MemoryLedger()
    assert ledger.run("TXID()") == [ledger.workspace.transaction_id]
    assert ledger.run("SELECT VALUE UTCNOW() FROM <<1>> AS x") == [ledger.workspace.now]


def test_a_plan_says_what_it_does_to_which_table():
    catalogue = MemoryCatalogue({"T": ["a"], "U": []})
    actions = {
        text: sorted(
            (action.name, table) for action, table in compile_statement(parse(text).statement, catalogue).actions
        )
        for text in (
            "SELECT * FROM T, U",
            "SELECT * FROM history(T) AS h",
            "INSERT INTO T VALUE {'a': (SELECT VALUE u FROM U AS u)}",
            "UPDATE T SET a = 1 WHERE a IN (SELECT VALUE t.a FROM T AS t)",
            "DELETE FROM T",
            "FROM T AS t REMOVE t",
        )
    }
    assert list(actions.values()) == [
        [("SELECT", "id-of-T"), ("SELECT", "id-of-U")],
        [("HISTORY", "id-of-T")],
        [("INSERT", "id-of-T"), ("SELECT", "id-of-U")],
        [("SELECT", "id-of-T"), ("UPDATE", "id-of-T")],
        [("DELETE", "id-of-T")],
        [("DELETE", "id-of-T")],
    ]


def test_a_statement_without_all_its_parameters_is_refused():
    with pytest.raises(StatementError, match="1 parameters for a statement that needs 2"):
        MemoryLedger(T=[]).run("SELECT * FROM T WHERE a = ? OR b = ?", 1)
