"""Snapshots in memory, and a signer whose key is a word: for tests and single events, never for evidence."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from counterfoil.detection.snapshot import Signature
from counterfoil.errors import IntegrityError
from counterfoil.ports import Signer, SnapshotStore


@dataclass(slots=True)
class MemorySnapshots(SnapshotStore):
    documents: dict[str, bytes] = field(default_factory=dict)

    def keep(self, name: str, document: bytes) -> None:
        if self.documents.setdefault(name, document) != document:
            raise IntegrityError(f"snapshot {name} is there already, with other contents")

    def latest(self, prefix: str) -> tuple[str, bytes] | None:
        name = max((each for each in self.documents if each.startswith(prefix)), default=None)
        return None if name is None else (name, self.documents[name])


@dataclass(frozen=True, slots=True)
class MemorySigner(Signer):
    """HMAC in the place of a signature: whoever can check can also sign."""

    key: bytes = b"memory"

    def sign(self, message: bytes) -> Signature:
        return Signature("memory", "HMAC_SHA_256", hmac.digest(self.key, message, sha256))

    def verify(self, message: bytes, signature: Signature) -> None:
        if not hmac.compare_digest(self.sign(message).value, signature.value):
            raise IntegrityError("the signature is not that of key memory", key_id="memory")
