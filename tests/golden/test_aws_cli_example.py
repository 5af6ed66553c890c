"""The one complete block with proofs that the real service made and Amazon published: block 100, digest at block 123.

Transcribed from the AWS CLI's documentation (source and licence in the file), so that a fresh clone always has one
genuine vector.
"""

import json
from pathlib import Path

import pytest

from counterfoil.errors import ContentsMismatchError, ProofMismatchError, RevisionMismatchError
from counterfoil.ion import binary_of_text, dump_text, hash_of_ion, load_text, read_single
from counterfoil.journal import (
    BlockAddress,
    RevisionKind,
    parse_block,
    parse_revision,
    verify_block,
    verify_receipt,
    verify_revision,
)
from counterfoil.journal.block import TouchedDocument
from counterfoil.merkle import Hash, dot, fold, path_length, root_of

EXAMPLE = json.loads((Path(__file__).parents[2] / "lab" / "data" / "aws-cli-example.json").read_text())
DIGEST = Hash.from_base64(EXAMPLE["GetDigest"]["Digest"])
STRAND = "KmA3ZZca7vAIiJAK9S5Iwl"


def block_text():
    return EXAMPLE["GetBlock"]["Block"]["IonText"]


def the_block():
    return parse_block(read_single(binary_of_text(block_text())))


def proof_of(answer):
    return [Hash(each.as_bytes()) for each in read_single(binary_of_text(answer["Proof"]["IonText"])).items()]


def receipt(answer):
    return EXAMPLE[answer] | EXAMPLE["GetDigest"]


def test_the_file_says_where_it_comes_from():
    assert "1.32.0" in EXAMPLE["source"]
    assert EXAMPLE["licence"].startswith("Apache-2.0")


def test_the_block_is_read_field_by_field():
    block = verify_block(the_block())
    assert block.address == BlockAddress(STRAND, 100)
    assert block.transaction_id == "FnQeJBAicTX0Ah32ZnVtSX"
    assert str(block.timestamp) == "2019-09-16T19:37:05.360Z"
    assert block.block_hash.to_base64() == "NoChM92yKRuJAb/jeLd1VnYn4DHiWIf071ACfic9uHc="
    assert block.previous_block_hash.to_base64() == "7kewBXhpdbClcZKxhVmpoMHpUGOJtWQD0iY2LPfZkYA="
    assert block.documents == (
        TouchedDocument("JUJgkIcNbhS2goq8RqLuZ4", "VehicleRegistration", "BFJKdXgzt9oF4wjMbuxy4G"),
    )
    assert block.statements[0].startswith("FROM VehicleRegistration AS r \nWHERE r.VIN")
    assert len(block.statements) == 1
    assert [summary.document_id for summary in block.summaries] == ["JUJgkIcNbhS2goq8RqLuZ4"]


def test_the_header_of_the_real_services_block_is_not_bound():
    assert verify_block(the_block()).header_bound is False


def test_the_revision_hashes_to_what_it_says():
    (revision,) = verify_block(the_block()).revisions
    assert revision.kind is RevisionKind.WRITTEN
    assert revision.hash.to_base64() == "mHVex/yjHAWjFPpwhBuH2GKXmKJjK2FBa9faqoUVNtg="
    assert revision.metadata.version == 3
    assert revision.data.fields()["LicensePlateNumber"].as_text() == "LEWISR261LL"


def test_each_step_of_the_entries_hash_is_the_published_one():
    block = the_block()
    (revision,) = read_single(binary_of_text(block_text())).fields()["revisions"].items()
    metadata, data = (Hash(hash_of_ion(revision.fields()[name])) for name in ("metadata", "data"))
    opaque, revisions, reserved, info = block.entries_hash_list
    assert revisions == dot(metadata, data)
    assert info == hash_of_ion(block.transaction_info)
    assert dot(reserved, info).to_base64() == "VV1rdaNuf+yJZVGlmsM6gr2T52QvBO8Lg+KgpjcnWAU="
    assert dot(dot(opaque, revisions), dot(reserved, info)) == block.entries_hash == root_of(block.entries_hash_list)
    assert dot(block.entries_hash, block.previous_block_hash) == block.block_hash


def test_the_block_proof_folds_to_the_digest():
    proof = proof_of(EXAMPLE["GetBlock"])
    assert len(proof) == path_length(100, 124) == 7
    assert fold(the_block().block_hash, proof) == DIGEST


def test_the_revision_proof_folds_to_the_digest():
    proof = proof_of(EXAMPLE["GetRevision"])
    assert len(proof) == 10
    assert proof[2] == the_block().previous_block_hash
    assert fold(the_block().revisions[0].hash, proof) == DIGEST


@pytest.mark.parametrize(
    ("answer", "kind", "length", "document_id"),
    [("GetBlock", "block", 7, None), ("GetRevision", "revision", 10, EXAMPLE["DocumentId"])],
)
def test_the_published_answers_are_receipts_that_hold(answer, kind, length, document_id):
    result = verify_receipt(receipt(answer))
    assert (result.kind, result.path_length, result.document_id) == (kind, length, document_id)
    assert result.address == BlockAddress(STRAND, 100)
    assert result.digest.hash == DIGEST
    assert result.digest.tip_address == BlockAddress(STRAND, 123)
    assert result.contents_checked


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("LEWISR261LL", "LEWISR262LL", RevisionMismatchError),
        ("90.25", "90.250", RevisionMismatchError),
        ("ValidFromDate:2017-08-21", "ValidFromDate:2017-08-21T00:00Z", RevisionMismatchError),
        ("version:3", "version:4", RevisionMismatchError),
        ("statements:[0]", "statements:[1]", ContentsMismatchError),
        ("WHERE r.VIN", "WHERE r.Vin", ContentsMismatchError),
        ("startTime:2019-09-16T19:37:05.302Z", "startTime:2019-09-16T19:37:05.303Z", ContentsMismatchError),
    ],
)
def test_a_change_to_the_published_block_is_refused(old, new, error):
    text = block_text()
    assert text.count(old) == 1
    with pytest.raises(error):
        verify_block(parse_block(read_single(binary_of_text(text.replace(old, new)))))


def test_a_published_proof_does_not_hold_for_another_digest():
    other = EXAMPLE["GetBlock"] | {"Digest": DIGEST[::-1].hex()} | {"DigestTipAddress": EXAMPLE["BlockAddress"]}
    other["Digest"] = Hash(DIGEST[::-1]).to_base64()
    with pytest.raises(ProofMismatchError):
        verify_receipt(other | {"DigestTipAddress": EXAMPLE["GetDigest"]["DigestTipAddress"]})


@pytest.mark.parametrize(
    "text",
    [
        block_text(),
        EXAMPLE["GetRevision"]["Revision"]["IonText"],
        EXAMPLE["GetBlock"]["Proof"]["IonText"],
        EXAMPLE["GetRevision"]["Proof"]["IonText"],
        EXAMPLE["GetDigest"]["DigestTipAddress"]["IonText"],
    ],
)
def test_text_is_written_as_the_real_service_wrote_it_day_timestamps_excepted(text):
    """QLDB printed a day without the trailing ``T`` that other Ion writers put; both mean the same value."""
    ours = dump_text(load_text(text))
    assert ours.replace("2017-08-21T,", "2017-08-21,").replace("2020-05-11T,", "2020-05-11,") == text


def test_the_revision_alone_is_verified_like_the_one_in_the_block():
    revision = verify_revision(
        parse_revision(read_single(binary_of_text(EXAMPLE["GetRevision"]["Revision"]["IonText"])))
    )
    assert revision.hash == the_block().revisions[0].hash
