"""Streams that a function publishes call by call: which go on, how far, what is saved when, and what stands in the way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from counterfoil.adapters.memory import MemoryJobs, MemoryStream
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from counterfoil.journal import SetAsideRecord, deaggregate, parse_stream_record
from counterfoil.journal.anchor import parse_trust_anchor
from counterfoil.ledger.jobs import ErrorCause, StreamStatus
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.services import publish, stream_publishing
from counterfoil.services.jobs import IMPAIRED_FOR
from counterfoil.services.publish import END_GRACE
from counterfoil.services.stream_publishing import ATTEMPTS, BUDGET, StreamPublishing, pause, replay
from tests.anchors import JOURNAL, receipt
from tests.exports import EVERYTHING, NOW, ListReader, aggregate, later, said, stream_job
from tests.journals import STRAND, transfers

COUNT = 6
ID = stream_job().stream_id
OTHER_STRAND = "0" * 22


class Moving(MemoryJobs):
    """Jobs that somebody else advances ``moves`` times, each time just before this one does."""

    moves = 0

    def advance_stream(self, old, new, /):
        if self.moves:
            self.moves -= 1
            kept = self.stream(old.stream_id)
            self.save_stream(replace(kept, next_sequence_no=(kept.next_sequence_no or 0) + 1))
        super().advance_stream(old, new)


class World:
    """Two ledgers, each with a strand and a stream of its own."""

    def __init__(self):
        self.now, self.per_put = NOW, timedelta(0)
        self.in_the_way = {}
        self.jobs, self.registry = Moving(), MemoryLedgerRegistry()
        self.readers = {STRAND: ListReader.of(transfers(COUNT)), OTHER_STRAND: ListReader([], OTHER_STRAND)}
        self.sinks = {}
        for name, strand in (("bank", STRAND), ("shop", OTHER_STRAND)):
            self.registry.save(None, RegisteredLedger(name, strand, NOW, LedgerState.ACTIVE, PermissionsMode.STANDARD))
        self.publishing = StreamPublishing(
            self.jobs,
            self.registry,
            self.readers.__getitem__,
            self.sink_of,
            aggregate,
            MemorySetAside(self.clock),
            self.clock,
        )

    def clock(self):
        return self.now

    def sink_of(self, job):
        if job.stream_id in self.in_the_way:
            raise self.in_the_way[job.stream_id]
        return self.sinks.setdefault(job.stream_id, Slow(self))

    def start(self, stream_id=ID, **changes):
        self.jobs.save_stream(stream_job(stream_id=stream_id, **changes))

    def said(self, stream_id=ID):
        return said(self.sinks[stream_id].records) if stream_id in self.sinks else []


class Slow(MemoryStream):
    """A stream whose puts take ``world.per_put`` each."""

    def __init__(self, world):
        super().__init__()
        self.world = world

    def put(self, records, /):
        self.world.now += self.world.per_put
        self.records += records


@pytest.fixture
def world():
    return World()


# What each call goes on with


def test_all_streams_are_published_from_where_they_are(world):
    world.start()
    world.start("later", next_sequence_no=4)
    report = world.publishing.publish_all()
    assert (world.said(), world.said("later")) == (EVERYTHING, [4, "r4", 5, "r5"])
    assert (report.blocks, report.unfinished, report.failures) == (COUNT + 2, [], {})
    assert {each.next_sequence_no for each in world.jobs.streams()} == {COUNT}


def test_a_stream_goes_on_by_itself_when_asked_for(world):
    world.start()
    world.start("other")
    assert world.publishing.publish_stream(ID).blocks == COUNT
    assert world.said("other") == []
    assert world.publishing.publish_stream("nobody").blocks == 0


def test_streams_of_other_strands_are_left_alone(world):
    world.start()
    world.start("other", ledger_name="shop")
    world.publishing.publish_strands([STRAND])
    assert (world.said(), world.said("other")) == (EVERYTHING, [])
    world.publishing.publish_strands([OTHER_STRAND])
    assert world.said("other") == ["CREATED"]


@pytest.mark.parametrize("status", [each for each in StreamStatus if not each.running])
def test_what_has_ended_is_not_published(world, status):
    world.start(status=status, ended_at=NOW)
    for report in (world.publishing.publish_all(), world.publishing.publish_stream(ID)):
        assert report.blocks == 0
    assert world.said() == []


def test_streams_of_a_deleted_ledger_are_forgotten_and_no_others(world):
    world.start()
    world.start("gone", ledger_name="closed")
    world.publishing.publish_all()
    assert [each.stream_id for each in world.jobs.streams()] == [ID]


def test_nothing_comes_twice_where_nothing_failed(world):
    world.start()
    for _ in range(3):
        world.publishing.publish_all()
    assert world.said() == EVERYTHING


# Start and end times; CONTROL records


def test_blocks_before_the_start_are_passed_over_and_not_looked_at_again(world):
    world.start(inclusive_start=later(seconds=4))
    world.publishing.publish_all()
    assert world.said() == ["CREATED", 4, "r4", 5, "r5"]
    assert world.jobs.stream(ID).next_sequence_no == COUNT


def test_a_start_that_is_yet_to_come_waits(world):
    world.start(inclusive_start=later(hours=1))
    world.publishing.publish_all()
    assert (world.said(), world.jobs.stream(ID).status) == (["CREATED"], StreamStatus.ACTIVE)


def test_a_stream_ends_with_the_block_that_reaches_its_end(world):
    world.start(exclusive_end=later(seconds=3))
    world.now = later(seconds=1)
    world.publishing.publish_all()
    assert world.said() == ["CREATED", 0, "r0", 1, "r1", 2, "r2", "COMPLETED"]
    ended = world.jobs.stream(ID)
    assert (ended.status, ended.ended_at, ended.next_sequence_no) == (StreamStatus.COMPLETED, world.now, 3)


def test_a_silent_ledger_s_stream_is_ended_by_the_clock(world):
    end = later(hours=1)
    world.start(exclusive_end=end)
    world.now = end + END_GRACE - timedelta(microseconds=1)
    world.publishing.publish_all()
    assert world.jobs.stream(ID).status is StreamStatus.ACTIVE
    world.now = end + END_GRACE
    world.publishing.publish_all()
    assert (world.said(), world.jobs.stream(ID).status) == ([*EVERYTHING, "COMPLETED"], StreamStatus.COMPLETED)
    world.publishing.publish_all()
    assert world.said() == [*EVERYTHING, "COMPLETED"]


def test_created_comes_again_only_where_it_was_not_saved(world):
    world.start()
    world.jobs.moves = 1
    assert world.publishing.publish_all().unfinished == [ID]
    assert world.said() == ["CREATED"]
    world.jobs.save_stream(stream_job())
    world.publishing.publish_all()
    assert world.said() == ["CREATED", *EVERYTHING]


# Two at once


def test_whoever_saves_second_stops_and_undoes_nothing(world, monkeypatch):
    monkeypatch.setattr(publish, "BATCH_BLOCKS", 2)
    world.start(next_sequence_no=0)
    world.jobs.moves = 1
    report = world.publishing.publish_all()
    assert (report.unfinished, report.failures, report.blocks) == ([ID], {}, 0)
    assert world.jobs.stream(ID).next_sequence_no == 1
    world.publishing.publish_all()
    assert world.said() == [0, "r0", 1, "r1", 1, "r1", 2, "r2", 3, "r3", 4, "r4", 5, "r5"]


def test_a_stream_that_was_cancelled_meanwhile_stays_cancelled(world):
    world.start(next_sequence_no=0)
    cancelled = stream_job(next_sequence_no=0, status=StreamStatus.CANCELED, ended_at=NOW)
    taken = world.publishing.open_sink

    def cancel(job):
        world.jobs.save_stream(cancelled)
        return taken(job)

    publishing = replace(world.publishing, open_sink=cancel)
    publishing.publish_all()
    assert world.jobs.stream(ID) == cancelled


# Time


def test_a_call_ends_when_its_time_is_up_and_says_what_is_left(world, monkeypatch):
    monkeypatch.setattr(publish, "BATCH_BLOCKS", 1)
    world.start(next_sequence_no=0)
    world.per_put = BUDGET / 2
    report = world.publishing.publish_all()
    assert (report.blocks, report.unfinished) == (2, [ID])
    assert world.jobs.stream(ID).next_sequence_no == 2
    world.publishing.publish_all()
    world.publishing.publish_all()
    assert world.said() == EVERYTHING[1:]


# What is in the way

CAUSES = [
    (NotFoundError("gone"), ErrorCause.KINESIS_STREAM_NOT_FOUND),
    (ForbiddenError("no"), ErrorCause.IAM_PERMISSION_REVOKED),
]


@pytest.mark.parametrize(("error", "cause"), CAUSES)
def test_what_a_person_must_mend_impairs_one_stream_and_holds_up_no_other(world, error, cause):
    world.start()
    world.start("other")
    world.in_the_way[ID] = error
    report = world.publishing.publish_all()
    assert report.failures == {ID: str(error)}
    assert report.failed_strands == set()
    impaired = world.jobs.stream(ID)
    assert (impaired.status, impaired.error_cause, impaired.impaired_since) == (StreamStatus.IMPAIRED, cause, NOW)
    assert world.said("other") == EVERYTHING
    world.in_the_way.clear()
    world.publishing.publish_all()
    mended = world.jobs.stream(ID)
    assert (mended.status, mended.error_cause, mended.impaired_since) == (StreamStatus.ACTIVE, None, None)
    assert world.said() == EVERYTHING


def test_what_nobody_mends_is_given_up(world):
    world.start()
    world.in_the_way[ID] = ForbiddenError("no")
    world.publishing.publish_all()
    world.now += IMPAIRED_FOR - timedelta(seconds=1)
    world.publishing.publish_all()
    assert world.jobs.stream(ID).status is StreamStatus.IMPAIRED
    world.now += timedelta(seconds=1)
    world.publishing.publish_all()
    assert (world.jobs.stream(ID).status, world.jobs.stream(ID).ended_at) == (StreamStatus.FAILED, world.now)


def test_what_mends_itself_changes_no_status_and_is_tried_again(world):
    world.start()
    world.start("other", ledger_name="shop")
    world.in_the_way[ID] = UnavailableError("throttled")
    report = world.publishing.publish_all()
    assert (report.failures, report.failed_strands) == ({ID: "throttled"}, {STRAND})
    assert (world.jobs.stream(ID), world.said("other")) == (stream_job(), ["CREATED"])


def test_a_block_that_cannot_be_read_fails_the_stream_behind_what_came_before(world, monkeypatch):
    monkeypatch.setattr(publish, "BATCH_BLOCKS", 2)
    world.readers[STRAND].stored[3] = b"rubbish"
    world.start()
    report = world.publishing.publish_all()
    assert ID in report.failures
    failed = world.jobs.stream(ID)
    assert (failed.status, failed.error_cause) == (StreamStatus.FAILED, ErrorCause.JOURNAL_UNREADABLE)
    assert (failed.next_sequence_no, world.said()) == (2, EVERYTHING[:5])


def test_a_record_too_large_for_the_stream_is_set_aside_and_holds_nothing_up(world):
    world.start(next_sequence_no=0)
    world.sink_of(stream_job()).record_limit_bytes = 480
    assert world.publishing.publish_all().failures == {}
    records = [user.data for each in world.sinks[ID].records for user in deaggregate(each.data, "").records]
    assert all(isinstance(parse_stream_record(each), SetAsideRecord) for each in records)
    assert (len(records), world.jobs.stream(ID).next_sequence_no) == (2 * COUNT, COUNT)


# Holding and replaying


def test_a_stream_that_is_held_publishes_nothing_until_it_is_let_go_on(world):
    world.start(next_sequence_no=2)
    assert pause(world.jobs, ID, paused=True).paused
    world.publishing.publish_all()
    world.publishing.publish_strands([STRAND])
    assert (world.said(), world.jobs.stream(ID)) == ([], stream_job(next_sequence_no=2, paused=True))
    assert not pause(world.jobs, ID, paused=False).paused
    world.publishing.publish_all()
    assert world.said() == EVERYTHING[5:]


def test_a_stream_that_is_held_is_not_published_when_asked_for_either(world):
    world.start(next_sequence_no=2, paused=True)
    assert world.publishing.publish_stream(ID).blocks == 0
    assert world.said() == []


def test_a_replay_begins_at_its_block_and_created_does_not_come_again(world):
    world.start()
    world.publishing.publish_all()
    assert replay(world.jobs, ID, 4).next_sequence_no == 4
    world.publishing.publish_all()
    assert world.said() == [*EVERYTHING, 4, "r4", 5, "r5"]
    assert replay(world.jobs, ID, COUNT).next_sequence_no == COUNT
    with pytest.raises(InputError, match="has not been published"):
        replay(world.jobs, ID, COUNT + 1)
    with pytest.raises(InputError, match="has not been published"):
        replay(world.jobs, ID, -1)


def test_a_replay_of_a_stream_with_a_start_begins_there_again(world):
    world.start(inclusive_start=later(seconds=4))
    world.publishing.publish_all()
    replay(world.jobs, ID, 0)
    world.publishing.publish_all()
    assert world.said() == ["CREATED", *[4, "r4", 5, "r5"] * 2]


CHANGES = [lambda jobs: pause(jobs, ID, paused=True), lambda jobs: replay(jobs, ID, 0)]


@pytest.mark.parametrize("change", CHANGES, ids=["pause", "replay"])
def test_a_stream_is_changed_though_it_moves_on(world, change):
    world.start(next_sequence_no=3)
    world.jobs.moves = ATTEMPTS - 1
    changed = change(world.jobs)
    assert world.jobs.stream(ID) == changed
    assert changed.next_sequence_no in {0, 3 + ATTEMPTS - 1}
    world.jobs.moves = ATTEMPTS
    with pytest.raises(UnavailableError, match="moves on faster"):
        change(world.jobs)


@pytest.mark.parametrize("change", CHANGES, ids=["pause", "replay"])
def test_a_stream_that_has_ended_or_never_was_is_not_changed(world, change):
    with pytest.raises(NotFoundError):
        change(world.jobs)
    world.start(status=StreamStatus.COMPLETED, ended_at=NOW)
    with pytest.raises(PreconditionError):
        change(world.jobs)


def test_an_impaired_stream_can_be_held(world):
    world.start(status=StreamStatus.IMPAIRED, error_cause=ErrorCause.IAM_PERMISSION_REVOKED, impaired_since=NOW)
    held = pause(world.jobs, ID, paused=True)
    assert (held.status, held.paused) == (StreamStatus.IMPAIRED, True)


def test_a_batch_on_its_way_when_its_stream_is_held_does_not_undo_the_holding(world):
    world.start(next_sequence_no=0)

    def hold(job):
        pause(world.jobs, ID, paused=True)
        return world.sink_of(job)

    report = replace(world.publishing, open_sink=hold).publish_all()
    assert (report.unfinished, report.blocks) == ([ID], 0)
    assert world.jobs.stream(ID) == stream_job(next_sequence_no=0, paused=True)


# What two calls did together


def test_reports_add_up(world):
    world.start()
    report = world.publishing.publish_all()
    other = stream_publishing.PublishReport(1, ["b"], {"c": "why"}, {STRAND})
    report.add(other)
    assert (report.blocks, report.unfinished, report.failures, report.failed_strands) == (
        COUNT + 1,
        ["b"],
        {"c": "why"},
        {STRAND},
    )


def test_a_conflict_is_no_failure(world):
    world.start()
    world.in_the_way[ID] = ConflictError("moved")
    report = world.publishing.publish_all()
    assert (report.unfinished, report.failures, report.failed_strands) == ([ID], {}, set())


def test_a_replay_from_before_a_trust_anchor_begins_at_it(world):
    world.readers[STRAND] = ListReader.behind(parse_trust_anchor(receipt(36, 38)), JOURNAL)
    world.start()
    world.publishing.publish_all()
    replay(world.jobs, ID, 3)
    assert world.publishing.publish_all().failures == {}
    assert world.said() == ["CREATED", *[37, "r37", 38, "r38", 39, "r39"] * 2]
