"""Damaged and invented blocks, stream records and receipts: a verdict of this library's own, never another exception."""

import json

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import CounterfoilError, InputError
from counterfoil.ion import dump_binary
from counterfoil.journal import (
    BlockSummaryRecord,
    RevisionDetailsRecord,
    deaggregate,
    parse_stream_record,
    verify_block,
    verify_receipt,
    verify_revision,
)
from counterfoil.journal.builder import render_proof
from counterfoil.journal.publication import control_record
from tests.damage import damaged
from tests.journals import STREAM_ARN, amounts, journal_of, texts, transfer, transfers
from tests.kpl_frames import aggregate, frame_of

JOURNAL = transfers(3)
RECORDS = [record for block in JOURNAL.blocks for record in block.stream_records(STREAM_ARN)]
RECORDS.append(control_record(STREAM_ARN, "CREATED"))

# Any shape, but with the names that the format uses, so that parsing gets somewhere.
NAMES = sorted(
    {
        "recordType",
        "payload",
        "qldbStreamArn",
        "tableInfo",
        "tableName",
        "tableId",
        "revision",
        "dataHash",
        "documentId",
    }
    | {"revisionSummaries", "redactionInfo", "controlRecordType", "strandId", "sequenceNo", "id", "version", "txTime"}
    | {"txId", "hash", "data", "metadata", "statements", "documents", "statement", *JOURNAL.blocks[0].fields}
)
WORDS = ["CONTROL", "BLOCK_SUMMARY", "REVISION_DETAILS", "CREATED", "abc"]
leaves = st.one_of(
    texts, st.sampled_from(WORDS), st.integers(), amounts, st.booleans(), st.none(), st.binary(min_size=32, max_size=32)
)
shapes = st.recursive(
    leaves,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(NAMES), each, max_size=6),
    max_leaves=20,
)


def judge(data):
    """Parse and verify a user record as the auditor would; only this library's errors may come out."""
    try:
        match parse_stream_record(data):
            case BlockSummaryRecord(block=block):
                verify_block(block)
            case RevisionDetailsRecord(revision=revision):
                verify_revision(revision)
    except CounterfoilError as error:
        assert str(error)


@given(damaged(st.sampled_from(RECORDS)))
def test_a_damaged_stream_record_gets_a_verdict(data):
    judge(data)


@given(
    st.fixed_dictionaries({"recordType": st.sampled_from(WORDS), "qldbStreamArn": texts, "payload": shapes}) | shapes
)
def test_a_record_of_any_shape_gets_a_verdict(value):
    judge(dump_binary(value))


@given(st.sampled_from(range(3)), st.sampled_from(NAMES), shapes)
def test_a_block_with_any_value_in_any_field_gets_a_verdict(index, name, value):
    fields = {key: each for key, each in JOURNAL.blocks[index].fields.items() if key != "revisions"}
    judge(dump_binary({"recordType": "BLOCK_SUMMARY", "qldbStreamArn": STREAM_ARN, "payload": fields | {name: value}}))


@given(st.sampled_from(NAMES), st.sampled_from(["", "metadata"]), shapes)
def test_a_revision_with_any_value_in_any_field_gets_a_verdict(name, part, value):
    revision = JOURNAL.blocks[0].revisions[0]
    changed = revision | ({part: revision[part] | {name: value}} if part else {name: value})
    payload = {"tableInfo": {"tableName": "T", "tableId": "t"}, "revision": changed}
    judge(dump_binary({"recordType": "REVISION_DETAILS", "qldbStreamArn": STREAM_ARN, "payload": payload}))


@given(damaged(st.just(aggregate([("key", record, None) for record in RECORDS])[4:-16]), most=2).map(frame_of))
def test_a_damaged_frame_of_records_gets_verdicts(data):
    try:
        frame = deaggregate(data, "outer")
    except InputError:
        return
    for record in frame.records:
        judge(record.data)


@given(st.data())
def test_a_damaged_receipt_gets_a_verdict(data):
    journal = journal_of(map(transfer, range(3)))
    receipt = {
        "Block": {"IonText": journal.blocks[1].block_text()},
        "Proof": {"IonText": render_proof(journal.builder.prove_block(1, 2))},
        "Digest": journal.builder.digest().hash.to_base64(),
        "DigestTipAddress": {"IonText": f'{{strandId:"{journal.builder.strand_id}",sequenceNo:2}}'},
    }
    text = data.draw(damaged(st.just(json.dumps(receipt).encode()), most=2)).decode(errors="replace")
    try:
        document = json.loads(text)
    except ValueError:
        return
    if isinstance(document, dict):
        try:
            verify_receipt(document)
        except CounterfoilError as error:
            assert str(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda each: st.lists(each) | st.dictionaries(texts, each),
    max_leaves=5,
)
RECEIPT_NAMES = ["Block", "Revision", "Proof", "Digest", "DigestTipAddress", "LedgerDigest", "BlockAddress", "IonText"]


@given(st.dictionaries(st.sampled_from([*RECEIPT_NAMES, "RevisionHash", "BlockHash", "DocumentId"]), json_values))
def test_a_receipt_of_any_shape_gets_a_verdict(document):
    try:
        verify_receipt(document)
    except CounterfoilError as error:
        assert str(error)
