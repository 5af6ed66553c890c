"""What every place that keeps a ledger must do: one step forward at a time, snapshots, a journal that proves itself."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest

from counterfoil.errors import ClosedError, LimitError, NotFoundError, OccConflictError, StatementError
from counterfoil.ion.codec import decode_datagram
from counterfoil.ledger.limits import QLDB_LIMITS
from counterfoil.partiql.equality import key_of
from tests.ledgers import BALANCE, KINDS, SET, ToldClock, ledger_on, open_accounts, rows, verified_blocks


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def ledger(kind, tmp_path):
    with ledger_on(kind, tmp_path) as ledger:
        yield ledger


@pytest.fixture
def bank(ledger):
    open_accounts(ledger)
    return ledger


# ---- reading and changing --------------------------------------------------------------------------------------------


def test_what_was_committed_is_seen_by_the_next_transaction(bank):
    assert rows(bank, BALANCE, "A") == [Decimal("100.00")]


def test_a_change_gives_the_id_of_the_document_it_changed(bank):
    (changed,) = rows(bank, SET, Decimal("99.00"), "A")
    (found,) = rows(bank, "SELECT id FROM Accounts AS a BY id WHERE a.accountId = 'A'")
    assert changed == {"documentId": found["id"]}


def test_own_changes_are_seen_inside_a_transaction_and_nowhere_else(bank):
    transaction = bank.begin()
    list(transaction.execute(SET, (Decimal("1.00"), "A")))
    assert list(transaction.execute(BALANCE, ("A",))) == [Decimal("1.00")]
    assert rows(bank, BALANCE, "A") == [Decimal("100.00")]
    transaction.abort()
    assert rows(bank, BALANCE, "A") == [Decimal("100.00")]


def test_a_document_inserted_and_updated_in_one_transaction_is_one_revision(bank):
    def work(tx):
        tx.execute("INSERT INTO Accounts ?", {"accountId": "C", "balance": 1})
        tx.execute("UPDATE Accounts AS a SET a.balance = 2, a.note = 'x' WHERE a.accountId = 'C'")

    bank.execute(work)
    block = verified_blocks(bank)[-1]
    assert len(block.revisions) == 1
    assert block.revisions[0].metadata.version == 0
    info = decode_datagram(bank.block(block.address))["transactionInfo"]
    assert [each["statements"] for each in info["documents"].values()] == [[0, 1, 1]]


def test_a_document_inserted_and_deleted_in_one_transaction_was_never_there(bank):
    def work(tx):
        tx.execute("INSERT INTO Accounts ?", {"accountId": "C"})
        tx.execute("DELETE FROM Accounts AS a WHERE a.accountId = 'C'")

    bank.execute(work)
    assert verified_blocks(bank)[-1].revisions == ()
    assert rows(bank, "SELECT * FROM Accounts AS a WHERE a.accountId = 'C'") == []


def test_a_deleted_document_is_gone_from_the_table_and_stays_in_its_history(bank):
    rows(bank, "DELETE FROM Accounts AS a WHERE a.accountId = 'A'")
    assert rows(bank, BALANCE, "A") == []
    history = rows(bank, "SELECT h.metadata.version, h.data FROM history(Accounts) AS h")
    assert sorted((each["version"], "data" in each) for each in history) == [(0, True), (0, True), (1, False)]


def test_a_key_that_was_changed_is_found_under_the_new_one_only(bank):
    rows(bank, "UPDATE Accounts AS a SET a.accountId = 'Z' WHERE a.accountId = 'A'")
    assert rows(bank, BALANCE, "A") == []
    assert rows(bank, BALANCE, "Z") == [Decimal("100.00")]


def test_equal_numbers_are_one_key_whatever_their_type(ledger):
    rows(ledger, "CREATE TABLE T")
    rows(ledger, "CREATE INDEX ON T (k)")
    rows(ledger, "INSERT INTO T << {'k': 1}, {'k': 1.0}, {'k': `1e0`}, {'k': '1'}, {'k': null}, {} >>")
    for key in (1, Decimal("1.00"), 1.0):
        assert len(rows(ledger, "SELECT * FROM T WHERE k = ?", key)) == 3


def test_an_index_on_a_table_with_documents_answers_like_the_scan(bank):
    rows(bank, "CREATE INDEX ON Accounts (balance)")
    for _ in range(200):
        (table,) = rows(bank, "SELECT VALUE t FROM information_schema.user_tables AS t")
        if {each["status"] for each in table["indexes"]} == {"ONLINE"}:
            break
        threading.Event().wait(0.02)
    transaction = bank.begin()
    found = transaction.execute("SELECT VALUE a.accountId FROM Accounts AS a WHERE a.balance = 50")
    assert (list(found), found.read_ios) == (["B"], 1)
    transaction.abort()


def test_a_change_says_how_many_documents_it_read(bank):
    transaction = bank.begin()
    assert transaction.execute(SET, (Decimal(1), "A")).read_ios == 1
    assert transaction.execute("UPDATE Accounts AS a SET a.balance = 0 WHERE a.balance > 10").read_ios == 2
    assert transaction.execute("INSERT INTO Accounts ?", ({"accountId": "C"},)).read_ios == 0
    transaction.abort()


def test_a_snapshot_of_an_earlier_block_shows_what_was_there_then(bank):
    store = bank._store
    held = store.snapshot()
    rows(bank, SET, Decimal("1.00"), "A")
    rows(bank, "CREATE TABLE Later")
    again = store.snapshot_at(held.sequence_no)
    assert (again.sequence_no, again.timestamp_ms, again.strand_id) == (
        held.sequence_no,
        held.timestamp_ms,
        held.strand_id,
    )
    assert again.catalogue is held.catalogue
    (entry,) = again.catalogue.entries.values()
    assert sorted(each.value["balance"] for each in again.documents(entry.table_id)) == [
        Decimal("50.00"),
        Decimal("100.00"),
    ]
    held.release()
    (index,) = entry.indexes
    assert [each.value["balance"] for each in again.probe(index.index_id, key_of("A"))] == [Decimal("100.00")]
    again.release()
    with pytest.raises(NotFoundError):
        store.snapshot_at(bank.head.sequence_no + 1)
    store.snapshot_at(bank.head.sequence_no).release()


# ---- serializability -------------------------------------------------------------------------------------------------


def test_of_two_transactions_that_change_what_both_read_one_is_refused(bank):
    first, second = bank.begin(), bank.begin()
    for each in (first, second):
        list(each.execute(BALANCE, ("A",)))
        list(each.execute(SET, (Decimal("1.00"), "A")))
    first.commit()
    with pytest.raises(OccConflictError):
        second.commit()
    assert rows(bank, BALANCE, "A") == [Decimal("1.00")]


def test_a_transaction_that_only_read_is_checked_as_well(bank):
    reader = bank.begin()
    list(reader.execute(BALANCE, ("A",)))
    rows(bank, SET, Decimal("1.00"), "A")
    with pytest.raises(OccConflictError):
        reader.commit()


def test_a_scan_conflicts_with_any_insert_into_the_table(bank):
    reader = bank.begin()
    list(reader.execute("SELECT * FROM Accounts AS a WHERE a.balance > 1000"))
    rows(bank, "INSERT INTO Accounts ?", {"accountId": "C", "balance": 1})
    with pytest.raises(OccConflictError):
        reader.commit()


def test_a_read_by_index_does_not_conflict_with_an_insert_under_another_key(bank):
    reader = bank.begin()
    assert list(reader.execute(BALANCE, ("C",))) == []
    rows(bank, "INSERT INTO Accounts ?", {"accountId": "D", "balance": 1})
    reader.commit()


def test_two_that_find_nothing_under_a_key_cannot_both_insert_under_it(bank):
    first, second = bank.begin(), bank.begin()
    for each in (first, second):
        assert list(each.execute(BALANCE, ("C",))) == []
        list(each.execute("INSERT INTO Accounts ?", ({"accountId": "C", "balance": 1},)))
    first.commit()
    with pytest.raises(OccConflictError):
        second.commit()
    assert rows(bank, BALANCE, "C") == [1]


def test_inserts_that_read_nothing_never_conflict(bank):
    first, second = bank.begin(), bank.begin()
    for each in (first, second):
        list(each.execute("INSERT INTO Accounts ?", ({"accountId": "C", "balance": 1},)))
    first.commit()
    second.commit()
    assert rows(bank, BALANCE, "C") == [1, 1]


def test_write_skew_is_refused(bank):
    """Each reads both and changes the other: alone each is right, together they are not."""
    first, second = bank.begin(), bank.begin()
    for each, target in ((first, "A"), (second, "B")):
        list(each.execute("SELECT a.balance FROM Accounts AS a WHERE a.accountId IN ('A', 'B')"))
        list(each.execute(SET, (Decimal(0), target)))
    first.commit()
    with pytest.raises(OccConflictError):
        second.commit()


def test_a_snapshot_does_not_move(bank):
    reader = bank.begin()
    for number in range(5):
        rows(bank, SET, Decimal(number), "A")
        rows(bank, "INSERT INTO Accounts ?", {"accountId": f"N{number}", "balance": 1})
    rows(bank, "DELETE FROM Accounts AS a WHERE a.accountId = 'B'")
    assert list(reader.execute(BALANCE, ("A",))) == [Decimal("100.00")]
    assert sorted(reader.execute("SELECT VALUE a.accountId FROM Accounts AS a")) == ["A", "B"]
    assert len(list(reader.execute("SELECT * FROM history(Accounts) AS h"))) == 2
    assert list(reader.execute(BALANCE, ("N1",))) == []


def test_a_scan_that_is_drawn_while_everything_changes_sees_each_document_once(ledger):
    rows(ledger, "CREATE TABLE T")
    rows(ledger, "CREATE INDEX ON T (n)")
    for begin in range(0, 1500, 300):
        rows(ledger, "INSERT INTO T ?", *[[{"n": n, "v": 0} for n in range(begin, begin + 300)]])
    reader = ledger.begin()
    drawn = reader.execute("SELECT t.n, t.v FROM T AS t")
    seen = [next(drawn) for _ in range(100)]
    for n in range(0, 1500, 7):
        rows(ledger, "UPDATE T AS t SET t.v = 1 WHERE t.n = ?", n)
    for n in range(1, 1500, 70):
        rows(ledger, "DELETE FROM T AS t WHERE t.n = ?", n)
    seen += drawn
    assert sorted(each["n"] for each in seen) == list(range(1500))
    assert {each["v"] for each in seen} == {0}


def test_definitions_conflict_with_what_relies_on_them(bank):
    writer = bank.begin()
    list(writer.execute("INSERT INTO Accounts ?", ({"accountId": "C"},)))
    rows(bank, "DROP TABLE Accounts")
    with pytest.raises(OccConflictError):
        writer.commit()


def test_a_query_of_the_catalogue_conflicts_with_a_definition(ledger):
    reader = ledger.begin()
    list(reader.execute("SELECT name FROM information_schema.user_tables"))
    rows(ledger, "CREATE TABLE T")
    with pytest.raises(OccConflictError):
        reader.commit()


def test_a_commit_that_is_repeated_is_done_once(bank):
    transaction = bank.begin()
    list(transaction.execute(SET, (Decimal(1), "A")))
    proposal = transaction.proposal()
    first = bank._store.commit(proposal)
    assert bank._store.commit(proposal) == first
    assert bank.committed(transaction.transaction_id) == first
    assert bank.committed("A" * 22) is None


def test_rows_drawn_late_do_not_show_what_the_transaction_changed_since(bank):
    transaction = bank.begin()
    drawn = transaction.execute("SELECT a.balance FROM Accounts AS a")
    list(transaction.execute("UPDATE Accounts AS a SET a.balance = 0"))
    assert sorted(each["balance"] for each in drawn) == [Decimal("50.00"), Decimal("100.00")]
    transaction.commit()


# ---- limits and ends -------------------------------------------------------------------------------------------------


def test_a_statement_that_fails_changes_nothing_and_the_transaction_goes_on(kind, tmp_path):
    with ledger_on(kind, tmp_path, limits=QLDB_LIMITS) as ledger:
        rows(ledger, "CREATE TABLE T")
        transaction = ledger.begin()
        list(transaction.execute("INSERT INTO T ?", [[{"n": n} for n in range(30)]]))
        with pytest.raises(LimitError, match="40 documents"):
            transaction.execute("INSERT INTO T ?", [[{"n": n} for n in range(11)]])
        with pytest.raises(StatementError):
            transaction.execute("SELECT FROM T")
        assert len(list(transaction.execute("SELECT * FROM T"))) == 30
        transaction.commit()
        assert len(rows(ledger, "SELECT * FROM T")) == 30
        assert len(verified_blocks(ledger)[-2].statements) == 2


def test_a_transaction_expires(kind, tmp_path):
    clock = ToldClock()
    with ledger_on(kind, tmp_path, clock) as ledger:
        rows(ledger, "CREATE TABLE T")
        transaction = ledger.begin()
        list(transaction.execute("INSERT INTO T {'a': 1}"))
        clock.now += timedelta(seconds=30)
        with pytest.raises(ClosedError, match=r"Transaction .* has expired"):
            transaction.commit()
        assert rows(ledger, "SELECT * FROM T") == []


def test_a_transaction_that_is_over_is_over(bank):
    transaction = bank.begin()
    transaction.abort()
    for attempt in (transaction.commit, lambda: transaction.execute("SELECT * FROM Accounts")):
        with pytest.raises(ClosedError):
            attempt()


def test_a_transaction_without_statements_writes_nothing(bank):
    before = bank.head.sequence_no
    assert bank.begin().commit() is None
    assert bank.head.sequence_no == before


def test_a_transaction_that_only_reads_is_journaled(bank):
    rows(bank, BALANCE, "A")
    block = verified_blocks(bank)[-1]
    assert (block.statements, block.revisions, block.documents) == ((BALANCE,), (), ())


def test_parameters_are_not_in_the_journal(bank):
    rows(bank, BALANCE, "SECRET-KEY")
    assert b"SECRET-KEY" not in bank.block(bank.digest().tip_address)


def test_times_of_blocks_do_not_go_back_with_the_clock(kind, tmp_path):
    clock = ToldClock(step=timedelta(milliseconds=5))
    with ledger_on(kind, tmp_path, clock) as ledger:
        rows(ledger, "CREATE TABLE T")
        clock.now -= timedelta(hours=1)
        rows(ledger, "INSERT INTO T {'a': 1}")
        rows(ledger, "UPDATE T SET a = 2")
        times = [str(each.timestamp) for each in verified_blocks(ledger)]
        assert times == sorted(times)
        history = rows(ledger, "SELECT VALUE h.metadata.txTime FROM history(T) AS h")
        assert len(history) == 2


# ---- the store's own -------------------------------------------------------------------------------------------------


def test_waiting_for_a_block_ends_when_it_is_there(bank):
    number = bank.head.sequence_no + 1
    assert not bank.wait_for(number, 0.01)
    thread = threading.Thread(target=rows, args=(bank, BALANCE, "A"))
    thread.start()
    assert bank.wait_for(number, 30)
    thread.join()


def test_a_closed_ledger_says_so(kind, tmp_path):
    ledger = ledger_on(kind, tmp_path)
    rows(ledger, "CREATE TABLE T")
    ledger.close()
    with pytest.raises(ClosedError):
        rows(ledger, "SELECT * FROM T")
