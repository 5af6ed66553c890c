"""One proof as a file that can be handed over: the entry's place, its path, and the checkpoint that it leads to.

    c2sp.org/tlog-proof@v1
    extra <base64>                      (may be missing)
    index <number>
    <base64 of a hash>                  (as many as the path has)
                                        (an empty line)
    <the checkpoint>

As ``extra`` the files made here carry the entry itself, so that they can be checked by themselves.

Source: C2SP, "tlog-proof"; docs/format.md, section "Proof files".
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from counterfoil.errors import InputError, IntegrityError
from counterfoil.merkle import Hash
from counterfoil.transparency.checkpoint import SignedCheckpoint, parse_checkpoint, verify_checkpoint
from counterfoil.transparency.lines import bytes_of_line, hash_of_line, number_of_line, text_of
from counterfoil.transparency.note import MAX_NOTE_BYTES, Verifier
from counterfoil.transparency.tree import MAX_PATH, leaf_hash, verify_inclusion

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 32_768


@dataclass(frozen=True, slots=True)
class LogProof:
    """``extra`` is whatever the log says beside the proof; ``None`` where there is none."""

    index: int
    path: tuple[Hash, ...]
    checkpoint: SignedCheckpoint
    extra: bytes | None = None


def render_proof(proof: LogProof) -> bytes:
    extra = [] if proof.extra is None else [f"extra {base64.b64encode(proof.extra).decode()}"]
    lines = [HEADER, *extra, f"index {proof.index}", *(each.to_base64() for each in proof.path), ""]
    return "".join(f"{line}\n" for line in lines).encode() + proof.checkpoint.render()


def parse_proof(data: bytes) -> LogProof:
    """Read a proof file, nothing of it checked; anything else is an ``InputError``."""
    text, between, note = text_of(data, MAX_PROOF_BYTES, "a proof").partition("\n\n")
    header, *lines = text.split("\n")
    if header != HEADER or not between:
        raise InputError(f"no proof of a log: it does not begin with {HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = bytes_of_line(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index ") or len(lines) > 1 + MAX_PATH:
        raise InputError(f"no proof of a log: an index and at most {MAX_PATH} hashes")
    index = number_of_line(lines[0].removeprefix("index "), "index")
    return LogProof(index, tuple(map(hash_of_line, lines[1:])), parse_checkpoint(note.encode()), extra)


def verify_proof(
    unverified: LogProof, entry: bytes, log: Verifier, others: tuple[Verifier, ...] = ()
) -> SignedCheckpoint:
    """Return the checkpoint, now known to be signed by the log and to have the entry at the proof's index; else ``IntegrityError``."""
    if unverified.extra is not None and unverified.extra != entry:
        raise IntegrityError("the proof is of another entry", expected=entry.hex(), found=unverified.extra.hex())
    checkpoint = verify_checkpoint(unverified.checkpoint, log, others)
    verify_inclusion(leaf_hash(entry), unverified.index, unverified.path, checkpoint.head)
    return checkpoint
