"""INSERT, UPDATE, FROM … and DELETE: what is stored, what is answered, what is refused."""

import pytest

from counterfoil.errors import StatementError
from counterfoil.ion.values import Annotated, RepeatedStruct, Sexp
from tests.partiql_workspace import MemoryLedger


def ledger_with(*documents):
    ledger = MemoryLedger(T=["k"], U=[])
    ledger.workspace.documents["T"] = {f"T-{number}": document for number, document in enumerate(documents)}
    return ledger


@pytest.mark.parametrize(
    ("insert", "parameters", "stored"),
    [
        ("INSERT INTO T VALUE {'a': 1, 'b': MISSING}", (), [{"a": 1}]),
        ("INSERT INTO T `{a: x::1}`", (), [{"a": Annotated(("x",), 1)}]),
        ("INSERT INTO T << {'a': 1}, {'a': 2} >>", (), [{"a": 1}, {"a": 2}]),
        ("INSERT INTO T ?", ({"a": 1},), [{"a": 1}]),
        ("INSERT INTO T VALUE ?", ([{"a": 1}, {"a": 2}],), [{"a": 1}, {"a": 2}]),
        ("INSERT INTO T << ?, ? >>", ({"a": 1}, {"a": 2}), [{"a": 1}, {"a": 2}]),
        ("INSERT INTO T << >>", (), []),
        ("INSERT INTO T VALUE {'a': <<1, <<2>>>>, 'b': [MISSING]}", (), [{"a": [1, [2]], "b": [None]}]),
    ],
)
def test_an_insert_stores_documents_and_answers_their_ids(insert, parameters, stored):
    ledger = ledger_with()
    assert ledger.run(insert, *parameters) == [{"documentId": f"T-{number}"} for number in range(len(stored))]
    assert ledger.documents("T") == stored
    assert all(type(item) is not list or type(item) is list for document in stored for item in document.values())


@pytest.mark.parametrize("value", [1, None, "x", [1], [{"a": 1}, 2], Sexp([{}]), Annotated(("x",), {"a": 1})])
def test_only_structs_are_documents_and_none_is_stored_if_one_is_not(value):
    ledger = ledger_with()
    with pytest.raises(StatementError, match="a document must be a struct"):
        ledger.run("INSERT INTO T ?", value)
    assert ledger.documents("T") == []


DOCUMENT = {"k": 1, "s": {"x": 1, "y": 2}, "l": [10, 20, 30], "o": [{"q": 1}, {"q": 2}]}

CHANGES = [
    ("UPDATE T SET k = 2", {"k": 2}, 1),
    ("UPDATE T AS t SET t.new = 5, t.s.x = 6", {"new": 5, "s": {"x": 6, "y": 2}}, 2),
    ("UPDATE T AS t SET t.far.away['there'] = 1", {"far": {"away": {"there": 1}}}, 1),
    ("UPDATE T AS t SET t.l[1] = 21, t['k'] = 9", {"l": [10, 21, 30], "k": 9}, 2),
    ("UPDATE T AS t SET t.k = t.s.x, t.s.x = t.k + 5", {"k": 1, "s": {"x": 6, "y": 2}}, 2),
    ("UPDATE T AS t SET t.s = MISSING", {"s": None}, 1),
    ("UPDATE T AS t SET t.l = <<t.k>>", {"l": [1]}, 1),
    ("UPDATE T AS t INSERT INTO t.l VALUE 40", {"l": [10, 20, 30, 40]}, 1),
    ("UPDATE T AS t INSERT INTO t.l VALUE 5 AT 0", {"l": [5, 10, 20, 30]}, 1),
    ("UPDATE T AS t INSERT INTO t.s VALUE 3 AT 'z'", {"s": {"x": 1, "y": 2, "z": 3}}, 1),
    ("UPDATE T AS t INSERT INTO t.fresh VALUE 3", {"fresh": [3]}, 1),
    ("UPDATE T AS t INSERT INTO t VALUE 3 AT 'z'", {"z": 3}, 1),
    ("UPDATE T AS t REMOVE t.s.y", {"s": {"x": 1}}, 1),
    ("UPDATE T AS t REMOVE t.l[0]", {"l": [20, 30]}, 1),
    ("UPDATE T REMOVE s", {"s": None}, 1),
    ("FROM T AS t WHERE t.k = 1 SET t.k = 7", {"k": 7}, 1),
    ("FROM T AS t, t.o AS i WHERE i.q = 2 SET i.q = 5, i.r = i.q", {"o": [{"q": 1}, {"q": 5, "r": 2}]}, 2),
    ("FROM T AS t, t.o AS i SET i = i.q", {"o": [1, 2]}, 2),
    ("FROM T AS t, t.l AS i WHERE i > 10 REMOVE i", {"l": [10]}, 2),
    ("FROM T AS t, t.l AS i AT p WHERE p < 2 REMOVE t.l[p]", {"l": [30]}, 2),
    ("FROM T AS t, t.o AS i WHERE i.q = 1 INSERT INTO i VALUE 0 AT 'zero'", {"o": [{"q": 1, "zero": 0}, {"q": 2}]}, 1),
    ("FROM T AS t, t.s AS i SET i.x = 3", {"s": {"x": 3, "y": 2}}, 1),
]  # fmt: skip


@pytest.mark.parametrize(("change", "changed", "count"), CHANGES)
def test_a_change_of_a_document(change, changed, count):
    ledger = ledger_with(DOCUMENT)
    expected = {name: value for name, value in {**DOCUMENT, **changed}.items() if value is not None}
    assert ledger.run(change) == [{"documentId": "T-0"}]
    assert ledger.documents("T") == [expected]
    assert ledger.workspace.writes == [("replace", "T", "T-0", count)]


def test_the_whole_document_is_replaced_through_its_alias():
    ledger = ledger_with(DOCUMENT)
    assert ledger.run("UPDATE T AS t BY d SET t = ? WHERE d = 'T-0'", {"new": 1}) == [{"documentId": "T-0"}]
    assert ledger.documents("T") == [{"new": 1}]


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM T AS t WHERE t.k < 3", "FROM T AS t WHERE t.k < 3 REMOVE t", "UPDATE T AS t REMOVE t WHERE t.k < 3"],
)
def test_documents_are_deleted(change):
    ledger = ledger_with({"k": 1}, {"k": 3}, {"k": 2})
    assert ledger.run(change) == [{"documentId": "T-0"}, {"documentId": "T-2"}]
    assert ledger.documents("T") == [{"k": 3}]
    assert ledger.workspace.writes == [("replace", "T", "T-0", 1), ("replace", "T", "T-2", 1)]


def test_a_change_that_finds_nothing_writes_nothing():
    ledger = ledger_with(DOCUMENT)
    for change in (
        "UPDATE T SET k = 2 WHERE k = 9",
        "DELETE FROM T WHERE k = 9",
        "UPDATE T AS t REMOVE t.nothing.there",
        "UPDATE T AS t REMOVE t.l[9]",
    ):
        assert ledger.run(change) == []
        assert ledger.workspace.writes == []


def test_what_is_not_changed_is_shared_and_what_was_read_stays_as_it_was():
    document = {"k": 1, "big": {"x": [1]}, "s": {"y": 1}}
    ledger = ledger_with(document)
    ledger.run("UPDATE T AS t SET t.s.y = 2")
    assert document == {"k": 1, "big": {"x": [1]}, "s": {"y": 1}}
    assert ledger.documents("T")[0]["big"] is document["big"]


def test_annotations_and_kinds_of_lists_on_the_way_are_kept():
    ledger = ledger_with(
        {"a": Annotated(("note",), {"x": 1}), "s": Sexp([1, 2]), "r": RepeatedStruct([("p", 1), ("p", 2), ("q", 3)])}
    )
    ledger.run("UPDATE T AS t SET t.a.x = 2, t.s[0] = 9, t.r.q = 4")
    document = ledger.documents("T")[0]
    assert document["a"] == Annotated(("note",), {"x": 2})
    assert type(document["s"]) is Sexp
    assert document["s"] == [9, 2]
    assert document["r"].pairs == (("p", 1), ("p", 2), ("q", 4))
    ledger.run("UPDATE T AS t REMOVE t.s[0]")
    assert type(ledger.documents("T")[0]["s"]) is Sexp


REFUSED = [
    ("UPDATE T AS t SET t.k.x = 1", "a int has no field x"),
    ("UPDATE T AS t SET t.l[3] = 1", "has no element 3"),
    ("UPDATE T AS t SET t.l[-1] = 1", "has no element -1"),
    ("UPDATE T AS t SET t.s[0] = 1", "has no elements"),
    ("UPDATE T AS t SET t = 5", "a document must be a struct"),
    ("UPDATE T AS t SET t.l[1.5] = 1", "neither a position nor a name"),
    ("UPDATE T AS t INSERT INTO t.k VALUE 1", "nothing can be inserted into a int"),
    ("UPDATE T AS t INSERT INTO t.l VALUE 1 AT 4", "position from 0 to 3"),
    ("UPDATE T AS t INSERT INTO t.s VALUE 1", "AT and a name"),
    ("UPDATE T AS t INSERT INTO t.s VALUE 1 AT 'x'", "there already"),
    ("UPDATE T AS t BY d SET d = 'x'", "d is no part of the document"),
    ("UPDATE T AS t SET t.l[*] = 1", "wildcard"),
    ("FROM T AS t, U AS u SET t.k = u.k", "only collections inside"),
    ("FROM T AS t, <<1>> AS u SET t.k = u", "only collections inside"),
    ("FROM T AS t, t.o AS i SET q = 5", "q is no part"),
    ("UPDATE X SET a = 1", "No such table: X"),
    ("UPDATE _ql_committed_T SET a = 1", "can be read but not changed"),
    ("INSERT INTO X VALUE {}", "No such table: X"),
    ("DELETE FROM X", "No such table: X"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_a_change_is_refused_and_nothing_is_written(change, message):
    ledger = ledger_with(DOCUMENT)
    with pytest.raises(StatementError, match=message):
        ledger.run(change)
    assert ledger.documents("T") == [DOCUMENT]
