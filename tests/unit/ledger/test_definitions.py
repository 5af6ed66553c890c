"""Tables and indexes: how many, under which ids, and that no plan outlives the catalogue that it was made for."""

import pytest

from counterfoil.errors import InputError, LimitError, StatementError
from counterfoil.ledger.catalogue import EMPTY_CATALOGUE, parse_catalogue, render_catalogue
from counterfoil.ledger.limits import Limits
from tests.ledgers import ledger_on, rows

FEW = Limits(active_tables=2, tables=3, indexes_per_table=2)


@pytest.fixture
def ledger(tmp_path):
    with ledger_on("memory", tmp_path, limits=FEW) as ledger:
        yield ledger


def table_ids(ledger):
    return {each.name: each.table_id for each in ledger.catalogue.entries.values()}


def test_there_are_no_more_tables_and_indexes_than_allowed(ledger):
    rows(ledger, "CREATE TABLE A")
    rows(ledger, "CREATE TABLE B")
    with pytest.raises(LimitError, match="2 active tables"):
        rows(ledger, "CREATE TABLE C")
    rows(ledger, "DROP TABLE A")
    rows(ledger, "CREATE TABLE C")
    with pytest.raises(LimitError):
        rows(ledger, f'UNDROP TABLE "{table_ids(ledger)["A"]}"')
    rows(ledger, "DROP TABLE C")
    with pytest.raises(LimitError, match="3 with dropped ones"):
        rows(ledger, "CREATE TABLE D")
    rows(ledger, f'UNDROP TABLE "{table_ids(ledger)["A"]}"')
    for name in "xy":
        rows(ledger, f"CREATE INDEX ON A ({name})")
    with pytest.raises(LimitError, match="2 indexes"):
        rows(ledger, "CREATE INDEX ON A (z)")
    with pytest.raises(StatementError, match="already exists"):
        rows(ledger, "CREATE INDEX ON A (x)")


def test_definitions_of_one_transaction_have_ids_of_their_own(ledger):
    def work(tx):
        tx.execute("CREATE TABLE A")
        tx.execute("CREATE TABLE B")
        tx.execute("CREATE INDEX ON A (x)")
        tx.execute("CREATE INDEX ON B (x)")

    ledger.execute(work)
    ids = [each.table_id for each in ledger.catalogue.entries.values()]
    ids += [index.index_id for each in ledger.catalogue.entries.values() for index in each.indexes]
    assert len(set(ids)) == 4
    assert {len(each) for each in ids} == {22}


def test_a_plan_is_of_one_catalogue(ledger):
    """The same text before an index, with it, and behind it; and on a table made, dropped and made anew."""
    text = "SELECT VALUE t.k FROM A AS t WHERE t.k = 1"
    rows(ledger, "CREATE TABLE A")
    rows(ledger, "INSERT INTO A << {'k': 1}, {'k': 2} >>")

    def reads():
        transaction = ledger.begin()
        results = transaction.execute(text)
        found = list(results), results.read_ios
        transaction.abort()
        return found

    assert reads() == ([1], 2)
    rows(ledger, "CREATE INDEX ON A (k)")
    assert reads() == ([1], 1)
    index_id = ledger.catalogue.entries[table_ids(ledger)["A"]].indexes[0].index_id
    rows(ledger, f'DROP INDEX "{index_id}" ON A WITH (purge = true)')
    assert reads() == ([1], 2)
    rows(ledger, "DROP TABLE A")
    rows(ledger, "CREATE TABLE A")
    assert reads() == ([], 0)


def test_a_plan_of_a_transaction_s_own_catalogue_is_nobody_else_s(ledger):
    """Two transactions each make a table of the same name: their catalogues have one version and different tables."""
    tables = []
    first, second = ledger.begin(), ledger.begin()
    for each in (first, second):
        list(each.execute("CREATE TABLE A"))
        list(each.execute("INSERT INTO A {'k': 1}"))
        assert list(each.execute("SELECT * FROM A")) == [{"k": 1}]
        tables += [{written.table_id for written in each.workspace.documents}]
    assert tables[0] != tables[1]
    first.abort()
    second.commit()
    assert rows(ledger, "SELECT * FROM A") == [{"k": 1}]


def test_the_catalogue_is_read_as_it_was_written(ledger):
    rows(ledger, "CREATE TABLE A WITH (aws_tags = `{'stage': \"test\"}`)")
    rows(ledger, "CREATE INDEX ON A (x)")
    rows(ledger, "DROP TABLE A")
    assert parse_catalogue(render_catalogue(ledger.catalogue)) == ledger.catalogue
    assert parse_catalogue(render_catalogue(EMPTY_CATALOGUE)) == EMPTY_CATALOGUE
    (entry,) = ledger.catalogue.entries.values()
    assert (entry.tags, entry.active, len(entry.indexes)) == ((("stage", "test"),), False, 1)


@pytest.mark.parametrize(
    "text",
    [
        "DROP TABLE A",
        "CREATE INDEX ON A (x)",
        'DROP INDEX "x" ON A WITH (purge = true)',
        'UNDROP TABLE "x"',
        "SELECT * FROM A",
        "EXEC DROP_EVERYTHING 1",
        "EXEC REDACT_REVISION 1, 'a', 'b'",
        "EXEC REDACT_REVISION `{strandId: \"x\", sequenceNo: 0}`, 'a'",
    ],
)
def test_what_is_not_there_is_refused_and_leaves_no_block(ledger, text):
    with pytest.raises(InputError):
        rows(ledger, text)
    assert ledger.head.sequence_no == -1
