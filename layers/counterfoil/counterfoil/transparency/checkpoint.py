"""Checkpoints: a signed statement of how large a log is and what its root is.

    <origin>
    <size in decimal>
    <base64 of the root>
                                                                            (an empty line)
    — <key name> <base64 of key id and signature>

Source: C2SP, "tlog-checkpoint"; docs/format.md, section "Checkpoints".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from counterfoil.errors import InputError, IntegrityError
from counterfoil.transparency.lines import hash_of_line, number_of_line
from counterfoil.transparency.note import (
    Note,
    NoteSignature,
    NoteSigner,
    Verifier,
    check_name,
    parse_note,
    render_note,
    verify_note,
)
from counterfoil.transparency.tree import TreeHead


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``origin`` names the log, and the key that signs for it; ``extensions`` are lines that others may have added."""

    origin: str
    head: TreeHead
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.origin)

    @property
    def text(self) -> str:
        lines = (self.origin, str(self.head.size), self.head.root.to_base64(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with the note that it stands in; ``held`` are the signatures that were checked."""

    checkpoint: Checkpoint
    note: Note
    held: tuple[NoteSignature, ...] = field(default=())

    @property
    def head(self) -> TreeHead:
        return self.checkpoint.head

    def render(self) -> bytes:
        return render_note(self.note)

    def with_signatures(self, added: tuple[NoteSignature, ...]) -> SignedCheckpoint:
        """With more signatures, in the place of what the same keys had signed before."""
        keys = {(each.name, each.key_id) for each in added}
        others = (each for each in self.note.signatures if (each.name, each.key_id) not in keys)
        return SignedCheckpoint(self.checkpoint, Note(self.note.text, (*others, *added)), self.held)


def parse_checkpoint(data: bytes) -> SignedCheckpoint:
    """Read a checkpoint, its signatures unchecked; anything else is an ``InputError``."""
    note = parse_note(data)
    return SignedCheckpoint(checkpoint_of(note.text), note)


def checkpoint_of(text: str) -> Checkpoint:
    """Read a checkpoint's text."""
    origin, *lines = text.removesuffix("\n").split("\n")
    if len(lines) < 2 or not all(lines):
        raise InputError(f"{text[:80]!r} is no checkpoint: origin, size and root, a line each")
    return Checkpoint(origin, TreeHead(number_of_line(lines[0], "size"), hash_of_line(lines[1])), tuple(lines[2:]))


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> SignedCheckpoint:
    signature = signer.sign(checkpoint.text)
    return SignedCheckpoint(checkpoint, Note(checkpoint.text, (signature,)), (signature,))


def verify_checkpoint(
    unverified: SignedCheckpoint, log: Verifier, others: tuple[Verifier, ...] = ()
) -> SignedCheckpoint:
    """Return the checkpoint, now known to be signed by the log's own key; ``held`` says who else of the others signed it.

    ``IntegrityError`` where it is of another log, not signed by its key, or has a false signature of a known one.
    """
    if unverified.checkpoint.origin != log.key.name:
        raise IntegrityError(
            f"a checkpoint of {unverified.checkpoint.origin!r}, not of {log.key.name!r}",
            checkpoint=unverified.note.text,
        )
    held = verify_note(unverified.note, (log, *others))
    if (log.key.name, log.key.key_id) not in {(each.name, each.key_id) for each in held}:
        raise IntegrityError(f"the checkpoint is not signed by {log.key.name}", checkpoint=unverified.note.text)
    return SignedCheckpoint(unverified.checkpoint, unverified.note, held)
