"""A ledger that goes on where an export ends, in every place that keeps ledgers: the same strand, and nothing half-visible."""

from contextlib import suppress
from dataclasses import replace

import pytest

from counterfoil.adapters.dynamodb import importing, projector
from counterfoil.adapters.dynamodb.projector import Projector
from counterfoil.errors import AlreadyExistsError, ConflictError, IntegrityError, PreconditionError, UnavailableError
from counterfoil.ion import read_single
from counterfoil.journal import BlockAddress, parse_block, verify_block
from counterfoil.ledger.registry import LedgerState
from tests.dynamodb_ledgers import BUCKET, client
from tests.dynamodb_worlds import faulty
from tests.exports import big_transfer, data_keys, exported
from tests.faulty_dynamodb import Killed, at, killed, lost_after, throttled
from tests.imported_ledgers import DynamoDbPlace, answers, exported_from, imported, make_archive
from tests.journals import first_revision, journal_of, rehash_from, transfers
from tests.ledgers import rows


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch):
    monkeypatch.setattr(importing, "GROUP_BLOCKS", 4)
    monkeypatch.setattr(projector, "FIRST_PAUSE_SECONDS", 0.0001)
    monkeypatch.setattr(projector, "LONGEST_PAUSE_SECONDS", 0.01)


@pytest.fixture(scope="module")
def archive():
    return make_archive()


@pytest.fixture
def files(archive):
    return archive.files


# ---- everywhere ------------------------------------------------------------------------------------------------------


def test_the_ledger_answers_as_the_one_that_was_exported(place, archive, files):
    verdict, made = imported(place, files, archive.digest)
    assert verdict.digest_compared
    assert (made.digest, made.tables, made.documents, made.revisions) == (archive.digest, 3, 8, 13)
    with place.open() as ledger:
        assert ledger.digest() == archive.digest
        assert answers(ledger) == archive.answers


def test_old_receipts_hold_and_the_next_block_follows_the_last_old_one(place, archive, files):
    imported(place, files)
    tip = archive.digest.tip_address
    with place.open() as ledger:
        rows(ledger, "INSERT INTO Accounts {'owner': 'new', 'balance': 100}")
        rows(ledger, "UPDATE Accounts AS a SET a.balance = 9 WHERE a.owner = 'renamed'")
        assert rows(ledger, "SELECT VALUE a.balance FROM Accounts AS a WHERE a.owner IN ('new', 'renamed', 'o3')") in (
            [100, 9],
            [9, 100],
        )
        for number in range(tip.sequence_no + 1):
            address = BlockAddress(tip.strand_id, number)
            assert ledger.block(address) == archive.ledger.block(address)
            assert ledger.prove_block(address, tip) == archive.ledger.prove_block(address, tip)
            for each in verify_block(parse_block(read_single(archive.ledger.block(address)))).revisions:
                document_id = each.metadata.document_id
                assert ledger.prove_revision(address, document_id, tip) == archive.ledger.prove_revision(
                    address, document_id, tip
                )
        last, first = (
            verify_block(parse_block(read_single(data))) for data in ledger.blocks(tip.sequence_no, tip.sequence_no + 2)
        )
        assert first.previous_block_hash == last.block_hash


def test_an_export_of_the_imported_ledger_is_the_very_export(place, files):
    imported(place, files)
    with place.open() as ledger:
        again = exported_from(ledger)
    assert {key: again[key] for key in data_keys(files)} == {key: files[key] for key in data_keys(files)}


def test_an_archive_of_the_service_is_taken_with_its_own_ids(place):
    journal = transfers(7, bind_headers=False)
    _, made = imported(place, exported(journal))
    assert made.digest == journal.builder.digest()
    named = next(iter(journal.blocks[0].fields["transactionInfo"]["documents"].values()))
    with place.open() as ledger:
        tables = rows(ledger, "SELECT tableId, name FROM information_schema.user_tables")
        assert {"tableId": named["tableId"], "name": named["tableName"]} in tables


def test_a_bad_archive_leaves_nothing(place):
    journal = transfers(7)
    fields = journal.fields
    first_revision(fields[3])["data"]["amount"] += 1
    blocks = [replace(built, fields=each) for built, each in zip(journal.blocks, fields, strict=True)]
    verdict, made = imported(place, exported(replace(journal, blocks=blocks)))
    assert (made, verdict.contents.damage.first) == (None, 3)
    assert not place.is_active()


def test_a_name_that_is_taken_is_refused(place, files):
    imported(place, files)
    with pytest.raises(AlreadyExistsError):
        imported(place, files)
    assert place.is_active()


# ---- in a stack ------------------------------------------------------------------------------------------------------


def contents(place):
    """All that a stack has of its ledgers, in no order, but for what the projector alone compares, and for catalogues."""
    pages = (
        page
        for table in (place.journal, place.projections, place.registry)
        for page in client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    )
    items = [
        each for page in pages for each in page["Items"] if each.get("pk", {}).get("S", "-")[:2] not in {"B#", "C#"}
    ]
    return sorted(
        repr(sorted((name, str(value)) for name, value in each.items() if name not in {"expiresAt", "lastNo"}))
        for each in items
    )


@pytest.mark.parametrize("fault", [killed, lost_after, throttled])
def test_an_import_that_is_cut_off_anywhere_is_gone_on_with(stack, archive, files, fault):
    """At every ninth of its calls, one after the other, on one ledger: until one comes through."""
    number, tries = 3, 0
    while not stack.is_active():
        assert stack.registered() is None or stack.registered().state is LedgerState.CREATING
        clients = faulty(at(number, fault))
        with suppress(Killed, UnavailableError):
            imported(stack, files, faulty=clients)
        number, tries = number + 9, tries + 1
    assert tries > 3
    with stack.open() as ledger:
        assert ledger.digest() == archive.digest
        assert answers(ledger) == archive.answers


def test_what_comes_of_pieces_is_what_comes_of_one(files):
    whole, pieces = DynamoDbPlace.make(), DynamoDbPlace.make()
    imported(whole, files)
    for number in range(0, 120, 7):
        if pieces.is_active():
            break
        with suppress(Killed):
            imported(pieces, files, faulty=faulty(at(number, killed)))
    if not pieces.is_active():
        imported(pieces, files)
    assert contents(pieces) == contents(whole)


def test_beside_each_block_stands_what_would_if_it_had_been_committed_there(stack, files):
    """So whoever follows the journal finds documents by their keys before the projector has been there."""
    imported(stack, files)
    for each in client("dynamodb").scan(TableName=stack.projections)["Items"]:
        client("dynamodb").delete_item(TableName=stack.projections, Key={name: each[name] for name in ("pk", "sk")})
    with stack.open() as ledger:
        assert rows(ledger, "SELECT VALUE a.balance FROM Accounts AS a WHERE a.owner = 'renamed'") == [3]


def test_a_projector_of_the_stack_beside_the_import_changes_nothing(stack, archive, files, monkeypatch):
    stored = importing.DynamoDbImport._append

    def watched(self, group, readers):
        stored(self, group, readers)
        Projector(stack.journal_of(self.ledger.ledger_id), stack.projections, stack.clock).project()

    monkeypatch.setattr(importing.DynamoDbImport, "_append", watched)
    imported(stack, files)
    with stack.open() as ledger:
        assert answers(ledger) == archive.answers


def test_a_block_over_the_limit_of_items_goes_to_the_bucket_first(stack):
    journal = journal_of([big_transfer(0, 100), big_transfer(1, 500_000), big_transfer(2, 100)])
    _, made = imported(stack, exported(journal))
    assert made.digest == journal.builder.digest()
    (item,) = (
        each
        for each in client("dynamodb").scan(TableName=stack.journal, ConsistentRead=True)["Items"]
        if "blockKey" in each
    )
    body = client("s3").get_object(Bucket=BUCKET, Key=item["blockKey"]["S"])["Body"].read()
    assert body == journal.blocks[1].block_binary()


def test_another_history_of_the_strand_is_not_gone_on_with(stack, archive, files):
    """What is there stays, as nobody may take it out, and the ledger is not registered."""
    journal = transfers(7)
    fields = journal.fields
    first_revision(fields[1])["data"]["amount"] += 1
    forged = [replace(each, fields=f) for each, f in zip(journal.blocks, rehash_from(fields, 1), strict=True)]
    begun = stack.begin(journal.builder.strand_id)
    begun.store(0, iter([each.block_binary() for each in forged[:4]]))
    with pytest.raises(IntegrityError):
        imported(stack, exported(journal))
    assert stack.registered() is None


def test_a_strand_that_has_more_blocks_than_the_export_is_refused(stack):
    journal = transfers(7)
    begun = stack.begin(journal.builder.strand_id)
    begun.store(0, iter([each.block_binary() for each in journal.blocks]))
    with pytest.raises(PreconditionError, match="up to block 6"):
        imported(stack, exported(transfers(5)))
    assert stack.registered() is None
    assert imported(stack, exported(journal))[1].digest == journal.builder.digest()


def test_one_strand_is_one_ledger(stack, files):
    imported(stack, files)
    with pytest.raises(AlreadyExistsError, match="ledger bank in this stack"):
        imported(replace(stack, name="bank2"), files)
    assert stack.registered("bank2") is None


def test_a_ledger_that_is_being_made_otherwise_is_not_taken_over(stack, files):
    stack.places().registry.save(None, stack.wanted("x" * 22))
    with pytest.raises(AlreadyExistsError):
        imported(stack, files)


def test_two_imports_at_once_are_one(stack, archive, files, monkeypatch):
    """The other one is ahead: what it has put is not put again, and it is not taken for another ledger's."""
    stored = importing.DynamoDbImport._append
    other = []

    def racing(self, group, readers):
        if not other:
            other.append(True)
            imported(stack, files)
        stored(self, group, readers)

    monkeypatch.setattr(importing.DynamoDbImport, "_append", racing)
    with pytest.raises(ConflictError):
        imported(stack, files)
    assert stack.is_active()
    with stack.open() as ledger:
        assert ledger.digest() == archive.digest


def moved(journal, strand_id, kept):
    """The journal in a strand of another id, with all hashes made anew; only ids of one sort stay what they were."""
    fields = journal.fields
    for number, block in enumerate(fields):
        ids = {"transaction": f"{number:022d}", "table": "t" * 22, "document": f"{number:021d}d"}
        if kept == "document of an earlier block" and number == len(fields) - 1:
            ids["document"] = next(iter(journal.fields[0]["transactionInfo"]["documents"]))
        ids.pop(kept, None)
        block["blockAddress"]["strandId"] = strand_id
        block["transactionId"] = ids.get("transaction", journal.fields[number - 1]["transactionId"])
        (revision,), ((document_id, told),) = block["revisions"], block["transactionInfo"]["documents"].items()
        revision["blockAddress"]["strandId"] = strand_id
        revision["metadata"] |= {"txId": block["transactionId"], "id": ids.get("document", document_id)}
        told["tableId"] = ids.get("table", told["tableId"])
        block["transactionInfo"]["documents"] = {revision["metadata"]["id"]: told}
    forged = rehash_from(fields, 0)
    return [replace(each, fields=new).block_binary() for each, new in zip(journal.blocks, forged, strict=True)]


@pytest.mark.parametrize("kept", ["transaction", "table", "document", "document of an earlier block"])
def test_an_archive_that_names_what_another_ledger_has_is_refused(stack, kept):
    journal = transfers(5)
    imported(stack, exported(journal))
    before = contents(stack)
    begun = replace(stack, name="bank2").begin("A" * 22)
    with pytest.raises(
        IntegrityError, match=f"{kept} .* is another ledger's|has version 0 of document .* where version 1"
    ):
        begun.store(0, iter(moved(journal, "A" * 22, kept)))
    assert stack.registered("bank2") is None
    document_id = next(iter(journal.fields[0]["transactionInfo"]["documents"]))
    assert [each for each in contents(stack) if document_id in each] == [each for each in before if document_id in each]


def test_what_is_damaged_in_the_journal_keeps_the_ledger_from_appearing(stack, archive):
    begun = stack.begin(archive.ledger.strand_id)
    begun.store(0, archive.ledger.blocks(0, 6))
    client("dynamodb").update_item(
        TableName=stack.journal,
        Key=stack.journal_of(begun.ledger.ledger_id).key(3),
        UpdateExpression="SET nodes = :n",
        ExpressionAttributeValues={":n": {"B": bytes(64)}},
    )
    with pytest.raises(IntegrityError, match="does not follow from it"):
        begun.derive()
    assert stack.registered() is None
