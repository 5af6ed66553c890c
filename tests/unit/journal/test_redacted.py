"""A stored block from which the data of a revision is removed: the hashes stay, the data does not."""

from datetime import timedelta

import pytest

from counterfoil.errors import InputError, NotFoundError, RevisionMismatchError
from counterfoil.ion import decode_datagram, encode, hash_of_ion, read_single
from counterfoil.journal import RevisionKind, extend
from counterfoil.journal.builder import Change, Transaction
from counterfoil.journal.redacted import redact_block
from tests.journals import START, TABLE_ID, checked, journal_of, made_id, transfer

ONE, TWO, GONE, HIDDEN = (made_id("doc", number) for number in range(1, 5))
CHANGES = (
    Change(ONE, 3, "T", TABLE_ID, {"name": "Ada", "city": "Paris"}),
    Change(TWO, 0, "T", TABLE_ID, {"name": "Ben"}, (0, 1, 1)),
    Change(GONE, 7, "T", TABLE_ID, None),
    Change(HIDDEN, 0, "T", TABLE_ID, {"internal": 1}, internal=True),
)
JOURNAL = journal_of([transfer(0), Transaction(made_id("tx", 1), START, START + timedelta(seconds=1), (), CHANGES)])
BUILT = JOURNAL.blocks[1]
STORED = BUILT.block_binary()


def test_the_data_gives_way_to_its_hash_where_it_stood():
    redacted = redact_block(STORED, ONE, 3)
    fields = decode_datagram(redacted.block)
    assert list(fields["revisions"][0]) == ["blockAddress", "hash", "dataHash", "metadata"]
    assert fields["revisions"][0]["dataHash"] == redacted.data_hash
    assert redacted.data_hash == hash_of_ion(read_single(encode({"name": "Ada", "city": "Paris"})))
    assert b"Paris" not in redacted.block
    assert b"Paris" in STORED


def test_nothing_else_of_the_block_changes():
    fields = decode_datagram(redact_block(STORED, ONE, 3).block)
    restored = dict(fields["revisions"][0])
    restored = {("data" if name == "dataHash" else name): value for name, value in restored.items()}
    restored["data"] = {"name": "Ada", "city": "Paris"}
    assert encode(fields | {"revisions": [restored, *fields["revisions"][1:]]}) == STORED


def test_the_redacted_block_is_verified_and_follows_as_the_whole_one_did():
    block = checked(decode_datagram(redact_block(STORED, ONE, 3).block))
    assert [revision.kind for revision in block.revisions] == [
        RevisionKind.REDACTED,
        RevisionKind.WRITTEN,
        RevisionKind.DELETED,
        RevisionKind.INTERNAL,
    ]
    head = extend(None, checked(JOURNAL.blocks[0].fields))
    assert extend(head, block) == extend(head, checked(BUILT.fields))


def test_redacting_again_changes_nothing_and_another_revision_can_follow():
    once = redact_block(STORED, ONE, 3)
    assert redact_block(once.block, ONE, 3) == once
    both = redact_block(once.block, TWO, 0)
    assert both == (redact_block(redact_block(STORED, TWO, 0).block, ONE, 3).block, both.data_hash)
    assert b"Ben" not in both.block


@pytest.mark.parametrize(("document_id", "version"), [(ONE, 2), (made_id("doc", 9), 0), (HIDDEN, 0)])
def test_a_revision_that_the_block_does_not_have_is_not_found(document_id, version):
    with pytest.raises(NotFoundError, match=f"no revision {version} of document {document_id}"):
        redact_block(STORED, document_id, version)


def test_a_deletion_has_no_data_to_redact():
    with pytest.raises(InputError, match="has no data to redact"):
        redact_block(STORED, GONE, 7)


def test_data_that_is_not_what_the_hash_says_is_kept_as_evidence():
    fields = decode_datagram(STORED)
    fields["revisions"][0]["data"] = {"name": "Eve"}
    with pytest.raises(RevisionMismatchError):
        redact_block(encode(fields), ONE, 3)


@pytest.mark.parametrize("stored", [b"", b"\xe0\x01\x00\xea", encode([1]), encode({"revisions": 1}), STORED[:-1]])
def test_what_is_no_block_is_refused(stored):
    with pytest.raises(InputError):
        redact_block(stored, ONE, 3)
