"""The one complete block with proofs that the real service made and Amazon published, verified to its digest.

Source and licence stand in lab/data/aws-cli-example.json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from counterfoil.journal import BlockAddress, Digest, verify_receipt

EXAMPLE: Final = Path(__file__).resolve().parent.parent / "data" / "aws-cli-example.json"


@dataclass(frozen=True, slots=True)
class GenuineBlock:
    """What was proved: the block and one of its revisions are under the digest. ``hashes`` counts both proofs'."""

    address: BlockAddress
    digest: Digest
    document_id: str
    hashes: int
    source: str


def verify_genuine() -> GenuineBlock:
    """Verify contents and both proofs; an ``IntegrityError`` where anything does not hold."""
    example = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    block = verify_receipt(example["GetBlock"] | example["GetDigest"])
    revision = verify_receipt(example["GetRevision"] | example["GetDigest"])
    assert block.address == revision.address
    hashes = block.path_length + revision.path_length
    return GenuineBlock(block.address, block.digest, revision.document_id or "", hashes, example["source"])
