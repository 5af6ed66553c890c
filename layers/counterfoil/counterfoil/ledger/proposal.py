"""What a transaction asks the journal to commit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from counterfoil.ion.values import Value
from counterfoil.journal.builder import Prepared, Redaction
from counterfoil.ledger.changes import Definition
from counterfoil.ledger.concurrency import Footprint
from counterfoil.ledger.reading import StoredRevision
from counterfoil.merkle import Hash


class Written(NamedTuple):
    """What a transaction makes of one document: ``value`` and its binary form ``data`` (both ``None``: deleted).

    ``base`` is the revision it had before; ``None`` for a new document. ``statements`` are the numbers of the statements that
    changed it, one for each field changed. ``data_hash`` is there only where it was computed before.
    """

    table_id: str
    table_name: str
    document_id: str
    base: StoredRevision | None
    value: dict[str, Value] | None
    data: bytes | None
    statements: tuple[int, ...]
    data_hash: Hash | None = None

    @property
    def version(self) -> int:
        return 0 if self.base is None else self.base.version + 1


@dataclass(frozen=True, slots=True)
class Proposal:
    """A transaction that is done, to be committed behind ``snapshot_no`` if nothing it read has changed since.

    ``prepared`` has all hashes that do not depend on the block's place; ``definitions`` are its DDL statements with their
    numbers.
    """

    transaction_id: str
    snapshot_no: int
    read: Collection[Footprint]
    prepared: Prepared
    tx_time_ms: int
    documents: tuple[Written, ...]
    definitions: tuple[tuple[int, Definition], ...]
    redactions: tuple[Redaction, ...]
