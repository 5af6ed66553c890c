"""Who may do what: the whole of it, in one table."""

import pytest

STREAM_READ = "DescribeStream DescribeStreamSummary GetRecords GetShardIterator ListShards"
EVERYWHERE = {"*": "xray: PutTelemetryRecords PutTraceSegments"}  # X-Ray knows no resources to name
DATA_KEY = {"DataKey.Arn": "kms: Decrypt DescribeKey Encrypt GenerateDataKey ReEncryptFrom ReEncryptTo"}
FAILED_BATCHES = {
    "${FailedBatchesBucket.Arn}/aws/lambda/*": "s3: PutObject",
    "FailedBatchesBucket.Arn": "s3: ListBucket",
}

# role -> resource -> what may be done to it. Nothing else is allowed, and nothing is denied.
ROLES = {
    "JournalAuditorRole": EVERYWHERE | DATA_KEY | FAILED_BATCHES | {
        "JournalAuditorLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "JournalStream.Arn": f"kinesis: {STREAM_READ}",
        "JournalAuditorConsumer": "kinesis: SubscribeToShard",
        "HeadsTable.Arn": "dynamodb: GetItem PutItem Query",
        "FindingsTable.Arn": "dynamodb: GetItem PutItem UpdateItem",
        "${FailedBatchesBucket.Arn}/quarantine/*": "s3: GetObject PutObject",
    },
    "FraudDetectorRole": EVERYWHERE | DATA_KEY | FAILED_BATCHES | {
        "FraudDetectorLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "JournalStream.Arn": f"kinesis: {STREAM_READ}",
        "FraudDetectorConsumer": "kinesis: SubscribeToShard",
        "AccountStateTable.Arn": "dynamodb: BatchGetItem DeleteItem PutItem Query",
        "FindingsTable.Arn": "dynamodb: GetItem PutItem UpdateItem",
    },
    "AlertNotifierRole": EVERYWHERE | DATA_KEY | FAILED_BATCHES | {
        "AlertNotifierLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "FindingsTable.StreamArn": "dynamodb: DescribeStream GetRecords GetShardIterator",
        "${FindingsTable.Arn}/stream/*": "dynamodb: ListStreams",
        "AlertsTable.Arn": "dynamodb: GetItem PutItem",
        "AlertsTopic": "sns: Publish",
        "FindingsBus.Arn": "events: PutEvents",
    },
    "DigestSnapshotRole": EVERYWHERE | DATA_KEY | {
        "DigestSnapshotLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "HeadsTable.Arn": "dynamodb: GetItem Query",
        "FindingsTable.Arn": "dynamodb: PutItem",
        "${SnapshotsBucket.Arn}/snapshots/*": "s3: GetObject PutObject PutObjectRetention",
        "SnapshotsBucket.Arn": "s3: ListBucket",
        # kms:Sign is granted by the signing key's own policy, below.
    },
    "SchedulesRole": {
        "JournalAuditorFunction.Arn": "lambda: InvokeFunction",
        "FraudDetectorFunction.Arn": "lambda: InvokeFunction",
        "DigestSnapshotFunction.Arn": "lambda: InvokeFunction",
        "ScheduleDeadLetters.Arn": "sqs: SendMessage",
    },
}  # fmt: skip

# The services through which each role uses the data key, and no others.
KEY_SERVICES = {
    "JournalAuditorRole": ["dynamodb", "kinesis", "s3"],
    "FraudDetectorRole": ["dynamodb", "kinesis", "s3"],
    "AlertNotifierRole": ["dynamodb", "s3", "sns"],
    "DigestSnapshotRole": ["dynamodb", "s3"],
}


def as_list(value):
    return value if isinstance(value, list) else [value]


def rendered(resource):
    match resource:
        case {"Ref": name}:
            return name
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{name}.{attribute}"
        case {"Fn::Sub": text}:
            return text
    return resource


def statements(role):
    return [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]


def granted(role):
    """resource -> actions, over all statements of a role."""
    found: dict[str, set[str]] = {}
    for statement in statements(role):
        assert statement["Effect"] == "Allow"
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        for resource in as_list(statement["Resource"]):
            found.setdefault(rendered(resource), set()).update(as_list(statement["Action"]))
    return found


def stated(row):
    return {
        resource: {f"{service}:{action}" for action in actions.split()}
        for resource, (service, _, actions) in ((resource, text.partition(":")) for resource, text in row.items())
    }


@pytest.fixture(params=ROLES)
def name(request):
    return request.param


def test_there_are_no_other_roles_or_policies(everything):
    kinds = {name: body["Type"] for name, body in everything.items() if body["Type"].startswith("AWS::IAM::")}
    assert kinds == dict.fromkeys(ROLES, "AWS::IAM::Role")


def test_a_role_may_do_exactly_what_the_table_says(name, everything):
    role = everything[name]["Properties"]
    assert granted(role) == stated(ROLES[name])
    assert "ManagedPolicyArns" not in role


def test_without_fan_out_no_role_names_a_consumer(resources):
    for role in ("JournalAuditorRole", "FraudDetectorRole"):
        assert not [resource for resource in granted(resources[role]["Properties"]) if resource.endswith("Consumer")]


def test_no_action_is_a_pattern(name, everything):
    actions = set().union(*granted(everything[name]["Properties"]).values())
    assert not [action for action in actions if "*" in action]


def test_only_tracing_names_no_resource(name, everything):
    for resource, actions in granted(everything[name]["Properties"]).items():
        if resource == "*":
            assert {action.split(":")[0] for action in actions} == {"xray"}


def test_each_function_has_a_role_of_its_own(resources, of_type):
    roles = {name: body["Role"] for name, body in of_type("AWS::Serverless::Function").items()}
    assert roles == {name: {"Fn::GetAtt": [name.replace("Function", "Role"), "Arn"]} for name in roles}


def test_a_role_is_assumed_by_its_service_alone(name, everything):
    [statement] = everything[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    service = "scheduler" if name == "SchedulesRole" else "lambda"
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_the_scheduler_acts_for_this_account_only(everything):
    [statement] = everything["SchedulesRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("role", KEY_SERVICES)
def test_the_data_key_is_used_through_services_only(role, everything):
    [statement] = [s for s in statements(everything[role]["Properties"]) if s["Sid"] == "DataKeyThroughServices"]
    through = [{"Fn::Sub": f"{service}.${{AWS::Region}}.amazonaws.com"} for service in KEY_SERVICES[role]]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": through}}


@pytest.mark.parametrize("role", ["JournalAuditorRole", "FraudDetectorRole", "AlertNotifierRole"])
def test_a_failed_batch_cannot_leave_the_account(role, everything):
    kept = [s for s in statements(everything[role]["Properties"]) if "FailedBatches" in s["Sid"]]
    assert len(kept) == 2
    assert all(s["Condition"] == {"StringEquals": {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}} for s in kept)


def test_a_boundary_holds_for_every_role_when_asked_for(name, everything, resources):
    assert everything[name]["Properties"]["PermissionsBoundary"] == {"Ref": "PermissionsBoundaryArn"}
    assert "PermissionsBoundary" not in resources[name]["Properties"]


def test_only_digest_snapshot_signs(everything):
    allowed = {}
    for statement in everything["SnapshotSigningKey"]["Properties"]["KeyPolicy"]["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            assert "*" not in action
            allowed.setdefault(action, []).append(statement["Principal"])
    assert allowed["kms:Sign"] == [{"AWS": {"Fn::GetAtt": ["DigestSnapshotRole", "Arn"]}}]
    assert "kms:CreateGrant" not in allowed
    assert allowed["kms:Verify"] == allowed["kms:GetPublicKey"] == [{"AWS": "*"}]


def test_anyone_who_verifies_is_of_this_account(everything):
    policy = everything["SnapshotSigningKey"]["Properties"]["KeyPolicy"]["Statement"]
    [statement] = [s for s in policy if s["Principal"] == {"AWS": "*"}]
    assert statement["Condition"] == {"StringEquals": {"kms:CallerAccount": {"Ref": "AWS::AccountId"}}}


def test_nobody_but_a_tls_refusal_names_everybody(everything, inside):
    for body in everything.values():
        for statement in inside(body):
            if isinstance(statement, dict) and statement.get("Principal") in ("*", {"AWS": "*"}):
                assert statement["Effect"] == "Deny" or "kms:CallerAccount" in statement["Condition"]["StringEquals"]
