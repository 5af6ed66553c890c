"""What is typed is cut where a statement ends, and nowhere else."""

import pytest

from counterfoil.cli.shell.statements import StatementBuffer, is_complete


def cut(*lines):
    buffer = StatementBuffer()
    return [entry for line in lines for entry in buffer.feed(line)], buffer.rest()


def test_a_statement_ends_with_a_semicolon_and_keeps_its_lines():
    assert cut("SELECT *\n", "FROM t;\n") == (["SELECT *\nFROM t"], "")


def test_several_statements_on_a_line_and_one_that_goes_on():
    assert cut("SELECT 1 FROM t; ; SELECT 2 FROM t;SELECT\n") == (["SELECT 1 FROM t", "SELECT 2 FROM t"], "SELECT")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'a;b' FROM t",
        "SELECT 'it''s; so' FROM t",
        'SELECT "a;b" FROM t',
        "SELECT /* ; */ 1 FROM t",
        "SELECT 1 -- ;\nFROM t",
        "SELECT `{a: \"x`;y\", b: ';'}` FROM t",
        "SELECT `'''a;` '''` FROM t",
        "SELECT `{{ ;;;; }}` FROM t",
        "SELECT 4 - 3 / 2 FROM t",
    ],
)
def test_a_semicolon_inside_of_something_ends_nothing(text):
    assert cut(text + ";\n") == ([text], "")
    assert cut(*(line + "\n" for line in (text + ";").split("\n"))) == ([text], "")


def test_a_command_takes_its_line_and_needs_no_semicolon():
    assert cut("\\d Accounts\n", ".read a;b.sql\n", "SELECT 1 FROM t;\\q\n") == (
        ["\\d Accounts", ".read a;b.sql", "SELECT 1 FROM t", "\\q"],
        "",
    )


def test_a_command_may_stand_behind_a_comment_but_not_in_a_statement():
    assert cut("-- look;\n", "\\d\n") == (["\\d"], "")
    assert cut("SELECT\n", "\\d\n") == ([], "SELECT\n\\d")


@pytest.mark.parametrize("text", ["SELECT 'a;\n", "SELECT `{a: 1};\n", "/* ;\n", 'SELECT "a;\n'])
def test_what_is_not_closed_has_not_ended(text):
    entries, rest = cut(text)
    assert entries == []
    assert rest == text.strip()


def test_blanks_and_comments_alone_are_nothing():
    assert cut("\n", "  -- only a remark\n", "/* ; */\n") == ([], "")


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        ("\\d", True),
        ("SELECT 1 FROM t", False),
        ("SELECT 1 FROM t;", True),
        ("SELECT 1 FROM t; SELECT", False),
        ("SELECT ';", False),
    ],
)
def test_enter_ends_what_is_complete(text, complete):
    assert is_complete(text) is complete


def test_what_was_cleared_is_gone():
    buffer = StatementBuffer()
    assert list(buffer.feed("SELECT '\n")) == []
    buffer.clear()
    assert list(buffer.feed("SELECT 1 FROM t;\n")) == ["SELECT 1 FROM t"]


def test_a_hostile_line_is_read_once():
    assert cut("'" * 200_001 + ";\n")[0] == []
    assert cut("/*" * 100_000 + ";\n")[0] == []
    assert cut("`{{" * 50_000 + ";\n")[0] == []
