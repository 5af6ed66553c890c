"""A witness: signs a log's checkpoint only if it extends the last one that it signed.

What a log asks (``POST <prefix>/add-checkpoint``):

    old <size that the witness signed last>
    <base64 of a hash>                  (the consistency proof from there; at most 63)
                                        (an empty line)
    <the checkpoint>

What the witness answers is its signature line, or a refusal: 400 what cannot be read, 403 not signed by the log, 404 a log
that it does not watch, 409 another size was the last (the body says which), or the same size with another root, 422 a proof
that does not hold.

Source: C2SP, "tlog-witness"; docs/format.md, section "Witnesses".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from counterfoil.errors import InputError, IntegrityError, ProofMismatchError
from counterfoil.merkle import Hash
from counterfoil.transparency.checkpoint import SignedCheckpoint, parse_checkpoint, verify_checkpoint
from counterfoil.transparency.lines import hash_of_line, number_of_line, text_of
from counterfoil.transparency.note import MAX_NOTE_BYTES, Verifier
from counterfoil.transparency.tree import EMPTY, MAX_PATH, verify_consistency

MAX_REQUEST_BYTES: Final = MAX_NOTE_BYTES + 4_096
SIZE_MEDIA_TYPE: Final = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """``path`` shows that the checkpoint extends the log's first ``old_size`` entries."""

    old_size: int
    path: tuple[Hash, ...]
    checkpoint: SignedCheckpoint


class RefusedError(InputError):
    """A witness does not sign. ``status`` is HTTP's; ``size`` what it signed last, where that is another than was said."""

    def __init__(self, status: int, message: str, size: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.size = size


def render_request(request: AddCheckpoint) -> bytes:
    lines = [f"old {request.old_size}", *(each.to_base64() for each in request.path), ""]
    return "".join(f"{line}\n" for line in lines).encode() + request.checkpoint.render()


def parse_request(data: bytes) -> AddCheckpoint:
    """Read a request, nothing of it checked; anything else is an ``InputError``."""
    text, between, note = text_of(data, MAX_REQUEST_BYTES, "a request").partition("\n\n")
    first, *hashes = text.split("\n")
    if not between or not first.startswith("old ") or len(hashes) > MAX_PATH:
        raise InputError(f"not a request: 'old', a size, and at most {MAX_PATH} hashes before an empty line")
    old = number_of_line(first.removeprefix("old "), "size")
    return AddCheckpoint(old, tuple(map(hash_of_line, hashes)), parse_checkpoint(note.encode()))


def admit(unverified: AddCheckpoint, logs: Mapping[str, Verifier], last: SignedCheckpoint | None) -> SignedCheckpoint:
    """The checkpoint, now known to be the log's and to extend the one signed last; else ``RefusedError``.

    ``last`` is what this witness signed last of the log.
    """
    checkpoint = _of_a_log(unverified.checkpoint, logs)
    signed = EMPTY if last is None else last.head
    if unverified.old_size > checkpoint.head.size:
        raise RefusedError(400, f"{checkpoint.head.size} entries extend no {unverified.old_size}")
    if unverified.old_size != signed.size:
        raise RefusedError(409, f"the last size signed is {signed.size}, not {unverified.old_size}", signed.size)
    if last is not None and checkpoint.head.size == signed.size and checkpoint.head != signed:
        raise RefusedError(409, f"another root was signed for the size {signed.size}", signed.size)
    try:
        verify_consistency(signed, checkpoint.head, unverified.path)
    except ProofMismatchError as error:
        raise RefusedError(422, f"the proof does not hold: {error}") from None
    return checkpoint


def _of_a_log(unverified: SignedCheckpoint, logs: Mapping[str, Verifier]) -> SignedCheckpoint:
    log = logs.get(unverified.checkpoint.origin)
    if log is None:
        raise RefusedError(404, f"no log {unverified.checkpoint.origin!r} is watched here")
    try:
        return verify_checkpoint(unverified, log)
    except IntegrityError as error:
        raise RefusedError(403, str(error)) from None


def split_view(one: SignedCheckpoint, other: SignedCheckpoint) -> bool:
    """Whether two signed checkpoints of one log contradict each other by themselves: one size, two roots."""
    return one.head.size == other.head.size and one.head != other.head
