"""Public keys as people are given them, and the signatures of theirs checked with nothing but Python.

A key comes as a SubjectPublicKeyInfo, in DER (``aws kms get-public-key``) or PEM, or as C2SP's verifier key
(``name+id+key``). It is Ed25519 or P-256; of either there is one way to write it, so two keys are the same if their bytes are.

Source: RFC 8410, section 4; RFC 5480, section 2; docs/format.md, section "Checkpoints".
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from counterfoil.errors import InputError, IntegrityError
from counterfoil.transparency.ecdsa import POINT_BYTES, is_on_curve, verify_p256
from counterfoil.transparency.ed25519 import verify as verify_ed25519
from counterfoil.transparency.note import KeyType, Verifier, VerifierKey

# What stands in front of the 32 bytes of an Ed25519 key, and of the 64 of an uncompressed point of P-256.
_ED25519_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
_P256_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")

_PEM: Final = re.compile(rb"\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*")

# A key has 91 bytes at most, its name 512.
MAX_KEY_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class StatementKey:
    """The public half of a key that signs statements. ``public`` is as in a ``VerifierKey`` of this type."""

    type: KeyType
    public: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read PEM, DER or a verifier key; another kind of key, or none, is an ``InputError``."""
        if len(data) > MAX_KEY_BYTES:
            raise InputError(f"a public key of {len(data)} bytes; at most {MAX_KEY_BYTES} are read")
        pem = _PEM.fullmatch(data)
        if pem is None and not data.startswith(b"\x30"):
            return cls._of_verifier_key(data)
        try:
            return cls.of_der(data if pem is None else base64.b64decode(b"".join(pem[1].split()), validate=True))
        except binascii.Error:
            raise InputError("not a public key: its PEM holds no base64") from None

    @classmethod
    def of_der(cls, data: bytes) -> Self:
        """Read a SubjectPublicKeyInfo."""
        if data.startswith(_ED25519_PREFIX) and len(data) == len(_ED25519_PREFIX) + 32:
            return cls(KeyType.ED25519, data[len(_ED25519_PREFIX) :])
        point = data[len(_P256_PREFIX) :]
        if data.startswith(_P256_PREFIX) and len(point) == POINT_BYTES and is_on_curve(point):
            return cls(KeyType.ECDSA, data)
        raise InputError("not a public key of Ed25519, or of P-256 with an uncompressed point, in PEM or DER")

    @classmethod
    def _of_verifier_key(cls, data: bytes) -> Self:
        try:
            key = VerifierKey.parse(data.decode().strip())
        except UnicodeDecodeError:
            raise InputError("not a public key: neither PEM, DER nor a verifier key") from None
        if key.type is KeyType.ECDSA:
            return cls.of_der(key.public)
        if key.type is not KeyType.ED25519:
            raise InputError(f"key {key.name} is a witness's, which signs no statement of its own")
        return cls(key.type, key.public)

    @property
    def der(self) -> bytes:
        """The SubjectPublicKeyInfo."""
        return self.public if self.type is KeyType.ECDSA else _ED25519_PREFIX + self.public

    @property
    def fingerprint(self) -> str:
        return f"sha256:{sha256(self.der).hexdigest()}"

    def check(self, message: bytes, signature: bytes) -> None:
        """Return if the signature is this key's over the message, else raise ``IntegrityError``."""
        if self.type is KeyType.ECDSA:
            verify_p256(self.public[len(_P256_PREFIX) :], message, signature)
        else:
            verify_ed25519(self.public, message, signature)

    def named(self, name: str) -> StatementVerifier:
        """What checks this key's signatures on notes, where it signs under this name."""
        return StatementVerifier(VerifierKey(name, self.type, self.public), self)


@dataclass(frozen=True, slots=True)
class StatementVerifier(Verifier):
    """Checks notes of one key under one name."""

    key: VerifierKey
    public: StatementKey

    def verify(self, text: str, signature: bytes, /) -> None:
        try:
            self.public.check(text.encode(), signature)
        except IntegrityError as error:
            raise IntegrityError(
                f"the signature of {self.key.name} does not hold", note=text, **error.evidence
            ) from None
