"""The verifier alone comes to what the product comes to, with the standard library and nothing else."""

import ast
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from counterfoil.cli import full_verifier
from counterfoil.journal.export_format import OutputFormat
from counterfoil.services import export
from counterfoil.transparency.checkpoint import parse_checkpoint
from counterfoil.transparency.cosignature import cosignature, cosigned_bytes
from counterfoil.transparency.note import render_signatures
from lab.standalone import NAME, render, write_wheel
from tests.evidence_worlds import LOG_PUBLIC, SNAPSHOT_PUBLIC, fraud_world, p256_key, public_of
from tests.exports import data_keys, exported, verdict_of
from tests.journals import first_revision, rehash, rehash_from, transfers
from tests.standalone_files import runner_of
from tests.transparency_logs import witness_key

EXAMPLE = Path(__file__).parents[2] / "lab/data/aws-cli-example.json"
FORMATS = [OutputFormat.ION_TEXT, OutputFormat.ION_BINARY]


@pytest.fixture(scope="module")
def text():
    return render()


@pytest.fixture(scope="module")
def alone(tmp_path_factory, text):
    return runner_of(tmp_path_factory.mktemp("alone"), NAME, text)


@pytest.fixture(params=["alone", "module"])
def verify(request, capsys):
    """The file, or the module it is made from."""
    if request.param == "alone":
        return request.getfixturevalue("alone")
    return lambda *arguments: (full_verifier.main([*map(str, arguments)]), capsys.readouterr().out)


@pytest.fixture
def copied(tmp_path):
    def write(files):
        for key, data in files.items():
            path = tmp_path / "export" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / "export"

    return write


def digest_file(tmp_path, digest):
    path = tmp_path / "digest.json"
    tip = f'{{strandId:"{digest.tip_address.strand_id}",sequenceNo:{digest.tip_address.sequence_no}}}'
    path.write_text(json.dumps({"Digest": digest.hash.to_base64(), "DigestTipAddress": {"IonText": tip}}))
    return path


def altered(fields):
    first_revision(fields)["data"]["amount"] += 1
    return fields


def test_it_imports_the_standard_library_alone(text):
    modules = {each.module for each in ast.walk(ast.parse(text)) if isinstance(each, ast.ImportFrom)}
    modules |= {name.name for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Import) for name in each.names}
    assert {str(module).partition(".")[0] for module in modules} <= sys.stdlib_module_names
    assert "counterfoil." not in text.replace("counterfoil.event", "")


def test_the_same_modules_give_the_same_file(text):
    assert render() == text


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("bound", [True, False])
def test_an_honest_export_holds_and_leads_to_its_digest(verify, copied, tmp_path, monkeypatch, output_format, bound):
    monkeypatch.setattr(export, "OBJECT_BYTES", 3_800)
    journal = transfers(11, bind_headers=bound)
    directory = copied(exported(journal, output_format))
    status, said = verify("export", directory, "--digest", digest_file(tmp_path, journal.builder.digest(7)))
    assert (status, "11 blocks" in said, journal.builder.digest().hash.to_base64() in said) == (0, True, True)


@pytest.mark.parametrize(
    "forgery", ["changed", "rehashed", "rehashed to the end", "missing", "swapped", "cut", "object"]
)
def test_a_forged_export_does_not_hold_where_the_product_says_so(verify, copied, tmp_path, monkeypatch, forgery):
    monkeypatch.setattr(export, "OBJECT_BYTES", 3_800)
    journal = transfers(11)
    fields = journal.fields
    if forgery != "missing":
        altered(fields[5])
    if forgery == "rehashed":
        fields[5] = rehash(fields[5])
    if forgery == "rehashed to the end":
        fields = rehash_from(fields, 5)
    blocks = [replace(built, fields=each) for built, each in zip(journal.blocks, fields, strict=True)]
    files = exported(replace(journal, blocks=blocks), OutputFormat.ION_BINARY)
    keys = data_keys(files)
    if forgery == "missing":
        stored = [block.block_binary() for block in blocks]
        files[keys[1]] = b"".join([*stored[4:5], *stored[6:8]])
    if forgery == "swapped":
        files[keys[1]], files[keys[2]] = files[keys[2]], files[keys[1]]
    if forgery == "cut":
        files[keys[2]] = files[keys[2]][:-100]
    if forgery == "object":
        del files[keys[1]]
    digest = journal.builder.digest()
    status, said = verify("export", copied(files), "--digest", digest_file(tmp_path, digest))
    first = verdict_of(files, digest).contents.damage.first
    assert status == 1
    if first is not None:
        assert f"block {first} does not hold" in said


@pytest.mark.parametrize("leaf", ["GetBlock", "GetRevision"])
def test_a_genuine_receipt_holds_and_a_changed_one_does_not(verify, tmp_path, leaf):
    example = json.loads(EXAMPLE.read_text())
    document = example[leaf] | example["GetDigest"]
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(document))
    assert verify("receipt", file)[0] == 0
    file.write_text(json.dumps(document | {"Digest": document["Digest"][::-1]}))
    assert verify("receipt", file)[0] in {1, 2}
    part = leaf.removeprefix("Get")
    changed = json.loads(json.dumps(document).replace("Everett", "Everest"))
    if changed != document:
        file.write_text(json.dumps(changed))
        assert verify("receipt", file)[0] == 1, part


@pytest.fixture
def bundle(tmp_path):
    """A finding's evidence, with the keys that signed it and one that did not."""
    finding, sources = fraud_world()
    (tmp_path / "evidence.json").write_bytes(sources.make(finding).data)
    for name, key in {"log": LOG_PUBLIC, "snapshot": SNAPSHOT_PUBLIC, "other": public_of(p256_key(9))}.items():
        (tmp_path / name).write_bytes(key.der)
    return tmp_path / "evidence.json"


def test_evidence_holds_under_its_keys_and_no_others(verify, bundle):
    for name in ("log", "snapshot"):
        status, said = verify("evidence", bundle, "--key", bundle.parent / name)
        assert (status, said.startswith("holds")) == (0, True)
        assert "proven: the transfer T3 of 60000.00 EUR from A1 to B2 is what the revision says" in said
    assert verify("evidence", bundle)[1].startswith("agrees with itself")
    status, said = verify("evidence", bundle, "--key", bundle.parent / "other")
    assert (status, said.startswith("does not hold")) == (1, True)
    assert verify("evidence", bundle, "--key", bundle)[0] == 2
    assert verify("evidence", bundle, "--key")[0] == 2


def test_changed_evidence_does_not_hold_and_evidence_without_its_proofs_is_not_proven(verify, bundle):
    document = json.loads(bundle.read_text())
    bundle.write_text(json.dumps(document).replace("60000.00", "60000.01", 1))
    assert verify("evidence", bundle)[0] == 1
    document["blocks"][0]["proofs"], document["statements"] = [], []
    bundle.write_text(json.dumps(document))
    status, said = verify("evidence", bundle, "--key", bundle.parent / "log")
    assert (status, said.startswith("not proven"), "covers block" in said) == (2, True, True)


def test_a_policy_counts_witnesses_there_too(verify, bundle):
    policy = bundle.parent / "policy"
    keys = [witness_key(name) for name in "abc"]
    lines = [f"witness {key.key.name} {key.key.render()}" for key in keys]
    policy.write_text("\n".join([*lines, "group two 2 a b c", "quorum two"]))
    given = ("evidence", bundle, "--key", bundle.parent / "log", "--policy", policy)
    document = json.loads(bundle.read_text())
    checkpoint = document["statements"][0]
    unsigned = checkpoint["text"]
    text = parse_checkpoint(unsigned.encode()).note.text

    def signed(*signatures):
        checkpoint["text"] = unsigned + render_signatures(signatures)
        bundle.write_text(json.dumps(document))
        return verify(*given)

    a, b = (cosignature(key.key, 7, key.private.sign(cosigned_bytes(text, 7))) for key in keys[:2])
    stranger = witness_key("stranger")
    unknown = cosignature(stranger.key, 7, stranger.private.sign(cosigned_bytes(text, 7)))
    status, said = signed(a, unknown)
    assert (status, "missing: the quorum two" in said) == (2, True)
    status, said = signed(a, b, unknown)
    assert (status, "is signed by a, b: the quorum two" in said) == (0, True)
    late = cosignature(keys[1].key, 2**40, keys[1].private.sign(cosigned_bytes(text, 2**40)))
    status, said = signed(a, late)
    assert (status, "claimed: the signature of b" in said) == (2, True)
    assert signed(a, a)[0] == 1
    assert signed(a, b._replace(value=a.value))[0] == 1
    assert verify(*given, "--policy", policy)[0] == 2
    assert verify("evidence", bundle, "--witness", policy)[0] == 2
    for content in (b"quorum x\n", b"\xff"):
        policy.write_bytes(content)
        assert verify(*given)[0] == 2


def test_what_verifies_evidence_needs_no_package():
    """In a process of its own, since this one has loaded everything."""
    loaded = "import sys, counterfoil.detection.evidence.verification; print(sorted({each.partition('.')[0] for each in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert {"boto3", "botocore", "cryptography", "typer"} & set(ast.literal_eval(done.stdout)) == set()


@pytest.mark.parametrize("arguments", [[], ["export"], ["verify", "x"], ["receipt", "nobody"], ["export", "/nobody"]])
def test_wrong_usage_and_input_are_told_apart(verify, arguments):
    assert verify(*arguments)[0] == 2


def test_json_is_left_to_the_whole_product(verify, copied):
    status, said = verify("export", copied(exported(transfers(2), OutputFormat.JSON)))
    assert (status, "lost types" in said) == (2, True)


def test_the_wheel_needs_nothing_and_has_the_command(tmp_path, text):
    wheel = write_wheel(tmp_path, text)
    assert wheel.read_bytes() == write_wheel(tmp_path, text).read_bytes()
    with zipfile.ZipFile(wheel) as opened:
        files = {name: opened.read(name).decode() for name in opened.namelist()}
    (metadata,) = [each for name, each in files.items() if name.endswith("METADATA")]
    assert "Requires-Dist" not in metadata
    command = f"import sys; sys.path.insert(0, sys.argv.pop(1)); import {NAME}; sys.exit({NAME}.main())"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", command, wheel], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "usage" in done.stdout) == (2, True)
