"""AES-256-GCM for sealed fields: values under the keys of documents, those under a key of the ledger.

Each time another nonce is drawn by chance. A document's key seals a few values per version, so that two of 2^96 nonces never meet;
the ledger's key wraps one key for each document, and is good for 2^32 of them (NIST SP 800-38D, section 8.3).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.adapters.system import new_id
from counterfoil.errors import SealMismatchError
from counterfoil.ledger.document_keys import DocumentKey, SealingCipher, UnwrappedKey

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

_WRAPPED: Final = b"counterfoil document key 1"


@dataclass(frozen=True, slots=True)
class AesGcmCipher(SealingCipher):
    """``ledger_key`` gives the ledger's 32 bytes; it is asked each time, and may keep them."""

    strand_id: str
    ledger_key: Callable[[], bytes] = field(repr=False)

    def new_key(self, document_id: str, /) -> tuple[UnwrappedKey, DocumentKey]:
        key = UnwrappedKey(new_id(), AESGCM.generate_key(bit_length=8 * KEY_BYTES))
        wrapped = self.seal(self.ledger_key(), key.secret, self._bound(document_id, key.key_id))
        return key, DocumentKey(document_id, key.key_id, wrapped)

    def unwrap(self, key: DocumentKey, /) -> UnwrappedKey:
        assert key.wrapped is not None  # it was not destroyed
        try:
            secret = self.open(self.ledger_key(), key.wrapped, self._bound(key.document_id, key.key_id))
        except SealMismatchError as error:
            raise SealMismatchError(
                f"the key of document {key.document_id}: {error}", document_id=key.document_id, key_id=key.key_id
            ) from None
        return UnwrappedKey(key.key_id, secret)

    def seal(self, secret: bytes, data: bytes, bound: bytes, /) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(secret).encrypt(nonce, data, bound)

    def open(self, secret: bytes, sealed: bytes, bound: bytes, /) -> bytes:
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise SealMismatchError(f"{len(sealed)} bytes cannot have been sealed here")
        try:
            return AESGCM(secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
        except InvalidTag:
            raise SealMismatchError("what is sealed was altered, or was sealed in another place") from None

    def chance(self) -> bytes:
        return secrets.token_bytes(KEY_BYTES)

    def _bound(self, document_id: str, key_id: str) -> bytes:
        """What a wrapped key belongs to: put in the place of another's, it does not unwrap."""
        return b"\0".join((_WRAPPED, self.strand_id.encode(), document_id.encode(), key_id.encode()))
