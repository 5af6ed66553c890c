"""What the builder makes: QLDB's layout, its order of fields, its proofs."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from counterfoil.errors import InputError
from counterfoil.ion import dump_text, encode, hash_of_ion, hash_of_text, read_single
from counterfoil.journal import BlockAddress
from counterfoil.journal.block import hash_of_header
from counterfoil.journal.builder import (
    HASH_OF_NOTHING,
    Change,
    JournalBuilder,
    Redaction,
    Statement,
    Transaction,
    build_block,
    digest_of_statement,
    hash_of_value,
    ion_time,
    prepare,
    seal,
)
from counterfoil.merkle import Hash, dot, fold, root_of
from tests.journals import START, STRAND, TABLE_ID, checked, journal_of, made_id, read, transfer, transfers


def transaction(**parts):
    return Transaction(made_id("tx", 1), START, START + timedelta(milliseconds=7), **parts)


def changes(count):
    return tuple(Change(made_id("doc", number), 0, "T", TABLE_ID, {"number": number}) for number in range(count))


def test_fields_come_in_the_order_of_the_real_service():
    assert list(transfers(1).blocks[0].fields) == [
        "blockAddress",
        "transactionId",
        "blockTimestamp",
        "blockHash",
        "entriesHash",
        "previousBlockHash",
        "entriesHashList",
        "transactionInfo",
        "revisions",
    ]


def test_the_first_entry_binds_the_header():
    built = transfers(1).blocks[0]
    assert built.entries[0] == hash_of_header(*read(built.fields).header)
    assert checked(built.fields).header_bound


def test_an_unbound_block_looks_like_one_of_the_real_service():
    block = checked(transfers(1, bind_headers=False).blocks[0].fields)
    assert not block.header_bound


def test_the_second_entry_is_the_root_of_the_revisions_the_third_is_reserved_the_fourth_the_transaction():
    built = journal_of([transaction(changes=changes(3))]).blocks[0]
    assert built.entries[1] == root_of([Hash(each["hash"]) for each in built.revisions])
    assert built.entries[2] == HASH_OF_NOTHING
    assert built.entries[3] == hash_of_value(built.fields["transactionInfo"])


def test_a_block_without_revisions_has_the_hash_of_nothing_in_their_place():
    built = journal_of([transaction()]).blocks[0]
    assert built.entries[1] == HASH_OF_NOTHING
    assert built.revisions == []
    assert "documents" not in built.fields["transactionInfo"]


def test_a_redaction_is_a_fifth_entry():
    redaction = Redaction(BlockAddress(STRAND, 0), TABLE_ID, made_id("doc", 0), 3)
    built = journal_of([transaction(redactions=(redaction,))]).blocks[0]
    assert len(built.entries) == 5
    (said,) = checked(built.fields).redaction_info.fields()["revisions"].items()
    assert said.fields()["version"].as_int() == 3


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_every_revision_of_a_block_can_be_proved(count):
    builder = JournalBuilder(STRAND)
    builder.append(transfer(0))
    block = builder.append(transaction(changes=changes(count)))
    builder.append(transfer(2))
    for index, revision in enumerate(block.revisions):
        path = builder.prove_revision(block, index, 2)
        assert fold(Hash(revision["hash"]), path) == builder.digest().hash


def test_an_odd_blocks_proof_holds_the_hash_before_it_twice_in_a_row():
    """Once for its own hash, once as its left sibling: as in the receipts of the real service."""
    journal = transfers(4)
    path = journal.builder.prove_revision(journal.blocks[1], 0, 3)
    before = journal.blocks[0].block_hash
    assert [index for index, each in enumerate(path) if each == before] == [2, 3]


def test_the_digest_of_a_statement_takes_its_parameters_in_order():
    text, one, two = hash_of_text("INSERT INTO T ?"), hash_of_value({"a": 1}), hash_of_value(Decimal("1.0"))
    assert digest_of_statement(Statement("INSERT INTO T ?")) == text
    assert digest_of_statement(Statement("INSERT INTO T ?", ({"a": 1},))) == dot(Hash(text), one)
    assert digest_of_statement(Statement("INSERT INTO T ?", ({"a": 1}, Decimal("1.0")))) == dot(
        dot(Hash(text), one), two
    )


def test_parameters_are_not_written_into_the_block():
    block = journal_of([transaction(statements=(Statement("INSERT INTO T ?", ("secret",)),))]).blocks[0]
    assert "secret" not in block.block_text()


def test_times_are_written_to_the_millisecond_in_utc():
    moment = datetime(2025, 3, 1, 10, 30, 0, 123_999, tzinfo=timezone(timedelta(hours=1)))
    assert dump_text(ion_time(moment)) == "2025-03-01T09:30:00.123Z"
    assert dump_text(ion_time(datetime(2025, 3, 1, tzinfo=UTC))) == "2025-03-01T00:00:00.000Z"


def test_an_internal_revision_shows_only_its_hash():
    hidden = Change(made_id("doc", 1), 0, "T", TABLE_ID, {"a": 1}, internal=True)
    built = journal_of([transaction(changes=(*changes(1), hidden))]).blocks[0]
    assert list(built.revisions[1]) == ["hash"]
    assert len(built.stream_records("arn")) == 2
    assert checked(built.fields).summaries[1].document_id is None


def test_the_text_and_the_binary_of_a_block_are_the_same_value():
    built = transfers(1).blocks[0]
    assert hash_of_value(built.fields) == hash_of_ion(read_single(built.block_binary()))
    assert built.block_text().startswith(f'{{blockAddress:{{strandId:"{STRAND}",sequenceNo:0}},transactionId:')


def prepared(of):
    return prepare(of.transaction_id, of.tx_time, of.statements, of.changes, of.redactions)


def test_a_transaction_prepared_first_and_sealed_later_is_the_block_built_at_once():
    redaction = Redaction(BlockAddress(STRAND, 0), TABLE_ID, made_id("doc", 0), 3)
    whole = transaction(statements=(Statement("x", (1,)),), changes=changes(3), redactions=(redaction,))
    address, previous = BlockAddress(STRAND, 4), Hash(bytes(range(32)))
    sealed = seal(prepared(whole), address, previous, whole.committed_at)
    built = build_block(address, previous, whole)
    assert sealed.block_hash == built.block_hash
    assert sealed.block_binary() == built.block_binary()


def test_what_is_prepared_does_not_depend_on_the_place_it_gets():
    ready = prepared(transaction(changes=changes(2)))
    one = seal(ready, BlockAddress(STRAND, 1), None, START)
    other = seal(ready, BlockAddress(STRAND, 2), one.block_hash, START + timedelta(seconds=1))
    assert one.entries[1:] == other.entries[1:]
    assert one.entries[0] != other.entries[0]
    for each in (one, other):
        assert checked(each.fields).header_bound
        assert [Hash(revision["hash"]) for revision in each.revisions] == list(ready.revision_hashes)


def test_data_that_is_at_hand_in_binary_is_hashed_from_there():
    data = {"a": Decimal("1.50"), "b": [{"c": "d"}]}
    plain = Change(made_id("doc", 1), 0, "T", TABLE_ID, data)
    encoded = Change(made_id("doc", 1), 0, "T", TABLE_ID, data, encoded=encode(data))
    assert encoded.data_hash == plain.data_hash == hash_of_value(data)
    built = [journal_of([transaction(changes=(each,))]).blocks[0].block_binary() for each in (plain, encoded)]
    assert built[0] == built[1]


def test_a_statement_whose_digest_is_known_is_not_hashed_again():
    digest = digest_of_statement(Statement("INSERT INTO T ?", ({"a": 1},)))
    assert digest_of_statement(Statement("INSERT INTO T ?", (), digest)) == digest


def test_the_numbers_of_statements_come_once_for_each_field_changed():
    change = Change(made_id("doc", 1), 0, "T", TABLE_ID, {"a": 1}, (1, 2, 2))
    documents = journal_of([transaction(changes=(change,))]).blocks[0].fields["transactionInfo"]["documents"]
    assert documents[made_id("doc", 1)]["statements"] == [1, 2, 2]


@pytest.mark.parametrize("value", [object(), Decimal("NaN"), "\ud800", {"a": {1, 2}}])
def test_what_is_no_ion_value_has_no_hash(value):
    with pytest.raises(InputError):
        hash_of_value(value)
