"""A ledger that is made from the blocks of another: what whoever imports needs of its store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from counterfoil.journal import Digest


@dataclass(frozen=True, slots=True)
class ImportedLedger:
    """What a ledger holds once it was derived from its journal. ``digest`` is that of its last block."""

    tables: int
    documents: int
    revisions: int
    digest: Digest


class NewLedger(Protocol):
    """A ledger in the making. TRUSTED to keep what it was given; it is not there for anybody before ``finish``."""

    def next_sequence_no(self) -> int:
        """The block that comes next: 0, or more where an earlier import was broken off."""
        ...

    def store(self, begin: int, blocks: Iterator[bytes], /) -> None:
        """Keep blocks in order, the first of which has the number ``begin``; some of them may be kept before an error."""
        ...

    def derive(self) -> ImportedLedger:
        """Verify the journal that was stored, and derive all else from it. ``IntegrityError`` where it does not hold."""
        ...

    def finish(self) -> None:
        """Let the ledger appear."""
        ...

    def discard(self) -> None:
        """Forget what was stored."""
        ...
