"""Receipts of a journal in every shape that a file of proofs may have them in."""

import json

from counterfoil.ion import dump_text, parse_text
from counterfoil.ion.value_text import to_json
from counterfoil.journal import BlockAddress
from counterfoil.merkle import Hash
from tests.journals import STRAND
from tests.property.test_receipt_laws import address_text, block_receipt, digest_fields, ion, revision_receipt

NAME = "exports/bank/all.proofs.json"


def json_of(value):
    """A value as an export in JSON has it."""
    return to_json(parse_text(dump_text(value)))


def without(document, *names):
    return {name: each for name, each in document.items() if name not in names}


def path_of(receipt):
    """The hashes of a proof in base64."""
    return [each.strip("{}") for each in receipt["Proof"]["IonText"].strip("[]").split(",") if each]


def hex_of(journal, index, tip):
    """A block's receipt with all hashes in hex."""
    proof = [each.hex() for each in journal.builder.prove_block(index, tip)]
    digest = journal.builder.digest(tip)
    at = {"strandId": digest.tip_address.strand_id, "sequenceNo": tip}
    return {
        "block_hash": journal.blocks[index].block_hash.hex(),
        "block_address": at | {"sequenceNo": index},
        "proof": proof,
        "digest": digest.hash.hex(),
        "digest_tip_address": at,
    }


def camel(value):
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: camel(each) for name, each in value.items()}
    return value


def lower(value):
    return {name.lower(): lower(each) for name, each in value.items()} if isinstance(value, dict) else value


def shapes(journal, index, tip):
    """By name: a JSON value with one good proof of block ``index`` or its first revision, with a digest at ``tip``."""
    block, revision = block_receipt(journal, index, tip), revision_receipt(journal, index, 0, tip)
    fields = journal.blocks[index].fields
    at, leaf = BlockAddress(STRAND, index), journal.blocks[index].revisions[0]
    digest = digest_fields(journal.builder.digest(tip))
    alone = {"blockAddress": json_of(fields["blockAddress"]), "proof": path_of(revision)} | digest
    leaf_text, block_text = Hash(leaf["hash"]).to_base64(), journal.blocks[index].block_hash.to_base64()
    return {
        "GetBlock": block,
        "GetRevision": revision,
        "camel case": camel(revision),
        "lower case": lower(block),
        "Ion text bare": {name: each["IonText"] if isinstance(each, dict) else each for name, each in revision.items()},
        "a list": [revision],
        "by document": {leaf["metadata"]["id"]: revision},
        "deep": {"ledger": "bank", "by": {"hour": [{"n": 1, "it": [block]}]}},
        "proof as hashes": revision | {"Proof": path_of(revision)},
        "digest around": {"ledgerDigest": digest, "proofs": [without(revision, *digest)]},
        "digest around, flat": digest | {"revisions": {"a": without(revision, *digest)}},
        "revision as JSON": revision | {"Revision": json_of(leaf)},
        "block as JSON": block | {"Block": json_of(fields)},
        "revision hash": alone | {"revisionHash": leaf_text},
        "hash alone": alone | {"hash": leaf_text},
        "block's hash alone": alone | {"hash": block_text, "proof": path_of(block)},
        "under the revision's hash": {leaf_text: alone},
        "under the address": {str(at): without(alone, "blockAddress") | {"revisionHash": leaf_text}},
        "under the address as Ion": {address_text(at): without(alone, "blockAddress") | {"revisionHash": leaf_text}},
        "address around": {"blockAddress": ion(address_text(at)), "of": [without(alone, "blockAddress") | {"hash": leaf_text}]},
        "hashes in place of contents": digest | {"block": block_text, "proof": path_of(block), "address": str(at)},
        "hex": hex_of(journal, index, tip),
        "another name": without(revision, "Proof") | {"inclusionProof": path_of(revision)},
        "block's proof beside": without(block, "Proof") | {"BlockProof": block["Proof"], "Revision": "x"},
        "no digest": without(revision, *digest),
        "tip alone": without(block, "Digest"),
    }  # fmt: skip


def proofs_bytes(value):
    return json.dumps(value).encode()
