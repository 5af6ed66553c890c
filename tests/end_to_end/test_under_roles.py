"""The deployed functions under the roles that the template gives them: each role suffices for what its function does."""

import base64
import json
import os
import subprocess

import pytest

from counterfoil.adapters.dynamodb.findings import DynamoDbFindings
from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
from counterfoil.detection.finding import Finding, Severity
from lab.invocation import Outcome
from lab.ledger_client import wait_until
from lab.stack import Options, Stack
from tests.audit_worlds import NOW
from tests.deployed_ledger import committed, created, items, variables
from tests.served import COUNTERFOIL

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("under-roles")]

# Far beyond what it takes on two busy cores.
PATIENCE = 300


@pytest.fixture(scope="module")
def stack():
    with Stack.up({"SealedFields": "true"}, Options(under_roles=True)) as running:
        yield running


def denials(stack):
    """What functions were refused, by function."""
    said = {name: [line for line in stack.logs(name) if "AccessDenied" in line] for name in stack.deployment.functions}
    return {name: lines for name, lines in said.items() if lines}


def put(stack, partition_key, data):
    stack.client("kinesis").put_record(
        StreamName=stack.physical_id("JournalStream"), PartitionKey=partition_key, Data=data
    )


def count(stack, table):
    return stack.client("dynamodb").scan(TableName=stack.physical_id(table), Select="COUNT")["Count"]


def test_the_pipeline_verifies_finds_keeps_tells_and_signs(stack, shared_vectors):
    event = json.loads((shared_vectors / "stream" / "ags-attestations-2021-02-09.kinesis-event.json").read_text())
    for entry in event["Records"]:
        put(stack, entry["kinesis"]["partitionKey"], base64.b64decode(entry["kinesis"]["data"]))
    put(stack, "somebody", b"rubbish")
    seen = Finding("fraud.x", Severity.HIGH, "s#1", "seen", NOW, account_id="ACC-1", actions=("open_case", "webhook"))
    DynamoDbFindings(stack.client("dynamodb"), stack.physical_id("FindingsTable")).record([seen])
    stack.drain(PATIENCE)
    assert min(count(stack, table) for table in ("HeadsTable", "FindingsTable", "AlertsTable", "CasesTable")) > 0
    kept = stack.client("s3").list_objects_v2(Bucket=stack.physical_id("FailedBatchesBucket"), Prefix="quarantine/")
    assert kept["KeyCount"] == 1
    assert stack.invoke("DigestSnapshotFunction", {}).answer["snapshots"]
    for schedule in stack.deployment.schedules:
        assert stack.tick(schedule).outcome is Outcome.ANSWERED, (schedule, denials(stack))
    assert denials(stack) == {}


def test_the_ledger_commits_publishes_exports_and_redacts(stack):
    """Small blocks and one too large for an item of the table, which goes to the bucket and is redacted there."""
    with created(stack, "bank", PermissionsMode="ALLOW_ALL") as ledger:
        ledger.stream_to(stack.outputs["JournalStreamArn"])
        table_id = committed(stack, "bank", ["CREATE TABLE Notes"])["results"][0]["rows"][0]["tableId"]
        committed(stack, "bank", ["CREATE INDEX ON Notes (number)"])
        notes = [committed(stack, "bank", ["INSERT INTO Notes ?", note]) for note in ({"number": 1}, {"text": LONG})]
        committed(stack, "bank", ["UPDATE Notes SET number = 2 WHERE number = ?", 1])
        large = notes[1]["blockAddress"]
        redact = f'EXEC REDACT_REVISION `{{strandId: "{large["strandId"]}", sequenceNo: {large["sequenceNo"]}}}`, ?, ?'
        document_id = notes[1]["results"][0]["rows"][0]["documentId"]
        committed(stack, "bank", ["DELETE FROM Notes BY id WHERE id = ?", document_id])
        committed(stack, "bank", [redact, table_id, document_id])
        stack.drain(PATIENCE)
        assert large_objects(stack)
        let_wait_be_over(stack)
        assert stack.tick("JournalRedactorFunctionSweep").answer == {"revisionsRedacted": 1}
        assert not large_objects(stack)
        ledger.export_to(stack.outputs["ExportsBucketName"])
    for schedule in stack.deployment.schedules:
        assert stack.tick(schedule).outcome is Outcome.ANSWERED, (schedule, denials(stack))
    assert LONG.encode() not in b"".join(
        value["B"] for item in items(stack, "JournalTable") for value in item.values() if "B" in value
    )
    assert denials(stack) == {}


SEALED = "CREATE TABLE People WITH (aws_tags = `{'counterfoil:sealed': 'name'}`)"


def test_the_ledger_seals_and_the_command_line_erases(stack):
    """Under the ledger's role: a key made and used through KMS, destroyed by the command, certified; the auditor has no complaint."""
    with created(stack, "people", PermissionsMode="ALLOW_ALL") as ledger:
        ledger.stream_to(stack.outputs["JournalStreamArn"])
        committed(stack, "people", [SEALED])
        inserted = committed(
            stack, "people", ["INSERT INTO People ?", {"name": "Margarethe Blumenthal", "country": "NL"}]
        )
        document_id = inserted["results"][0]["rows"][0]["documentId"]
        read = ["SELECT p.name, p.country FROM People AS p BY id WHERE id = ?", document_id]
        person = {"name": "Margarethe Blumenthal", "country": "NL"}
        assert committed(stack, "people", read)["results"][0]["rows"] == [person]
        erase = [
            COUNTERFOIL,
            "erase",
            "people",
            "People",
            document_id,
            "--author",
            "Ada",
            "--reason",
            "asked for",
            "--json",
        ]
        done = [
            subprocess.run(erase, env=os.environ | variables(stack), capture_output=True, text=True, check=False)
            for _ in range(2)
        ]
        assert [each.returncode for each in done] == [0, 0], done[0].stderr
        certificate, again = (json.loads(each.stdout) for each in done)
        assert certificate == again
        assert committed(stack, "people", read)["results"][0]["rows"] == [{"name": None, "country": "NL"}]
        strand_id = certificate["blockAddress"]["strandId"]
        stack.drain(PATIENCE)
    kept = {item["documentId"]["S"]: item for item in items(stack, "SealKeysTable")}
    assert kept.keys() == {document_id, "#ledger-key"}
    assert kept[document_id].keys() == {"strandId", "documentId", "keyId", "destroyedMs"}
    for table in ("JournalTable", "ProjectionsTable"):
        assert "Margarethe" not in repr(items(stack, table))
    verified = DynamoDbHeads(stack.client("dynamodb"), stack.physical_id("HeadsTable")).load(strand_id)
    assert (verified.diverged_at, verified.head.begin) == (None, 0)
    assert denials(stack) == {}


LONG = "private " * 60_000

# A transaction of 4 MiB is the largest; a document of almost 1 MiB has details that are too large for Kinesis.
ALMOST_A_MEBIBYTE = "x" * (1024 * 1024 - 200)


def test_a_block_of_four_megabytes_is_verified_and_judged_like_any_other(stack):
    """Its revisions are set aside in the bucket; auditor and detector find them there under their own rights."""
    with created(stack, "archive", PermissionsMode="ALLOW_ALL") as ledger:
        ledger.stream_to(stack.outputs["JournalStreamArn"])
        committed(stack, "archive", ["CREATE TABLE Scans"])
        large = [["INSERT INTO Scans ?", {"page": page, "scan": ALMOST_A_MEBIBYTE}] for page in range(3)]
        rest = ["INSERT INTO Scans ?", {"scan": ALMOST_A_MEBIBYTE[: 1000 * 1000]}]
        strand_id = committed(stack, "archive", *large, rest)["blockAddress"]["strandId"]
        after = committed(stack, "archive", ["INSERT INTO Scans ?", {"page": 4}])["blockAddress"]["sequenceNo"]
        stack.drain(PATIENCE)
    assert len(large_objects(stack, "records/")) == 3
    verified = DynamoDbHeads(stack.client("dynamodb"), stack.physical_id("HeadsTable")).load(strand_id)
    assert (verified.diverged_at, verified.head.begin, verified.head.end) == (None, 0, after + 1)
    assert denials(stack) == {}
    assert not [line for name in FOLLOWERS for line in stack.logs(name) if "delivered again" in line]


FOLLOWERS = ("JournalAuditorFunction", "FraudDetectorFunction")


def large_objects(stack, prefix="blocks/"):
    """Versions of large blocks that are there."""
    bucket = stack.outputs["JournalBucketName"]
    return stack.client("s3").list_object_versions(Bucket=bucket, Prefix=prefix).get("Versions", [])


def let_wait_be_over(stack):
    """A redaction waits until no projector can be at work that began before it."""
    for item in items(stack, "ProjectionsTable"):
        if item["pk"]["S"].startswith("R#"):
            stack.client("dynamodb").update_item(
                TableName=stack.physical_id("ProjectionsTable"),
                Key={"pk": item["pk"], "sk": item["sk"]},
                UpdateExpression="SET askedAt = :long_ago",
                ExpressionAttributeValues={":long_ago": {"N": "0"}},
            )


def test_a_right_that_is_missing_would_be_seen(stack):
    """The search for denials finds one: a role that lost its policy."""
    role = (
        stack.client("lambda")
        .get_function_configuration(FunctionName=stack.physical_id("DigestSnapshotFunction"))["Role"]
        .rpartition("/")[2]
    )
    stack.client("iam").delete_role_policy(RoleName=role, PolicyName="digest_snapshot")
    stack.invoke("DigestSnapshotFunction", {})
    # What a function prints is read beside its answers, and may come after one.
    wait_until(lambda: "DigestSnapshotFunction" in denials(stack), "the denial")
    assert denials(stack).keys() == {"DigestSnapshotFunction"}
