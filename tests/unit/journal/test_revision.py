"""Revisions: the four kinds, and every wrong shape."""

from decimal import Decimal

import pytest

from counterfoil.errors import InputError, RevisionMismatchError
from counterfoil.ion import binary_of_text, dump_binary, dump_text, hash_of_ion, load_text, read_single
from counterfoil.journal import RevisionKind, parse_revision, verify_revision
from counterfoil.journal.address import parse_address
from counterfoil.merkle import Hash, dot, hash_of
from tests.journals import transfers

REVISION = transfers(1).blocks[0].revisions[0]
DATA_HASH = hash_of_ion(read_single(dump_binary(REVISION["data"])))
WITHOUT_DATA = {name: value for name, value in REVISION.items() if name != "data"}


def read(revision):
    return parse_revision(read_single(dump_binary(revision)))


def checked(revision):
    return verify_revision(read(revision))


def test_a_written_revision_shows_its_data():
    revision = checked(REVISION)
    assert revision.kind is RevisionKind.WRITTEN
    assert revision.data.fields()["amount"].as_decimal() == Decimal("12.50")
    assert revision.metadata.document_id == REVISION["metadata"]["id"]


def test_a_redacted_revision_keeps_its_hash():
    revision = checked(WITHOUT_DATA | {"dataHash": DATA_HASH})
    assert (revision.kind, revision.data) == (RevisionKind.REDACTED, None)
    assert revision.hash == REVISION["hash"]


def test_a_redacted_revision_with_another_data_hash_is_refused():
    with pytest.raises(RevisionMismatchError):
        checked(WITHOUT_DATA | {"dataHash": bytes(32)})


def test_a_deleted_revision_counts_its_data_as_no_bytes():
    metadata = hash_of_ion(read_single(dump_binary(REVISION["metadata"])))
    revision = checked(WITHOUT_DATA | {"hash": bytes(dot(Hash(metadata), hash_of(b"")))})
    assert (revision.kind, revision.data) == (RevisionKind.DELETED, None)


def test_a_revision_whose_data_was_taken_away_is_not_a_deletion():
    with pytest.raises(RevisionMismatchError, match="its data or metadata was changed"):
        checked(WITHOUT_DATA)


def test_a_revision_of_the_system_is_only_a_hash():
    revision = checked({"hash": REVISION["hash"]})
    assert (revision.kind, revision.metadata, revision.address) == (RevisionKind.INTERNAL, None, None)


def test_a_changed_amount_is_named_with_document_and_version():
    with pytest.raises(
        RevisionMismatchError, match=f"revision {REVISION['metadata']['id']} version 0 hashes to"
    ) as refusal:
        checked(REVISION | {"data": REVISION["data"] | {"amount": Decimal("12.51")}})
    assert refusal.value.evidence["expected"] == REVISION["hash"].hex()
    assert refusal.value.evidence["found"] != REVISION["hash"].hex()


@pytest.mark.parametrize("amount", ["12.5", "12.500", "1250d-2", "125d-1"])
def test_the_scale_of_an_amount_is_part_of_its_hash(amount):
    text = dump_text(REVISION).replace("12.50", amount)
    changed = parse_revision(read_single(binary_of_text(text)))
    if amount == "1250d-2":
        assert verify_revision(changed).hash == REVISION["hash"]
    else:
        with pytest.raises(RevisionMismatchError):
            verify_revision(changed)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"hash": None}, "'hash' is missing"),
        ({"hash": b""}, "32 bytes, not 0"),
        ({"hash": bytes(33)}, "32 bytes, not 33"),
        ({"hash": "text"}, "expected blob, found string"),
        ({"blockAddress": {"strandId": "abc"}}, "'sequenceNo' is missing"),
        ({"blockAddress": 5}, "expected struct, found int"),
        ({"metadata": 5}, "expected struct, found int"),
        ({"metadata": None}, "expected struct, found null"),
        ({"dataHash": bytes(32)}, "both data and dataHash"),
    ],
)
def test_a_revision_of_a_wrong_shape_is_refused(change, what):
    with pytest.raises(InputError, match=what):
        read(REVISION | change)


def test_a_data_hash_of_another_length_is_refused():
    with pytest.raises(InputError, match="32 bytes, not 5"):
        read(WITHOUT_DATA | {"dataHash": bytes(5)})


@pytest.mark.parametrize("name", ["data", "dataHash"])
def test_data_without_metadata_is_refused(name):
    with pytest.raises(InputError, match="data but without metadata"):
        read({"hash": bytes(32), name: {"a": 1}})


@pytest.mark.parametrize("name", ["id", "version", "txTime", "txId"])
def test_metadata_without_one_of_its_fields_is_refused(name):
    metadata = {key: value for key, value in REVISION["metadata"].items() if key != name}
    with pytest.raises(InputError, match=f"'{name}' is missing"):
        read(REVISION | {"metadata": metadata})


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("id", 5, "expected string, found int"),
        ("id", "no id!", "is not an id"),
        ("version", "0", "expected int, found string"),
        ("version", -1, "version -1 is outside 0 to"),
        ("version", 2**63, "is outside 0 to"),
        ("version", Decimal(1), "expected int, found decimal"),
        ("txTime", "2020-01-01T00:00:00.000Z", "txTime is a string, not a timestamp"),
        ("txTime", load_text("2020-01-01"), "says no second"),
        ("txTime", load_text("2020-01-01T00:00Z"), "says no second"),
        ("txId", b"abc", "expected string, found blob"),
        ("txId", "", "is not an id"),
    ],
)
def test_metadata_of_a_wrong_shape_is_refused(name, value, what):
    with pytest.raises(InputError, match=what):
        read(REVISION | {"metadata": REVISION["metadata"] | {name: value}})


def test_a_refusal_is_the_same_whether_the_shape_was_seen_before_or_not():
    strand = {"strandId": "strandé", "sequenceNo": 0}
    for _ in range(3):
        with pytest.raises(InputError, match="strandId 'strandé' is not an id"):
            read(REVISION | {"blockAddress": strand})
        with pytest.raises(InputError, match="strandId 'strandé' is not an id"):
            parse_address(read_single(dump_binary(strand)))


def test_a_message_shows_no_more_of_a_hostile_id_than_fits_a_line():
    with pytest.raises(InputError) as refusal:
        read(REVISION | {"metadata": REVISION["metadata"] | {"txId": "x" * 100_000}})
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("name", ["hash", "metadata", "data"])
def test_a_field_that_comes_twice_is_refused(name):
    text = dump_text(REVISION)
    twice = text[:-1] + f",{name}:{dump_text(REVISION[name])}}}"
    with pytest.raises(InputError, match="twice"):
        parse_revision(read_single(binary_of_text(twice)))


@pytest.mark.parametrize("value", ["nan", "+inf", "-inf", "1e308", "-0e0"])
def test_data_with_numbers_that_are_none_is_hashed_like_any_other(value):
    """What an amount of NaN means is for the rules to say; the hash holds or does not."""
    data = load_text(f"{{amount:{value}}}")
    metadata = Hash(hash_of_ion(read_single(dump_binary(REVISION["metadata"]))))
    revision = REVISION | {
        "data": data,
        "hash": bytes(dot(metadata, Hash(hash_of_ion(read_single(dump_binary(data)))))),
    }
    with pytest.raises(InputError, match="expected decimal, found float"):
        checked(revision).data.fields()["amount"].as_decimal()
