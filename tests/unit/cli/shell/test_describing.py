"""What the shell says of tables."""

import pytest

from counterfoil.cli.shell.describing import describe_table, list_tables
from counterfoil.errors import NotFoundError

INDEX = {"indexId": "I1", "expr": "[accountId]", "status": "ONLINE"}
ROWS = [
    {"tableId": "T2", "name": "Transfers", "indexes": [], "status": "ACTIVE"},
    {"tableId": "T0", "name": "Accounts", "indexes": [], "status": "INACTIVE"},
    {"tableId": "T1", "name": "Accounts", "indexes": [INDEX], "status": "ACTIVE"},
]


def test_active_tables_come_first_by_name():
    assert list_tables(ROWS).splitlines() == [
        "Accounts   ACTIVE    [accountId]",
        "Transfers  ACTIVE",
        "Accounts   INACTIVE",
    ]
    assert "CREATE TABLE" in list_tables([])


def test_a_table_is_described_with_every_table_that_bore_its_name():
    text = describe_table(ROWS, "Accounts")
    assert "index    [accountId]  ONLINE  I1" in text
    assert "id       T0" in text
    assert describe_table(ROWS, "T2").startswith("Transfers  ACTIVE")
    assert "reads the whole table" in describe_table(ROWS, "T2")


def test_names_are_case_sensitive():
    with pytest.raises(NotFoundError, match="case sensitive"):
        describe_table(ROWS, "accounts")
