"""The embedded ledger's file: what is damaged is found and left alone, what is derived is derived again, one process owns it."""

import json
import sqlite3
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from counterfoil.adapters.sqlite import journal_file
from counterfoil.adapters.sqlite.rebuild import rebuild
from counterfoil.adapters.sqlite.schema import FOREVER
from counterfoil.adapters.sqlite.store import FILE_NAME, create_ledger
from counterfoil.adapters.sqlite.verification import verify_file
from counterfoil.errors import IntegrityError, NotFoundError, PreconditionError, UnavailableError
from tests.ledgers import ledger_on, rows

PROJECTIONS = ("revisions", "entries")


def fill(folder):
    """A ledger with everything in it: tables, a dropped one, indexes, updates, deletions, a redaction, read-only blocks."""
    with ledger_on("sqlite", folder) as ledger:
        for text in (
            "CREATE TABLE Accounts",
            "CREATE TABLE Old WITH (aws_tags = `{'kind': \"old\"}`)",
            "CREATE INDEX ON Accounts (accountId)",
            "CREATE INDEX ON Accounts (balance)",
            "DROP TABLE Old",
        ):
            rows(ledger, text)
        rows(ledger, "INSERT INTO Accounts ?", [{"accountId": f"A{n}", "balance": Decimal(n)} for n in range(20)])
        for n in range(15):
            rows(ledger, "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?", Decimal(n + 100), f"A{n}")
        rows(ledger, "DELETE FROM Accounts AS a WHERE a.accountId = 'A19'")
        rows(ledger, "SELECT * FROM Accounts AS a WHERE a.accountId = 'A1'")
        (row,) = rows(
            ledger,
            "SELECT h.blockAddress, h.metadata.id FROM history(Accounts) AS h "
            "WHERE h.data.accountId = 'A3' AND h.metadata.version = 0",
        )
        table_id = next(iter(ledger.catalogue.entries))
        rows(ledger, "EXEC REDACT_REVISION ?, ?, ?", row["blockAddress"], table_id, row["id"])
        settle(folder)
        return ledger.digest()


def settle(folder):
    """Wait until nothing is left to do in the background."""
    for _ in range(500):
        with sqlite3.connect(folder / FILE_NAME) as connection:
            left = connection.execute("SELECT count(*) FROM redactions").fetchone()[0]
            left += connection.execute(f"SELECT count(*) FROM entries WHERE to_no < {FOREVER}").fetchone()[0]
        connection.close()
        if not left:
            return
        threading.Event().wait(0.02)
    pytest.fail("the background work does not end")


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled")
    return folder, fill(folder)


@pytest.fixture
def copy(filled, tmp_path):
    folder = tmp_path / "ledger"
    folder.mkdir()
    (folder / FILE_NAME).write_bytes((filled[0] / FILE_NAME).read_bytes())
    return folder


def change(folder, sql, *values):
    with sqlite3.connect(folder / FILE_NAME) as connection:
        changed = connection.execute(sql, values).rowcount
    connection.close()
    assert changed, "the test changed nothing"


def contents(folder, tables=PROJECTIONS):
    """All rows, without where they stand; since when an index entry is valid matters to snapshots in use alone."""
    with sqlite3.connect(folder / FILE_NAME) as connection:
        found = {}
        for table in tables:
            names = [each[1] for each in connection.execute(f"PRAGMA table_info({table})") if each[1] != "row"]
            names = [each for each in names if (table, each) != ("entries", "from_no")]
            found[table] = sorted(connection.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall(), key=repr)
        catalogue = json.loads(connection.execute("SELECT value FROM meta WHERE name = 'catalogue'").fetchone()[0])
    connection.close()
    return found, catalogue["tables"]


# ---- whole ----------------------------------------------------------------------------------------------------------


def test_a_ledger_is_the_same_after_it_was_closed_and_opened(filled, copy):
    with ledger_on("sqlite", copy, seed=2) as ledger:
        assert ledger.digest() == filled[1]
        assert len(rows(ledger, "SELECT * FROM Accounts")) == 19
        assert rows(ledger, "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = 'A3'") == [Decimal(103)]
    assert verify_file(copy / FILE_NAME).problems == []


def test_a_whole_file_has_no_problems_and_the_ledgers_digest(filled, copy):
    report = verify_file(copy / FILE_NAME)
    assert (report.problems, report.digest) == ([], filled[1])
    assert report.revisions == 36
    assert report.entries == 38


def test_a_file_is_verified_while_it_is_in_use(tmp_path):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "INSERT INTO T {'a': 1}")
        assert verify_file(tmp_path / FILE_NAME).problems == []


def test_projections_are_derived_from_the_journal_alone(filled, copy):
    before = contents(copy)
    change(copy, "DELETE FROM revisions")
    change(copy, "DELETE FROM entries")
    change(copy, "DELETE FROM nodes")
    change(copy, "UPDATE meta SET value = '{\"version\": 3, \"tables\": []}' WHERE name = 'catalogue'")
    assert rebuild(copy) == filled[1].tip_address.sequence_no + 1
    assert contents(copy) == before
    assert verify_file(copy / FILE_NAME).problems == []
    with ledger_on("sqlite", copy, seed=2) as ledger:
        assert ledger.digest() == filled[1]


def test_rebuilding_what_is_whole_changes_nothing(copy):
    tables = ("blocks", "nodes", "redactions", *PROJECTIONS)
    before = contents(copy, tables)
    rebuild(copy)
    assert contents(copy, tables) == before


def test_a_rebuild_never_hands_out_a_version_of_the_catalogue_again(copy):
    """Plans are kept by it."""

    def version():
        with sqlite3.connect(copy / FILE_NAME) as connection:
            found = connection.execute("SELECT value FROM meta WHERE name = 'catalogue'").fetchone()[0]
        connection.close()
        return json.loads(found)["version"]

    before = version()
    rebuild(copy)
    assert version() > before


def test_what_was_redacted_is_in_no_byte_of_the_file(tmp_path):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "CREATE INDEX ON T (secret)")
        rows(ledger, "INSERT INTO T ?", {"secret": "Margarethe Blumenthal", "k": 1})
        rows(ledger, "UPDATE T SET secret = 'gone'")
        (row,) = rows(ledger, "SELECT h.blockAddress, h.metadata.id FROM history(T) AS h WHERE h.metadata.version = 0")
        table_id = next(iter(ledger.catalogue.entries))
        assert any(b"Blumenthal" in each.read_bytes() for each in tmp_path.iterdir())
        rows(ledger, "EXEC REDACT_REVISION ?, ?, ?", row["blockAddress"], table_id, row["id"])
        settle(tmp_path)
        for _ in range(300):
            if not any(b"Blumenthal" in each.read_bytes() for each in tmp_path.iterdir()):
                break
            threading.Event().wait(0.02)
    assert not any(b"Blumenthal" in each.read_bytes() for each in tmp_path.iterdir())
    assert verify_file(tmp_path / FILE_NAME).problems == []
    rebuild(tmp_path)
    assert verify_file(tmp_path / FILE_NAME).problems == []


# ---- damaged --------------------------------------------------------------------------------------------------------

ADD_REVISION = (
    "INSERT INTO revisions SELECT 900, table_id, 'x', 0, from_no, to_no, tx_id, tx_time_ms, to_ms, hash, data, data_hash "
    "FROM revisions WHERE row = 1"
)
ADD_ENTRY = f"INSERT INTO entries SELECT index_id, x'00', {FOREVER}, document_id, 1 FROM entries LIMIT 1"
CHANGES = {
    "a document": ("UPDATE revisions SET data = (SELECT data FROM revisions LIMIT 1 OFFSET 3) WHERE row = 7", ()),
    "a revision's time": ("UPDATE revisions SET tx_time_ms = tx_time_ms + 1 WHERE row = 5", ()),
    "a revision that is missing": ("DELETE FROM revisions WHERE row = 9", ()),
    "a revision that was added": (ADD_REVISION, ()),
    "a validity": ("UPDATE revisions SET to_no = to_no + 1 WHERE row = 2", ()),
    "an index entry that is missing": ("DELETE FROM entries WHERE key = (SELECT min(key) FROM entries)", ()),
    "an index entry that was added": (ADD_ENTRY, ()),
    "a node of the tree": ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 1 AND position = 0", ()),
    "a table's name": ("UPDATE meta SET value = replace(value, 'Accounts', 'Account') WHERE name = 'catalogue'", ()),
    "a block's hash": ("UPDATE blocks SET block_hash = zeroblob(32) WHERE sequence_no = 5", ()),
    "a block's transaction": ("UPDATE blocks SET transaction_id = 'x' WHERE sequence_no = 5", ()),
    "two blocks": (
        "UPDATE blocks SET block = (SELECT block FROM blocks WHERE sequence_no = 6) WHERE sequence_no = 7",
        (),
    ),
    "a block that is missing": ("DELETE FROM blocks WHERE sequence_no = 4", ()),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_is_changed_in_the_file_is_found(name, copy):
    sql, values = CHANGES[name]
    change(copy, sql, *values)
    before = (copy / FILE_NAME).read_bytes()
    assert verify_file(copy / FILE_NAME).problems
    assert (copy / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("name", ["a block's hash", "a block's transaction", "two blocks", "a block that is missing"])
def test_a_journal_that_does_not_hold_is_not_opened_nor_rebuilt_from(name, copy):
    sql, values = CHANGES[name]
    change(copy, sql, *values)
    before = contents(copy, ("blocks", *PROJECTIONS))
    with pytest.raises(IntegrityError):
        ledger_on("sqlite", copy)
    if name not in {
        "a block's hash",
        "a block's transaction",
    }:  # columns beside the block, which a rebuild does not need
        with pytest.raises(IntegrityError):
            rebuild(copy)
    assert contents(copy, ("blocks", *PROJECTIONS)) == before


def test_bytes_that_are_changed_in_a_block_are_found_when_the_file_is_opened(copy):
    path = copy / FILE_NAME
    data = bytearray(path.read_bytes())
    place = data.index(b"UPDATE Accounts AS a SET a.balance")
    data[place : place + 6] = b"DELETE"
    path.write_bytes(data)
    with pytest.raises(IntegrityError):
        ledger_on("sqlite", copy)
    assert verify_file(path).problems
    assert path.read_bytes() == data


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 40_000])
def test_a_file_that_is_cut_is_refused(size, copy):
    path = copy / FILE_NAME
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(IntegrityError):
        ledger_on("sqlite", copy)
    assert verify_file(path).problems
    assert path.stat().st_size == size


def test_another_program_s_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / FILE_NAME
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(IntegrityError, match="not a ledger"):
        ledger_on("sqlite", tmp_path)
    assert path.read_bytes() == before


# ---- owned ----------------------------------------------------------------------------------------------------------


def test_a_folder_belongs_to_one_process_at_a_time(tmp_path):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        script = (
            "import sys, counterfoil; from counterfoil.errors import PreconditionError\n"
            "try: counterfoil.open(sys.argv[1])\n"
            "except PreconditionError as error: print(error)"
        )
        told = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
        assert "in use by another process" in told.stdout
        with pytest.raises(PreconditionError):
            rebuild(tmp_path)
    with ledger_on("sqlite", tmp_path, seed=2) as ledger:
        assert rows(ledger, "SELECT * FROM T") == []


def test_a_ledger_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFoundError):
        verify_file(tmp_path / FILE_NAME)
    with pytest.raises(NotFoundError):
        journal_file.open_file(Path(tmp_path) / FILE_NAME)


def test_a_ledger_is_not_made_over_another(copy):
    with pytest.raises(PreconditionError):
        create_ledger(copy, "x" * 22)


# ---- when the disk refuses ------------------------------------------------------------------------------------------


def test_a_step_that_fails_leaves_nothing_and_the_ledger_goes_on(tmp_path, monkeypatch):
    with ledger_on("sqlite", tmp_path) as ledger:
        rows(ledger, "CREATE TABLE T")
        rows(ledger, "CREATE INDEX ON T (a)")
        before = ledger.digest()

        def full(*_):
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(journal_file, "write_effects", full)
        for _ in range(3):
            with pytest.raises(UnavailableError, match="disk is full"):
                rows(ledger, "INSERT INTO T {'a': 1}")
        monkeypatch.undo()
        assert ledger.digest() == before
        assert rows(ledger, "SELECT * FROM T AS t WHERE t.a = 1") == []
        rows(ledger, "INSERT INTO T {'a': 1}")
        assert len(rows(ledger, "SELECT * FROM T AS t WHERE t.a = 1")) == 1
    assert verify_file(tmp_path / FILE_NAME).problems == []
