"""The digest that a client and the ledger compute of one transaction, from what the protocol says of it.

``h = IH(transaction id)``; for each statement ``s = IH(text) · IH(parameter 1) · …`` and ``h = h · s``.
"""

from functools import reduce

import pytest

from counterfoil.errors import StatementError
from counterfoil.journal.builder import hash_of_value
from counterfoil.merkle import dot
from tests.ledgers import ledger_on

STATEMENTS = [
    ("CREATE TABLE T", []),
    ("INSERT INTO T ?", [{"k": 1}]),
    ("SELECT * FROM T AS t WHERE t.k IN (?, ?)", [1, "x"]),
    ("SELECT * FROM T AS t WHERE t.k IN (?, ?)", ["x", 2]),
    ("UPDATE T AS t SET t.k = ?", [None]),
]


def test_the_digest_of_a_commit_is_that_of_its_statements_and_parameters(tmp_path):
    with ledger_on("memory", tmp_path) as ledger:
        transaction = ledger.begin()
        expected = hash_of_value(transaction.transaction_id)
        seen = {bytes(expected)}
        for text, parameters in STATEMENTS:
            list(transaction.execute(text, parameters))
            expected = dot(expected, reduce(dot, map(hash_of_value, [text, *parameters])))
            assert transaction.commit_digest == expected
            seen.add(bytes(expected))
        assert len(seen) == len(STATEMENTS) + 1


def test_a_statement_that_failed_is_not_in_the_digest(tmp_path):
    with ledger_on("memory", tmp_path) as ledger:
        transaction = ledger.begin()
        before = transaction.commit_digest
        for text in ("SELECT FROM", "SELECT * FROM Absent"):
            with pytest.raises(StatementError):
                transaction.execute(text)
            assert transaction.commit_digest == before
