"""What docs/ledger.md says of the ledger is so: its statements are run, its limits are the code's."""

import re
from pathlib import Path

import pytest

import counterfoil
from counterfoil.adapters.sqlite.checks import BLOCKS_CHECKED
from counterfoil.cli.shell.statements import StatementBuffer
from counterfoil.errors import OccConflictError, StatementError
from counterfoil.ledger.limits import DEFAULT_LIMITS, QLDB_LIMITS
from counterfoil.partiql.tables import Action
from counterfoil.protocol.control import MAX_LEDGERS, QLDB_MAX_LEDGERS
from counterfoil.protocol.sessions import MAX_SESSIONS

PAGE = (Path(__file__).parents[2] / "docs/ledger.md").read_text()


def statements(language):
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    return [each for block in blocks for each in StatementBuffer().feed(block)]


@pytest.fixture
def ledger(tmp_path):
    with counterfoil.open(tmp_path / "ledger") as opened:
        yield opened


def test_every_statement_shown_can_be_run_and_every_one_refused_is(ledger):
    shown, refused = statements("partiql"), statements("refused")
    assert (len(shown) > 30, len(refused) > 15) == (True, True)
    for text in shown:
        ledger.execute_statement(text)
    for text in refused:
        with pytest.raises(StatementError):
            ledger.execute_statement(text)


def test_what_the_statements_change_is_what_the_page_says(ledger):
    for text in statements("partiql"):
        ledger.execute_statement(text)
    (order,) = ledger.execute_statement("SELECT * FROM Orders AS o WHERE o.orderId = 'O-1'")
    assert [line["sku"] for line in order["lines"]] == ["C", "A", "B"]
    assert (order["lines"][0]["n"], str(order["total"]), "paid" in order) == (5, "13.50", False)
    assert ledger.execute_statement("SELECT 7 / 2, 7.0 / 2, MISSING IS NULL FROM Orders WHERE orderId = 'O-1'") == [
        {"_1": 3, "_2": 3.5, "_3": True}
    ]


def test_the_program_runs(tmp_path, monkeypatch, capsys):
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "docs/ledger.md", "exec"), {})
    assert capsys.readouterr().out.startswith("10000.00 20")


LIMITS = [
    ("a transaction's life", "30 s", "30 s", [each.transaction_time.seconds for each in (DEFAULT_LIMITS, QLDB_LIMITS)]),
    ("ledgers of a server", "100", "5", [MAX_LEDGERS, QLDB_MAX_LEDGERS]),
    ("sessions of a server", "3,000", "3,000", [MAX_SESSIONS, MAX_SESSIONS]),
    *(
        (what, default, theirs, [getattr(DEFAULT_LIMITS, name), getattr(QLDB_LIMITS, name)])
        for what, default, theirs, name in (
            ("documents changed in a transaction", "1,000", "40", "documents_per_transaction"),
            ("size of a transaction", "4 MiB", "4 MiB", "transaction_bytes"),
            ("size of a document, as binary Ion", "1 MiB", "128 KiB", "document_bytes"),
            ("a statement's text", "100,000 characters", "100,000 characters", "statement_characters"),
            ("a parameter, as binary Ion", "1 MiB", "128 KiB", "parameter_binary_bytes"),
            ("a parameter, as text", "4,194,304 characters", "1,048,576 characters", "parameter_text_characters"),
            ("statements in a transaction", "10,000", "10,000", "statements_per_transaction"),
            ("active tables", "200", "20", "active_tables"),
            ("tables, dropped ones included", "400", "40", "tables"),
            ("indexes of a table", "20", "5", "indexes_per_table"),
            ("redactions in a transaction", "1", "1", "redactions_per_transaction"),
        )
    ),
]
UNITS = {"MiB": 1 << 20, "KiB": 1 << 10}


@pytest.mark.parametrize(("what", "default", "theirs", "actual"), LIMITS, ids=[each[0] for each in LIMITS])
def test_the_limits_are_the_codes(what, default, theirs, actual):
    assert f"| {what} | {default} | {theirs} |" in PAGE
    for said, value in zip((default, theirs), actual, strict=True):
        number, _, unit = said.partition(" ")
        assert int(number.replace(",", "")) * UNITS.get(unit, 1) == value


READ, INSERT_4 = "SELECT * FROM Accounts AS a WHERE a.k = {}", "INSERT INTO Accounts {'k': 4}"
CONFLICTS = [
    ("SELECT * FROM Accounts AS a BY id WHERE id = '{id}'", "UPDATE Accounts AS a SET a.v = 9 WHERE a.k = 1", True),
    ("SELECT * FROM Accounts AS a BY id WHERE id = '{id}'", "UPDATE Accounts AS a SET a.v = 9 WHERE a.k = 2", False),
    (READ.format(1), "UPDATE Accounts AS a SET a.v = 9 WHERE a.k = 1", True),
    (READ.format(1), "UPDATE Accounts AS a SET a.v = 9 WHERE a.k = 2", False),
    (READ.format(1), INSERT_4, False),
    (READ.format(4), INSERT_4, True),
    (READ.format(3), "UPDATE Accounts AS a SET a.k = 3 WHERE a.k = 2", True),
    (READ.format(1) + " OR a.k = 2", INSERT_4, True),
    ("SELECT * FROM Accounts AS a WHERE a.k > 100", INSERT_4, True),
    ("SELECT * FROM history(Accounts) AS h", INSERT_4, True),
    (READ.format(1), "CREATE INDEX ON Accounts (v)", True),
    (READ.format(1), "DROP TABLE Accounts", True),
    (READ.format(1), "CREATE TABLE Others", False),
    ("SELECT * FROM information_schema.user_tables", "CREATE TABLE Others", True),
    (INSERT_4, INSERT_4, False),
]


@pytest.mark.parametrize(("first", "second", "conflicting"), CONFLICTS, ids=[f"{a} / {b}" for a, b, _ in CONFLICTS])
def test_what_conflicts_with_what_is_as_the_table_says(ledger, first, second, conflicting):
    ledger.execute_statement("CREATE TABLE Accounts")
    ledger.execute_statement("CREATE INDEX ON Accounts (k)")
    ledger.execute_statement("INSERT INTO Accounts << {'k': 1, 'v': 1}, {'k': 2, 'v': 2} >>")
    ((document_id),) = ledger.execute_statement("SELECT VALUE id FROM Accounts AS a BY id WHERE a.k = 1")
    reader = ledger.begin()
    list(reader.execute(first.replace("{id}", document_id)))
    ledger.execute_statement(second)
    if conflicting:
        with pytest.raises(OccConflictError):
            reader.commit()
    else:
        reader.commit()


def test_the_actions_named_are_those_of_the_code():
    section = PAGE[PAGE.index("## Permissions") :]
    for action in Action:
        assert action.removeprefix("qldb:PartiQL") in section


def test_the_blocks_checked_on_opening_are_as_many_as_said():
    assert f"newest {BLOCKS_CHECKED:,} blocks" in PAGE
