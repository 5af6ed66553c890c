"""Receipts at their edges: the shapes the API gives, and what is refused."""

import pytest

from counterfoil.errors import InputError, IntegrityError, ProofMismatchError
from counterfoil.ion import dump_text
from counterfoil.journal import verify_receipt
from counterfoil.journal.builder import render_proof
from counterfoil.journal.receipt import MAX_PATH
from tests.journals import OTHER_STRAND, STRAND, transfers

JOURNAL = transfers(6)
TIP = f'{{strandId:"{STRAND}",sequenceNo:5}}'
DIGEST = JOURNAL.builder.digest()


def ion(text):
    return {"IonText": text}


def block_receipt():
    return {
        "Block": ion(JOURNAL.blocks[2].block_text()),
        "Proof": ion(render_proof(JOURNAL.builder.prove_block(2, 5))),
        "Digest": DIGEST.hash.to_base64(),
        "DigestTipAddress": ion(TIP),
    }


def revision_receipt():
    proof = JOURNAL.builder.prove_revision(JOURNAL.blocks[2], 0, 5)
    revision = {"Revision": ion(dump_text(JOURNAL.blocks[2].revisions[0])), "Proof": ion(render_proof(proof))}
    return {key: value for key, value in block_receipt().items() if key != "Block"} | revision


def bare_receipt(kind):
    """A receipt without contents: the hash and where it stands."""
    full = revision_receipt() if kind == "RevisionHash" else block_receipt()
    leaf = JOURNAL.blocks[2].revisions[0]["hash"] if kind == "RevisionHash" else JOURNAL.blocks[2].block_hash
    kept = {key: value for key, value in full.items() if key not in {"Block", "Revision"}}
    return kept | {
        kind: type(DIGEST.hash)(leaf).to_base64(),
        "BlockAddress": ion(f'{{strandId:"{STRAND}",sequenceNo:2}}'),
        "DocumentId": "abc",
    }


def test_a_receipt_holds_with_its_digest_beside_or_inside():
    receipt = block_receipt()
    inside = {"LedgerDigest": {name: receipt.pop(name) for name in ("Digest", "DigestTipAddress")}} | receipt
    assert verify_receipt(inside) == verify_receipt(block_receipt())


def test_ion_text_may_be_bare():
    receipt = {name: value["IonText"] if isinstance(value, dict) else value for name, value in block_receipt().items()}
    assert verify_receipt(receipt) == verify_receipt(block_receipt())


def test_fields_that_are_not_known_are_left_alone():
    assert verify_receipt(revision_receipt() | {"LedgerName": "bank", "Comment": None}).kind == "revision"


@pytest.mark.parametrize(("name", "kind"), [("RevisionHash", "revision"), ("BlockHash", "block")])
def test_a_receipt_of_a_bare_hash_says_that_no_contents_were_checked(name, kind):
    result = verify_receipt(bare_receipt(name))
    assert (result.kind, result.contents_checked, result.document_id) == (kind, False, "abc")
    assert result.address.sequence_no == 2


@pytest.mark.parametrize("name", ["Proof", "Digest", "DigestTipAddress", "Block"])
@pytest.mark.parametrize("value", [None, 5, [], {}, {"IonText": 5}, {"IonText": "{{"}, {"IonText": "1 2"}, True])
def test_a_receipt_with_a_field_that_cannot_be_read_is_refused(name, value):
    with pytest.raises(InputError):
        verify_receipt(block_receipt() | {name: value})


@pytest.mark.parametrize("name", ["Proof", "Digest", "DigestTipAddress", "Block"])
def test_a_receipt_without_a_field_is_refused(name):
    with pytest.raises(InputError):
        verify_receipt({key: value for key, value in block_receipt().items() if key != name})


@pytest.mark.parametrize("name", ["RevisionHash", "BlockHash"])
def test_a_bare_hash_needs_its_place(name):
    with pytest.raises(InputError, match="with BlockAddress"):
        verify_receipt({key: value for key, value in bare_receipt(name).items() if key != "BlockAddress"})


def test_a_proof_with_a_hash_of_another_length_is_refused():
    with pytest.raises(InputError, match="32 bytes, not 3"):
        verify_receipt(block_receipt() | {"Proof": ion("[{{AAAA}}]")})


def test_a_proof_longer_than_any_tree_is_refused():
    with pytest.raises(InputError, match=f"at most {MAX_PATH} are possible"):
        verify_receipt(block_receipt() | {"Proof": ion(render_proof([DIGEST.hash] * (MAX_PATH + 1)))})


def test_a_block_proof_of_another_length_than_its_place_takes_is_refused():
    longer = [*JOURNAL.builder.prove_block(2, 5), DIGEST.hash]
    with pytest.raises(ProofMismatchError, match="a proof of 4 hashes for block") as refusal:
        verify_receipt(block_receipt() | {"Proof": ion(render_proof(longer))})
    assert refusal.value.evidence == {"expected": "3", "found": "4"}


def test_a_revision_proof_shorter_than_its_blocks_is_refused():
    with pytest.raises(ProofMismatchError, match="the block's place takes 3"):
        verify_receipt(revision_receipt() | {"Proof": ion(render_proof(JOURNAL.builder.prove_block(2, 5)[:2]))})


@pytest.mark.parametrize(
    "tip", [f'{{strandId:"{STRAND}",sequenceNo:1}}', f'{{strandId:"{OTHER_STRAND}",sequenceNo:5}}']
)
def test_a_digest_of_another_strand_or_of_an_earlier_block_proves_nothing(tip):
    with pytest.raises(ProofMismatchError, match="says nothing about block"):
        verify_receipt(block_receipt() | {"DigestTipAddress": ion(tip)})


def test_an_address_beside_the_block_must_be_the_blocks():
    with pytest.raises(ProofMismatchError, match="but carries block"):
        verify_receipt(block_receipt() | {"BlockAddress": ion(f'{{strandId:"{STRAND}",sequenceNo:3}}')})


@pytest.mark.parametrize(
    ("receipt", "label"),
    [
        pytest.param(revision_receipt(), "DocumentId", id="another document"),
        pytest.param(revision_receipt(), "RevisionHash", id="another revision"),
        pytest.param(block_receipt(), "BlockHash", id="another block"),
    ],
)
def test_what_a_receipt_says_beside_its_leaf_must_be_so(receipt, label):
    with pytest.raises(ProofMismatchError, match="but carries"):
        verify_receipt(receipt | {label: DIGEST.hash.to_base64()})


def test_a_receipt_may_say_beside_its_leaf_what_is_so():
    revision = JOURNAL.blocks[2].revisions[0]
    labels = bare_receipt("RevisionHash") | {"DocumentId": revision["metadata"]["id"]}
    assert verify_receipt(revision_receipt() | labels) == verify_receipt(revision_receipt())


def test_a_revision_that_is_only_a_hash_has_no_contents_to_check():
    """Whoever takes data and metadata out of a revision leaves what looks like one of the system's own."""
    revision = {name: JOURNAL.blocks[2].revisions[0][name] for name in ("blockAddress", "hash")}
    receipt = verify_receipt(revision_receipt() | {"Revision": ion(dump_text(revision))})
    assert (receipt.contents_checked, receipt.document_id) == (False, None)


def test_a_revision_without_an_address_is_no_receipt():
    revision = {name: value for name, value in JOURNAL.blocks[2].revisions[0].items() if name != "blockAddress"}
    with pytest.raises(InputError, match="without blockAddress"):
        verify_receipt(revision_receipt() | {"Revision": ion(dump_text(revision))})


def test_altered_contents_are_refused_although_the_proof_is_right():
    text = JOURNAL.blocks[2].block_text().replace("12.50", "12.51")
    with pytest.raises(IntegrityError):
        verify_receipt(block_receipt() | {"Block": ion(text)})
