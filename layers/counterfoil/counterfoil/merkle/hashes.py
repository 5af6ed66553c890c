"""The 32-byte hash and QLDB's way to combine two of them.

Source: docs/format.md, section "dot"; proved on the receipts and blocks of the real service (tests/golden).
"""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256
from typing import Final, Self

from counterfoil.errors import InputError

HASH_SIZE: Final = 32

# Flips the sign bit of each byte, so that unsigned comparison orders signed bytes.
_SIGNS: Final = int.from_bytes(b"\x80" * HASH_SIZE)


class Hash(bytes):
    """32 bytes, never another length. "No hash" is ``None``, never empty bytes."""

    __slots__ = ()

    def __new__(cls, data: bytes) -> Self:
        if len(data) != HASH_SIZE:
            raise InputError(f"a hash has {HASH_SIZE} bytes, not {len(data)}")
        return super().__new__(cls, data)

    @classmethod
    def from_base64(cls, text: str) -> Self:
        """Read what QLDB's API prints, for example as ``Digest``."""
        try:
            return cls(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError) as error:
            raise InputError(f"{text[:80]!r} is not a base64 hash: {error}") from None

    def to_base64(self) -> str:
        return base64.b64encode(self).decode()

    def __repr__(self) -> str:
        return f"Hash({self.hex()})"

    def __str__(self) -> str:
        return self.hex()


def hash_of(data: bytes) -> Hash:
    """SHA-256 of bytes."""
    return Hash(sha256(data).digest())


def dot(left: Hash | None, right: Hash | None) -> Hash:
    """Combine two hashes so that argument order does not matter: SHA-256 of the lesser followed by the greater.

    ``dot(a, None) = dot(None, a) = a``, not hashed again. QLDB orders hashes from the last byte to the first, each byte
    SIGNED, so 0x80 sorts below 0x7f; plain bytes comparison agrees on most inputs, which is why it hides bugs.
    """
    if left is None or right is None:
        one = left if right is None else right
        if one is None:
            raise ValueError("dot of nothing and nothing")
        return one
    last_left, last_right = left[31], right[31]
    if last_left != last_right:
        lesser_first = last_left ^ 0x80 < last_right ^ 0x80
    else:
        lesser_first = int.from_bytes(left, "little") ^ _SIGNS < int.from_bytes(right, "little") ^ _SIGNS
    return bytes.__new__(Hash, sha256(left + right if lesser_first else right + left).digest())
