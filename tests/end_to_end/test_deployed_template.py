"""The very template on the embedded stack: the real service's record, delivered twice; a poison batch, parked and redriven."""

import base64
import json
from datetime import UTC, datetime

import pytest

from counterfoil import wiring
from counterfoil.adapters.dynamodb.findings import DynamoDbFindings, parse_finding
from counterfoil.adapters.dynamodb.heads import DynamoDbHeads
from counterfoil.cli import operate
from counterfoil.detection.finding import Finding, Severity
from lab.producer import outer_records, streamed
from lab.stack import Stack
from tests.command_line import copied, run
from tests.deployed_ledger import committed, created, existing, transact
from tests.exports import exported
from tests.journals import STRAND, transfers

__all__ = ["copied", "run"]

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("deployed")]

# Far beyond what it takes on two busy cores.
PATIENCE = 300


# Every transfer is a first payment to this rule; those in one currency, whoever pays, are one alert for a month.
TERMS = {"key": ["currency"], "window_seconds": 31 * 86_400}
RULES = {"new-payee-high-value": {"known_payees": 0, "alert": TERMS}}


@pytest.fixture(scope="module")
def stack():
    with Stack.up({"FraudRules": json.dumps({"rules": RULES})}) as running:
        yield running


def findings(stack):
    items = stack.client("dynamodb").scan(TableName=stack.physical_id("FindingsTable"), ConsistentRead=True)["Items"]
    return {(finding.rule_id, finding.place) for finding in map(parse_finding, items)}


def state(stack, strand_id):
    return DynamoDbHeads(stack.client("dynamodb"), stack.physical_id("HeadsTable")).load(strand_id)


def test_the_real_service_s_record_is_verified_end_to_end(stack, shared_vectors):
    event = json.loads((shared_vectors / "stream" / "ags-attestations-2021-02-09.kinesis-event.json").read_text())
    before = findings(stack)
    for entry in event["Records"] * 2:
        stack.client("kinesis").put_record(
            StreamName=stack.physical_id("JournalStream"),
            PartitionKey=entry["kinesis"]["partitionKey"],
            Data=base64.b64decode(entry["kinesis"]["data"]),
        )
    stack.drain(PATIENCE)
    head = state(stack, "0VwGeHD7Q9LL4HSC55gDSp").head
    assert (head.begin, head.end) == (14, 15)
    assert str(head.last_hash) == "fd26243b46675803668115013a2652aec29852fd1cf0483b8b924456c7fe650c"
    assert findings(stack) == before


def test_rubbish_is_kept_and_its_neighbours_are_verified(stack):
    blocks = transfers(3).blocks
    records = [outer.data for block in blocks for outer in outer_records(streamed(block).records, STRAND)]
    for data in (records[0], b"rubbish", records[1], records[2]):
        stack.client("kinesis").put_record(
            StreamName=stack.physical_id("JournalStream"), PartitionKey=STRAND, Data=data
        )
    stack.drain(PATIENCE)
    assert state(stack, STRAND).head.end == 3
    (kept,) = [place for rule, place in findings(stack) if rule == "audit.unreadable-record"]
    name = f"quarantine/{kept.removeprefix('bytes-')}"
    body = stack.client("s3").get_object(Bucket=stack.physical_id("FailedBatchesBucket"), Key=name)["Body"]
    assert body.read() == b"rubbish"


def test_a_batch_that_was_given_up_is_redriven_from_the_bucket(stack, monkeypatch, capsys):
    """What Lambda leaves in S3 is delivered again by the command, and what it meets twice is a duplicate."""
    blocks = transfers(5).blocks[3:]
    records = list(outer_records((each for block in blocks for each in streamed(block).records), STRAND))
    event = {
        "Records": [
            {
                "eventID": f"shardId-000000000000:{number}",
                "kinesis": {
                    "partitionKey": record.partition_key,
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(record.data).decode(),
                    "approximateArrivalTimestamp": 1,
                },
            }
            for number, record in enumerate(records)
        ]
    }
    bucket = stack.physical_id("FailedBatchesBucket")
    parked = {"requestContext": {"functionArn": "JournalAuditorFunction"}, "payload": json.dumps(event)}
    stack.client("s3").put_object(Bucket=bucket, Key="aws/lambda/one", Body=json.dumps(parked).encode())

    class Invoker:
        """The stack's own runtime host in the place of Lambda's Invoke."""

        def invoke(self, FunctionName, Payload):
            answer = stack.invoke(FunctionName, json.loads(Payload)).answer
            return {"Payload": Reader(json.dumps(answer).encode())}

    class Reader:
        def __init__(self, data):
            self._data = data

        def read(self):
            return self._data

    clients = {"s3": stack.client("s3"), "lambda": Invoker()}
    monkeypatch.setattr(operate.wiring, "client", clients.__getitem__)
    for _ in range(2):
        with pytest.raises(operate.typer.Exit) as ended:
            operate.redrive(bucket, "aws/lambda/one", json=True)
        assert ended.value.exit_code == 0
        assert json.loads(capsys.readouterr().out)["delivered"][0]["records"] == len(records)
    assert state(stack, STRAND).head.end == 5


def test_a_snapshot_cannot_be_deleted_while_its_lock_lasts(stack):
    for block in transfers(3).blocks:  # duplicates, where the tests before have run on this stack too
        for outer in outer_records(streamed(block).records, STRAND):
            stack.client("kinesis").put_record(
                StreamName=stack.physical_id("JournalStream"), PartitionKey=STRAND, Data=outer.data
            )
    stack.drain(PATIENCE)
    (name, *_) = stack.invoke("DigestSnapshotFunction", {}).answer["snapshots"]
    s3, bucket = stack.client("s3"), stack.physical_id("SnapshotsBucket")
    (version,) = s3.list_object_versions(Bucket=bucket, Prefix=name)["Versions"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=name, VersionId=version["VersionId"])


TRANSFER = {"transactionId": "TX-1", "fromAccountId": "ACC-1", "toAccountId": "ACC-2", "status": "COMPLETED"}


def test_what_a_rule_asks_for_is_done_an_account_frozen_and_a_case_opened(stack, run, monkeypatch):
    with created(stack, "bank", PermissionsMode="ALLOW_ALL"):
        committed(stack, "bank", ["CREATE TABLE Transactions"])
        for text in ("CREATE TABLE AccountFreezes", "CREATE INDEX ON AccountFreezes (accountId)"):
            place = committed(stack, "bank", [text])["blockAddress"]
        committed(stack, "bank", ["INSERT INTO Transactions ?", TRANSFER])
        found = Finding(
            "fraud.structuring", Severity.HIGH, f"{place['strandId']}#{place['sequenceNo']}", "seen",
            datetime(2025, 3, 3, 12, tzinfo=UTC), account_id="ACC-1", actions=("freeze", "open_case", "webhook"),
        )  # fmt: skip
        store = DynamoDbFindings(stack.client("dynamodb"), stack.physical_id("FindingsTable"))
        store.record([found])
        stack.drain(PATIENCE)
        status, refused = transact(stack, "bank", ["INSERT INTO Transactions ?", TRANSFER])
        assert status == 400, refused
        assert "account ACC-1 is frozen" in refused["detail"]
        ((document,),) = (
            result["rows"] for result in committed(stack, "bank", ["SELECT * FROM AccountFreezes"])["results"]
        )
        assert (document["findingId"], document["by"]) == (found.finding_id, "counterfoil")
        monkeypatch.setattr(wiring, "client", stack.client)
        shown = run("findings", "show", found.finding_id, "--stack", stack.deployment.stack_name, "--json").document
        assert (shown["finding"]["caseId"], shown["finding"]["told"]) == ("ACC-1/1", "TOLD")


def test_a_rule_says_which_of_its_findings_are_one_alert(stack, run, monkeypatch):
    """What the deployment sets goes by the detector into the finding; by that the notifier decides. A replay changes nothing."""
    monkeypatch.setattr(wiring, "client", stack.client)
    name = ("--stack", stack.deployment.stack_name)
    with created(stack, "shared", PermissionsMode="ALLOW_ALL") as ledger:
        ledger.stream_to(stack.outputs["JournalStreamArn"])
        committed(stack, "shared", ["CREATE TABLE Transactions"])
        for number, currency in enumerate(["EUR", "CHF", "EUR", "EUR"]):
            about = {"transactionId": f"S-{number}", "fromAccountId": f"P-{number}", "toAccountId": f"Q-{number}"}
            committed(
                stack,
                "shared",
                ["INSERT INTO Transactions ?", TRANSFER | about | {"amount": 6_000, "currency": currency}],
            )
        stack.drain(PATIENCE)
    listed = run("findings", "list", "--rule", "fraud.new-payee-high-value", *name, "--json").document["findings"]
    ids = [
        each["findingId"]
        for each in sorted(listed, key=lambda each: each["accountId"])
        if each["accountId"][:2] == "P-"
    ]
    before = [run("findings", "show", each, *name, "--json").document["finding"] for each in ids]
    assert sorted((each["alertKey"], each["told"], each["alertFindings"]) for each in before) == [
        ("currency CHF", "TOLD", 1), ("currency EUR", "JOINED", 3), ("currency EUR", "JOINED", 3), ("currency EUR", "TOLD", 3),
    ]  # fmt: skip
    assert json.loads(before[0]["evidence"]["rule_settings"])["alert"] == TERMS
    store = DynamoDbFindings(stack.client("dynamodb"), stack.physical_id("FindingsTable"))
    kept = [store.load(each) for each in ids]
    for each in kept:
        store.client.delete_item(TableName=store.ddb_table, Key={"finding_id": {"S": each.finding_id}})
    store.record(kept)
    stack.drain(PATIENCE)
    assert [run("findings", "show", each, *name, "--json").document["finding"] for each in ids] == before


def test_an_archive_goes_on_as_a_ledger_of_the_stack(stack, run, copied, monkeypatch):
    journal = transfers(6)
    monkeypatch.setattr(wiring, "client", stack.client)
    name = stack.deployment.stack_name
    answer = run(
        "import",
        copied(exported(journal)),
        "--into",
        "old",
        "--stack",
        name,
        "--permissions-mode",
        "ALLOW_ALL",
        "--json",
    )
    assert answer.status == 0, answer.out
    with existing(stack, "old"):
        found = committed(stack, "old", ["SELECT * FROM Transactions"])
        assert found["blockAddress"] == {"strandId": STRAND, "sequenceNo": 6}
        assert len(found["results"][0]["rows"]) == 6
        committed(stack, "old", ["INSERT INTO Transactions ?", TRANSFER])
        assert len(committed(stack, "old", ["SELECT * FROM Transactions"])["results"][0]["rows"]) == 7
