"""Witnesses' signatures on checkpoints, and the keys that check notes with nothing but Python.

A witness signs the lines ``cosignature/v1`` and ``time <seconds since 1970>`` and behind them the checkpoint's text; its signature
is the time in eight bytes, big-endian, followed by Ed25519's 64.

Source: C2SP, "tlog-cosignature".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from counterfoil.errors import InputError, IntegrityError
from counterfoil.transparency.ed25519 import verify as verify_ed25519
from counterfoil.transparency.note import KeyType, NoteSignature, Verifier, VerifierKey

SIZE: Final = 72


@dataclass(frozen=True, slots=True)
class Ed25519Verifier(Verifier):
    """Checks plain signatures of an Ed25519 key, or its cosignatures, as its type says."""

    key: VerifierKey

    def __post_init__(self) -> None:
        if self.key.type not in {KeyType.ED25519, KeyType.COSIGNATURE}:
            raise InputError(f"key {self.key.name} is none of Ed25519")

    def verify(self, text: str, signature: bytes, /) -> None:
        message = text.encode()
        if self.key.type is KeyType.COSIGNATURE:
            message, signature = cosigned_bytes(text, cosigned_at(signature)), signature[8:]
        try:
            verify_ed25519(self.key.public, message, signature)
        except IntegrityError as error:
            raise IntegrityError(
                f"the signature of {self.key.name} does not hold", note=text, **error.evidence
            ) from None


def cosigned_bytes(text: str, seconds: int) -> bytes:
    """What a witness signs of a checkpoint's text."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def cosigned_at(signature: bytes) -> int:
    """When a cosignature was made, in seconds since 1970."""
    if len(signature) != SIZE:
        raise IntegrityError(f"a cosignature has {SIZE} bytes, not {len(signature)}")
    seconds = int.from_bytes(signature[:8])
    if not 0 < seconds < 2**63:
        raise IntegrityError(f"a cosignature of the time {seconds}, at which nobody signs")
    return seconds


def cosignature(key: VerifierKey, seconds: int, signature: bytes) -> NoteSignature:
    """The line of a cosignature."""
    return NoteSignature(key.name, key.key_id, seconds.to_bytes(8) + signature)
