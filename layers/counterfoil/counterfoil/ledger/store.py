"""What the engine needs of the place where a ledger is kept: one atomic step forward, snapshots, and the journal itself.

The journal is the ledger; documents, history and indexes are projections of it. A store is TRUSTED to keep acknowledged blocks:
whoever can write it can forge a block, and is found out by every digest taken before. The embedded store is
``adapters/sqlite``; one contract suite runs on all (tests/contract).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from counterfoil.journal import BlockAddress
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.ledger.proposal import Proposal
from counterfoil.ledger.reading import Snapshot
from counterfoil.ledger.sequencing import LedgerHead
from counterfoil.merkle import Hash


class LedgerStore(Protocol):
    """One ledger. Every call may come from any thread."""

    @property
    def anchor(self) -> TrustAnchor | None:
        """Where the ledger begins, if that is not block 0. It never changes."""
        return None

    def head(self) -> LedgerHead:
        """Behind the last block that is durable."""
        ...

    def snapshot(self) -> Snapshot:
        """The ledger as of the last durable block; it must be released."""
        ...

    def snapshot_at(self, sequence_no: int) -> Snapshot:
        """The ledger as of an earlier block, for a transaction that began there elsewhere; it must be released.

        ``ClosedError`` where that state is not kept any more; ``NotFoundError`` where there is no such block yet.
        """
        ...

    def commit(self, proposal: Proposal) -> BlockAddress:
        """Append the proposal's block, all of it or nothing; when this returns, the block is durable and seen by new snapshots.

        ``OccConflictError`` if what the proposal read has changed. A proposal whose transaction id was committed before is not
        committed again; its block's address is returned.
        """
        ...

    def committed(self, transaction_id: str) -> BlockAddress | None:
        """Where a transaction was committed, if it was."""
        ...

    def block(self, sequence_no: int) -> bytes:
        """A block in its whole form as binary Ion; ``NotFoundError`` behind the last one."""
        ...

    def blocks(self, begin: int, end: int) -> Iterator[bytes]:
        """The blocks from ``begin`` (included) to ``end`` (excluded) that there are, in order."""
        ...

    def node(self, level: int, position: int) -> Hash:
        """A complete node of the tree over all block hashes (``merkle.nodes``)."""
        ...

    def wait_for(self, sequence_no: int, timeout_seconds: float) -> int:
        """Wait until a block of that number is there, or the time is up; the number of the last block then (-1: none)."""
        ...

    def close(self) -> None:
        """Finish what is being committed and let go of everything. Later calls raise ``ClosedError``."""
        ...
