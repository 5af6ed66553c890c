"""Whatever way a transaction has read, it may not commit once somebody has changed the answer; and it may where nobody has."""

import pytest

from counterfoil.errors import OccConflictError, StatementError
from tests.ledgers import KINDS, ledger_on, online, rows


@pytest.fixture(params=KINDS)
def ledger(request, tmp_path):
    with ledger_on(request.param, tmp_path) as ledger:
        for text in (
            "CREATE TABLE T",
            "CREATE INDEX ON T (k)",
            "CREATE TABLE U",
            "CREATE INDEX ON U (k)",
            "CREATE TABLE Old",
        ):
            rows(ledger, text)
        rows(ledger, "INSERT INTO T << {'k': 1, 'v': 1}, {'k': 2, 'v': 1}, {'k': 3, 'v': 2, 'list': [1, 2]} >>")
        rows(ledger, "INSERT INTO U << {'k': 1}, {'k': 7} >>")
        rows(ledger, "DROP TABLE Old")
        yield online(ledger)


def id_of(ledger, key):
    (found,) = rows(ledger, "SELECT id FROM T AS t BY id WHERE t.k = ?", key)
    return found["id"]


def table_id(ledger, name):
    return next(each.table_id for each in ledger.catalogue.entries.values() if each.name == name)


# What is read, what somebody else does, whether the two are in each other's way.
BETWEEN = [
    ("SELECT * FROM T AS t WHERE t.k IN (1, 8, 9)", "INSERT INTO T {'k': 9}", True),
    ("SELECT * FROM T AS t WHERE t.k IN (1, 8, 9)", "INSERT INTO T {'k': 10}", False),
    ("SELECT * FROM T AS t WHERE t.k IN (1, 8)", "UPDATE T AS t SET t.k = 8 WHERE t.k = 3", True),
    ("SELECT * FROM T AS t WHERE t.k IN (1, 3)", "UPDATE T AS t SET t.k = 8 WHERE t.k = 3", True),
    ("SELECT * FROM T AS t WHERE t.k = 9", "UPDATE T AS t SET t.k = 9 WHERE t.k = 3", True),
    ("SELECT * FROM T AS t WHERE t.k = 9", "UPDATE T AS t SET t.k = 8 WHERE t.k = 3", False),
    ("SELECT * FROM T AS t WHERE t.k = 1", "UPDATE T AS t SET t.v = 5 WHERE t.k = 1", True),
    ("SELECT * FROM T AS t WHERE t.k = 1", "UPDATE T AS t SET t.v = 5 WHERE t.k = 2", False),
    ("SELECT * FROM T AS t WHERE t.k = 1", "DELETE FROM T AS t WHERE t.k = 1", True),
    ("SELECT * FROM T AS t WHERE t.v = 9", "UPDATE T AS t SET t.v = 9 WHERE t.k = 1", True),
    ("SELECT * FROM T AS t WHERE t.v = 9", "INSERT INTO T {'k': 77, 'v': 0}", True),
    ("SELECT * FROM T AS t WHERE t.v = 9", "DELETE FROM T AS t WHERE t.k = 1", True),
    ("SELECT * FROM T AS t WHERE t.v = 9", "INSERT INTO U {'k': 77}", False),
    ("SELECT * FROM T AS t JOIN U AS u ON t.k = u.k WHERE t.k = 1", "INSERT INTO U {'k': 1}", True),
    ("SELECT * FROM T AS t JOIN U AS u ON t.k = u.k WHERE t.k = 1", "INSERT INTO U {'k': 2}", False),
    ("SELECT * FROM T AS t JOIN U AS u ON t.k = u.k WHERE t.k = 2", "INSERT INTO U {'k': 2}", True),
    ("SELECT VALUE t.k FROM T AS t WHERE t.k = 1 AND EXISTS(SELECT * FROM U AS u WHERE u.k = 5)", "INSERT INTO U {'k': 5}", True),
    ("SELECT VALUE t.k FROM T AS t WHERE t.k = 1 AND t.k IN (SELECT VALUE u.k FROM U AS u)", "INSERT INTO U {'k': 5}", True),
    ("SELECT * FROM T AS t, t.list AS x WHERE t.k = 3", "UPDATE T AS t REMOVE t.list[0] WHERE t.k = 3", True),
    ("SELECT * FROM history(T) AS h", "INSERT INTO T {'k': 50}", True),
    ("SELECT * FROM history(T) AS h", "DELETE FROM T AS t WHERE t.k = 1", True),
    ("SELECT * FROM history(T) AS h", "INSERT INTO U {'k': 50}", False),
    ("SELECT * FROM _ql_committed_T AS c WHERE c.data.k = 9", "INSERT INTO T {'k': 9}", True),
    ("SELECT * FROM _ql_committed_T AS c WHERE c.data.k = 9", "INSERT INTO T {'k': 8}", False),
    ("SELECT * FROM _ql_committed_T AS c", "INSERT INTO T {'k': 8}", True),
    ("SELECT COUNT(*) FROM T", "DELETE FROM T AS t WHERE t.k = 1", True),
    ("SELECT * FROM information_schema.user_tables", "INSERT INTO T {'k': 8}", False),
    ("SELECT * FROM information_schema.user_tables", "DROP TABLE U", True),
    ("SELECT * FROM information_schema.user_tables", "CREATE INDEX ON U (z)", True),
    ("SELECT * FROM T AS t WHERE t.k = 9", "DROP TABLE T", True),
    ("SELECT * FROM T AS t WHERE t.k = 9", "DROP TABLE U", False),
    ("SELECT * FROM T AS t WHERE t.k = 9", "CREATE INDEX ON T (v)", True),
    ("SELECT * FROM T AS t WHERE t.k = 9", "CREATE TABLE Other", False),
    ("UPDATE T AS t SET t.v = 3 WHERE t.v = 77", "INSERT INTO T {'k': 4, 'v': 77}", True),
    ("DELETE FROM T AS t WHERE t.v = 77", "INSERT INTO T {'k': 4, 'v': 77}", True),
    ("FROM T AS t WHERE t.v = 77 REMOVE t.list", "INSERT INTO T {'k': 4, 'v': 77}", True),
    ("UPDATE T AS t SET t.v = 3 WHERE t.k = 4", "INSERT INTO T {'k': 4}", True),
    ("UPDATE T AS t SET t.v = 3 WHERE t.k = 1", "UPDATE T AS t SET t.w = 3 WHERE t.k = 1", True),
    ("UPDATE T AS t SET t.v = 3 WHERE t.k = 1", "UPDATE T AS t SET t.w = 3 WHERE t.k = 2", False),
    ("INSERT INTO T {'k': 1}", "INSERT INTO T {'k': 1}", False),
    ("INSERT INTO T {'k': 1}", "DROP TABLE T", True),
    ("CREATE TABLE A", "CREATE TABLE B", True),
    ("CREATE TABLE A", "CREATE TABLE A", True),
    ("CREATE INDEX ON T (v)", "INSERT INTO T {'k': 1}", False),
    ("INSERT INTO T {'k': 1, 'v': 1}", "CREATE INDEX ON T (v)", True),
    ("DROP TABLE U", "DROP TABLE T", True),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "conflict"), BETWEEN)
def test_a_transaction_is_refused_exactly_when_what_it_read_has_changed(ledger, first, second, conflict):
    transaction = ledger.begin()
    list(transaction.execute(first))
    rows(ledger, second)
    if conflict:
        with pytest.raises(OccConflictError):
            transaction.commit()
    else:
        transaction.commit()


def test_history_of_one_document_conflicts_with_a_change_of_that_document_only(ledger):
    one, other = id_of(ledger, 1), id_of(ledger, 2)
    text = "SELECT * FROM history(T) AS h WHERE h.metadata.id = ?"
    readers = {each: ledger.begin() for each in (one, other)}
    for document_id, reader in readers.items():
        assert len(list(reader.execute(text, (document_id,)))) == 1
    rows(ledger, "UPDATE T AS t SET t.v = 5 WHERE t.k = 1")
    with pytest.raises(OccConflictError):
        readers[one].commit()
    readers[other].commit()


def test_a_document_that_was_not_there_by_its_id_is_watched(ledger):
    """The id of a document of another table, and one that a transaction still to be committed has drawn."""
    writer = ledger.begin()
    ((made),) = writer.execute("INSERT INTO T {'k': 99}")
    reader = ledger.begin()
    assert list(reader.execute("SELECT * FROM T BY id WHERE id = ?", (made["documentId"],))) == []
    writer.commit()
    with pytest.raises(OccConflictError):
        reader.commit()


def test_a_dropped_table_s_history_conflicts_with_its_return(ledger):
    old = table_id(ledger, "Old")
    reader = ledger.begin()
    assert list(reader.execute(f"SELECT * FROM history('{old}') AS h")) == []
    rows(ledger, f'UNDROP TABLE "{old}"')
    with pytest.raises(OccConflictError):
        reader.commit()


def test_whoever_was_told_that_there_is_no_table_has_read_that(ledger):
    first, second = ledger.begin(), ledger.begin()
    with pytest.raises(StatementError, match="No such table"):
        first.execute("SELECT * FROM Absent")
    with pytest.raises(StatementError, match="already exists"):
        second.execute("CREATE TABLE T")
    for each in (first, second):
        list(each.execute("INSERT INTO U {'k': 1}"))
    rows(ledger, "CREATE TABLE Absent")
    for each in (first, second):
        with pytest.raises(OccConflictError):
            each.commit()


def test_a_table_of_the_same_name_is_another_table(ledger):
    """A writer to the old one is refused; the new one begins empty; the old one cannot come back under the name."""
    old = table_id(ledger, "T")
    writer = ledger.begin()
    list(writer.execute("INSERT INTO T {'k': 5}"))
    rows(ledger, "DROP TABLE T")
    rows(ledger, "CREATE TABLE T")
    with pytest.raises(OccConflictError):
        writer.commit()
    assert rows(ledger, "SELECT * FROM T") == []
    assert len(rows(ledger, f"SELECT * FROM history('{old}') AS h")) == 3
    with pytest.raises(StatementError, match="already exists"):
        rows(ledger, f'UNDROP TABLE "{old}"')
    rows(ledger, "DROP TABLE T")
    rows(ledger, f'UNDROP TABLE "{old}"')
    assert sorted(rows(ledger, "SELECT VALUE t.k FROM T AS t WHERE t.k IN (1, 2, 3)")) == [1, 2, 3]


def test_everything_of_one_transaction_is_seen_in_it(ledger):
    """A table, an index and documents of it; dropped, and made anew under the same name."""

    def work(tx):
        tx.execute("CREATE TABLE N")
        tx.execute("CREATE INDEX ON N (k)")
        tx.execute("INSERT INTO N << {'k': 1}, {'k': 2} >>")
        tx.execute("UPDATE N AS n SET n.k = 3 WHERE n.k = 2")
        assert sorted(tx.execute("SELECT VALUE n.k FROM N AS n")) == [1, 3]
        tx.execute("DROP TABLE N")
        tx.execute("CREATE TABLE N")
        assert list(tx.execute("SELECT * FROM N")) == []
        tx.execute("INSERT INTO N {'k': 4}")
        return list(tx.execute("SELECT * FROM N"))

    assert ledger.execute(work) == [{"k": 4}]
    assert rows(ledger, "SELECT * FROM N") == [{"k": 4}]
    assert [each.name for each in ledger.catalogue.entries.values() if each.active].count("N") == 1


def test_own_documents_are_found_under_the_keys_that_they_have_now(ledger):
    """By key, by id and by a scan, after each of several changes in one transaction."""
    transaction = ledger.begin()
    ((made),) = transaction.execute("INSERT INTO T {'k': 50}")
    (old,) = transaction.execute("SELECT VALUE id FROM T AS t BY id WHERE t.k = 1")

    def found(key):
        return sorted(transaction.execute("SELECT VALUE id FROM T AS t BY id WHERE t.k = ?", (key,)))

    def fetched(document_id):
        return list(transaction.execute("SELECT VALUE t.k FROM T AS t BY id WHERE id = ?", (document_id,)))

    for key in (60, 61, 1):
        for before, document_id in ((50, made["documentId"]), (1, old)):
            list(transaction.execute("UPDATE T AS t BY id SET t.k = ? WHERE id = ?", (key, document_id)))
            assert document_id in found(key)
            assert fetched(document_id) == [key]
            assert key == before or document_id not in found(before)
    list(transaction.execute("DELETE FROM T AS t WHERE t.k = 1"))
    assert (found(1), fetched(old), fetched(made["documentId"])) == ([], [], [])
    transaction.commit()
    assert rows(ledger, "SELECT VALUE t.k FROM T AS t WHERE t.k IN (1, 50, 60, 61)") == []


def test_an_index_that_is_dropped_still_answers_for_those_who_began_before(ledger):
    index_id = ledger.catalogue.entries[table_id(ledger, "T")].indexes[0].index_id
    reader = ledger.begin()
    rows(ledger, f"""DROP INDEX "{index_id}" ON T WITH (purge = true)""")
    for number in range(20):
        rows(ledger, "UPDATE T AS t SET t.v = ?", number)
    assert list(reader.execute("SELECT t.k, t.v FROM T AS t WHERE t.k = 1")) == [{"k": 1, "v": 1}]
    reader.abort()
    assert len(rows(ledger, "SELECT * FROM T AS t WHERE t.k = 1")) == 1
