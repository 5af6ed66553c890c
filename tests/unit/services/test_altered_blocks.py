"""A block that was altered in the journal after it was published is published as it is now, so that the auditor finds out."""

from datetime import timedelta
from decimal import Decimal

import pytest

from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryJobs, MemoryQuarantine, MemoryStream
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.audit_rules import AuditRule
from counterfoil.detection.strand_audit import Patience
from counterfoil.errors import NotFoundError, UnavailableError
from counterfoil.ion.codec import encode
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from counterfoil.services.audit import Auditor
from counterfoil.services.batch import KinesisRecord
from counterfoil.services.stream_publishing import StreamPublishing
from tests.exports import NOW, ListReader, aggregate, stream_job
from tests.journals import OTHER_STRAND, STRAND, copy_of, first_revision, rehash, transfers

COUNT = 6


class World:
    """A ledger whose journal was published into one stream, and the auditor who verified it."""

    def __init__(self):
        self.reader = ListReader.of(transfers(COUNT))
        self.sink = MemoryStream()
        self.jobs = MemoryJobs()
        job = stream_job()
        self.jobs.save_stream(job)
        registry = MemoryLedgerRegistry()
        mode = PermissionsMode.STANDARD
        registry.save(None, RegisteredLedger(job.ledger_name, STRAND, NOW, LedgerState.ACTIVE, mode))
        set_aside = MemorySetAside(lambda: NOW)
        self.publishing = StreamPublishing(
            self.jobs, registry, lambda _: self.reader, lambda _: self.sink, aggregate, set_aside, lambda: NOW
        )
        self.kept = MemoryFindings()
        patience = Patience(timedelta(seconds=60), timedelta(seconds=900))
        self.auditor = Auditor(
            MemoryHeads(), self.kept, MemoryQuarantine(), MemorySetAside(lambda: NOW), lambda: NOW, patience
        )
        self.read = 0

    def findings(self):
        """What the auditor has found by now."""
        records = [
            KinesisRecord("shardId-000000000000", str(at), each.partition_key, each.data, NOW)
            for at, each in enumerate(self.sink.records[self.read :], self.read)
        ]
        self.read = len(self.sink.records)
        assert self.auditor.audit(records).failure is None
        return {finding.rule_id for finding in self.kept.findings.values()} - {str(AuditRule.STREAM_CONTROL)}


@pytest.fixture
def world():
    made = World()
    made.publishing.publish_all()
    assert made.findings() == set()
    return made


def altered(number, *, rehashed):
    fields = copy_of(transfers(COUNT).blocks[number].fields)
    first_revision(fields)["data"]["amount"] = Decimal("99999.00")
    return encode(rehash(fields) if rehashed else fields)


@pytest.mark.parametrize(
    ("rehashed", "found"), [(True, AuditRule.FORK), (False, AuditRule.REVISION_MISMATCH)], ids=["a forger", "a bungler"]
)
@pytest.mark.parametrize("number", [0, 2, COUNT - 1])
def test_a_block_that_was_put_over_is_found(number, rehashed, found, world):
    world.reader.stored[number] = altered(number, rehashed=rehashed)
    report = world.publishing.publish_altered(STRAND, number)
    assert (report.blocks, report.failures) == (1, {})
    assert str(found) in world.findings()


def test_without_being_published_again_it_would_not_be(world):
    world.reader.stored[2] = altered(2, rehashed=True)
    world.publishing.publish_all()
    assert world.findings() == set()


def test_a_block_that_is_as_it_was_is_a_duplicate(world):
    assert world.publishing.publish_altered(STRAND, 2).blocks == 1
    assert world.findings() == set()


def test_a_block_that_was_not_published_yet_waits_for_its_turn(world):
    """The stream itself comes to it, and the auditor sees it first as it is."""
    assert world.publishing.publish_altered(STRAND, COUNT).blocks == 0
    assert world.publishing.publish_altered(OTHER_STRAND, 2).blocks == 0


def test_a_block_that_is_gone_leads_to_no_record_and_is_said(world, monkeypatch):
    def gone(begin, end):
        raise NotFoundError(f"there is no block {STRAND}#{begin}")

    monkeypatch.setattr(world.reader, "blocks", gone)
    report = world.publishing.publish_altered(STRAND, 2)
    assert report.failures == {stream_job().stream_id: f"there is no block {STRAND}#2"}
    assert not report.failed_strands


def test_bytes_that_are_no_block_lead_to_no_record_and_are_said(world):
    world.reader.stored[2] = b"rubbish"
    report = world.publishing.publish_altered(STRAND, 2)
    assert report.failures.keys() == {stream_job().stream_id}
    assert not report.failed_strands


def test_what_could_not_be_put_is_delivered_again(world, monkeypatch):
    def away(_records):
        raise UnavailableError("Kinesis does not answer")

    monkeypatch.setattr(world.sink, "put", away)
    assert world.publishing.publish_altered(STRAND, 2).failed_strands == {STRAND}
