"""Snapshot documents: what is signed, what is kept, and what is refused when it is read."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.detection.snapshot import (
    CONTEXT,
    MAX_DOCUMENT_BYTES,
    DigestSnapshot,
    Signature,
    parse_document,
    render_document,
    signed_bytes,
)
from counterfoil.errors import InputError
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.merkle import prove_inclusion, root_of
from tests.journals import STRAND, head_of, transfers

TAKEN_AT = datetime(2025, 3, 3, 9, 0, 0, 123456, tzinfo=UTC)
SIGNATURE = Signature("key", "ECDSA_SHA_256", b"\1\2\3")


def snapshot_of(count, first=0):
    head = head_of(transfers(count).fields[first:])
    return DigestSnapshot(
        head.tip, head.range, head.last_hash, str(head.last_time), TAKEN_AT, "VERIFIED", None, extends=None
    )


def fields_of(document):
    return json.loads(document)["snapshot"]


def altered(**changes):
    document = json.loads(render_document(snapshot_of(5), SIGNATURE))
    document["snapshot"] |= changes
    return json.dumps(document).encode()


@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_a_document_reads_back_as_it_was(count):
    made = replace(snapshot_of(count), previous="snapshots/x.json", extends=True)
    assert parse_document(render_document(made, SIGNATURE)) == (made, SIGNATURE)


def test_a_document_gives_the_digest_as_qldb_does():
    journal = transfers(7)
    assert fields_of(render_document(snapshot_of(7), SIGNATURE))["digest"] == (
        root_of([block.block_hash for block in journal.blocks]).to_base64()
    )


def test_a_strand_not_seen_from_its_first_block_has_no_digest():
    made = snapshot_of(7, first=2)
    assert made.digest is None
    assert fields_of(render_document(made, SIGNATURE))["digest"] is None
    assert parse_document(render_document(made, SIGNATURE))[0] == made


# ---- of a strand that begins at a trust anchor -----------------------------------------------------------------------


def anchored(count=7, first=3, *, proved=True):
    hashes = [block.block_hash for block in transfers(count).blocks[:first]]
    anchor = TrustAnchor(STRAND, first, hashes[-1], prove_inclusion(hashes, first - 1) if proved else None)
    return replace(snapshot_of(count, first), anchor=anchor)


@pytest.mark.parametrize("proved", [True, False])
def test_an_anchored_document_reads_back_with_the_digest_behind_the_anchor(proved):
    made = anchored(proved=proved)
    assert parse_document(render_document(made, SIGNATURE)) == (made, SIGNATURE)
    whole = root_of([block.block_hash for block in transfers(7).blocks])
    assert (made.digest == whole) is proved
    assert fields_of(render_document(made, SIGNATURE))["digest"] == made.digest.to_base64()


def test_the_anchor_is_signed():
    assert len({signed_bytes(each) for each in (anchored(), anchored(proved=False), snapshot_of(7, 3))}) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"strandId": "x" * 22},
        {"sequenceNo": 4},
        {"previousBlockHash": "A" * 43 + "="},
        {"proved": False},
        {"notProved": "nothing"},
        {"more": 1},
        {"Proof": {"IonText": "[]"}},
        {"BlockAddress": None},
        {"Digest": "A" * 43 + "="},
    ],
)
def test_an_anchor_that_is_not_the_snapshots_own_is_an_input_error(changes):
    document = json.loads(render_document(anchored(), SIGNATURE))
    document["snapshot"]["trustAnchor"] |= changes
    with pytest.raises(InputError):
        parse_document(json.dumps(document).encode())


@pytest.mark.parametrize("anchor", [[], "x", 7, {}, {"strandId": STRAND}])
def test_what_is_no_anchor_is_an_input_error(anchor):
    with pytest.raises(InputError):
        parse_document(altered(trustAnchor=anchor))


def test_the_same_snapshot_in_another_time_zone_signs_the_same_bytes():
    made = snapshot_of(3)
    moved = replace(made, taken_at=TAKEN_AT.astimezone(timezone(timedelta(hours=5))))
    assert signed_bytes(moved) == signed_bytes(made)


def test_what_is_signed_says_what_it_is():
    signed = signed_bytes(snapshot_of(3))
    assert signed.startswith(CONTEXT)
    assert json.loads(signed[len(CONTEXT) :])["sequenceNo"] == 2
    assert b" " not in signed[len(CONTEXT) :]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "DIVERGED at 1"},
        {"extends": True},
        {"previous": "x"},
        {"tip_hash": snapshot_of(4).tip_hash},
        {"range": snapshot_of(4).range},
        {"block_timestamp": "2025-01-01T00:00:00Z"},
        {"taken_at": TAKEN_AT + timedelta(microseconds=1)},
        {"tip_address": snapshot_of(4).tip_address},
    ],
)
def test_every_part_of_a_snapshot_is_signed(change):
    made = snapshot_of(5)
    assert signed_bytes(replace(made, **change)) != signed_bytes(made)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"snapshot": {}}',
        b'{"snapshot": [], "signature": {}}',
        b"[" * 60_000,
        b" " * (MAX_DOCUMENT_BYTES + 1),
    ],
)
def test_what_is_no_snapshot_document_is_an_input_error(document):
    with pytest.raises(InputError):
        parse_document(document)


@pytest.mark.parametrize(
    "changes",
    [
        {"nodes": []},
        {"nodes": ["00" * 31]},
        {"nodes": "x"},
        {"nodes": [1]},
        {"begin": 5},
        {"begin": -1},
        {"begin": None},
        {"end": 0},
        {"end": "5"},
        {"end": 10**30},
        {"tipHash": "zz"},
        {"tipHash": None},
        {"takenAt": "yesterday"},
        {"takenAt": 7},
        {"digest": None},
        {"digest": "A" * 43 + "="},
    ],
)
def test_a_snapshot_with_a_damaged_field_is_an_input_error(changes):
    with pytest.raises(InputError):
        parse_document(altered(**changes))


HOSTILE = [
    pytest.param({"begin": 0.0}, id="a fraction for a number"),
    pytest.param({"takenAt": "0001-01-01T00:00:00+23:59"}, id="a time before all times in UTC"),
    pytest.param({"takenAt": "9999-12-31T23:59:59-23:59"}, id="a time after all times in UTC"),
]


@pytest.mark.parametrize("changes", HOSTILE)
def test_what_is_read_can_be_checked(changes):
    try:
        snapshot, _ = parse_document(altered(**changes))
    except InputError:
        return
    assert signed_bytes(snapshot)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_no_json_crashes_the_reader(value):
    with pytest.raises(InputError):
        parse_document(json.dumps({"snapshot": value, "signature": value}).encode())
