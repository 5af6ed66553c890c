"""Laws of the short way through an export: whatever the bytes, its outcome is that of the long way, field by field."""

from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.ion import binary_of_text, dump_binary, dump_text, hash_of_ion, read_single
from counterfoil.ion.layouts import layout_of, take_apart
from counterfoil.ion.reader import read_value
from counterfoil.ion.shapes import scalars_of
from counterfoil.ion.symbols import SYSTEM_TABLE, SymbolTable, symbol_of
from counterfoil.ion.text_layouts import time_body
from counterfoil.journal.export_format import parse_data_key
from counterfoil.journal.known_blocks import BinaryBlocks, TextBlocks
from counterfoil.services import export_contents
from counterfoil.services.export_contents import Task, verify_object
from tests.damage import annotated, as_sorted_struct, damaged, padded
from tests.exports import NOW
from tests.forged_blocks import ALTERED, BEHIND_IT, REHASHED, data_changed
from tests.journals import FEW, STRAND, copy_of, first_revision, journals, rehash, rehash_from, transfers

BLOCKS = 8
FORMS = ["binary", "text"]


class Nothing:
    """Knows no block, and learns none."""

    def verify(self, value):
        return None

    def read(self, text, position):
        return None

    def learn(self, text, value):
        pass


class Counting:
    """Counts what the short way accepts."""

    def __init__(self, known):
        self.known = known
        self.accepted = 0

    def verify(self, value):
        return self._counted(self.known.verify(value))

    def read(self, text, position):
        return self._counted(self.known.read(text, position))

    def learn(self, text, value):
        self.known.learn(text, value)

    def _counted(self, found):
        self.accepted += found is not None
        return found


@contextmanager
def ways(binary, text):
    standard = export_contents._BINARY, export_contents._TEXT
    export_contents._BINARY, export_contents._TEXT = binary, text
    try:
        yield
    finally:
        export_contents._BINARY, export_contents._TEXT = standard


def written(blocks, form):
    """An object of these blocks, given as fields."""
    if form == "binary":
        return b"".join(map(dump_binary, blocks))
    return "\n".join(map(dump_text, blocks)).encode()


def outcome(data, count, binary, text):
    name = parse_data_key(f"exports/bank/2026/01/01/00/{STRAND}.0-{count - 1}.ion")
    with ways(binary, text):
        return verify_object(Task("key", name, NOW, frozenset({count - 1})), [data])


def both_ways(data, honest, count=BLOCKS):
    """What both ways come to, which is the same; and what the short way accepted. All layouts were seen before, bad blocks' too."""
    binary, text = Counting(BinaryBlocks()), Counting(TextBlocks())
    outcome(honest, count, binary, text)
    outcome(data, count, binary, text)
    binary.accepted = text.accepted = 0
    short = outcome(data, count, binary, text)
    assert short == outcome(data, count, Nothing(), Nothing())
    return short, binary.accepted + text.accepted


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bind_headers", [True, False])
def test_an_honest_object_goes_the_short_way_but_for_the_first_block(form, bind_headers):
    data = written(transfers(BLOCKS, bind_headers=bind_headers).fields, form)
    contents, accepted = both_ways(data, data)
    assert accepted == BLOCKS - 1  # block 0 has no block before it
    assert contents.findings == []
    assert contents.until[BLOCKS - 1].last_bound is bind_headers


@FEW
@given(journals(), st.sampled_from(FORMS))
def test_any_journal_comes_to_the_same(journal, form):
    data = written(journal.fields, form)
    assert both_ways(data, data, len(journal.blocks))[0].findings == []


HONEST = {form: written(transfers(BLOCKS).fields, form) for form in FORMS}


@given(st.data(), st.sampled_from(FORMS))
def test_damaged_bytes_come_to_the_same(data, form):
    both_ways(data.draw(damaged(st.just(HONEST[form]))), HONEST[form])


@pytest.mark.parametrize("tail", ["]}", "x", "]}\n", "x" * 39, "x" * 41, "/", "$", "// c", "}\n\n"])
def test_what_stands_behind_the_last_block_is_told_the_same(tail):
    contents, accepted = both_ways(HONEST["text"] + tail.encode(), HONEST["text"])
    assert accepted == BLOCKS - 1
    assert len(contents.findings) == (tail != "// c")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("change", REHASHED.values(), ids=REHASHED)
def test_a_forger_who_rehashes_everything_comes_to_the_same(change, form):
    blocks = transfers(BLOCKS).fields
    change(blocks[ALTERED])
    both_ways(written(rehash_from(blocks, ALTERED), form), HONEST[form])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("change", BEHIND_IT.values(), ids=BEHIND_IT)
def test_a_forger_who_rehashes_nothing_is_found_the_same(change, form):
    blocks = transfers(BLOCKS).fields
    change(blocks[ALTERED])
    assert both_ways(written(blocks, form), HONEST[form])[0].findings


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stale", ["entriesHashList", "entriesHash", "blockHash"])
def test_a_forger_who_stops_half_way_is_found_the_same(stale, form):
    blocks = transfers(BLOCKS).fields
    honest = copy_of(blocks[ALTERED])
    data_changed(blocks[ALTERED])
    blocks[ALTERED] = rehash(blocks[ALTERED]) | {stale: honest[stale]}
    assert both_ways(written(blocks, form), HONEST[form])[0].findings


def renamed(fields, document_id):
    """The block is of another document, and says so everywhere."""
    documents = fields["transactionInfo"]["documents"]
    documents[document_id] = documents.pop(next(iter(documents)))
    first_revision(fields)["metadata"]["id"] = document_id


def test_a_name_that_is_a_keyword_is_no_name_of_a_document():
    blocks = transfers(BLOCKS).fields
    renamed(blocks[ALTERED], "null")
    text = written(rehash_from(blocks, ALTERED), "text")
    contents, _ = both_ways(text, HONEST["text"])
    assert contents.findings == []
    contents, _ = both_ways(text.replace(b"{'null':", b"{null:"), HONEST["text"])
    assert contents.findings


def test_an_escape_that_is_read_as_it_is_written_has_another_hash():
    blocks = transfers(BLOCKS).fields
    first_revision(blocks[ALTERED])["data"]["status"] = "SETTL\\x45D"
    text = written(rehash_from(blocks, ALTERED), "text")
    assert both_ways(text, HONEST["text"])[0].findings == []
    assert both_ways(text.replace(rb"\\x45", rb"\x45"), HONEST["text"])[0].findings


def test_names_of_a_symbol_table_of_its_own_count():
    blocks = [dump_binary(each) for each in transfers(BLOCKS).fields]
    assert blocks[ALTERED].count(b"amount") == 1
    blocks[ALTERED] = blocks[ALTERED].replace(b"amount", b"amounz")
    assert both_ways(b"".join(blocks), HONEST["binary"])[0].findings


def as_list(value):
    return b"\xbe" + value[1:]


def as_string(value):
    return b"\x8e" + value[1:]


@pytest.mark.parametrize("other", [as_list, as_string, as_sorted_struct, annotated, padded])
def test_a_value_with_the_bytes_of_a_block_that_is_another_comes_to_the_same(other):
    block = dump_binary(transfers(BLOCKS).fields[ALTERED])
    begin = read_single(block).position
    altered = HONEST["binary"].replace(block, block[:begin] + other(block[begin:]))
    assert altered != HONEST["binary"]
    contents, _ = both_ways(altered, HONEST["binary"])
    assert bool(contents.findings) is (other in {as_list, as_string, annotated})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", ["SETTLÉ", "SET\x0bLED", "SET\x0cLED", "SET\x0eLED", "x" * 70_000])
def test_a_text_that_is_not_plain_goes_the_long_way(status, form):
    blocks = transfers(BLOCKS).fields
    first_revision(blocks[ALTERED])["data"]["status"] = status
    contents, accepted = both_ways(written(rehash_from(blocks, ALTERED), form), HONEST[form])
    assert contents.findings == []
    assert accepted == BLOCKS - 2


@pytest.mark.parametrize("byte", [0x0B, 0x0C, 0x0E, 0x80])
def test_a_layout_does_not_hash_what_is_no_plain_text(byte):
    value = read_single(dump_binary({"id": "abc", "data": {"note": "abc"}}))
    layout = layout_of(value)
    note = layout.root.field("data")
    layout.prepare([], [note])
    assert layout.digests([b"abc", b"abc"], []).hash_of(note) == hash_of_ion(value.fields()["data"])
    assert layout.digests([b"abc", bytes([byte])], []) is None


def walked(data):
    """What the reader finds in a struct: the bodies of its scalars and where they begin; nothing where it refuses it."""
    value = read_value(data, 0, len(data), TABLE)
    try:
        return [(each.body, data[each.body : each.end]) for each in scalars_of(value)]
    except InputError:
        return None


TABLE = SymbolTable((*SYSTEM_TABLE.symbols, *(symbol_of(b"n%d" % number) for number in range(2**14))))
STRUCT = bytes.fromhex("de9b 8a2105 8bd5 8c8161 8d11 8eb5 2101 8162 20 02908e8461626364 8fb0".replace(" ", ""))


@given(damaged(st.just(STRUCT)))
@example(STRUCT)
@example(bytes.fromhex("d78ad28b21058c20"))  # a scalar reaches beyond its struct
@example(bytes.fromhex("d48ad38b2105"))  # a struct reaches beyond its struct
@example(bytes.fromhex("d48ad28b2105"))
@example(bytes.fromhex("d18a2105"))
def test_what_is_taken_apart_is_what_the_reader_finds(data):
    try:
        value = read_value(data, 0, len(data), TABLE)
    except InputError:
        return
    taken = take_apart(value)
    if taken is not None:
        assert list(zip(taken.begins, taken.bodies, strict=True)) == walked(data)


@pytest.mark.parametrize("data", ["d4008a2105", "d68ad1838b2105", "d50000008a20", "d28a2f", "d28a0f", "d38a0100"])
def test_what_could_be_written_in_another_way_is_not_taken_apart(data):
    value = read_value(bytes.fromhex(data), 0, len(data) // 2, TABLE)
    assert take_apart(value) is None


@given(st.datetimes(), st.integers(0, 999))
@example(datetime(2024, 2, 29, tzinfo=UTC), 0)
@example(datetime(127, 12, 31, 23, 59, 59, tzinfo=UTC), 999)
def test_a_time_has_the_body_that_the_writer_gives_it(moment, milliseconds):
    text = f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{milliseconds:03}Z"
    value = read_single(binary_of_text(text))
    assert time_body(text) == value.buffer[value.body : value.end]


@pytest.mark.parametrize("text", ["2025-02-29T00:00:00.000Z", "2025-13-01T00:00:00.000Z", "2025-03-01T24:00:00.000Z"])
def test_a_time_that_is_not_in_the_calendar_has_no_body(text):
    with pytest.raises(InputError):
        time_body(text)


# One thing written in another way: the reader's opinion of it is that of the short way ---------------------------------------

WRITINGS = {
    "12.50": ["12.5", "1250d-2", "12.50d0", "12.", "012.50", "+12.50", "-12.50", "12.50e0", "1_2.50", "12", "0.0", "12.500", "null"],
    '"SETTLED"': ["'''SETTLED'''", '"SETTL\\x45D"', "SETTLED", "'SETTLED'", '"SETTLÉD"', '"SET" "TLED"', "null.string", "a::1", '""'],
    "sequenceNo:5": ["sequenceNo:0x5", "sequenceNo:05", "sequenceNo:5.", "sequenceNo:-5", "sequenceNo: 5", "sequenceNo:5/**/"],
    "amount": ['"amount"', "'amount'", "amount /**/", "$amount", "'am\\x6funt'", "null", "true", "betrag", '"am" "ount"'],
    "09:30:05.000Z": ["09:30:05Z", "09:30Z", "09:30:05.000+00:00", "09:30:05.000-00:00", "11:30:05.000+02:00", "24:30:05.000Z"],
    "2025-03-01": ["2025-02-29", "2025-02-28", "0000-03-01", "2025-3-1", "2025-03-01T"],
    ",version:0": [",version:00", ",version:0,", ",,version:0", ", version : 0", "\n,version:0", ",version:1", ",version:0 0", ""],
    "{{": ["{{ ", "{{=", '{{""}},{{', "{"],
    "}}": [" }}", "=}}", "}} // }}\n", "}"],
    "doc0": ["'doc0'", '"doc0', "1doc0", "$doc0", "null", "\\x"],
}  # fmt: skip


@pytest.mark.parametrize(("usual", "other"), [(usual, each) for usual, others in WRITINGS.items() for each in others])
def test_what_is_written_in_another_way_comes_to_the_same(usual, other):
    text = HONEST["text"].decode()
    begins = [place for place in range(len(text)) if text.startswith(usual, place)]
    assert begins
    for begin in begins[len(begins) // 2 :][:4]:
        altered = text[:begin] + other + text[begin + len(usual) :]
        both_ways(altered.encode(), HONEST["text"])


@pytest.mark.parametrize("between", ["", " ", "\n\n", "// {\n", "/* } */", "$ion_1_0 ", ",", "a::", "1"])
def test_what_stands_between_the_blocks_comes_to_the_same(between):
    both_ways(HONEST["text"].replace(b"\n", between.encode()), HONEST["text"])
