"""``counterfoil import``: the ledger goes on where the export ends, and nothing of what was is different."""

import json
from dataclasses import replace

import pytest

from counterfoil.adapters.note_keys import PrivateKey, verifier_of
from counterfoil.adapters.sqlite import importing
from counterfoil.adapters.sqlite.store import FILE_NAME
from counterfoil.adapters.sqlite.verification import verify_file
from counterfoil.embedded import open_ledger
from counterfoil.errors import UnavailableError
from counterfoil.journal.builder import Statement
from counterfoil.journal.export_format import OutputFormat
from counterfoil.services import export
from counterfoil.transparency.note import KeyType, parse_note, verify_note
from tests.exports import data_keys, exported, later
from tests.journals import first_revision, journal_of, rehash_from, transfer, transfers
from tests.proofs_files import NAME as PROOFS_NAME
from tests.proofs_files import proofs_bytes
from tests.property.test_receipt_laws import revision_receipt

NEW = "bank2"


@pytest.fixture
def bank(tmp_path, run):
    """A ledger of the product with tables, an index, versions and a deletion: its folder, with a receipt and an export."""
    data = tmp_path / "data"
    with open_ledger(data / "bank") as ledger:
        ledger.execute_statement("CREATE TABLE Accounts")
        ledger.execute_statement("CREATE INDEX ON Accounts (owner)")
        for number in range(5):
            ledger.execute_statement("INSERT INTO Accounts ?", {"owner": f"o{number}", "balance": number})
        ledger.execute_statement("UPDATE Accounts SET balance = 7 WHERE owner = ?", "o1")
        ledger.execute_statement("DELETE FROM Accounts WHERE owner = ?", "o2")
        ledger.execute_statement("CREATE TABLE Closed")
        ledger.execute_statement("DROP TABLE Closed")
    assert run("export", "bank", "--data", data, "--to", tmp_path / "export").status == 0
    return data


def call(run, tmp_path, *more):
    return run("import", tmp_path / "export", "--into", NEW, "--data", tmp_path / "new", "--json", *more)


def objects(directory):
    files = (path for path in directory.rglob("*.ion"))
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def rows(folder, text):
    with open_ledger(folder, create=False) as ledger:
        return list(ledger.execute_statement(text))


def test_what_comes_out_is_byte_for_byte_what_went_in(run, bank, tmp_path):
    answer = call(run, tmp_path)
    assert answer.status == 0
    report = answer.document["imported"]
    assert (report["blocks"], report["tables"], report["documents"], report["revisions"]) == (11, 2, 5, 7)
    assert report["digestBefore"] == report["digestAfter"]
    assert run("export", NEW, "--data", tmp_path / "new", "--to", tmp_path / "again").status == 0
    assert objects(tmp_path / "again") == objects(tmp_path / "export")
    assert verify_file(tmp_path / "new" / NEW / FILE_NAME).problems == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM _ql_committed_Accounts",
        "SELECT * FROM history(Accounts)",
        "SELECT tableId, name, status FROM information_schema.user_tables",
        "SELECT * FROM Accounts WHERE owner = 'o1'",
    ],
)
def test_every_query_answers_as_before(run, bank, tmp_path, query):
    assert call(run, tmp_path).status == 0
    assert rows(tmp_path / "new" / NEW, query) == rows(bank / "bank", query)


def test_the_strand_goes_on_and_old_receipts_hold(run, bank, tmp_path):
    with open_ledger(bank / "bank", create=False) as ledger:
        digest = ledger.digest()
        tip, document_id = (
            digest.tip_address,
            "".join(ledger.execute_statement("SELECT VALUE id FROM Accounts BY id")[:1]),
        )
        third = tip._replace(sequence_no=2)
        old = [ledger.block(tip), ledger.revision(third, document_id), ledger.prove_revision(third, document_id, tip)]
    assert call(run, tmp_path).status == 0
    with open_ledger(tmp_path / "new" / NEW, create=False) as ledger:
        assert ledger.digest() == digest
        ledger.execute_statement("INSERT INTO Accounts ?", {"owner": "new", "balance": 1})
        assert [
            ledger.block(tip),
            ledger.revision(third, document_id),
            ledger.prove_revision(third, document_id, tip),
        ] == old
    assert run("export", NEW, "--data", tmp_path / "new", "--to", tmp_path / "again").status == 0
    given = tmp_path / "digest.json"
    at = f'{{strandId:"{digest.tip_address.strand_id}",sequenceNo:{digest.tip_address.sequence_no}}}'
    given.write_text(json.dumps({"Digest": digest.hash.to_base64(), "DigestTipAddress": {"IonText": at}}))
    answer = run("verify", "export", tmp_path / "again", "--digest", given, "--json")
    assert (answer.status, answer.document["exports"][0]["blocksVerified"]) == (0, 12)


@pytest.mark.parametrize("output_format", [OutputFormat.ION_TEXT, OutputFormat.ION_BINARY])
@pytest.mark.parametrize("bound", [True, False])
def test_an_export_of_another_producer_keeps_the_ids_of_its_tables(run, copied, tmp_path, output_format, bound):
    """Its journal has no CREATE TABLE that would give these ids; documents name them."""
    journal = transfers(7, bind_headers=bound)
    files = exported(journal, output_format)
    copied(files | {f"{data_keys(files)[0].removesuffix('.ion')}.proofs.json": b"[]"})
    answer = call(run, tmp_path)
    assert answer.status == 0, answer.out
    assert answer.document["imported"]["digestAfter"] == journal.builder.digest().hash.to_base64()
    named = next(iter(journal.blocks[0].fields["transactionInfo"]["documents"].values()))
    tables = rows(tmp_path / "new" / NEW, "SELECT tableId, name FROM information_schema.user_tables")
    assert {"tableId": named["tableId"], "name": named["tableName"]} in tables
    assert len(rows(tmp_path / "new" / NEW, f"SELECT * FROM {named['tableName']}")) > 0


def test_a_table_of_another_producer_has_the_id_that_its_documents_name(run, copied, tmp_path):
    """QLDB's CREATE TABLE does not tell the table's id."""
    first = transfer(0)
    create = replace(first, statements=(Statement(f"CREATE TABLE {first.changes[0].table_name}", ()),), changes=())
    copied(exported(journal_of([create, transfer(1), transfer(2)])))
    assert call(run, tmp_path).status == 0
    tables = rows(tmp_path / "new" / NEW, "SELECT VALUE tableId FROM information_schema.user_tables")
    assert tables == [first.changes[0].table_id]
    assert verify_file(tmp_path / "new" / NEW / FILE_NAME).problems == []


def defining(number, *texts):
    """A block of another producer that changes no document."""
    return replace(transfer(number), statements=tuple(Statement(each, ()) for each in texts), changes=())


@pytest.mark.parametrize(
    ("statements", "indexes"),
    [
        (
            [
                "CREATE INDEX ON Transactions (status)",
                'DROP INDEX "4tPW3fUhaVhDinRgKRLhGU" ON Transactions WITH (purge = true)',
            ],
            [],
        ),
        (
            [
                "CREATE INDEX ON Transactions (status)",
                "CREATE INDEX ON Transactions (currency)",
                'DROP INDEX "4tPW3fUhaVhDinRgKRLhGU" ON Transactions WITH (purge = true)',
                "CREATE INDEX ON Transactions (status)",
            ],
            ["[currency]", "[status]"],
        ),
        (
            [
                "CREATE TABLE Empty",
                "DROP TABLE Empty",
                'UNDROP TABLE "4tPW3fUhaVhDinRgKRLhGU"',
                "CREATE whatever comes",
            ],
            [],
        ),
    ],
)
def test_what_another_producer_did_by_ids_that_no_block_tells_is_no_reason_to_refuse(
    run, copied, tmp_path, statements, indexes
):
    blocks = [defining(number, text) for number, text in enumerate(statements, 1)]
    journal = journal_of([transfer(0), *blocks, transfer(9)], bind_headers=False)
    copied(exported(journal))
    answer = call(run, tmp_path)
    assert answer.status == 0, answer.out
    assert answer.document["imported"]["digestAfter"] == journal.builder.digest().hash.to_base64()
    folder = tmp_path / "new" / NEW
    assert len(rows(folder, "SELECT * FROM Transactions WHERE status = 'SETTLED'")) == 2
    (table,) = rows(folder, "SELECT * FROM information_schema.user_tables WHERE name = 'Transactions'")
    assert sorted(each["expr"] for each in table["indexes"]) == indexes
    assert verify_file(folder / FILE_NAME).problems == []


def test_of_this_product_s_own_blocks_every_definition_must_be_possible(run, copied, tmp_path):
    copied(exported(journal_of([transfer(0), defining(1, "DROP TABLE Nowhere")])))
    assert call(run, tmp_path).status == 1


@pytest.mark.parametrize("forgery", ["changed", "rehashed to the end", "cut"])
def test_a_bad_archive_is_refused_with_its_place_and_nothing_is_left(run, copied, tmp_path, forgery):
    journal = transfers(7)
    fields = journal.fields
    first_revision(fields[3])["data"]["amount"] += 1
    fields = rehash_from(fields, 3) if forgery == "rehashed to the end" else fields
    fields = journal.fields if forgery == "cut" else fields
    blocks = [replace(built, fields=each) for built, each in zip(journal.blocks, fields, strict=True)]
    copied(exported(replace(journal, blocks=blocks), exclusive_end=later(seconds=5 if forgery == "cut" else 60)))
    given, digest = tmp_path / "digest.json", journal.builder.digest()
    at = f'{{strandId:"{digest.tip_address.strand_id}",sequenceNo:{digest.tip_address.sequence_no}}}'
    given.write_text(json.dumps({"Digest": digest.hash.to_base64(), "DigestTipAddress": {"IonText": at}}))
    answer = call(run, tmp_path, "--digest", given)
    assert (answer.status, answer.document["imported"]) == (1, None)
    assert answer.document["export"]["firstBadBlock"] == (3 if forgery == "changed" else None)
    assert answer.document["export"]["findings"]
    assert not (tmp_path / "new" / NEW).exists()


def test_an_import_that_was_broken_off_is_gone_on_with(run, copied, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "OBJECT_BYTES", 1)
    journal = transfers(7)
    copied(exported(journal))
    monkeypatch.setattr(importing, "BLOCKS_AT_ONCE", 2)
    stored = importing.SqliteImport.store

    def breaking(self, begin, blocks):
        if begin == 4:
            raise UnavailableError("the disk is full")
        stored(self, begin, blocks)

    monkeypatch.setattr(importing.SqliteImport, "store", breaking)
    assert call(run, tmp_path).status == 3
    assert not (tmp_path / "new" / NEW).exists()
    begun: list[int] = []

    def watched(self, begin, blocks):
        begun.append(begin)
        stored(self, begin, blocks)

    monkeypatch.setattr(importing.SqliteImport, "store", watched)
    assert call(run, tmp_path).document["imported"]["digestAfter"] == journal.builder.digest().hash.to_base64()
    assert begun == [4, 5, 6]


def test_what_an_earlier_import_of_something_else_left_does_not_become_part_of_it(run, copied, tmp_path):
    """The same strand, but another history: what was stored is not the export, which the digest shows."""
    journal = transfers(7)
    unfinished = importing.SqliteImport.begin(tmp_path / "new" / NEW, journal.builder.strand_id)
    fields = journal.fields
    first_revision(fields[1])["data"]["amount"] += 1
    forged = [replace(each, fields=f) for each, f in zip(journal.blocks, rehash_from(fields, 1), strict=True)]
    unfinished.store(0, iter([each.block_binary() for each in forged]))
    copied(exported(journal))
    assert call(run, tmp_path).status == 1
    assert call(run, tmp_path).status == 0


def test_the_report_is_signed_with_the_key_that_is_given(run, copied, tmp_path):
    copied(exported(transfers(3)))
    key = PrivateKey.generate("archive.example", KeyType.ED25519)
    key.write(tmp_path / "key")
    assert call(run, tmp_path, "--report", tmp_path / "report", "--key", tmp_path / "key").status == 0
    note = parse_note((tmp_path / "report").read_bytes())
    assert len(verify_note(note, [verifier_of(key.key)])) == 1
    assert json.loads(note.text)["blocks"] == 3
    assert call(run, tmp_path, "--report", tmp_path / "report").status == 2


def test_the_report_keeps_what_the_proofs_beside_the_archive_were_worth(run, copied, tmp_path):
    """In the layout of AWS's migration sample: whole keys of the bucket in the manifest, proofs beside the objects."""
    journal = transfers(5)
    files = {f"archive/{name}": data for name, data in exported(journal).items()}
    manifest = next(name for name in files if name.endswith(".completed.manifest"))
    files[manifest] = files[manifest].replace(b"exports/bank/", b"archive/exports/bank/")
    proofs = f"{data_keys(files)[0].removesuffix('.ion')}.proofs.json"
    receipts = [revision_receipt(journal, index, 0, 4) for index in range(5)]
    copied(files | {proofs: proofs_bytes({"proofs": receipts, "other": {"made": {"by": "others"}}})})
    key = PrivateKey.generate("archive.example", KeyType.ED25519)
    key.write(tmp_path / "key")
    assert call(run, tmp_path, "--report", tmp_path / "report", "--key", tmp_path / "key").status == 0
    note = parse_note((tmp_path / "report").read_bytes())
    assert len(verify_note(note, [verifier_of(key.key)])) == 1
    said = json.loads(note.text)["proofs"]
    assert (said["checked"], said["good"], said["underKnownDigest"], said["notChecked"]) == (5, 5, 5, 1)
    assert said["notCheckedBecause"] == [f"{proofs} at $.other: nothing in it is known as a proof"]


def test_an_archive_whose_proofs_contradict_it_is_not_imported(run, copied, tmp_path):
    journal = transfers(5)
    other = revision_receipt(transfers(5, bind_headers=False), 3, 0, 4)
    copied(exported(journal) | {PROOFS_NAME: proofs_bytes([other])})
    answer = call(run, tmp_path)
    assert (answer.status, answer.document["imported"]) == (1, None)
    assert answer.document["export"]["findings"][0]["evidence"]["file"] == PROOFS_NAME
    assert not (tmp_path / "new" / NEW).exists()


@pytest.mark.parametrize("case", ["json", "part", "several", "there", "name"])
def test_what_cannot_be_imported_is_told_apart(run, copied, tmp_path, case):
    journal = transfers(5)
    files = {
        "json": lambda: exported(journal, OutputFormat.JSON),
        "part": lambda: exported(journal, inclusive_start=later(seconds=2)),
        "several": lambda: exported(journal) | {"9x.JdxjkR9bSYB5jMHWcI464T.completed.manifest": b"{keys:[]}"},
    }.get(case, lambda: exported(journal))()
    copied(files)
    if case == "there":
        (tmp_path / "new" / NEW).mkdir(parents=True)
    if case == "name":
        assert run("import", tmp_path / "export", "--into", "../x", "--data", tmp_path / "new").status == 2
        return
    assert call(run, tmp_path).status == 2


def test_a_person_is_told_as_well(run, copied, tmp_path):
    copied(exported(transfers(3)) | {PROOFS_NAME: proofs_bytes([revision_receipt(transfers(3), 1, 0, 2)])})
    answer = run("import", tmp_path / "export", "--into", NEW, "--data", tmp_path / "new", "--workers", 2)
    assert answer.status == 0
    assert "imported into bank2: 3 blocks" in answer.out
    assert "1 of 1 in 1 files (*.proofs.json) hold" in answer.out
