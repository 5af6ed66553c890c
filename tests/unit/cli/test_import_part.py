"""A ledger out of a part of a journal: it begins at a trust anchor, goes on, and says everywhere what is not proved."""

import json
import sqlite3
from dataclasses import replace

import pytest

from counterfoil.adapters.memory import MemoryStream
from counterfoil.adapters.note_keys import PrivateKey
from counterfoil.adapters.sqlite import importing
from counterfoil.adapters.sqlite.store import FILE_NAME
from counterfoil.cli.places import opened as opened_folder
from counterfoil.embedded import open_ledger
from counterfoil.errors import InputError, NotFoundError
from counterfoil.journal import BlockAddress
from counterfoil.journal.anchor import parse_trust_anchor
from counterfoil.journal.receipt import verify_receipt
from counterfoil.merkle import prove_inclusion
from counterfoil.services.publish import Publisher
from counterfoil.transparency.note import KeyType
from tests.anchors import BLOCKS, HASHES, JOURNAL, address, declared, receipt, receipt_of
from tests.exports import NOW, aggregate, exported, later, said, stream_job
from tests.journals import first_revision, rehash_from, transfers

NEW = "part"
BEGIN, END = 13, 38


@pytest.fixture
def part(copied):
    """Blocks 13 to 37 of a journal."""
    return copied(exported(JOURNAL, inclusive_start=later(seconds=BEGIN), exclusive_end=later(seconds=END)))


@pytest.fixture(params=["proved", "declared"])
def anchor(request, write):
    return write(receipt(BEGIN - 1, 20) if request.param == "proved" else declared(BEGIN), f"{request.param}.json")


@pytest.fixture
def proved(write):
    return write(receipt(BEGIN - 1, 20), "proved.json")


@pytest.fixture
def digest_file(write):
    digest = JOURNAL.builder.digest(END - 3)
    return write({"Digest": digest.hash.to_base64(), "DigestTipAddress": address(END - 3)}, "digest.json")


def imported(run, part, tmp_path, anchor, *more):
    return run("import", part, "--into", NEW, "--data", tmp_path / "new", "--trust-anchor", anchor, "--json", *more)


def opened(tmp_path):
    return open_ledger(tmp_path / "new" / NEW, create=False)


# ---- verifying -------------------------------------------------------------------------------------------------------


def test_a_part_is_proved_under_a_digest_of_the_whole(run, part, proved, digest_file):
    answer = run("verify", "export", part, "--trust-anchor", proved, "--digest", digest_file, "--json")
    (found,) = answer.document["exports"]
    assert (answer.status, found["digestCompared"]) == (0, True)
    assert found["digest"] == JOURNAL.builder.digest(END - 1).hash.to_base64()
    assert any("what they say is not" in each for each in found["remarks"])


def test_another_digest_is_found(run, part, proved, write):
    given = write(
        {"Digest": JOURNAL.builder.digest(3).hash.to_base64(), "DigestTipAddress": address(END - 3)}, "d.json"
    )
    answer = run("verify", "export", part, "--trust-anchor", proved, "--digest", given, "--json")
    assert (answer.status, answer.document["exports"][0]["findings"][0]["ruleId"]) == (1, "export.digest-mismatch")


def test_behind_a_declared_anchor_no_digest_can_be_compared(run, part, write, digest_file):
    arguments = (part, "--trust-anchor", write(declared(BEGIN), "a.json"), "--digest", digest_file)
    assert run("verify", "export", *arguments, "--json").status == 2


def test_a_part_that_does_not_follow_the_anchor_is_found_with_its_place(run, part, write):
    given = write(declared(BEGIN, previousBlockHash=BLOCKS[3].block_hash.to_base64()), "a.json")
    answer = run("verify", "export", part, "--trust-anchor", given, "--json")
    (found,) = answer.document["exports"]
    assert (answer.status, found["firstBadBlock"], found["findings"][0]["ruleId"]) == (1, BEGIN, "audit.broken-link")


@pytest.mark.parametrize("document", [declared(BEGIN + 1), declared(BEGIN, strandId="x" * 22), declared(BEGIN - 1)])
def test_an_anchor_of_another_place_is_wrong_input(run, part, write, tmp_path, document):
    given = write(document, "a.json")
    assert run("verify", "export", part, "--trust-anchor", given).status == 2
    assert imported(run, part, tmp_path, given).status == 2
    assert not (tmp_path / "new" / NEW).exists()


# ---- importing -------------------------------------------------------------------------------------------------------


def test_the_part_goes_on_as_a_ledger(run, part, tmp_path, anchor):
    answer = imported(run, part, tmp_path, anchor)
    assert answer.status == 0, answer.out
    report = answer.document["imported"]
    assert (report["blocks"], report["documents"], report["revisions"]) == (END - BEGIN, END - BEGIN, END - BEGIN)
    with opened(tmp_path) as ledger:
        before = ledger.digest()
        assert len(ledger.execute_statement("SELECT * FROM Transactions")) == END - BEGIN
        ledger.execute_statement("INSERT INTO Transactions {'transactionId': 'new'}")
        tip = ledger.digest().tip_address
        assert tip.sequence_no == END + 1
        for number in (BEGIN, BEGIN + 1, END - 1, END, END + 1):
            verify_receipt(receipt_of(ledger, BlockAddress(tip.strand_id, number)))
        assert before.tip_address.sequence_no == END - 1


def test_behind_a_proved_anchor_digest_and_proofs_are_those_of_the_whole(run, part, tmp_path, proved, digest_file):
    answer = imported(run, part, tmp_path, proved, "--digest", digest_file)
    report = answer.document["imported"]
    assert (report["digestCompared"], report["trustAnchor"]["proved"]) == (True, True)
    with opened(tmp_path) as ledger:
        assert ledger.digest() == JOURNAL.builder.digest(END - 1)
        tip = BlockAddress(ledger.strand_id, END - 3)
        for number in range(BEGIN, END - 2):
            found = ledger.prove_block(BlockAddress(ledger.strand_id, number), tip)
            assert found == prove_inclusion(HASHES[: END - 2], number)


def test_what_is_before_the_anchor_is_not_there_and_why_is_said(run, part, tmp_path, anchor):
    imported(run, part, tmp_path, anchor)
    with opened(tmp_path) as ledger:
        tip, old = ledger.digest().tip_address, BlockAddress(ledger.strand_id, BEGIN - 1)
        for ask in (
            lambda: ledger.block(old),
            lambda: ledger.revision(old, "x" * 22),
            lambda: ledger.prove_block(old, tip),
            lambda: ledger.prove_block(old, old),
        ):
            with pytest.raises(NotFoundError, match="blocks 0 to 12 are not here"):
                ask()


def test_every_answer_says_what_is_not_proved(run, part, tmp_path, anchor):
    says = "blocks 0 to 12 are not here"
    assert says in imported(run, part, tmp_path, anchor).document["imported"]["trustAnchor"]["notProved"]
    data = ("--data", tmp_path / "new")
    assert says in run("digest", NEW, *data).out
    assert says in run("digest", NEW, *data, "--json").document["trustAnchor"]["notProved"]
    assert says in run("verify", "data", tmp_path / "new").out
    (report,) = run("verify", "data", tmp_path / "new", "--json").document["ledgers"]
    assert report["holds"]
    assert says in report["trustAnchor"]["notProved"]
    assert says in run("export", NEW, *data, "--to", tmp_path / "out").out


def test_a_person_is_told_as_well(run, part, tmp_path, anchor):
    answer = run("import", part, "--into", NEW, "--data", tmp_path / "new", "--trust-anchor", anchor)
    assert "not proved  blocks 0 to 12 are not here" in answer.out


def test_an_export_of_it_is_the_very_export_and_brings_its_anchor(run, part, tmp_path, anchor):
    imported(run, part, tmp_path, anchor)
    assert run("export", NEW, "--data", tmp_path / "new", "--to", tmp_path / "out").status == 0
    assert objects(tmp_path / "out") == objects(part / "exports" / "bank")
    again = run(
        "import", tmp_path / "out", "--into", "again", "--data", tmp_path / "new", "--trust-anchor",
        tmp_path / "out" / "trust-anchor.json", "--json",
    )  # fmt: skip
    assert again.status == 0, again.out
    first = run("digest", NEW, "--data", tmp_path / "new", "--json").document
    assert run("digest", "again", "--data", tmp_path / "new", "--json").document == first


def objects(directory):
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*.ion")}


def test_rebuilding_gives_the_same(run, part, tmp_path, anchor):
    imported(run, part, tmp_path, anchor)
    before = run("digest", NEW, "--data", tmp_path / "new", "--json").document
    assert run("rebuild", NEW, "--data", tmp_path / "new", "--json").document["blocksReplayed"] == END - BEGIN
    assert run("digest", NEW, "--data", tmp_path / "new", "--json").document == before
    assert run("verify", "data", tmp_path / "new").status == 0


def test_a_node_of_the_anchor_that_was_changed_is_found(run, part, tmp_path, anchor):
    imported(run, part, tmp_path, anchor)
    with sqlite3.connect(tmp_path / "new" / NEW / FILE_NAME) as connection:
        connection.execute("UPDATE nodes SET hash = ? WHERE level = 3 AND position = 0", (bytes(32),))
    connection.close()
    assert run("verify", "data", tmp_path / "new").status == 1


def test_documents_whose_first_versions_are_before_the_anchor_go_on(run, copied, tmp_path, write):
    """So do statements on tables and indexes that were made there."""
    with open_ledger(tmp_path / "whole") as ledger:
        for text in (
            "CREATE TABLE T", "CREATE INDEX ON T (k)", "CREATE TABLE Old", "INSERT INTO T << {'k': 1}, {'k': 2} >>",
            "UPDATE T SET v = 1 WHERE k = 1", "CREATE INDEX ON T (v)", "DROP TABLE Old", "UPDATE T SET v = 2 WHERE k = 1",
        ):  # fmt: skip
            ledger.execute_statement(text)
        digest, blocks = ledger.digest(), list(ledger.blocks(0, 8))
        held = receipt_of(ledger, BlockAddress(ledger.strand_id, 3))
    directory = copied(cut(run, tmp_path, 4, blocks))
    answer = imported(run, directory, tmp_path, write(held, "held.json"))
    assert answer.status == 0, answer.out
    with opened(tmp_path) as ledger:
        assert ledger.digest() == digest
        assert [each["v"] for each in ledger.execute_statement("SELECT * FROM T")] == [2]
        versions = ledger.execute_statement("SELECT VALUE h.metadata.version FROM history(T) AS h")
        assert sorted(versions) == [1, 2]
        ledger.execute_statement("UPDATE T SET v = 3")
        ledger.execute_statement("CREATE INDEX ON T (w)")
    assert run("verify", "data", tmp_path / "new").status == 0


def cut(run, tmp_path, begin, blocks):
    """The export of a ledger's blocks from one on."""
    assert run("export", tmp_path / "whole", "--to", tmp_path / "all").status == 0
    (path,) = (tmp_path / "all").rglob("*.ion")
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(blocks)
    (manifest,) = (tmp_path / "all").glob("*.completed.manifest")
    name = path.relative_to(tmp_path / "all").as_posix().replace(".0-", f".{begin}-")
    return {name: b"".join(lines[begin:]), manifest.name: f'{{keys:["{name}"]}}'.encode()}


def test_what_was_begun_under_another_anchor_is_begun_anew(run, part, tmp_path, proved):
    other = parse_trust_anchor(declared(BEGIN))
    unfinished = importing.SqliteImport.begin(tmp_path / "new" / NEW, other.strand_id, anchor=other)
    unfinished.store(BEGIN, iter([JOURNAL.blocks[BEGIN].block_binary()]))
    assert imported(run, part, tmp_path, proved).status == 0
    with opened(tmp_path) as ledger:
        assert ledger.digest() == JOURNAL.builder.digest(END - 1)


def test_a_forger_who_rehashes_the_part_is_refused_by_the_digest(run, copied, tmp_path, proved, digest_file):
    journal = transfers(40)
    fields = journal.fields
    first_revision(fields[20])["data"]["amount"] += 1
    blocks = [replace(each, fields=f) for each, f in zip(journal.blocks, rehash_from(fields, 20), strict=True)]
    span = {"inclusive_start": later(seconds=BEGIN), "exclusive_end": later(seconds=END)}
    directory = copied(exported(replace(journal, blocks=blocks), **span))
    assert imported(run, directory, tmp_path, proved).status == 0
    assert run("ledger", "list", "--data", tmp_path / "new").status == 0
    answer = run(
        "import",
        directory,
        "--into",
        "other",
        "--data",
        tmp_path / "new",
        "--trust-anchor",
        proved,
        "--digest",
        digest_file,
    )
    assert answer.status == 1


def test_no_log_can_be_made_of_it(run, part, tmp_path, anchor):
    imported(run, part, tmp_path, anchor)
    PrivateKey.generate("log.example", KeyType.ED25519).write(tmp_path / "key")
    answer = run(
        "checkpoints", "make", NEW, "--data", tmp_path / "new", "--to", tmp_path / "log", "--key", tmp_path / "key"
    )
    assert answer.status == 2
    assert "trust anchor" in answer.err


def test_a_report_says_that_it_begins_at_an_anchor(run, part, tmp_path, anchor):
    imported(run, part, tmp_path, anchor)
    target = tmp_path / "report"
    answer = run(
        "report",
        NEW,
        "--data",
        tmp_path / "new",
        "--from",
        "2025-03-01",
        "--to",
        "2025-03-02",
        "--format",
        "json",
        "--out",
        target,
    )
    assert answer.status == 0, answer.err
    text = "".join(each.read_text() for each in target.rglob("*.json"))
    assert "it begins at a trust anchor, block 13" in json.dumps(text)
    assert '"firstBlock": 13' in text or '"firstBlock":13' in text
    assert run("digest", NEW, "--data", tmp_path / "new", "--json").document["Digest"] in text


def test_the_service_s_own_answers_refuse_what_is_before_the_anchor(run, part, tmp_path, anchor):
    imported(run, part, tmp_path, anchor)
    with opened_folder(tmp_path / "new", None) as service:
        found = service.call(
            "GetBlock", {"Name": NEW, "BlockAddress": address(BEGIN), "DigestTipAddress": address(END - 1)}
        )
        assert set(found) == {"Block", "Proof"}
        for asked in ({"BlockAddress": address(3)}, {"BlockAddress": address(3), "DigestTipAddress": address(5)}):
            with pytest.raises(InputError, match="blocks 0 to 12 are not here"):
                service.call("GetBlock", {"Name": NEW, **asked})
            with pytest.raises(InputError, match="blocks 0 to 12 are not here"):
                service.call("GetRevision", {"Name": NEW, "DocumentId": "x" * 22, **asked})


def test_a_stream_of_it_begins_with_its_first_block(run, part, tmp_path, anchor):
    imported(run, part, tmp_path, anchor)
    sink = MemoryStream()
    with opened(tmp_path) as ledger:
        job = stream_job(exclusive_end=later(seconds=BEGIN + 3))
        list(Publisher(ledger, sink, aggregate).publish(job, NOW))
    assert [each for each in said(sink.records) if isinstance(each, int)] == [BEGIN, BEGIN + 1, BEGIN + 2]
