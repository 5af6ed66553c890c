"""Laws of the short way through an export in JSON: what it accepts the long way accepts, and of all else it says nothing."""

from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ion import IonNull, IonType, RepeatedStruct, dump_binary, parse_text
from counterfoil.journal import known_blocks
from counterfoil.journal.builder import hash_of_value
from counterfoil.journal.export_format import OutputFormat, parse_data_key
from counterfoil.journal.known_blocks import JsonBlocks
from counterfoil.journal.rendering import render_block
from counterfoil.merkle import Hash, dot, root_of
from counterfoil.services import export_contents
from counterfoil.services.export_contents import Task, verify_object
from tests.damage import damaged
from tests.exports import NOW
from tests.forged_blocks import ALTERED, BEHIND_IT, REHASHED
from tests.journals import FEW, STRAND, journal_of, journals, rehash, rehash_from, transfer, transfers

BLOCKS = 8


class Counting(JsonBlocks):
    """Counts what the short way accepts."""

    accepted = 0

    def read_line(self, line):
        found = super().read_line(line)
        Counting.accepted += found is not None
        return found


class Nothing(JsonBlocks):
    """Knows no block, and learns none."""

    def read_line(self, line):
        return None

    def learn_line(self, line, block):
        pass


@contextmanager
def by(known):
    standard, export_contents.JsonBlocks = export_contents.JsonBlocks, known
    try:
        yield
    finally:
        export_contents.JsonBlocks = standard


def written(blocks):
    """An object of these blocks, given as fields."""
    return b"".join(render_block(dump_binary(each), OutputFormat.JSON) for each in blocks)


def outcome(data, count, known):
    name = parse_data_key(f"exports/bank/2026/01/01/00/{STRAND}.0-{count - 1}.json")
    with by(known):
        return verify_object(Task("key", name, NOW, frozenset({count - 1})), [data])


def both_ways(data, count=BLOCKS):
    """What both ways come to, which is the same; and what the short way accepted."""
    Counting.accepted = 0
    short, long = outcome(data, count, Counting), outcome(data, count, Nothing)
    assert short == long
    return short, Counting.accepted


@pytest.mark.parametrize("bind_headers", [True, False])
def test_an_honest_object_goes_the_short_way_but_for_the_first_two_blocks(bind_headers):
    contents, accepted = both_ways(written(transfers(BLOCKS, bind_headers=bind_headers).fields))
    assert accepted == BLOCKS - 2  # from block 1 the layout is learned, as it looks like block 0
    assert (contents.findings, contents.data_unchecked) == ([], 0)
    assert contents.until[BLOCKS - 1].last_bound is bind_headers


@pytest.mark.parametrize("what", ["alone", "unlike"])
def test_nothing_is_learned_from_a_block_that_is_like_no_other_of_its_object(what, monkeypatch):
    """To learn costs several times what reading a block does, for each object anew."""
    learned = []
    monkeypatch.setattr(known_blocks, "JsonLayout", lambda *given: learned.append(given))
    blocks = journal_of(
        replace(first, changes=(replace(first.changes[0], data={"a" * (number + 1): number}),))
        for number in range(BLOCKS)
        for first in [transfer(number)]
    ).fields
    outcome(written(blocks[:1] if what == "alone" else blocks), 1 if what == "alone" else BLOCKS, JsonBlocks)
    assert learned == []


def test_of_many_looks_the_first_are_forgotten(monkeypatch):
    monkeypatch.setattr(known_blocks, "MAX_LOOKS", 2)
    known = JsonBlocks()
    lines = [f'{{"{name}": "a value", "n": {{"d": 1}}}}' for name in "abc"]
    assert [known.came_before(each) for each in [*lines, lines[2].replace("1", "2"), lines[0]]] == [False] * 3 + [
        True,
        False,
    ]


@FEW
@given(journals())
def test_any_journal_comes_to_the_same(journal):
    assert both_ways(written(journal.fields), len(journal.blocks))[0].findings == []


HONEST = written(transfers(BLOCKS).fields)


@given(damaged(st.just(HONEST)))
def test_damaged_bytes_come_to_the_same(data):
    both_ways(data)


@pytest.mark.parametrize("change", REHASHED.values(), ids=REHASHED)
def test_a_forger_who_rehashes_everything_comes_to_the_same(change):
    blocks = transfers(BLOCKS).fields
    change(blocks[ALTERED])
    both_ways(written(rehash_from(blocks, ALTERED)))


@pytest.mark.parametrize("change", BEHIND_IT.values(), ids=BEHIND_IT)
def test_a_forger_who_rehashes_nothing_proves_nothing(change):
    blocks = transfers(BLOCKS).fields
    change(blocks[ALTERED])
    contents, _ = both_ways(written(blocks))
    assert contents.findings or contents.data_unchecked


# Values of every type that a document may have: each is read as what it was, and nothing else is --------------------------

VALUES = {
    "text": "a text", "int": 12, "decimal": Decimal("12.50"), "whole decimal": Decimal(500), "negative": Decimal("-0.50"),
    "bool": True, "blob": b"some bytes", "list": [1, "a", Decimal("1.5")], "struct": {"a": {"b": 1}},
    "milliseconds": parse_text("2025-03-01T09:30:01.250Z"), "second": parse_text("2025-03-01T09:30:01Z"),
    "day": parse_text("2025-03-01T"), "time as text": "2025-03-01T09:30:01.250Z", "blob as text": "c29tZSBieXRlcw==",
}  # fmt: skip
OTHERS = {
    "negative int": -5, "float": 1.5, "null": None, "null of a type": IonNull(IonType.TIMESTAMP), "symbol": parse_text("sym"),
    "minute": parse_text("2025-03-01T09:30Z"), "offset": parse_text("2025-03-01T09:30:01.000+01:00"),
    "micro": parse_text("2025-03-01T09:30:01.000001Z"),
    "letters": "größe", "escaped": 'a "quote"', "large": Decimal("1E+3"), "many digits": Decimal("1." + "1" * 30), "empty": {},
}  # fmt: skip


def journal_with(value):
    """Each block has a document with a value of that type, and a number that tells it from others."""
    return journal_of(
        replace(first, changes=(replace(first.changes[0], data={"n": 100 + number, "value": value}),))
        for number in range(BLOCKS)
        for first in [transfer(number)]
    )


@pytest.mark.parametrize("name", VALUES)
def test_a_usual_value_of_any_type_goes_the_short_way(name):
    contents, accepted = both_ways(written(journal_with(VALUES[name]).fields))
    assert (contents.findings, contents.data_unchecked, accepted) == ([], 0, BLOCKS - 2)


@pytest.mark.parametrize("name", OTHERS)
def test_an_unusual_value_goes_the_long_way(name):
    contents, accepted = both_ways(written(journal_with(OTHERS[name]).fields))
    assert (contents.findings, accepted) == ([], 0)


@pytest.mark.parametrize(("name", "day"), [("second", b"2025-03-01T09:30:01Z"), ("day", b'"2025-03-01"')])
def test_times_as_the_service_writes_them_go_the_short_way(name, day):
    """With milliseconds that they do not have."""
    data = written(journal_with(VALUES[name]).fields)
    assert data.count(day) == BLOCKS
    filled = data.replace(day, b"2025-03-01T09:30:01.000Z" if name == "second" else b'"2025-03-01T00:00:00.000Z"')
    contents, accepted = both_ways(filled)
    assert (contents.findings, contents.data_unchecked, accepted) == ([], 0, BLOCKS - 2)


# One thing written in another way: the long way's opinion of it is that of the short way ------------------------------------

WRITINGS = {
    "12.50": ["12.5", "1.250e1", "12.", "012.50", "+12.50", "-12.50", "12", "0.0", "null", '"12.50"', "12.51", "NaN", "1_2.50"],
    '"SETTLED"': ['"SETTL\\u0045D"', "SETTLED", "'SETTLED'", '"SETTLÉD"', '"SET""TLED"', "null", '""', '"SETTLED" ', '"settled"'],
    '"sequenceNo":5': ['"sequenceNo":05', '"sequenceNo":5.0', '"sequenceNo":-5', '"sequenceNo": 5', '"sequenceNo":6'],
    '"amount"': ["amount", "'amount'", '"amount" ', '"$amount"', '"am\\u006funt"', "null", '"betrag"', '"transactionId"', '""'],
    "09:30:05.000Z": ["09:30:05Z", "09:30:05.0000Z", "09:30:05.000+00:00", "24:30:05.000Z", "09:30:05.001Z", "09:30:05.000Z "],
    "2025-03-01": ["2025-02-29", "2025-02-28", "0000-03-01", "2025-3-1", "2025-03-01T"],
    ',"version":0': [',"version":00', ',"version":0,', ',,"version":0', ' , "version" : 0', '\r,"version":0', ',"version":1', ""],
    '{"strandId"': ['{"strandId":"x","strandId"', '{ "strandId"', '[{"strandId"', '{"strand"'],
    "doc0": ["doc0\\u0030", "1doc0", "", "doc0 ", "x"],
    '"tableName"': ['"tableName":"x","tableName"', '"tablename"'],
    '"blockHash"': ['"redactionInfo":null,"blockHash"', '"x":1,"blockHash"', '"blockhash"'],
    "=": ["", "==", "=\\n", "A"],
}  # fmt: skip


@pytest.mark.parametrize(("usual", "other"), [(usual, each) for usual, others in WRITINGS.items() for each in others])
def test_what_is_written_in_another_way_comes_to_the_same(usual, other):
    text = HONEST.decode()
    begins = [place for place in range(len(text)) if text.startswith(usual, place)]
    assert begins
    for begin in begins[len(begins) // 2 :][:6]:
        both_ways((text[:begin] + other + text[begin + len(usual) :]).encode())


@pytest.mark.parametrize("between", [b"", b"\r\n", b"\n\n", b" \n ", b",\n", b"\n1\n", b"\x1c\n", b"\xc2\xa0\n"])
def test_what_stands_between_the_lines_comes_to_the_same(between):
    both_ways(HONEST.replace(b"\n", between))


def test_base64_with_bits_that_nobody_wrote_is_another_text():
    """Both texts are the same bytes to who reads leniently; only one of them is what was exported."""
    data = written(journal_with(b"x").fields)
    assert data.count(b'"eA=="') == BLOCKS
    place = data.rindex(b'"eA=="')
    contents, _ = both_ways(data[:place] + b'"eB=="' + data[place + 6 :])
    assert (contents.findings, contents.data_unchecked) == ([], 1)


def with_info(fields, info):
    """A block with another transaction info, and the hashes that it has with it."""
    entries = [Hash(each) for each in fields["entriesHashList"]]
    entries[3] = hash_of_value(info)
    entries_hash = root_of(entries)
    block_hash = dot(entries_hash, Hash(fields["previousBlockHash"]))
    hashes = {
        "entriesHashList": list(map(bytes, entries)),
        "entriesHash": bytes(entries_hash),
        "blockHash": bytes(block_hash),
    }
    return fields | hashes | {"transactionInfo": info}


def test_a_document_named_twice_in_one_block_is_refused():
    """By whoever makes the block so that every hash in it is right."""
    blocks = journal_of(
        replace(first, changes=(first.changes[0], replace(first.changes[0], document_id=f"two{number:019}")))
        for number in range(BLOCKS)
        for first in [transfer(number)]
    ).fields
    assert both_ways(written(blocks))[1] == BLOCKS - 2
    documents = blocks[-1]["transactionInfo"]["documents"]
    name, entry = next(iter(documents.items()))
    blocks[-1]["transactionInfo"]["documents"] = RepeatedStruct([(name, entry), (name, entry)])
    blocks[-1]["revisions"][1]["metadata"] |= {"id": name, "version": 1}
    blocks[-1] = with_info(rehash(blocks[-1]), blocks[-1]["transactionInfo"])
    assert written(blocks[-1:]).count(f'"{name}":'.encode()) == 2
    contents, accepted = both_ways(written(blocks))
    assert (contents.findings[0].rule_id, accepted) == ("export.unreadable", BLOCKS - 3)


@pytest.mark.parametrize("end", [",", "x", "{}", " 1", "]", "\x00"])
def test_what_stands_behind_a_block_on_its_line_is_refused(end):
    contents, accepted = both_ways(HONEST[:-1] + end.encode() + b"\n")
    assert (contents.findings[0].rule_id, accepted) == ("export.unreadable", BLOCKS - 3)


def test_a_number_that_is_no_json_is_refused_even_where_it_is_the_same_number():
    amounts = [Decimal("12.50")] * (BLOCKS - 1) + [Decimal(12)]
    blocks = journal_of(
        replace(first, changes=(replace(first.changes[0], data={"value": amount}),))
        for number, amount in enumerate(amounts)
        for first in [transfer(number)]
    ).fields
    data = written(blocks)
    assert both_ways(data)[0].findings == []
    contents, _ = both_ways(data.replace(b'"value":12}', b'"value":12.}'))
    assert contents.findings[0].rule_id == "export.unreadable"


def test_what_is_learned_in_one_object_counts_in_no_other():
    """So that what is proved of an object follows from its bytes alone."""
    outcome(HONEST, BLOCKS, Counting)
    Counting.accepted = 0
    outcome(HONEST.splitlines()[1], BLOCKS, Counting)
    assert Counting.accepted == 0
