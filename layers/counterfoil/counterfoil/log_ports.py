"""What a checkpointed log needs from outside, and what a witness of it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from counterfoil.journal.anchor import TrustAnchor
from counterfoil.merkle import Hash


class LogStore(Protocol):
    """Keeps the files of one log by their paths. NOT trusted: what is read is checked against a signed checkpoint."""

    def load(self, path: str, /) -> bytes | None:
        """A file's bytes; ``None`` where there is none. Never stale."""
        ...

    def add(self, path: str, data: bytes, /) -> None:
        """Write a file, whole or not at all; the same bytes again succeed, other bytes are an ``IntegrityError``."""
        ...

    def replace(self, path: str, old: bytes | None, new: bytes, /) -> None:
        """Replace ``old`` by ``new`` in one step, durably; ``ConflictError`` if what is there is not ``old``."""
        ...


class WitnessAnswer(NamedTuple):
    """HTTP's status and the body, cut to what a witness may say."""

    status: int
    body: bytes


# Sends bytes to the URL of a witness; ``UnavailableError`` where nobody answers in time.
AskWitness = Callable[[str, bytes], WitnessAnswer]


class LedgerDigests(Protocol):
    """What the ledger says of itself. NOT trusted: it is who is audited."""

    def digest(self, strand_id: str, size: int, /) -> Hash | None:
        """QLDB's digest over the strand's first ``size`` blocks (at least one); ``None`` where the ledger does not know the strand.

        ``IntegrityError`` where it has not so many blocks.
        """
        ...

    def anchor(self, strand_id: str, /) -> TrustAnchor | None:
        """Where it says that the strand begins, if that is not block 0; ``IntegrityError`` where that cannot be read."""
        ...
