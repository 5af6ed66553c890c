"""What the real service made, as it was published: receipts, revisions, statement digests, a Kinesis event."""

import base64
import json

import pytest

from counterfoil.adapters.kinesis import aggregate
from counterfoil.errors import ProofMismatchError
from counterfoil.ion import dump_binary, load_binary, load_text
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.journal import (
    BlockSummaryRecord,
    RevisionDetailsRecord,
    deaggregate,
    parse_stream_record,
    verify_block,
    verify_receipt,
    verify_revision,
)
from counterfoil.journal.builder import Statement, digest_of_statement, revision_hash
from counterfoil.journal.stored import streamed_datagram
from counterfoil.merkle import Hash


def load(shared_vectors, name):
    return json.loads((shared_vectors / name).read_text())


@pytest.fixture
def event_records(shared_vectors):
    """(data, partition key) of the Kinesis records of a Lambda event."""
    event = load(shared_vectors, "stream/ags-attestations-2021-02-09.kinesis-event.json")
    kinesis = [record["kinesis"] for record in event["Records"]]
    return [(base64.b64decode(each["data"]), each["partitionKey"]) for each in kinesis]


@pytest.mark.parametrize(("name", "tip"), [("19of19", 19), ("19of35", 35)])
def test_a_receipt_of_the_real_service_holds(shared_vectors, name, tip):
    receipt = load(shared_vectors, f"receipts/restapi-receipt-{name}.json")
    result = verify_receipt(receipt)
    assert (result.kind, result.address.sequence_no, result.digest.tip_address.sequence_no) == ("revision", 19, tip)
    assert not result.contents_checked


def test_the_receipt_of_one_tip_does_not_hold_at_the_other(shared_vectors):
    early = load(shared_vectors, "receipts/restapi-receipt-19of19.json")
    late = load(shared_vectors, "receipts/restapi-receipt-19of35.json")
    with pytest.raises(ProofMismatchError):
        verify_receipt(early | {"LedgerDigest": late["LedgerDigest"]})


def test_the_revisions_behind_the_receipts_hash_to_what_they_say(shared_vectors):
    for revision in load(shared_vectors, "revisions/restapi-history.json"):
        metadata = revision["metadata"] | {"txTime": load_text(revision["metadata"]["txTime"])}
        assert revision_hash(metadata, revision["data"]).to_base64() == revision["hash"]


def test_the_history_and_the_receipts_speak_of_the_same_revision(shared_vectors):
    first = load(shared_vectors, "revisions/restapi-history.json")[0]
    receipt = load(shared_vectors, "receipts/restapi-receipt-19of19.json")
    assert receipt["RevisionHash"] == first["hash"]
    assert receipt["DocumentId"] == first["metadata"]["id"]


def test_every_published_statement_digest_is_ours(shared_vectors):
    cases = load(shared_vectors, "statements/statement-digests.json")
    assert len(cases) == 4
    for case in cases:
        statement = Statement(case["statement"], tuple(map(load_text, case["parametersIonText"])))
        assert digest_of_statement(statement) == Hash.from_base64(case["statementDigest"]), case["source"]


def test_the_genuine_event_is_one_aggregated_record_of_a_summary_and_its_details(event_records):
    ((data, partition_key),) = event_records
    frame = deaggregate(data, partition_key)
    assert frame.aggregated
    assert not frame.unknown_fields
    assert [record.sub_sequence_number for record in frame.records] == [0, 1]
    kinds = [type(parse_stream_record(record.data)) for record in frame.records]
    assert kinds == [BlockSummaryRecord, RevisionDetailsRecord]


def test_every_hash_of_the_genuine_event_holds(event_records):
    ((data, partition_key),) = event_records
    summary_record, details_record = deaggregate(data, partition_key).records
    block = verify_block(parse_stream_record(summary_record.data).block)
    revision = verify_revision(parse_stream_record(details_record.data).revision)
    assert block.summaries == ((revision.hash, revision.metadata.document_id),)
    assert revision.address == block.address
    assert revision.metadata.tx_id == block.transaction_id
    assert not block.header_bound


def test_the_genuine_user_records_carry_the_hash_as_partition_key(event_records):
    ((data, partition_key),) = event_records
    summary_record, details_record = deaggregate(data, partition_key).records
    assert summary_record.partition_key == str(parse_stream_record(summary_record.data).block.block_hash)
    assert details_record.partition_key == str(parse_stream_record(details_record.data).revision.hash)


def test_a_stored_block_is_streamed_in_the_genuine_bytes(event_records):
    """The whole form of the genuine block, put together from its records, gives those records again, byte for byte."""
    ((data, partition_key),) = event_records
    genuine = deaggregate(data, partition_key).records
    summary, details = (decode_datagram(record.data) for record in genuine)
    block = {name: value for name, value in summary["payload"].items() if name != "revisionSummaries"}
    block["revisions"] = [details["payload"]["revision"]]
    streamed = streamed_datagram(encode(block), summary["qldbStreamArn"])
    assert [(each.partition_key, each.data) for each in streamed.records] == [
        (record.partition_key, record.data) for record in genuine
    ]
    assert aggregate(streamed.records) == data


def test_writing_the_genuine_records_again_gives_the_same_bytes(event_records):
    ((data, partition_key),) = event_records
    for record in deaggregate(data, partition_key).records:
        assert dump_binary(load_binary(record.data)) == record.data
