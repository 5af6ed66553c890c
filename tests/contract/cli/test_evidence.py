"""``counterfoil evidence --stack``: from a stack's tables and buckets to a file that the stack's public keys prove."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from counterfoil import wiring
from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
from counterfoil.adapters.dynamodb.journal import DynamoDbJournal, JournalItem
from counterfoil.adapters.kms import KmsNoteKey, KmsSigner
from counterfoil.adapters.s3 import S3Log, S3Quarantine
from counterfoil.merkle.nodes import append_leaf
from counterfoil.services.transparency_log import TransparencyLog
from counterfoil.transparency.entry import LogEntry, render_entry
from tests.audit_worlds import NOW, AuditWorld, user_datas
from tests.contract.conftest import ON_EMULATOR
from tests.evidence_worlds import bank_of_payments, snapshot_of
from tests.fraud_bank import Desk
from tests.journals import STRAND

pytestmark = ON_EMULATOR


@dataclass
class Deployed:
    """A stack as far as evidence is made from it; ``keys`` are files with its public keys."""

    finding: object
    unreadable: object
    keys: dict
    journal: DynamoDbJournal


class Outputs:
    """CloudFormation, which says what a stack's outputs are."""

    def __init__(self, **outputs):
        self.outputs = outputs

    def describe_stacks(self, StackName):
        assert StackName == "bank"
        return {
            "Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": each} for key, each in self.outputs.items()]}]
        }


def put_blocks(journal, blocks):
    """The blocks with the nodes that each completes, as the ledger puts them."""
    peaks = None
    for block in blocks:
        peaks, completed = append_leaf(peaks, block.block_hash)
        nodes = b"".join(each.hash for each in completed)
        item = JournalItem(block.address.sequence_no, block.block_hash, "tx", 0, nodes, block.block_binary(), b"-")
        journal.client.put_item(**journal.put_request(item))


def new_key(kms):
    return kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]


@pytest.fixture
def deployed(clients, make_ddb_table, make_bucket, monkeypatch, tmp_path):
    dynamodb, s3, kms = clients("dynamodb"), clients("s3"), clients("kms")
    bank, desk, audited = bank_of_payments(), Desk(), AuditWorld()
    desk.detect(*bank.records())
    tables = {name: make_ddb_table(name) for name in ("JournalTable", "FindingsTable", "RegistryTable")}
    snapshots, blocks, failed = make_bucket(lock=True), make_bucket(), make_bucket()
    journal = DynamoDbJournal(dynamodb, tables["JournalTable"], s3, blocks, STRAND)
    put_blocks(journal, bank.blocks)
    hashes = bank.builder.block_hashes
    ids = {"checkpoint": new_key(kms), "snapshot": new_key(kms)}
    name, document = snapshot_of(hashes, KmsSigner(kms, ids["snapshot"]))
    s3.put_object(Bucket=snapshots, Key=name, Body=document)
    log_key = KmsNoteKey.load(kms, ids["checkpoint"], f"ledger.example/{STRAND}")
    log = S3Log(s3, snapshots, f"tlog/{STRAND}/", "GOVERNANCE", timedelta(days=1), lambda: NOW.replace(year=2099))
    entries = (render_entry(LogEntry(STRAND, number, each)) for number, each in enumerate(hashes))
    TransparencyLog(log, log_key).grow(entries, log_key, lambda *_: None)
    audited.quarantine = S3Quarantine(s3, failed)
    audited.deliver([*user_datas(bank.blocks), b"rubbish"])
    found = [*desk.findings.findings.values(), *audited.findings.findings.values()]
    DynamoDbFindings(dynamodb, tables["FindingsTable"]).record(found)
    outputs = Outputs(
        JournalTableName=tables["JournalTable"], FindingsTableName=tables["FindingsTable"],
        RegistryTableName=tables["RegistryTable"], JournalBucketName=blocks, SnapshotsBucketName=snapshots,
        FailedBatchesBucketName=failed, CheckpointSigningKeyId=ids["checkpoint"], SnapshotSigningKeyId=ids["snapshot"],
    )  # fmt: skip
    monkeypatch.setattr(wiring, "client", lambda name: outputs if name == "cloudformation" else clients(name))
    monkeypatch.chdir(tmp_path)
    for kind, key_id in ids.items():
        (tmp_path / f"{kind}.der").write_bytes(kms.get_public_key(KeyId=key_id)["PublicKey"])
    of_rule = {str(each.rule_id): each for each in found}
    return Deployed(
        of_rule["fraud.new-payee-high-value"],
        of_rule["audit.unreadable-record"],
        {kind: f"{kind}.der" for kind in ids},
        journal,
    )


def test_a_stacks_finding_is_proven_by_either_of_its_keys(run, deployed):
    made = run("evidence", deployed.finding.finding_id, "--stack", "bank", "--out", "evidence.json", "--json")
    assert made.status == 0, made.err
    assert (made.document["holds"], made.document["leftOut"]) == (True, [])
    assert [each["kind"] for each in made.document["statements"]] == ["checkpoint", "snapshot"]
    for key in deployed.keys.values():
        verified = run("verify", "evidence", "evidence.json", "--key", key, "--json")
        assert (verified.status, verified.document["holds"]) == (0, True)


def test_bytes_in_quarantine_come_with_their_finding(run, deployed):
    made = run("evidence", deployed.unreadable.finding_id, "--stack", "bank", "--out", "evidence.json", "--json")
    assert (made.status, made.document["leftOut"]) == (0, [])
    assert any("the kept bytes are those" in each for each in made.document["proven"])


def test_a_block_that_is_not_in_the_journal_any_more_leaves_the_logs_entry(run, deployed):
    number = int(deployed.finding.place.rpartition("#")[2])
    deployed.journal.client.delete_item(TableName=deployed.journal.journal_table, Key=deployed.journal.key(number))
    made = run("evidence", deployed.finding.finding_id, "--stack", "bank", "--out", "evidence.json", "--json")
    assert (made.status, made.document["holds"]) == (0, None)
    assert any("the ledger has none there" in each for each in made.document["leftOut"])


def test_a_finding_that_is_not_there_is_bad_input(run, deployed):
    assert run("evidence", f"fraud.x@{STRAND}#1", "--stack", "bank", "--out", "evidence.json").status == 2
    assert deployed.keys
