"""What a ledger says its digests are, at any of its blocks."""

from datetime import timedelta

import pytest

from counterfoil.adapters.dynamodb.anchors import anchor_item, anchor_key
from counterfoil.adapters.dynamodb.digests import DynamoDbDigests
from counterfoil.adapters.dynamodb.journal import JournalItem
from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
from counterfoil.embedded import EmbeddedLedger
from counterfoil.errors import IntegrityError
from counterfoil.journal import BlockAddress
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.merkle import Hash, root_of
from tests.contract.conftest import ON_EMULATOR
from tests.ledgers import Ids, ToldClock, rows

pytestmark = ON_EMULATOR


def test_a_ledgers_digest_at_any_size_is_the_root_over_its_blocks():
    from tests.dynamodb_ledgers import client, journal_of, make_place  # the emulator starts here

    clock, ids = ToldClock(step=timedelta(milliseconds=1)), Ids(11)
    place = make_place(ids())
    journal = journal_of(place)
    with EmbeddedLedger("bank", DynamoDbLedger(journal, place.projections, clock), clock, ids) as ledger:
        rows(ledger, "CREATE TABLE T")
        for number in range(6):
            rows(ledger, f"INSERT INTO T {{'k': {number}}}")
        tip = ledger.digest()
    hashes = [journal.read(range(number, number + 1))[number].block_hash for number in range(7)]
    digests = DynamoDbDigests(lambda _: journal)
    assert [digests.digest(place.strand_id, size) for size in range(1, 8)] == [
        root_of(hashes[:size]) for size in range(1, 8)
    ]
    assert digests.digest(place.strand_id, 7) == tip.hash
    with pytest.raises(IntegrityError, match="#7"):
        digests.digest(place.strand_id, 8)
    client("dynamodb").update_item(
        TableName=place.journal,
        Key=journal.key(3),
        UpdateExpression="SET blockHash = :other",
        ExpressionAttributeValues={":other": {"B": bytes(Hash(b"\1" * 32))}},
    )
    assert digests.digest(place.strand_id, 4) == root_of(hashes[:4]), (
        "a complete node stands in the block that completed it"
    )
    client("dynamodb").delete_item(TableName=place.journal, Key=journal.key(3))
    with pytest.raises(IntegrityError, match="#3 is missing"):
        digests.digest(place.strand_id, 7)


def test_a_strand_that_the_ledger_does_not_know_has_none():
    from tests.dynamodb_ledgers import journal_of, make_place  # the emulator starts here

    journal = journal_of(make_place("JdxjkR9bSYB5jMHWcI464T"))
    assert DynamoDbDigests(lambda _: journal).digest("JdxjkR9bSYB5jMHWcI464T", 5) is None


def test_digests_do_not_show_first_blocks_taken_out_behind_a_proved_anchor_which_is_said():
    """The anchor gives what the blocks gave; what it says itself is another beginning."""
    from tests.dynamodb_ledgers import client, journal_of, make_place  # the emulator starts here

    clock, ids = ToldClock(step=timedelta(milliseconds=1)), Ids(12)
    place = make_place(ids())
    with EmbeddedLedger("bank", DynamoDbLedger(journal_of(place), place.projections, clock), clock, ids) as ledger:
        rows(ledger, "CREATE TABLE T")
        for number in range(8):
            rows(ledger, f"INSERT INTO T {{'k': {number}}}")
        before = BlockAddress(place.strand_id, 4)
        path = ledger.prove_block(before, before)
    digests = DynamoDbDigests(lambda _: journal_of(place))
    assert digests.anchor(place.strand_id) is None
    whole, last = digests.digest(place.strand_id, 9), journal_of(place).read(range(4, 5))[4].block_hash
    dynamodb, anchor = client("dynamodb"), TrustAnchor(place.strand_id, 5, last, path)
    for number in range(5):
        dynamodb.delete_item(TableName=place.journal, Key=journal_of(place).key(number))
    dynamodb.put_item(TableName=place.journal, Item=anchor_item(anchor))
    assert digests.digest(place.strand_id, 9) == whole
    assert digests.anchor(place.strand_id) == anchor


def test_a_block_seen_while_the_anchor_was_read_does_not_say_that_there_is_none():
    """An import puts both: whoever read before it, and looked at the tip behind it, must ask again."""
    from tests.dynamodb_ledgers import client, journal_of, make_place  # the emulator starts here

    place = make_place("JdxjkR9bSYB5jMHWcI464T")
    anchor = TrustAnchor(place.strand_id, 5, Hash(bytes(32)), None)

    class Slow:
        """Another thread of the same journal sees the tip between the reading of the anchor and the answer."""

        def __getattr__(self, name):
            return getattr(client("dynamodb"), name)

        def get_item(self, **wanted):
            answer = client("dynamodb").get_item(**wanted)
            if wanted["Key"] == anchor_key(place.strand_id) and "Item" not in answer:
                client("dynamodb").put_item(TableName=place.journal, Item=anchor_item(anchor))
                item = JournalItem(5, Hash(bytes(32)), "tx", 0, b"", b"", b"")
                client("dynamodb").put_item(**journal.put_request(item))
                assert journal.tip() == 5
            return answer

    journal = journal_of(place, Slow())
    assert (journal.anchor, journal.anchor, journal.first()) == (None, anchor, 5)
