"""Laws of exports and streams: whatever a journal holds, it can be exported, verified and streamed, and no change goes unseen."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.adapters.memory import MemoryFindings, MemoryHeads, MemoryQuarantine, MemoryStream
from counterfoil.adapters.memory.set_aside import MemorySetAside
from counterfoil.detection.audit_rules import FAILURES
from counterfoil.detection.strand import UNBOUNDED
from counterfoil.detection.strand_audit import Patience
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.journal import digest_of
from counterfoil.journal.export_format import OutputFormat
from counterfoil.journal.publication import streamed_block
from counterfoil.services import export
from counterfoil.services.audit import Auditor
from counterfoil.services.publish import Publisher
from tests.exports import (
    FORMATS,
    NOW,
    ListReader,
    aggregate,
    data_keys,
    exported,
    kinesis_records,
    later,
    stream_job,
    verdict_of,
)
from tests.journals import FEW, STREAM_ARN, journals

formats = st.sampled_from(FORMATS)
object_sizes = st.sampled_from([1, 1_500, 4_000, export.OBJECT_BYTES])


def exported_in(journal, output_format, object_bytes, **changes):
    standard = export.OBJECT_BYTES
    export.OBJECT_BYTES = object_bytes
    try:
        return exported(journal, output_format, **changes)
    finally:
        export.OBJECT_BYTES = standard


@FEW
@given(journals(), formats, object_sizes)
def test_any_journal_in_any_format_is_verified_to_its_digest(journal, output_format, object_bytes):
    verdict = verdict_of(exported_in(journal, output_format, object_bytes), journal.builder.digest())
    assert verdict.findings == ()
    assert verdict.digest_compared
    assert verdict.contents.blocks == len(journal.blocks)
    assert verdict.contents.data_unchecked == 0 or output_format is OutputFormat.JSON


@FEW
@given(journals(min_size=2), formats, st.data())
def test_any_part_of_a_journal_is_verified_alone(journal, output_format, data):
    first = data.draw(st.integers(0, len(journal.blocks) - 1))
    behind = data.draw(st.integers(first + 1, len(journal.blocks)))
    files = exported_in(
        journal, output_format, 1_500, inclusive_start=later(seconds=first), exclusive_end=later(seconds=behind)
    )
    verdict = verdict_of(files)
    assert verdict.findings == ()
    assert (verdict.contents.begin, verdict.contents.end) == (first, behind)
    assert verdict.digest == (journal.builder.digest(behind - 1) if first == 0 else None)


@FEW
@given(journals(), st.sampled_from([None, OutputFormat.ION_BINARY]), object_sizes, st.data())
def test_a_flipped_bit_in_a_block_is_found_or_changes_no_value(journal, output_format, object_bytes, data):
    files = exported_in(journal, output_format, object_bytes)
    key = data.draw(st.sampled_from(data_keys(files)))
    place = data.draw(st.integers(0, len(files[key]) - 1))
    damaged = bytearray(files[key])
    damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    honest, verdict = verdict_of(files), verdict_of(files | {key: bytes(damaged)}, journal.builder.digest())
    if not verdict.findings:
        # What no hash covers: names of fields that nobody reads, white space, and headers of blocks that do not bind them.
        assert verdict.digest == honest.digest
        assert verdict.contents.blocks == honest.contents.blocks


@FEW
@given(journals(min_size=3, min_changes=1), object_sizes, st.data())
def test_an_object_that_is_left_out_moved_or_repeated_is_found(journal, object_bytes, data):
    files = exported_in(journal, None, min(object_bytes, 1_500))
    keys = data_keys(files)
    place = data.draw(st.integers(0, len(keys) - 1))
    changed = dict(files)
    if data.draw(st.booleans()) or len(keys) == 1:
        del changed[keys[place]]
    else:
        other = data.draw(st.integers(0, len(keys) - 1).filter(lambda each: each != place))
        changed[keys[place]] = files[keys[other]]
    assert verdict_of(changed).findings


@FEW
@given(journals(), st.booleans(), st.integers(1, 2_000))
def test_the_stream_of_any_journal_passes_the_auditor(journal, aggregation, limit):
    sink = MemoryStream()
    list(Publisher(ListReader.of(journal), sink, aggregate).publish(stream_job(aggregation=aggregation), NOW))
    heads, findings = MemoryHeads(), MemoryFindings()
    auditor = Auditor(
        heads,
        findings,
        MemoryQuarantine(),
        MemorySetAside(lambda: NOW),
        lambda: NOW,
        Patience(timedelta(0), timedelta(0)),
        UNBOUNDED,
    )
    records = kinesis_records(sink.records)
    for begin in range(0, len(records), limit):
        auditor.audit(records[begin : begin + limit])
    auditor.sweep()
    assert {str(each.rule_id) for each in findings.findings.values()} & {str(rule) for rule in FAILURES} == set()
    (state,) = heads.states.values()
    assert digest_of(state.head) == journal.builder.digest()


@FEW
@given(journals())
def test_a_block_read_from_its_datagram_streams_as_the_one_that_was_built(journal):
    for block in journal.blocks:
        stored = decode_datagram(block.block_binary())
        assert encode(stored) == block.block_binary()
        assert streamed_block(stored, STREAM_ARN) == streamed_block(block.fields, STREAM_ARN)
