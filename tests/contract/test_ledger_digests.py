"""What a ledger says its digests are, at any of its blocks."""

from datetime import timedelta

import pytest

from counterfoil.adapters.dynamodb.digests import DynamoDbDigests
from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
from counterfoil.embedded import EmbeddedLedger
from counterfoil.errors import IntegrityError
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
