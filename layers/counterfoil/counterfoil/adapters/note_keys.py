"""Keys of logs and witnesses in files, as Go's signed notes write them; and ECDSA signatures checked offline.

A file has one line: ``PRIVATE+KEY+<name>+<id>+<base64 of the type and the 32 bytes of the private key>``. Never deployed: on AWS
the private half stays in KMS (``kms.py``).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from counterfoil.adapters.durable_files import disk_errors
from counterfoil.errors import AlreadyExistsError, InputError, IntegrityError
from counterfoil.transparency.cosignature import Ed25519Verifier, cosignature, cosigned_bytes
from counterfoil.transparency.lines import bytes_of_line
from counterfoil.transparency.note import KeyType, NoteSignature, NoteSigner, Verifier, VerifierKey

_PREFIX: Final = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class PrivateKey(NoteSigner):
    """An Ed25519 key: a log's, which signs notes, or a witness's, which signs checkpoints with the time."""

    key: VerifierKey
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str, kind: KeyType) -> Self:
        """A new key, from the machine's own randomness."""
        return cls.of_seed(name, kind, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def of_seed(cls, name: str, kind: KeyType, seed: bytes) -> Self:
        if kind not in {KeyType.ED25519, KeyType.COSIGNATURE} or len(seed) != 32:
            raise InputError(f"no private key of Ed25519: type {kind}, {len(seed)} bytes")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(VerifierKey(name, kind, private.public_key().public_bytes_raw()), private)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key's line; anything else is an ``InputError``, which says nothing of what was read."""
        parts = text.strip().removeprefix(_PREFIX).split("+", 2)
        if not text.startswith(_PREFIX) or len(parts) != 3:
            raise InputError(f"not a private key: {_PREFIX}name+id+key")
        try:
            data = bytes_of_line(parts[2])
        except InputError:
            raise InputError("not a private key: its last part is not base64") from None
        if data[0] not in set(KeyType):
            raise InputError(f"a private key of type {data[0]:#04x}, which is not known here")
        key = cls.of_seed(parts[0], KeyType(data[0]), data[1:])
        if key.key.key_id.hex() != parts[1]:
            raise InputError(f"the private key of {parts[0]} is not the one of its id")
        return key

    @classmethod
    def read(cls, path: Path) -> Self:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not text'}") from None
        return cls.parse(text)

    def write(self, path: Path) -> None:
        """Keep the key in a new file that only its owner may read."""
        data = base64.b64encode(bytes([self.key.type]) + self.private.private_bytes_raw()).decode()
        with disk_errors(f"writing {path}"):
            try:
                path.touch(mode=0o600, exist_ok=False)
            except FileExistsError:
                raise AlreadyExistsError(f"{path} is there already: a key is never replaced") from None
            path.write_text(f"{_PREFIX}{self.key.name}+{self.key.key_id.hex()}+{data}\n", encoding="utf-8")

    def sign(self, text: str, /) -> NoteSignature:
        if self.key.type is not KeyType.ED25519:
            raise InputError(f"{self.key.name} is a witness's key: it signs with a time")
        return NoteSignature(self.key.name, self.key.key_id, self.private.sign(text.encode()))

    def cosign(self, text: str, seconds: int) -> NoteSignature:
        """A witness's signature on a checkpoint, made so many seconds after 1970."""
        if self.key.type is not KeyType.COSIGNATURE:
            raise InputError(f"{self.key.name} is a log's key, not a witness's")
        return cosignature(self.key, seconds, self.private.sign(cosigned_bytes(text, seconds)))


@dataclass(frozen=True, slots=True)
class EcdsaVerifier(Verifier):
    """Checks signatures of a P-256 key, as KMS makes them."""

    key: VerifierKey

    def __post_init__(self) -> None:
        self._public()

    def verify(self, text: str, signature: bytes, /) -> None:
        try:
            self._public().verify(signature, text.encode(), ECDSA(SHA256()))
        except InvalidSignature:
            raise IntegrityError(f"the signature of {self.key.name} does not hold", note=text) from None

    def _public(self) -> EllipticCurvePublicKey:
        try:
            public = load_der_public_key(self.key.public)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InputError(f"key {self.key.name} is no public key: {error}") from None
        if not isinstance(public, EllipticCurvePublicKey) or not isinstance(public.curve, SECP256R1):
            raise InputError(f"key {self.key.name} is not of the curve P-256")
        return public


def verifier_of(key: VerifierKey) -> Verifier:
    """What checks this key's signatures."""
    return EcdsaVerifier(key) if key.type is KeyType.ECDSA else Ed25519Verifier(key)
