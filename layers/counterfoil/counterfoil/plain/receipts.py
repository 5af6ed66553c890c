"""A receipt: a GetBlock or GetRevision answer with proof and digest (docs/format.md, "Receipts" and "Proofs")"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable
from typing import Any

from counterfoil.plain.blocks import Address, address_in, difference, hashes_in, read_block, read_revision
from counterfoil.plain.ion_text import text_values
from counterfoil.plain.tree import dot, hash_of_base64, path_length
from counterfoil.plain.values import Value, require, unrepeated


class DoesNotHoldError(Exception):
    """What was read contradicts a hash: exit status 1."""


def capitalised(document: Any) -> dict[str, Any]:
    """A JSON object with capital first letters of its names; some SDKs print small ones."""
    return unrepeated([(name[:1].upper() + name[1:], value) for name, value in document.items()])


def single(values: Iterable[Any]) -> Value:
    """The only value of a stream."""
    first, *others = [*itertools.islice(values, 2)] or [None]
    return Value(*require(isinstance(first, Value) and not others, f"one Ion value was expected, found {first or 'none'}", first))


def ion_in(document: dict[str, Any], name: str) -> Value:
    """Ion text, bare or as ``{"IonText": text}``."""
    holder = document.get(name)
    text = capitalised(holder).get("IonText") if isinstance(holder, dict) else holder
    return single(text_values(require(isinstance(text, str), f"{name} is missing, or is not {{'IonText': text}}", text)))


def parse_digest(document: Any) -> tuple[bytes, Address]:
    """A digest and its tip: a GetDigest answer; in a receipt beside the proof, or inside ``LedgerDigest`` or ``Digest``."""
    outer = capitalised(document)
    inside = [outer[name] for name in ("LedgerDigest", "Digest") if isinstance(outer.get(name), dict)]
    fields = capitalised(inside[0]) if inside else outer
    return hash_of_base64(fields.get("Digest")), address_in(ion_in(fields, "DigestTipAddress"))


def confirm(differences: list[str]) -> None:
    """Go on only where nothing differs."""
    if differences:
        raise DoesNotHoldError("; ".join(differences))


def verify_receipt(receipt: Any) -> str:
    """Compute every hash from the contents, or from a bare hash, to the digest; return what was shown."""
    document = capitalised(receipt)
    (digest, tip), path = parse_digest(document), hashes_in(ion_in(document, "Proof"))
    kinds = [kind for kind in ("Revision", "Block") if kind in document]
    require(len(path) <= 256 and len(kinds) < 2, "a proof of more than 256 hashes, or both a Revision and a Block")
    kind = kinds[0] if kinds else "Revision" if "RevisionHash" in document else "Block"
    if kinds:
        leaf = (read_block if kind == "Block" else read_revision)(ion_in(document, kind))
        confirm(leaf.differences)
        reached, address, document_id = leaf.hash, leaf.address, leaf.document_id
    else:
        reached, document_id = hash_of_base64(document.get("RevisionHash", document.get("BlockHash"))), ""
        address = address_in(ion_in(document, "BlockAddress"))
    require(address, "the revision of a receipt has no blockAddress")
    if document.get("BlockAddress") is not None:
        confirm(difference("BlockAddress", address, address_in(ion_in(document, "BlockAddress"))))
    for name, own in (("DocumentId", document_id), (f"{kind}Hash", base64.b64encode(reached).decode())):
        confirm(difference(name, own, document[name]) if own and document.get(name) is not None else [])
    is_covered = tip.strand_id == address.strand_id and tip.sequence_no >= address.sequence_no
    confirm([] if is_covered else [f"DigestTipAddress: expected {address} or behind it, found {tip}"])
    needed = path_length(address.sequence_no, tip.sequence_no + 1)
    confirm(difference("length of Proof", needed, min(needed, len(path)) if kind == "Revision" else len(path)))
    for sibling in path:
        reached = dot(reached, sibling)
    confirm(difference("Digest", reached, digest))
    return f"the {kind} in block {address} is under the digest at {tip}, by a proof of {len(path)} hashes"
