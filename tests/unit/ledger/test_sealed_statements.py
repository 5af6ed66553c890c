"""What a statement of a table with sealed fields may say in its text, which the journal keeps for ever."""

import pytest

from counterfoil.errors import StatementError
from counterfoil.ledger.sealed_statements import refuse_literals
from counterfoil.partiql.parser import parse

REFUSED = [
    "INSERT INTO People VALUE {'name': 'Bob'}",
    "INSERT INTO People << {'country': ?}, {'name': 'Bob'} >>",
    'INSERT INTO People `{name: "Bob"}`',
    "INSERT INTO People VALUE {'born': 1970}",
    "UPDATE People AS p SET p.name = 'Bob'",
    "UPDATE People AS p SET p.born = p.born + 1",
    "UPDATE People AS p INSERT INTO p.names VALUE 'Bob' AT ?",
    "FROM People AS p WHERE p.name = 'Bob' SET p.name = ?",
    "DELETE FROM People AS p WHERE p.name = 'Bob'",
    "SELECT * FROM People AS p WHERE p.name = 'Bob'",
    "SELECT * FROM People AS p WHERE p.name LIKE 'B%'",
    "SELECT * FROM People AS p WHERE p.name IN (?, 'Bob')",
    "SELECT * FROM People AS p WHERE p.born BETWEEN ? AND 1970",
    "SELECT * FROM People AS p WHERE p.born = `1970-01-01T`",
    "SELECT * FROM People AS p WHERE p.born = 1970.5",
    "SELECT * FROM People AS p WHERE p[p.field = 'Bob'] = ?",
    "SELECT CASE WHEN p.name = 'Bob' THEN ? ELSE ? END FROM People AS p",
    "SELECT * FROM People AS p ORDER BY p.name = 'Bob'",
    "SELECT * FROM People AS p LIMIT CASE WHEN 'Bob' = ? THEN 1 ELSE 2 END",
    "SELECT * FROM People AS p WHERE EXISTS(SELECT * FROM Others AS o WHERE o.name = 'Bob')",
    "SELECT TO_STRING(p.born, 'y') FROM People AS p",
    "SELECT TRIM(BOTH 'B' FROM p.name) FROM People AS p",
    "SELECT {'name': 'Bob'} FROM People AS p",
    "SELECT {'Bob' || p.name: 1} FROM People AS p",
    "SELECT ['Bob'] FROM People AS p",
]
TAKEN = [
    "INSERT INTO People ?",
    "INSERT INTO People VALUE {'name': ?, 'born': ?, 'known': true, 'left': null}",
    "UPDATE People AS p SET p.name = ?, p.country = ? WHERE p.country = ?",
    "UPDATE People AS p REMOVE p.names[0]",
    "SELECT p.name, p['born'] FROM People AS p BY id WHERE id = ? AND p.left IS MISSING",
    "SELECT * FROM People AS p ORDER BY p.name LIMIT 10 OFFSET 5",
    "SELECT EXTRACT(year FROM p.born), TRIM(p.name), COUNT(*) FROM People AS p GROUP BY p.born, p.name",
    "SELECT DATE_DIFF(year, p.born, UTCNOW()) FROM People AS p",
    "SELECT {'who': p.name} FROM People AS p",
    "DELETE FROM People AS p WHERE p.name = ?",
]


@pytest.mark.parametrize("text", REFUSED)
def test_a_value_in_the_text_is_refused(text):
    with pytest.raises(StatementError, match="People has sealed fields") as refused:
        refuse_literals(parse(text).statement, "People")
    assert refused.value.line


@pytest.mark.parametrize("text", TAKEN)
def test_names_places_and_parameters_are_taken(text):
    refuse_literals(parse(text).statement, "People")
