"""What ``verify data`` and ``rebuild`` say of a ledger's file, whole and damaged."""

import sqlite3

import pytest

import counterfoil


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data" / "bank"
    with counterfoil.open(folder) as ledger:
        ledger.execute_statement("CREATE TABLE Accounts")
        ledger.execute_statement("CREATE INDEX ON Accounts (accountId)")
        ledger.execute_statement("INSERT INTO Accounts ?", [{"accountId": "A", "n": 1}, {"accountId": "B", "n": 1}])
        ledger.execute_statement("UPDATE Accounts AS a SET a.n = 2 WHERE a.accountId = 'A'")
    return folder


def damage(folder, statement):
    with sqlite3.connect(folder / "journal.db", autocommit=True) as connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


def test_every_ledger_below_a_folder_is_verified(run, folder):
    with counterfoil.open(folder.parent / "other") as other:
        other.execute_statement("CREATE TABLE T")
    answer = run("verify", "data", folder.parent, "--json")
    assert answer.status == 0
    first, second = answer.document["ledgers"]
    assert (first["folder"], second["folder"]) == (str(folder), str(folder.parent / "other"))
    assert (first["blocks"], first["revisions"], first["indexEntries"], first["problems"]) == (4, 3, 2, [])
    with counterfoil.open(folder) as ledger:
        assert first["digest"] == ledger.digest().hash.to_base64()


def test_one_ledger_is_verified_by_its_folder_and_while_it_is_open(run, folder):
    with counterfoil.open(folder):
        assert run("verify", "data", folder).status == 0


def test_a_changed_document_is_found_and_rebuilt_from_the_journal(run, folder):
    damage(folder, "UPDATE revisions SET data = (SELECT data FROM revisions WHERE version = 1) WHERE version = 0")
    found = run("verify", "data", folder.parent, "--json")
    assert found.status == 1
    assert found.document["holds"] is False
    assert "is not what the journal says" in found.document["ledgers"][0]["problems"][0]
    assert "does not hold" in run("verify", "data", folder.parent).out
    assert run("rebuild", "bank", "--data", folder.parent, "--json").document == {
        "holds": True,
        "ledger": "bank",
        "blocksReplayed": 4,
    }
    assert run("verify", "data", folder.parent).status == 0


def test_a_changed_journal_is_found_and_not_rebuilt_over(run, folder):
    damage(folder, "UPDATE blocks SET block = (SELECT block FROM blocks WHERE sequence_no = 2) WHERE sequence_no = 3")
    assert run("verify", "data", folder).status == 1
    assert run("rebuild", folder).status == 1


def test_a_ledger_that_is_open_is_not_rebuilt(run, folder):
    with counterfoil.open(folder):
        assert run("rebuild", folder).status == 2


def test_what_is_no_ledger_is_bad_input(run, folder, tmp_path):
    assert run("rebuild", "nothere", "--data", folder.parent).status == 2
    assert run("verify", "data", tmp_path / "nothere").status == 2
    (tmp_path / "empty").mkdir()
    assert run("verify", "data", tmp_path / "empty", "--json").status == 2


def test_a_file_that_is_something_else_does_not_hold(run, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "journal.db").write_bytes(b"rubbish" * 1000)
    assert run("verify", "data", tmp_path, "--json").status == 1


def test_what_a_deletion_has_not_yet_removed_is_passed_over(run, folder):
    folder.rename(folder.parent / ".deleted-bank")
    assert run("verify", "data", folder.parent).status == 2
