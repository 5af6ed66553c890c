"""A log grows, whatever fails on the way; its witnesses see one history."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.adapters.memory.logs import MemoryLog
from counterfoil.errors import ConflictError, InputError, IntegrityError, UnavailableError
from counterfoil.log_ports import WitnessAnswer
from counterfoil.services.transparency_log import TransparencyLog
from counterfoil.services.witness import MAX_EVIDENCE, WitnessService
from counterfoil.transparency.checkpoint import parse_checkpoint
from counterfoil.transparency.cosignature import cosigned_at
from counterfoil.transparency.note import render_signatures
from counterfoil.transparency.policy import Group, Witness, WitnessPolicy
from counterfoil.transparency.tiles import CHECKPOINT_PATH, TileReader
from counterfoil.transparency.tree import TreeHead, leaf_hash, prove_consistency, root_of
from counterfoil.transparency.witness import AddCheckpoint, render_request
from tests.transparency_logs import LOG, LOG_KEY, ORIGIN, entries, private_key, signed, tiled, witness_key

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
NAMES = ("a", "b", "c")
POLICY = WitnessPolicy(
    {name: Witness(witness_key(f"{name}.example").key, f"https://{name}.example") for name in NAMES},
    {"two": Group(2, NAMES)},
    "two",
)


@dataclass
class Witnesses:
    """Three witnesses behind their URLs; those in ``silent`` do not answer."""

    silent: set = field(default_factory=set)
    asked: list = field(default_factory=list)
    services: dict = field(
        default_factory=lambda: {
            name: WitnessService(MemoryLog(), {ORIGIN: LOG}, witness_key(f"{name}.example"), lambda: NOW)
            for name in NAMES
        }
    )

    def __call__(self, url, body):
        name = url.removeprefix("https://").removesuffix(".example/add-checkpoint")
        self.asked.append(name)
        if name in self.silent:
            raise UnavailableError("silent")
        return self.services[name].add_checkpoint(body)


@pytest.fixture
def witnesses():
    return Witnesses()


def log_of(store, policy=POLICY):
    return TransparencyLog(store, LOG, policy)


def grow(store, size, witnesses, fork=None, policy=POLICY, **more):
    log = log_of(store, policy)
    last = log.last()
    begin = 0 if last is None else last.head.size
    return log.grow(iter(entries(size, fork)[begin:]), LOG_KEY, witnesses, **more)


def root(size):
    return root_of(map(leaf_hash, entries(size)))


def test_a_log_grows_and_every_checkpoint_is_witnessed(witnesses):
    store = MemoryLog()
    for size in (1, 2, 300, 700):
        outcome = grow(store, size, witnesses)
        last = log_of(store).last()
        assert last.head == (size, root(size)) == outcome.checkpoint.head
        assert POLICY.signers(last.held) == {"a", "b", "c"}
        assert {cosigned_at(each.value) for each in last.held[1:]} == {int(NOW.timestamp())}
        assert (outcome.failures, outcome.contradictions) == ({}, {})
    assert witnesses.asked == list(NAMES) * 4
    assert (
        store.files.items()
        >= {path: data for path, data in tiled(1, 2, 300, 700)[0].items() if path != CHECKPOINT_PATH}.items()
    )
    assert grow(store, 700, witnesses).checkpoint.render() == store.files[CHECKPOINT_PATH]
    assert len(witnesses.asked) == 12


def test_a_witness_whose_clock_is_ahead_is_told_and_asked_again(witnesses):
    policy = replace(POLICY, as_of=NOW - timedelta(minutes=6))
    store = MemoryLog()
    witnesses.services["a"] = replace(witnesses.services["a"], clock=lambda: NOW - timedelta(minutes=1))
    outcome = grow(store, 5, witnesses, policy=policy)
    assert set(outcome.failures) == {"b", "c"}
    assert "dates its signature later than now" in outcome.failures["b"]
    assert policy.signers(outcome.checkpoint.held) == {"a"}
    assert not policy.satisfied(log_of(store).last().held)
    later = replace(POLICY, as_of=NOW)
    outcome = grow(store, 5, witnesses, policy=later)
    assert (outcome.failures, later.signers(log_of(store).last().held)) == ({}, {"a", "b", "c"})
    assert witnesses.asked == ["a", "b", "c", "b", "b", "c", "c"]  # each says first which size it signed


def test_a_log_without_entries_is_not_signed(witnesses):
    store = MemoryLog()
    assert (grow(store, 0, witnesses), log_of(store).last(), store.files) == (None, None, {})


def test_two_of_three_suffice_and_the_third_catches_up(witnesses):
    store = MemoryLog()
    grow(store, 5, witnesses)
    witnesses.silent = {"b"}
    outcome = grow(store, 9, witnesses)
    assert list(outcome.failures) == ["b"]
    assert POLICY.satisfied(log_of(store).last().held)
    witnesses.silent = {"a", "b"}
    assert not POLICY.satisfied(grow(store, 12, witnesses).checkpoint.held)
    witnesses.silent = set()
    outcome = grow(store, 12, witnesses)
    assert outcome.failures == {}
    assert POLICY.signers(log_of(store).last().held) == {"a", "b", "c"}


def test_when_the_time_runs_out_what_is_there_is_signed(witnesses):
    store = MemoryLog()
    assert grow(store, 9_000, witnesses, running_out=lambda: True).checkpoint.head == (4_096, root(4_096))
    assert grow(store, 9_000, witnesses).checkpoint.head.size == 9_000


class FlakyLog(MemoryLog):
    """Fails at the write ``number``, before it or after it took effect."""

    def __init__(self, files, number, *, after):
        super().__init__(files)
        self.left, self.after = number, after

    def _write(self, write, *arguments):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise UnavailableError("before the write")
        write(*arguments)
        if self.left == 0:
            raise UnavailableError("after the write")

    def add(self, *arguments):
        self._write(super().add, *arguments)

    def replace(self, *arguments):
        self._write(super().replace, *arguments)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, 9))
def test_whatever_write_fails_the_next_run_makes_the_same_log(number, after, witnesses):
    files = dict(tiled(250)[0])
    with pytest.raises(UnavailableError):
        grow(FlakyLog(files, number, after=after), 515, witnesses)
    checkpoint = parse_checkpoint(files[CHECKPOINT_PATH])
    assert list(TileReader(files.get, checkpoint.head).all_entries()) == entries(checkpoint.head.size)
    grow(MemoryLog(files), 520, witnesses)
    last = log_of(MemoryLog(files)).last()
    assert last.head == (520, root(520))
    assert POLICY.signers(last.held) == set(NAMES)
    assert list(log_of(MemoryLog(files)).reader(last).all_entries()) == entries(520)


def test_of_two_that_grow_it_at_once_one_is_refused(witnesses):
    store = MemoryLog(dict(tiled(10)[0]))

    def ask(url, body):
        if store.files[CHECKPOINT_PATH] == first:
            grow(store, 20, lambda *_: WitnessAnswer(500, b""))
        return WitnessAnswer(500, b"")

    first = store.files[CHECKPOINT_PATH]
    with pytest.raises(ConflictError):
        grow(store, 15, ask)
    assert log_of(store).last().head.size == 20


def test_a_log_that_was_rewritten_is_refused_by_every_witness_and_so_found(witnesses):
    grow(MemoryLog(), 10, witnesses)
    for size in (10, 15):
        outcome = grow(MemoryLog(), size, witnesses, fork=4)
        assert outcome.failures == {}
        assert set(outcome.contradictions) == set(NAMES)
        assert all("another history of the first 10 entries" in each for each in outcome.contradictions.values())
        assert not POLICY.satisfied(outcome.checkpoint.held)
    for service in witnesses.services.values():
        [kept] = service.evidence(ORIGIN, "split")
        found, seen = kept.split(b"\n\n\xe2")[0], service.last(ORIGIN)
        assert (
            found.decode() + "\n" == signed(seen.head._replace(root=root_of(map(leaf_hash, entries(10, 4))))).note.text
        )
        assert seen.render() in kept
        assert len(service.evidence(ORIGIN, "doubted")) == 1


def test_a_log_that_is_behind_its_witnesses_is_not_signed_and_not_accused(witnesses):
    grow(MemoryLog(), 10, witnesses)
    outcome = grow(MemoryLog(), 7, witnesses)
    assert (set(outcome.failures), outcome.contradictions) == (set(NAMES), {})


@pytest.mark.parametrize(
    "answer",
    [
        WitnessAnswer(200, b""),
        WitnessAnswer(200, b"\xff\n"),
        WitnessAnswer(200, signed(TreeHead(10, root(10))).render()),
        WitnessAnswer(200, b"\xe2\x80\x94 a.example AAAAAAAA\n"),
        WitnessAnswer(404, b"no"),
        WitnessAnswer(409, b"no size"),
        WitnessAnswer(409, b"3\n"),
        WitnessAnswer(302, b""),
        WitnessAnswer(500, b"x" * 60_000),
    ],
)
def test_a_witness_that_answers_rubbish_is_one_that_does_not_sign(answer):
    outcome = grow(MemoryLog(), 10, lambda *_: answer)
    assert (set(outcome.failures), outcome.contradictions) == (set(NAMES), {})
    assert len(outcome.checkpoint.held) == 1


def test_a_signature_of_another_checkpoint_is_not_taken(witnesses):
    other = witness_key("a.example").cosign(signed(TreeHead(9, root(9))).note.text, 1)
    outcome = grow(MemoryLog(), 10, lambda *_: WitnessAnswer(200, render_signatures([other]).encode()))
    assert "does not hold" in outcome.failures["a"]


def test_a_checkpoint_that_somebody_else_put_there_is_refused(witnesses):
    store = MemoryLog(dict(tiled(10, key=private_key(ORIGIN, salt="thief"))[0]))
    with pytest.raises(IntegrityError, match="not signed by"):
        grow(store, 12, witnesses)
    store.files[CHECKPOINT_PATH] = b"rubbish"
    with pytest.raises(InputError):
        grow(store, 12, witnesses)


# The witness -------------------------------------------------------------------------------------------------------


def request(old, new, fork=None):
    files, checkpoints = tiled(new, fork=fork)
    reader = TileReader(files.get, checkpoints[-1].head)
    path = prove_consistency(reader.node, old, new) if old <= new else ()
    return render_request(AddCheckpoint(old, path, checkpoints[-1]))


def test_a_witness_answers_as_the_protocol_says(witnesses):
    service = witnesses.services["a"]
    assert service.add_checkpoint(b"rubbish").status == 400
    assert service.add_checkpoint(request(5, 9)) == (409, b"0\n")
    assert service.add_checkpoint(request(0, 9)).status == 200
    assert service.add_checkpoint(request(0, 9)) == (409, b"9\n")
    assert service.add_checkpoint(request(9, 9)).status == 200
    assert service.add_checkpoint(request(9, 12)).status == 200
    assert service.add_checkpoint(request(0, 9)) == (409, b"12\n")
    assert service.add_checkpoint(request(12, 9)).status == 400
    assert service.add_checkpoint(request(12, 12, fork=3)) == (409, b"12\n")
    assert service.add_checkpoint(request(12, 20, fork=3)).status == 422
    assert service.last(ORIGIN).head == (12, root(12))


def test_a_witness_signs_nothing_that_it_could_not_keep():
    class Broken(MemoryLog):
        def replace(self, *_):
            raise UnavailableError("disk full")

    service = WitnessService(Broken(), {ORIGIN: LOG}, witness_key("a.example"), lambda: NOW)
    with pytest.raises(UnavailableError):
        service.add_checkpoint(request(0, 9))


def test_of_two_requests_at_once_a_witness_signs_one():
    store = MemoryLog()
    service = WitnessService(store, {ORIGIN: LOG}, witness_key("a.example"), lambda: NOW)

    class Raced(MemoryLog):
        def replace(self, path, old, new):
            service.add_checkpoint(request(0, 12))
            super().replace(path, old, new)

    raced = WitnessService(Raced(store.files), {ORIGIN: LOG}, witness_key("a.example"), lambda: NOW)
    assert raced.add_checkpoint(request(0, 9)) == (409, b"12\n")


def test_what_a_witness_keeps_as_evidence_is_bounded_and_each_kept_once(witnesses):
    service = witnesses.services["a"]
    service.add_checkpoint(request(0, 30))
    for fork in (*range(MAX_EVIDENCE + 4), 0, 1):
        assert service.add_checkpoint(request(30, 30, fork=fork)).status == 409
    assert len(set(service.evidence(ORIGIN, "split"))) == MAX_EVIDENCE
    assert service.evidence(ORIGIN, "doubted") == []
