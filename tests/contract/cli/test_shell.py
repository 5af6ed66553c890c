"""The shell on a ledger in a folder and behind a server: what is run, shown, kept and refused."""

import io
import json
import os
import sys
from decimal import Decimal
from itertools import count

import pytest

import counterfoil
from counterfoil.ion.value_text import parse_texts
from tests.served import Served

NUMBERS = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("served") / "data") as served:
        yield served


@pytest.fixture(params=["folder", "server"])
def bank(request, run, tmp_path, monkeypatch):
    """Arguments of the shell that name a ledger with two accounts."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_QLDB", raising=False)
    name = f"bank-{next(NUMBERS)}"
    if request.param == "folder":
        place = (name, "--data", tmp_path / "data")
    else:
        place = (name, "--endpoint", request.getfixturevalue("server").url)
    assert run("ledger", "create", *place).status == 0
    statements = (
        "CREATE TABLE Accounts; CREATE INDEX ON Accounts (accountId);"
        "INSERT INTO Accounts << {'accountId': 'A', 'balance': 10.00}, {'accountId': 'B', 'balance': 20.00} >>;"
    )
    assert run("shell", *place, "-c", statements).status == 0
    return place


@pytest.fixture
def script(run, monkeypatch, bank):
    """Runs the shell with these lines on its standard input."""

    def call(text, *options):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        return run("shell", *bank, *options)

    return call


BALANCES = "SELECT a.accountId, a.balance FROM Accounts AS a ORDER BY a.accountId"


def balances(run, bank):
    rows = run("shell", *bank, "-c", BALANCES, "--json").document["statements"][0]["rows"]
    return [row.get("balance") for row in rows]


def test_rows_come_as_a_table_as_ion_and_as_json(run, bank):
    table = run("shell", *bank, "-c", BALANCES).out
    assert "│ A         │   10.00 │" in table
    assert "(2 rows, 2 read)" in table
    ion = run("shell", *bank, "-c", BALANCES, "--format", "ion").out
    assert [row["balance"] for row in parse_texts(ion)] == [Decimal("10.00"), Decimal("20.00")]
    rows = run("shell", *bank, "-c", BALANCES, "--format", "json").out
    assert '"balance":10.00' in rows
    assert json.loads(rows)[1] == {"accountId": "B", "balance": 20.0}


def test_json_is_one_document_for_all_statements(run, bank):
    answer = run("shell", *bank, "-c", f"{BALANCES}; \\d\n\\timing", "-c", "DELETE FROM Accounts", "--json").document
    assert answer["holds"] is True
    assert [len(each["rows"]) for each in answer["statements"]] == [2, 2]
    assert answer["statements"][0]["statement"] == BALANCES
    assert answer["statements"][0]["readIOs"] == 2


def test_text_beyond_ascii_is_escaped_in_the_one_document(run, bank):
    answer = run(
        "shell", *bank, "-c", "INSERT INTO Accounts ?; SELECT * FROM Accounts", "-p", '{"n": "é€😀\\u202e"}', "--json"
    )
    assert answer.out.isascii()
    assert {"n": "é€😀\u202e"} in answer.document["statements"][1]["rows"]


def test_values_of_parameters_are_json_or_ion_and_go_to_the_next_question_mark(run, bank):
    answer = run(
        "shell", *bank, "--json", "-p", "30.00", "-p", '"A"', "-p", "{accountId: 'C', at: 2024-01-01T}",
        "-c", "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?; SELECT * FROM Accounts; INSERT INTO Accounts ?",
    )  # fmt: skip
    assert answer.status == 0
    assert balances(run, bank)[:2] == [30.0, 20.0]
    assert run("shell", *bank, "-c", "SELECT 1 FROM Accounts", "-p", "1").status == 2
    assert run("shell", *bank, "-c", "SELECT * FROM Accounts WHERE a = ?").status == 2
    assert run("shell", *bank, "-c", BALANCES, "-p", "ACC-001").status == 2


def test_a_script_stops_at_the_first_failing_statement_and_says_which(script, run, bank):
    done = script("UPDATE Accounts SET balance = 1;\nSELECT FRM;\nUPDATE Accounts SET balance = 2;\n")
    assert done.status == 2
    assert "in: SELECT FRM" in done.err
    assert "line 1, column 11" in done.err
    assert balances(run, bank) == [1, 1]


def test_a_script_needs_no_semicolon_at_its_end(script):
    assert script(BALANCES, "--format", "json").status == 0
    assert script("\\d", "--format", "table").out.startswith("Accounts  ACTIVE")
    assert script("").out == ""


def test_a_transaction_is_committed_whole(script, run, bank):
    done = script("BEGIN;\nUPDATE Accounts SET balance = 1;\nINSERT INTO Accounts {'accountId': 'C'};\nCOMMIT;\n")
    assert done.status == 0
    assert "committed" in done.out
    assert script("\\digest").out.strip().endswith("#3")
    assert balances(run, bank) == [1, 1, None]


def test_a_transaction_that_is_rolled_back_or_left_open_was_never_there(script, run, bank):
    assert script("BEGIN; UPDATE Accounts SET balance = 1; rollback;").status == 0
    left = script("begin transaction; UPDATE Accounts SET balance = 1;")
    assert left.status == 0
    assert "rolled back" in left.err
    quit_early = script("begin; UPDATE Accounts SET balance = 1;\\q\nCOMMIT;")
    assert (quit_early.status, "rolled back" in quit_early.err) == (0, True)
    assert balances(run, bank) == [10.0, 20.0]


@pytest.mark.parametrize(
    "failing",
    [
        "SELECT FRM",
        "SELECT * FROM Nothing",
        "SELECT VALUE CAST(a.accountId AS INT) FROM Accounts AS a",
        "CREATE TABLE Accounts",
    ],
)
def test_a_statement_that_fails_takes_its_transaction_with_it(script, run, bank, failing):
    done = script(f"BEGIN; UPDATE Accounts SET balance = 1; {failing}; COMMIT;")
    assert done.status == 2
    assert "the transaction is rolled back" in done.out
    assert balances(run, bank) == [10.0, 20.0]


@pytest.mark.parametrize("text", ["COMMIT;", "ROLLBACK;", "BEGIN; BEGIN;", "\\retry"])
def test_transactions_are_begun_and_ended_in_turn(script, text):
    assert script(text).status == 2


def test_tables_are_described(script):
    assert "[accountId]" in script("\\d").out
    assert "ONLINE" in script("\\d Accounts").out
    assert script("\\d Nothing").status == 2


def test_looking_leaves_no_block(script):
    before = script("\\digest").out
    script("\\d\n\\d Accounts\n\\?\n\\timing\n\\format\n")
    assert script("\\digest").out == before


def test_the_format_may_change_on_the_way_and_remarks_stay_out_of_rows(script):
    done = script(f"\\format ion\n{BALANCES};\\format json\n{BALANCES};")
    assert len(done.out.splitlines()) == 2 + 4
    assert "format json" in done.err
    assert script("\\format xml").status == 2


def test_timing_says_how_long_it_took(script):
    assert " ms)" in script(f"\\timing\n{BALANCES};").out
    assert " ms)" not in script(f"\\timing\n\\timing\n{BALANCES};").out


@pytest.mark.parametrize("text", ["\\nonsense", "\\d a b", "\\insert Accounts", ".read", "\\q now"])
def test_a_command_that_is_none_is_refused(script, text):
    assert script(text).status == 2


def test_a_file_of_statements_is_read(script, run, bank, write):
    inner = write(b"UPDATE Accounts SET balance = 5; -- the end", "inner.sql")
    outer = write(f".read {inner}\nINSERT INTO Accounts {{'accountId': 'C'}}".encode(), "outer.sql")
    assert script(f".read {outer}").status == 0
    assert balances(run, bank)[:2] == [5, 5]
    loop = write(f".read {outer.parent}/loop.sql".encode(), "loop.sql")
    assert script(f".read {loop}").status == 2
    assert script(f".read {write(b'\xff', 'binary.sql')}").status == 2
    assert script(".read nowhere.sql").status == 2


def test_documents_of_a_file_are_inserted_some_at_a_time(script, run, bank, write):
    lines = "\n".join(json.dumps({"accountId": f"N{number}", "balance": number}) for number in range(100))
    path = write(lines.encode(), "many.jsonl")
    before = int(script("\\digest").out.rpartition("#")[2])
    assert "100 documents inserted" in script(f"\\insert Accounts {path}").out
    assert int(script("\\digest").out.rpartition("#")[2]) == before + 3
    assert script(f"BEGIN; \\insert Accounts {path}\nROLLBACK;").status == 0
    assert len(balances(run, bank)) == 102


def test_documents_that_were_inserted_before_one_failed_are_counted(script, write):
    path = write(b"[" + b'{"n": 1},' * 40 + b'{"n": "' + b"x" * 1_100_000 + b'"}]', "big.json")
    done = script(f"\\insert Accounts {path}")
    assert done.status == 2
    assert "40 of 41 documents were inserted" in done.out
    assert script(f"\\insert Nothing {path}").status == 2


def test_a_conflict_is_explained_and_the_statements_can_be_run_again(run, bank):
    from counterfoil.cli.places import opened_ledger
    from counterfoil.cli.shell.interpreter import Screen, Shell
    from counterfoil.cli.shell.transactions import Transactions
    from counterfoil.errors import OccConflictError

    name, option, where = bank
    data, endpoint = (where, None) if option == "--data" else (None, where)
    said = []
    with opened_ledger(name, data, endpoint) as one:
        other = Transactions(one.source)
        first = Shell(
            Transactions(one.source), one.digest, Screen(lambda _, outcome: said.append(outcome.rows), said.append)
        )
        if endpoint is not None:  # a session has one transaction at a time
            with opened_ledger(name, data, endpoint) as another:
                conflict(first, Transactions(another.source))
        else:
            conflict(first, other)
        first.run("\\retry")
        assert other.run(BALANCES).rows[0]["balance"] == Decimal("8.00")
        with pytest.raises(Exception, match="no transaction that met a conflict"):
            first.run("\\retry")
    assert said[-1] == "committed"
    assert issubclass(OccConflictError, Exception)


def conflict(first, other):
    from counterfoil.errors import OccConflictError

    minus_one = "UPDATE Accounts AS a SET a.balance = a.balance - 1 WHERE a.accountId = 'A'"
    first.run("BEGIN")
    first.run(minus_one)
    other.run(minus_one)
    with pytest.raises(OccConflictError, match=r"nothing of it was kept.*\\retry runs its 1 statements"):
        first.run("COMMIT")
    assert not first.transactions.open


def test_the_folder_of_a_ledger_may_be_named_alone(run, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL_QLDB", raising=False)
    folder = tmp_path / "my bank.ledger"
    with counterfoil.open(folder) as ledger:
        ledger.execute_statement("CREATE TABLE T")
        digest = ledger.digest().hash.to_base64()
    assert digest in run("shell", folder, "-c", "\\digest").out
    assert run("digest", folder, "--json").document["Digest"] == digest


def test_a_ledger_that_is_not_there_is_bad_input(run, tmp_path):
    (tmp_path / "data").mkdir()
    assert run("shell", "nothere", "--data", tmp_path / "data", "-c", "SELECT 1 FROM t").status == 2


def test_json_is_not_for_a_terminal(run, bank, monkeypatch):
    master, slave = os.openpty()
    with os.fdopen(slave) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        refused = run("shell", *bank, "--json")
    os.close(master)
    assert (refused.status, refused.document["error"]["type"]) == (2, "InputError")
