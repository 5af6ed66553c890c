"""The stores of a deployed stack as a report reads them: found by outputs, and figures as CloudWatch has them."""

from datetime import UTC, datetime, timedelta

import botocore.session
import pytest
from botocore.stub import Stubber

from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.cli.report import stack
from counterfoil.cli.report.stack import CloudWatchFigures, ledgers_by_strand, stores_of
from counterfoil.errors import InputError, UnavailableError
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger

BEGIN, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
OUTPUTS = (
    "CasesTableName", "FindingsTableName", "HeadsTableName", "RegistryTableName", "RulesTableName", "SnapshotsBucketName",
    "SnapshotSigningKeyId",
)  # fmt: skip


@pytest.fixture
def stub(monkeypatch):
    """A client under test, which the command gets as well."""
    clients = {}

    def make(service):
        client = botocore.session.get_session().create_client(
            service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        clients[service] = Stubber(client)
        clients[service].activate()
        return clients[service]

    monkeypatch.setattr(stack.wiring, "client", lambda name: (clients.get(name) or make(name)).client)
    return make


def described(outputs):
    made = [{"OutputKey": each, "OutputValue": each.lower()} for each in outputs]
    entry = {"StackName": "one", "CreationTime": BEGIN, "StackStatus": "CREATE_COMPLETE", "Outputs": made}
    return {"Stacks": [entry]}


def test_a_stack_is_read_where_its_outputs_say(stub):
    stub("cloudformation").add_response("describe_stacks", described(OUTPUTS), {"StackName": "one"})
    stub("dynamodb").add_response("query", {"Items": []})
    stores = stores_of("one", "1.2.3")
    assert (stores.heads.ddb_table, stores.findings.ddb_table) == ("headstablename", "findingstablename")
    assert (stores.rules.log.ddb_table, stores.snapshots.bucket) == ("rulestablename", "snapshotsbucketname")
    assert (stores.signer.key_id, stores.source, stores.ledgers) == ("snapshotsigningkeyid", "stack one", {})


@pytest.mark.parametrize("missing", OUTPUTS)
def test_another_stack_is_told_by_what_it_has_not(missing, stub):
    stub("cloudformation").add_response("describe_stacks", described(set(OUTPUTS) - {missing}))
    with pytest.raises(InputError, match=missing):
        stores_of("one", "1")


def test_a_stack_that_is_not_there_is_unavailable(stub):
    stub("cloudformation").add_client_error("describe_stacks", "ValidationError", "Stack with id one does not exist")
    with pytest.raises(UnavailableError, match="does not exist"):
        stores_of("one", "1")


@pytest.mark.parametrize(("name", "statistic"), [("WatermarkLagMs", "Maximum"), ("Duplicates", "Sum")])
def test_a_figure_comes_by_the_hour_in_order_of_time(name, statistic, stub):
    cloudwatch = stub("cloudwatch")
    metric = {
        "Namespace": "counterfoil",
        "MetricName": name,
        "Dimensions": [{"Name": "service", "Value": "journal_auditor"}],
    }
    asked = {
        "MetricDataQueries": [{"Id": "one", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": statistic}}],
        "StartTime": BEGIN,
        "EndTime": END,
        "ScanBy": "TimestampAscending",
    }
    later = BEGIN + timedelta(hours=1)
    result = {"Id": "one", "Timestamps": [later, BEGIN], "Values": [2.0, 1.0]}
    cloudwatch.add_response("get_metric_data", {"MetricDataResults": [result]}, asked)
    assert CloudWatchFigures(cloudwatch.client).series(name, BEGIN, END) == [(BEGIN, 1.0), (later, 2.0)]


def test_every_ledger_is_known_by_its_strand():
    registry = MemoryLedgerRegistry()
    for number in range(150):
        entry = RegisteredLedger(f"ledger-{number}", f"S{number}", BEGIN, LedgerState.ACTIVE, PermissionsMode.STANDARD)
        registry.save(None, entry)
    found = ledgers_by_strand(registry)
    assert (len(found), found["S149"]) == (150, "ledger-149")
