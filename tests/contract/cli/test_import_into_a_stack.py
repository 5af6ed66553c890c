"""``counterfoil import --stack``: into the tables and the bucket that a stack's outputs name."""

import json

import pytest

from counterfoil import wiring
from counterfoil.adapters.dynamodb.anchors import DynamoDbAnchors
from counterfoil.adapters.dynamodb.registry import DynamoDbLedgerRegistry
from counterfoil.adapters.note_keys import PrivateKey
from counterfoil.journal.anchor import parse_trust_anchor
from counterfoil.ledger.registry import LedgerState, PermissionsMode
from counterfoil.transparency.note import KeyType, parse_note
from tests.anchors import JOURNAL, declared, receipt
from tests.contract.conftest import ON_EMULATOR
from tests.exports import exported, later
from tests.journals import transfers

pytestmark = ON_EMULATOR


@pytest.fixture
def outputs(clients, make_ddb_table, make_bucket, monkeypatch):
    """The outputs of a stack that is there, for a test to change."""
    names = {f"{each}Name": make_ddb_table(each) for each in ("JournalTable", "ProjectionsTable", "RegistryTable")}
    names["JournalBucketName"] = make_bucket()

    class CloudFormation:
        def describe_stacks(self, StackName):
            assert StackName == "bank-stack"
            return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in names.items()]}]}

    monkeypatch.setattr(wiring, "client", lambda name: CloudFormation() if name == "cloudformation" else clients(name))
    return names


def call(run, directory, *more):
    return run("import", directory, "--into", "bank", "--stack", "bank-stack", "--json", *more)


def test_a_ledger_appears_in_the_stack_and_the_report_is_signed(run, copied, outputs, clients, tmp_path):
    journal = transfers(7)
    key = PrivateKey.generate("archive.example", KeyType.ED25519)
    key.write(tmp_path / "key")
    signed = ("--report", tmp_path / "report", "--key", tmp_path / "key")
    answer = call(run, copied(exported(journal)), "--permissions-mode", "ALLOW_ALL", *signed)
    assert answer.status == 0, answer.out
    report = answer.document["imported"]
    assert (report["blocks"], report["tables"], report["documents"], report["revisions"]) == (7, 1, 7, 7)
    assert report["digestAfter"] == report["digestBefore"] == journal.builder.digest().hash.to_base64()
    assert json.loads(parse_note((tmp_path / "report").read_bytes()).text) == report
    ledger = DynamoDbLedgerRegistry(clients("dynamodb"), outputs["RegistryTableName"]).ledger("bank")
    assert (ledger.ledger_id, ledger.state) == (journal.builder.strand_id, LedgerState.ACTIVE)
    assert ledger.permissions_mode is PermissionsMode.ALLOW_ALL
    assert call(run, tmp_path / "export").status == 2


BEGIN, END = 13, 30


@pytest.fixture
def part(copied):
    return copied(exported(JOURNAL, inclusive_start=later(seconds=BEGIN), exclusive_end=later(seconds=END)))


@pytest.mark.parametrize("kind", ["proved", "declared"])
def test_a_part_appears_with_its_anchor_which_is_said_in_the_report(run, part, write, outputs, clients, kind):
    document = receipt(BEGIN - 1, 20) if kind == "proved" else declared(BEGIN)
    given = ("--trust-anchor", write(document, "anchor.json"))
    answer = call(run, part, *given)
    assert answer.status == 0, answer.out
    report, digest = answer.document["imported"], JOURNAL.builder.digest(END - 1).hash.to_base64()
    assert (report["blocks"], report["digestAfter"] == digest) == (END - BEGIN, kind == "proved")
    assert report["trustAnchor"]["proved"] is (kind == "proved")
    assert "blocks 0 to 12 are not here" in report["trustAnchor"]["notProved"]
    anchors = DynamoDbAnchors(clients("dynamodb"), outputs["JournalTableName"])
    assert anchors.anchor(JOURNAL.builder.strand_id) == parse_trust_anchor(document)
    assert call(run, part, *given).status == 2


def test_a_part_without_an_anchor_or_with_one_of_another_place_is_wrong_input(run, part, write, outputs, clients):
    assert call(run, part).status == 2
    assert call(run, part, "--trust-anchor", write(declared(BEGIN + 1), "anchor.json")).status == 2
    assert DynamoDbLedgerRegistry(clients("dynamodb"), outputs["RegistryTableName"]).ledger("bank") is None
    assert clients("dynamodb").scan(TableName=outputs["JournalTableName"])["Items"] == []


def test_a_bad_archive_registers_nothing(run, copied, outputs, clients):
    files = exported(transfers(7))
    (key,) = (each for each in files if each.endswith(".ion"))
    answer = call(run, copied(files | {key: files[key].replace(b"12.50", b"12.51", 1)}))
    assert (answer.status, answer.document["imported"]) == (1, None)
    assert DynamoDbLedgerRegistry(clients("dynamodb"), outputs["RegistryTableName"]).ledger("bank") is None


def test_two_places_and_another_s_stack_are_wrong_input(run, copied, outputs, tmp_path):
    directory = copied(exported(transfers(2)))
    assert call(run, directory, "--data", tmp_path / "data").status == 2
    del outputs["ProjectionsTableName"]
    answer = call(run, directory)
    assert answer.status == 2
    assert "ProjectionsTableName" in answer.out
