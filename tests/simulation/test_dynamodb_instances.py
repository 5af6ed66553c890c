"""Instances of a ledger in DynamoDB that sleep, wake up, remember little, read large blocks and redacted ones."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest

from counterfoil.adapters.dynamodb import following
from counterfoil.adapters.dynamodb import ledger as ledgers
from counterfoil.adapters.dynamodb.journal import MAX_INLINE_BYTES, key_of_object
from counterfoil.adapters.dynamodb.redactor import WAIT, Redactor
from counterfoil.errors import ConflictError, IntegrityError, OccConflictError, UnavailableError
from counterfoil.ion.codec import decode_datagram
from counterfoil.journal import BlockAddress
from tests.dynamodb_ledgers import BUCKET, client, journal_of
from tests.dynamodb_worlds import World, faulty, nothing
from tests.faulty_dynamodb import Killed, at, killed
from tests.ledgers import rows, verified_blocks
from tests.simulation.test_dynamodb_commits import Rival

LARGE = "x" * (MAX_INLINE_BYTES + 1_000)


@pytest.fixture
def world():
    with World() as world:
        yield world


# ---- sleeping --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("projected", [False, True])
def test_an_instance_that_slept_while_much_was_written_goes_on_as_one_that_begins(world, projected, monkeypatch):
    monkeypatch.setattr(ledgers, "SLEPT_BLOCKS", 5)
    sleeper, awake = world.instance(), world.instance()
    assert rows(sleeper, "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = '0'")
    moved = [world.move(awake) for _ in range(4)]
    rows(awake, "CREATE INDEX ON Transfers (number)")
    moved += [world.move(awake) for _ in range(4)]
    if projected:
        world.project()
    world.clock.now += timedelta(minutes=1)
    for number in moved:
        assert rows(sleeper, "SELECT VALUE t.number FROM Transfers AS t WHERE t.number = ?", number) == [number]
    assert (list(sleeper.catalogue.building()) == []) == projected
    moved.append(world.move(sleeper))
    assert world.check() == moved


def test_no_plan_of_before_an_instance_slept_is_taken_for_one_of_another_catalogue(world, monkeypatch):
    monkeypatch.setattr(ledgers, "SLEPT_BLOCKS", 5)
    sleeper, awake = world.instance(), world.instance()
    text = "SELECT VALUE a.balance FROM Accounts AS a WHERE a.accountId = '0'"
    before = rows(sleeper, text)
    (index,) = next(each for each in awake.catalogue.entries.values() if each.name == "Accounts").indexes
    rows(awake, f'DROP INDEX "{index.index_id}" ON Accounts WITH (purge = true)')
    for _ in range(8):
        world.move(awake)
    world.project()
    world.clock.now += timedelta(minutes=1)
    assert rows(sleeper, text) == [before[0] - 8 * Decimal("0.01")]


@pytest.mark.parametrize("conflicts", [False, True])
def test_a_transaction_of_before_its_instance_slept_is_judged_by_the_blocks_since(world, conflicts, monkeypatch):
    monkeypatch.setattr(ledgers, "SLEPT_BLOCKS", 5)
    sleeper = world.instance()
    number, tx = world.begun(sleeper, "0", "1")
    moved = [world.move(world.instance(), "1" if conflicts else "2", "3") for _ in range(8)]
    world.project()
    began = world.clock.now
    world.clock.now += timedelta(minutes=1)
    assert sleeper.head.sequence_no == world.instance().head.sequence_no
    world.clock.now = began
    if conflicts:
        with pytest.raises(OccConflictError):
            tx.commit()
    else:
        tx.commit()
        moved.append(number)
    assert world.check() == sorted(moved)


@pytest.mark.parametrize("conflicts", [False, True])
def test_a_transaction_is_judged_by_blocks_that_are_not_remembered_any_more(world, conflicts, monkeypatch):
    monkeypatch.setattr(following, "REMEMBERED_BLOCKS", 3)
    ledger = world.instance()
    number, tx = world.begun(ledger, "0", "1")
    moved = [world.move(ledger, "1" if conflicts else "2", "3")]
    moved += [world.move(ledger, "2", "3") for _ in range(12)]
    assert ledger._store.state().log.floor > tx.snapshot_no + 1
    if conflicts:
        with pytest.raises(OccConflictError):
            tx.commit()
    else:
        address = tx.commit()
        moved.append(number)
        assert ledger.committed(tx.transaction_id) == address
    assert world.check() == sorted(moved)


def test_a_commit_that_is_asked_for_again_is_found_behind_blocks_that_are_not_remembered(world, monkeypatch):
    monkeypatch.setattr(following, "REMEMBERED_BLOCKS", 3)
    ledger = world.instance()
    number, tx = world.begun(ledger)
    proposal = tx.proposal()
    address = ledger._store.commit(proposal)
    moved = [world.move(ledger, "2", "3") for _ in range(12)]
    assert ledger._store.commit(proposal) == address
    world.project()
    assert world.store().commit(proposal) == address
    assert world.check() == [number, *moved]


def test_what_an_instance_holds_over_the_projections_is_bounded(world, monkeypatch):
    monkeypatch.setattr(ledgers, "OVERLAY_BLOCKS", 4)
    ledger = world.instance()
    for _ in range(8):
        world.move(ledger)
    world.project()
    for _ in range(8):
        world.move(ledger)
    assert len(ledger._store.state().overlay) <= 12
    monkeypatch.setattr(ledgers, "MAX_OVERLAY_BLOCKS", 10)
    moves = (world.move(ledger) for _ in range(8))
    with pytest.raises(UnavailableError, match="blocks behind"):
        list(moves)


def test_threads_that_ask_at_once_share_a_look_but_none_takes_one_from_before_it_asked(world):
    clients = faulty()
    store = world.store(clients)
    store.head()
    asked = store._looks_begun
    looks = len(clients.log)
    store.head()
    assert len(clients.log) == looks + 1
    assert store._looks_begun == store._looks_done == asked + 1
    store.close()


# ---- large blocks ----------------------------------------------------------------------------------------------------


def objects():
    return {each["Key"] for each in client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())}


@pytest.mark.parametrize("projected", [False, True])
def test_a_block_over_the_item_limit_is_as_any_other(world, projected):
    before = objects()
    ledger = world.instance()
    rows(ledger, "INSERT INTO Transfers ?", {"number": 1, "from": "0", "to": "0", "note": LARGE})
    place = BlockAddress(ledger.strand_id, ledger.head.sequence_no)
    if projected:
        world.project()
    (name,) = objects() - before
    reader = world.instance()
    assert rows(reader, "SELECT VALUE t.note FROM Transfers AS t") == [LARGE]
    assert rows(reader, "SELECT VALUE h.data.note FROM history(Transfers) AS h") == [LARGE]
    block = decode_datagram(data := reader.block(place))
    assert name == key_of_object(block["transactionId"], data)
    tx = ledger.begin()
    list(tx.execute("UPDATE Transfers AS t SET t.note = 'short'"))
    tx.commit()
    assert rows(world.instance(), "SELECT VALUE t.note FROM Transfers AS t") == ["short"]


def test_an_object_that_is_another_than_it_is_named_after_is_found_out(world):
    before = objects()
    rows(world.instance(), "INSERT INTO Transfers ?", {"note": LARGE})
    (name,) = objects() - before
    whole = client("s3").get_object(Bucket=BUCKET, Key=name)["Body"].read()
    client("s3").put_object(Bucket=BUCKET, Key=name, Body=whole.replace(b"xxxx", b"xxxy", 1))
    with pytest.raises(IntegrityError, match="named after"):
        rows(world.instance(), "SELECT VALUE t.note FROM Transfers AS t")
    client("s3").delete_object(Bucket=BUCKET, Key=name)
    with pytest.raises(UnavailableError):
        rows(world.instance(), "SELECT VALUE t.note FROM Transfers AS t")


def test_a_block_that_is_lost_before_its_item_is_put_leaves_nothing_but_an_object(world):
    ledger = world.instance(lambda name, _number: killed if name == "put_item" else None)
    with pytest.raises(Killed):
        rows(ledger, "INSERT INTO Transfers ?", {"number": 1, "from": "0", "to": "0", "note": LARGE})
    assert world.check() == []
    rows(world.instance(), "INSERT INTO Transfers ?", {"number": 1, "from": "0", "to": "0", "note": LARGE})
    assert world.check() == [1]


# ---- redaction -------------------------------------------------------------------------------------------------------


def redaction(world, note, ledger=None):
    """A document that had this note, whose first revision is asked to be redacted: where it is, and its id."""
    ledger = ledger or world.instance()
    (made,) = rows(ledger, "INSERT INTO Transfers ?", {"number": 1, "from": "0", "to": "0", "note": note})
    place = BlockAddress(ledger.strand_id, ledger.head.sequence_no)
    rows(ledger, "UPDATE Transfers AS t REMOVE t.note")
    table_id = next(each.table_id for each in ledger.catalogue.entries.values() if each.name == "Transfers")
    address = {"strandId": place.strand_id, "sequenceNo": place.sequence_no}
    rows(ledger, "EXEC REDACT_REVISION ?, ?, ?", address, table_id, made["documentId"])
    return place, made["documentId"]


def redactor(world, fault=nothing):
    return Redactor(journal_of(world.place, faulty(fault)), world.place.projections, world.clock)


def redacted(world, place, document_id):
    """Whether the revision has lost its data wherever one can ask for it; it has it everywhere or nowhere."""
    ledger = world.instance()
    text = "SELECT h FROM history(Transfers) AS h WHERE h.metadata.id = ? AND h.metadata.version = 0"
    (row,) = rows(ledger, text, document_id)
    shown, revision = row["h"], ledger.revision(place, document_id)
    assert ("dataHash" in shown) == ("dataHash" in revision) == ("data" not in shown) == ("data" not in revision)
    return "dataHash" in shown


@pytest.mark.parametrize("note", ["secret", LARGE])
def test_a_redactor_that_is_killed_before_any_call_is_completed_by_the_next(world, note):
    place, document_id = redaction(world, note)
    world.project()
    before = objects()
    block_hash = decode_datagram(world.instance().block(place))["blockHash"]
    assert redactor(world).redact() == 0
    assert not redacted(world, place, document_id)
    world.clock.now += WAIT
    for number in count():
        try:
            redactor(world, at(number, killed)).redact()
        except Killed:
            continue
        break
    assert number > 3
    assert redacted(world, place, document_id)
    assert redactor(world).redact() == 0
    assert decode_datagram(world.instance().block(place))["blockHash"] == block_hash
    assert len(before - objects()) == (note is LARGE)
    assert verified_blocks(world.instance())


def test_a_block_whose_hash_is_another_meanwhile_is_not_replaced(world):
    place, _ = redaction(world, "secret")
    block = world.instance().block(place)
    item = journal_of(world.place).read(range(place.sequence_no, place.sequence_no + 1))[place.sequence_no]
    with pytest.raises(ConflictError):
        redactor(world)._replace(replace(item, block_hash=bytes(32)), b"another block")
    assert world.instance().block(place) == block


def test_what_lost_its_place_to_another_is_redacted_as_well(world):
    before, ledger = objects(), world.instance(Rival(world, 1))
    place, document_id = redaction(world, LARGE, ledger)
    assert len(objects() - before) == 2
    world.project()
    world.clock.now += WAIT
    assert redactor(world).redact() == 1
    assert redacted(world, place, document_id)
    assert objects() == before
