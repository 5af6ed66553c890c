"""Where a strand begins for whoever has not the blocks before: a block's number, the hash of the block before it, and in place of
the tree over all blocks before the roots of its complete subtrees.

The anchor is **proved** where those roots come from a receipt: the proof of the last block before the anchor, under a digest, names
each of them, so that digests behind the anchor are the ledger's own, as the whole strand gives them. What the blocks before say is
not known, only that they were under that digest. Else the anchor is **declared**: in place of each root stands a hash that says so,
no digest is the one that the whole strand has, and nothing shows that there ever was a block before.

Source: docs/format.md, section "Trust anchors"; docs/decisions/0030.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from counterfoil.errors import BrokenLinkError, InputError
from counterfoil.journal.address import MAX_SEQUENCE_NO, BlockAddress, checked_id
from counterfoil.journal.chain import Digest, Segment, digest_of
from counterfoil.journal.receipt import path_in, verify_receipt
from counterfoil.merkle import CompactRange, Hash, hash_of
from counterfoil.merkle.nodes import Node, left_of_proof, peaks_of_proof
from counterfoil.merkle.tree import subtree_sizes

# In the place of a block's number, where anchors are kept beside blocks.
ANCHOR_NO: Final = -1

_DECLARED: Final = b"counterfoil declared trust anchor\0"


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """The strand begins with block ``begin`` (at least 1), which follows a block of ``previous_hash``.

    ``path`` is the proof of that block under the digest at it; ``None``: declared.
    """

    strand_id: str
    begin: int
    previous_hash: Hash
    path: tuple[Hash, ...] | None

    @property
    def before(self) -> CompactRange:
        """What stands for blocks 0 to ``begin - 1``."""
        if self.path is not None:
            return peaks_of_proof(self.previous_hash, self.path, self.begin)
        said = _DECLARED + f"{self.strand_id}#{self.begin}".encode() + b"\0" + self.previous_hash
        sizes = subtree_sizes(0, self.begin)
        # The last leaf is known: it is the block before.
        roots = (self.previous_hash if size == 1 else hash_of(said + bytes((size.bit_length(),))) for size in sizes)
        return CompactRange(0, self.begin, tuple(roots))

    @property
    def digest(self) -> Digest | None:
        """The digest that the blocks before are under; ``None`` for a declared anchor."""
        root = None if self.path is None else self.before.root
        return None if root is None else Digest(root, BlockAddress(self.strand_id, self.begin - 1))

    def nodes(self) -> tuple[Node, ...]:
        """The roots in ``before`` by their places in the tree."""
        found, position = [], 0
        for size, hash_ in zip(subtree_sizes(0, self.begin), self.before.nodes, strict=True):
            level = size.bit_length() - 1
            found.append(Node(level, position >> level, hash_))
            position += size
        return tuple(found)

    def check_begins(self, segment: Segment) -> None:
        """``BrokenLinkError`` unless the segment's first block is the anchor's and follows the block that it names."""
        if segment.previous_hash != self.previous_hash:
            raise BrokenLinkError(
                f"block {segment.strand_id}#{segment.begin} follows {segment.previous_hash}, but the trust anchor says "
                f"{self.previous_hash}",
                expected=str(self.previous_hash),
                found=str(segment.previous_hash),
            )

    def digest_behind(self, segment: Segment) -> Digest | None:
        """The digest at the segment's tip; ``None`` where it does not begin at the anchor."""
        if (segment.strand_id, segment.begin) != (self.strand_id, self.begin):
            return None
        root = (self.before + segment.range).root
        return None if root is None else Digest(root, segment.tip)

    def __str__(self) -> str:
        """What is not proved, in one sentence."""
        blocks = "block 0 is" if self.begin == 1 else f"blocks 0 to {self.begin - 1} are"
        if self.digest is None:
            return (
                f"{blocks} not here and nothing about them is proved: the ledger begins at a declared trust anchor, and its "
                "digests are not those of the whole strand"
            )
        return (
            f"{blocks} not here: that they were under the digest {self.digest.hash.to_base64()} at {self.digest.tip_address} is "
            "proved, what they say is not"
        )


def digest_from(anchor: TrustAnchor | None, segment: Segment) -> Digest | None:
    """The digest at a segment's tip, from block 0 or from the anchor on; ``None`` where the segment begins elsewhere."""
    return digest_of(segment) if anchor is None else anchor.digest_behind(segment)


def parse_trust_anchor(document: Mapping[str, Any]) -> TrustAnchor:
    """Read an anchor as JSON; ``InputError`` for anything else, an ``IntegrityError`` where a receipt does not hold.

    ``{"strandId": ..., "sequenceNo": <first block>, "previousBlockHash": <base64>}`` declares one; a receipt of the block before the
    first (a GetBlock answer with proof and digest) proves one. Both at once must say the same.
    """
    declared = _declared(document) if "strandId" in document or "previousBlockHash" in document else None
    if not any(name in document for name in ("Proof", "proof")):
        if declared is None:
            raise InputError(
                "a trust anchor has strandId, sequenceNo and previousBlockHash, or is a GetBlock answer with its proof"
            )
        return declared
    receipt = verify_receipt(document)
    if receipt.kind != "block":
        raise InputError("a trust anchor is proved by the receipt of a block, not of a revision")
    last, size = receipt.address.sequence_no, receipt.digest.tip_address.sequence_no + 1
    path = left_of_proof(path_in(document), last, size)
    anchor = TrustAnchor(receipt.address.strand_id, last + 1, receipt.leaf, path)
    if declared is not None and declared != replace(anchor, path=None):
        raise InputError(
            f"the receipt is of block {receipt.address}, which is not the one before the anchor that is declared"
        )
    return anchor


def render_trust_anchor(anchor: TrustAnchor) -> dict[str, Any]:
    """The anchor as JSON, for ``parse_trust_anchor``: a proved one with the receipt of the block before, under the digest at it."""
    document: dict[str, Any] = {
        "strandId": anchor.strand_id,
        "sequenceNo": anchor.begin,
        "previousBlockHash": anchor.previous_hash.to_base64(),
    }
    digest = anchor.digest
    if digest is not None and anchor.path is not None:
        address = {"IonText": f'{{strandId:"{anchor.strand_id}",sequenceNo:{anchor.begin - 1}}}'}
        proof = ",".join(f"{{{{{each.to_base64()}}}}}" for each in anchor.path)
        document |= {
            "BlockAddress": address,
            "BlockHash": anchor.previous_hash.to_base64(),
            "Proof": {"IonText": f"[{proof}]"},
            "Digest": digest.hash.to_base64(),
            "DigestTipAddress": address,
        }
    return document


def anchor_text(anchor: TrustAnchor) -> str:
    """The anchor as JSON in one line: of equal anchors the same text."""
    return json.dumps(render_trust_anchor(anchor), sort_keys=True, separators=(",", ":"))


def describe_trust_anchor(anchor: TrustAnchor) -> dict[str, Any]:
    """The anchor as JSON with what is not proved, for whoever reads; ``parse_trust_anchor`` reads it too."""
    return {"proved": anchor.digest is not None, "notProved": str(anchor), **render_trust_anchor(anchor)}


def _declared(document: Mapping[str, Any]) -> TrustAnchor:
    strand_id, begin, hash_ = (document.get(name) for name in ("strandId", "sequenceNo", "previousBlockHash"))
    if not isinstance(strand_id, str) or not isinstance(hash_, str):
        raise InputError("a trust anchor needs strandId and previousBlockHash as strings")
    if not isinstance(begin, int) or isinstance(begin, bool) or not 0 < begin <= MAX_SEQUENCE_NO:
        raise InputError(f"a trust anchor's sequenceNo is the number of its first block, 1 to {MAX_SEQUENCE_NO}")
    return TrustAnchor(checked_id(strand_id, "strandId"), begin, Hash.from_base64(hash_), None)
