"""The exporter writes the objects that QLDB wrote, the same ones however often and from wherever it is run."""

import json
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from counterfoil.adapters.memory import MemoryBucket
from counterfoil.errors import UnavailableError
from counterfoil.ion import read_values
from counterfoil.ion.streams import read_value_stream
from counterfoil.ion.text_stream import split_structs
from counterfoil.journal import parse_block
from counterfoil.journal.anchor import parse_trust_anchor
from counterfoil.journal.export_format import (
    ANCHOR_FILE,
    OutputFormat,
    anchor_key,
    parse_completed_manifest,
    parse_data_key,
    parse_started_manifest,
)
from counterfoil.ledger.jobs import ExportStatus
from counterfoil.services import export
from counterfoil.services.export import Exporter
from counterfoil.services.verify_export import verify_export
from tests.anchors import JOURNAL, receipt
from tests.exports import FORMATS, NOW, ListReader, MemoryFiles, data_keys, export_job, exported, later
from tests.journals import STRAND, journal_of, transfer, transfers

EXPORT = "8UyXulxccYLAsbN1aon7e4"


def spread(*minutes):
    """A journal with a block at each of these minutes behind its start, which is half past nine."""
    transactions = []
    for number, each in enumerate(minutes):
        base = transfer(number)
        committed_at = later(minutes=each)
        transactions.append(replace(base, committed_at=committed_at, tx_time=committed_at - timedelta(milliseconds=5)))
    return journal_of(transactions)


def ranges(objects):
    return [(name.first, name.last) for name in map(parse_data_key, data_keys(objects))]


def test_an_export_is_two_manifests_and_objects_named_by_hour_strand_and_blocks():
    assert sorted(exported(spread(0, 29, 30, 95, 24 * 60))) == [
        f"exports/bank/2025/03/01/09/{STRAND}.0-1.ion",
        f"exports/bank/2025/03/01/10/{STRAND}.2-2.ion",
        f"exports/bank/2025/03/01/11/{STRAND}.3-3.ion",
        f"exports/bank/2025/03/02/09/{STRAND}.4-4.ion",
        f"exports/bank/{EXPORT}.{STRAND}.completed.manifest",
        f"exports/bank/{EXPORT}.started.manifest",
    ]


@pytest.mark.parametrize(
    ("prefix", "stem"),
    [("", ""), ("a", "a/"), ("a/", "a/"), ("My:Tests/x y", "My:Tests/x y/"), ("2024/01", "2024/01/")],
)
def test_every_prefix_gives_keys_that_lead_to_the_objects(prefix, stem):
    objects = exported(transfers(2), prefix=prefix)
    key = f"{stem}2025/03/01/09/{STRAND}.0-1.ion"
    assert key in objects
    assert parse_completed_manifest(objects[f"{stem}{EXPORT}.{STRAND}.completed.manifest"]) == (key,)


@pytest.mark.parametrize("output_format", FORMATS)
def test_the_started_manifest_says_what_was_asked_for(output_format):
    manifest = parse_started_manifest(exported(transfers(1), output_format)[f"exports/bank/{EXPORT}.started.manifest"])
    assert {name: manifest.get(name) for name in ("ledgerName", "exportId", "bucket", "prefix", "objectEncryptionType")} == {
        "ledgerName": "bank", "exportId": EXPORT, "bucket": "bucket", "prefix": "exports/bank",
        "objectEncryptionType": "NO_ENCRYPTION",
    }  # fmt: skip
    assert manifest.get("outputFormat") == output_format


@pytest.mark.parametrize("output_format", FORMATS)
def test_the_completed_manifest_lists_the_keys_in_order(output_format):
    objects = exported(spread(*range(0, 600, 50)), output_format)
    keys = parse_completed_manifest(objects[f"exports/bank/{EXPORT}.{STRAND}.completed.manifest"])
    assert list(keys) == data_keys(objects)
    assert len(keys) > 9


def test_text_and_binary_objects_hold_the_blocks_as_they_are_stored():
    journal = transfers(5)
    stored = [block.block_binary() for block in journal.blocks]
    binary, text = exported(journal, OutputFormat.ION_BINARY), exported(journal, OutputFormat.ION_TEXT)
    assert [value.datagram() for value in read_value_stream([binary[data_keys(binary)[0]]])] == stored
    assert list(split_structs([text[data_keys(text)[0]]])) == [block.block_text() for block in journal.blocks]
    assert text[data_keys(text)[0]].count(b"\n") == 5


def test_an_object_ends_at_its_size_and_no_block_is_split(monkeypatch):
    journal = transfers(20)
    size = len(journal.blocks[1].block_binary())
    monkeypatch.setattr(export, "OBJECT_BYTES", 3 * size + 100)
    assert ranges(exported(journal))[:3] == [(0, 2), (3, 5), (6, 8)]
    monkeypatch.setattr(export, "OBJECT_BYTES", 1)
    assert ranges(exported(journal)) == [(number, number) for number in range(20)]


def test_all_formats_have_the_same_objects(monkeypatch):
    monkeypatch.setattr(export, "OBJECT_BYTES", 5_000)
    found = {str(each): ranges(exported(transfers(20), each)) for each in FORMATS}
    assert len({tuple(each) for each in found.values()}) == 1


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 9, [(0, 5)]), (2, 4, [(2, 3)]), (1.5, 2, []), (2, 2.001, [(2, 2)])]
)
def test_the_range_of_times_includes_its_start_and_not_its_end(start, end, expected):
    objects = exported(transfers(6), inclusive_start=later(seconds=start), exclusive_end=later(seconds=end))
    assert ranges(objects) == expected
    assert f"exports/bank/{EXPORT}.{STRAND}.completed.manifest" in objects


def test_an_empty_ledger_has_an_export_without_objects():
    bucket = MemoryBucket()
    *_, job = Exporter(ListReader([]), bucket).export(export_job(), NOW)
    assert (job.status, job.ended_at, data_keys(bucket.objects)) == (ExportStatus.COMPLETED, NOW, [])


@dataclass
class FlakyBucket(MemoryBucket):
    """Fails at one put, before or after it took effect."""

    failing: int = 0
    after: bool = False
    puts: list[str] = field(default_factory=list)

    def put(self, key, data, /):
        self.puts.append(key)
        if len(self.puts) != self.failing or self.after:
            super().put(key, data)
        if len(self.puts) == self.failing:
            raise UnavailableError("not now")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("failing", range(1, 9))
def test_whoever_goes_on_writes_the_same_objects(monkeypatch, failing, after):
    monkeypatch.setattr(export, "OBJECT_BYTES", 3_000)
    journal = transfers(18)
    expected = exported(journal)
    bucket, job = FlakyBucket(failing=failing, after=after), export_job()
    assert len(expected) == 8
    with suppress(UnavailableError):
        for reached in Exporter(ListReader.of(journal), bucket).export(job, NOW):
            job = reached
    assert job.status is ExportStatus.IN_PROGRESS
    assert not any("completed" in key for key in bucket.objects) or failing == 8
    *_, job = Exporter(ListReader.of(journal), bucket).export(job, NOW)
    assert (job.status, bucket.objects) == (ExportStatus.COMPLETED, expected)
    assert len(bucket.puts) == 9 + (failing == 2)  # the started manifest is written again until an object is there


def test_the_completed_manifest_comes_last():
    bucket = FlakyBucket()
    list(Exporter(ListReader.of(spread(0, 60)), bucket).export(export_job(), NOW))
    assert [key.rpartition("/")[2].partition(".")[2] for key in bucket.puts] == [
        "started.manifest", "0-0.ion", "1-1.ion", f"{STRAND}.completed.manifest",
    ]  # fmt: skip


def test_one_object_is_in_memory_at_a_time(monkeypatch):
    """The blocks are drawn from the reader as they are needed: never more than one object's ahead of what was written."""
    monkeypatch.setattr(export, "OBJECT_BYTES", 5_000)
    bucket, drawn = MemoryBucket(), []

    class Counting(ListReader):
        def blocks(self, begin, end, /):
            for number in range(begin, end):
                drawn.append(number)
                yield self.stored[number]

    for job in Exporter(Counting(ListReader.of(transfers(30)).stored), bucket).export(export_job(), NOW):
        assert job.status is ExportStatus.COMPLETED or drawn[-1] <= job.next_sequence_no


def test_blocks_of_a_binary_object_are_documents_of_their_own():
    objects = exported(transfers(3), OutputFormat.ION_BINARY)
    values = list(read_values(objects[data_keys(objects)[0]]))
    assert [parse_block(value).address.sequence_no for value in values] == [0, 1, 2]


# ---- of a strand that begins at a trust anchor -----------------------------------------------------------------------

ANCHOR = parse_trust_anchor(receipt(12, 20))
OF_PART = ListReader.behind(ANCHOR, JOURNAL)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("output_format", FORMATS)
def test_an_export_that_begins_where_its_strand_does_has_the_anchor_by_which_it_is_verified(output_format, alone):
    bucket = MemoryBucket()
    *_, job = Exporter(OF_PART, bucket, alone=alone).export(export_job(output_format), NOW)
    name = ANCHOR_FILE if alone else anchor_key(job.prefix, job.export_id)
    anchor = parse_trust_anchor(json.loads(bucket.objects[name]))
    assert anchor == ANCHOR
    [verdict] = verify_export(MemoryFiles(bucket.objects), NOW, anchor=anchor)
    assert verdict.findings == ()
    assert verdict.digest == JOURNAL.builder.digest()


def test_an_export_of_later_blocks_has_none():
    bucket = MemoryBucket()
    list(Exporter(OF_PART, bucket).export(export_job(inclusive_start=later(seconds=15)), NOW))
    assert data_keys(bucket.objects)
    assert [key for key in bucket.objects if key.endswith(ANCHOR_FILE)] == []


def test_the_anchors_of_two_ledgers_under_one_prefix_are_both_there():
    bucket = MemoryBucket()
    other = replace(ANCHOR, path=None)
    for export_id, anchor in (("one", ANCHOR), ("other", other)):
        list(Exporter(ListReader.behind(anchor, JOURNAL), bucket).export(export_job(export_id=export_id), NOW))
    kept = [json.loads(data) for key, data in sorted(bucket.objects.items()) if key.endswith(ANCHOR_FILE)]
    assert list(map(parse_trust_anchor, kept)) == [ANCHOR, other]


def test_wherever_a_run_is_cut_off_the_anchor_is_there_before_the_first_object():
    bucket = MemoryBucket()
    for _ in Exporter(OF_PART, bucket).export(export_job(), NOW):
        break
    assert list(bucket.objects)[1].endswith(ANCHOR_FILE)
