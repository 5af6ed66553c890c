"""The plain verifier: short enough to be read, alone with the standard library, and of the product's opinion on what others made."""

import ast
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from counterfoil.ion import encode, hash_of_ion, read_values, serialize
from counterfoil.ion.text_reader import read_texts
from counterfoil.journal.export_format import OutputFormat
from counterfoil.merkle import Hash, dot
from counterfoil.plain import ion_hash
from counterfoil.plain.ion_text import text_values
from counterfoil.services import export
from lab.plain_verifier import MAX_LINES, MAX_WIDTH, MODULES, NAME, ROOM, render
from tests.exports import data_keys, exported
from tests.journals import first_revision, rehash, rehash_from, transfers
from tests.plain_verifier import (
    digest_document,
    export_by_product,
    export_plainly,
    receipt_by_product,
    receipt_plainly,
    write_export,
)
from tests.property.test_receipt_laws import block_receipt
from tests.standalone_files import runner_of

EXAMPLE = Path(__file__).parents[2] / "lab/data/aws-cli-example.json"
FORMATS = [OutputFormat.ION_TEXT, OutputFormat.ION_BINARY]
LAST_MANIFEST = "exports/bank/8UyXulxccYLAsbN1aon7e4.JdxjkR9bSYB5jMHWcI464T.completed.manifest"


@pytest.fixture(scope="module")
def text():
    return render()


@pytest.fixture(scope="module")
def alone(tmp_path_factory, text):
    return runner_of(tmp_path_factory.mktemp("alone"), NAME, text)


# To be read


def test_it_is_short_enough_to_be_read(text):
    assert len(text.splitlines()) == text.count("\n") <= MAX_LINES < 600
    assert max(map(len, text.splitlines())) <= MAX_WIDTH < 135


def test_it_imports_the_standard_library_alone(text):
    tree = ast.parse(text, feature_version=(3, 9))
    modules = {each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    modules |= {name.name for each in ast.walk(tree) if isinstance(each, ast.Import) for name in each.names}
    assert {str(module).partition(".")[0] for module in modules} <= sys.stdlib_module_names


def test_every_definition_of_the_modules_is_in_it(text):
    kinds = (ast.FunctionDef, ast.ClassDef)
    written = [each.name for each in ast.walk(ast.parse(text)) if isinstance(each, kinds)]
    for module in MODULES:
        tree = ast.parse((ROOM / f"{module}.py").read_text())
        assert {each.name for each in ast.walk(tree) if isinstance(each, kinds)} <= set(written)


def test_the_same_modules_give_the_same_file(text):
    assert render() == text


# What others made


@pytest.mark.parametrize("name", ["restapi-receipt-19of19.json", "restapi-receipt-19of35.json"])
def test_the_services_own_receipts_hold(alone, shared_vectors, tmp_path, name):
    receipt = json.loads((shared_vectors / "receipts" / name).read_text())
    assert alone("receipt", shared_vectors / "receipts" / name)[0] == receipt_by_product(receipt) == 0
    for part, field in ((receipt["LedgerDigest"], "Digest"), (receipt["Proof"], "IonText"), (receipt, "RevisionHash")):
        kept = part[field]
        place = kept.rindex("=") - 9
        part[field] = kept[:place] + ("A" if kept[place] != "A" else "B") + kept[place + 1 :]
        (tmp_path / "receipt.json").write_text(json.dumps(receipt))
        assert alone("receipt", tmp_path / "receipt.json")[0] == receipt_by_product(receipt) == 1
        part[field] = kept


@pytest.mark.parametrize("leaf", ["GetBlock", "GetRevision"])
def test_a_genuine_answer_holds_and_a_changed_one_does_not(alone, tmp_path, leaf):
    example = json.loads(EXAMPLE.read_text())
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(example[leaf] | example["GetDigest"]))
    status, said = alone("receipt", file)
    assert (status, "#100 is under the digest at" in said) == (0, True)
    file.write_text(file.read_text().replace("Everett", "Everest"))
    assert alone("receipt", file)[0] == 1
    assert "expected" in alone("receipt", file)[1]


def test_every_case_of_the_ion_hash_suite(shared_vectors):
    """The product is proved on the suite (test_ion_hash_suite.py): here every value of its text, cases and all, hashes alike."""
    values = list(text_values((shared_vectors / "ionhash" / "ion_hash_tests.ion").read_text()))
    data = b"".join(map(encode, read_texts((shared_vectors / "ionhash" / "ion_hash_tests.ion").read_text())))
    assert len(values) > 100
    assert [ion_hash.ion_hash(each) for each in values] == [hash_of_ion(each) for each in read_values(data)]
    inside = [part for each in values for name, part in each.fields().items() if name == "ion"]
    assert len(inside) > 100
    assert list(map(ion_hash.serialize, inside)) == [
        serialize(part) for each in read_values(data) for name, part in each.fields().items() if name == "ion"
    ]


@pytest.mark.parametrize("name", ["Person.ion", "DriversLicense.ion", "Vehicle.ion", "VehicleRegistration.ion"])
def test_sample_documents_hash_alike(shared_vectors, name):
    text = (shared_vectors / "partiql" / "dmv" / name).read_text()
    data = b"".join(map(encode, read_texts(text)))
    assert list(map(ion_hash.ion_hash, text_values(text))) == list(map(hash_of_ion, read_values(data)))


# Exports


@pytest.fixture
def journal(monkeypatch):
    monkeypatch.setattr(export, "OBJECT_BYTES", 3_800)
    return transfers(11)


def forged(journal, forgery, output_format):
    """The export's files after a forgery."""
    fields = journal.fields
    if forgery in {"changed", "rehashed", "rehashed to the end"}:
        first_revision(fields[5])["data"]["amount"] += 1
    if forgery == "rehashed":
        fields[5] = rehash(fields[5])
    if forgery == "rehashed to the end":
        fields = rehash_from(fields, 5)
    blocks = [replace(built, fields=each) for built, each in zip(journal.blocks, fields, strict=True)]
    return with_moved(
        exported(replace(journal, blocks=blocks), output_format), [each.block_binary() for each in blocks], forgery
    )


def with_moved(files, stored, forgery):
    """The files with blocks or objects in other places, or not at all."""
    keys = data_keys(files)
    orders = {"missing": [4, 6, 7], "repeated": [4, 5, 5, 6, 7], "swapped blocks": [4, 6, 5, 7]}
    if forgery in orders:
        files[keys[1]] = b"".join(stored[number] for number in orders[forgery])
    if forgery == "swapped":
        files[keys[1]], files[keys[2]] = files[keys[2]], files[keys[1]]
    if forgery == "cut":
        files[keys[2]] = files[keys[2]][:-100]
    if forgery == "object":
        del files[keys[1]]
    if forgery == "tail":
        files[LAST_MANIFEST] = json.dumps({"keys": keys[:-1]}).encode()
    return files


FORGERIES = (
    "none", "changed", "rehashed", "rehashed to the end", "missing", "repeated", "swapped blocks", "swapped", "cut", "object", "tail",
)  # fmt: skip


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_export_does_not_hold_where_the_product_says_so(alone, tmp_path, journal, forgery, output_format):
    directory = write_export(forged(journal, forgery, output_format), tmp_path / "export")
    digest = journal.builder.digest()
    (tmp_path / "digest.json").write_text(json.dumps(digest_document(digest)))
    expected = export_by_product(directory, digest)
    assert expected[0] == (0 if forgery == "none" else 1)
    assert export_plainly(directory, digest) == expected
    status, said = alone("export", directory, "--digest", tmp_path / "digest.json")
    assert status == expected[0]
    assert (f"first bad block {expected[1]};" in said) == (expected[1] is not None)
    assert (f"digest {digest.hash.to_base64()}" in said) == (forgery == "none")


def with_fields(journal, fields):
    blocks = [replace(built, fields=each) for built, each in zip(journal.blocks, fields, strict=True)]
    return exported(replace(journal, blocks=blocks))


def test_a_forger_who_binds_a_header_no_more_is_found(tmp_path, journal):
    """Every hash and link is right again, behind a block whose time and ids nothing binds any more."""
    fields = journal.fields
    fields[5] = rehash(fields[5] | {"blockTimestamp": fields[4]["blockTimestamp"]}, bind_header=False)
    for number in range(6, len(fields)):
        fields[number] = rehash(fields[number], previous=fields[number - 1]["blockHash"])
    directory = write_export(with_fields(journal, fields), tmp_path)
    assert export_plainly(directory) == export_by_product(directory) == (1, 5)


def test_nothing_is_left_out_of_a_block_whose_layout_is_known(tmp_path, journal):
    fields = journal.fields
    fields[5]["revisions"] = []
    del fields[5]["transactionInfo"]
    directory = write_export(with_fields(journal, fields), tmp_path)
    assert export_plainly(directory) == export_by_product(directory) == (1, 5)


@pytest.mark.parametrize("extra", [0, 1])
def test_a_proof_of_another_length_than_its_place_gives_does_not_hold(journal, extra):
    """Even under a digest that it leads to."""
    receipt, other = block_receipt(journal, 3, 10), Hash(bytes(range(32)))
    if extra:
        receipt["Proof"] = {"IonText": receipt["Proof"]["IonText"].replace("]", f",{{{{{other.to_base64()}}}}}]")}
        receipt["Digest"] = dot(Hash.from_base64(receipt["Digest"]), other).to_base64()
    assert receipt_plainly(receipt)[0] == receipt_by_product(receipt) == extra


def test_what_differs_is_said_with_what_was_expected_and_found(alone, tmp_path, journal):
    said = alone("export", write_export(forged(journal, "changed", None), tmp_path))[1]
    assert "block 5 does not hold: hash of the revision of " in said
    assert ": expected " in said
    assert ", found " in said
    assert "bad blocks 5\n" in said


def test_an_export_of_a_part_has_no_digest(alone, tmp_path, journal):
    files = exported(journal)
    files[LAST_MANIFEST] = json.dumps({"keys": data_keys(files)[1:]}).encode()
    directory = write_export(files, tmp_path / "export")
    (tmp_path / "digest.json").write_text(json.dumps(digest_document(journal.builder.digest())))
    assert alone("export", directory)[0] == export_by_product(directory)[0] == 0
    assert "what was before" in alone("export", directory)[1]
    assert alone("export", directory, "--digest", tmp_path / "digest.json")[0] == 2


# Bad input


@pytest.mark.parametrize(
    "arguments",
    [[], ["export"], ["verify", "x"], ["receipt", "nobody"], ["export", "/nobody"], ["export", "x", "--digest"]],
)
def test_wrong_usage_is_told_in_one_line(alone, arguments):
    status, said = alone(*arguments)
    assert (status, said.count("\n")) == (2, 1)


NESTED = 200_000
HOSTILE = {
    "JSON nested deep": b"[" * NESTED,
    "an Ion list nested deep": json.dumps({"Digest": "A" * 43 + "=", "DigestTipAddress": "[" * NESTED}).encode(),
    "Ion structs nested deep": json.dumps({"Digest": "A" * 43 + "=", "DigestTipAddress": "{a:" * NESTED}).encode(),
    "a number of many digits": json.dumps({"Digest": "A" * 43 + "=", "DigestTipAddress": "9" * 10**6}).encode(),
    "an exponent": json.dumps({"Digest": "A" * 43 + "=", "DigestTipAddress": "1d999999999"}).encode(),
    "a JSON number of many digits": b'{"Digest": ' + b"9" * 10**5 + b"}",
    "no object": b"[]",
    "nothing": b"",
    "half a character": b'{"Digest": "\xff"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_receipts_are_refused_in_one_line(alone, tmp_path, name):
    (tmp_path / "receipt.json").write_bytes(HOSTILE[name])
    status, said = alone("receipt", tmp_path / "receipt.json")
    assert (status, said.count("\n"), said.isascii()) == (2, 1, True)


MARKER = b"\xe0\x01\x00\xea"
HOSTILE_MANIFESTS = {
    "nothing": b"",
    "nested deep": b"[" * NESTED,
    "nested deep in binary": MARKER + b"\xbe\x7f\x7f\x7f\xff" * 100,
    "a length beyond the file": MARKER + b"\xde" + b"\x7f" * 7 + b"\xff",
    "a length that does not end": MARKER + b"\xde" + b"\x7f" * 50,
    "many imported symbols": MARKER
    + b"\xee\x9c\x81\x83\xde\x98\x86\xbe\x95\xde\x93\x84\x81a\x85\x21\x01\x88\x28"
    + b"\x7f" * 8,
    "a key elsewhere": b'{keys:["../../2025/03/01/09/JdxjkR9bSYB5jMHWcI464T.0-1.ion"]}',
    "JSON": b'{"keys":["2025/03/01/09/JdxjkR9bSYB5jMHWcI464T.0-1.json"]}',
    "a cut string": b'{keys:["2025',
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("name", HOSTILE_MANIFESTS)
def test_hostile_manifests_are_refused_in_one_line(alone, tmp_path, name):
    (tmp_path / "e.s.completed.manifest").write_bytes(HOSTILE_MANIFESTS[name])
    status, said = alone("export", tmp_path)
    assert (status, said.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "name", ["nested deep", "nested deep in binary", "a length beyond the file", "bytes", "nothing"]
)
def test_a_hostile_object_does_not_hold(alone, tmp_path, name):
    path = tmp_path / "2025/03/01/09/s.0-1.ion"
    path.parent.mkdir(parents=True)
    path.write_bytes(HOSTILE_MANIFESTS[name])
    (tmp_path / "e.s.completed.manifest").write_text('{keys:["2025/03/01/09/s.0-1.ion"]}')
    assert alone("export", tmp_path)[0] == export_by_product(tmp_path)[0] == 1
