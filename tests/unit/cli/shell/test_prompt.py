"""The shell at a terminal, typed into through prompt_toolkit's own pipe."""

import io
import stat

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

import counterfoil
from counterfoil.cli.shell import prompt
from counterfoil.cli.shell.interpreter import Screen, Shell
from counterfoil.cli.shell.transactions import Transactions


@pytest.fixture
def shell():
    made = Shell(Transactions(None), None, Screen(None, None))
    made.tables, made.fields = ["Accounts", "AuditLog"], {"accountId"}
    return made


@pytest.fixture
def typed():
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        yield keys


def ask(shell):
    return prompt.prompt_session(shell, InMemoryHistory()).prompt("> ")


@pytest.mark.parametrize("text", ["\\d", "SELECT 1 FROM t;", "", "BEGIN;", ".read x"])
def test_enter_ends_what_is_complete(shell, typed, text):
    typed.send_text(text + "\r")
    assert ask(shell) == text


def test_enter_begins_a_new_line_in_what_is_not(shell, typed):
    typed.send_text("SELECT ';'\rFROM t\r;\r")
    assert ask(shell) == "SELECT ';'\nFROM t\n;"


def completions(shell, text):
    found = prompt.Words(shell).get_completions(Document(text), CompleteEvent())
    return [each.text for each in found]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("\\d", ["\\digest"]),
        ("\\ins", ["\\insert"]),
        (".r", [".read"]),
        ("SELECT * FROM Acc", ["Accounts", "accountId"]),
        ("SELECT a.acc", ["Accounts", "accountId"]),
        ("SELECT * FROM _ql", ["_ql_committed_Accounts", "_ql_committed_AuditLog"]),
        ("sel", ["select"]),
        ("SEL", ["SELECT"]),
        ("SELECT HIS", ["history"]),
        ("SELECT * FROM inf", ["information_schema.user_tables"]),
        ("SELECT ", []),
        ("\\insert A", ["Accounts", "AuditLog", "accountId", "AND", "AS", "AT", "AVG"]),
    ],
)
def test_what_is_begun_is_completed(shell, text, wanted):
    assert completions(shell, text) == wanted


def test_the_history_is_its_owners_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    kept = prompt.history()
    kept.append_string("SELECT 1 FROM t;")
    path = tmp_path / "state/counterfoil/shell_history"
    assert "SELECT 1 FROM t;" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_a_place_for_it_the_history_is_in_memory(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert isinstance(prompt.history(), InMemoryHistory)


@pytest.fixture
def terminal(typed, run, tmp_path, monkeypatch):
    """Runs the shell with these lines typed at a terminal."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("sys.stdin", Terminal())
    with counterfoil.open(tmp_path / "bank") as ledger:
        ledger.execute_statement("CREATE TABLE Accounts")

    def call(*lines):
        typed.send_text("".join(f"{line}\r" for line in lines))
        return run("shell", tmp_path / "bank")

    return call


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_at_a_terminal_the_shell_goes_on_behind_an_error(terminal):
    done = terminal("SELECT FRM;", "INSERT INTO Accounts {'a': 1};", "CREATE TABLE Others;", "\\d", "\\q")
    assert done.status == 0
    assert "line 1, column 11" in done.err
    assert "(1 row, 0 read)" in done.out
    assert "Others" in done.out


def test_at_a_terminal_a_transaction_that_is_left_is_rolled_back(terminal, run, tmp_path):
    done = terminal("begin;", "INSERT INTO Accounts {'a': 1};", "\\q")
    assert (done.status, "rolled back" in done.err) == (0, True)
    assert "#0" in run("shell", tmp_path / "bank", "-c", "\\digest").out


def test_the_end_of_input_ends_the_shell_and_an_interrupt_the_line(terminal):
    assert terminal("SELECT 1\x03\\digest", "\x04").status == 0
