"""Records of a stream: the three kinds, and what is none."""

import pytest

from counterfoil.errors import InputError
from counterfoil.ion import dump_binary, load_binary
from counterfoil.journal import (
    BlockAddress,
    BlockSummaryRecord,
    ControlRecord,
    RevisionDetailsRecord,
    parse_stream_record,
    verify_block,
)
from counterfoil.journal.publication import control_record
from tests.journals import START, STRAND, STREAM_ARN, TABLE_ID, journal_of, made_id, transfer, transfers

SUMMARY, DETAILS = transfers(1).blocks[0].stream_records(STREAM_ARN)


def altered(record, **changes):
    return dump_binary(dict(load_binary(record)) | changes)


def altered_payload(record, **changes):
    value = dict(load_binary(record))
    return dump_binary(value | {"payload": dict(value["payload"]) | changes})


def without(record, name):
    return dump_binary({key: value for key, value in load_binary(record).items() if key != name})


@pytest.mark.parametrize("control_type", ["CREATED", "COMPLETED"])
def test_a_control_record_says_what_happened_to_the_stream(control_type):
    assert parse_stream_record(control_record(STREAM_ARN, control_type)) == ControlRecord(STREAM_ARN, control_type)


def test_a_summary_holds_the_block_without_its_data():
    record = parse_stream_record(SUMMARY)
    assert isinstance(record, BlockSummaryRecord)
    block = verify_block(record.block)
    assert block.address == BlockAddress(STRAND, 0)
    assert block.revisions == ()
    assert [each.document_id for each in block.summaries] == [made_id("doc", 0)]


def test_details_hold_one_revision_with_its_table():
    record = parse_stream_record(DETAILS)
    assert isinstance(record, RevisionDetailsRecord)
    assert (record.table_name, record.table_id) == ("Transactions", TABLE_ID)
    assert record.revision.metadata.document_id == made_id("doc", 0)


def test_names_come_in_the_order_of_the_real_service():
    assert list(load_binary(SUMMARY)) == ["qldbStreamArn", "recordType", "payload"]
    assert list(load_binary(SUMMARY)["payload"])[-1] == "revisionSummaries"
    assert list(load_binary(DETAILS)["payload"]) == ["tableInfo", "revision"]
    assert list(load_binary(DETAILS)["payload"]["revision"]) == ["blockAddress", "hash", "data", "metadata"]


@pytest.mark.parametrize("name", ["qldbStreamArn", "recordType", "payload"])
@pytest.mark.parametrize("record", [SUMMARY, DETAILS], ids=["summary", "details"])
def test_a_record_without_one_of_its_fields_is_refused(record, name):
    with pytest.raises(InputError, match=f"'{name}' is missing"):
        parse_stream_record(without(record, name))


@pytest.mark.parametrize("name", ["", "block_summary", "BLOCK_SUMMARY ", "REVISION", "X" * 1_000, "控制"])
def test_a_record_of_an_unknown_type_is_refused(name):
    with pytest.raises(InputError, match="is none of CONTROL, BLOCK_SUMMARY, REVISION_DETAILS") as refusal:
        parse_stream_record(altered(SUMMARY, recordType=name))
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("recordType", 5, "expected string, found int"),
        ("qldbStreamArn", 5, "expected string, found int"),
        ("qldbStreamArn", "x" * 2_000, "has 2000 characters; at most 1024"),
        ("payload", 5, "expected struct, found int"),
        ("payload", [], "expected struct, found list"),
    ],
)
def test_a_record_with_a_field_of_another_type_is_refused(name, value, what):
    with pytest.raises(InputError, match=what):
        parse_stream_record(altered(SUMMARY, **{name: value}))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"tableInfo": None}, "'tableInfo' is missing"),
        ({"tableInfo": "Transactions"}, "expected struct, found string"),
        ({"tableInfo": {"tableName": "T"}}, "'tableId' is missing"),
        ({"tableInfo": {"tableName": "x" * 2_000, "tableId": "t"}}, "tableName has 2000 characters"),
        ({"revision": None}, "'revision' is missing"),
        ({"revision": {"hash": bytes(32)}}, "need its metadata and blockAddress"),
    ],
)
def test_details_of_a_wrong_shape_are_refused(changes, what):
    with pytest.raises(InputError, match=what):
        parse_stream_record(altered_payload(DETAILS, **changes))


def test_details_need_the_address_of_their_block():
    revision = {
        key: value for key, value in load_binary(DETAILS)["payload"]["revision"].items() if key != "blockAddress"
    }
    with pytest.raises(InputError, match="without blockAddress"):
        parse_stream_record(altered_payload(DETAILS, revision=revision))


@pytest.mark.parametrize(
    "data", [b"", b"plain text", b'{"recordType":"CONTROL"}', b"\xf3\x89\x9a\xc2", dump_binary(5), dump_binary([])]
)
def test_what_is_no_struct_of_binary_ion_is_refused(data):
    with pytest.raises(InputError):
        parse_stream_record(data)


@pytest.mark.parametrize("control", [{}, {"controlRecordType": 5}, {"controlRecordType": "x" * 2_000}])
def test_a_control_record_of_a_wrong_shape_is_refused(control):
    with pytest.raises(InputError, match=r"controlRecordType|expected string"):
        parse_stream_record(altered(control_record(STREAM_ARN, "CREATED"), payload=control))


def test_a_sequence_number_far_ahead_is_read_and_left_to_the_auditor():
    far = altered_payload(SUMMARY, blockAddress={"strandId": STRAND, "sequenceNo": 2**62})
    assert parse_stream_record(far).block.address.sequence_no == 2**62


def test_every_cut_of_a_record_is_refused():
    for record in (SUMMARY, DETAILS):
        for end in range(len(record)):
            with pytest.raises(InputError):
                parse_stream_record(record[:end])


def test_a_record_followed_by_another_is_refused():
    with pytest.raises(InputError, match="more than one value"):
        parse_stream_record(SUMMARY + DETAILS)


def test_a_block_of_a_mebibyte_is_read():
    transaction = transfer(0)
    note = "x" * 1_048_576
    change = transaction.changes[0]
    large = type(change)(change.document_id, 0, "Notes", TABLE_ID, {"note": note})
    built = journal_of([type(transaction)("tx", START, START, (), (large,))]).blocks[0]
    details = built.revision_records(STREAM_ARN)[0]
    assert len(details) > 1_048_576
    assert parse_stream_record(details).revision.data.fields()["note"].as_text() == note
