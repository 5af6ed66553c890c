"""A report's files, their manifest, and the signature over it.

``manifest.json`` names every file with its size and SHA-256, keys in order and without white space; the report's hash is the
manifest's. ``manifest.signature.json`` is the signature over the line ``counterfoil audit report 1``, a line feed and the manifest,
and the one file that is not the same each time where a KMS key signs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from counterfoil.adapters.public_key import ALGORITHM, PublicKey
from counterfoil.cli.output import read_bytes
from counterfoil.detection.snapshot import Signature
from counterfoil.errors import InputError, IntegrityError
from counterfoil.ports import Signer
from counterfoil.services.report import SCHEMA

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.signature.json"

_CONTEXT: Final = b"counterfoil audit report 1\n"


@dataclass(frozen=True, slots=True)
class KeyFile(Signer):
    """A P-256 private key in a file. Its signatures are deterministic (RFC 6979), so that the same report is the same bytes."""

    key: EllipticCurvePrivateKey

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a PEM file without a password; another kind of key, or none, is an ``InputError``."""
        try:
            key = load_pem_private_key(data, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InputError(f"not a private key in PEM without a password: {error}") from None
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise InputError("a report is signed with a P-256 key: openssl ecparam -name prime256v1 -genkey -noout")
        return cls(key)

    @property
    def key_id(self) -> str:
        """SHA-256 of the public half, so that a reader knows which key to ask for."""
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"sha256:{sha256(public).hexdigest()}"

    def sign(self, message: bytes) -> Signature:
        return Signature(self.key_id, ALGORITHM, self.key.sign(message, ECDSA(SHA256(), deterministic_signing=True)))

    def verify(self, message: bytes, signature: Signature) -> None:
        PublicKey(self.key.public_key()).verify(message, signature)


def render_manifest(files: Mapping[str, bytes], period: Mapping[str, str]) -> bytes:
    """The manifest of files by name."""
    listed = {
        name: {"sha256": sha256(data).hexdigest(), "sizeBytes": len(data)} for name, data in sorted(files.items())
    }
    return _canonical({"schema": SCHEMA, "period": dict(period), "files": listed})


def render_signature(manifest: bytes, signer: Signer) -> bytes:
    signature = signer.sign(_CONTEXT + manifest)
    return _canonical(
        {"keyId": signature.key_id, "algorithm": signature.algorithm, "value": signature.value.hex()}
    )  # fmt: skip


def report_hash(manifest: bytes) -> str:
    return sha256(manifest).hexdigest()


def verify_folder(folder: Path, key: PublicKey) -> Mapping[str, Any]:
    """A report's manifest, after its signature and every file held; files that nobody vouches for are an ``IntegrityError`` too."""
    data = read_bytes(folder / MANIFEST)
    key.verify(_CONTEXT + data, _parse_signature(read_bytes(folder / SIGNATURE)))
    manifest = _parse_manifest(data)
    there = {each.name for each in folder.iterdir()} - {MANIFEST, SIGNATURE}
    if strangers := sorted(there - manifest["files"].keys()):
        raise IntegrityError(f"{folder / strangers[0]} is not in the manifest: nobody vouches for it")
    for name, listed in manifest["files"].items():
        if name not in there:
            raise IntegrityError(f"{folder / name} is in the manifest and not there")
        if sha256(read_bytes(folder / name)).hexdigest() != listed["sha256"]:
            raise IntegrityError(f"{folder / name} is not what was signed", expected=listed["sha256"])
    return manifest


def _parse_signature(data: bytes) -> Signature:
    try:
        fields = json.loads(data)
        return Signature(str(fields["keyId"]), str(fields["algorithm"]), bytes.fromhex(fields["value"]))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{SIGNATURE} is no signature: {error!r}") from None


def _parse_manifest(data: bytes) -> Mapping[str, Any]:
    """What was signed is read as it is; that it is a manifest of this form is checked all the same."""
    manifest: Mapping[str, Any] = json.loads(data)
    if manifest.get("schema") != SCHEMA:
        raise InputError(f"{MANIFEST} is not of {SCHEMA}")
    return manifest


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
