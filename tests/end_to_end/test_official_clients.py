"""qldbshell and boto3 with the service models, unmodified, against a served ledger; proofs, exports and streams are verified."""

import json
import subprocess
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from counterfoil.ion.codec import decode_datagram
from counterfoil.journal import BlockAddress, verify_receipt
from tests.served import COUNTERFOIL, QLDBSHELL, Served, wait_until

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("driver")]

ROLE = "arn:aws:iam::000000000000:role/any-role"
SHELL = """CREATE TABLE Cars
INSERT INTO Cars VALUE {'VIN': '1N4', 'year': 2011}
SELECT * FROM Cars
start; UPDATE Cars SET color = 'red'; SELECT * FROM Cars; commit
SELECT * FRM Cars
exit
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("clients") / "data") as running:
        yield running
        assert running.stop() == ""


@pytest.fixture(scope="module")
def qldb(served):
    return served.client()


def ledger(qldb, name):
    qldb.create_ledger(Name=name, PermissionsMode="ALLOW_ALL", DeletionProtection=False)
    return name


def in_shell(served, name, lines):
    """What the shell logged; it takes carriage returns, as a terminal sends them."""
    done = subprocess.run(
        [QLDBSHELL, "-l", name],
        env=served.environment(TERM="dumb"),
        input=lines.replace("\n", "\r"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def as_json(*arguments):
    done = subprocess.run([COUNTERFOIL, *arguments, "--json"], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, json.loads(done.stdout)


def refused(call, name, status):
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (name, status)
    return error


def test_the_shell_runs_statements_and_transactions(served, qldb):
    logged = in_shell(served, ledger(qldb, "shell"), SHELL)
    assert 'tableId: "' in logged
    assert ' VIN: "1N4",\n year: 2011\n' in logged
    assert ' year: 2011,\n color: "red"' in logged
    assert "committed" in logged
    assert "Parser Error: at line 1, column 10" in logged


def test_a_ledger_lives_and_ends(qldb):
    created = qldb.create_ledger(Name="life", PermissionsMode="ALLOW_ALL", Tags={"team": "a"})
    assert created["State"] == "CREATING"
    described = qldb.describe_ledger(Name="life")
    assert described["State"] == "ACTIVE"
    assert described["CreationDateTime"] == created["CreationDateTime"]
    assert "life" in [each["Name"] for each in qldb.list_ledgers()["Ledgers"]]
    refused(lambda: qldb.create_ledger(Name="life", PermissionsMode="STANDARD"), "ResourceAlreadyExistsException", 409)
    assert qldb.update_ledger_permissions_mode(Name="life", PermissionsMode="STANDARD")["PermissionsMode"] == "STANDARD"
    refused(lambda: qldb.delete_ledger(Name="life"), "ResourcePreconditionNotMetException", 412)
    qldb.tag_resource(ResourceArn=created["Arn"], Tags={"cost centre": "ü"})
    assert qldb.list_tags_for_resource(ResourceArn=created["Arn"])["Tags"] == {"team": "a", "cost centre": "ü"}
    qldb.untag_resource(ResourceArn=created["Arn"], TagKeys=["team", "cost centre"])
    assert qldb.list_tags_for_resource(ResourceArn=created["Arn"])["Tags"] == {}
    assert qldb.update_ledger(Name="life", DeletionProtection=False)["DeletionProtection"] is False
    qldb.delete_ledger(Name="life")
    error = refused(lambda: qldb.describe_ledger(Name="life"), "ResourceNotFoundException", 404)
    assert (error["ResourceType"], error["ResourceName"]) == ("Ledger", "life")
    assert qldb.create_ledger(Name="life", PermissionsMode="ALLOW_ALL")["State"] == "CREATING"


@pytest.fixture(scope="module")
def cars(served, qldb):
    """A ledger with a table, three documents, an update and a deletion."""
    name = ledger(qldb, "cars")
    lines = [
        "CREATE TABLE Cars",
        *(f"INSERT INTO Cars VALUE {{'VIN': '{number}'}}" for number in range(3)),
        "UPDATE Cars AS c SET c.color = 'red' WHERE c.VIN = '1'",
        "DELETE FROM Cars AS c WHERE c.VIN = '2'",
        "exit",
        "",
    ]
    in_shell(served, name, "\n".join(lines))
    return name


def committed(served, name, query):
    """The committed form of documents, through the official client's low level."""
    client = served.client("qldb-session")
    token = client.send_command(StartSession={"LedgerName": name})["StartSession"]["SessionToken"]
    started = client.send_command(SessionToken=token, StartTransaction={})["StartTransaction"]
    command = {"TransactionId": started["TransactionId"], "Statement": query}
    page = client.send_command(SessionToken=token, ExecuteStatement=command)["ExecuteStatement"]["FirstPage"]
    client.send_command(SessionToken=token, EndSession={})
    return [decode_datagram(each["IonBinary"]) for each in page["Values"]]


def test_blocks_and_revisions_prove_themselves_against_the_digest(served, qldb, cars):
    digest = qldb.get_digest(Name=cars)
    tip = digest["DigestTipAddress"]
    revisions = committed(served, cars, "SELECT blockAddress, metadata FROM history(Cars)")
    assert len(revisions) == 5
    for revision in revisions:
        place = revision["blockAddress"]
        address = {"IonText": f'{{strandId:"{place["strandId"]}",sequenceNo:{place["sequenceNo"]}}}'}
        block = qldb.get_block(Name=cars, BlockAddress=address, DigestTipAddress=tip)
        proved = qldb.get_revision(
            Name=cars, BlockAddress=address, DocumentId=revision["metadata"]["id"], DigestTipAddress=tip
        )
        for answer in (block, proved):
            receipt = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
            receipt |= {"Digest": b64encode(digest["Digest"]).decode(), "DigestTipAddress": tip}
            assert verify_receipt(receipt).address == BlockAddress(place["strandId"], place["sequenceNo"])
        assert "Proof" not in qldb.get_block(Name=cars, BlockAddress=address)


def test_addresses_that_name_no_block_are_refused(qldb, cars):
    tip = qldb.get_digest(Name=cars)["DigestTipAddress"]["IonText"]
    strand = tip.partition('"')[2].partition('"')[0]
    last = int(tip.rpartition(":")[2].rstrip("}"))

    def at(number, strand_id=strand):
        return {"IonText": f'{{strandId:"{strand_id}",sequenceNo:{number}}}'}

    for parameters in (
        {"BlockAddress": at(last + 1)},
        {"BlockAddress": at(0, "A" * 22)},
        {"BlockAddress": at(-1)},
        {"BlockAddress": at(2), "DigestTipAddress": at(1)},
        {"BlockAddress": at(0), "DigestTipAddress": at(last + 1)},
        {"BlockAddress": {"IonText": "{strandId:"}},
        {"BlockAddress": {"IonText": "[" * 10_000}},
        {"BlockAddress": {}},
    ):
        refused(lambda given=parameters: qldb.get_block(Name=cars, **given), "InvalidParameterException", 400)
        refused(
            lambda given=parameters: qldb.get_revision(Name=cars, DocumentId="A" * 22, **given),
            "InvalidParameterException",
            400,
        )
    refused(
        lambda: qldb.get_revision(Name=cars, BlockAddress=at(1), DocumentId="A" * 22), "ResourceNotFoundException", 404
    )


def test_a_digest_needs_a_block(qldb):
    refused(lambda: qldb.get_digest(Name=ledger(qldb, "empty")), "ResourcePreconditionNotMetException", 412)


@pytest.mark.parametrize("output_format", ["ION_TEXT", "ION_BINARY"])
def test_an_export_is_written_and_verifies_to_the_last_block(served, qldb, cars, output_format):
    target = {
        "Bucket": "exports",
        "Prefix": f"{output_format}/",
        "EncryptionConfiguration": {"ObjectEncryptionType": "NO_ENCRYPTION"},
    }
    export_id = qldb.export_journal_to_s3(
        Name=cars,
        InclusiveStartTime=datetime(2020, 1, 1, tzinfo=UTC),
        ExclusiveEndTime=datetime.now(UTC),
        S3ExportConfiguration=target,
        RoleArn=ROLE,
        OutputFormat=output_format,
    )["ExportId"]

    def described():
        return qldb.describe_journal_s3_export(Name=cars, ExportId=export_id)["ExportDescription"]

    wait_until(lambda: described()["Status"] == "COMPLETED")
    assert described()["S3ExportConfiguration"] == target
    assert export_id in [each["ExportId"] for each in qldb.list_journal_s3_exports()["JournalS3Exports"]]
    status, verdict = as_json("verify", "export", str(served.data / "outbox/s3/exports" / output_format))
    assert (status, verdict["holds"]) == (0, True), verdict


def test_a_stream_is_published_and_its_events_verify(served, qldb, cars):
    stream_id = qldb.stream_journal_to_kinesis(
        LedgerName=cars,
        RoleArn=ROLE,
        InclusiveStartTime=datetime(2020, 1, 1, tzinfo=UTC),
        ExclusiveEndTime=datetime.now(UTC) + timedelta(seconds=1),
        KinesisConfiguration={"StreamArn": "arn:aws:kinesis:us-east-1:000000000000:stream/journal"},
        StreamName="to-auditor",
        Tags={"a": "b"},
    )["StreamId"]

    def described():
        return qldb.describe_journal_kinesis_stream(LedgerName=cars, StreamId=stream_id)["Stream"]

    wait_until(lambda: described()["Status"] == "COMPLETED")
    assert qldb.list_tags_for_resource(ResourceArn=described()["Arn"])["Tags"] == {"a": "b"}
    events = sorted((served.data / "outbox/kinesis/journal").glob("*.json"))
    records = [record for event in events for record in json.loads(event.read_text())["Records"]]
    whole = served.data / "all-events.json"
    whole.write_text(json.dumps({"Records": records}))
    status, verdict = as_json("verify", "events", str(whole))
    assert (status, verdict["holds"]) == (0, True), verdict


def test_a_running_stream_is_cancelled(qldb, cars):
    stream_id = qldb.stream_journal_to_kinesis(
        LedgerName=cars,
        RoleArn=ROLE,
        InclusiveStartTime=datetime.now(UTC),
        KinesisConfiguration={"StreamArn": "arn:aws:kinesis:us-east-1:000000000000:stream/cancelled"},
        StreamName="cancelled",
    )["StreamId"]
    qldb.cancel_journal_kinesis_stream(LedgerName=cars, StreamId=stream_id)
    streams = qldb.list_journal_kinesis_streams_for_ledger(LedgerName=cars)["Streams"]
    assert {each["StreamId"]: each["Status"] for each in streams}[stream_id] == "CANCELED"
    refused(
        lambda: qldb.cancel_journal_kinesis_stream(LedgerName=cars, StreamId=stream_id),
        "ResourcePreconditionNotMetException",
        412,
    )
