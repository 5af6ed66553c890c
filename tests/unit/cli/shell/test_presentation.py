"""Rows as a person or a program sees them."""

import json
from decimal import Decimal
from io import StringIO

from rich.console import Console

from counterfoil.cli.shell.presentation import columns_of, footer, ion_of, json_of, table_of
from counterfoil.ion import IonType
from counterfoil.ion.value_text import parse_texts
from counterfoil.ion.values import Annotated, IonNull, IonSymbol, IonTimestamp

NOON = IonTimestamp((2024, 1, 1, 12, 0, 0), None, 60)
ROWS = [
    {"accountId": "ACC-001", "balance": Decimal("10000.00"), "at": NOON},
    {"accountId": "ACC-002", "note": None, "tags": [1, "a"], "kind": IonNull(IonType.STRING)},
]


def shown(rows):
    drawn = StringIO()
    Console(width=200, file=drawn).print(table_of(rows))
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in drawn.getvalue().splitlines() if "│" in line]


def test_columns_are_all_fields_in_the_order_in_which_they_are_met():
    assert columns_of(ROWS) == ["accountId", "balance", "at", "note", "tags", "kind"]
    assert columns_of([1, {"a": 2}]) == ["value", "a"]


def test_a_missing_field_is_empty_and_a_null_is_not():
    assert shown(ROWS) == [
        ["ACC-001", "10000.00", "2024-01-01T13:00:00+01:00", "", "", ""],
        ["ACC-002", "", "", "null", '[1,"a"]', "null.string"],
    ]


def test_rows_that_are_no_structs_have_one_column():
    assert shown([IonSymbol("s p"), 3, Annotated(("a",), 1)]) == [["'s p'"], ["3"], ["a::1"]]


def test_text_cannot_draw_on_the_terminal():
    assert shown([{"a\x1b[2J": "\x1b[31mred\u202e[bold]"}]) == [["\ufffd[31mred\ufffd[bold]"]]


def test_ion_says_everything_and_is_read_back():
    assert parse_texts(ion_of(ROWS)) == ROWS


def test_json_is_one_array_and_keeps_digits():
    text = json_of(ROWS)
    assert "10000.00" in text
    assert json.loads(text)[1] == {"accountId": "ACC-002", "note": None, "tags": [1, "a"], "kind": None}
    assert json.loads(json_of([])) == []


def test_the_footer_counts():
    assert footer(1, 20, None) == "(1 row, 20 read)"
    assert footer(0, 0, 1.26) == "(0 rows, 0 read, 1.3 ms)"
