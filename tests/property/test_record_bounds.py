"""What reading by what was seen before may cost: what is kept is bounded, and only what holds teaches."""

from concurrent.futures import ThreadPoolExecutor
from time import sleep

from counterfoil.ion import dump_binary, known_structs, read_single
from counterfoil.ion.scalars import var_uint
from counterfoil.ion.symbols import SYSTEM_SYMBOLS
from counterfoil.journal import Block, known_records, parse_stream_record
from counterfoil.journal.builder import Change, JournalBuilder, Statement, Transaction
from counterfoil.journal.known_records import KnownRecords
from counterfoil.journal.plain_record import symbols_of_fields
from counterfoil.journal.publication import block_summary, control_record
from tests.forged_blocks import ALTERED
from tests.journals import (
    START,
    STRAND,
    STREAM_ARN,
    TABLE_ID,
    first_revision,
    made_id,
    rehash_from,
    transfers,
)
from tests.record_ways import BLOCKS, DETAILS, HONEST, SUMMARY, bank, learned, long_way, record, records_of, same, short


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
