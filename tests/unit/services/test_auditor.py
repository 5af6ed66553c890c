"""The auditor as a service: batches in, heads and findings out, and what it says when a store is away."""

from datetime import timedelta

import pytest

from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryQuarantine
from counterfoil.detection.acceptance import accept
from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.finding import Status
from counterfoil.detection.strand import Bounds
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.ion import dump_binary, load_binary
from counterfoil.journal import digest_of
from counterfoil.journal.builder import JournalBuilder
from counterfoil.journal.publication import control_record
from counterfoil.ports import quarantine_name
from counterfoil.services.audit import MAX_ROUNDS
from lab.producer import UserRecord, aggregate, streamed
from tests.audit_worlds import NOW, AuditWorld, kinesis_record, user_datas
from tests.journals import OTHER_STRAND, STRAND, STREAM_ARN, copy_of, rehash, transfer, transfers


@pytest.fixture(scope="module")
def journal():
    return transfers(10)


@pytest.fixture(scope="module")
def other_blocks():
    builder = JournalBuilder(OTHER_STRAND)
    return [builder.append(transfer(number)) for number in range(4)]


def summary_of(fields):
    """A forged block's stream summary."""
    payload = {name: value for name, value in fields.items() if name != "revisions"}
    payload["revisionSummaries"] = [
        {"hash": each["hash"], "documentId": each["metadata"]["id"]} for each in fields["revisions"]
    ]
    return dump_binary({"qldbStreamArn": STREAM_ARN, "recordType": "BLOCK_SUMMARY", "payload": payload})


class Away:
    """A port of which one call raises, the first ``times`` times."""

    def __init__(self, port, call, error=None, times=10**9):
        self._port, self._call, self._times = port, call, times
        self._error = error or UnavailableError(f"{call} is away")

    def __getattr__(self, name):
        if name == self._call and self._times > 0:

            def fail(*_):
                self._times -= 1
                raise self._error

            return fail
        return getattr(self._port, name)


# Counting -----------------------------------------------------------------------------------------------------------


def test_an_honest_batch_gives_a_verified_head_and_counts(journal):
    world = AuditWorld()
    report = world.deliver(user_datas(journal.blocks))
    assert digest_of(world.state().head) == journal.builder.digest()
    assert (report.records, report.blocks_verified, report.revisions_verified, report.blocks_new) == (20, 10, 10, 10)
    assert (report.duplicates, report.quarantined, report.findings, report.failed_index) == (0, 0, [], None)
    assert report.strands[STRAND] == world.state()


def test_a_batch_as_numbers_goes_by_the_names_of_the_template(journal):
    world = AuditWorld()
    report = world.deliver(user_datas(journal.blocks[:3]) + user_datas(journal.blocks[4:6]) + [b"rubbish"])
    last = journal.blocks[5].fields["blockTimestamp"].to_datetime()
    assert report.metrics(last + timedelta(seconds=3)) == {
        "RecordsRead": 11,
        "BlocksVerified": 5,
        "RevisionsVerified": 5,
        "HashFailures": 0,
        "OpenGaps": 0,
        "Duplicates": 0,
        "Quarantined": 1,
        "FindingsWritten": 1,
        "WatermarkLagMs": 3_000.0,
    }
    assert world.wait(61).open_gaps == 1, "a hole counts once it is older than the grace period"


def test_the_lag_of_a_clock_that_is_behind_is_none(journal):
    report = AuditWorld().deliver(user_datas(journal.blocks))
    assert report.metrics(journal.blocks[0].fields["blockTimestamp"].to_datetime())["WatermarkLagMs"] == 0.0


def test_a_batch_without_blocks_has_no_lag():
    assert "WatermarkLagMs" not in AuditWorld().deliver([]).metrics(NOW)


def test_an_empty_batch_is_nothing():
    world = AuditWorld()
    report = world.deliver([])
    assert (report.records, report.findings, report.failed_index) == (0, [], None)
    assert world.heads.strands() == []


def test_an_aggregate_is_as_good_as_its_records(journal):
    world = AuditWorld()
    frame = aggregate([UserRecord("k", data) for data in user_datas(journal.blocks)])
    report = world.deliver([frame])
    assert (report.records, report.blocks_verified) == (1, 10)
    assert digest_of(world.state().head) == journal.builder.digest()


def test_strands_of_one_batch_do_not_mix(journal, other_blocks):
    world = AuditWorld()
    ours, theirs = user_datas(journal.blocks[:4]), user_datas(other_blocks)
    world.deliver([data for pair in zip(ours, theirs, strict=True) for data in pair])
    assert world.heads.strands() == sorted([STRAND, OTHER_STRAND])
    assert [world.state(each).head.end for each in (STRAND, OTHER_STRAND)] == [4, 4]
    assert world.found() == []


def test_a_batch_with_more_islands_than_one_save_takes_is_saved_in_pieces():
    """MAX_RUNS runs fit one step; every second block of 260 makes 130."""
    made = transfers(260)
    world = AuditWorld()
    odd, even = made.blocks[1::2], made.blocks[::2]
    assert world.deliver(user_datas(odd)).failed_index is None
    assert world.state().version == 2
    assert len(world.state().segments) == 130
    assert world.deliver(user_datas(even)).failed_index is None
    assert digest_of(world.state().head) == made.builder.digest()
    assert not world.state().awaited
    assert world.found() == []


# Findings -----------------------------------------------------------------------------------------------------------


def test_control_records_are_findings(journal):
    world = AuditWorld()
    world.deliver([control_record(STREAM_ARN, "CREATED"), *user_datas(journal.blocks)])
    assert world.found() == [("audit.stream-control", STREAM_ARN, "OPEN")]
    assert world.state().head.end == 10


def test_a_fork_is_kept_in_quarantine_with_its_bytes(journal):
    world = AuditWorld()
    world.deliver(user_datas(journal.blocks))
    fields = copy_of(journal.blocks[4].fields)
    fields["transactionInfo"]["statements"][0]["statement"] = "SELECT 1"
    data = summary_of(rehash(fields))
    report = world.deliver([data])
    assert [each.rule_id for each in report.findings] == [AuditRule.FORK]
    assert world.quarantine.load(report.findings[0].evidence["quarantined"]) == data
    assert report.hash_failures == 1


def test_a_block_whose_contents_do_not_verify_is_kept_and_its_neighbours_are_taken(journal):
    fields = copy_of(journal.blocks[2].fields)
    fields["entriesHash"] = b"\1" * 32
    data = summary_of(fields)
    world = AuditWorld()
    report = world.deliver([*user_datas(journal.blocks[:2]), data, *user_datas(journal.blocks[3:])])
    assert world.found() == [("audit.contents-mismatch", f"{STRAND}#2", "OPEN")]
    assert world.quarantine.kept == {quarantine_name(data): data}
    assert [(each.segment.begin, each.segment.end) for each in world.state().segments] == [(0, 2), (3, 10)]
    assert (report.quarantined, report.failed_index) == (1, None)


def test_a_whole_block_in_the_place_of_a_summary_with_a_false_revision_is_a_finding(journal):
    """A producer may send revisions where the format has summaries; what is false in them must not stop the batch."""
    fields = copy_of(journal.blocks[2].fields)
    fields["revisions"][0]["data"]["amount"] += 1
    data = dump_binary({"qldbStreamArn": STREAM_ARN, "recordType": "BLOCK_SUMMARY", "payload": fields})
    world = AuditWorld()
    report = world.deliver([*user_datas(journal.blocks[:2]), data, *user_datas(journal.blocks[3:])])
    assert report.failed_index is None
    assert world.found() == [("audit.contents-mismatch", f"{STRAND}#2", "OPEN")]
    assert world.quarantine.load(quarantine_name(data)) == data


def test_a_whole_honest_block_in_the_place_of_a_summary_is_taken(journal):
    data = dump_binary(
        {"qldbStreamArn": STREAM_ARN, "recordType": "BLOCK_SUMMARY", "payload": journal.blocks[0].fields}
    )
    world = AuditWorld()
    world.deliver([data, *user_datas(journal.blocks)[1:]])
    assert world.found() == []
    assert world.state().head.end == 10


def test_an_altered_revision_is_kept_with_its_bytes_and_says_its_document(journal):
    record = load_binary(streamed(journal.blocks[3]).details[0].data)
    record["payload"]["revision"]["data"]["amount"] += 1
    data = dump_binary(record)
    datas = user_datas(journal.blocks)
    world = AuditWorld()
    report = world.deliver([*datas[:7], data, *datas[8:]])
    assert world.found() == [("audit.revision-mismatch", f"{STRAND}#3", "OPEN")]
    finding = report.findings[0]
    assert finding.document_id == record["payload"]["revision"]["metadata"]["id"]
    assert world.quarantine.load(finding.evidence["quarantined"]) == data
    assert finding.evidence["expected"] == record["payload"]["revision"]["hash"].hex()
    assert not world.state().awaited


def test_a_revision_with_a_false_hash_is_one_finding_and_no_orphan(journal):
    record = load_binary(streamed(journal.blocks[3]).details[0].data)
    record["payload"]["revision"]["hash"] = b"\1" * 32
    datas = user_datas(journal.blocks)
    world = AuditWorld()
    world.deliver([*datas[:7], dump_binary(record), *datas[8:]])
    world.wait(10_000)
    assert world.found() == [("audit.revision-mismatch", f"{STRAND}#3", "OPEN")]


def test_a_person_who_accepts_a_gap_is_not_overruled_by_a_replay(journal):
    world = AuditWorld()
    world.deliver(user_datas(journal.blocks[:3] + journal.blocks[5:8]))
    state = world.state()
    world.heads.advance(state, accept(state, 5), ())
    report = world.deliver(user_datas(journal.blocks[:3]))
    assert (report.blocks_new, report.duplicates) == (0, 6)
    assert world.state().head.begin == 5
    world.deliver(user_datas(journal.blocks[8:]))
    assert [(each.segment.begin, each.segment.end) for each in world.state().segments] == [(5, 10)]


# When something is away ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("port", "call"),
    [("heads", "load"), ("heads", "advance"), ("heads", "known_blocks"), ("findings", "record")],
)
def test_a_store_that_is_away_fails_the_batch_from_its_first_record_and_a_repetition_heals_it(journal, port, call):
    world = AuditWorld()
    world.deliver(user_datas(journal.blocks[:2]))
    stores = {"heads": world.heads, "findings": world.findings, "quarantine": world.quarantine}
    broken = AuditWorld(**{**stores, port: Away(stores[port], call)})
    datas = user_datas(journal.blocks[1:])
    report = broken.deliver([control_record("stream", "CREATED"), *datas] if call == "record" else datas)
    assert report.failed_index == 0
    assert "away" in report.failure
    world.deliver(datas)
    assert digest_of(world.state().head) == journal.builder.digest()


def test_what_could_not_be_recorded_is_found_again_by_the_repetition(journal):
    """Findings come before the state: a head that was advanced would make the repetition a duplicate, without findings."""
    world = AuditWorld(findings=Away(MemoryFindings(), "record", times=1))
    forged = copy_of(journal.blocks[2].fields)
    forged["transactionInfo"]["statements"][0]["statement"] = "SELECT 1"
    datas = [*user_datas(journal.blocks[:2]), summary_of(rehash(forged)), *user_datas(journal.blocks[3:])]
    assert world.deliver(datas).failed_index == 0
    assert world.state() is None
    assert world.deliver(datas).failed_index is None
    assert ("audit.broken-link", f"{STRAND}#3", "OPEN") in world.found()


def test_only_the_strand_whose_store_is_away_fails(journal, other_blocks):
    class Picky(MemoryHeads):
        def load(self, strand_id):
            if strand_id == OTHER_STRAND:
                raise UnavailableError("this strand's partition is away")
            return super().load(strand_id)

    world = AuditWorld(heads=Picky())
    report = world.deliver(user_datas(journal.blocks[:2]) + user_datas(other_blocks))
    assert report.failed_index == 4
    assert world.state().head.end == 2


def test_bytes_that_could_not_be_kept_are_to_be_delivered_again(journal):
    world = AuditWorld(quarantine=Away(MemoryQuarantine(), "keep", times=1))
    datas = [*user_datas(journal.blocks[:2]), b"rubbish", *user_datas(journal.blocks[2:])]
    report = world.deliver(datas)
    assert report.failed_index == 4
    assert world.found() == []
    assert world.state().head.end == 10, "the neighbours are not lost with it"
    assert world.deliver(datas[4:]).failed_index is None
    assert world.found() == [
        ("audit.unreadable-record", f"bytes-{quarantine_name(b'rubbish').partition('/')[2]}", "OPEN")
    ]


def test_findings_of_no_strand_that_could_not_be_recorded_are_delivered_again_from_the_first_of_them():
    world = AuditWorld(findings=Away(MemoryFindings(), "record"))
    assert world.deliver([b"rubbish", b"more of it", control_record("s", "CREATED")]).failed_index == 0


def test_the_lowest_failing_record_is_the_one_to_deliver_from(journal):
    world = AuditWorld(heads=Away(MemoryHeads(), "load"), quarantine=Away(MemoryQuarantine(), "keep"))
    assert world.deliver([control_record("s", "CREATED"), b"rubbish", *user_datas(journal.blocks)]).failed_index == 1


def test_a_strand_advanced_by_somebody_else_is_weighed_again(journal):
    heads = Away(MemoryHeads(), "advance", ConflictError("somebody else"), times=MAX_ROUNDS - 1)
    world = AuditWorld(heads=heads)
    report = world.deliver(user_datas(journal.blocks))
    assert report.failed_index is None
    assert report.blocks_new == 10, "a round that was lost is not counted"
    assert digest_of(world.state().head) == journal.builder.digest()


def test_a_batch_that_was_overtaken_is_weighed_on_what_the_other_left(journal):
    heads = MemoryHeads()

    class Overtaken(MemoryHeads):
        """Between loading and advancing, another consumer advances the strand."""

        def advance(self, old, new, runs):
            if heads.load(STRAND) is None:
                AuditWorld(heads=heads).deliver(user_datas(journal.blocks[5:]))
            heads.advance(old, new, runs)

    world = AuditWorld(heads=Overtaken(heads.states, heads.blocks))
    assert world.deliver(user_datas(journal.blocks[:5])).failed_index is None
    assert digest_of(world.state().head) == journal.builder.digest()


def test_a_strand_always_advanced_by_others_is_given_up_for_now(journal):
    world = AuditWorld(heads=Away(MemoryHeads(), "advance", ConflictError("somebody else")))
    report = world.deliver(user_datas(journal.blocks))
    assert report.failed_index == 0
    assert "12 times" in report.failure


def test_a_batch_beyond_the_bounds_waits(journal):
    world = AuditWorld(bounds=Bounds(segments=2))
    world.deliver(user_datas([journal.blocks[0], journal.blocks[2]]))
    report = world.deliver(user_datas([journal.blocks[4]]))
    assert report.failed_index == 0
    assert world.found() == []
    assert world.deliver(user_datas([journal.blocks[1]])).failed_index is None
    assert world.deliver(user_datas([journal.blocks[4]])).failed_index is None


# The sweep ----------------------------------------------------------------------------------------------------------


def test_the_sweep_reports_what_a_silent_stream_left_open(journal, other_blocks):
    world = AuditWorld()
    world.deliver(user_datas(journal.blocks[:3] + journal.blocks[4:]) + user_datas(other_blocks[:1] + other_blocks[2:]))
    assert world.wait(60).findings == []
    report = world.wait(1)
    assert sorted(each.place for each in report.findings) == sorted([f"{STRAND}#4", f"{OTHER_STRAND}#2"])
    assert report.open_gaps == 2
    assert world.wait(1).findings == []


def test_the_sweep_of_one_strand_that_is_away_does_not_keep_the_others_from_it(journal, other_blocks):
    class Picky(MemoryHeads):
        away = False

        def load(self, strand_id):
            if self.away and strand_id == OTHER_STRAND:
                raise UnavailableError("away")
            return super().load(strand_id)

    heads = Picky()
    world = AuditWorld(heads=heads)
    world.deliver(user_datas(journal.blocks[:3] + journal.blocks[4:]) + user_datas(other_blocks))
    heads.away = True
    report = world.wait(61)
    assert report.failure == "away"
    assert ("audit.gap", f"{STRAND}#4", "OPEN") in world.found()


def test_a_sweep_of_nothing_is_nothing():
    assert AuditWorld().wait(10).findings == []


def test_a_sweep_that_loses_the_race_against_the_late_block_leaves_no_gap_open(journal):
    findings, heads = MemoryFindings(), MemoryHeads()
    stream = AuditWorld(heads=heads, findings=findings)
    stream.deliver(user_datas(journal.blocks[:3] + journal.blocks[4:]))
    stream.now += timedelta(seconds=61)

    class Overtaken(MemoryFindings):
        """Between the sweep's recording of a finding and its advance, the late block is audited."""

        def record(self, made):
            # The winner's own recording comes first: at that time there is nothing to heal.
            if made:
                stream.deliver(user_datas(journal.blocks[3:4]))
            return findings.record(made)

    sweep = AuditWorld(heads=heads, findings=Overtaken(), now=stream.now)
    sweep.auditor.sweep()
    stream.wait(10_000)
    assert [each for each in stream.found() if each[2] == Status.OPEN] == []


def test_records_say_where_they_came_from_when_they_cannot_be_read():
    world = AuditWorld()
    world.auditor.audit([kinesis_record(b"rubbish", key="k-1", number=77, shard=3)])
    finding = next(iter(world.findings.findings.values()))
    assert finding.evidence | {"quarantined": ""} == {
        "quarantined": "",
        "size_bytes": "7",
        "shard_id": "shardId-000000000003",
        "shard_sequence_number": "77",
        "sub_sequence_number": "0",
        "partition_key": "k-1",
    }
