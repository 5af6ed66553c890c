"""The plain verifier reads Ion, hashes it and judges receipts and exports as the product does, whatever it is given."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from amazon.ion import simpleion
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ion import dump_text, render_text
from counterfoil.ion.amazon_values import value_of
from counterfoil.journal.export_format import OutputFormat
from counterfoil.plain.ion_text import text_values
from counterfoil.services import export
from tests.damage import damaged
from tests.exports import data_keys, exported
from tests.ion_encodings import encode_anyhow
from tests.ion_values import ion_values
from tests.journals import FEW, journals, rehash, rehash_from
from tests.plain_verifier import (
    exports_agree,
    receipt_by_product,
    receipt_plainly,
    run,
    serialized_by_product,
    serialized_plainly,
)
from tests.property.test_receipt_laws import block_receipt, ion
from tests.property.test_text_reader_laws import LONG, READ, REFUSED
from tests.property.test_verifier_page_laws import (
    MARKS,
    NAMES,
    NUMBERS,
    PIECES,
    TIMES,
    altered,
    forged_blocks,
    honest,
    tampered,
)

seeds = st.integers(0, 2**32)
formats = st.sampled_from([None, OutputFormat.ION_BINARY])


def agree(data):
    plain = serialized_plainly(data)
    assert plain == serialized_by_product(data)
    return plain


# Ion --------------------------------------------------------------------------------------------------------------------


@given(ion_values)
def test_a_value_of_any_type_hashes_alike_in_text_and_in_binary(value):
    text = agree(render_text(value_of(value)))
    assert text == agree(simpleion.dumps(value, binary=True)) is not None


@given(ion_values, seeds)
def test_every_way_to_write_a_value_hashes_alike(value, seed):
    assert agree(encode_anyhow(value, seed)) is not None


@given(damaged(st.builds(encode_anyhow, ion_values, seeds)))
def test_damaged_binary_is_read_or_refused_alike(data):
    agree(data)


@pytest.mark.parametrize("text", [*READ, *REFUSED, *LONG.values(), *NUMBERS, *TIMES], ids=lambda text: text[:40])
def test_what_the_product_reads_is_read_alike_and_nothing_else(text):
    agree(text)
    agree(f"({text} {text})")


@given(st.text(alphabet="{}[]()'\"\\:, \n\t\r/*$ab_0123456789.-+deTZxnulrfi", max_size=40))
def test_text_made_of_the_marks_of_ion_is_read_or_refused_alike(text):
    agree(text)


@given(st.lists(PIECES | st.sampled_from(MARKS + NAMES), max_size=12).map("".join))
def test_text_put_together_of_pieces_is_read_or_refused_alike(text):
    agree(text)


@pytest.mark.parametrize("octet", range(256))
def test_every_octet_is_escaped_alike(octet):
    for text in (
        f'{{{{"a\\x{octet:02x}"}}}}',
        f'"a\\x{octet:02x}"',
        f"'\\x{octet:02x}'",
        f'"{chr(octet)}"',
        f"'''{chr(octet)}'''",
        f'"\\{chr(octet)}"',
    ):
        agree(text)


@pytest.mark.parametrize("depth", [99, 100, 101, 200_000])
@pytest.mark.parametrize(("opening", "closing"), ["[]", "()", ("{a:", "}"), ("[a::{b:", "}]")])
def test_depth_is_bounded_alike(depth, opening, closing):
    times = depth // (2 if len(closing) == 2 else 1)
    agree(opening * times + "1" + closing * times)


@pytest.mark.parametrize("depth", [99, 100, 101, 200_000])
def test_depth_is_bounded_alike_in_binary(depth):
    data = b"\x21\x01"
    for _ in range(min(depth, 1_000)):
        data = b"\xbe" + bytes([len(data) >> 7 & 0x7F, len(data) & 0x7F | 0x80]) + data
    agree(b"\xe0\x01\x00\xea" + (b"\xb1" * (depth - 1_000) if depth > 1_000 else b"") + data)


@pytest.mark.parametrize(
    "unit",
    ['"', "'", "'''", "\\", '"\\', "/*", "//", "{{", "{{'''", "''", "'\\", "a::", "1_", "$", "-", "(+", "(/*", "["],
)
def test_open_text_costs_no_more_than_its_length(unit):
    """A search that began again at each character would take hours; this ends, with values or with a refusal."""
    with suppress(ValueError):
        list(text_values(unit * (1_500_000 // len(unit))))


# Receipts ---------------------------------------------------------------------------------------------------------------


def receipts_agree(document):
    expected = receipt_by_product(document)
    assert receipt_plainly(document)[0] == expected
    return expected


@given(honest())
def test_an_honest_receipt_holds(receipt):
    assert receipts_agree(receipt) == 0


@given(altered() | tampered())
def test_an_altered_receipt_is_judged_alike(receipt):
    receipts_agree(receipt)


@FEW
@given(journals(min_size=2, min_changes=1), st.data())
def test_blocks_of_a_forger_who_rehashes_are_judged_alike(journal, data):
    index, tip, forged = data.draw(forged_blocks(journal))
    receipts_agree(block_receipt(journal, index, tip) | {"Block": ion(dump_text(forged))})


# Exports ----------------------------------------------------------------------------------------------------------------


def exported_in(journal, output_format, object_bytes=1_500):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "OBJECT_BYTES", object_bytes)
        return exported(journal, output_format)


@FEW
@given(journals(), formats)
def test_an_honest_export_holds_and_leads_to_its_digest(journal, output_format):
    digest = journal.builder.digest()
    assert exports_agree(exported_in(journal, output_format), digest) == (0, None)


@given(journals(min_size=3), formats, st.data())
def test_a_damaged_export_is_judged_alike(journal, output_format, data):
    files = exported_in(journal, output_format)
    for key in data.draw(st.lists(st.sampled_from(sorted(files)), min_size=1, max_size=2)):
        files[key] = data.draw(damaged(st.just(files[key])))
    exports_agree(files, data.draw(st.sampled_from([None, journal.builder.digest(), journal.builder.digest(0)])))


@FEW
@given(journals(min_size=4), formats, st.data())
def test_objects_that_are_missing_repeated_or_swapped_are_judged_alike(journal, output_format, data):
    files = exported_in(journal, output_format)
    keys = data_keys(files)
    one, other = data.draw(st.sampled_from(keys)), data.draw(st.sampled_from(keys))
    files[one], files[other] = files[other], files[one]
    if data.draw(st.booleans()):
        del files[one]
    exports_agree(files, data.draw(st.sampled_from([None, journal.builder.digest()])))


@FEW
@given(journals(min_size=4, min_changes=1), formats, st.data())
def test_a_forged_export_is_judged_alike(journal, output_format, data):
    fields = journal.fields
    number = data.draw(st.integers(0, len(fields) - 1))
    part = data.draw(st.sampled_from(["data", "transactionId", "revisions", "transactionInfo", "blockTimestamp"]))
    if part == "data":
        fields[number]["revisions"][0].pop("data", None)
    else:
        fields[number][part] = fields[number - 1][part]
    how = data.draw(st.sampled_from(["as it is", "this one", "to the end"]))
    if how == "this one":
        fields[number] = rehash(fields[number], bind_header=data.draw(st.booleans()))
    elif how == "to the end":
        fields = rehash_from(fields, number)
    blocks = [replace(built, fields=each) for built, each in zip(journal.blocks, fields, strict=True)]
    files = exported_in(replace(journal, blocks=blocks), output_format)
    exports_agree(files, data.draw(st.sampled_from([None, journal.builder.digest()])))


# Hostile input ----------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=400) | damaged(st.just(json.dumps({"Proof": "[]", "Block": "{}"}).encode())))
def test_random_bytes_are_no_receipt(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("random") / "receipt"
    file.write_bytes(data)
    status, said = run("receipt", file)
    assert (status, said.count("\n")) == (2, 1)
