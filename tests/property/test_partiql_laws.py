"""Laws of the evaluator: an index changes no answer, three-valued logic, LIKE, dates and groups against models told otherwise."""

import copy
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import InputError, StatementError
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.partiql.compiler import evaluate
from counterfoil.partiql.equality import identity, same
from counterfoil.partiql.kinds import is_unknown
from counterfoil.partiql.ordering import sort_key
from counterfoil.partiql.values import MISSING
from tests.partiql_values import documents, names, values
from tests.partiql_workspace import MemoryLedger

several = st.lists(documents, max_size=4)

# ---- an index changes no answer ----------------------------------------------------------------------------------------

terms = st.sampled_from(
    ["t.b.a", "t.a", "u.a", "t.b", "u.b", "t.c", "?", "1", "'a'", "a", "id", "t['a']", "(SELECT VALUE x.b FROM U AS x)"]
)
comparisons = st.one_of(
    st.builds("{} = {}".format, terms, terms),
    st.builds("{} IN ({}, {})".format, terms, terms, terms),
    st.builds("{} <> {}".format, terms, terms),
    st.builds("{} IS NULL".format, terms),
    st.builds("EXISTS(SELECT * FROM U AS w WHERE w.a = {})".format, terms),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=4,
)
FORMS = [
    "SELECT VALUE [t, id] FROM T AS t BY id WHERE {}",
    "SELECT VALUE [t, u] FROM T AS t BY id, U AS u WHERE {}",
    "SELECT VALUE [t, u] FROM U AS u JOIN T AS t BY id ON {}",
    "SELECT VALUE [t, u, x] FROM U AS u, T AS t BY id, t.b AS x WHERE {}",
    "SELECT VALUE [t, c.data] FROM T AS t BY id, _ql_committed_U AS c WHERE c.data.a = t.a AND {}",
    "SELECT VALUE [t, c.data] FROM T AS t BY id, _ql_committed_U AS c WHERE c.metadata.id = t.a OR {}",
]


def ledger_of(found, others, indexed):
    ledger = MemoryLedger(T=["a", "b"], U=["a", "b"]) if indexed else MemoryLedger(T=[], U=[])
    ledger.workspace.documents["T"] = {f"T-{number}": document for number, document in enumerate(found)}
    ledger.workspace.documents["U"] = {f"U-{number}": document for number, document in enumerate(others)}
    return ledger


@given(st.sampled_from(FORMS), conditions, several, several, values)
def test_an_index_changes_no_answer(form, condition, found, others, parameter):
    text = form.format(condition)
    answers = []
    for indexed in (False, True):
        try:
            rows = ledger_of(found, others, indexed=indexed).run(text, *[parameter] * text.count("?"))
            answers.append(Counter(map(identity, rows)))
        except InputError:
            answers.append(None)
    if answers[0] is not None:
        assert answers[1] == answers[0]


@given(st.sampled_from(FORMS[1:4]), conditions, several, several, values)
def test_a_query_of_tables_answers_as_one_of_plain_values(form, condition, found, others, parameter):
    text = form.replace(" BY id", "").format(condition.replace("id", "t.c"))
    answers = []
    for run in (
        lambda parameters: ledger_of(found, others, indexed=True).run(text, *parameters),
        lambda parameters: evaluate(text, {"T": found, "U": others}, tuple(parameters)),
    ):
        try:
            answers.append(Counter(map(identity, run([parameter] * text.count("?")))))
        except InputError:
            answers.append(None)
    if None not in answers:
        assert answers[0] == answers[1]


# ---- logic of three values ---------------------------------------------------------------------------------------------

truths = st.sampled_from([True, False, None, MISSING])


def value(text, *parameters):
    return evaluate(text, parameters=parameters)


@given(truths, truths, truths)
def test_the_laws_of_three_valued_logic(a, b, c):
    assert value("NOT (? AND ?)", a, b) is value("NOT ? OR NOT ?", a, b)
    assert value("NOT (? OR ?)", a, b) is value("NOT ? AND NOT ?", a, b)
    assert value("? AND ?", a, b) is value("? AND ?", b, a)
    assert value("? OR ? AND ?", a, b, c) is value("(? OR ?) AND (? OR ?)", a, b, a, c)
    assert value("(? AND ?) IS NULL", a, b) is (value("? AND ?", a, b) is None)
    kleene = {True: 1.0, False: 0.0, None: 0.5, MISSING: 0.5}
    back = {1.0: True, 0.0: False, 0.5: None}
    assert value("? AND ?", a, b) is back[min(kleene[a], kleene[b])]
    assert value("? OR ?", a, b) is back[max(kleene[a], kleene[b])]
    assert value("NOT ?", a) is back[1 - kleene[a]]


numbers = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([0.5, -0.0, 2.0]))


@given(numbers, numbers, numbers)
def test_between_and_in_are_what_they_are_short_for(x, low, high):
    if None not in {low, high}:
        assert value("? BETWEEN ? AND ?", x, low, high) is value("? >= ? AND ? <= ?", x, low, x, high)
    assert value("? NOT BETWEEN ? AND ?", x, low, high) is value("NOT (? BETWEEN ? AND ?)", x, low, high)
    assert value("? IN (?, ?)", x, low, high) is value("? = ? OR ? = ?", x, low, x, high)
    assert value("? NOT IN (?, ?)", x, low, high) is value("NOT (? IN (?, ?))", x, low, high)
    assert value("? <> ?", x, low) is value("NOT (? = ?)", x, low)
    assert value("? < ?", x, low) is value("NOT (? >= ?)", x, low)
    assert value("NULLIF(?, ?)", x, low) == (None if x is not None and x == low else x)
    assert value("CASE ? WHEN ? THEN 1 ELSE 2 END", x, low) == (1 if value("? = ?", x, low) else 2)


# ---- LIKE --------------------------------------------------------------------------------------------------------------

patterns = st.text("ab%_!\n.", max_size=8)


def by_regular_expression(text, pattern):
    """``None`` where the escape stands before what it may not."""
    parts = []
    characters = iter(pattern)
    for character in characters:
        if character == "!":
            escaped = next(characters, "")
            if escaped not in {"%", "_", "!"}:
                return None
            parts.append(re.escape(escaped))
        else:
            parts.append({"%": ".*", "_": "."}.get(character, re.escape(character)))
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


@st.composite
def texts_with_patterns(draw):
    """A text, and a pattern made from it, which it is like or nearly so."""
    text = draw(st.text("ab\n", max_size=7))
    pieces = [draw(st.sampled_from([each, each, each, "_", "%", each + "%", "%" + each, ""])) for each in text]
    return text, "".join(pieces) + draw(st.sampled_from(["", "", "%", "b", "ab"]))


@given(texts_with_patterns() | st.tuples(st.text("ab%_!\n.", max_size=8), patterns))
def test_like_is_the_regular_expression_that_it_says(both):
    text, pattern = both
    expected = by_regular_expression(text, pattern)
    if expected is not None:
        assert value("? LIKE ? ESCAPE '!'", text, pattern) is expected
        assert value("? NOT LIKE ? ESCAPE '!'", text, pattern) is not expected
    if "!" not in pattern:
        assert value("? LIKE ?", text, pattern) is expected


# ---- dates -------------------------------------------------------------------------------------------------------------

BEGIN = datetime(1900, 1, 1, tzinfo=UTC)
moments = st.integers(0, 300 * 366 * 86_400).map(lambda seconds: BEGIN + timedelta(seconds=seconds))
offsets = st.sampled_from([None, 0, 60, -330, 839])


def stamp(moment, offset=0):
    return IonTimestamp(moment.timetuple()[:6], None, offset)


@given(moments, offsets, st.integers(-100_000, 100_000), st.sampled_from(["second", "minute", "hour", "day"]))
def test_what_is_added_to_a_time_is_what_datetime_adds(moment, offset, quantity, part):
    later = value(f"DATE_ADD({part}, ?, ?)", quantity, stamp(moment, offset))
    expected = moment + timedelta(**{f"{part}s": quantity})
    assert later == stamp(expected, offset)
    assert value(f"DATE_DIFF({part}, ?, ?)", stamp(moment, offset), later) == quantity
    assert value(f"DATE_DIFF({part}, ?, ?)", later, stamp(moment, offset)) == -quantity


@given(moments, st.integers(-1_000, 1_000))
def test_months_are_added_by_the_calendar(moment, months):
    later = value("DATE_ADD(month, ?, ?)", months, stamp(moment)).to_datetime()
    assert (later.year * 12 + later.month) - (moment.year * 12 + moment.month) == months
    following = later + timedelta(days=1)
    assert later.day == moment.day or (later.day < moment.day and following.month != later.month)
    assert later.time() == moment.time()
    if later.day == moment.day:
        assert value("DATE_DIFF(month, ?, ?)", stamp(moment), stamp(later)) == months


@given(moments, st.sampled_from([0, 60, -330, 839]))
def test_the_parts_of_a_time_are_those_of_its_own_clock(moment, offset):
    shown = moment + timedelta(minutes=offset)
    for part in ("year", "month", "day", "hour", "minute", "second"):
        assert value(f"EXTRACT({part} FROM ?)", stamp(moment, offset)) == getattr(shown, part)


# ---- casts -------------------------------------------------------------------------------------------------------------


@given(st.integers(-(2**63), 2**63 - 1), st.booleans())
def test_what_is_cast_to_text_and_back_is_the_same(number, truth):
    for kind in ("INT", "DECIMAL"):
        assert value(f"CAST(CAST(? AS STRING) AS {kind})", number) == number
    assert value("CAST(CAST(? AS STRING) AS BOOL)", truth) is truth
    assert value("CAST(? AS INT)", truth) == int(truth)
    assert value("CAST(CAST(? AS DECIMAL) AS INT)", number) == number


@pytest.mark.parametrize("text", ["", "a", "1a", "1.5", "0x", "--1", "1 ", "\uff19", "9223372036854775808", "1e3"])
def test_a_text_that_is_no_int_is_not_cast_to_one(text):
    with pytest.raises(StatementError):
        value("CAST(? AS INT)", text)


@given(
    values,
    st.sampled_from(
        [
            "BOOL",
            "INT",
            "FLOAT",
            "DECIMAL",
            "STRING",
            "SYMBOL",
            "TIMESTAMP",
            "LIST",
            "SEXP",
            "BAG",
            "STRUCT",
            "CLOB",
            "BLOB",
        ]
    ),
)
def test_a_cast_gives_the_type_it_names_or_fails(found, kind):
    try:
        cast = value(f"CAST(? AS {kind})", found)
    except StatementError:
        return
    assert is_unknown(cast) == is_unknown(found)
    assert is_unknown(cast) or value(f"? IS {kind}", cast) is True
    again = value(f"CAST(? AS {kind})", cast)
    assert same(again, cast)


# ---- groups and order --------------------------------------------------------------------------------------------------


@given(st.lists(values, max_size=8))
def test_groups_and_distinct_rows_are_the_classes_of_equality(found):
    classes = []
    for each in found:
        if not any(same(each, other) for other in classes):
            classes.append(each)
    assert len(value("SELECT DISTINCT VALUE x FROM ? AS x", found)) == len(classes)
    groups = value("SELECT k, COUNT(*) AS n FROM ? AS x GROUP BY x AS k", found)
    assert len(groups) == len(classes)
    assert sum(each["n"] for each in groups) == len(found)
    assert value("COUNT(DISTINCT ?)", found) == sum(not is_unknown(each) for each in classes)


@given(st.lists(values, max_size=8))
def test_rows_are_in_order_and_none_is_lost(found):
    up = value("SELECT VALUE x FROM ? AS x ORDER BY x NULLS FIRST", found)
    assert [sort_key(each) for each in up] == sorted(map(sort_key, found))
    down = value("SELECT VALUE x FROM ? AS x ORDER BY x DESC NULLS LAST", found)
    assert [sort_key(each) for each in down] == sorted(map(sort_key, found), reverse=True)
    page = value("SELECT VALUE x FROM ? AS x ORDER BY x NULLS FIRST LIMIT 3 OFFSET 1", found)
    assert page == up[1:4]
    for ending, place in (("", -1), (" DESC", 0)):
        ordered = value(f"SELECT VALUE x FROM ? AS x ORDER BY x{ending}", found)
        if any(map(is_unknown, found)):
            assert is_unknown(ordered[place])


# ---- changes -----------------------------------------------------------------------------------------------------------

paths = st.lists(names | st.integers(0, 2), min_size=1, max_size=3).filter(lambda path: isinstance(path[0], str))
plain = st.recursive(
    st.integers(0, 9) | st.none() | st.just("s"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def written(path):
    return "t" + "".join(f".{step}" if isinstance(step, str) else f"[{step}]" for step in path)


def set_in(container, path, new):
    """The change carried out in place on a copy; ``LookupError`` where it cannot be."""
    step, *rest = path
    if isinstance(step, str):
        if type(container) is not dict:
            raise LookupError(step)
        if rest and step not in container:
            container[step] = {}
    elif not isinstance(container, list) or step >= len(container):
        raise LookupError(step)
    if rest:
        set_in(container[step], rest, new)
    else:
        container[step] = new


@given(st.dictionaries(names, plain, max_size=3), st.lists(st.tuples(paths, plain), min_size=1, max_size=3))
def test_a_change_of_paths_is_that_of_a_copy_and_leaves_the_document_as_it_was(document, changes):
    before, expected = copy.deepcopy(document), copy.deepcopy(document)
    ledger = ledger_of([document], [], indexed=True)
    text = "UPDATE T AS t SET " + ", ".join(f"{written(path)} = ?" for path, _ in changes)
    try:
        for path, new in changes:
            set_in(expected, path, copy.deepcopy(new))
    except LookupError:
        expected = None
    try:
        ledger.run(text, *[new for _, new in changes])
        assert ledger.documents("T") == [expected]
    except StatementError:
        assert expected is None
        assert ledger.documents("T") == [before]
    assert document == before


@given(st.dictionaries(names, plain, max_size=3), paths)
def test_what_is_removed_is_gone_and_nothing_else(document, path):
    before, expected = copy.deepcopy(document), copy.deepcopy(document)
    ledger = ledger_of([document], [], indexed=True)
    try:
        place = expected
        for step in path[:-1]:
            place = place[step]
        if isinstance(place, dict if isinstance(path[-1], str) else list):
            del place[path[-1]]
    except (LookupError, TypeError):
        pass
    ledger.run(f"UPDATE T AS t REMOVE {written(path)}")
    assert ledger.documents("T") == [expected]
    assert document == before


def test_right_hand_sides_see_the_document_as_it_was():
    ledger = ledger_of([{"a": 1, "b": 2}], [], indexed=True)
    ledger.run("UPDATE T AS t SET t.a = t.b, t.b = t.a, t.c = [t.a, b]")
    assert ledger.documents("T") == [{"a": 2, "b": 1, "c": [1, 2]}]
