"""The log of a strand: grown from block hashes that were verified, signed, shown to witnesses, written so that a crash costs nothing.

Order of writing: full tiles and bundles, the edge, then the checkpoint, in one step and only over the one that was read. Whatever
was written before a crash is written again, the same; two that grow a log at once write the same files, and one checkpoint is first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import batched
from typing import Final

from counterfoil.errors import IntegrityError, NotFoundError
from counterfoil.log_ports import AskWitness, LogStore
from counterfoil.services.witnessing import Witnessed, witnessed
from counterfoil.transparency.checkpoint import (
    Checkpoint,
    SignedCheckpoint,
    parse_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
)
from counterfoil.transparency.note import NoteSigner, Verifier
from counterfoil.transparency.policy import WitnessPolicy
from counterfoil.transparency.tiles import CHECKPOINT_PATH, TileReader, TileWriter
from counterfoil.transparency.tree import EMPTY, prove_consistency, verify_consistency

# Entries between two looks at the clock.
STEP: Final = 4_096


@dataclass(frozen=True, slots=True)
class TransparencyLog:
    """One strand's log. ``key`` checks the log's own signatures; ``policy`` names the witnesses."""

    store: LogStore
    key: Verifier
    policy: WitnessPolicy = field(default_factory=WitnessPolicy)

    def last(self) -> SignedCheckpoint | None:
        """The newest checkpoint, signed by the log's key; ``held`` says which witnesses signed it too."""
        return self._verified(self.store.load(CHECKPOINT_PATH))

    def _verified(self, data: bytes | None) -> SignedCheckpoint | None:
        return None if data is None else verify_checkpoint(parse_checkpoint(data), self.key, self.policy.verifiers)

    def reader(self, checkpoint: SignedCheckpoint | None) -> TileReader:
        """Reads the log as it was at a checkpoint; everything is checked against it."""
        return TileReader(self.store.load, EMPTY if checkpoint is None else checkpoint.head)

    def verify_extends(self, older: SignedCheckpoint, newer: SignedCheckpoint) -> None:
        """Return if the newer checkpoint extends the older one, by the tiles; else raise ``IntegrityError``."""
        if newer.head.size < older.head.size:
            raise IntegrityError(f"the checkpoint of {newer.head.size} entries is older than one of {older.head.size}")
        path = prove_consistency(self.reader(newer).node, older.head.size, newer.head.size)
        verify_consistency(older.head, newer.head, path)

    def grow(
        self,
        entries: Iterator[bytes],
        signer: NoteSigner,
        ask: AskWitness,
        running_out: Callable[[], bool] = lambda: False,
    ) -> Witnessed | None:
        """Add entries behind the last one, sign, and ask the witnesses; ``None`` where there is nothing to sign.

        Without entries the last checkpoint is shown again to the witnesses that have not signed it. When the time runs out the log
        is signed as far as it has come. ``ConflictError`` where somebody else has signed meanwhile.
        """
        old = self.store.load(CHECKPOINT_PATH)
        last = self._verified(old)
        writer = TileWriter(self.reader(last))
        for some in batched(entries, STEP, strict=False):
            for entry in some:
                writer.append(entry)
            for file in writer.filled():
                self.store.add(file.path, file.data)
            if running_out():
                break
        for file in writer.edge():
            self.store.add(file.path, file.data)
        if last is not None and writer.head == last.head:
            checkpoint = last
        elif writer.size:
            checkpoint = sign_checkpoint(Checkpoint(self.key.key.name, writer.head), signer)
        else:
            return None
        return self._shown(checkpoint, ask, last, old)

    def witness(self, ask: AskWitness) -> Witnessed:
        """Show the last checkpoint, which must be there, to the witnesses that have not signed it, and keep their signatures."""
        old = self.store.load(CHECKPOINT_PATH)
        last = self._verified(old)
        if last is None:
            raise NotFoundError("there is no checkpoint to be witnessed")
        return self._shown(last, ask, last, old)

    def _shown(
        self, checkpoint: SignedCheckpoint, ask: AskWitness, last: SignedCheckpoint | None, old: bytes | None
    ) -> Witnessed:
        outcome = witnessed(checkpoint, self.reader(checkpoint), self.policy, ask, last)
        if outcome.checkpoint.render() != old:
            self.store.replace(CHECKPOINT_PATH, old, outcome.checkpoint.render())
        return outcome
