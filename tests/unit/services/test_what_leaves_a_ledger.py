"""Exports and streams of a real ledger, with all that a ledger writes: they verify, and the auditor finds nothing against them."""

import time
from datetime import timedelta

import pytest

from counterfoil.adapters.memory import MemoryBucket, MemoryFindings, MemoryHeads, MemoryQuarantine, MemoryStream
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.audit_rules import FAILURES
from counterfoil.detection.strand import UNBOUNDED
from counterfoil.detection.strand_audit import Patience
from counterfoil.journal import digest_of
from counterfoil.journal.export_format import OutputFormat
from counterfoil.services.audit import Auditor
from counterfoil.services.export import Exporter
from counterfoil.services.publish import Publisher
from tests.exports import FORMATS, NOW, aggregate, export_job, kinesis_records, stream_job, verdict_of
from tests.ledgers import BEGAN, KINDS, ledger_on, rows

DAY = {"inclusive_start": BEGAN - timedelta(days=1), "exclusive_end": BEGAN + timedelta(days=1)}
TRIES = 2_000


@pytest.fixture(params=KINDS)
def ledger(request, tmp_path):
    """Tables and indexes, documents written, changed, deleted and redacted, and a transaction that only reads."""
    with ledger_on(request.param, tmp_path) as made:
        rows(made, "CREATE TABLE Accounts")
        rows(made, "CREATE INDEX ON Accounts (number)")
        document_id = rows(
            made, "INSERT INTO Accounts ?", {"number": 1, "owner": "Ada", "größe": [b"blob", 1.5, None]}
        )[0]["documentId"]
        rows(made, "INSERT INTO Accounts << {'number': 2}, {'number': 3} >>")
        rows(made, "UPDATE Accounts SET owner = 'Grace' WHERE number = 1")
        rows(made, "DELETE FROM Accounts WHERE number = 3")
        (table_id,) = rows(made, "SELECT VALUE tableId FROM information_schema.user_tables")
        address = f'{{strandId:"{made.strand_id}",sequenceNo:2}}'
        rows(made, f"EXEC REDACT_REVISION `{address}`, '{table_id}', '{document_id}'")
        for _ in range(TRIES):
            if b"dataHash" in next(made.blocks(2, 3)):
                break
            time.sleep(0.005)
        yield made


@pytest.mark.parametrize("output_format", FORMATS)
def test_its_export_holds_and_meets_its_digest(ledger, output_format):
    bucket = MemoryBucket()
    *_, job = Exporter(ledger, bucket).export(export_job(output_format, **DAY), NOW)
    verdict = verdict_of(bucket.objects, ledger.digest())
    assert (verdict.findings, verdict.digest_compared) == ((), True)
    assert (verdict.contents.begin, verdict.contents.end) == (0, ledger.tip() + 1)
    assert job.next_sequence_no == ledger.tip() + 1
    assert verdict.contents.data_unchecked == 0 or output_format is OutputFormat.JSON


def test_its_export_has_nothing_of_what_was_redacted(ledger):
    bucket = MemoryBucket()
    list(Exporter(ledger, bucket).export(export_job(**DAY), NOW))
    text = b"".join(bucket.objects.values())
    assert b"dataHash" in text
    assert b"Ada" not in text


def test_its_stream_is_followed_by_the_auditor_to_its_digest(ledger):
    sink = MemoryStream()
    list(Publisher(ledger, sink, aggregate).publish(stream_job(inclusive_start=DAY["inclusive_start"]), NOW))
    heads, findings = MemoryHeads(), MemoryFindings()
    nothing = timedelta(0)
    auditor = Auditor(
        heads,
        findings,
        MemoryQuarantine(),
        MemorySetAside(lambda: NOW),
        lambda: NOW,
        Patience(nothing, nothing),
        UNBOUNDED,
    )
    auditor.audit(kinesis_records(sink.records))
    auditor.sweep()
    rules = {each.rule_id for each in findings.findings.values()}
    assert rules & FAILURES == set()
    assert {"audit.redaction", "audit.document-deleted"} <= rules
    assert digest_of(heads.states[ledger.strand_id].head) == ledger.digest()
