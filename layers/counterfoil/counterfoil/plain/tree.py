"""Hashes combined (docs/format.md, "dot", "Digest" and "Proofs")"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from counterfoil.plain.values import require


def checked_hash(octets: bytes) -> bytes:
    return bytes(require(len(octets) == 32, f"a hash has 32 bytes, not {len(octets)}", octets))


def hash_of_base64(text: object) -> bytes:
    """A hash as the API prints it."""
    return checked_hash(base64.b64decode(str(text), validate=True))


def dot(left: bytes, right: bytes) -> bytes:
    """SHA-256 of lesser and greater, compared from the last byte to the first, each SIGNED; of one alone it."""
    lesser, greater = sorted((left, right), key=lambda each: [byte ^ 0x80 for byte in reversed(each)])
    return hashlib.sha256(lesser + greater).digest() if left and right else left or right


def merkle(hashes: Iterable[bytes]) -> bytes:
    """The root: pairs from the left by ``dot``; the last one without a pair moves up as it is."""
    level = list(hashes)
    while len(level) > 1:
        level = [dot(level[at], b"".join(level[at + 1 : at + 2])) for at in range(0, len(level), 2)]
    return level[0]


def path_length(index: int, size: int) -> int:
    """Hashes in the proof of leaf ``index`` of ``size``: one for each level on which its node has a pair."""
    return sum((index >> level) ^ 1 <= (size - 1) >> level for level in range((size - 1).bit_length()))
