"""Signatures checked offline, with the public half of the signing key: no AWS, no account, nobody to trust but the key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from counterfoil.detection.snapshot import Signature
from counterfoil.errors import InputError, IntegrityError

ALGORITHM = "ECDSA_SHA_256"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An elliptic-curve public key, as ``aws kms get-public-key`` gives it (DER) or as PEM."""

    key: EllipticCurvePublicKey

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a key; another kind of key, or no key, is an ``InputError``."""
        try:
            key = load_pem_public_key(data) if data.lstrip().startswith(b"-----") else load_der_public_key(data)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InputError(f"not a public key in PEM or DER: {error}") from None
        if not isinstance(key, EllipticCurvePublicKey):
            raise InputError(f"a {type(key).__name__}; snapshots are signed with elliptic-curve keys")
        return cls(key)

    def verify(self, message: bytes, signature: Signature) -> None:
        """Return if the signature is this key's over the message, else raise ``IntegrityError``."""
        if signature.algorithm != ALGORITHM:
            raise InputError(f"signed with {str(signature.algorithm)[:40]!r}; {ALGORITHM} is what is checked")
        try:
            self.key.verify(signature.value, message, ECDSA(SHA256()))
        except InvalidSignature:
            raise IntegrityError(f"the signature is not that of this key (it names {signature.key_id})") from None
