"""Statements that take a moment only: carried out at once or not begun, and in either case as they would be otherwise."""

import pytest

from counterfoil.errors import DeferredError, StatementError
from counterfoil.ledger.workspace import BRIEF_BYTES, BRIEF_READS
from tests.ledgers import ledger_on, online, rows

POINT = "SELECT VALUE t.v FROM T AS t WHERE t.k = ?"
SET = "UPDATE T AS t SET t.v = ? WHERE t.k = ?"
ADD = "INSERT INTO T ?"


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request, tmp_path):
    with ledger_on(request.param, tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "CREATE INDEX ON T (k)")
        online(ledger)
        rows(ledger, "INSERT INTO T << {'k': 1, 'v': 'a'}, {'k': 2, 'v': 'b'} >>")
        rows(ledger, POINT, 1)
        rows(ledger, SET, "a", 1)
        rows(ledger, ADD, {"k": 3, "v": "c"})
        yield ledger


def state(opened):
    """What a statement that was not begun may not have touched."""
    return (opened.commit_digest, len(opened._statements), opened.workspace.documents, dict(opened._unfinished))


def deferred(opened, text, *parameters):
    before = state(opened)
    with pytest.raises(DeferredError):
        opened.execute_in_brief(text, parameters)
    assert state(opened) == before
    return opened


def test_a_transaction_in_brief_is_the_transaction(ledger):
    work = [(POINT, (1,)), (SET, ("x", 1)), (POINT, (1,)), (ADD, ({"k": 9, "v": "z"},)), (POINT, (9,)), (SET, ("y", 7))]
    answers, digests = [], []
    for name in ("execute", "execute_in_brief"):
        opened = ledger.begin()
        opened.commit_digest = ledger.begin().commit_digest.__class__(
            bytes(32)
        )  # ids differ, and with them the first digest
        found = [list(getattr(opened, name)(text, parameters)) for text, parameters in work]
        answers.append([found[0], len(found[1]), found[2], len(found[3]), found[4], found[5]])
        digests.append(opened.commit_digest)
        opened.abort()
    assert answers[0] == answers[1] == [["a"], 1, ["x"], 1, ["z"], []]
    assert digests[0] == digests[1]


def test_what_was_changed_in_brief_is_committed(ledger):
    opened = ledger.begin()
    opened.execute_in_brief(SET, ("x", 1))
    opened.execute_in_brief(ADD, ({"k": 4, "v": "d"},))
    address = opened.commit()
    assert address is not None
    assert rows(ledger, "SELECT VALUE t.v FROM T AS t") == rows(ledger, "SELECT VALUE t.v FROM T AS t")
    assert sorted(rows(ledger, "SELECT VALUE t.v FROM T AS t")) == ["b", "c", "d", "x"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT VALUE t.v FROM T AS t",
        "SELECT VALUE t.v FROM T AS t WHERE t.v = 'a'",
        "SELECT VALUE a.v FROM T AS a, T AS b WHERE a.k = 1 AND b.k = 1",
        "SELECT VALUE a.v FROM T AS a WHERE a.k IN (SELECT VALUE b.k FROM T AS b)",
        "SELECT VALUE a.v FROM T AS a WHERE a.k = 1 AND EXISTS(SELECT * FROM <<1, 2>> AS x)",
        "SELECT VALUE h.data.v FROM history(T) AS h",
        "SELECT VALUE t.name FROM information_schema.user_tables AS t",
        "UPDATE T AS t SET t.v = 'x'",
        "DELETE FROM T AS t WHERE t.v = 'a'",
    ],
)
def test_whatever_may_go_on_for_long_is_not_begun(ledger, text):
    rows(ledger, text)  # its plan is known: what it does is why it is not begun
    opened = ledger.begin()
    expected = len(list(deferred(opened, text).execute(text)))
    assert expected == len(list(opened.execute(text))) or text.startswith(("UPDATE", "DELETE"))
    opened.abort()


def test_a_statement_that_was_never_seen_is_not_begun(ledger):
    opened = ledger.begin()
    deferred(opened, "SELECT t.v AS fresh FROM T AS t WHERE t.k = 1")
    deferred(opened, "CREATE TABLE U")
    deferred(opened, "no statement at all")
    opened.abort()


def test_behind_a_definition_of_its_own_nothing_is_in_brief(ledger):
    opened = ledger.begin()
    opened.execute("CREATE TABLE U")
    deferred(opened, POINT, 1)
    opened.abort()


def test_rows_that_are_still_to_come_are_not_drawn_in_brief(ledger):
    opened = ledger.begin()
    waiting = opened.execute("SELECT VALUE t.k FROM T AS t")
    next(waiting)
    deferred(opened, SET, "x", 1)
    opened.execute(SET, ("x", 1))
    assert len(list(waiting)) == 2
    opened.abort()


def test_more_documents_under_a_key_than_a_moment_allows(ledger):
    rows(ledger, ADD, [{"k": 7, "v": n} for n in range(BRIEF_READS)])
    opened = ledger.begin()
    assert len(list(opened.execute_in_brief(POINT, (7,)))) == BRIEF_READS
    opened.abort()
    rows(ledger, ADD, {"k": 7, "v": "one more"})
    opened = deferred(ledger.begin(), POINT, 7)
    assert len(list(opened.execute(POINT, (7,)))) == BRIEF_READS + 1
    deferred(opened, POINT, 7)  # also now that they have been read
    opened.abort()


def test_more_bytes_than_a_moment_allows(ledger):
    rows(ledger, ADD, [{"k": 8, "v": "x" * (BRIEF_BYTES // 2 + 1)} for _ in range(2)])
    opened = deferred(ledger.begin(), POINT, 8)
    assert len(list(opened.execute(POINT, (8,)))) == 2
    opened.abort()


def test_many_changes_of_its_own_are_not_looked_through_in_brief(ledger):
    opened = ledger.begin()
    opened.execute(ADD, ([{"k": 100 + n} for n in range(BRIEF_READS + 1)],))
    deferred(opened, POINT, 100)
    assert len(list(opened.execute("SELECT * FROM T AS t WHERE t.k = 100"))) == 1
    opened.abort()


def test_an_error_among_the_rows_comes_where_they_are_drawn(ledger):
    text = "SELECT VALUE t.v + 1 FROM T AS t WHERE t.k = ?"
    digests = []
    for name in ("execute", "execute_in_brief"):
        opened = ledger.begin()
        opened.commit_digest = opened.commit_digest.__class__(bytes(32))
        drawn = getattr(opened, name)(text, (1,))
        digests.append(opened.commit_digest)
        with pytest.raises(StatementError):
            list(drawn)
        assert list(opened.execute(POINT, (2,))) == ["b"]
        opened.abort()
    assert digests[0] == digests[1]
