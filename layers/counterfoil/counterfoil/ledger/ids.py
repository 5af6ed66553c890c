"""Ids as QLDB writes them: 128 bits in Base62, always 22 characters.

Ids of documents, transactions and strands are drawn by chance, which comes from outside. Ids of tables and indexes follow
from the transaction and the statement that created them, so that the journal alone is enough to know them again
(docs/decisions/0015).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final

ID_SIZE: Final = 22
ID_BYTES: Final = 16
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = tuple(first + second for first in _DIGITS for second in _DIGITS)

# Gives a new id each time; two calls never give the same one.
NewId = Callable[[], str]


def render_id(data: bytes) -> str:
    """16 bytes as an id."""
    number = int.from_bytes(data)
    pairs = []
    for _ in range(ID_SIZE // 2):
        number, pair = divmod(number, 3844)
        pairs.append(_PAIRS[pair])
    return "".join(reversed(pairs))


def derived_id(kind: str, transaction_id: str, statement: int) -> str:
    """The id of what statement number ``statement`` (from 0) of a transaction created."""
    return render_id(sha256(f"counterfoil {kind} {transaction_id} {statement}".encode()).digest()[:ID_BYTES])
