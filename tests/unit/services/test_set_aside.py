"""Records too large for Kinesis on their way: set aside before their pointer is put, followed by auditor and detector."""

from datetime import timedelta

import pytest

from counterfoil.adapters.memory import MemoryAccounts, MemoryFindings, MemoryHeads, MemoryQuarantine, MemoryStream
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.rule_config import parse_rule_config
from counterfoil.detection.strand_audit import Patience
from counterfoil.errors import LimitError, UnavailableError
from counterfoil.ion.codec import encode
from counterfoil.journal import BlockAddress, SetAsideRecord, deaggregate, parse_stream_record
from counterfoil.journal.publication import KeyedRecord, OuterRecord
from counterfoil.journal.set_aside import pointer_payload, set_aside_place
from counterfoil.services import publish, set_aside
from counterfoil.services.audit import Auditor
from counterfoil.services.detect import Detector
from counterfoil.services.publish import Publisher
from tests.exports import EVERYTHING, NOW, ListReader, aggregate, kinesis_records, later, said, stream_job
from tests.journals import STRAND, STREAM_ARN, transfers

COUNT = 6
SMALL = 480  # of a stream into which a pointer fits, but no record of a block


class World:
    """A journal published into a stream with a small limit, and those who follow it."""

    def __init__(self):
        self.now = NOW
        self.sink = MemoryStream(record_limit_bytes=SMALL)
        self.aside = MemorySetAside(lambda: self.now)
        self.publisher = Publisher(ListReader.of(transfers(COUNT)), self.sink, aggregate, self.aside)
        self.heads, self.findings, self.quarantine = MemoryHeads(), MemoryFindings(), MemoryQuarantine()
        patience = Patience(timedelta(seconds=60), timedelta(seconds=900))
        self.auditor = Auditor(self.heads, self.findings, self.quarantine, self.aside, lambda: self.now, patience)
        config = parse_rule_config("{}")
        self.detector = Detector(
            MemoryAccounts(), MemoryFindings(), self.aside, config, lambda: self.now, timedelta(seconds=60)
        )

    def published(self, **changes):
        """The records of the whole journal as Lambda would deliver them."""
        list(self.publisher.publish(stream_job(**changes), self.now))
        return kinesis_records(self.sink.records)

    @property
    def head(self):
        state = self.heads.load(STRAND)
        return None if state is None or state.head is None else state.head.end - 1

    def rules(self):
        return {each.rule_id for each in self.findings.findings.values()} - {str(AuditRule.STREAM_CONTROL)}


@pytest.fixture
def world():
    return World()


def pointers(records):
    users = [user.data for each in records for user in deaggregate(each.data, "").records]
    return [each for each in map(parse_stream_record, users) if isinstance(each, SetAsideRecord)]


@pytest.mark.parametrize("aggregation", [True, False])
def test_what_is_too_large_is_verified_all_the_same(world, aggregation):
    records = world.published(aggregation=aggregation)
    assert len(pointers(records)) == len(world.aside.kept) == 2 * COUNT
    assert max(len(each.data) for each in records) + len(STRAND) <= SMALL
    report = world.auditor.audit(records)
    assert (report.blocks_verified, report.revisions_verified, report.failed_index) == (COUNT, COUNT, None)
    assert (world.head, world.rules()) == (COUNT - 1, set())
    assert report.quarantined == 0


def test_it_is_judged_all_the_same(world):
    report = world.detector.detect(world.published())
    assert (report.blocks_judged, report.incomplete, report.failed_index) == (COUNT, 0, None)


def test_a_record_is_there_before_the_pointer_to_it(world):
    there = []

    class Sink(MemoryStream):
        def put(self, records, /):
            there.extend(each.place.key in world.aside.kept for each in pointers(records))

    sink = Sink(record_limit_bytes=SMALL)
    list(Publisher(world.publisher.reader, sink, aggregate, world.aside).publish(stream_job(), NOW))
    assert there == [True] * 2 * COUNT


def test_where_it_cannot_be_set_aside_nothing_of_its_batch_is_published(world, monkeypatch):
    def refuse(_):
        raise UnavailableError("SlowDown")

    world.publisher.sink.record_limit_bytes = 1_000_000
    assert said(world.published() and world.sink.records) == EVERYTHING
    world.sink.records.clear()
    world.sink.record_limit_bytes = SMALL
    monkeypatch.setattr(MemorySetAside, "keep", lambda _, data: refuse(data))
    with pytest.raises(UnavailableError):
        world.published()
    assert said(world.sink.records) == ["CREATED"]


def test_a_record_larger_than_is_read_stops_the_stream_in_front_of_its_block(world, monkeypatch):
    monkeypatch.setattr(publish, "MAX_SET_ASIDE_BYTES", SMALL + 1)
    with pytest.raises(LimitError, match=rf"a record of block {STRAND}#0 has \d+ bytes, over the limit of {SMALL + 1}"):
        world.published()
    assert (said(world.sink.records), world.aside.kept) == (["CREATED"], {})


def test_what_is_published_again_on_another_day_does_not_expire_with_the_first(world):
    world.published()
    before = set(world.aside.kept)
    world.published()
    assert set(world.aside.kept) == before
    world.now += timedelta(days=1)
    world.publisher.repeat(stream_job(), 3)
    assert len(set(world.aside.kept) - before) == 2


def both(world, records):
    return world.auditor.audit(records), world.detector.detect(records)


def test_until_it_is_there_the_batch_comes_again(world):
    records = world.published(aggregation=False)
    at, pointer = [(at, each) for at, each in enumerate(map(read, records)) if isinstance(each, SetAsideRecord)][4]
    data = world.aside.kept.pop(pointer.place.key)
    for report in both(world, records):
        assert report.failed_index == at
        assert pointer.place.key in report.failure
    assert world.head == 1
    world.aside.kept[pointer.place.key] = data
    for report in both(world, records[at:]):
        assert report.failed_index is None
    assert (world.head, world.rules()) == (COUNT - 1, set())


def read(record):
    return parse_stream_record(record.data)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [("BLOCK_SUMMARY", AuditRule.CONTENTS_MISMATCH), ("REVISION_DETAILS", AuditRule.REVISION_MISMATCH)],
)
@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"\0", lambda data: data + b"\0"])
def test_other_bytes_are_tampering(world, kind, rule, damage):
    records = world.published(aggregation=False)
    pointer = next(each for each in pointers(records) if each.record_type == kind and each.address.sequence_no == 2)
    wrong = world.aside.kept[pointer.place.key] = damage(world.aside.kept[pointer.place.key])
    report, detected = both(world, records)
    assert (report.failed_index, detected.failed_index, detected.unverified) == (None, None, 1)
    [finding] = [each for each in report.findings if each.rule_id == rule]
    assert finding.place == f"{STRAND}#2"
    assert (finding.evidence["part"], finding.evidence["key"]) == ("set-aside record", pointer.place.key)
    assert world.quarantine.load(finding.evidence["quarantined"]) == wrong
    assert report.hash_failures == 1
    assert world.head == (1 if kind == "BLOCK_SUMMARY" else COUNT - 1)
    assert world.heads.load(STRAND).diverged_at == (2 if kind == "BLOCK_SUMMARY" else None)


def test_the_true_record_makes_the_strand_whole_again(world):
    records = world.published(aggregation=False)
    pointer = next(each for each in pointers(records) if each.address.sequence_no == 2)
    data = world.aside.kept[pointer.place.key]
    world.aside.kept[pointer.place.key] = b"rubbish"
    world.auditor.audit(records)
    world.aside.kept[pointer.place.key] = data
    world.auditor.audit(records)
    assert world.head == COUNT - 1


def put_aside(world, data, record_type="BLOCK_SUMMARY"):
    """A pointer, by somebody who may write both to the stream and below ``records/``."""
    place = world.aside.keep(data)
    payload = pointer_payload(record_type, BlockAddress(STRAND, 0), place)
    pointer = encode({"qldbStreamArn": STREAM_ARN, "recordType": "OVERSIZED_RECORD", "payload": payload})
    return kinesis_records([OuterRecord(STRAND, pointer)])


def test_what_was_set_aside_and_cannot_be_read_is_kept_and_reported(world):
    records = put_aside(world, b"rubbish")
    report, detected = both(world, records)
    [finding] = report.findings
    assert finding.rule_id == AuditRule.UNREADABLE_RECORD
    assert world.quarantine.load(finding.evidence["quarantined"]) == b"rubbish"
    assert detected.unreadable == 1


def test_a_pointer_to_a_pointer_is_not_followed(world):
    [inner] = put_aside(world, b"rubbish")
    report = world.auditor.audit(put_aside(world, inner.data))
    assert [each.rule_id for each in report.findings] == [AuditRule.UNREADABLE_RECORD]


def test_more_than_one_batch_holds_comes_with_the_next(world, monkeypatch):
    records = world.published(aggregation=False)
    most = max(each.place.size_bytes for each in pointers(records))
    monkeypatch.setattr(set_aside.PointerFollower, "__init__", limited(set_aside.PointerFollower.__init__, 3 * most))
    for service in (world.auditor.audit, world.detector.detect):
        left, rounds = records, 0
        while left:
            failed = service(left).failed_index
            assert failed != 0
            left, rounds = ([] if failed is None else left[failed:]), rounds + 1
        assert rounds > 2
    assert (world.head, world.rules()) == (COUNT - 1, set())


def limited(init, left_bytes):
    return lambda self, store: init(self, store, left_bytes)


def test_the_place_follows_from_the_bytes_and_the_day():
    place = set_aside_place("bucket", b"data", later(days=1).date())
    assert place == set_aside_place("bucket", b"data", later(days=1).date())
    assert place.key != set_aside_place("bucket", b"data", later(days=2).date()).key


def test_a_frame_of_pointers_is_taken_apart_like_any_other(world):
    first, second = (put_aside(world, data)[0].data for data in (b"a", b"b"))
    frame = aggregate([KeyedRecord("k", first), KeyedRecord("k", second)])
    report = world.auditor.audit(kinesis_records([OuterRecord(STRAND, frame)]))
    assert report.quarantined == 2
