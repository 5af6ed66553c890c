"""Trust anchors: the tree before a block out of the proof of the one before it, and what is only declared."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import BrokenLinkError, InputError, IntegrityError, ProofMismatchError
from counterfoil.journal.anchor import TrustAnchor, digest_from, parse_trust_anchor, render_trust_anchor
from counterfoil.journal.chain import extend_all
from counterfoil.merkle import CompactRange, prove_inclusion
from counterfoil.merkle.hashes import hash_of
from counterfoil.merkle.nodes import left_of_proof, peaks_of_proof
from tests.anchors import BLOCKS, HASHES, JOURNAL, declared, receipt
from tests.journals import STRAND

LEAVES = [hash_of(bytes((number,))) for number in range(70)]


@given(st.data())
def test_the_tree_up_to_a_leaf_is_in_its_proof_in_any_later_tree(data):
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    path = left_of_proof(prove_inclusion(LEAVES[:size], index), index, size)
    assert path == prove_inclusion(LEAVES[: index + 1], index)
    peaks = peaks_of_proof(LEAVES[index], path, index + 1)
    whole = sum((CompactRange.of_leaf(n, LEAVES[n]) for n in range(1, index + 1)), CompactRange.of_leaf(0, LEAVES[0]))
    assert peaks == whole


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_proof_of_another_length_is_refused(count):
    with pytest.raises(InputError, match="takes 3"):
        left_of_proof(LEAVES[:count], 3, 5)


@given(st.data())
def test_behind_a_proved_anchor_digests_are_those_of_the_whole_strand(data):
    begin = data.draw(st.integers(1, len(BLOCKS) - 1))
    last = data.draw(st.integers(begin, len(BLOCKS) - 1))
    anchor = parse_trust_anchor(receipt(begin - 1, data.draw(st.integers(begin - 1, len(BLOCKS) - 1))))
    segment = extend_all(None, BLOCKS[begin : last + 1])
    anchor.check_begins(segment)
    assert digest_from(anchor, segment) == JOURNAL.builder.digest(last)
    assert anchor.digest == JOURNAL.builder.digest(begin - 1)
    assert parse_trust_anchor(json.loads(json.dumps(render_trust_anchor(anchor)))) == anchor


@given(st.integers(1, len(BLOCKS) - 1), st.integers(0, 30))
def test_behind_a_declared_anchor_digests_are_of_their_own(begin, more):
    anchor = parse_trust_anchor(declared(begin))
    segment = extend_all(None, BLOCKS[begin : begin + 1 + more])
    found = digest_from(anchor, segment)
    # After block 0 alone nothing is unknown: its hash is the tree before.
    assert (found == JOURNAL.builder.digest(found.tip_address.sequence_no)) is (begin == 1)
    assert anchor.digest is None
    assert parse_trust_anchor(render_trust_anchor(anchor)) == anchor


def test_another_anchor_gives_another_digest():
    segment = extend_all(None, BLOCKS[6:9])
    anchors = [
        parse_trust_anchor(declared(6)),
        parse_trust_anchor(declared(6, previousBlockHash=HASHES[2].to_base64())),
        parse_trust_anchor(receipt(5, 5)),
    ]
    assert len({digest_from(each, segment).hash for each in anchors}) == 3
    assert digest_from(anchors[0], extend_all(None, BLOCKS[7:9])) is None


def test_a_strand_that_does_not_follow_the_anchor_is_found():
    anchor = parse_trust_anchor(declared(6, previousBlockHash=HASHES[2].to_base64()))
    with pytest.raises(BrokenLinkError, match="trust anchor"):
        anchor.check_begins(extend_all(None, BLOCKS[6:9]))


def test_what_is_not_proved_is_said():
    assert "nothing about them is proved" in str(parse_trust_anchor(declared(6)))
    assert "what they say is not" in str(parse_trust_anchor(receipt(5, 9)))
    assert str(parse_trust_anchor(declared(1))).startswith("block 0 is not here")


@pytest.mark.parametrize(
    "document",
    [
        {}, {"strandId": STRAND}, declared(6, sequenceNo=0), declared(6, sequenceNo=True), declared(6, sequenceNo="6"),
        declared(6, sequenceNo=2**63), declared(6, previousBlockHash="x"), declared(6, previousBlockHash=6), declared(6, strandId=7),
        declared(6, strandId="../x y"), receipt(5, 9, Proof={"IonText": "[]"}) | {"Block": 1}, receipt(5, 9) | declared(7),
        receipt(5, 9) | declared(6, previousBlockHash=HASHES[4].to_base64()), {"Proof": {"IonText": "[]"}},
    ],
)  # fmt: skip
def test_what_is_no_anchor_is_refused(document):
    with pytest.raises(InputError):
        parse_trust_anchor(document)


def test_a_receipt_that_does_not_hold_proves_no_anchor():
    with pytest.raises(ProofMismatchError):
        parse_trust_anchor(receipt(5, 9, Digest=HASHES[0].to_base64()))
    with pytest.raises(IntegrityError):
        parse_trust_anchor(receipt(5, 9, Proof={"IonText": "[]"}))


def test_a_receipt_and_a_declaration_may_say_the_same():
    assert parse_trust_anchor(receipt(5, 9) | declared(6)) == parse_trust_anchor(receipt(5, 9))
    assert isinstance(parse_trust_anchor(declared(6)), TrustAnchor)
