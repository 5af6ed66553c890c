"""What the ledger in DynamoDB says its digests are, from the tree that its own blocks carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.adapters.dynamodb.journal import DynamoDbJournal
from counterfoil.errors import IntegrityError
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.log_ports import LedgerDigests
from counterfoil.merkle import Hash


@dataclass(frozen=True, slots=True)
class DynamoDbDigests(LedgerDigests):
    """``journal`` opens a strand's."""

    journal: Callable[[str], DynamoDbJournal]

    def anchor(self, strand_id: str, /) -> TrustAnchor | None:
        return self.journal(strand_id).anchor

    def digest(self, strand_id: str, size: int, /) -> Hash | None:
        journal = self.journal(strand_id)
        if size < 1 or not journal.read(range(size - 1, size)):
            first = journal.first()
            if not journal.read(range(first, first + 1)):
                return None
            raise IntegrityError(f"the journal has no block {strand_id}#{size - 1}")
        found = journal.peaks(size)
        assert found is not None
        return found.root
