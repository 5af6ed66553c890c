"""The ledger's digest, the auditor's head and the last checkpoint: which two of them contradict each other is found."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.adapters.memory import MemorySigner, MemorySnapshots
from counterfoil.adapters.memory.logs import MemoryLog
from counterfoil.detection.finding import Severity
from counterfoil.detection.snapshot import parse_document, render_document, signed_bytes
from counterfoil.errors import IntegrityError, UnavailableError
from counterfoil.merkle import root_of as qldb_root
from counterfoil.services.head_comparison import Checkpoints, HeadComparison
from counterfoil.services.snapshot import Snapshotter
from counterfoil.transparency.checkpoint import parse_checkpoint, verify_checkpoint
from counterfoil.transparency.entry import LogEntry, parse_entry
from counterfoil.transparency.tiles import CHECKPOINT_PATH, TileReader
from tests.audit_worlds import AuditWorld, user_datas
from tests.journals import STRAND, head_of, journal_of, transfer, transfers
from tests.transparency_logs import LOG, LOG_KEY, ORIGIN, private_key
from tests.unit.services.test_transparency_log import NAMES, POLICY, Witnesses

assert f"ledger.example/{STRAND}" == ORIGIN


class Key:
    """Signs as a log's key and checks it, as one of KMS does."""

    key = LOG_KEY.key
    sign = staticmethod(LOG_KEY.sign)
    verify = staticmethod(LOG.verify)


@dataclass
class World(AuditWorld):
    """An auditor, its snapshots and log, and a ledger that says what is put into ``ledger``."""

    snapshots: MemorySnapshots = field(default_factory=MemorySnapshots)
    signer: MemorySigner = field(default_factory=MemorySigner)
    log: MemoryLog = field(default_factory=MemoryLog)
    witnesses: Witnesses = field(default_factory=Witnesses)
    ledger: list = field(default_factory=list)
    known: bool = True
    slow: bool = False

    def digest(self, strand_id, size):
        assert strand_id == STRAND
        if not self.known:
            return None
        if len(self.ledger) < size:
            raise IntegrityError(f"it ends at block {len(self.ledger) - 1}")
        return qldb_root(self.ledger[:size])

    def anchor(self, strand_id):
        return None if self.anchors is None else self.anchors.anchor(strand_id)

    def snapshot(self):
        self.now += timedelta(seconds=60)
        moments = iter([self.now])
        checkpoints = Checkpoints(lambda _: self.log, lambda _: Key, POLICY, self.witnesses)
        late = timedelta(hours=1) if self.slow else timedelta(0)
        clock = lambda: next(moments, self.now + late)  # noqa: E731
        made = Snapshotter(
            self.heads, self.findings, self.snapshots, self.signer, clock, HeadComparison(checkpoints, self)
        )
        [taken] = made.take()
        return taken

    def disagreements(self):
        return [each for each in self.findings.findings.values() if each.rule_id == "audit.heads-disagree"]

    def last(self):
        return verify_checkpoint(parse_checkpoint(self.log.files[CHECKPOINT_PATH]), LOG)


@pytest.fixture(scope="module")
def journal():
    return transfers(20)


def history(fork):
    """The same blocks up to number ``fork``, from there on a competent forger's."""
    return journal_of(transfer(number, "12.50" if number < fork else "99.99") for number in range(20)).blocks


@pytest.fixture(scope="module")
def forged():
    return history(3)


def hashes(blocks):
    return [block.block_hash for block in blocks]


@pytest.fixture
def world(journal):
    made = World(ledger=hashes(journal.blocks))
    made.deliver(user_datas(journal.blocks[:8]))
    return made


def test_three_heads_that_agree_are_bound_by_one_signed_snapshot(world, journal):
    for size in (8, 8, 13, 20):
        world.deliver(user_datas(journal.blocks[:size]))
        taken = world.snapshot()
        assert (taken.findings, taken.compared.unwitnessed, taken.compared.quorum) == ([], {}, True)
        assert world.last().head.size == size
        bound = taken.snapshot.checkpoint
        assert bound.note.encode() == world.log.files[CHECKPOINT_PATH]
        assert bound.range == taken.snapshot.range
        snapshot, signature = parse_document(world.snapshots.documents[taken.name])
        world.signer.verify(signed_bytes(snapshot), signature)
        assert snapshot == taken.snapshot
    entries = TileReader(world.log.load, world.last().head).all_entries()
    assert [parse_entry(each) for each in entries] == [
        LogEntry(STRAND, number, block.block_hash) for number, block in enumerate(journal.blocks)
    ]


def test_without_logs_and_ledger_a_snapshot_is_what_it_was(world):
    world.snapshot()
    plain = Snapshotter(
        world.heads, world.findings, world.snapshots, world.signer, lambda: world.now + timedelta(hours=1)
    )
    [taken] = plain.take()
    assert taken.findings == []
    assert (
        taken.snapshot.checkpoint == parse_document(max(world.snapshots.documents.items())[1])[0].checkpoint is not None
    )


def test_a_log_that_has_far_to_grow_goes_on_at_the_next_snapshot(monkeypatch, world, journal):
    monkeypatch.setattr("counterfoil.services.transparency_log.STEP", 3)
    world.slow = True
    sizes = []
    for _ in range(4):
        taken = world.snapshot()
        sizes.append((world.last().head.size, taken.snapshot.checkpoint.range.end))
        assert taken.findings == []
    assert sizes == [(3, 3), (6, 6), (8, 8), (8, 8)]
    world.slow = False
    world.deliver(user_datas(journal.blocks))
    assert world.snapshot().findings == []
    assert world.last().head.size == 20


def test_a_strand_not_seen_from_block_0_has_no_log(journal):
    world = World()
    world.deliver(user_datas(journal.blocks[5:8]))
    taken = world.snapshot()
    assert (taken.findings, taken.snapshot.checkpoint, world.log.files) == ([], None, {})


def test_a_crash_between_checkpoint_and_snapshot_costs_nothing(world, journal):
    world.snapshot()
    world.deliver(user_datas(journal.blocks[:13]))
    kept = dict(world.snapshots.documents)
    world.snapshot()
    world.snapshots.documents = kept
    world.deliver(user_datas(journal.blocks))
    assert world.snapshot().findings == []
    assert world.last().head.size == 20


# The ledger --------------------------------------------------------------------------------------------------------


def test_a_ledger_of_another_history_is_found_with_both_digests(world, forged):
    world.snapshot()
    world.ledger = hashes(forged)
    taken = world.snapshot()
    [finding] = taken.findings
    assert (finding.severity, finding.place, finding.subject) == (Severity.CRITICAL, f"{STRAND}#7", "ledger")
    assert finding.evidence == {
        "ledger_digest": str(qldb_root(hashes(forged)[:8])),
        "verified_digest": str(taken.snapshot.digest),
    }
    assert world.disagreements() == [finding]


def test_a_ledger_that_lost_blocks_is_found(world):
    world.ledger = world.ledger[:7]
    [finding] = world.snapshot().findings
    assert "has no digest" in finding.reason


def test_a_ledger_that_was_rewritten_behind_the_last_snapshot_is_found_there(world, journal):
    world.snapshot()
    world.deliver(user_datas(journal.blocks))
    world.ledger = [*world.ledger[:12], *hashes(journal.blocks)[11:19]]
    [finding] = world.snapshot().findings
    assert finding.place == f"{STRAND}#19"


def test_a_ledger_that_is_not_here_is_not_asked_for_more(world):
    world.known = False
    assert world.snapshot().findings == []


def test_a_ledger_that_does_not_answer_has_the_snapshot_tried_again(world):
    def silent(*_):
        raise UnavailableError("silent")

    world.digest = silent
    with pytest.raises(UnavailableError):
        world.snapshot()
    assert world.snapshots.documents == {}


# The checkpoint ----------------------------------------------------------------------------------------------------


def other_log(world, blocks, size):
    """A log of other blocks, signed with the log's own key."""
    other = World(ledger=hashes(blocks))
    other.witnesses.silent = set(NAMES)
    other.deliver(user_datas(blocks[:size]))
    other.snapshot()
    return other.log


def only_finding(world, subject="checkpoint"):
    """The finding of one more snapshot; the log is as it was before it."""
    before = {path: data for path, data in world.log.files.items() if not path.startswith("evidence/")}
    taken = world.snapshot()
    [finding] = taken.findings
    assert (finding.rule_id, finding.severity, finding.subject) == ("audit.heads-disagree", Severity.CRITICAL, subject)
    assert world.log.files.items() >= before.items()
    assert finding.evidence["signed_now"].encode() in world.log.files[finding.evidence["kept_as"]]
    assert finding.evidence["signed_before"].encode() in world.log.files[finding.evidence["kept_as"]]
    return finding


def test_a_checkpoint_of_another_history_under_the_true_key_is_found_with_both_statements(world, forged):
    first = world.snapshot().snapshot.checkpoint
    world.log = other_log(world, forged, 12)
    second = world.log.files[CHECKPOINT_PATH].decode()
    world.deliver(user_datas(transfers(20).blocks))
    finding = only_finding(world)
    assert (finding.evidence["signed_before"], finding.evidence["signed_now"]) == (first.note[:1_000], second[:1_000])
    kept = world.log.files[finding.evidence["kept_as"]].decode()
    assert kept == f"{first.note}\n{second}"
    for note in (first.note, second):
        verify_checkpoint(parse_checkpoint(note.encode()), LOG)
    again = only_finding(world)
    assert again.finding_id == finding.finding_id
    assert len(world.disagreements()) == 1
    assert world.last().head.size == 12


def test_a_log_set_back_to_an_older_checkpoint_is_found(world, journal):
    world.snapshot()
    older = dict(world.log.files)
    world.deliver(user_datas(journal.blocks))
    world.snapshot()
    world.log.files = older
    assert "is older than" in only_finding(world).reason


def test_a_log_that_is_gone_is_found(world):
    world.snapshot()
    world.log.files.clear()
    assert "is gone" in only_finding(world).reason


def test_a_log_that_holds_what_was_not_verified_is_found(world, journal):
    world.snapshot()
    world.log = other_log(world, journal.blocks, 12)
    assert "only 8 were verified" in only_finding(world).reason


def test_a_log_that_extends_the_last_checkpoint_by_other_blocks_is_found(world, journal):
    world.snapshot()
    world.log = other_log(world, history(10), 12)
    world.deliver(user_datas(journal.blocks))
    assert "its entry 10 is not the block that was verified" in only_finding(world).reason


@pytest.mark.parametrize("path", [CHECKPOINT_PATH, "tile/0/000.p/8"])
def test_a_file_that_was_altered_is_found(world, path):
    world.snapshot()
    world.log.files[path] = world.log.files[path][:-8] + b"AAAAAAA\n"
    only_finding(world)


def test_a_checkpoint_without_the_logs_signature_is_found(world):
    world.snapshot()
    note = world.last().note
    world.log.files[CHECKPOINT_PATH] = note.text.encode() + b"\n\xe2\x80\x94 other AAAAAAAA\n"
    assert "not signed by" in only_finding(world).reason


def test_a_log_that_is_given_another_origin_begins_anew(world, monkeypatch):
    world.snapshot()
    world.log.files.clear()
    world.witnesses.silent = set(NAMES)
    renamed = private_key("ledger.example/again")
    monkeypatch.setattr(Key, "key", renamed.key)
    monkeypatch.setattr(Key, "sign", staticmethod(renamed.sign))
    taken = world.snapshot()
    assert (taken.findings, taken.snapshot.checkpoint.note.splitlines()[0]) == ([], "ledger.example/again")


# The auditor -------------------------------------------------------------------------------------------------------


def test_an_auditor_whose_memory_was_changed_does_not_have_its_log_signed(world, forged):
    world.snapshot()
    before = dict(world.log.files)
    state = world.state()
    world.heads.states[STRAND] = replace(
        state, segments=(replace(state.segments[0], segment=head_of([block.fields for block in forged[:12]])),)
    )
    taken = world.snapshot()
    assert [each.rule_id for each in taken.findings] == ["audit.snapshot-not-extending"]
    assert world.log.files == before
    assert taken.snapshot.checkpoint is not None


def test_a_first_log_of_blocks_that_do_not_lead_to_the_head_is_not_signed(world):
    known = world.heads.blocks[STRAND]
    known[4] = replace(known[4], block_hash=b"\1" * 32)
    world.known = False
    assert "do not lead to the head" in only_finding(world).reason
    assert CHECKPOINT_PATH not in world.log.files


def test_a_first_log_of_a_memory_with_a_hole_is_not_signed(world):
    del world.heads.blocks[STRAND][4]
    assert "#4 is not remembered" in only_finding(world).reason
    assert CHECKPOINT_PATH not in world.log.files


def test_a_last_snapshot_that_cannot_be_believed_binds_nothing(world):
    taken = world.snapshot()
    snapshot, signature = parse_document(world.snapshots.documents[taken.name])
    world.snapshots.documents[taken.name] = render_document(replace(snapshot, status="other"), signature)
    taken = world.snapshot()
    assert [each.rule_id for each in taken.findings] == ["audit.snapshot-not-extending"]
    assert taken.snapshot.checkpoint is None
    taken = world.snapshot()
    assert (taken.findings, taken.snapshot.checkpoint.range.end) == ([], 8)


# The witnesses -----------------------------------------------------------------------------------------------------


def test_witnesses_that_saw_another_history_are_found_each(world, forged):
    liar = World(ledger=hashes(forged), witnesses=world.witnesses)
    liar.deliver(user_datas(forged[:8]))
    liar.snapshot()
    taken = world.snapshot()
    assert [each.subject for each in taken.findings] == [f"witness {name}" for name in NAMES]
    assert all(each.severity is Severity.CRITICAL for each in taken.findings)
    assert (set(taken.compared.unwitnessed), taken.compared.quorum) == (set(NAMES), False)


def test_witnesses_whose_clocks_are_ahead_make_no_quorum(world):
    services = world.witnesses.services
    for name in NAMES[1:]:
        services[name] = replace(services[name], clock=lambda: datetime(2199, 1, 1, tzinfo=UTC))
    taken = world.snapshot()
    assert (taken.findings, set(taken.compared.unwitnessed), taken.compared.quorum) == ([], set(NAMES[1:]), False)


def test_witnesses_that_do_not_answer_are_no_finding(world):
    world.witnesses.silent = {"a"}
    taken = world.snapshot()
    assert (taken.findings, list(taken.compared.unwitnessed), taken.compared.quorum) == ([], ["a"], True)
    world.witnesses.silent = set(NAMES)
    assert world.snapshot().compared.quorum
    world.witnesses.silent = set()
    assert world.snapshot().compared.unwitnessed == {}
