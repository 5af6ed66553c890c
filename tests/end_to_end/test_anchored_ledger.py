"""A part of a journal as a ledger of a deployed stack, under the stack's roles, and of its standby: everything that follows it begins
at its trust anchor.
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from counterfoil import cli, wiring
from counterfoil.adapters.dynamodb.anchors import anchor_key
from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
from counterfoil.detection.snapshot import parse_document
from counterfoil.journal import BlockAddress
from counterfoil.journal.anchor import parse_trust_anchor
from counterfoil.journal.receipt import verify_receipt
from lab.emulator import Emulator
from lab.invocation import Outcome
from lab.ledger_client import ion_address
from lab.stack import Options, Stack
from tests.anchors import JOURNAL, receipt
from tests.command_line import run
from tests.deployed_ledger import committed, existing, items
from tests.end_to_end.test_standby_region import PATIENCE, Regions, journal, places_of
from tests.exports import exported, later
from tests.journals import STRAND

__all__ = ["run"]

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("anchored")]

LEDGER, BEGIN, END = "part", 13, 38
SAYS = "blocks 0 to 12 are not here"


@pytest.fixture(scope="module")
def regions(tmp_path_factory):
    options = Options(under_roles=True)
    with ExitStack() as cleanup:
        emulator = cleanup.enter_context(Emulator(Path(tmp_path_factory.mktemp("regions")), authorizing=True))
        standby = cleanup.enter_context(Stack.on(emulator, "standby", {"LedgerMode": "STANDBY"}, options))
        primary = cleanup.enter_context(Stack.on(emulator, "primary", places_of(standby), options))
        yield Regions(primary, standby)


@pytest.fixture(scope="module")
def stack(regions):
    return regions.primary


@pytest.fixture(scope="module")
def anchor():
    return parse_trust_anchor(receipt(BEGIN - 1, 20))


@pytest.fixture(scope="module")
def report(stack, tmp_path_factory):
    """The part, imported by the command; its report."""
    folder = tmp_path_factory.mktemp("part")
    files = exported(JOURNAL, inclusive_start=later(seconds=BEGIN), exclusive_end=later(seconds=END))
    for key, data in files.items():
        path = folder / "export" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "anchor.json").write_text(json.dumps(receipt(BEGIN - 1, 20)))
    arguments = [
        "import", folder / "export", "--into", LEDGER, "--stack", stack.deployment.stack_name, "--permissions-mode", "ALLOW_ALL",
        "--trust-anchor", folder / "anchor.json", "--report", folder / "report",
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "client", stack.client)
        patch.setattr(sys, "argv", ["counterfoil", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert not ended.value.code
    return json.loads((folder / "report").read_text())


@pytest.fixture(scope="module")
def ledger(stack, report):
    """The ledger, published into the stack's stream, with a block of its own."""
    with existing(stack, LEDGER) as opened:
        opened.stream_to(stack.outputs["JournalStreamArn"])
        committed(stack, LEDGER, ["INSERT INTO Transactions ?", {"transactionId": "new"}])
        stack.drain(PATIENCE)
        yield opened


def audit_findings(stack):
    found = {item["finding_id"]["S"].partition("@")[0] for item in items(stack, "FindingsTable")}
    return {each for each in found if each.startswith("audit.")}


def state_of(stack):
    return DynamoDbHeads(stack.client("dynamodb"), stack.physical_id("HeadsTable")).load(STRAND)


def denials(stack):
    return {
        name: lines
        for name in stack.deployment.functions
        if (lines := [line for line in stack.logs(name) if "AccessDenied" in line])
    }


def test_the_report_says_where_it_begins_and_the_digest_is_the_whole_strands(report):
    assert report["digestAfter"] == JOURNAL.builder.digest(END - 1).hash.to_base64()
    assert (report["blocks"], report["documents"]) == (END - BEGIN, END - BEGIN)
    assert report["trustAnchor"]["proved"] is True
    assert SAYS in report["trustAnchor"]["notProved"]


def test_the_ledger_answers_with_proofs_of_the_whole_and_refuses_what_is_before(ledger):
    tip = ledger.digest().tip_address
    assert tip == BlockAddress(STRAND, END)
    asked = {"Name": LEDGER, "DigestTipAddress": ion_address(tip)}
    for number in (BEGIN, BEGIN + 1, END - 1, END):
        answer = ledger.control.get_block(BlockAddress=ion_address(BlockAddress(STRAND, number)), **asked)
        verify_receipt(
            {name: dict(answer[name]) for name in ("Block", "Proof")}
            | {"Digest": ledger.digest_answer()["Digest"], "DigestTipAddress": ion_address(tip)}
        )
    before = ion_address(BlockAddress(STRAND, BEGIN - 1))
    for ask in (
        lambda: ledger.control.get_block(BlockAddress=before, **asked),
        lambda: ledger.control.get_block(Name=LEDGER, BlockAddress=before),
        lambda: ledger.control.get_revision(BlockAddress=before, DocumentId="x" * 22, **asked),
    ):
        with pytest.raises(ledger.control.exceptions.ClientError, match=SAYS):
            ask()


def test_the_auditor_verifies_from_the_anchor_on_and_misses_nothing(stack, ledger, anchor):
    for _ in range(2):
        assert stack.tick("JournalAuditorFunctionSweep").outcome is Outcome.ANSWERED
    state = state_of(stack)
    assert (state.anchor, state.head.begin, state.diverged_at) == (anchor, BEGIN, None)
    assert state.digest == ledger.digest()
    assert audit_findings(stack) == {"audit.stream-control"}


def test_a_snapshot_signs_the_digest_and_says_that_there_is_no_log(stack, ledger, anchor):
    digest = ledger.digest()
    for _ in range(2):
        answer = stack.invoke("DigestSnapshotFunction", {}).answer
        assert answer["findings"] == []
        (name,) = answer["snapshots"]
    s3, bucket = stack.client("s3"), stack.physical_id("SnapshotsBucket")
    document = s3.get_object(Bucket=bucket, Key=name)["Body"].read()
    snapshot, _ = parse_document(document)
    assert (snapshot.digest, snapshot.anchor, snapshot.extends) == (digest.hash, anchor, True)
    assert "a log has every block from block 0 on" in json.loads(document)["snapshot"]["noLog"]
    assert s3.list_objects_v2(Bucket=bucket, Prefix="tlog/")["KeyCount"] == 0
    assert denials(stack) == {}


def test_an_export_brings_its_anchor_and_goes_on_in_a_folder_and_back(stack, ledger, run, tmp_path):
    ledger.export_to(stack.outputs["ExportsBucketName"], "audit")
    s3, bucket = stack.client("s3"), stack.outputs["ExportsBucketName"]
    files = {
        each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        for each in s3.list_objects_v2(Bucket=bucket)["Contents"]
    }
    for key, data in files.items():
        path = tmp_path / "out" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (anchor_file,) = (tmp_path / "out").rglob("*.trust-anchor.json")
    given = ("--trust-anchor", anchor_file)
    verdict = run("verify", "export", tmp_path / "out", *given, "--json").document["exports"][0]
    assert verdict["digest"] == ledger.digest_answer()["Digest"]
    data = ("--data", tmp_path / "data")
    assert run("import", tmp_path / "out", "--into", "again", *data, *given).status == 0
    assert run("export", "again", *data, "--to", tmp_path / "back", "--format", "ION_BINARY").status == 0
    objects = {path.name: path.read_bytes() for path in (tmp_path / "back").rglob("*.ion")}
    assert objects == {key.rpartition("/")[2]: data for key, data in files.items() if key.endswith(".ion")}
    assert (tmp_path / "back" / "trust-anchor.json").read_bytes() == anchor_file.read_bytes()


def test_a_projection_that_is_lost_is_derived_again(stack, ledger):
    query = ["SELECT VALUE t.transactionId FROM Transactions AS t"]
    before = committed(stack, LEDGER, query)["results"][0]["rows"]
    table = stack.physical_id("ProjectionsTable")
    for each in items(stack, "ProjectionsTable"):
        stack.client("dynamodb").delete_item(TableName=table, Key={name: each[name] for name in ("pk", "sk")})
    stack.redeploy()  # instances that know nothing
    assert sorted(committed(stack, LEDGER, query)["results"][0]["rows"]) == sorted(before)
    assert stack.tick("LedgerProjectorFunctionSweep").outcome is Outcome.ANSWERED
    watermark = {each["pk"]["S"]: each for each in items(stack, "ProjectionsTable")}[f"S#{STRAND}"]
    assert int(watermark["n"]["N"]) == ledger.digest().tip_address.sequence_no
    assert sorted(committed(stack, LEDGER, query)["results"][0]["rows"]) == sorted(before)


def test_the_standby_begins_where_the_ledger_does(regions, ledger, anchor):
    regions.settle()
    assert journal(regions.standby) == journal(regions.primary)
    assert items(regions.standby, "JournalTable")[0].keys() >= anchor_key(STRAND).keys()
    with existing(regions.standby, LEDGER) as copy:
        assert copy.digest_answer() == ledger.digest_answer()
        copy.stream_to(regions.standby.outputs["JournalStreamArn"])
    regions.standby.drain(PATIENCE)
    assert state_of(regions.standby).anchor == anchor
    assert state_of(regions.standby).digest == ledger.digest()
    assert audit_findings(regions.standby) == {"audit.stream-control"}
    assert denials(regions.primary) == denials(regions.standby) == {}


def test_an_anchor_that_somebody_changes_is_an_alteration_and_a_disagreement(stack, ledger, anchor):
    """The last of these tests. The table's own policy lets nobody do it; here an administrator has put that aside."""
    forged = {"anchor": {"S": json.dumps(receipt(BEGIN - 1, 20) | {"Proof": {"IonText": "[]"}})}}
    stack.client("dynamodb").put_item(TableName=stack.physical_id("JournalTable"), Item=anchor_key(STRAND) | forged)
    stack.drain(PATIENCE)
    assert any("block was altered" in line for line in stack.logs("JournalPublisherFunction"))
    findings = stack.invoke("DigestSnapshotFunction", {}).answer["findings"]
    assert [each.partition("@")[0] for each in findings] == ["audit.heads-disagree"]
