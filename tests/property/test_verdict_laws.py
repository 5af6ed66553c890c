"""Every verifier comes to the same verdict on whatever it is given: the command, the plain file, the whole file and the page."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ion.text_reader import MAX_ESCAPES, MAX_PARTS, MAX_VALUES, read_texts
from counterfoil.ion.writer import encode
from counterfoil.journal.export_format import MAX_KEYS, OutputFormat
from tests.damage import damaged
from tests.exports import data_keys, exported
from tests.journals import FEW, STRAND, transfers
from tests.plain_verifier import serialized_by_product, serialized_plainly
from tests.proofs_files import proofs_bytes
from tests.property.test_receipt_laws import block_receipt, revision_receipt
from tests.served import ROOT
from tests.verdicts import DOES_NOT_HOLD, HOLDS, UNREADABLE, export_verdict, receipt_verdict, with_text
from tests.verifier_page import RefusedError, VerifierInNode

EXAMPLE = json.loads((ROOT / "lab/data/aws-cli-example.json").read_text())
JOURNAL = transfers(6)
GENUINE = {leaf: EXAMPLE[f"Get{leaf}"] | EXAMPLE["GetDigest"] for leaf in ("Block", "Revision")}
MADE = {"Block": block_receipt(JOURNAL, 3, 5), "Revision": revision_receipt(JOURNAL, 3, 0, 5)}
EXPORTS = {each: exported(JOURNAL, each) for each in (OutputFormat.ION_TEXT, OutputFormat.ION_BINARY)}
(KEY,) = data_keys(EXPORTS[OutputFormat.ION_TEXT])
MANIFEST, STARTED = (
    next(name for name in EXPORTS[OutputFormat.ION_TEXT] if f".{kind}.manifest" in name)
    for kind in ("completed", "started")
)
BLOCKS = EXPORTS[OutputFormat.ION_TEXT][KEY].decode().splitlines()


@pytest.fixture(scope="module")
def page():
    with VerifierInNode() as verifier:
        yield verifier


# Receipts ---------------------------------------------------------------------------------------------------------------

# What Ion text allows that the service never wrote, at places that each verifier finds in another way.
PIECES = (
    "a::", "$0::", "''::", "$ion_1_0 ", "$ion_symbol_table::", '$ion_symbol_table::{symbols:["x"]} ', "/* c */", "// c\n", "null",
    "null.struct", "{}", "[]", "(", ")", "$99", "\\", '"', "'''", "\ufeff", "\x00", "\x1c", "\xa0", "\u0661", "-", "0x", "_", ",",
    "::",
)  # fmt: skip


@st.composite
def altered_receipts(draw):
    receipt = draw(st.sampled_from([GENUINE, MADE]))[draw(st.sampled_from(["Block", "Revision"]))]
    name = draw(
        st.sampled_from([each for each in ("Block", "Revision", "Proof", "DigestTipAddress") if each in receipt])
    )
    text = receipt[name]["IonText"] if isinstance(receipt[name], dict) else receipt[name]
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(PIECES)) + text[at + draw(st.sampled_from([0, 0, 1])) :]
    return with_text(receipt, name, text)


@given(altered_receipts() | damaged(st.sampled_from([json.dumps(each).encode() for each in GENUINE.values()])))
def test_every_verifier_says_the_same_of_an_altered_receipt(page, data):
    receipt_verdict(data, page)


@pytest.mark.parametrize("receipts", [GENUINE, MADE])
@pytest.mark.parametrize("leaf", ["Block", "Revision"])
def test_an_annotation_on_the_leaf_is_refused_by_all(page, receipts, leaf):
    receipt = receipts[leaf]
    text = receipt[leaf]["IonText"]
    assert receipt_verdict(with_text(receipt, leaf, text), page) == HOLDS
    assert receipt_verdict(with_text(receipt, leaf, f"a::{text}"), page) == UNREADABLE


TEXT = json.dumps(GENUINE["Block"])
JSONS = {
    "NaN": (TEXT[:-1] + ', "x": NaN}', UNREADABLE),
    "an infinity": (TEXT[:-1] + ', "x": -Infinity}', UNREADABLE),
    "a number of many digits": (TEXT[:-1] + f', "x": {"9" * 5_000}}}', UNREADABLE),
    "a float of many digits": (TEXT[:-1] + f', "x": {"9" * 5_000}.5}}', HOLDS),
    "a name twice": ('{"Proof": 1, ' + TEXT[1:], UNREADABLE),
    "a name twice, inside": (TEXT[:-1] + ', "x": {"a": 1, "a": 2}}', UNREADABLE),
    "a name twice, with a small letter": (TEXT[:-1] + ', "proof": {"IonText": "[]"}}', UNREADABLE),
    "names of objects": (TEXT[:-1] + ', "__proto__": {"Digest": "x"}, "constructor": 1}', HOLDS),
    "half a surrogate pair": (TEXT[:-1] + ', "x": "\\ud800"}', HOLDS),
    "nested deep": (TEXT[:-1] + f', "x": {"[" * 900}{"]" * 900}}}', HOLDS),
    "nested deeper than anybody reads": (TEXT[:-1] + f', "x": {"[" * 200_000}{"]" * 200_000}}}', UNREADABLE),
    "a control character": (TEXT[:-1] + ', "x": "\x01"}', UNREADABLE),
    "a comma too many": (TEXT[:-1] + ",}", UNREADABLE),
    "something behind": (TEXT + "x", UNREADABLE),
    "another space": ("\v" + TEXT, UNREADABLE),
    "a list": (f"[{TEXT}]", UNREADABLE),
    "numbers": (TEXT[:-1] + ', "x": [0, -0, 1.5, 1e5, -2E-3, 1e999]}', HOLDS),
    "a number that begins with zero": (TEXT[:-1] + ', "x": 01}', UNREADABLE),
    "a digest with a space": (TEXT.replace('"Digest": "', '"Digest": " '), UNREADABLE),
}


@pytest.mark.parametrize("name", JSONS)
def test_every_verifier_reads_the_same_json(page, name):
    text, verdict = JSONS[name]
    assert receipt_verdict(text.encode(), page) == verdict


@pytest.mark.parametrize(
    ("encoding", "verdict"),
    [
        ("utf-8", HOLDS), ("utf-8-sig", HOLDS), ("utf-16", HOLDS), ("utf-16-le", UNREADABLE), ("utf-16-be", UNREADABLE),
        ("utf-32", UNREADABLE),
    ],
)  # fmt: skip
def test_every_verifier_reads_the_same_encodings(page, encoding, verdict):
    assert receipt_verdict(TEXT.encode(encoding), page) == verdict


def test_bytes_that_are_no_characters_are_refused_by_all(page):
    for octets in (b"\xff", b"\xed\xa0\x80", b"\xe9"):
        assert receipt_verdict(TEXT[:-1].encode() + b', "x": "' + octets + b'"}', page) == UNREADABLE


# Hostile sizes ----------------------------------------------------------------------------------------------------------

CROWDS = {
    "values": lambda size: "[" + "1," * (size - 1) + "]",
    "lists": lambda size: "[" + "[]," * (size - 1) + "]",
    "fields": lambda size: "[" + "{a:1}," * ((size - 1) // 3) + "]",
    "symbols": lambda size: "[" + "a," * ((size - 1) // 2) + "]",
    "annotations": lambda size: "a::" * (size - 1) + "1",
    "operators": lambda size: "(" + "+ " * (size - 1) + ")",
}


def read_by(page, text):
    """Who reads it, of the product, the plain verifier and the page."""
    try:
        page.ask("serialize", text=text)
        shown = True
    except RefusedError:
        shown = False
    return serialized_by_product(text) is not None, serialized_plainly(text) is not None, shown


@pytest.mark.parametrize("kind", CROWDS)
def test_what_takes_too_much_memory_is_refused_by_all(page, kind):
    assert read_by(page, CROWDS[kind](3 * MAX_VALUES)) == (False,) * 3


def test_the_bound_on_values_is_the_same_for_all(page):
    assert read_by(page, CROWDS["values"](MAX_VALUES)) == (True,) * 3
    assert read_by(page, CROWDS["values"](MAX_VALUES + 1)) == (False,) * 3


@pytest.mark.parametrize(("begin", "end"), [('"', '"'), ("'''", "'''"), ("'", "'"), ('{{"', '"}}'), ("{{'''", "'''}}")])
def test_the_bound_on_escapes_is_the_same_for_all(page, begin, end):
    assert read_by(page, begin + "\\n" * MAX_ESCAPES + end) == (True,) * 3
    assert read_by(page, begin + "\\n" * (MAX_ESCAPES + 1) + end) == (False,) * 3


def test_single_quotes_in_a_long_string_count_as_escapes_for_all(page):
    assert read_by(page, "'''" + "'x" * MAX_ESCAPES + "'''") == (True,) * 3
    assert read_by(page, "'''" + "'x" * (MAX_ESCAPES + 1) + "'''") == (False,) * 3


def test_the_bound_on_parts_of_a_clob_is_the_same_for_all(page):
    assert read_by(page, "{{" + "'''a'''" * (MAX_PARTS + 1) + "}}") == (True,) * 3
    assert read_by(page, "{{" + "'''a'''" * (MAX_PARTS + 2) + "}}") == (False,) * 3


@pytest.mark.parametrize("count", [65_526, 65_527])
def test_the_bound_on_symbols_is_the_same_for_all(page, count):
    text = "[" + ",".join(f"s{number}" for number in range(count)) + "]"
    assert read_by(page, text) == (count == 65_526,) * 3


def test_a_crowd_of_values_in_binary_is_refused_by_the_plain_verifier():
    body = b"\x20" * MAX_VALUES
    assert serialized_plainly(b"\xe0\x01\x00\xea\xbe\x00\x5b\x46\xe0" + body) is None


# Exports ----------------------------------------------------------------------------------------------------------------


def in_format(blocks, output_format):
    """An export's files with these blocks, as text, in its one object."""
    if output_format is OutputFormat.ION_TEXT:
        data = "".join(f"{each}\n" for each in blocks).encode()
    else:
        data = b"".join(encode(value) for each in blocks for value in read_texts(each))
    return EXPORTS[output_format] | {KEY: data}


@pytest.mark.parametrize("output_format", EXPORTS)
@pytest.mark.parametrize("number", [0, 2, 5])
def test_an_annotated_block_is_found_by_all(output_format, number):
    blocks = list(BLOCKS)
    assert export_verdict(in_format(blocks, output_format)) == HOLDS
    blocks[number] = f"a::{blocks[number]}"
    assert export_verdict(in_format(blocks, output_format)) == DOES_NOT_HOLD
    blocks[number] = BLOCKS[number].replace("revisions:[", "revisions:[a::")
    assert export_verdict(in_format(blocks, output_format)) == DOES_NOT_HOLD


@FEW
@given(st.sampled_from(sorted(EXPORTS)), st.sampled_from([KEY, MANIFEST, STARTED]), st.data())
def test_every_verifier_says_the_same_of_a_damaged_export(output_format, name, data):
    files = EXPORTS[output_format]
    export_verdict(files | {name: data.draw(damaged(st.just(files[name])))})


def test_a_time_in_a_manifest_that_is_none_is_refused_by_all():
    """Nothing follows from it: who looks only at what it needs would pass over it."""
    files = EXPORTS[OutputFormat.ION_BINARY]
    year, nought = b"\x0f\xea", b"\x00\x80"
    assert files[STARTED].count(year) == 1
    assert export_verdict(files) == HOLDS
    assert export_verdict(files | {STARTED: files[STARTED].replace(year, nought)}) == UNREADABLE


@FEW
@given(st.integers(0, 5), st.sampled_from(PIECES), st.data())
def test_every_verifier_says_the_same_of_altered_text(number, piece, data):
    blocks = list(BLOCKS)
    at = data.draw(st.integers(0, len(blocks[number])))
    blocks[number] = blocks[number][:at] + piece + blocks[number][at:]
    export_verdict(in_format(blocks, OutputFormat.ION_TEXT))


DATA = KEY.removeprefix("exports/bank/")
MANIFESTS = {
    "another prefix": (f'{{keys:["some/other/{DATA}"]}}', HOLDS),
    "a prefix that leads up": (f'{{keys:["../{DATA}"]}}', UNREADABLE),
    "a prefix that leads up inside": (f'{{keys:["a/../{DATA}"]}}', UNREADABLE),
    "from the root": (f'{{keys:["/{DATA}"]}}', UNREADABLE),
    "twice": (f'{{keys:["{KEY}","{KEY}"]}}', UNREADABLE),
    "twice by two prefixes": (f'{{keys:["{KEY}","other/{DATA}"]}}', UNREADABLE),
    "a field twice": (f'{{keys:["{KEY}"],keys:["{KEY}"]}}', UNREADABLE),
    "two values": (f'{{keys:["{KEY}"]}}{{keys:["{KEY}"]}}', UNREADABLE),
    "too long a key": (f'{{keys:["{"a" * 1_024}/{DATA}"]}}', UNREADABLE),
    "blocks beyond every strand": (f'{{keys:["{DATA.replace(".0-5", ".0-9999999999999999999")}"]}}', UNREADABLE),
    "blocks backwards": (f'{{keys:["{DATA.replace(".0-5", ".5-0")}"]}}', UNREADABLE),
    "another strand's object": (f'{{keys:["{DATA.replace(STRAND, "Other")}"]}}', DOES_NOT_HOLD),
    "an object that is not there": (f'{{keys:["{DATA.replace("/03/", "/99/")}"]}}', DOES_NOT_HOLD),
    "another encoding of numbers": (f'{{keys:["{DATA.replace(".0-5", ".00-05")}"]}}', DOES_NOT_HOLD),
    "a null among the keys": (f'{{keys:["{KEY}",null.string]}}', UNREADABLE),
    "nothing": ("", UNREADABLE),
}  # fmt: skip


@pytest.mark.parametrize("name", MANIFESTS)
def test_every_verifier_says_the_same_of_a_hostile_manifest(name):
    text, verdict = MANIFESTS[name]
    assert export_verdict(EXPORTS[OutputFormat.ION_TEXT] | {MANIFEST: text.encode()}) == verdict


def test_more_keys_than_an_export_has_are_refused_by_all():
    keys = ",".join(f'"2025/03/01/09/s.{number}-{number}.ion"' for number in range(MAX_KEYS + 1))
    assert export_verdict(EXPORTS[OutputFormat.ION_TEXT] | {MANIFEST: f"{{keys:[{keys}]}}".encode()}) == UNREADABLE


@pytest.mark.parametrize("text", ["{{{", "1", "{}{}", "", "{a:1,a:2}", "null", "{a:$99}"])
def test_a_started_manifest_that_cannot_be_read_is_refused_by_all(text):
    assert export_verdict(EXPORTS[OutputFormat.ION_TEXT] | {STARTED: text.encode()}) == UNREADABLE


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        (f"exports/bank/other.{STRAND}.completed.manifest", HOLDS),
        (f"exports/bank/other.{'U' * 22}.completed.manifest", DOES_NOT_HOLD),
        (f"exports/bank/.other.{STRAND}.completed.manifest", UNREADABLE),
        (f".hidden/other.{STRAND}.completed.manifest", UNREADABLE),
        (f"a\nb/other.{STRAND}.completed.manifest", UNREADABLE),
        (f"exports/bank/{STRAND}.completed.manifest", UNREADABLE),
    ],
)
def test_a_manifest_of_another_name_or_strand_says_the_same_to_all(name, verdict):
    files = dict(EXPORTS[OutputFormat.ION_TEXT])
    files[name] = files.pop(MANIFEST)
    assert export_verdict(files) == verdict


PROOFS = proofs_bytes([GENUINE["Block"], block_receipt(JOURNAL, 3, 5)])


@pytest.mark.parametrize("output_format", EXPORTS)
@pytest.mark.parametrize("suffix", [".ion.proofs.json", ".proofs.json"])
@pytest.mark.parametrize("proofs", [PROOFS, b"[]", b"\xff", b""])
def test_files_of_proofs_confuse_no_verifier(output_format, suffix, proofs):
    """The command alone looks into them; here nothing in them contradicts the export."""
    name = KEY.removesuffix(".ion") + suffix
    files = EXPORTS[output_format] | {name: proofs, f"exports/bank/all{suffix}": proofs}
    assert export_verdict(files) == HOLDS
    assert export_verdict(files | {KEY: files[KEY].replace(b"SETTLED", b"settled", 1)}) == DOES_NOT_HOLD


def moved_behind_a_link(name):
    def change(directory):
        place, behind = directory / name, directory.with_name("behind")
        place.rename(behind)
        place.symlink_to(behind)

    return change


@pytest.mark.parametrize(
    ("name", "verdict"), [(KEY, DOES_NOT_HOLD), (MANIFEST, UNREADABLE), ("exports/bank/2025", DOES_NOT_HOLD), ("exports", UNREADABLE)]
)  # fmt: skip
def test_what_stands_behind_a_link_is_none_of_the_export(name, verdict):
    assert export_verdict(EXPORTS[OutputFormat.ION_TEXT], moved_behind_a_link(name)) == verdict
