"""Laws of the short way through a stream: whatever the bytes, its outcome is that of the long way, in every word."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ion import dump_binary, read_single
from counterfoil.ion.codec import decode
from counterfoil.ion.known_structs import KnownStructs
from counterfoil.ion.patterns import Pattern
from counterfoil.journal import Block
from counterfoil.journal.known_records import KnownRecords
from counterfoil.journal.plain_details import PlainDetails
from counterfoil.journal.plain_summary import PlainSummary
from counterfoil.journal.publication import block_summary
from tests.damage import annotated, as_sorted_struct, damaged, padded
from tests.forged_blocks import ALTERED, BEHIND_IT, REHASHED
from tests.journals import (
    FEW,
    STREAM_ARN,
    copy_of,
    first_revision,
    journals,
    made_id,
    rehash,
    rehash_from,
    transfers,
)
from tests.record_ways import BLOCKS, DETAILS, HONEST, SUMMARY, bank, learned, long_way, record, records_of, same, short


@pytest.mark.parametrize("bind_headers", [True, False])
def test_honest_records_go_the_short_way_but_for_the_first_of_a_length(bind_headers):
    records = records_of(transfers(BLOCKS, bind_headers=bind_headers).fields)
    known = KnownRecords()
    # The first block has no hash before it, and a number without a byte; of the second's kind are the others.
    assert [same(known, data) for data in records] == [False] * 4 + [True] * (2 * BLOCKS - 4)


def test_a_bank_s_records_go_the_short_way_whatever_the_lengths_of_their_texts():
    known = learned(records_of(bank([3] * 200)))
    again = records_of(bank([3] * 256))[4 * 200 :]
    assert short(known, again) > 0.9 * len(again)


@FEW
@given(journals(), journals())
def test_any_journal_comes_to_the_same(journal, other):
    known = learned(records_of(journal.fields))
    short(known, records_of(other.fields))
    short(known, records_of(journal.fields))


@given(st.data(), st.sampled_from(HONEST[4:]))
def test_damaged_bytes_come_to_the_same(data, honest):
    known = learned(HONEST)
    bad = data.draw(damaged(st.just(honest)))
    same(known, bad)  # and now what could be learned of it was
    same(known, bad)
    assert same(known, honest)


def slots_of(data):
    """What stands open in a record."""
    value = read_single(data)
    if b"REVISION_DETAILS" in data:
        return PlainDetails(value, KnownStructs())._pattern.slots + Pattern(document_of(value)).slots
    return PlainSummary(data, frozenset()).stencil.slots


def document_of(value):
    return value.fields()["payload"].fields()["revision"].fields()["data"]


@given(st.data(), st.sampled_from([SUMMARY, DETAILS]))
def test_whatever_stands_in_the_openings_comes_to_the_same(data, honest):
    known = learned(HONEST)
    altered = bytearray(honest)
    for slot in data.draw(st.lists(st.sampled_from(slots_of(honest)), min_size=1, max_size=3)):
        size = slot.end - slot.begin
        altered[slot.begin : slot.end] = data.draw(
            st.binary(min_size=size, max_size=size) | st.text("aZ09-_ ", min_size=size, max_size=size).map(str.encode)
        )
    same(known, bytes(altered))
    assert same(known, honest)


@pytest.mark.parametrize("change", REHASHED.values(), ids=REHASHED)
def test_a_forger_who_rehashes_everything_comes_to_the_same(change):
    blocks = transfers(BLOCKS).fields
    change(blocks[ALTERED])
    forged = records_of(rehash_from(blocks, ALTERED))
    known = learned(HONEST, forged)
    short(known, forged)
    assert short(known, HONEST[4:]) == len(HONEST) - 4


@pytest.mark.parametrize("change", BEHIND_IT.values(), ids=BEHIND_IT)
def test_a_forger_who_rehashes_nothing_is_found_the_same(change):
    blocks = transfers(BLOCKS).fields
    change(blocks[ALTERED])
    forged = records_of(blocks)
    known = learned(HONEST, forged)
    short(known, forged)
    assert short(known, HONEST[4:]) == len(HONEST) - 4


@pytest.mark.parametrize("stale", ["entriesHashList", "entriesHash", "blockHash"])
def test_a_forger_who_stops_half_way_is_found_the_same(stale):
    blocks = transfers(BLOCKS).fields
    honest = copy_of(blocks[ALTERED])
    first_revision(blocks[ALTERED])["data"]["amount"] = Decimal("99.50")
    blocks[ALTERED] = rehash(blocks[ALTERED]) | {stale: honest[stale]}
    short(learned(HONEST), records_of(blocks))


def test_names_of_a_symbol_table_of_its_own_count():
    known = learned(HONEST)
    assert DETAILS.count(b"amount") == SUMMARY.count(b"startTime") == 1
    assert not same(known, DETAILS.replace(b"amount", b"amounz"))
    assert not same(known, SUMMARY.replace(b"startTime", b"startTimf"))


def test_a_document_named_like_a_field_comes_to_the_same():
    """Its id and the field's name are one symbol: what the table says of the one it says of the other."""
    name = "statementDigest"
    blocks = transfers(BLOCKS).fields
    for fields in blocks:
        fields["transactionInfo"]["documents"] = {name: next(iter(fields["transactionInfo"]["documents"].values()))}
        first_revision(fields)["metadata"]["id"] = name
    records = records_of(rehash_from(blocks, 0))
    known = learned(records)
    assert short(known, records[::2]) == 0
    renamed = [each.replace(name.encode(), b"statementDigesu") for each in records]
    short(known, renamed)


def test_a_document_named_like_a_field_that_is_looked_for_comes_to_the_same():
    """One symbol is its id and what a summary calls a document; where it is another word, the summary names none."""
    records = {}
    for name in ("documentId", "documentIx"):
        blocks = transfers(BLOCKS, bind_headers=False).fields
        records[name] = []
        for number, fields in enumerate(blocks):
            documents = fields["transactionInfo"]["documents"]
            fields["transactionInfo"]["documents"] = {name: documents.pop(next(iter(documents)))}
            blocks[number] = rehash(fields, blocks[number - 1]["blockHash"] if number else None, bind_header=False)
            payload = block_summary(blocks[number])
            payload["revisionSummaries"] = [{"hash": payload["revisionSummaries"][0]["hash"], name: name}]
            records[name].append(record(STREAM_ARN, "BLOCK_SUMMARY", payload))
    known = learned(records["documentId"])
    assert isinstance(long_way(records["documentIx"][ALTERED])[2], Block)
    assert short(known, records["documentIx"]) == 0


def far(number):
    fields = transfers(BLOCKS).fields[ALTERED]
    for each in (fields, first_revision(fields)):
        each["blockAddress"]["sequenceNo"] = number
    return records_of([rehash(fields)])


def test_a_number_beyond_all_comes_to_the_same():
    known = learned(far(2**63 - 2))
    assert short(known, far(2**63 - 1)) == 2
    assert short(known, far(2**63)) == 0


def test_a_version_beyond_all_comes_to_the_same():
    versions = []
    for version in (2**63 - 2, 2**63 - 1, 2**63):
        fields = transfers(BLOCKS).fields[ALTERED]
        first_revision(fields)["metadata"]["version"] = version
        versions.append(records_of([rehash(fields)])[1])
    known = learned(HONEST, versions[:1])
    assert [same(known, data) for data in versions] == [True, True, False]


@pytest.mark.parametrize("byte", ["\x0b", "\x0c", "\x0e", "\x7f"])
def test_a_name_that_varies_need_not_be_plain(byte):
    known = learned(*(records_of(bank([2] * 3, table=f"T{other}x")) for other in "abc"))
    short(known, records_of(bank([2] * 3, table=f"T{byte}x")))


def test_a_document_that_a_transaction_names_twice_comes_to_the_same():
    fields = next(iter(bank([2])))
    first, second = (each.encode() for each in fields["transactionInfo"]["documents"])
    records = records_of([fields])
    known = learned(records)
    for data in records:
        same(known, data.replace(second, first))


def record_of(data, change):
    """The record as fields, changed, written anew."""
    fields = decode(read_single(data))
    change(fields)
    return dump_binary(fields)


def beside(*path):
    """Something stands beside what is usual."""

    def change(fields):
        for name in path:
            fields = fields[name]
        fields["more"] = "abc"

    return change


@pytest.mark.parametrize(
    ("honest", "path"),
    [
        (SUMMARY, ()),
        (SUMMARY, ("payload",)),
        (SUMMARY, ("payload", "blockAddress")),
        (SUMMARY, ("payload", "transactionInfo")),
        (SUMMARY, ("payload", "transactionInfo", "statements", 0)),
        (SUMMARY, ("payload", "transactionInfo", "documents", made_id("doc", ALTERED))),
        (SUMMARY, ("payload", "revisionSummaries", 0)),
        (DETAILS, ()),
        (DETAILS, ("payload",)),
        (DETAILS, ("payload", "tableInfo")),
        (DETAILS, ("payload", "revision")),
        (DETAILS, ("payload", "revision", "blockAddress")),
        (DETAILS, ("payload", "revision", "metadata")),
    ],
)
def test_what_has_more_fields_than_usual_is_not_learned(honest, path):
    known = KnownRecords()
    more = record_of(honest, beside(*path))
    assert not same(known, more)
    assert not same(known, more)
    assert known._summaries == known._tables == {}


def as_list(value):
    return b"\xbe" + value[1:]


@pytest.mark.parametrize("other", [as_list, as_sorted_struct, annotated, padded])
@pytest.mark.parametrize("honest", [SUMMARY, DETAILS])
def test_a_value_with_the_bytes_of_a_record_that_is_another_comes_to_the_same(other, honest):
    begin = read_single(honest).position
    altered = honest[:begin] + other(honest[begin:])
    known = learned(HONEST)
    same(known, altered)
    same(known, altered)


@pytest.mark.parametrize("note", ["é", "\x0b", "\x0c", "\x0e", "𝄞", "x" * 150])
def test_a_document_s_text_may_be_anything(note):
    records = records_of(bank([2] * 40, note=note))
    known = learned(records)
    assert short(known, records) > len(records) * 0.6


@pytest.mark.parametrize("word", ["größe", "a\x0bb", "a\x0cb", "a\x0eb", "x" * 1_030])
def test_a_name_that_is_not_plain_comes_to_the_same(word):
    records = records_of(bank([2] * 3, table=word))
    known = learned(records)
    short(known, records)
    short(known, records_of(bank([2] * 3, table=word.replace("b", "c").replace("ß", "ö"))))


def test_what_differs_between_ledgers_is_looked_at():
    """Other strands, streams and tables with names of the same lengths: one stencil soon fits them all."""
    several = [
        records_of(
            bank([3] * 30, strand=made_id("strand", number), table=f"Transaction{number}"), f"{STREAM_ARN[:-1]}{number}"
        )
        for number in range(6)
    ]
    known = learned(*several, *several)
    for records in several:
        assert short(known, records) > 0.9 * len(records)
    assert max(map(len, known._summaries.values())) < 6  # by what is where; not by ledger
