"""Statements that others wrote: of the reference's dialect, and of public clients of QLDB."""

import json

import pytest

from counterfoil.errors import StatementError
from counterfoil.partiql.parser import parse


@pytest.fixture(scope="module")
def statements(shared_vectors):
    return json.loads((shared_vectors / "partiql" / "statements.json").read_text())


def test_every_published_statement_is_read(statements):
    assert len(statements) == 207
    for case in statements:
        assert parse(case["statement"]).statement, case["source"]


def test_every_published_statement_has_as_many_parameters_as_question_marks(statements):
    # None of them has a question mark inside a string, a name or a comment.
    for case in statements:
        assert parse(case["statement"]).parameter_count == case["statement"].count("?"), case["statement"]


def test_no_published_statement_is_read_when_a_word_is_lost_before_it(statements):
    for case in statements:
        with pytest.raises(StatementError):
            parse("IS " + case["statement"])
