"""The producer puts a journal's blocks into Kinesis as QLDB did: keyed, framed, in order, whole."""

import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from counterfoil.errors import UnavailableError
from counterfoil.journal import BlockSummaryRecord, ControlRecord, deaggregate, parse_stream_record
from lab.producer import (
    REQUEST_LIMIT_BYTES,
    STREAM_ARN,
    OuterRecord,
    UserRecord,
    control,
    outer_records,
    put,
    streamed,
)
from tests.journals import STRAND, transfers


@pytest.fixture(scope="module")
def blocks():
    return [streamed(block) for block in transfers(40).blocks]


def users(blocks):
    return [record for block in blocks for record in block.records]


def test_a_block_is_its_summary_then_its_revisions_each_under_its_own_hash(blocks):
    summary, details = (parse_stream_record(each.data) for each in blocks[3].records)
    assert isinstance(summary, BlockSummaryRecord)
    assert blocks[3].summary.partition_key == summary.block.block_hash.hex()
    assert blocks[3].details[0].partition_key == details.revision.hash.hex()
    assert summary.stream_arn == details.stream_arn == STREAM_ARN


def test_internal_revisions_are_listed_and_have_no_details():
    from dataclasses import replace

    from counterfoil.journal.builder import JournalBuilder
    from tests.journals import transfer

    seen = transfer(1)
    hidden = replace(seen.changes[0], document_id="hidden", internal=True)
    block = streamed(JournalBuilder(STRAND).append(replace(seen, changes=(hidden, *seen.changes))))
    assert len(parse_stream_record(block.summary.data).block.summaries) == 2
    (details,) = block.details
    assert parse_stream_record(details.data).metadata.document_id == seen.changes[0].document_id


def test_frames_hold_every_record_in_order_under_the_strands_key(blocks):
    outer = list(outer_records(users(blocks), STRAND, max_bytes=6_000))
    assert len(outer) > 5
    assert {each.partition_key for each in outer} == {STRAND}
    found = [user for each in outer for user in deaggregate(each.data, each.partition_key).records]
    assert [(each.partition_key, each.data) for each in found] == users(blocks)


@pytest.mark.parametrize("limit", [1_500, 6_000, 51_200])
def test_a_frame_stays_below_its_limit(blocks, limit):
    assert max(len(each.data) for each in outer_records(users(blocks), STRAND, max_bytes=limit)) <= limit


def test_a_record_larger_than_the_limit_gets_a_frame_of_its_own():
    big, small = UserRecord("a", b"x" * 5_000), UserRecord("b", b"y")
    outer = list(outer_records([small, big, small], "key", max_bytes=1_000))
    assert [len(deaggregate(each.data, "key").records) for each in outer] == [1, 1, 1]


def test_without_aggregation_every_record_goes_alone(blocks):
    outer = list(outer_records(users(blocks), STRAND, aggregation=False))
    assert [each.data for each in outer] == [each.data for each in users(blocks)]
    assert not any(deaggregate(each.data, "key").aggregated for each in outer)


def test_a_control_record_says_what_became_of_the_stream():
    assert parse_stream_record(control("CREATED").data) == ControlRecord(STREAM_ARN, "CREATED")


def test_importing_the_aggregator_leaves_the_search_path_as_it_was():
    program = (
        "import sys; before = list(sys.path)\n"
        "from lab.producer import UserRecord, aggregate\n"
        "aggregate([UserRecord('k', b'v')])\n"
        "assert 'aws_kinesis_agg.aggregator' in sys.modules and sys.path == before, sys.path\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@dataclass
class FlakyKinesis:
    """Refuses the records whose turn it is: ``refusals`` maps a request's number to the positions refused in it."""

    refusals: dict[int, set[int]] = field(default_factory=dict)
    requests: list[list[bytes]] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)

    def put_records(self, *, StreamName, Records):
        assert StreamName == "journal"
        refused = self.refusals.get(len(self.requests), set())
        self.requests.append([each["Data"] for each in Records])
        self.kept += [each["Data"] for index, each in enumerate(Records) if index not in refused]
        code = "ProvisionedThroughputExceededException"
        return {"Records": [{"ErrorCode": code} if index in refused else {} for index in range(len(Records))]}


def outer(count, size=10):
    return [OuterRecord(STRAND, str(index).encode().rjust(size)) for index in range(count)]


def test_records_are_put_in_requests_of_500():
    client = FlakyKinesis()
    summary = put(client, "journal", outer(1_001), pause=lambda _: None)
    assert [len(each) for each in client.requests] == [500, 500, 1]
    assert (summary.records, summary.size_bytes, summary.retried) == (1_001, 10_010, 0)


def test_a_request_stays_below_five_megabytes():
    client = FlakyKinesis()
    put(client, "journal", outer(12, size=1_000_000), pause=lambda _: None)
    assert max(sum(map(len, each)) for each in client.requests) <= REQUEST_LIMIT_BYTES
    assert sum(map(len, client.requests)) == 12


def test_what_was_refused_is_put_again_before_anything_else():
    client = FlakyKinesis({0: {1, 3}, 1: {0}})
    pauses = []
    summary = put(client, "journal", outer(502), pause=pauses.append)
    records = [each.data for each in outer(502)]
    assert client.requests[1:3] == [[records[1], records[3]], [records[1]]]
    assert sorted(client.kept) == sorted(records)
    assert summary.retried == 3
    assert pauses == sorted(pauses)


def test_a_stream_that_goes_on_refusing_is_unavailable():
    client = FlakyKinesis({request: {0} for request in range(100)})
    with pytest.raises(UnavailableError, match="refused 1 records"):
        put(client, "journal", outer(1), pause=lambda _: None)
