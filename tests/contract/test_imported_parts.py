"""A ledger of a part of a journal, in every place that keeps ledgers: it begins at its trust anchor, and is the same everywhere."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest

from counterfoil.adapters.dynamodb import importing, projector
from counterfoil.adapters.dynamodb.anchors import anchor_key
from counterfoil.adapters.dynamodb.digests import DynamoDbDigests
from counterfoil.adapters.dynamodb.effects import parse_effects, render_effects
from counterfoil.adapters.dynamodb.journal_copy import DynamoDbJournalCopy, DynamoDbJournalSource
from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
from counterfoil.adapters.dynamodb.projector import Projector
from counterfoil.adapters.memory import MemoryBucket, MemoryStream
from counterfoil.errors import BrokenLinkError, IntegrityError, NotFoundError, PreconditionError, UnavailableError
from counterfoil.ion import read_single
from counterfoil.journal import BlockAddress, parse_block, verify_block
from counterfoil.journal.anchor import ANCHOR_NO, TrustAnchor, anchor_text, parse_trust_anchor
from counterfoil.journal.export_format import ANCHOR_FILE
from counterfoil.journal.receipt import verify_receipt
from counterfoil.journal.stored import block_time
from counterfoil.ledger.registry import LedgerState
from counterfoil.merkle import Hash, root_of
from counterfoil.services.export import Exporter
from counterfoil.services.publish import Publisher
from tests.anchors import receipt_of
from tests.dynamodb_ledgers import BUCKET, client
from tests.dynamodb_worlds import faulty
from tests.exports import aggregate, data_keys, export_job, exported, said, stream_job
from tests.faulty_dynamodb import Killed, at, killed, lost_after, throttled
from tests.imported_ledgers import LATER, DynamoDbPlace, SqlitePlace, answers, imported, make_archive
from tests.journals import journal_of, transfer, transfers
from tests.ledgers import rows

# Behind it are first revisions of versions 0, 1 and 2, updates by an index that was made before, a deletion, two tables.
BEGIN = 9


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch):
    monkeypatch.setattr(importing, "GROUP_BLOCKS", 4)
    monkeypatch.setattr(projector, "FIRST_PAUSE_SECONDS", 0.0001)
    monkeypatch.setattr(projector, "LONGEST_PAUSE_SECONDS", 0.01)


@pytest.fixture(scope="module")
def archive():
    return make_archive()


def anchor_at(ledger, begin, *, proved=True):
    before = BlockAddress(ledger.strand_id, begin - 1)
    block = verify_block(parse_block(read_single(ledger.block(before))))
    return TrustAnchor(
        ledger.strand_id, begin, block.block_hash, ledger.prove_block(before, before) if proved else None
    )


@pytest.fixture(params=[True, False], ids=["proved", "declared"])
def anchor(request, archive):
    return anchor_at(archive.ledger, BEGIN, proved=request.param)


@pytest.fixture
def proved(archive):
    return anchor_at(archive.ledger, BEGIN)


def exported_part(ledger, begin=None):
    """The files of an export from a block on, in one object an hour."""
    begin = ledger.first() if begin is None else begin
    start = block_time(next(iter(ledger.blocks(begin, begin + 1))))
    bucket = MemoryBucket()
    list(Exporter(ledger, bucket).export(export_job(inclusive_start=start, exclusive_end=LATER), LATER))
    return bucket.objects


@pytest.fixture
def files(archive):
    return exported_part(archive.ledger, BEGIN)


# ---- everywhere ------------------------------------------------------------------------------------------------------


def test_a_part_is_the_same_ledger_wherever_it_is(archive, files, anchor, stack, tmp_path):
    places = SqlitePlace(tmp_path), stack
    made = [imported(place, files, anchor=anchor)[1] for place in places]
    assert made[0] == made[1]
    assert (made[0].digest == archive.digest) is (anchor.path is not None)
    changes = "INSERT INTO Accounts {'owner': 'o7', 'balance': 1}", "UPDATE Accounts AS a SET a.balance = 2"
    said = []
    for place in places:
        with place.open() as ledger:
            assert (ledger.digest(), ledger.anchor, ledger.first()) == (made[0].digest, anchor, BEGIN)
            before = answers(ledger)
            for text in changes:
                rows(ledger, text)
            said.append((before, sorted(map(repr, rows(ledger, "SELECT a.owner, a.balance FROM Accounts AS a")))))
    assert said[0] == said[1]


@pytest.mark.parametrize("begin", [1, 8, 16])
def test_it_may_begin_anywhere(archive, place, begin):
    anchor = anchor_at(archive.ledger, begin)
    _, made = imported(place, exported_part(archive.ledger, begin), archive.digest, anchor=anchor)
    assert made.digest == archive.digest
    with place.open() as ledger:
        assert (ledger.first(), ledger.digest()) == (begin, archive.digest)


def test_old_proofs_hold_new_blocks_link_and_what_is_before_is_refused_with_the_reason(archive, place, files, anchor):
    imported(place, files, anchor=anchor)
    tip = archive.digest.tip_address
    with place.open() as ledger:
        rows(ledger, "INSERT INTO Accounts {'owner': 'new', 'balance': 100}")
        for number in range(BEGIN, tip.sequence_no + 2):
            verify_receipt(receipt_of(ledger, BlockAddress(tip.strand_id, number)))
        for number in range(BEGIN, tip.sequence_no + 1) if anchor.path is not None else ():
            address = BlockAddress(tip.strand_id, number)
            assert ledger.block(address) == archive.ledger.block(address)
            assert ledger.prove_block(address, tip) == archive.ledger.prove_block(address, tip)
        last, first = (
            verify_block(parse_block(read_single(data))) for data in ledger.blocks(tip.sequence_no, tip.sequence_no + 2)
        )
        assert first.previous_block_hash == last.block_hash
        old = BlockAddress(tip.strand_id, BEGIN - 1)
        for ask in (
            lambda: ledger.block(old),
            lambda: ledger.revision(old, "x" * 22),
            lambda: ledger.prove_block(old, tip),
            lambda: ledger.prove_block(BlockAddress(tip.strand_id, 0), old),
        ):
            with pytest.raises(NotFoundError, match=f"blocks 0 to {BEGIN - 1} are not here"):
                ask()


def test_an_export_of_it_is_the_very_export_from_place_to_place(files, anchor, stack, tmp_path):
    """Stack, folder, stack: the objects and the anchor beside them stay what they were."""
    places = [stack, SqlitePlace(tmp_path), DynamoDbPlace.make()]
    given, kept = files, []
    for place in places:
        imported(place, given, anchor=anchor)
        with place.open() as ledger:
            given = exported_part(ledger)
        (name,) = (key for key in given if key.endswith(ANCHOR_FILE))
        assert parse_trust_anchor(json.loads(given[name])) == anchor
        kept.append({key: given[key] for key in (*data_keys(given), name)})
    assert kept[0] == kept[1] == kept[2]
    assert {key: kept[0][key] for key in data_keys(files)} == {key: files[key] for key in data_keys(files)}


def test_a_stream_of_it_begins_with_its_first_block(place, files, anchor):
    imported(place, files, anchor=anchor)
    sink = MemoryStream()
    with place.open() as ledger:
        list(Publisher(ledger, sink, aggregate).publish(stream_job(), LATER))
        tip = ledger.tip()
    assert [each for each in said(sink.records) if isinstance(each, int)] == list(range(BEGIN, tip + 1))


def test_a_part_that_does_not_follow_its_anchor_leaves_nothing(place, files, anchor):
    verdict, made = imported(place, files, anchor=replace(anchor, previous_hash=Hash(bytes(32)), path=None))
    assert (made, [each.rule_id for each in verdict.findings]) == (None, ["audit.broken-link"])
    assert not place.is_active()


# ---- in a stack ------------------------------------------------------------------------------------------------------


def scanned(ddb_table):
    pages = client("dynamodb").get_paginator("scan").paginate(TableName=ddb_table, ConsistentRead=True)
    return [each for page in pages for each in page["Items"]]


def contents(place):
    """All that a stack has of its ledgers, but for what only the projector compares and how catalogues are counted."""
    items = [
        each
        for table in (place.journal, place.projections, place.registry)
        for each in scanned(table)
        if each.get("pk", {}).get("S", "-")[:2] not in {"B#", "C#"}
    ]
    return sorted(
        repr(sorted((name, str(value)) for name, value in each.items() if name not in {"expiresAt", "lastNo"}))
        for each in items
    )


@pytest.mark.parametrize("fault", [killed, lost_after, throttled])
def test_an_import_that_is_cut_off_anywhere_is_gone_on_with(stack, archive, files, proved, fault):
    """At every seventh of its calls, one after the other, on one ledger: until one comes through."""
    number, tries = 2, 0
    while not stack.is_active():
        assert stack.registered() is None or stack.registered().state is LedgerState.CREATING
        with suppress(Killed, UnavailableError):
            imported(stack, files, faulty=faulty(at(number, fault)), anchor=proved)
        number, tries = number + 7, tries + 1
    assert tries > 3
    whole = DynamoDbPlace.make()
    imported(whole, files, anchor=proved)
    assert contents(stack) == contents(whole)
    with stack.open() as ledger, whole.open() as other:
        assert ledger.digest() == archive.digest
        assert answers(ledger) == answers(other)


def emptied(ddb_table):
    for each in scanned(ddb_table):
        client("dynamodb").delete_item(TableName=ddb_table, Key={name: each[name] for name in ("pk", "sk")})


def test_projections_that_are_lost_are_derived_again_and_missed_by_nobody(stack, files, anchor):
    """Between the two an instance reads over all blocks; afterwards the table is what it was."""
    imported(stack, files, anchor=anchor)
    with stack.open() as ledger:
        rows(ledger, "INSERT INTO Notes {'text': 'c'}")
        before = answers(ledger)
    Projector(stack.journal_of(anchor.strand_id), stack.projections, stack.clock).project()
    kept = contents(stack)
    emptied(stack.projections)
    assert Projector(stack.journal_of(anchor.strand_id), stack.projections, stack.clock).project().more is False
    assert contents(stack) == kept
    emptied(stack.projections)
    with stack.open() as ledger:
        assert answers(ledger) == before
        rows(ledger, "UPDATE Accounts AS a SET a.balance = 20 WHERE a.owner = 'renamed'")
        before, digest = answers(ledger), ledger.digest()
    progress = Projector(stack.journal_of(anchor.strand_id), stack.projections, stack.clock).project()
    assert progress.watermark == digest.tip_address.sequence_no
    with stack.open() as ledger:
        assert ledger.digest() == digest
        assert answers(ledger) == before


def test_another_anchor_is_refused_and_the_first_import_goes_on(stack, archive, files, proved):
    begun = stack.begin(proved.strand_id, anchor=proved)
    begun.store(BEGIN, archive.ledger.blocks(BEGIN, BEGIN + 3))
    before = contents(stack)
    other = replace(proved, path=None)
    for given in (other, None):
        with pytest.raises(PreconditionError, match="begins at"):
            stack.begin(proved.strand_id, anchor=given)
    assert contents(stack) == before
    _, made = imported(stack, files, anchor=proved)
    assert made.digest == archive.digest


def test_a_strand_that_is_here_from_block_0_is_given_no_anchor(stack, archive, files, proved):
    """Its ledger is gone; its blocks stay, as nobody may take them out."""
    begun = stack.begin(proved.strand_id)
    begun.store(0, archive.ledger.blocks(0, 2))
    begun.discard()
    before = contents(stack)
    with pytest.raises(PreconditionError, match="block 0"):
        imported(stack, files, anchor=proved)
    assert contents(stack) == before
    assert stack.registered() is None


def test_what_an_anchor_began_is_no_place_for_the_whole_strand(stack, archive, proved):
    stack.begin(proved.strand_id, anchor=proved).discard()
    with pytest.raises(PreconditionError, match="trust anchor"):
        stack.begin(proved.strand_id)
    assert stack.registered() is None


def test_blocks_that_do_not_follow_the_anchor_get_into_no_journal(stack, archive, proved):
    begun = stack.begin(proved.strand_id, anchor=replace(proved, previous_hash=Hash(bytes(32)), path=None))
    with pytest.raises(IntegrityError, match="trust anchor says"):
        begun.store(BEGIN, archive.ledger.blocks(BEGIN, BEGIN + 1))
    assert [each for each in scanned(stack.journal) if "blockHash" in each] == []
    assert stack.registered() is None


def test_a_document_of_another_ledger_is_refused_as_ever(stack):
    """Of a part any version may be a document's first: so it counts that another ledger has the document."""
    journal = transfers(4)
    imported(stack, exported(journal))
    other = journal_of([transfer(number) for number in range(4)])
    anchor = TrustAnchor("A" * 22, 1, other.blocks[0].block_hash, None)
    begun = replace(stack, name="bank2").begin(anchor.strand_id, anchor=anchor)
    with pytest.raises(IntegrityError):
        begun.store(1, iter([other.blocks[1].block_binary()]))
    assert stack.registered("bank2") is None


@pytest.mark.parametrize("damage", ["unreadable", "of another strand"])
def test_a_damaged_anchor_keeps_everybody_out(stack, files, proved, damage):
    text = "{}" if damage == "unreadable" else anchor_text(replace(proved, strand_id="A" * 22))
    imported(stack, files, anchor=proved)
    client("dynamodb").update_item(
        TableName=stack.journal,
        Key=anchor_key(proved.strand_id),
        UpdateExpression="SET anchor = :a",
        ExpressionAttributeValues={":a": {"S": text}},
    )
    emptied(stack.projections)
    with stack.open() as ledger, pytest.raises(IntegrityError, match="trust anchor of strand"):
        ledger.digest()
    with pytest.raises(IntegrityError):
        Projector(stack.journal_of(proved.strand_id), stack.projections, stack.clock).project()


def test_without_its_anchor_no_proof_is_made_up(stack, archive, files, proved):
    imported(stack, files, anchor=proved)
    client("dynamodb").delete_item(TableName=stack.journal, Key=anchor_key(proved.strand_id))
    with stack.open() as ledger, pytest.raises(IntegrityError, match=f"#{BEGIN - 1} is missing"):
        ledger.prove_block(BlockAddress(proved.strand_id, BEGIN), archive.digest.tip_address)


def test_what_was_not_found_to_be_a_first_version_keeps_the_ledger_from_appearing(stack, archive, proved):
    """What stands beside a block must follow from the part: which of its revisions are the first."""
    begun = stack.begin(proved.strand_id, anchor=proved)
    begun.store(BEGIN, archive.ledger.blocks(BEGIN, archive.ledger.tip() + 1))
    journal = stack.journal_of(proved.strand_id)
    effects = parse_effects(journal.bytes_of(journal.read(range(BEGIN, BEGIN + 1))[BEGIN].effects))
    assert [each.found for each in effects.documents] == [True]
    forged = effects._replace(documents=tuple(each._replace(found=False) for each in effects.documents))
    client("dynamodb").update_item(
        TableName=stack.journal,
        Key=journal.key(BEGIN),
        UpdateExpression="SET effects = :e",
        ExpressionAttributeValues={":e": {"B": render_effects(forged)}},
    )
    with pytest.raises(IntegrityError, match="does not follow from it"):
        begun.derive()
    assert stack.registered() is None


def test_digests_of_the_ledger_are_those_of_the_whole_at_any_of_its_blocks(stack, archive, files, proved):
    imported(stack, files, anchor=proved)
    digests, count = DynamoDbDigests(stack.journal_of), archive.digest.tip_address.sequence_no + 1
    hashes = [verify_block(parse_block(read_single(each))).block_hash for each in archive.ledger.blocks(0, count)]
    for size in range(BEGIN + 1, count + 1):
        assert digests.digest(proved.strand_id, size) == root_of(hashes[:size])
    for size in (0, 3, count + 1):
        with pytest.raises(IntegrityError):
            digests.digest(proved.strand_id, size)


def test_of_two_who_begin_a_strand_differently_at_once_the_slower_puts_nothing(stack, archive, proved):
    """Each may have looked before the other began: the conditions of the puts decide."""
    whole, part = DynamoDbPlace.make(), stack
    whole.begin(proved.strand_id).store(0, archive.ledger.blocks(0, 2))
    copy = DynamoDbJournalCopy(client("dynamodb"), client("s3"), part.journal, BUCKET, "-")
    blocks = DynamoDbJournalSource(client("dynamodb"), client("s3"), whole.journal, BUCKET, "-").stored(
        proved.strand_id, 0, 2
    )
    copy.begin(proved)
    for previous in (None, replace(proved, path=None)):
        with pytest.raises(BrokenLinkError):
            copy.append(proved.strand_id, previous, blocks)
    assert [int(each["sequenceNo"]["N"]) for each in scanned(part.journal)] == [ANCHOR_NO]


def test_a_copy_that_is_opened_before_its_anchor_came_goes_on_with_it(stack, archive, files, proved):
    """As in a standby region, whose registry may be ahead of its journal."""
    imported(stack, files, anchor=proved)
    there = DynamoDbPlace.make()
    copy = DynamoDbJournalCopy(client("dynamodb"), client("s3"), there.journal, BUCKET, "-")
    source = DynamoDbJournalSource(client("dynamodb"), client("s3"), stack.journal, BUCKET, "-")
    store = DynamoDbLedger(there.journal_of(proved.strand_id), there.projections, there.clock)
    assert store.head().sequence_no == -1
    copy.begin(proved)
    assert store.head().sequence_no == BEGIN - 1
    copy.append(proved.strand_id, proved, source.stored(proved.strand_id, 0, 99))
    assert store.head().digest == archive.digest
    store.close()
