"""A witness: keeps what it signed last of each log, signs what extends it, and keeps what contradicts it as evidence.

What is kept, below the folder of a log (SHA-256 of its origin):

* ``signed``: the checkpoint signed last, with this witness's own signature;
* ``split/<number>``: a checkpoint signed by the log, of the size that was signed last and with another root; below it the latter;
* ``doubted/<number>``: one of another size, whose proof did not hold: a rewritten history, or somebody who sent a wrong proof.

The first is on disk before an answer leaves. At most so many pieces of evidence are kept of a log; one is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from counterfoil.errors import ConflictError, InputError
from counterfoil.log_ports import LogStore, WitnessAnswer
from counterfoil.ports import Clock
from counterfoil.transparency.checkpoint import SignedCheckpoint, parse_checkpoint
from counterfoil.transparency.note import NoteSignature, Verifier, render_signatures
from counterfoil.transparency.witness import AddCheckpoint, RefusedError, admit, parse_request, split_view

# A log that wants to fill a witness's disk has to sign for it; the first contradictions are the ones that matter.
MAX_EVIDENCE: Final = 16


class Cosigner(Protocol):
    def cosign(self, text: str, seconds: int, /) -> NoteSignature: ...


@dataclass(frozen=True, slots=True)
class WitnessService:
    """``logs`` are the verifiers of the logs that are watched, by origin.

    ``store`` is TRUSTED: whoever writes it can have a fork signed.
    """

    store: LogStore
    logs: Mapping[str, Verifier]
    cosigner: Cosigner
    clock: Clock

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """Answer a request as tlog-witness says. A store that does not answer is an ``UnavailableError``: nothing was signed."""
        try:
            request = parse_request(body)
            return WitnessAnswer(200, render_signatures([self._signed(request)]).encode())
        except RefusedError as error:
            if error.size is not None:
                return WitnessAnswer(error.status, f"{error.size}\n".encode())
            return WitnessAnswer(error.status, f"{error}\n".encode())
        except InputError as error:
            return WitnessAnswer(400, f"{error}\n".encode())

    def last(self, origin: str) -> SignedCheckpoint | None:
        """What was signed last of a log."""
        kept = self.store.load(_place(origin, "signed"))
        return None if kept is None else parse_checkpoint(kept)

    def _signed(self, request: AddCheckpoint) -> NoteSignature:
        origin = request.checkpoint.checkpoint.origin
        kept = self.store.load(_place(origin, "signed")) if origin in self.logs else None
        last = None if kept is None else parse_checkpoint(kept)
        try:
            checkpoint = admit(request, self.logs, last)
        except RefusedError as error:
            if last is not None and split_view(request.checkpoint, last) and error.status == 409:
                self._keep("split", request.checkpoint, last)
            elif last is not None and error.status == 422:
                self._keep("doubted", request.checkpoint, last)
            raise
        signature = self.cosigner.cosign(checkpoint.note.text, int(self.clock().timestamp()))
        try:
            self.store.replace(_place(origin, "signed"), kept, checkpoint.with_signatures((signature,)).render())
        except ConflictError:
            now = self.last(origin)
            raise RefusedError(
                409, "another checkpoint was signed meanwhile", 0 if now is None else now.head.size
            ) from None
        return signature

    def _keep(self, kind: str, found: SignedCheckpoint, last: SignedCheckpoint) -> None:
        data = found.render() + b"\n" + last.render()
        for number in range(MAX_EVIDENCE):
            path = _place(found.checkpoint.origin, f"{kind}/{number:02}")
            kept = self.store.load(path)
            if kept is None:
                self.store.add(path, data)
            if kept is None or kept.startswith(found.note.text.encode()):
                return

    def evidence(self, origin: str, kind: str) -> list[bytes]:
        """What was kept as ``split`` or ``doubted``: each time both signed checkpoints, an empty line between them."""
        found = (self.store.load(_place(origin, f"{kind}/{number:02}")) for number in range(MAX_EVIDENCE))
        return [each for each in found if each is not None]


def _place(origin: str, name: str) -> str:
    return f"{sha256(origin.encode()).hexdigest()}/{name}"
