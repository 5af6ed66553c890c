"""PartiQL's own test scripts, of the engine that QLDB had: 2,959 cases, nearly all of which must give what they say."""

import pytest

from counterfoil.errors import InputError
from counterfoil.partiql.compiler import evaluate
from tests.partiql_suite import FAILS, alike, read_script

OUTER = "outer joins are not in QLDB's dialect"
EXACT = "QLDB compares names exactly"
QUOTES = "the script's own quotes are misplaced, so that it expects a field that its data do not have"

# Cases that do not give what the script says, and why not. One that does is a mistake in this table.
EXCEPTIONS = {
    "case-sensitivity/path-expressions.sqlts": {
        "dotted path expression with unquoted identifiers accesses field UNAMBIGUOUS_FIELD (uppercase)": EXACT,
        "subscript with variable in uppercase": EXACT,
        "subscript with variable in mixed case": EXACT,
        "path expression with table alias in uppercase": EXACT,
        "path expression with table alias in lowercase": EXACT,
        "path expression with ambiguous table alias (lowercase)": EXACT,
    },
    "regression/repeated-field-on-struct.sqlts": {"repeated field on struct is ambiguous #1": EXACT},
    "ported/mysql/select.sqlts": {"MYSQL_SELECT_24": OUTER, "MYSQL_SELECT_25": OUTER, "MYSQL_SELECT_26": OUTER},
    "ported/mysql/select_bugs.sqlts": {"MYSQL_SELECT_BUG_01": OUTER, "MYSQL_SELECT_BUG_02": OUTER},
    "ported/pg/join.sqlts": {
        "PG_JOIN_04": OUTER,
        "PG_JOIN_05": OUTER,
        "PG_JOIN_06": "the script expects a field id where its data have name",
        "PG_JOIN_07": OUTER,
        "PG_JOIN_09": OUTER,
    },
    "select/select-from/select-star.sqlts": {
        "Two alias.* on a single table": QUOTES,
        "Doubled alias.* with multiple tables": QUOTES,
    },
}

SCRIPTS = [
    "binding/empty-symbol",
    *(f"builtin-aggregations-functions/{name}" for name in ("avg", "count", "max", "min", "sum")),
    *(
        f"builtin-functions/{name}"
        for name in (
            "char_length",
            "coalesce",
            "date_add",
            "date_diff",
            "exists",
            "extract",
            "lower",
            "nullif",
            "size",
            "substring",
            "to_string",
            "to_timestamp",
            "trim",
            "upper",
        )
    ),
    "case-sensitivity/path-expressions",
    *(f"cast/cast-to-{name}" for name in ("int", "missing", "null")),
    "group-by/simple-group-by",
    "join/join-with-condition",
    "operators/concat",
    *(f"ported/{name}" for name in ("mysql/select", "mysql/select_bugs", "pg/int8", "pg/join", "pg/select")),
    *(f"primitive-types/{name}" for name in ("bool", "int", "naughty-strings", "null", "string")),
    *(f"regression/{name}" for name in ("empty-string-for-like-pattern", "repeated-field-on-struct")),
    *(
        f"select/{name}"
        for name in ("select-from-where/like", "select-from/select-distinct", "select-from/select-star")
    ),
    "select/select-value/select-distinct-value",
    "single_working",
]


@pytest.fixture(scope="module")
def scripts(shared_vectors):
    return shared_vectors / "partiql" / "pts-kotlin-v0.2.7" / "test-scripts"


def gives_what_it_should(case):
    """Whether the case is as the script says; only our own errors count as a refusal."""
    try:
        value = evaluate(case.statement, case.environment)
    except InputError:
        return case.expected is FAILS
    return case.expected is not FAILS and alike(value, case.expected)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_case_of_the_script_gives_what_it_says(scripts, script):
    exceptions = EXCEPTIONS.get(f"{script}.sqlts", {})
    cases = read_script(scripts / f"{script}.sqlts")
    surprises = [case.name for case in cases if gives_what_it_should(case) is (case.name in exceptions)]
    assert surprises == []


def test_no_script_and_no_exception_is_overlooked(scripts):
    there = {str(path.relative_to(scripts)) for path in scripts.rglob("*.sqlts")}
    assert there == {f"{script}.sqlts" for script in SCRIPTS}
    assert all(
        exceptions.keys() <= {case.name for case in read_script(scripts / script)}
        for script, exceptions in EXCEPTIONS.items()
    )
