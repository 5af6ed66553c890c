"""Exports that a function runs call by call: what is saved when, where the next call goes on, what ends one."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from counterfoil.adapters.memory import MemoryBucket, MemoryJobs
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.errors import ConflictError, ForbiddenError, NotFoundError, UnavailableError
from counterfoil.ledger.jobs import ExportStatus
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.services import export
from counterfoil.services.export_running import BUDGET, ExportRunning
from counterfoil.services.jobs import MAX_REASON
from tests.exports import NOW, ListReader, data_keys, export_job, exported, later, verdict_of
from tests.journals import STRAND, transfers

COUNT = 6
ID = export_job().export_id


@dataclass
class SlowBucket(MemoryBucket):
    """A bucket whose puts take ``per_put`` each; ``puts`` are their keys in order."""

    clock: list = field(default_factory=list)
    per_put: timedelta = timedelta(0)
    puts: list = field(default_factory=list)

    def put(self, key, data, /):
        self.clock[0] += self.per_put
        self.puts.append(key)
        super().put(key, data)


class World:
    def __init__(self):
        self.now = [NOW]
        self.in_the_way = {}
        self.jobs, self.registry = MemoryJobs(), MemoryLedgerRegistry()
        self.reader = ListReader.of(transfers(COUNT))
        self.bucket = SlowBucket(clock=self.now)
        mode = PermissionsMode.STANDARD
        self.registry.save(None, RegisteredLedger("bank", STRAND, NOW, LedgerState.ACTIVE, mode))
        self.running = ExportRunning(self.jobs, self.registry, self.open_reader, self.bucket_of, lambda: self.now[0])

    def open_reader(self, strand_id):
        assert strand_id == STRAND
        return self.reader

    def bucket_of(self, job):
        if job.export_id in self.in_the_way:
            raise self.in_the_way[job.export_id]
        return self.bucket

    def start(self, export_id=ID, **changes):
        self.jobs.save_export(export_job(export_id=export_id, **changes))

    def export(self, export_id=ID):
        return self.jobs.export(export_id)


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(export, "OBJECT_BYTES", 1)  # every block in an object of its own
    return World()


def test_an_export_is_run_to_its_end(world):
    world.start()
    report = world.running.run(ID)
    assert (report.unfinished, report.failures, report.objects) == ([], {}, COUNT + 1)
    assert (world.export().status, world.export().ended_at) == (ExportStatus.COMPLETED, NOW)
    assert world.bucket.objects == exported(transfers(COUNT))
    assert verdict_of(world.bucket.objects).findings == ()


def test_a_range_of_times_is_exported_with_its_start_and_without_its_end(world):
    world.start(inclusive_start=later(seconds=1), exclusive_end=later(seconds=4))
    world.running.run(ID)
    assert len(data_keys(world.bucket.objects)) == 3
    assert (world.export().status, world.export().next_sequence_no) == (ExportStatus.COMPLETED, 4)


def test_a_call_ends_when_its_time_is_up_and_the_next_one_goes_on(world):
    world.start()
    world.bucket.per_put = BUDGET / 2
    reports = []
    while not reports or reports[-1].unfinished:
        reports.append(world.running.run(ID))
        assert len(reports) <= COUNT
    assert len(reports) > 2
    assert all(each.unfinished == [ID] for each in reports[:-1])
    assert len(world.bucket.puts) == len(set(world.bucket.puts)) == COUNT + 2
    assert world.bucket.objects == exported(transfers(COUNT))


def test_an_export_that_ends_as_its_time_is_up_is_not_unfinished(world):
    world.start(inclusive_start=later(seconds=5))
    world.bucket.per_put = BUDGET
    world.running.run(ID)
    report = world.running.run(ID)
    assert (report.unfinished, world.export().status) == ([], ExportStatus.COMPLETED)


def test_what_has_ended_is_left_alone(world):
    for status in (ExportStatus.COMPLETED, ExportStatus.CANCELLED):
        world.start(str(status), status=status, ended_at=NOW)
        assert world.running.run(str(status)).objects == 0
    assert world.running.run("nobody").objects == 0
    assert world.running.run_all().objects == 0
    assert world.bucket.puts == []


def test_all_exports_that_were_cut_off_go_on(world):
    world.start()
    world.start("other", prefix="elsewhere")
    world.running.run_all()
    assert {each.status for each in world.jobs.exports()} == {ExportStatus.COMPLETED}


def test_exports_of_a_deleted_ledger_are_forgotten_and_no_others(world):
    world.start()
    world.start("gone", ledger_name="closed")
    world.running.run_all()
    assert [each.export_id for each in world.jobs.exports()] == [ID]


@pytest.mark.parametrize("error", [NotFoundError("no bucket"), ForbiddenError("no right"), NotFoundError("x" * 5_000)])
def test_what_cannot_be_written_ends_the_export_with_its_reason(world, error):
    world.start()
    world.start("other", prefix="elsewhere")
    world.in_the_way[ID] = error
    report = world.running.run_all()
    ended = world.export()
    assert (ended.status, ended.ended_at, ended.reason) == (ExportStatus.CANCELLED, NOW, str(error)[:MAX_REASON])
    assert (report.failures, report.unfinished) == ({ID: str(error)[:MAX_REASON]}, [])
    assert world.export("other").status is ExportStatus.COMPLETED


def test_what_mends_itself_is_tried_again(world):
    world.start()
    world.in_the_way[ID] = UnavailableError("SlowDown")
    report = world.running.run(ID)
    assert (report.failures, report.unfinished) == ({ID: "SlowDown"}, [ID])
    assert world.export() == export_job()
    world.in_the_way.clear()
    world.running.run(ID)
    assert world.export().status is ExportStatus.COMPLETED


def test_a_journal_that_cannot_be_read_ends_the_export_and_keeps_what_it_has(world):
    world.start()
    world.reader.stored[2] = b"rubbish"
    report = world.running.run(ID)
    ended = world.export()
    assert (ended.status, len(ended.keys), list(report.failures)) == (ExportStatus.CANCELLED, 1, [ID])


class Overtaken(MemoryJobs):
    """Somebody else has gone on just before the first saving."""

    overtaken = False

    def advance_export(self, old, new, /):
        if not self.overtaken:
            self.overtaken = True
            self.save_export(replace(new, keys=(*new.keys, "theirs")))
        super().advance_export(old, new)


def test_whoever_saves_second_stops_and_undoes_nothing(world):
    jobs = Overtaken()
    jobs.save_export(export_job())
    report = replace(world.running, jobs=jobs).run(ID)
    assert (report.objects, report.unfinished, report.failures) == (0, [], {})
    assert jobs.export(ID).keys[-1] == "theirs"
    assert jobs.export(ID).status is ExportStatus.IN_PROGRESS


def test_an_export_that_somebody_ended_meanwhile_is_not_ended_again(world):
    world.start()
    ended = export_job(status=ExportStatus.COMPLETED, ended_at=later(seconds=1))

    def end(job):
        world.jobs.save_export(ended)
        raise NotFoundError("no bucket")

    report = replace(world.running, open_bucket=end).run(ID)
    assert world.export() == ended
    assert report.failures == {ID: "no bucket"}


def test_a_conflict_is_no_failure(world):
    world.start()
    world.in_the_way[ID] = ConflictError("moved")
    assert world.running.run(ID).failures == {}
