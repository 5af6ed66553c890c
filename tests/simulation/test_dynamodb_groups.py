"""Commits that are written for others: together, each once, and only while they may."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from counterfoil.adapters.dynamodb import committing, waiting_room
from counterfoil.adapters.dynamodb.effects import parse_effects
from counterfoil.errors import (
    CapacityError,
    OccConflictError,
    UnknownOutcomeError,
)
from counterfoil.ion.codec import decode_datagram, encode
from tests.dynamodb_ledgers import client, journal_of
from tests.dynamodb_worlds import World, faulty, nothing
from tests.faulty_dynamodb import Killed, killed, on
from tests.ledgers import rows


@pytest.fixture
def world():
    with World() as world:
        yield world


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(committing, "FIRST_LOOK_SECONDS", 0)
    monkeypatch.setattr(committing, "LOOK_SECONDS", (0, 0))


def crowded(world, fault=nothing):
    """An instance that has lost often, and its client."""
    clients = faulty(fault)
    store = world.store(clients)
    store._committer._crowded_until = float("inf")
    return world.of(store), clients


def left(world, payer="0", payee="1"):
    """A transfer that its instance left for others to commit before it was killed: its number and its transaction."""
    puts = []

    def gone(name, _number):
        if name == "put_item":
            puts.append(name)
        return killed if len(puts) == 2 else None

    ledger, _ = crowded(world, gone)
    number, tx = world.begun(ledger, payer, payee)
    proposal = tx.proposal()
    with pytest.raises(Killed):
        ledger._store.commit(proposal)
    return number, proposal


def insert(ledger, number):
    """A transaction that is in nobody's way, though one of a cent from somebody to themselves."""
    rows(ledger, "INSERT INTO Transfers ?", {"number": number, "from": "2", "to": "2"})


def test_threads_of_one_instance_that_wait_are_written_together(world):
    begun, release = threading.Event(), threading.Event()

    def held(call):
        begun.set()
        assert release.wait(20)
        return call()

    clients = faulty(on("put_item", held))
    store = world.store(clients)
    ledger = world.of(store)
    first = threading.Thread(target=world.move, args=(ledger,))
    first.start()
    assert begun.wait(20)
    others = [ledger.begin() for _ in range(6)]
    for number, tx in enumerate(others):
        list(tx.execute("INSERT INTO Transfers ?", ({"number": -number, "from": "2", "to": "2"},)))
    threads = [threading.Thread(target=tx.commit) for tx in others]
    for each in threads:
        each.start()
    while len(store._committer._queue) < len(others):
        threading.Event().wait(0.005)
    release.set()
    for each in (first, *threads):
        each.join()
    assert Counter(clients.log)["put_item"] + Counter(clients.log)["transact_write_items"] == 2
    assert len(world.check()) == 1 + len(others)


def test_one_that_conflicts_with_another_of_its_group_is_refused_alone(world):
    ledger, _ = crowded(world)
    store = ledger._store
    (first, one), (_, other), (third, apart) = (world.begun(ledger, *pair) for pair in ("01", "12", "23"))
    group = [committing.Mine(each.proposal()) for each in (one, other, apart)]
    store._committer._write(group)
    assert [isinstance(each._answer, OccConflictError) for each in group] == [False, True, False]
    with pytest.raises(OccConflictError):
        group[1].result()
    assert group[2].result().sequence_no == group[0].result().sequence_no + 1
    assert world.check() == [first, third]


def test_whoever_leads_commits_what_others_left(world):
    numbers = [left(world, payer, payee)[0] for payer, payee in ("01", "23")]
    ledger, clients = crowded(world)
    insert(ledger, 0)
    assert Counter(clients.log)["transact_write_items"] == 1
    assert world.check() == [0, *numbers]


def test_what_is_committed_for_another_is_what_it_asked_for(world):
    number, proposal = left(world)
    ledger, _ = crowded(world)
    insert(ledger, 0)
    address = ledger.committed(proposal.transaction_id)
    block, prepared = decode_datagram(ledger.block(address)), proposal.prepared
    assert encode(block["transactionInfo"]) == encode(prepared.info)
    assert [each["hash"] for each in block["revisions"]] == list(map(bytes, prepared.revision_hashes))
    item = journal_of(world.place).read(range(address.sequence_no, address.sequence_no + 1))[address.sequence_no]
    changed = [(each.document_id, each.version) for each in parse_effects(item.effects).documents]
    assert changed == [(each.document_id, each.version) for each in proposal.documents]
    assert world.check() == [0, number]


def test_what_conflicts_is_committed_by_nobody(world):
    number, proposal = left(world)
    faster = world.move(world.instance())
    ledger, _ = crowded(world)
    insert(ledger, 0)
    assert ledger.committed(proposal.transaction_id) is None
    assert world.check(refused=[number]) == [0, faster]


def test_what_has_waited_for_too_long_is_committed_by_nobody(world):
    number, _ = left(world)
    world.clock.now += timedelta(milliseconds=waiting_room.WAITING_MS + 100)
    ledger, _ = crowded(world)
    insert(ledger, 0)
    assert world.check(refused=[number]) == [0]


@pytest.mark.parametrize("projected", [False, True])
def test_what_was_committed_already_is_not_committed_again_even_by_who_knows_nothing_yet(world, projected):
    number, _ = left(world)
    for mark in (0, -1):
        if projected:
            world.project()
        ledger, _ = crowded(world)
        insert(ledger, mark)
    assert world.check() == [-1, 0, number]


def test_what_cannot_be_read_in_the_waiting_room_is_passed_over(world):
    number, _ = left(world)
    items = client("dynamodb").scan(TableName=world.place.projections)["Items"]
    (item,) = [each for each in items if "proposal" in each]
    broken = item | {"proposal": {"B": b"\xe0\x01\x00\xea\x0f"}, "sk": {"S": item["sk"]["S"] + "b"}}
    client("dynamodb").put_item(TableName=world.place.projections, Item=broken)
    ledger, _ = crowded(world)
    insert(ledger, 0)
    assert world.check() == [0, number]


def test_a_change_of_the_catalogue_is_left_to_nobody(world):
    ledger, clients = crowded(world)
    rows(ledger, "CREATE TABLE More")
    assert Counter(clients.log)["put_item"] >= 1
    assert list(ledger._store._committer._room.found(ledger.head.sequence_no)) == []


def test_a_leader_that_is_gone_holds_the_others_up_only_for_its_time(world):
    one, other = (crowded(world)[0] for _ in range(2))
    assert one._store._committer._room.leads()
    assert one._store._committer._room.leads()
    assert not other._store._committer._room.leads()
    assert other._store._committer._room.is_led()
    moved = world.move(other)
    assert world.check() == [moved]


def test_whoever_leads_hands_on(world):
    one, other = (crowded(world)[0]._store._committer._room for _ in range(2))
    assert one.leads()
    one.hand_on()
    assert not other.is_led()
    assert other.leads()


def test_whoever_waits_finds_what_the_leader_committed(world):
    number, proposal = left(world)
    ledger, _ = crowded(world)
    room = ledger._store._committer._room
    store = world.store()
    waiting = committing.Mine(proposal)
    assert room.leads()
    found = threading.Thread(target=store._committer._wait_for_leader, args=([waiting],))
    found.start()
    ledger._store._committer._lead([], float("inf"))
    found.join()
    store.close()
    assert world.check() == [number]
    assert waiting.answered or not room.is_led()


def test_whoever_gives_up_says_whether_others_may_commit_it_yet(world, monkeypatch):
    monkeypatch.setattr(committing, "GIVE_UP_SECONDS", -1)
    ledger, _ = crowded(world)
    with pytest.raises(UnknownOutcomeError):
        world.move(ledger)
    with pytest.raises(CapacityError):
        rows(ledger, "CREATE TABLE More")
    assert world.check() == []
