"""Parsing of the statements of a bank: new text each time, and text seen before, beside json.loads of the same characters."""

from __future__ import annotations

import json
from collections.abc import Callable

from benchmarks.clock import best_seconds
from counterfoil.partiql.parser import parse, parse_anew

STATEMENTS = [
    "SELECT * FROM Accounts WHERE AccountId = ?",
    "SELECT a.Balance, a.Currency FROM Accounts AS a WHERE a.AccountId IN (?, ?)",
    "UPDATE Accounts AS a SET a.Balance = ? WHERE a.AccountId = ?",
    "INSERT INTO Transfers ?",
    "INSERT INTO Transfers VALUE {'from': ?, 'to': ?, 'amount': ?, 'at': ?}",
    "SELECT t.id, t.amount FROM Transfers AS t BY tid WHERE t.source = ? AND t.amount > 100.00",
    "SELECT metadata.id, data.Balance FROM _ql_committed_Accounts AS a WHERE a.data.AccountId = ?",
    "DELETE FROM Holds AS h WHERE h.TransferId = ? AND h.State <> 'open'",
]
ROUNDS = 250


def run() -> None:
    texts = STATEMENTS * ROUNDS
    strings = [json.dumps(text) for text in texts]
    taken = best_seconds(
        {
            "anew": lambda: _each(parse_anew, texts),
            "again": lambda: _each(parse, texts),
            "json": lambda: _each(json.loads, strings),
        },
        rounds=15,
    )
    each = {name: seconds / len(texts) for name, seconds in taken.items()}
    print("PartiQL statements of a bank, parsed, one core")
    print(f"  new text   {each['anew'] * 1e6:8.1f} µs   {1 / each['anew']:10,.0f} statements/s   (wanted: 30,000)")
    print(f"  seen text  {each['again'] * 1e6:8.1f} µs   {1 / each['again']:10,.0f} statements/s")
    print(
        f"  json.loads of the text as one string takes {each['json'] * 1e6:.2f} µs: 1/{each['anew'] / each['json']:.0f}"
    )


def _each(read: Callable[[str], object], texts: list[str]) -> None:
    """Without keeping what is read, as a server does."""
    for text in texts:
        read(text)
