"""What hostile, careless and unlucky callers do to a ledger: the documented error, nothing half-done, and the ledger goes on."""

import enum
from collections import OrderedDict
from datetime import timedelta
from decimal import Decimal
from itertools import islice

import pytest

from counterfoil.errors import ClosedError, InputError, LimitError, StatementError
from counterfoil.ion import read_single
from counterfoil.journal import parse_block, verify_block
from counterfoil.ledger import transaction as transactions
from counterfoil.ledger.limits import Limits
from tests.ledgers import ToldClock, ledger_on, rows


@pytest.fixture(params=["memory", "sqlite"])
def kind(request):
    return request.param


@pytest.fixture
def ledger(kind, tmp_path):
    with ledger_on(kind, tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "CREATE INDEX ON T (k)")
        yield ledger


def verified(ledger):
    return [verify_block(parse_block(read_single(each))) for each in ledger.blocks(0, ledger.head.sequence_no + 1)]


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


# ---- values that are none --------------------------------------------------------------------------------------------


class Colour(enum.StrEnum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


CYCLE = []
CYCLE.append(CYCLE)
NO_VALUES = {
    "an object": object(),
    "a set": {1},
    "a function": len,
    "NaN as a decimal": Decimal("NaN"),
    "a huge exponent": Decimal("1e999999"),
    "a huge int": 1 << 100_000,
    "half a surrogate pair": "\ud800",
    "half a surrogate pair in a name": {"\ud800": 1},
    "a name that is no text": {1: 2},
    "too deep": nested(98),
    "far too deep": nested(5_000),
    "in itself": CYCLE,
    "too many names": {f"f{number}": 1 for number in range(66_000)},
}


@pytest.mark.parametrize("name", NO_VALUES)
def test_what_ion_cannot_say_is_refused_and_changes_nothing(ledger, name):
    before = ledger.digest()
    for text in ("INSERT INTO T {'k': ?}", "UPDATE T AS t SET t.k = ? WHERE t.k = 1"):
        with pytest.raises(InputError):
            ledger.execute(
                lambda tx, text=text: [tx.execute("INSERT INTO T {'k': 1}"), tx.execute(text, NO_VALUES[name])]
            )
    assert ledger.digest() == before
    assert rows(ledger, "SELECT * FROM T") == []


def test_subclasses_of_plain_types_are_plain_values(ledger):
    rows(ledger, "INSERT INTO T ?", OrderedDict(k=Colour.RED, n=Size.LARGE, t=(1, (2,)), b=bytearray(b"x")))
    (found,) = rows(ledger, "SELECT * FROM T AS t WHERE t.k = ?", Colour.RED)
    assert found == {"k": "red", "n": 3, "t": [1, [2]], "b": b"x"}
    assert {type(each) for each in found.values()} == {str, int, list, bytes}


@pytest.mark.parametrize("text", [None, 5, b"SELECT * FROM T", ["SELECT * FROM T"]])
def test_a_statement_that_is_no_text_is_refused(ledger, text):
    with pytest.raises(InputError, match="a statement is a text"):
        rows(ledger, text)


STRANGE = ["a\0b", "'", '"', "`", "é😀", "\u202e", "a" * 128, " ", "$1", "select", "%_", "\\", "a.b", "\n"]


@pytest.mark.parametrize("name", STRANGE)
def test_a_field_of_any_name_is_indexed_found_and_changed(ledger, name):
    quoted = '"' + name.replace('"', '""') + '"'
    rows(ledger, f"CREATE INDEX ON T ({quoted})")
    rows(ledger, "INSERT INTO T << ?, ? >>", {name: name}, {name: "other"})
    assert rows(ledger, f"SELECT VALUE t FROM T AS t WHERE t.{quoted} = ?", name) == [{name: name}]
    rows(ledger, f"UPDATE T AS t SET t.{quoted} = 2 WHERE t.{quoted} = ?", name)
    assert rows(ledger, f"SELECT VALUE t FROM T AS t WHERE t.{quoted} = 2") == [{name: 2}]
    assert rows(ledger, f"SELECT VALUE t.{quoted} FROM T AS t WHERE t.{quoted} = ?", name) == []


@pytest.mark.parametrize("name", ["a-b", "é", "1a", "a b", "a\0", '"', "x" * 129, ""])
def test_a_table_of_a_name_that_is_none_is_refused(ledger, name):
    with pytest.raises(StatementError):
        rows(ledger, 'CREATE TABLE "{}"'.format(name.replace('"', '""')))


def test_the_deepest_document_can_be_read_and_verified_and_a_deeper_one_is_refused(ledger):
    depth = next(depth for depth in range(105, 0, -1) if accepted(ledger, nested(depth)))
    assert depth > 90
    assert rows(ledger, "SELECT VALUE t.k FROM T AS t") == [nested(depth)]
    assert [each["data"] for each in rows(ledger, "SELECT h.data FROM history(T) AS h")] == [{"k": nested(depth)}]
    with pytest.raises(InputError, match="nested deeper"):
        rows(ledger, "UPDATE T AS t SET t.k = [t.k]")
    assert len(verified(ledger)) == ledger.head.sequence_no + 1


def accepted(ledger, value):
    try:
        return bool(rows(ledger, "INSERT INTO T ?", {"k": value}))
    except InputError:
        return False


def test_a_block_that_cannot_be_written_costs_nobody_else_anything(ledger):
    """Documents that can each be written, with more names than one block may have."""
    wide = [{f"{letter}{number}": 1 for number in range(40_000)} for letter in "ab"]
    other = ledger.begin()
    list(other.execute("INSERT INTO T {'k': 1}"))
    with pytest.raises(InputError, match="symbols"):
        rows(ledger, "INSERT INTO T ?", wide)
    other.commit()
    assert rows(ledger, "SELECT * FROM T") == [{"k": 1}]
    assert len(verified(ledger)) == ledger.head.sequence_no + 1


# ---- much ------------------------------------------------------------------------------------------------------------


def test_a_transaction_of_the_most_documents_is_one_block(ledger):
    rows(ledger, "INSERT INTO T ?", [{"k": number} for number in range(1_000)])
    assert len(verified(ledger)[-1].revisions) == 1_000
    with pytest.raises(LimitError, match="1000 documents"):
        rows(ledger, "INSERT INTO T ?", [{"k": number} for number in range(1_001)])
    assert rows(ledger, "SELECT COUNT(*) AS n FROM T") == [{"n": 1_000}]


def test_a_transaction_holds_no_more_bytes_than_it_may(kind, tmp_path):
    with ledger_on(kind, tmp_path, limits=Limits(transaction_bytes=10_000)) as ledger:
        rows(ledger, "CREATE TABLE T")
        transaction = ledger.begin()
        list(transaction.execute("INSERT INTO T ?", ({"v": "x" * 6_000},)))
        with pytest.raises(LimitError, match="10000 bytes"):
            transaction.execute("INSERT INTO T ?", ({"v": "x" * 6_000},))
        list(transaction.execute("UPDATE T AS t SET t.v = ?", ("y" * 9_000,)))
        list(transaction.execute("DELETE FROM T"))
        list(transaction.execute("INSERT INTO T ?", ({"v": "x" * 6_000},)))
        transaction.commit()
        assert [len(each["v"]) for each in rows(ledger, "SELECT t.v FROM T AS t")] == [6_000]


def test_the_texts_of_a_transaction_s_statements_are_bounded_too(kind, tmp_path):
    with ledger_on(kind, tmp_path, limits=Limits(transaction_bytes=10_000)) as ledger:
        transaction = ledger.begin()
        for _ in range(3):
            transaction.execute("SELECT VALUE 1 FROM <<1>> AS x --" + "x" * 3_000)
        with pytest.raises(LimitError, match="10000 characters"):
            transaction.execute("SELECT VALUE 1 FROM <<1>> AS x --" + "x" * 3_000)
        transaction.commit()
        assert len(verified(ledger)[-1].statements) == 3


def test_a_transaction_has_at_most_so_many_statements(kind, tmp_path):
    with ledger_on(kind, tmp_path, limits=Limits(statements_per_transaction=50)) as ledger:
        transaction = ledger.begin()
        for number in range(50):
            assert list(transaction.execute("SELECT VALUE ? FROM <<1>> AS x", (number,))) == [number]
        with pytest.raises(LimitError, match="50 statements"):
            transaction.execute("SELECT VALUE 1 FROM <<1>> AS x")
        transaction.commit()


def test_a_result_without_end_is_drawn_as_far_as_wanted_and_then_forgotten(ledger):
    """Ten billion rows: whoever lets go of them does not wait for them when something is changed."""
    rows(ledger, "INSERT INTO T ?", [{"k": number} for number in range(100)])
    transaction = ledger.begin()
    endless = transaction.execute("SELECT a.k FROM T AS a, T AS b, T AS c, T AS d, T AS e")
    assert len(list(islice(endless, 1_000))) == 1_000
    del endless
    list(transaction.execute("UPDATE T AS t SET t.v = 1 WHERE t.k = 1"))
    transaction.commit()


def test_rows_that_are_still_wanted_are_kept_up_to_a_limit_when_something_changes(ledger, monkeypatch):
    monkeypatch.setattr(transactions, "MAX_HELD_ROWS", 150)
    rows(ledger, "INSERT INTO T ?", [{"k": number} for number in range(100)])
    transaction = ledger.begin()
    few, many = transaction.execute("SELECT * FROM T"), transaction.execute("SELECT * FROM T AS a, T AS b")
    list(transaction.execute("DELETE FROM T"))
    assert len(list(few)) == 100
    assert len(list(islice(many, 150))) == 150
    with pytest.raises(LimitError, match="150 rows"):
        next(many)
    transaction.commit()


def test_rows_that_fail_fail_where_they_are_drawn(ledger):
    """And not in the statement that came in between."""
    rows(ledger, "INSERT INTO T << {'k': 1}, {'k': 0} >>")
    transaction = ledger.begin()
    drawn = transaction.execute("SELECT VALUE 1 / t.k FROM T AS t")
    list(transaction.execute("UPDATE T AS t SET t.k = 5"))
    with pytest.raises(StatementError, match="Division by zero"):
        list(drawn)
    with pytest.raises(StatementError, match="Division by zero"):
        next(drawn)
    transaction.commit()
    assert rows(ledger, "SELECT VALUE t.k FROM T AS t") == [5, 5]


def test_constructors_in_constructors_are_stopped_before_the_memory_is_full(ledger):
    tower = ", ".join(f"[[{', '.join([f'x{n}'] * 10)}]] AS x{n + 1}" for n in range(7))
    with pytest.raises(LimitError, match="elements and fields"):
        rows(ledger, f"SELECT VALUE x7 FROM [?] AS x0, {tower}", "z")
    tower = ", ".join(f"[x{n} || x{n} || x{n} || x{n}] AS x{n + 1}" for n in range(10))
    with pytest.raises(LimitError, match="characters"):
        rows(ledger, f"SELECT VALUE x10 FROM [?] AS x0, {tower}", "z" * 100)


# ---- time ------------------------------------------------------------------------------------------------------------


NEVER_A_ROW = [
    "SELECT * FROM T AS a, T AS b, T AS c, T AS d, T AS e, T AS f WHERE a.k + b.k + c.k + d.k + e.k + f.k = -1",
    "SELECT COUNT(*) FROM T AS a, T AS b, T AS c, T AS d, T AS e, T AS f",
    "SELECT * FROM history(T) AS a, history(T) AS b, history(T) AS c, history(T) AS d, history(T) AS e WHERE a.x + e.x = 1",
    "SELECT COUNT(*) FROM T AS t, ? AS a, ? AS b, ? AS c, ? AS d",
    "SELECT a FROM ? AS a, ? AS b, ? AS c, ? AS d, ? AS e ORDER BY e",
    "SELECT VALUE (SELECT COUNT(*) FROM ? AS b, ? AS c, ? AS d, ? AS e) FROM <<1>> AS a",
    "SELECT * FROM UNPIVOT ? AS a, UNPIVOT ? AS b, UNPIVOT ? AS c, UNPIVOT ? AS d WHERE a = 5",
    "DELETE FROM T AS t WHERE EXISTS(SELECT * FROM ? AS a, ? AS b, ? AS c, ? AS d WHERE a + d = -1)",
    "UPDATE T AS t SET t.k = (SELECT SUM(a) AS s FROM ? AS a, ? AS b, ? AS c, ? AS d)",
    "INSERT INTO T {'k': (SELECT COUNT(*) FROM ? AS a, ? AS b, ? AS c, ? AS d)}",
]


@pytest.mark.parametrize("text", NEVER_A_ROW)
def test_a_statement_that_does_not_end_ends_with_its_transaction_s_time(kind, tmp_path, text):
    clock = ToldClock()
    with ledger_on(kind, tmp_path, clock) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "INSERT INTO T ?", [{"k": number} for number in range(200)])
        many = {f"f{number}": number for number in range(200)} if "UNPIVOT" in text else list(range(200))
        clock.step = timedelta(milliseconds=200)
        transaction = ledger.begin()
        with pytest.raises(ClosedError, match=r"Transaction .* has expired"):
            list(transaction.execute(text, [many] * text.count("?")))
        assert transaction.ended
        assert rows(ledger, "SELECT COUNT(*) AS n FROM T") == [{"n": 200}]


def test_a_pattern_that_would_be_compared_for_minutes_is_refused(ledger):
    assert rows(ledger, "SELECT VALUE x LIKE ? FROM [?] AS x", "%" + "a" * 9_000 + "b%", "a" * 1_000_000) == [False]
    assert rows(ledger, "SELECT VALUE x LIKE ? FROM [?] AS x", "%_b%", "a" * 1_000_000 + "ab") == [True]
    with pytest.raises(StatementError, match="too long"):
        rows(ledger, "SELECT VALUE x LIKE ? FROM [?] AS x", "%_" + "a" * 9_000 + "b%", "a" * 1_000_000)


def test_the_largest_counts_are_counts(ledger):
    rows(ledger, "INSERT INTO T {'k': 1}")
    most = str(2**62)
    assert rows(ledger, f"SELECT * FROM T LIMIT {most}") == [{"k": 1}]
    assert rows(ledger, f"SELECT * FROM T LIMIT {most} OFFSET {most}") == []


def test_a_statement_has_one_time_however_late_its_rows_are_drawn(kind, tmp_path):
    clock = ToldClock()
    with ledger_on(kind, tmp_path, clock) as ledger:
        transaction = ledger.begin()
        first = transaction.execute("SELECT VALUE UTCNOW() FROM << 1, 2 >> AS x")
        began = next(first)
        clock.now += timedelta(seconds=1)
        later = list(transaction.execute("SELECT VALUE UTCNOW() FROM <<1>> AS x"))
        assert list(first) == [began]
        assert later != [began]


# ---- a clock that goes back ------------------------------------------------------------------------------------------


def test_a_clock_that_goes_back_an_hour_ends_open_transactions_and_leaves_history_in_order(kind, tmp_path):
    clock = ToldClock(step=timedelta(milliseconds=1))
    with ledger_on(kind, tmp_path, clock) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "INSERT INTO T {'k': 0}")
        old = [ledger.begin() for _ in range(3)]
        clock.now -= timedelta(hours=1)
        with pytest.raises(ClosedError):
            old[0].execute("SELECT * FROM T")
        for number in range(1, 5):
            rows(ledger, "UPDATE T AS t SET t.k = ?", number)
        assert all(each.ended for each in old)
        assert ledger._open == {}
        found = rows(ledger, "SELECT h.metadata.txTime, h.metadata.version FROM history(T) AS h")
        times = [each["txTime"].to_datetime() for each in sorted(found, key=lambda each: each["version"])]
        assert times == sorted(times)
        assert len(times) == 5


def test_a_transaction_that_nobody_ends_is_let_go_of_when_the_next_ones_begin(kind, tmp_path):
    clock = ToldClock()
    with ledger_on(kind, tmp_path, clock) as ledger:
        forgotten = [ledger.begin() for _ in range(5)]
        clock.now += timedelta(seconds=32)
        ledger.begin().abort()
        assert all(each.ended for each in forgotten)
        assert ledger._open == {}
