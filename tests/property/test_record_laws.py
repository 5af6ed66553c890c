"""Laws of the short way through a stream: whatever the bytes, its outcome is that of the long way, in every word."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ion import dump_binary, known_structs, read_single
from counterfoil.ion.codec import decode
from counterfoil.ion.known_structs import KnownStructs
from counterfoil.ion.patterns import Pattern
from counterfoil.ion.scalars import var_uint
from counterfoil.ion.symbols import SYSTEM_SYMBOLS
from counterfoil.journal import Block, known_records, parse_stream_record
from counterfoil.journal.builder import Change, JournalBuilder, Statement, Transaction, ion_time
from counterfoil.journal.known_records import KnownRecords
from counterfoil.journal.plain_details import PlainDetails
from counterfoil.journal.plain_record import symbols_of_fields
from counterfoil.journal.plain_summary import PlainSummary
from counterfoil.journal.publication import block_summary, control_record
from tests.damage import damaged
from tests.forged_blocks import ALTERED, BEHIND_IT, REHASHED
from tests.journals import (
    FEW,
    START,
    STRAND,
    STREAM_ARN,
    TABLE_ID,
    copy_of,
    first_revision,
    journals,
    made_id,
    rehash,
    rehash_from,
    transfers,
)
from tests.record_ways import learned, long_way, same

BLOCKS = 8


def records_of(blocks, arn=STREAM_ARN):
    """The stream records of blocks, given as fields; whatever document a revision is of, it comes with some table."""
    found = []
    for fields in blocks:
        found.append(record(arn, "BLOCK_SUMMARY", block_summary(fields)))
        documents = fields.get("transactionInfo", {}).get("documents", {})
        tables = {name: {key: table[key] for key in ("tableName", "tableId")} for name, table in documents.items()}
        for revision in fields["revisions"]:
            if "metadata" in revision:
                table = tables.get(revision["metadata"]["id"]) or next(iter(tables.values()))
                found.append(record(arn, "REVISION_DETAILS", {"tableInfo": table, "revision": revision}))
    return found


def record(arn, kind, payload):
    return dump_binary({"qldbStreamArn": arn, "recordType": kind, "payload": payload})


def short(known, records):
    """How many of these records the short way reads; all come to what the long way makes of them."""
    return sum([same(known, data) for data in records])


AMOUNTS = [
    lambda number: Decimal(number * 1_009).scaleb(-2),
    lambda number: number,
    float,
    lambda number: ion_time(START + timedelta(seconds=number)),
    bytes,
]


def bank(sizes, *, strand=STRAND, table="Transactions", note="x", field="note", kind=0):
    """Blocks of some documents each: two tables, texts of many lengths."""
    builder = JournalBuilder(strand)
    for number, size in enumerate(sizes):
        at = START + timedelta(milliseconds=137 * number)
        changes = tuple(
            Change(
                made_id(f"d{number}x", index),
                number * 37,
                table if index else "Accounts",
                TABLE_ID,
                {
                    field: note * (number % 23),
                    "amount": AMOUNTS[kind % len(AMOUNTS)](number),
                    "open": bool(number % 2),
                    "by": {"name": "é" if number % 29 == 28 else "n" * (number % 5), "at": [number, None, {}]},
                },
                (index,),
            )
            for index in range(size)
        )
        statements = tuple(Statement(f"UPDATE {table} SET a = ?", (index,)) for index in range(size))
        yield builder.append(Transaction(made_id("tx", number), at, at, statements, changes)).fields


HONEST = records_of(transfers(BLOCKS).fields)
SUMMARY, DETAILS = HONEST[2 * ALTERED : 2 * ALTERED + 2]


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


def as_sorted_struct(value):
    return b"\xd1" + value[1:]


def annotated(value):
    inner = b"\x81\x84" + value
    return b"\xee" + bytes([len(inner) >> 7, 0x80 | len(inner) & 0x7F]) + inner


def padded(value):
    return value + b"\x00"


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


def test_a_record_that_does_not_hold_teaches_nothing():
    known = KnownRecords()
    bad = [data[:-40] + bytes([data[-40] ^ 1]) + data[-39:] for data in (SUMMARY, DETAILS)]
    for data in [*bad, *bad, control_record(STREAM_ARN, "CREATED")]:
        assert not same(known, data)
    assert known._summaries == known._tables == {}


def test_what_is_learned_is_bounded(monkeypatch):
    monkeypatch.setattr(known_records, "MAX_STENCILS", 4)
    monkeypatch.setattr(known_records, "MAX_STENCILS_OF_A_LENGTH", 2)
    monkeypatch.setattr(known_records, "MAX_TABLES", 3)
    monkeypatch.setattr(known_records, "MAX_PATTERNS", 2)
    monkeypatch.setattr(known_structs, "MAX_PATTERNS", 2)
    monkeypatch.setattr(known_records, "MAX_RECORD_BYTES", 1_200)
    known = KnownRecords()
    for number, name in enumerate(["note", "notes", "name", "names", "more"] * 8):
        arn = f"{STREAM_ARN}{'x' * (number % 7)}"
        for data in records_of(bank([1, 2, 3, 2, 1, 3], field=name, kind=number), arn):
            same(known, data)
            held = known._summaries.values()
            assert known._count == sum(map(len, held)) <= 4
            assert all(0 < len(each) <= 2 for each in held)
            assert all(length <= 1_200 for length in known._summaries)
            assert len(known._tables) <= 3
            assert all(0 < len(each.patterns) <= 2 for each in known._tables.values())
            assert all(len(each.documents._known) <= 2 for each in known._tables.values())


def under_an_import(data, size):
    """The record as it is written where its symbol table first imports one that is not at hand."""
    value = read_single(data)
    table = {
        "imports": [{"name": "other", "max_id": size}],
        "symbols": list(value.symbols.names[len(SYSTEM_SYMBOLS) + 1 :]),
    }
    declared = read_single(dump_binary(table)).raw()  # all names of its own are the system's
    wrapped = b"\x81\x83" + declared
    shifted = renumbered(value, size)
    return data[:4] + b"\xee" + var_uint(len(wrapped)) + wrapped + shifted


def renumbered(value, by):
    if value.low == 15 or value.kind not in {11, 13}:
        return value.raw()
    body = b""
    if value.kind == 11:
        body = b"".join(renumbered(each, by) for each in value.items())
    for symbol, (_, field) in (
        zip(symbols_of_fields(value), value.each_field(), strict=True) if value.kind == 13 else ()
    ):
        body += var_uint(symbol + (by if symbol > len(SYSTEM_SYMBOLS) else 0)) + renumbered(field, by)
    size = len(body)
    return (
        bytes([value.kind << 4 | size]) if size < 14 and size != 1 else bytes([value.kind << 4 | 14]) + var_uint(size)
    ) + body


def numbers_alone(count=6):
    """Details of revisions of documents that have no text, so that the names of their fields may have any number."""
    builder = JournalBuilder(STRAND)
    for number in range(count):
        change = Change(made_id("doc", number), 1, "T", TABLE_ID, {"a": number}, (0,))
        transaction = Transaction(made_id("tx", number), START, START, (Statement("s", ()),), (change,))
        yield records_of([builder.append(transaction).fields])[1]


def test_a_symbol_table_of_many_names_is_not_kept():
    """A record of 500 bytes can import 65,000 names, and whatever knows it would hold them all."""
    records = [under_an_import(data, 20) for data in numbers_alone()]
    assert short(learned(records), records) == len(records)
    records = [under_an_import(data, 60_000) for data in numbers_alone()]
    known = learned(records)
    assert short(known, records) == 0
    assert known._tables == {}


def test_long_names_of_streams_and_tables_are_not_kept():
    records = [data for data in records_of(bank([2] * 6, table="T" * 1_000), "s" * 1_000) if b"REVISION" in data]
    known = learned(records)
    assert short(known, records) == 0
    assert known._tables == {}


def test_a_summary_of_too_many_parts_is_not_kept():
    """Numbers of statements take a byte each; what is kept of each takes hundreds."""
    blocks = list(bank([1] * 6))
    for fields in blocks:
        (document,) = fields["transactionInfo"]["documents"].values()
        document["statements"] = [0] * 9_000
    summaries = records_of(rehash_from(blocks, 0))[::2]
    known = learned(summaries)
    assert short(known, summaries) == 0
    assert known._summaries == {}


def test_parts_of_all_summaries_together_are_bounded(monkeypatch):
    monkeypatch.setattr(known_records, "MAX_SLOTS", 60)
    known = KnownRecords()
    for sizes in ([1] * 4, [2] * 4, [3] * 4, [2, 3] * 3, [1, 3] * 3):
        for data in records_of(bank(sizes)):
            same(known, data)
            held = [each for alike in known._summaries.values() for each in alike]
            assert known._slots == sum(len(each.stencil.slots) for each in held) <= 60
            assert known._count == len(held)
    assert known._summaries


def test_a_summary_without_revisions_comes_to_the_same():
    """Of a block that does not bind its header a summary may lack parts: what is not there is no reason to fail."""
    summaries = [
        record(STREAM_ARN, "BLOCK_SUMMARY", block_summary(fields) | {"revisionSummaries": []})
        for fields in transfers(BLOCKS, bind_headers=False).fields
    ]
    assert isinstance(long_way(summaries[ALTERED])[2], Block)
    assert short(learned(summaries), summaries) == 0


def test_threads_that_share_it_learn_one_after_the_other(monkeypatch):
    """What two would forget at one time can be forgotten once, and the other must not fail for it."""
    kind, inside, most = known_records.PlainDetails, [], []

    def slowly(*given):
        inside.append(given)
        most.append(len(inside))
        sleep(0.05)
        inside.pop()
        return kind(*given)

    monkeypatch.setattr(known_records, "PlainDetails", slowly)
    known, details = KnownRecords(), [data for data in HONEST if b"REVISION" in data]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda data: known.learn(data, parse_stream_record(data)), details[:4]))
    assert most == [1] * 4
    assert all(known.read(data) for data in details[4:])


def test_a_large_record_is_neither_learned_nor_looked_up():
    records = records_of(bank([1] * 3, note="x" * 9_000))
    known = learned(records)
    assert short(known, records) < len(records) - 1
    assert all(len(data) <= known_records.MAX_RECORD_BYTES for data in records if same(known, data))


def test_records_of_which_no_two_are_alike_soon_cost_no_more_than_the_long_way(monkeypatch):
    tried = []
    kind = known_records.PlainDetails
    monkeypatch.setattr(known_records, "PlainDetails", lambda *given: tried.append(given) or kind(*given))
    known = KnownRecords()
    fields = {"tableInfo": {"tableName": "T", "tableId": TABLE_ID}, "revision": first_revision(transfers(1).fields[0])}
    for number in range(3_000):
        same(known, record("x" * (number % 1_024) + f"{number}", "REVISION_DETAILS", fields))
    assert 256 <= len(tried) < 400
