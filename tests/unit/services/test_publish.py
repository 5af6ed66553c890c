"""The publisher puts what a ledger stored as QLDB streamed it: in order, from a cursor, whole, and says when it cannot."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from counterfoil.adapters.memory import MemoryStream
from counterfoil.errors import InputError, LimitError, UnavailableError
from counterfoil.ion.codec import encode
from counterfoil.journal import (
    RevisionKind,
    deaggregate,
    parse_stream_record,
    verify_block,
    verify_revision,
)
from counterfoil.ledger.jobs import StreamStatus
from counterfoil.services import publish
from counterfoil.services.publish import END_GRACE, Publisher, first_block_at, outer_records
from tests.exports import EVERYTHING, NOW, ListReader, aggregate, big_transfer, later, said, stream_job
from tests.journals import STRAND, STREAM_ARN, copy_of, journal_of, transfer, transfers


def put_by(publisher, job, now=NOW):
    """The jobs that publishing yields."""
    return list(publisher.publish(job, now))


@pytest.fixture
def sink():
    return MemoryStream()


@pytest.fixture
def publisher(sink):
    return Publisher(ListReader.of(transfers(6)), sink, aggregate)


@pytest.mark.parametrize("aggregation", [True, False])
def test_everything_is_put_in_order_under_the_strands_key(publisher, sink, aggregation):
    *_, last = put_by(publisher, stream_job(aggregation=aggregation))
    assert said(sink.records) == EVERYTHING
    assert {each.partition_key for each in sink.records} == {STRAND}
    assert any(deaggregate(each.data, "").aggregated for each in sink.records) is aggregation
    assert (last.next_sequence_no, last.status) == (6, StreamStatus.ACTIVE)


def test_a_stored_block_gives_the_records_that_its_builder_gives(publisher, sink):
    put_by(publisher, stream_job())
    users = [user.data for each in sink.records for user in deaggregate(each.data, "").records]
    assert users[1:] == [data for block in transfers(6).blocks for data in block.stream_records(STREAM_ARN)]


def test_an_empty_ledger_has_a_stream_that_was_created(sink):
    (job,) = put_by(Publisher(ListReader([]), sink, aggregate), stream_job())
    assert (said(sink.records), job.next_sequence_no) == (["CREATED"], 0)


def test_a_stream_goes_on_from_its_cursor(publisher, sink):
    *_, last = put_by(publisher, stream_job())
    sink.records.clear()
    assert put_by(publisher, last) == []
    publisher.reader.append(transfers(7).blocks[6].block_binary())
    (job,) = put_by(publisher, last)
    assert (said(sink.records), job.next_sequence_no) == ([6, "r6"], 7)


def test_the_cursor_moves_only_behind_what_was_confirmed(monkeypatch, publisher, sink):
    monkeypatch.setattr(publish, "BATCH_BLOCKS", 2)
    jobs = publisher.publish(stream_job(), NOW)
    cursors = [(job.next_sequence_no, len(said(sink.records))) for job in jobs]
    assert cursors == [(0, 1), (2, 5), (4, 9), (6, 13)]


def test_a_batch_ends_where_it_has_bytes_enough(monkeypatch, publisher, sink):
    monkeypatch.setattr(publish, "BATCH_BYTES", 1)
    assert [job.next_sequence_no for job in put_by(publisher, stream_job())] == [0, 1, 2, 3, 4, 5, 6]
    assert said(sink.records) == EVERYTHING


@pytest.mark.parametrize(("seconds", "first"), [(-5, 0), (0, 0), (2, 2), (2.5, 3), (5, 5)])
def test_the_start_time_is_included(publisher, sink, seconds, first):
    put_by(publisher, stream_job(inclusive_start=later(seconds=seconds)))
    assert said(sink.records) == ["CREATED", *EVERYTHING[1 + 2 * first :]]


def test_blocks_before_the_start_time_are_passed_and_not_looked_at_again(publisher, sink):
    *_, last = put_by(publisher, stream_job(inclusive_start=later(seconds=100)))
    assert (said(sink.records), last.next_sequence_no) == (["CREATED"], 6)


@pytest.mark.parametrize(("seconds", "behind"), [(1, 1), (2.5, 3), (5, 5)])
def test_the_end_time_is_excluded_and_reached_by_the_first_block_that_has_it(publisher, sink, seconds, behind):
    *_, last = put_by(publisher, stream_job(exclusive_end=later(seconds=seconds)), now=later(seconds=1))
    assert said(sink.records) == [*EVERYTHING[: 1 + 2 * behind], "COMPLETED"]
    assert (last.status, last.ended_at) == (StreamStatus.COMPLETED, later(seconds=1))


def test_the_end_time_is_reached_by_the_clock_only_when_no_earlier_block_can_come(publisher, sink):
    job = stream_job(exclusive_end=later(seconds=60))
    assert timedelta(seconds=5) == END_GRACE
    *_, last = put_by(publisher, job, now=later(seconds=60) + END_GRACE - timedelta(milliseconds=1))
    assert last.status is StreamStatus.ACTIVE
    publisher.reader.append(transfers(7).blocks[6].block_binary())
    *_, last = put_by(publisher, last, now=later(seconds=60) + END_GRACE)
    assert last.status is StreamStatus.COMPLETED
    assert said(sink.records) == [*EVERYTHING, 6, "r6", "COMPLETED"]


def test_a_redacted_revision_is_streamed_with_the_hash_of_its_data(sink):
    fields = copy_of(transfers(1).blocks[0].fields)
    revision = fields["revisions"][0]
    data_hash = bytes(range(32))
    redacted = {name: value for name, value in revision.items() if name != "data"}
    fields["revisions"] = [
        {
            "blockAddress": redacted["blockAddress"],
            "hash": redacted["hash"],
            "dataHash": data_hash,
            "metadata": redacted["metadata"],
        }
    ]
    put_by(Publisher(ListReader([encode(fields)]), sink, aggregate), stream_job(aggregation=False))
    details = parse_stream_record(sink.records[-1].data).revision
    assert (details.kind, details.contents_hash) == (RevisionKind.REDACTED, data_hash)


def test_deleted_and_internal_revisions_are_streamed_as_such(sink):
    seen = transfer(0)
    deleted = replace(seen.changes[0], data=None)
    hidden = replace(seen.changes[0], document_id="hidden", internal=True)
    journal = journal_of([replace(seen, changes=(hidden, deleted))])
    put_by(Publisher(ListReader.of(journal), sink, aggregate), stream_job(aggregation=False))
    _, summary, details = [parse_stream_record(each.data) for each in sink.records]
    assert [each.document_id for each in verify_block(summary.block).summaries] == [None, deleted.document_id]
    assert verify_revision(details.revision).kind is RevisionKind.DELETED


def test_a_large_record_has_a_frame_of_its_own(sink):
    journal = journal_of([transfer(0), big_transfer(1, 100_000), transfer(2)])
    put_by(Publisher(ListReader.of(journal), sink, aggregate), stream_job())
    frames = [said([each]) for each in sink.records]
    assert ["r1"] in frames
    assert [record for frame in frames for record in frame] == ["CREATED", 0, "r0", 1, "r1", 2, "r2"]


def test_a_record_whose_frame_would_be_too_large_goes_without_one(sink):
    (_, details) = journal_of([big_transfer(0, 900_000)]).blocks[0].stream_records(STREAM_ARN)
    journal = journal_of([big_transfer(0, 900_000 + sink.record_limit_bytes - len(STRAND) - len(details))])
    put_by(Publisher(ListReader.of(journal), sink, aggregate), stream_job())
    assert said(sink.records) == ["CREATED", 0, "r0"]
    assert not deaggregate(sink.records[-1].data, "").aggregated
    assert len(sink.records[-1].data) + len(STRAND) == sink.record_limit_bytes


@pytest.mark.parametrize("aggregation", [True, False])
def test_publishing_stops_in_front_of_a_record_that_is_too_large(sink, aggregation):
    journal = journal_of([transfer(0), big_transfer(1, sink.record_limit_bytes), transfer(2)])
    jobs = Publisher(ListReader.of(journal), sink, aggregate).publish(stream_job(aggregation=aggregation), NOW)
    assert [next(jobs).next_sequence_no, next(jobs).next_sequence_no] == [0, 1]
    with pytest.raises(LimitError, match=rf"a record of block {STRAND}#1 has \d+ bytes"):
        next(jobs)
    assert said(sink.records) == ["CREATED", 0, "r0"]


def test_a_stream_that_takes_larger_records_gets_them(sink):
    sink.record_limit_bytes *= 3
    journal = journal_of([big_transfer(0, 2_000_000)])
    put_by(Publisher(ListReader.of(journal), sink, aggregate), stream_job())
    assert said(sink.records) == ["CREATED", 0, "r0"]


def test_frames_keep_to_a_streams_smaller_limit(sink):
    sink.record_limit_bytes = 1_500
    put_by(Publisher(ListReader.of(transfers(6)), sink, aggregate), stream_job())
    assert said(sink.records) == EVERYTHING
    assert max(len(each.data) for each in sink.records) + len(STRAND) <= 1_500


@dataclass
class FlakySink(MemoryStream):
    """Fails at the numbered puts, before or after they took effect."""

    failures: dict[int, str] = field(default_factory=dict)
    puts: int = 0

    def put(self, records, /):
        self.puts += 1
        failure = self.failures.get(self.puts)
        if failure != "before":
            super().put(records)
        if failure:
            raise UnavailableError("not now")


@pytest.mark.parametrize("failure", ["before", "after"])
@pytest.mark.parametrize("failing", [1, 2, 3, 4])
def test_whatever_put_fails_every_record_comes_at_least_once_and_in_order(monkeypatch, failure, failing):
    monkeypatch.setattr(publish, "BATCH_BLOCKS", 3)
    sink = FlakySink(failures={failing: failure})
    job = stream_job(exclusive_end=later(hours=1))
    publisher = Publisher(ListReader.of(transfers(6)), sink, aggregate)
    for _ in range(2):
        with suppress(UnavailableError):
            for reached in publisher.publish(job, NOW):
                job = reached
    found = said(sink.records)
    assert job.status is StreamStatus.COMPLETED
    assert list(dict.fromkeys(found)) == [*EVERYTHING, "COMPLETED"]


@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_the_first_block_at_a_time_is_found(size):
    reader = ListReader.of(transfers(7))
    for begin in range(size + 1):
        for seconds in range(-1, 8):
            found = first_block_at(reader, later(seconds=seconds), begin, size)
            assert found == min(max(begin, seconds), size)


def test_a_block_that_does_not_belong_to_a_table_is_refused(sink):
    fields = copy_of(transfers(1).blocks[0].fields)
    del fields["transactionInfo"]["documents"]
    with pytest.raises(InputError, match="names no table"):
        put_by(Publisher(ListReader([encode(fields)]), sink, aggregate), stream_job())


def test_outer_records_of_nothing_are_none():
    assert list(outer_records([], STRAND, aggregate)) == []
