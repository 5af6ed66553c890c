"""How much one transaction, document and ledger may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults keep what protects the engine and raise what QLDB's users ran into.

    A block is written, hashed and streamed in one piece, so the documents of a transaction and its size stay bounded; a
    transaction holds back the removal of old index entries, so its time does.
    """

    transaction_time: timedelta = timedelta(seconds=30)
    documents_per_transaction: int = 1_000
    transaction_bytes: int = 4 * 1024 * 1024
    document_bytes: int = 1024 * 1024
    statement_characters: int = 100_000
    parameter_binary_bytes: int = 1024 * 1024
    parameter_text_characters: int = 4 * 1024 * 1024
    statements_per_transaction: int = 10_000
    active_tables: int = 200
    tables: int = 400
    indexes_per_table: int = 20
    redactions_per_transaction: int = 1
    waiting_commits: int = 10_000


DEFAULT_LIMITS: Final = Limits()

# Source: the service's documented quotas (docs/ledger.md, "Limits").
QLDB_LIMITS: Final = Limits(
    documents_per_transaction=40,
    document_bytes=128 * 1024,
    parameter_binary_bytes=128 * 1024,
    parameter_text_characters=1024 * 1024,
    active_tables=20,
    tables=40,
    indexes_per_table=5,
)
