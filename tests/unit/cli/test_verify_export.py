"""``counterfoil verify export``: what it prints, in both forms, and its exit status."""

from io import StringIO

import pytest
from jsonschema import validate
from rich.console import Console

from counterfoil.adapters.outbox import Outbox
from counterfoil.cli import verify_export
from counterfoil.journal.export_format import OutputFormat
from counterfoil.journal.publication import OuterRecord
from counterfoil.services import export
from counterfoil.services.publish import Publisher
from tests.exports import NOW, ListReader, aggregate, data_keys, exported, later, stream_job
from tests.journals import STRAND, transfers
from tests.proofs_files import NAME as PROOFS_NAME
from tests.proofs_files import proofs_bytes
from tests.property.test_receipt_laws import block_receipt
from tests.unit.cli.test_verify_events import COUNT, FINDING, HASH, TEXT, strict

NUMBER = {"type": ["integer", "null"]}
NAME = {"type": ["string", "null"]}
FOUND = FINDING | {
    "properties": FINDING["properties"] | {"ruleId": {"type": "string", "pattern": r"^(audit|export)\.[a-z-]+$"}}
}
PROOFS = strict(
    {
        "files": COUNT, "checked": COUNT, "good": COUNT, "bad": COUNT, "underKnownDigest": COUNT, "underOwnDigestAlone": COUNT,
        "notChecked": COUNT, "notCheckedBecause": {"type": "array", "items": TEXT},
    }
)  # fmt: skip
EXPORT = strict(
    {
        "holds": {"type": "boolean"}, "exportId": TEXT, "strandId": TEXT, "ledgerName": NAME, "outputFormat": NAME,
        "objects": COUNT, "unlistedObjects": COUNT, "firstBlock": NUMBER, "lastBlock": NUMBER, "blocksVerified": COUNT,
        "revisionsVerified": COUNT, "revisionsNotChecked": COUNT, "firstBlockNotChecked": NUMBER,
        "digest": {"anyOf": [HASH, {"type": "null"}]},
        "firstBadBlock": NUMBER, "badBlocks": {"type": "array", "items": {"type": "string", "pattern": r"^\d+(-\d+)?$"}},
        "badBlockCount": COUNT, "proofs": {"anyOf": [PROOFS, {"type": "null"}]}, "remarks": {"type": "array", "items": TEXT},
        "digestCompared": {"type": "boolean"}, "findings": {"type": "array", "items": FOUND},
    }
)  # fmt: skip
SCHEMA = strict({"holds": {"type": "boolean"}, "exports": {"type": "array", "items": EXPORT, "minItems": 1}})


@pytest.fixture
def journal():
    return transfers(6)


@pytest.fixture
def digest_file(journal, write):
    digest = journal.builder.digest()
    tip = {"IonText": f'{{strandId:"{STRAND}",sequenceNo:{digest.tip_address.sequence_no}}}'}
    return write({"Digest": digest.hash.to_base64(), "DigestTipAddress": tip}, "digest.json")


@pytest.fixture
def check(run):
    """Both forms of the command: (status, the one export's JSON), the forms agreeing on the status."""

    def call(*arguments):
        spoken, answer = run("verify", "export", *arguments), run("verify", "export", *arguments, "--json")
        assert spoken.status == answer.status
        validate(answer.document, SCHEMA)
        assert answer.document["holds"] is (answer.status == 0)
        return answer.status, answer.document["exports"][0]

    return call


@pytest.mark.parametrize("output_format", [None, *OutputFormat])
def test_an_honest_export_holds(check, copied, journal, digest_file, output_format):
    status, answer = check(copied(exported(journal, output_format)), "--digest", digest_file)
    assert status == 0
    assert (answer["firstBlock"], answer["lastBlock"], answer["blocksVerified"], answer["revisionsVerified"]) == (
        0,
        5,
        6,
        6,
    )
    assert (answer["digest"], answer["digestCompared"]) == (journal.builder.digest().hash.to_base64(), True)
    assert (answer["ledgerName"], answer["outputFormat"]) == ("bank", output_format)


def test_a_changed_export_does_not_hold(check, run, copied, journal):
    files = exported(journal)
    (key,) = data_keys(files)
    directory = copied(files | {key: files[key].replace(b"12.50", b"12.51", 1)})
    status, answer = check(directory)
    assert (status, answer["findings"][0]["ruleId"], answer["digest"]) == (1, "audit.revision-mismatch", None)
    assert "does not hold" in run("verify", "export", directory).out


def test_a_digest_of_more_blocks_does_not_hold(check, copied, journal, digest_file):
    status, answer = check(copied(exported(journal, exclusive_end=later(seconds=4))), "--digest", digest_file)
    assert (status, answer["findings"][0]["ruleId"], answer["digestCompared"]) == (1, "export.digest-mismatch", False)


def test_what_was_not_checked_is_said(run, check, copied, journal):
    files = exported(journal, OutputFormat.JSON)
    (key,) = data_keys(files)
    directory = copied(files | {key: files[key].replace(b"12.50", b"12.51", 1), key.replace("0-5", "7-9"): b""})
    status, answer = check(directory)
    assert (status, answer["revisionsVerified"], answer["revisionsNotChecked"], answer["unlistedObjects"]) == (
        2,
        5,
        1,
        1,
    )
    spoken = run("verify", "export", directory).out
    assert "of 1 of 6 revisions is not proved (first in block 0)" in spoken
    assert "not proved: 6 blocks verified" in spoken
    assert "1 objects that the manifest does not list" in spoken
    assert "none was given" in spoken


def test_workers_come_to_the_same(run, copied, journal, digest_file, monkeypatch):
    monkeypatch.setattr(export, "OBJECT_BYTES", 1)
    files = exported(journal)
    files[data_keys(files)[2]] = b"{"
    del files[data_keys(files)[4]]
    alone = run("verify", "export", copied(files), "--digest", digest_file, "--json").document
    together = run("verify", "export", copied(files), "--digest", digest_file, "--json", "--workers", 2).document
    assert together == alone
    assert len(alone["exports"][0]["findings"]) == 3


def test_a_run_that_was_broken_off_is_gone_on_with(run, copied, journal, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "OBJECT_BYTES", 1)
    directory, notes = copied(exported(journal)), tmp_path / "notes"
    first = run("verify", "export", directory, "--resume", notes, "--json").document
    kept = notes.read_text()
    assert len(kept.splitlines()) == 7
    notes.write_text("\n".join(kept.splitlines()[:4]) + '\n{"key": "cut sho')
    assert run("verify", "export", directory, "--resume", notes, "--json", "--workers", 2).document == first
    assert run("verify", "export", directory, "--resume", notes, "--json").document == first
    notes.write_text("my diary")
    assert run("verify", "export", directory, "--resume", notes).status == 2


def test_a_bar_with_rate_and_time_left_is_shown_on_a_terminal(run, copied, journal, monkeypatch):
    monkeypatch.setattr(verify_export, "err", Console(file=(shown := StringIO()), force_terminal=True, width=120))
    assert run("verify", "export", copied(exported(journal))).status == 0
    assert "verifying" in shown.getvalue()
    assert "-:--:--" in shown.getvalue()
    assert "kB" in shown.getvalue()


def test_the_first_bad_block_is_said(run, copied, journal):
    files = exported(journal)
    (key,) = data_keys(files)
    answer = run("verify", "export", copied(files | {key: files[key].replace(b"12.50", b"12.51", 1)}))
    assert "first bad block  0" in answer.out
    assert "bad blocks (1)  0" in answer.out


@pytest.mark.parametrize("case", ["missing", "empty", "file", "digest", "part", "place"])
def test_wrong_input_is_told_apart(run, copied, journal, digest_file, write, tmp_path, case):
    (tmp_path / "empty").mkdir()
    arguments = {
        "missing": lambda: [tmp_path / "nobody"],
        "empty": lambda: [tmp_path / "empty"],
        "file": lambda: [digest_file],
        "digest": lambda: [copied(exported(journal)), "--digest", write({"Digest": 1}, "bad.json")],
        "place": lambda: ["s3://Not_A_Bucket/x"],
        "part": lambda: [copied(exported(journal, inclusive_start=later(seconds=2))), "--digest", digest_file],
    }[case]()
    answer = run("verify", "export", *arguments, "--json")
    assert (answer.status, answer.document["holds"]) == (2, False)


def test_names_from_outside_do_not_reach_the_terminal(run, copied, journal):
    files = exported(journal, ledger_name="\x1b[31mred")
    assert "\x1b[31mred" not in run("verify", "export", copied(files)).out


def test_a_directory_of_events_is_one_stream(run, tmp_path, journal):
    outbox = Outbox(tmp_path, lambda: NOW)
    publisher = Publisher(ListReader.of(journal), outbox.stream("journal"), aggregate)
    for _ in publisher.publish(stream_job(), NOW):
        pass
    directory = tmp_path / "kinesis" / "journal"
    assert len(list(directory.iterdir())) == 2
    answer = run("verify", "events", directory, "--json")
    assert (answer.status, answer.document["blocksVerified"]) == (0, 6)
    assert answer.document["strands"][0]["digest"] == journal.builder.digest().hash.to_base64()
    outbox.stream("journal").put([OuterRecord("key", b"rubbish")])
    assert run("verify", "events", directory).status == 1


def test_proofs_beside_an_export_are_told_and_decide(run, check, copied, journal):
    good = block_receipt(journal, 2, 5)
    files = exported(journal) | {PROOFS_NAME: proofs_bytes([good, {"layout": {"of": "others"}}])}
    status, answer = check(copied(files))
    assert (status, answer["findings"]) == (0, [])
    told = answer["proofs"].pop("notCheckedBecause")
    assert answer["proofs"] == {
        "files": 1, "checked": 1, "good": 1, "bad": 0, "underKnownDigest": 1, "underOwnDigestAlone": 0, "notChecked": 1,
    }  # fmt: skip
    assert told == [f"{PROOFS_NAME} at $[1]: nothing in it is known as a proof"]
    spoken = run("verify", "export", copied(files)).out
    assert "1 of 1 in 1 files (*.proofs.json) hold: 1 lead to a digest of these blocks" in spoken
    assert told[0] in spoken
    bad = good | {"Digest": journal.blocks[0].block_hash.to_base64()}
    status, answer = check(copied(files | {PROOFS_NAME: proofs_bytes([bad])}))
    assert (status, answer["blocksVerified"], answer["proofs"]["bad"], answer["digest"] is None) == (1, 6, 1, False)
    assert answer["findings"][0]["ruleId"] == "export.proof-mismatch"
    assert "the blocks themselves hold: what does not are proofs beside them" in run("verify", "export", copied({})).out


def test_a_digest_of_the_proofs_alone_is_said(run, copied, journal):
    copied(exported(journal) | {PROOFS_NAME: proofs_bytes([block_receipt(transfers(9), 2, 8), *([{"a": 1}] * 30)])})
    spoken = run("verify", "export", copied({})).out
    assert "0 lead to a digest of these blocks or to the given one, 1 to a digest that they alone say" in spoken
    assert "not checked  30 of their values" in spoken


@pytest.mark.parametrize("where", ["export", "export/some/prefix", "export/some/prefix/exports/bank"])
@pytest.mark.parametrize("stated", ["some/prefix/exports/bank/", "another/prefix/", ""])
def test_a_manifest_has_whole_keys_of_the_bucket_wherever_it_was_copied_from(run, copied, journal, where, stated):
    """AWS's migration sample takes keys with their prefix, and proofs beside the objects."""
    files = exported(journal)
    (key,) = data_keys(files)
    moved = {f"some/prefix/{name}": data for name, data in files.items()}
    proofs = f"some/prefix/{key.removesuffix('.ion')}.proofs.json"
    manifest = next(name for name in moved if name.endswith(".completed.manifest"))
    moved[manifest] = moved[manifest].replace(b"exports/bank/", stated.encode())
    root = copied(moved | {proofs: proofs_bytes([block_receipt(journal, 4, 5)])}).parent
    answer = run("verify", "export", root / where, "--json")
    (export_found,) = answer.document["exports"]
    assert (answer.status, export_found["blocksVerified"], export_found["proofs"]["good"]) == (0, 6, 1)
