"""Signatures by asymmetric KMS keys: the private half never leaves KMS."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from counterfoil.adapters.boto_errors import translated
from counterfoil.detection.snapshot import Signature
from counterfoil.errors import InputError, IntegrityError
from counterfoil.ports import Signer
from counterfoil.transparency.cosignature import Ed25519Verifier
from counterfoil.transparency.note import KeyType, NoteKey, NoteSignature, VerifierKey

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

# P-256 with SHA-256, DER-encoded: what every library verifies.
ALGORITHM: Final = "ECDSA_SHA_256"

# KMS refuses to look at a signature of another size, which whoever altered a snapshot may have given it.
MAX_SIGNATURE_BYTES: Final = 6_144


@dataclass(frozen=True, slots=True)
class KmsSigner(Signer):
    """Signs the SHA-256 of messages of any length with one key."""

    client: KMSClient
    key_id: str

    def sign(self, message: bytes) -> Signature:
        with translated(f"signing with {self.key_id}"):
            answer = self.client.sign(
                KeyId=self.key_id, Message=sha256(message).digest(), MessageType="DIGEST", SigningAlgorithm=ALGORITHM
            )
        return Signature(answer["KeyId"], ALGORITHM, answer["Signature"])

    def verify(self, message: bytes, signature: Signature) -> None:
        if not 0 < len(signature.value) <= MAX_SIGNATURE_BYTES or not self._is_valid(message, signature):
            raise IntegrityError(f"the signature is not that of key {self.key_id}", key_id=self.key_id)

    def _is_valid(self, message: bytes, signature: Signature) -> bool:
        arguments: dict[str, Any] = {"KeyId": self.key_id, "Message": sha256(message).digest(), "MessageType": "DIGEST"}
        arguments |= {"Signature": signature.value, "SigningAlgorithm": ALGORITHM}
        with translated(f"checking a signature of {self.key_id}"):
            try:
                return self.client.verify(**arguments)["SignatureValid"]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "KMSInvalidSignatureException":
                    raise
                return False


# In front of the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo. Source: RFC 8410, section 4.
_ED25519_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")

# KMS signs no longer message as a whole ("Sign", Message); a checkpoint has some hundred bytes.
MAX_RAW_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class KmsNoteKey(NoteKey):
    """A log's key, named by the log's origin: Ed25519 (``ECC_NIST_EDWARDS25519``), or P-256 where that is not to be had."""

    client: KMSClient
    key_id: str
    key: VerifierKey

    @classmethod
    def load(cls, client: KMSClient, key_id: str, name: str) -> KmsNoteKey:
        """Ask KMS for the public half."""
        with translated(f"reading the public key of {key_id}"):
            answer = client.get_public_key(KeyId=key_id)
        public, spec = bytes(answer["PublicKey"]), answer["KeySpec"]
        if spec == "ECC_NIST_P256":
            return cls(client, key_id, VerifierKey(name, KeyType.ECDSA, public))
        if spec != "ECC_NIST_EDWARDS25519" or not public.startswith(_ED25519_PREFIX):
            raise InputError(
                f"key {key_id} is of kind {spec}; checkpoints are signed with ECC_NIST_EDWARDS25519 or P256"
            )
        return cls(client, key_id, VerifierKey(name, KeyType.ED25519, public[len(_ED25519_PREFIX) :]))

    def sign(self, text: str, /) -> NoteSignature:
        message = text.encode()
        if self.key.type is KeyType.ECDSA:
            value = KmsSigner(self.client, self.key_id).sign(message).value
        elif len(message) > MAX_RAW_BYTES:
            raise InputError(f"a text of {len(message)} bytes; KMS signs at most {MAX_RAW_BYTES} whole")
        else:
            with translated(f"signing with {self.key_id}"):
                value = self.client.sign(
                    KeyId=self.key_id, Message=message, MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
                )["Signature"]
        return NoteSignature(self.key.name, self.key.key_id, value)

    def verify(self, text: str, signature: bytes, /) -> None:
        if self.key.type is KeyType.ECDSA:
            KmsSigner(self.client, self.key_id).verify(text.encode(), Signature(self.key_id, ALGORITHM, signature))
        else:
            Ed25519Verifier(self.key).verify(text, signature)
