"""The deployed functions under the roles that the template gives them: each role suffices for what its function does."""

import base64
import json

import pytest

from lab.invocation import Outcome
from lab.stack import Options, Stack

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("under-roles")]

# Far beyond what it takes on two busy cores.
PATIENCE = 300


@pytest.fixture(scope="module")
def stack():
    with Stack.up(options=Options(under_roles=True)) as running:
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
    stack.drain(PATIENCE)
    assert min(count(stack, table) for table in ("HeadsTable", "FindingsTable", "AlertsTable")) > 0
    kept = stack.client("s3").list_objects_v2(Bucket=stack.physical_id("FailedBatchesBucket"), Prefix="quarantine/")
    assert kept["KeyCount"] == 1
    assert stack.invoke("DigestSnapshotFunction", {}).answer["snapshots"]
    for schedule in stack.deployment.schedules:
        assert stack.tick(schedule).outcome is Outcome.ANSWERED, (schedule, denials(stack))
    assert denials(stack) == {}


def test_a_right_that_is_missing_would_be_seen(stack):
    """The search for denials finds one: a role that lost its policy."""
    role = (
        stack.client("lambda")
        .get_function_configuration(FunctionName=stack.physical_id("DigestSnapshotFunction"))["Role"]
        .rpartition("/")[2]
    )
    stack.client("iam").delete_role_policy(RoleName=role, PolicyName="digest_snapshot")
    stack.invoke("DigestSnapshotFunction", {})
    assert denials(stack).keys() == {"DigestSnapshotFunction"}
