"""Receipts of every block and revision hold, and none holds for another leaf, place or digest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import IntegrityError, ProofMismatchError
from counterfoil.ion import dump_text
from counterfoil.journal import BlockAddress, verify_receipt
from counterfoil.journal.builder import render_proof
from counterfoil.merkle import Hash
from tests.journals import FEW, journals


def ion(text):
    return {"IonText": text}


def address_text(address):
    return f'{{strandId:"{address.strand_id}",sequenceNo:{address.sequence_no}}}'


def digest_fields(digest):
    return {"Digest": digest.hash.to_base64(), "DigestTipAddress": ion(address_text(digest.tip_address))}


def block_receipt(journal, index, tip):
    proof = journal.builder.prove_block(index, tip)
    block = journal.blocks[index]
    return {"Block": ion(block.block_text()), "Proof": ion(render_proof(proof))} | digest_fields(
        journal.builder.digest(tip)
    )


def revision_receipt(journal, index, place, tip):
    block = journal.blocks[index]
    proof = journal.builder.prove_revision(block, place, tip)
    revision = ion(dump_text(block.revisions[place]))
    return {"Revision": revision, "Proof": ion(render_proof(proof))} | digest_fields(journal.builder.digest(tip))


def places(journal):
    """(block, revision) numbers of all revisions that say where they belong."""
    return [
        (index, place)
        for index, block in enumerate(journal.blocks)
        for place, change in enumerate(block.changes)
        if not change.internal
    ]


@FEW
@given(journals(), st.data())
def test_every_block_has_a_receipt_at_every_later_tip(journal, data):
    tip = data.draw(st.integers(0, len(journal.blocks) - 1))
    for index in range(tip + 1):
        result = verify_receipt(json.loads(json.dumps(block_receipt(journal, index, tip))))
        assert (result.kind, result.leaf) == ("block", journal.blocks[index].block_hash)
        assert result.address == journal.blocks[index].address
        assert result.digest == journal.builder.digest(tip)
        assert result.contents_checked


@FEW
@given(journals(min_changes=1))
def test_every_revision_has_a_receipt(journal):
    tip = len(journal.blocks) - 1
    for index, place in places(journal):
        result = verify_receipt(revision_receipt(journal, index, place, tip))
        change = journal.blocks[index].changes[place]
        assert (result.kind, result.document_id) == ("revision", change.document_id)
        assert result.leaf == journal.blocks[index].revisions[place]["hash"]


@FEW
@given(journals(min_size=2, min_changes=1), st.data())
def test_no_receipt_holds_with_the_proof_of_another_leaf(journal, data):
    tip = len(journal.blocks) - 1
    index, other = data.draw(st.lists(st.integers(0, tip), min_size=2, max_size=2, unique=True))
    mixed = block_receipt(journal, index, tip) | {"Proof": block_receipt(journal, other, tip)["Proof"]}
    with pytest.raises(ProofMismatchError):
        verify_receipt(mixed)


@FEW
@given(journals(min_size=3), st.data())
def test_no_receipt_holds_at_another_tip(journal, data):
    last = len(journal.blocks) - 1
    tip, other = data.draw(st.lists(st.integers(1, last), min_size=2, max_size=2, unique=True))
    receipt = block_receipt(journal, 1, tip)
    with pytest.raises(ProofMismatchError):
        verify_receipt(receipt | digest_fields(journal.builder.digest(other)))


@FEW
@given(journals(min_changes=1), st.data())
def test_no_receipt_holds_for_another_digest(journal, data):
    tip = len(journal.blocks) - 1
    receipts = [block_receipt(journal, tip, tip)]
    receipts += [revision_receipt(journal, index, place, tip) for index, place in places(journal)[:1]]
    bit = data.draw(st.integers(0, 255))
    for receipt in receipts:
        digest = bytearray(journal.builder.digest(tip).hash)
        digest[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ProofMismatchError, match="do not belong together"):
            verify_receipt(receipt | {"Digest": Hash(bytes(digest)).to_base64()})


@FEW
@given(journals(min_size=2), st.data())
def test_a_block_that_claims_another_place_has_a_proof_of_the_wrong_length_or_a_wrong_header(journal, data):
    """What is proved is the place too: the stated address must be the one in the block."""
    tip = len(journal.blocks) - 1
    index = data.draw(st.integers(0, tip))
    elsewhere = BlockAddress(journal.blocks[index].address.strand_id, index + 1)
    with pytest.raises(ProofMismatchError, match="but carries block"):
        verify_receipt(block_receipt(journal, index, tip) | {"BlockAddress": ion(address_text(elsewhere))})


@FEW
@given(journals(min_changes=1), st.data())
def test_no_receipt_holds_for_altered_contents(journal, data):
    tip = len(journal.blocks) - 1
    for index, place in places(journal)[:2]:
        receipt = revision_receipt(journal, index, place, tip)
        version = journal.blocks[index].changes[place].version
        text = receipt["Revision"]["IonText"].replace(f"version:{version},", f"version:{version + 1},")
        assert text != receipt["Revision"]["IonText"]
        with pytest.raises(IntegrityError):
            verify_receipt(receipt | {"Revision": ion(text)})


@FEW
@given(journals())
def test_a_digest_older_than_the_block_proves_nothing(journal):
    tip = len(journal.blocks) - 1
    receipt = block_receipt(journal, tip, tip)
    if tip:
        with pytest.raises(ProofMismatchError, match="says nothing about block"):
            verify_receipt(receipt | digest_fields(journal.builder.digest(tip - 1)))
