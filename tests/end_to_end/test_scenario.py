"""A bank's ledger from creation to clean-up on the deployed stack, step by step, its transactions by QLDB's unmodified driver.

Functions run under their roles. The journal goes into a bucket and a stream of the scenario's own, so the roles of the two functions
that write there are given what the scenario allows, and nothing else; before that they may not. Each step is a fixture that stands on
the one before, and gives what it saw.
"""

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from counterfoil.cli.verify import conclude
from counterfoil.journal import BlockAddress, digest_of, verify_receipt
from counterfoil.services.batch import KinesisRecord
from lab.demo.deployed_bank import Bucket
from lab.emulator import ACCOUNT
from lab.ledger_client import LedgerClient, driver_environment, wait_until
from lab.stack import TELLER, Options, Stack
from tests.deployed_ledger import variables
from tests.served import COUNTERFOIL, DRIVER_PYTHON

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("scenario")]

PROGRAM = Path(__file__).parent / "driver/scenario.py"
# Far beyond what it takes on two busy cores.
PATIENCE = 300
SUFFIX = "4f1c"
LEDGER = f"financial-ledger-{SUFFIX}"
BUCKET = f"financial-ledger-exports-{SUFFIX}"
STREAM = f"financial-ledger-journal-{SUFFIX}"
ROLE = f"financial-ledger-role-{SUFFIX}"
PREFIX = "journal-exports/"
RIGHTS = [
    {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": f"arn:aws:s3:::{BUCKET}/*"},
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
    {
        "Effect": "Allow",
        "Action": ["kinesis:PutRecord", "kinesis:PutRecords", "kinesis:DescribeStream"],
        "Resource": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{STREAM}",
    },
]
WRITERS = ("JournalPublisherFunction", "JournalExporterFunction")
OWNER = [{"actions": ["*"]}]


class Scenario:
    """Names, the stack, and the driver's program."""

    def __init__(self, stack, folder):
        self.stack, self.folder = stack, folder
        self.role_arn = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
        self.stream_arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{STREAM}"

    def run(self, step):
        """What a step of the driver's program found."""
        done = subprocess.run(
            [DRIVER_PYTHON, PROGRAM, LEDGER, step],
            env=driver_environment(self.folder, variables(self.stack)),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def writers(self):
        """The roles of the functions that write a stream and an export."""
        return [self.stack.physical_id(name.replace("Function", "Role")) for name in WRITERS]


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    with Stack.up(options=Options(under_roles=True)) as stack:
        yield Scenario(stack, tmp_path_factory.mktemp("scenario"))


@pytest.fixture(scope="module")
def places(scenario):
    """Steps 1 and 2: a bucket, a stream, and a role that may write there; no function has its rights yet."""
    s3, kinesis, iam = (scenario.stack.client(name) for name in ("s3", "kinesis", "iam"))
    s3.create_bucket(Bucket=BUCKET)
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [default]})
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM)
    trust = {"Effect": "Allow", "Principal": {"Service": "qldb.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=policy([trust]))
    iam.put_role_policy(RoleName=ROLE, PolicyName="journal", PolicyDocument=policy(RIGHTS))
    return scenario


def policy(statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def ledger(places):
    """Step 3; who may use it is written down before."""
    owner = {"kind": "permission", "id": TELLER.user_arn, "document": json.dumps(OWNER)}
    places.stack.client("dynamodb").put_item(
        TableName=places.stack.outputs["RegistryTableName"], Item={name: {"S": each} for name, each in owner.items()}
    )
    with LedgerClient.created(
        LEDGER,
        variables(places.stack),
        PermissionsMode="STANDARD",
        DeletionProtection=True,
        Tags={"Environment": "Production", "Application": "Financial"},
    ) as created:
        yield created


@pytest.fixture(scope="module")
def tables(scenario, ledger):
    """Step 4."""
    return scenario.run("schema")


@pytest.fixture(scope="module")
def documents(scenario, tables):
    """Step 5."""
    return scenario.run("load")


@pytest.fixture(scope="module")
def stream(scenario, ledger, documents):
    """Step 6: the stream begins where it may not be written, and goes on by itself where it may."""
    since = datetime.now(UTC) - timedelta(hours=1)
    stream_id = ledger.stream_to(scenario.stream_arn, since, role_arn=scenario.role_arn)[0]
    wait_until(lambda: ledger.stream(stream_id)["Status"] == "IMPAIRED", "the stream without rights")
    refused = ledger.stream(stream_id)
    for role in scenario.writers():
        scenario.stack.client("iam").put_role_policy(RoleName=role, PolicyName="journal", PolicyDocument=policy(RIGHTS))
    scenario.stack.tick("JournalPublisherFunctionSweep")
    wait_until(lambda: ledger.stream(stream_id)["Status"] == "ACTIVE", "the stream with rights")
    return {"refused": refused, "id": stream_id, "asked": since}


@pytest.fixture(scope="module")
def digests(scenario, ledger, stream):
    """Step 7."""
    first = ledger.digest_answer()
    time.sleep(1)
    second = ledger.digest_answer()
    assert scenario.run("note") == [1]
    return [first, second, ledger.digest_answer()]


@pytest.fixture(scope="module")
def moved(scenario, digests):
    """Step 11, before the export so that it has the transfer in it."""
    return scenario.run("move") | {"skew": scenario.run("skew")}


@pytest.fixture(scope="module")
def export(scenario, ledger, moved):
    """Step 8: its description, and the objects in a folder with a digest beside them."""
    bucket = Bucket(scenario.stack.client("s3"), BUCKET)
    digest = ledger.digest_answer()
    asked = {"role_arn": scenario.role_arn, "since": datetime.now(UTC) - timedelta(hours=2)}
    description = ledger.export_to(BUCKET, PREFIX, ObjectEncryptionType="SSE_S3", **asked)
    bucket.copy_to(scenario.folder / "export")
    (scenario.folder / "digest.json").write_text(json.dumps(digest))
    return {"description": description, "digest": digest, "blocks": bucket.blocks()}


@pytest.fixture(scope="module")
def receipt(scenario, ledger, export):
    """Step 9: a transaction with its proof to the digest, and where it is."""
    found = scenario.run("find")
    address = BlockAddress(found["strandId"], found["sequenceNo"])
    answer = ledger.revision_answer(address, found["id"], export["digest"]["DigestTipAddress"])
    return address, {**answer, **export["digest"]}


@pytest.fixture(scope="module")
def audit(scenario, receipt):
    """Step 10."""
    return scenario.run("audit")


@pytest.fixture(scope="module")
def streamed(scenario, ledger, stream, audit):
    """The end of step 6: what the stream carried until it was cancelled, and the ledger's digest then."""
    digest = ledger.digest()
    scenario.stack.drain(PATIENCE)
    scenario.stack.publish_metrics()
    ledger.cancel_stream(stream["id"])
    wait_until(lambda: ledger.stream(stream["id"])["Status"] == "CANCELED", "the cancelled stream")
    scenario.stack.drain(PATIENCE)
    return conclude(records_of(scenario.stack.client("kinesis"))), digest


@pytest.fixture(scope="module")
def cleaned(scenario, ledger, streamed):
    """Step 12, the stream being cancelled: what is there no more afterwards, and how an early deletion was refused."""
    s3, kinesis, iam = (scenario.stack.client(name) for name in ("s3", "kinesis", "iam"))
    for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        s3.delete_object(Bucket=BUCKET, Key=each["Key"])
    s3.delete_bucket(Bucket=BUCKET)
    kinesis.delete_stream(StreamName=STREAM)
    for role in (*scenario.writers(), ROLE):
        iam.delete_role_policy(RoleName=role, PolicyName="journal")
    iam.delete_role(RoleName=ROLE)
    early = refusal(lambda: ledger.control.delete_ledger(Name=LEDGER))
    ledger.control.update_ledger(Name=LEDGER, DeletionProtection=False)
    ledger.control.delete_ledger(Name=LEDGER)
    wait_until(lambda: LEDGER not in names(ledger), "the deletion")
    return early


def names(ledger):
    return [each["Name"] for each in ledger.control.list_ledgers()["Ledgers"]]


def refusal(call):
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"]


def records_of(kinesis):
    """Everything in the one shard of the scenario's stream, as a function gets it."""
    (shard,) = kinesis.list_shards(StreamName=STREAM)["Shards"]
    where = {"StreamName": STREAM, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    answer = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**where)["ShardIterator"])
    return [
        KinesisRecord(
            shard["ShardId"], each["SequenceNumber"], each["PartitionKey"], each["Data"], each["ApproximateArrivalTimestamp"]
        )
        for each in answer["Records"]
    ]  # fmt: skip


def test_the_bucket_encrypts_by_default_and_the_stream_has_one_shard(places):
    encryption = places.stack.client("s3").get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]
    assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    summary = places.stack.client("kinesis").describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 1


def test_the_ledger_is_described_as_it_was_asked_for(ledger):
    described = ledger.control.describe_ledger(Name=LEDGER)
    assert (described["State"], described["PermissionsMode"]) == ("ACTIVE", "STANDARD")
    assert described["DeletionProtection"] is True
    tags = ledger.control.list_tags_for_resource(ResourceArn=described["Arn"])["Tags"]
    assert tags == {"Environment": "Production", "Application": "Financial"}


def test_tables_have_their_indexes(tables):
    assert tables == {"Accounts": 1, "Transactions": 3, "AuditLog": 1}


def test_documents_are_inserted(documents):
    assert documents == [2, 2, 1]


def test_a_stream_that_may_not_be_written_says_so_and_goes_on_once_it_may(ledger, stream):
    assert stream["refused"]["ErrorCause"] == "IAM_PERMISSION_REVOKED"
    described = ledger.stream(stream["id"])
    assert abs(described["InclusiveStartTime"] - stream["asked"]) < timedelta(
        milliseconds=1
    )  # kept in whole milliseconds
    assert described["KinesisConfiguration"]["AggregationEnabled"] is True


def test_the_stream_is_listed(ledger, stream):
    (listed,) = ledger.control.list_journal_kinesis_streams_for_ledger(LedgerName=LEDGER)["Streams"]
    assert listed["StreamId"] == stream["id"]


def test_a_digest_changes_with_a_write_and_not_without(digests):
    first, second, third = digests
    assert first == second
    assert third["Digest"] != first["Digest"]
    assert third["DigestTipAddress"] != first["DigestTipAddress"]


def test_the_transfer_moves_all_or_nothing(moved):
    assert moved["after"] == {"ACC-001": "9500.00", "ACC-002": "25500.00"}
    assert moved["refused"] == "ACC-001 has no 1000000.00"
    assert moved["afterRefusal"] == moved["after"]


def test_concurrent_transfers_conflict_and_are_retried_until_all_are_done(moved):
    """Three of each teller's, two tellers in each direction: the balances are what they were, and none was lost on the way."""
    assert moved["conflicts"] > 0
    assert moved["skew"]["before"] == moved["after"]


def test_what_was_read_meanwhile_overtaken_is_not_committed_upon(moved):
    skew = moved["skew"]
    assert (skew["refused"], skew["sums"]) == ("OccConflictException", 0)
    assert skew["after"] == {"ACC-001": "9501.00", "ACC-002": "25499.00"}


def test_the_export_is_completed_under_its_prefix_and_encrypted(scenario, export):
    described = export["description"]
    assert described["Status"] == "COMPLETED"
    configuration = described["S3ExportConfiguration"]
    assert (configuration["Bucket"], configuration["Prefix"]) == (BUCKET, PREFIX)
    s3 = scenario.stack.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX)["Contents"]]
    assert sum("manifest" in key for key in keys) == 2
    assert {s3.head_object(Bucket=BUCKET, Key=key)["ServerSideEncryption"] for key in keys} == {"AES256"}


def test_what_may_write_into_the_bucket_may_not_into_another(scenario, ledger, export):
    other = f"{BUCKET}-other"
    scenario.stack.client("s3").create_bucket(Bucket=other)
    asked = ledger.control.export_journal_to_s3(
        Name=LEDGER,
        InclusiveStartTime=datetime.now(UTC) - timedelta(hours=2),
        ExclusiveEndTime=datetime.now(UTC),
        RoleArn=scenario.role_arn,
        S3ExportConfiguration={**export["description"]["S3ExportConfiguration"], "Bucket": other},
    )
    wait_until(lambda: ledger.export(asked["ExportId"])["Status"] == "CANCELLED", "the export into another bucket")
    assert "Contents" not in scenario.stack.client("s3").list_objects_v2(Bucket=other)


def test_the_export_is_verified_offline_against_the_digest(scenario, export):
    folder = scenario.folder
    command = [COUNTERFOIL, "verify", "export", folder / "export", "--digest", folder / "digest.json", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (verdict,) = json.loads(done.stdout)["exports"]
    assert verdict["digestCompared"] is True


def test_a_transaction_is_proved_to_the_digest(receipt, export):
    address, document = receipt
    proved = verify_receipt(document)
    assert (proved.kind, proved.address) == ("revision", address)
    assert proved.contents_checked
    assert proved.digest.hash.to_base64() == export["digest"]["Digest"]


def test_queries_of_an_audit(audit):
    assert audit["ofAccount"] == ["TXN-001", "TXN-002", "TXN-003"]
    assert audit["inRange"] == ["TXN-001"]
    assert [version for version, _ in audit["balances"]] == list(range(len(audit["balances"])))
    amounts = [Decimal(amount) for _, amount in audit["balances"]]
    assert amounts[:2] == [Decimal("10000.00"), Decimal("9500.00")]
    assert sorted(abs(after - before) for before, after in pairwise(amounts[1:])) == [
        Decimal("1.00"),
        *[Decimal("10.00")] * 12,
    ]


def test_the_history_of_a_transaction_has_its_time_and_its_id(audit, export):
    ((version, tx_time, transaction_id),) = audit["ofTransfer"]
    assert version == 0
    (block,) = [each for each in export["blocks"] if each["transactionId"] == transaction_id]
    assert tx_time[:19] == str(block["blockTimestamp"]).replace("T", " ")[:19]


def test_the_stream_carried_every_block(streamed):
    (report, findings, (state,)), digest = streamed
    (whole,) = state.segments
    assert report.blocks_new == digest.tip_address.sequence_no + 1
    assert digest_of(whole.segment) == digest
    assert {str(each.rule_id) for each in findings} == {"audit.stream-control", "audit.privileged-statement"}


def test_metrics_of_the_stream_are_read(scenario, streamed):
    answer = scenario.stack.client("cloudwatch").get_metric_statistics(
        Namespace="counterfoil",
        MetricName="BlocksPublished",
        Dimensions=[{"Name": "service", "Value": "journal_publisher"}],
        StartTime=datetime.now(UTC) - timedelta(hours=1),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )
    assert sum(each["Sum"] for each in answer["Datapoints"]) >= streamed[0][0].blocks_new


def test_nothing_is_left_and_protection_was_no_word_alone(scenario, ledger, cleaned):
    assert cleaned == "ResourcePreconditionNotMetException"
    assert refusal(lambda: ledger.control.describe_ledger(Name=LEDGER)) == "ResourceNotFoundException"
    assert refusal(lambda: scenario.stack.client("s3").head_bucket(Bucket=BUCKET)) == "404"
    assert STREAM not in scenario.stack.client("kinesis").list_streams()["StreamNames"]
    assert refusal(lambda: scenario.stack.client("iam").get_role(RoleName=ROLE)) == "NoSuchEntity"
