"""Signatures by an asymmetric KMS key: the private half never leaves KMS."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from counterfoil.adapters.boto_errors import translated
from counterfoil.detection.snapshot import Signature
from counterfoil.errors import IntegrityError
from counterfoil.ports import Signer

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
