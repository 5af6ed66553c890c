"""Who may write the journal, tried: the template's policies under the emulator's IAM, on a table with real blocks.

The emulator knows no policies of tables and no dynamodb:Attributes of a write; what those add is evaluated in
test_journal_rights.py. What IAM cannot refuse anywhere is done here, to show how it comes out.
"""

import json
from collections import Counter

import boto3
import pytest
from botocore.exceptions import ClientError

from counterfoil.errors import BrokenLinkError
from counterfoil.ion import read_single
from counterfoil.journal import extend, parse_block, verify_block
from counterfoil.journal.chain import extend_all
from lab.emulator import ACCOUNT, REGION, Emulator
from tests.deployed_policies import Deployed
from tests.journals import STRAND, transfer, transfers

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("journal-rights")]

JOURNAL = "JournalTable"
PUT_ONCE = "attribute_not_exists(strandId)"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("emulator"), authorizing=True) as running:
        yield running


@pytest.fixture(scope="module")
def journal(emulator):
    """The table of the journal, as the template makes it but for its own policy."""
    emulator.client("dynamodb").create_table(
        TableName=JOURNAL,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "strandId", "AttributeType": "S"},
            {"AttributeName": "sequenceNo", "AttributeType": "N"},
        ],
        KeySchema=[
            {"AttributeName": "strandId", "KeyType": "HASH"},
            {"AttributeName": "sequenceNo", "KeyType": "RANGE"},
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return emulator.client("dynamodb").describe_table(TableName=JOURNAL)["Table"]


@pytest.fixture(scope="module")
def as_role(root, emulator, journal):
    """DynamoDB's client in the name of a role of the template, with the rights that the template gives it."""
    deployed = Deployed(root, account=ACCOUNT, region=REGION)
    root_only = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    clients = {}

    def client(role):
        if role not in clients:
            iam = emulator.client("iam")
            trust = {"Version": "2012-10-17", "Statement": [root_only]}
            arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
            rights = {"Version": "2012-10-17", "Statement": deployed.policies_of(role)}
            iam.put_role_policy(RoleName=role, PolicyName="rights", PolicyDocument=json.dumps(rights))
            keys = emulator.client("sts").assume_role(RoleArn=arn, RoleSessionName="tried")["Credentials"]
            clients[role] = boto3.client(
                "dynamodb",
                endpoint_url=emulator.endpoint,
                region_name=REGION,
                aws_access_key_id=keys["AccessKeyId"],
                aws_secret_access_key=keys["SecretAccessKey"],
                aws_session_token=keys["SessionToken"],
            )
        return clients[role]

    yield client
    for each in clients.values():
        each.close()


def key(number):
    return {"strandId": {"S": STRAND}, "sequenceNo": {"N": str(number)}}


def item(block):
    return key(block.address.sequence_no) | {
        "block": {"B": block.block_binary()},
        "blockHash": {"B": bytes(block.block_hash)},
    }


def put(client, each):
    client.put_item(TableName=JOURNAL, Item=each, ConditionExpression=PUT_ONCE)


def in_transaction(client, **what):
    client.transact_write_items(TransactItems=[{name: {"TableName": JOURNAL, **body} for name, body in what.items()}])


DENIED = {
    "update": lambda client: client.update_item(
        TableName=JOURNAL, Key=key(0), UpdateExpression="SET x = :x", ExpressionAttributeValues={":x": {"S": "y"}}
    ),
    "delete": lambda client: client.delete_item(TableName=JOURNAL, Key=key(0)),
    "batch write": lambda client: client.batch_write_item(RequestItems={JOURNAL: [{"PutRequest": {"Item": key(0)}}]}),
    "batch delete": lambda client: client.batch_write_item(
        RequestItems={JOURNAL: [{"DeleteRequest": {"Key": key(0)}}]}
    ),
    "delete in a transaction": lambda client: in_transaction(client, Delete={"Key": key(0)}),
    "update in a transaction": lambda client: in_transaction(
        client, Update={"Key": key(0), "UpdateExpression": "REMOVE block"}
    ),
    "PartiQL delete": lambda client: client.execute_statement(
        Statement=f"DELETE FROM {JOURNAL} WHERE strandId = '{STRAND}' AND sequenceNo = 0"
    ),
    "PartiQL update": lambda client: client.execute_statement(
        Statement=f"UPDATE {JOURNAL} SET x = 'y' WHERE strandId = '{STRAND}' AND sequenceNo = 0"
    ),
    "PartiQL insert": lambda client: client.execute_statement(
        Statement=f"INSERT INTO {JOURNAL} VALUE {{'strandId': '{STRAND}', 'sequenceNo': 99}}"
    ),
    "drop": lambda client: client.delete_table(TableName=JOURNAL),
}


@pytest.fixture(scope="module")
def honest(as_role):
    """Ten blocks, put by the ledger under the condition that their places are free."""
    journal = transfers(10)
    ledger = as_role("LedgerApiRole")
    for each in journal.blocks[:5]:
        put(ledger, item(each))
    for each in journal.blocks[5:]:
        in_transaction(ledger, Put={"Item": item(each), "ConditionExpression": PUT_ONCE})
    return journal


@pytest.mark.parametrize("way", DENIED)
def test_the_ledger_can_neither_change_nor_remove_a_block(way, as_role, honest):
    with pytest.raises(ClientError, match="not authorized") as refused:
        DENIED[way](as_role("LedgerApiRole"))
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_place_that_is_taken_stays_as_it_is(as_role, honest):
    with pytest.raises(ClientError, match="conditional request failed"):
        put(as_role("LedgerApiRole"), item(honest.blocks[3]))


READERS = ["LedgerProjectorRole", "JournalPublisherRole", "JournalExporterRole", "JournalForwarderRole"]


@pytest.mark.parametrize("role", READERS)
def test_who_only_reads_the_journal_puts_nothing_into_it(role, as_role, honest):
    reader = as_role(role)
    first = reader.query(
        TableName=JOURNAL,
        KeyConditionExpression="strandId = :s",
        ExpressionAttributeValues={":s": {"S": STRAND}},
        Limit=1,
    )["Items"]
    assert [each["block"]["B"] for each in first] == [honest.blocks[0].block_binary()]
    with pytest.raises(ClientError, match="not authorized"):
        put(reader, key(10))


@pytest.mark.parametrize("way", [each for each in DENIED if each not in {"update", "update in a transaction"}])
def test_the_redactor_neither_adds_nor_removes(way, as_role, honest):
    with pytest.raises(ClientError, match="not authorized"):
        DENIED[way](as_role("JournalRedactorRole"))


def test_a_put_without_its_condition_is_not_refused_but_breaks_the_chain_and_shows_in_the_stream(
    as_role, honest, emulator, journal
):
    """IAM sees no condition. A competent forger with the ledger's own role replaces a block; the next one still names the true one."""
    forged = transfers(4).builder  # the same history up to here, then another transaction in place of number 4
    other = forged.append(transfer(4, "99999.00"))
    as_role("LedgerApiRole").put_item(TableName=JOURNAL, Item=item(other))
    blocks = [read(as_role("LedgerApiRole"), number) for number in range(10)]
    head = extend_all(None, blocks[:5])
    with pytest.raises(BrokenLinkError, match=f"{STRAND}#5"):
        extend(head, blocks[5])
    assert kinds_of_change(emulator, journal) == {"INSERT": 10, "MODIFY": 1}


def read(client, number):
    data = client.get_item(TableName=JOURNAL, Key=key(number), ConsistentRead=True)["Item"]["block"]["B"]
    return verify_block(parse_block(read_single(data)))


def kinds_of_change(emulator, journal):
    streams = emulator.client("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=journal["LatestStreamArn"])["StreamDescription"]["Shards"]
    place = streams.get_shard_iterator(
        StreamArn=journal["LatestStreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    changes = streams.get_records(ShardIterator=place)["Records"]
    for each in changes:
        if each["eventName"] == "MODIFY":
            assert each["dynamodb"]["OldImage"]["blockHash"] != each["dynamodb"]["NewImage"]["blockHash"]
    return Counter(each["eventName"] for each in changes)
