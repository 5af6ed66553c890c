"""Receipts: a GetBlock or GetRevision answer with its proof and the digest it leads to, checked offline.

Accepted as JSON: the API's own answers (``Block`` or ``Revision`` with ``IonText``, ``Proof``), with the digest beside them as
``Digest`` (and ``DigestTipAddress``), or as ``LedgerDigest`` holding both; and receipts that carry only the leaf
(``RevisionHash`` or ``BlockHash``). Unknown fields are left alone.

Source: docs/format.md, section "Proofs".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from counterfoil.errors import InputError, ProofMismatchError
from counterfoil.ion import IonValue, binary_of_text, read_single
from counterfoil.journal.address import BlockAddress, parse_address, parse_address_text
from counterfoil.journal.block import parse_block, verify_block
from counterfoil.journal.chain import Digest
from counterfoil.journal.revision import parse_revision, verify_revision
from counterfoil.merkle import Hash, path_length, verify_inclusion

# Twice 64 levels of a tree and the entries of a block: longer proofs do not exist.
MAX_PATH = 256


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a checked receipt proves: the leaf is under the digest.

    ``address_bound`` says whether the address is proved too: only whole blocks that bind their headers can show theirs, of the
    others the address is what the receipt says, as far as the proof's length agrees with it.
    """

    kind: str
    leaf: Hash
    address: BlockAddress
    digest: Digest
    path_length: int
    document_id: str | None
    contents_checked: bool
    address_bound: bool


def parse_json_object(data: bytes, what: str) -> dict[str, Any]:
    """A JSON object in UTF-8, or in UTF-16 with its mark: no name twice in one object, since nobody could say which one counts."""
    document = parse_json(text_of_json(data, what), what)
    if not isinstance(document, dict):
        raise InputError(f"{what} is not a JSON object")
    return document


def text_of_json(data: bytes, what: str) -> str:
    """The characters of JSON in UTF-8, or in UTF-16 with its mark."""
    try:
        return data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{what} is not JSON: {error}") from None


def parse_json(text: str, what: str) -> Any:
    """Any JSON value, its objects without a name twice."""
    try:
        return json.loads(text, object_pairs_hook=_unrepeated, parse_constant=int)  # NaN and infinities are no numbers
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is not JSON: {error}") from None


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InputError(f"a name comes twice among {sorted(fields)[:20]}")
    return fields


class ReceiptLeaf(NamedTuple):
    """What a receipt is for, before its proof was followed: contents, where there are any, hash to ``hash``; the labels agree."""

    kind: str
    hash: Hash
    address: BlockAddress
    document_id: str | None
    contents_checked: bool
    address_bound: bool


def verify_receipt(document: Mapping[str, Any]) -> Receipt:
    """Check a receipt; ``InputError`` where it cannot be read, an ``IntegrityError`` where it does not hold."""
    document = _capitalised(document)
    digest = _digest(document)
    path = _path(_ion(document, "Proof"))
    leaf = leaf_in(document)
    check_places(leaf, digest.tip_address, path)
    verify_inclusion(leaf.hash, path, digest.hash)
    return Receipt(
        leaf.kind,
        leaf.hash,
        leaf.address,
        digest,
        len(path),
        leaf.document_id,
        leaf.contents_checked,
        leaf.address_bound,
    )


def leaf_in(document: Mapping[str, Any]) -> ReceiptLeaf:
    """The leaf of a receipt, checked against all but its proof: errors as of ``verify_receipt``."""
    document = _capitalised(document)
    bound = False
    if "Revision" in document and "Block" in document:
        raise InputError("a receipt is for a Revision or for a Block, not for both")
    if "Revision" in document:
        kind, hash_, address, document_id = _revision_leaf(_ion(document, "Revision"))
    elif "Block" in document:
        block = verify_block(parse_block(_ion(document, "Block")))
        kind, hash_, address, document_id = "block", block.block_hash, block.address, None
        bound = block.header_bound
    else:
        kind, hash_, address, document_id = _bare_leaf(document)
    # A revision without metadata is internal to the system: only a hash, whatever it is wrapped in.
    checked = document_id is not None if "Revision" in document else "Block" in document
    leaf = ReceiptLeaf(kind, hash_, address, document_id, checked, bound)
    _check_labels(document, leaf)
    return leaf


def _check_labels(document: Mapping[str, Any], leaf: ReceiptLeaf) -> None:
    """What a receipt says beside its leaf must be so; for a bare hash these labels are all there is."""
    stated = document.get("BlockAddress")
    if stated is not None and parse_address_text(_text_of(stated, "BlockAddress")) != leaf.address:
        raise ProofMismatchError(
            f"the receipt is for {_text_of(stated, 'BlockAddress')}, but carries block {leaf.address}",
            part="BlockAddress",
            expected=_text_of(stated, "BlockAddress"),
            found=str(leaf.address),
        )
    named = document.get("DocumentId")
    if leaf.document_id is not None and named is not None and named != leaf.document_id:
        raise ProofMismatchError(
            f"the receipt is for document {named}, but carries a revision of {leaf.document_id}",
            part="DocumentId",
            expected=str(named),
            found=leaf.document_id,
        )
    hash_name = "RevisionHash" if leaf.kind == "revision" else "BlockHash"
    hash_text = document.get(hash_name)
    if hash_text is not None and hash_text != leaf.hash.to_base64():
        raise ProofMismatchError(
            f"the receipt is for a {leaf.kind} of hash {hash_text}, but carries one of {leaf.hash.to_base64()}",
            part=hash_name,
            expected=str(hash_text),
            found=leaf.hash.to_base64(),
        )


def check_places(leaf: ReceiptLeaf, tip: BlockAddress, path: tuple[Hash, ...]) -> None:
    """The proof of a block has exactly the length its place in the tree gives; a revision's is longer, never shorter.

    ``ProofMismatchError`` where it has not, or where a digest at ``tip`` says nothing about the leaf's block.
    """
    kind, address = leaf.kind, leaf.address
    if tip.strand_id != address.strand_id or tip.sequence_no < address.sequence_no:
        raise ProofMismatchError(
            f"a digest at {tip} says nothing about block {address}",
            part="DigestTipAddress",
            expected=str(tip),
            found=str(address),
        )
    needed = path_length(address.sequence_no, tip.sequence_no + 1)
    if (kind == "block" and len(path) != needed) or len(path) < needed:
        raise ProofMismatchError(
            f"a proof of {len(path)} hashes for {kind} at {address} under a digest at {tip}: the block's place takes {needed}",
            expected=str(needed),
            found=str(len(path)),
        )


def _revision_leaf(value: IonValue) -> tuple[str, Hash, BlockAddress, str | None]:
    revision = verify_revision(parse_revision(value))
    if revision.address is None:
        raise InputError("the revision of a receipt has no blockAddress")
    return "revision", revision.hash, revision.address, revision.metadata.document_id if revision.metadata else None


def _bare_leaf(document: Mapping[str, Any]) -> tuple[str, Hash, BlockAddress, str | None]:
    """A receipt without contents: the hash alone, at a stated address."""
    kind = "revision" if "RevisionHash" in document else "block"
    leaf = document.get("RevisionHash", document.get("BlockHash"))
    if not isinstance(leaf, str) or "BlockAddress" not in document:
        raise InputError("a receipt needs Revision or Block, or else RevisionHash or BlockHash with BlockAddress")
    address = parse_address(read_single(binary_of_text(_text_of(document["BlockAddress"], "BlockAddress"))))
    document_id = document.get("DocumentId")
    return kind, Hash.from_base64(leaf), address, document_id if isinstance(document_id, str) else None


def path_in(document: Mapping[str, Any]) -> tuple[Hash, ...]:
    """The proof of a receipt."""
    return _path(_ion(_capitalised(document), "Proof"))


def parse_digest(document: Mapping[str, Any]) -> Digest:
    """Read a GetDigest answer as JSON: ``{"Digest": base64, "DigestTipAddress": {"IonText": ...}}``."""
    return _digest(_capitalised(document))


def _digest(document: Mapping[str, Any]) -> Digest:
    nested = (document.get("LedgerDigest"), document.get("Digest"))
    source = _capitalised(next((each for each in nested if isinstance(each, Mapping)), document))
    if not isinstance(source.get("Digest"), str):
        raise InputError("Digest (base64) is missing, on top, beside the proof or in LedgerDigest")
    tip = source.get("DigestTipAddress")
    return Digest(Hash.from_base64(source["Digest"]), parse_address_text(_text_of(tip, "DigestTipAddress")))


def _path(value: IonValue) -> tuple[Hash, ...]:
    path = tuple(Hash(each.as_bytes()) for each in value.items())
    if len(path) > MAX_PATH:
        raise InputError(f"a proof of {len(path)} hashes; at most {MAX_PATH} are possible")
    return path


def _ion(document: Mapping[str, Any], name: str) -> IonValue:
    return read_single(binary_of_text(_text_of(document.get(name), name)))


def _capitalised(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields with capital first letters: SDKs for other languages print the API's names in lower camel case."""
    return _unrepeated([(name[:1].upper() + name[1:], value) for name, value in document.items()])


def _text_of(holder: object, name: str) -> str:
    """Ion text as the API wraps it (``{"IonText": ...}``) or bare."""
    text = _capitalised(holder).get("IonText") if isinstance(holder, Mapping) else holder
    if not isinstance(text, str):
        raise InputError(f"{name} is missing or is not {{'IonText': string}}")
    return text
