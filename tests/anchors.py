"""A journal of which parts are cut out, the receipts of its blocks, and the anchors at which the parts begin."""

from counterfoil.ion import dump_text, read_single
from counterfoil.journal import parse_block
from counterfoil.merkle import prove_inclusion, root_of
from tests.journals import STRAND, checked, transfers

JOURNAL = transfers(40)
BLOCKS = [checked(each.fields) for each in JOURNAL.blocks]
HASHES = [each.block_hash for each in BLOCKS]


def address(number, strand_id=STRAND):
    return {"IonText": f'{{strandId:"{strand_id}",sequenceNo:{number}}}'}


def proof(path):
    return {"IonText": dump_text([bytes(each) for each in path])}


def receipt(number, tip, **changes):
    """GetBlock's answer for a block under the digest at another."""
    return {
        "Block": {"IonText": dump_text(JOURNAL.blocks[number].fields)},
        "Proof": proof(prove_inclusion(HASHES[: tip + 1], number)),
        "Digest": root_of(HASHES[: tip + 1]).to_base64(),
        "DigestTipAddress": address(tip),
    } | changes


def receipt_of(ledger, place):
    """The same of a ledger's block, under its digest, by the block's hash."""
    digest = ledger.digest()
    return {
        "BlockHash": parse_block(read_single(ledger.block(place))).block_hash.to_base64(),
        "BlockAddress": address(place.sequence_no, place.strand_id),
        "Proof": proof(ledger.prove_block(place, digest.tip_address)),
        "Digest": digest.hash.to_base64(),
        "DigestTipAddress": address(digest.tip_address.sequence_no, place.strand_id),
    }


def declared(begin, **changes):
    """An anchor of which only is said where it is."""
    return {"strandId": STRAND, "sequenceNo": begin, "previousBlockHash": HASHES[begin - 1].to_base64()} | changes
