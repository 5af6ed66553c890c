"""Snapshots: each extends the one before, or a finding says that it does not."""

import json
from dataclasses import replace

import pytest

from counterfoil.adapters.memory import MemorySigner
from counterfoil.detection.acceptance import accept
from counterfoil.detection.snapshot import parse_document, render_document, signed_bytes
from counterfoil.errors import UnavailableError
from counterfoil.journal.builder import JournalBuilder
from counterfoil.merkle import CompactRange, Hash
from tests.audit_worlds import NOW, user_datas
from tests.journals import OTHER_STRAND, STRAND, copy_of, head_of, rehash_from, transfer, transfers
from tests.snapshot_worlds import World as SnapshotWorld

RULE = "audit.snapshot-not-extending"


class World(SnapshotWorld):
    def alarms(self):
        return [place for rule, place, _ in self.found() if rule == RULE]


@pytest.fixture(scope="module")
def journal():
    return transfers(20)


@pytest.fixture
def world(journal):
    made = World()
    made.deliver(user_datas(journal.blocks[:8]))
    return made


def test_a_snapshot_is_signed_and_says_the_builders_digest(world, journal):
    [taken] = world.snapshot()
    snapshot, signature = parse_document(world.snapshots.documents[taken.name])
    world.signer.verify(signed_bytes(snapshot), signature)
    assert snapshot == taken.snapshot
    assert snapshot.digest == journal.builder.digest(7).hash
    assert (str(snapshot.tip_address), snapshot.status) == (f"{STRAND}#7", "VERIFIED")
    assert (snapshot.previous, snapshot.extends, taken.finding) == (None, None, None)
    assert snapshot.taken_at == world.now
    assert taken.name == f"snapshots/{STRAND}/20250303T120100.000000Z-7.json"


@pytest.mark.parametrize("grown", [0, 1, 5, 12])
def test_a_snapshot_extends_the_one_before(world, journal, grown):
    [first] = world.snapshot()
    for block in journal.blocks[8 : 8 + grown]:
        world.deliver(user_datas([block]))
    [second] = world.snapshot()
    assert (second.snapshot.previous, second.snapshot.extends, second.finding) == (first.name, True, None)
    assert second.snapshot.digest == journal.builder.digest(7 + grown).hash
    assert world.alarms() == []


def test_an_auditor_that_saw_nothing_gives_no_snapshot():
    assert World().snapshot() == []


def test_every_strand_has_its_own_snapshots(world):
    builder = JournalBuilder(OTHER_STRAND)
    world.deliver(user_datas([builder.append(transfer(number)) for number in range(3)]))
    assert [str(each.snapshot.tip_address) for each in world.snapshot()] == [f"{OTHER_STRAND}#2", f"{STRAND}#7"]
    assert all(each.snapshot.extends for each in world.snapshot())


def test_a_strand_not_seen_from_block_0_has_snapshots_without_a_digest(journal):
    world = World()
    world.deliver(user_datas(journal.blocks[5:8]))
    [first] = world.snapshot()
    assert first.snapshot.digest is None
    world.deliver(user_datas(journal.blocks[8:]))
    [second] = world.snapshot()
    assert (second.snapshot.digest, second.snapshot.extends) == (None, True)


def test_a_diverged_strand_says_so(world):
    state = replace(world.state(), explained={4: "audit.fork"})
    world.heads.states[STRAND] = state
    assert world.snapshot()[0].snapshot.status == "DIVERGED at 4"


# Whoever changes the auditor's memory ------------------------------------------------------------------------------


def with_head(world, head):
    state = world.state()
    world.heads.states[STRAND] = replace(state, segments=(replace(state.segments[0], segment=head),))


def other_journal(journal):
    """The same blocks up to number 3, from there on a competent forger's."""
    blocks = [copy_of(block.fields) for block in journal.blocks]
    blocks[3]["transactionInfo"]["statements"][0]["statement"] = "SELECT 1"
    return rehash_from(blocks, 3)


def test_a_head_that_shrank_is_found(world, journal):
    world.snapshot()
    small = World()
    small.deliver(user_datas(journal.blocks[:5]))
    with_head(world, small.state().head)
    [taken] = world.snapshot()
    assert "only up to 4" in taken.finding.reason
    assert taken.snapshot.extends is False
    assert world.alarms() == [f"{STRAND}#4"]


def test_a_head_of_another_history_is_found(world, journal):
    world.snapshot()
    with_head(world, head_of(other_journal(journal)[:12]))
    [taken] = world.snapshot()
    assert taken.finding is not None
    assert world.alarms() == [f"{STRAND}#11"]


@pytest.mark.parametrize("number", [8, 10, 11])
def test_a_remembered_block_that_was_altered_is_found(world, journal, number):
    world.snapshot()
    world.deliver(user_datas(journal.blocks[8:12]))
    known = world.heads.blocks[STRAND]
    known[number] = replace(known[number], block_hash=b"\1" * 32)
    [taken] = world.snapshot()
    assert "do not lead" in taken.finding.reason


@pytest.mark.parametrize("number", [8, 11])
def test_a_remembered_block_that_is_gone_is_found(world, journal, number):
    world.snapshot()
    world.deliver(user_datas(journal.blocks[8:12]))
    del world.heads.blocks[STRAND][number]
    assert world.snapshot()[0].finding is not None
    assert world.alarms() == [f"{STRAND}#11"]


def test_a_head_that_begins_elsewhere_is_found(world, journal):
    world.snapshot()
    late = World()
    late.deliver(user_datas(journal.blocks[2:8]))
    with_head(world, late.state().head)
    assert "begins at 2" in world.snapshot()[0].finding.reason


def test_the_same_disagreement_again_is_a_new_finding_only_with_a_new_snapshot(world, journal):
    world.snapshot()
    small = World()
    small.deliver(user_datas(journal.blocks[:5]))
    with_head(world, small.state().head)
    world.snapshot()
    assert world.snapshot()[0].finding is None, "from there on it extends what was kept"
    assert len(world.alarms()) == 1


def test_a_gap_that_was_accepted_is_said_once(journal):
    world = World()
    world.deliver(user_datas(journal.blocks[:4] + journal.blocks[6:9]))
    world.snapshot()
    state = world.state()
    world.heads.advance(state, accept(state, 6), ())
    assert world.snapshot()[0].snapshot.extends is False
    assert world.snapshot()[0].snapshot.extends is True


# Whoever changes the snapshots --------------------------------------------------------------------------------------


def alter(world, change):
    [name] = world.snapshots.documents
    document = json.loads(world.snapshots.documents[name])
    change(document)
    world.snapshots.documents[name] = json.dumps(document).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["snapshot"].update(status="DIVERGED at 1"),
        lambda document: document["snapshot"].update(tipHash="00" * 32),
        lambda document: document["snapshot"].update(takenAt="2025-01-01T00:00:00+00:00"),
        lambda document: document["signature"].update(value="00"),
        lambda document: document["signature"].update(value=""),
        lambda document: document["snapshot"].update(nodes=[]),
        lambda document: document.pop("signature"),
        lambda document: document.clear(),
    ],
)
def test_an_altered_snapshot_is_found(world, change):
    world.snapshot()
    alter(world, change)
    [taken] = world.snapshot()
    assert taken.finding is not None
    assert taken.snapshot.extends is False
    assert world.alarms() == [f"{STRAND}#7"]


@pytest.mark.parametrize(
    "changes", [{"begin": 0.0}, {"takenAt": "0001-01-01T00:00:00+23:59"}, {"takenAt": "9999-12-31T23:59:59-23:59"}]
)
def test_a_snapshot_altered_beyond_reading_is_found(world, changes):
    world.snapshot()
    alter(world, lambda document: document["snapshot"].update(changes))
    assert world.snapshot()[0].finding is not None


def test_a_snapshot_of_another_key_is_found(world):
    [taken] = world.snapshot()
    forger = MemorySigner(b"forger")
    snapshot = replace(taken.snapshot, tip_hash=Hash(b"\1" * 32))
    world.snapshots.documents[taken.name] = render_document(snapshot, forger.sign(signed_bytes(snapshot)))
    assert "signature" in world.snapshot()[0].finding.reason


def test_a_snapshot_of_another_strand_in_its_place_is_found(world):
    [taken] = world.snapshot()
    snapshot = replace(taken.snapshot, tip_address=taken.snapshot.tip_address._replace(strand_id=OTHER_STRAND))
    document = render_document(snapshot, world.signer.sign(signed_bytes(snapshot)))
    world.snapshots.documents[taken.name] = document
    assert OTHER_STRAND in world.snapshot()[0].finding.reason


def test_a_signed_snapshot_of_blocks_that_never_were_is_found(world):
    """The key signs what the snapshotter gives it; a snapshot of a false range is still told by the auditor's memory."""
    [taken] = world.snapshot()
    nodes = tuple(Hash(b"\1" * 32) for _ in taken.snapshot.range.nodes)
    snapshot = replace(taken.snapshot, range=CompactRange(0, 8, nodes))
    document = render_document(snapshot, world.signer.sign(signed_bytes(snapshot)))
    world.snapshots.documents[taken.name] = document
    assert "do not lead" in world.snapshot()[0].finding.reason


# When something is away ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["heads", "findings", "snapshots", "signer"])
def test_what_is_away_is_said_and_the_next_time_makes_up_for_it(world, journal, port):
    class Away:
        def __getattr__(self, name):
            raise UnavailableError(f"{port} is away")

    world.snapshot()
    small = World()
    small.deliver(user_datas(journal.blocks[:5]))
    with_head(world, small.state().head)
    whole = getattr(world, port)
    setattr(world, port, Away())
    with pytest.raises(UnavailableError):
        world.snapshot()
    setattr(world, port, whole)
    assert world.snapshot()[0].finding is not None
    assert set(world.alarms()) == {f"{STRAND}#4"}


def test_two_snapshots_of_one_instant_are_one(world):
    world.snapshot(0)
    documents = dict(world.snapshots.documents)
    world.snapshots.documents.clear()
    world.snapshot(0)
    assert world.snapshots.documents == documents
    assert world.now == NOW
