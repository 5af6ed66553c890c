"""Who may do what: the whole of it, in one table."""

import pytest

STREAM_READ = "DescribeStream DescribeStreamSummary GetRecords GetShardIterator ListShards"
EVERYWHERE = {"*": "xray: PutTelemetryRecords PutTraceSegments"}  # X-Ray knows no resources to name
REPLICATED = (
    "GetObjectLegalHold GetObjectRetention GetObjectVersionAcl GetObjectVersionForReplication GetObjectVersionTagging"
)
DATA_KEY = {"DataKey.Arn": "kms: Decrypt DescribeKey Encrypt GenerateDataKey ReEncryptFrom ReEncryptTo"}
FAILED_BATCHES = {
    "${FailedBatchesBucket.Arn}/aws/lambda/*": "s3: PutObject",
    "FailedBatchesBucket.Arn": "s3: ListBucket",
}

READ_JOURNAL = {
    "JournalTable.Arn": "dynamodb: BatchGetItem GetItem Query",
    "${JournalBucket.Arn}/blocks/*": "s3: GetObject",
}
READ_JOURNAL_STREAM = {
    "JournalTable.StreamArn": "dynamodb: DescribeStream GetRecords GetShardIterator",
    "${JournalTable.Arn}/stream/*": "dynamodb: ListStreams",
}
FIND_LEDGERS = {"RegistryTable.Arn": "dynamodb: Query"}
STANDBY = "arn:${AWS::Partition}:{}:${StandbyRegion}:${AWS::AccountId}:"

# role -> resource -> what may be done to it, by the role's own policies and those of resources beside it.
ROLES = {
    "LedgerApiRole": DATA_KEY | {
        "*": "xray: PutTelemetryRecords PutTraceSegments; ec2: AssignPrivateIpAddresses CreateNetworkInterface "
             "DeleteNetworkInterface DescribeNetworkInterfaces DescribeSubnets UnassignPrivateIpAddresses",
        "LedgerApiLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "JournalTable.Arn": "dynamodb: BatchGetItem GetItem PutItem Query",
        "${JournalBucket.Arn}/blocks/*": "s3: GetObject PutObject",
        "ProjectionsTable.Arn": "dynamodb: GetItem PutItem Query",  # PutItem below W#, see CONDITIONS
        "SessionsTable.Arn": "dynamodb: PutItem Query",
        "RegistryTable.Arn": "dynamodb: DeleteItem GetItem PutItem Query",
        "SealKeysTable.Arn": "dynamodb: BatchGetItem GetItem PutItem UpdateItem",
        "SealingKey.Arn": "kms: Decrypt GenerateDataKeyWithoutPlaintext",
        "JournalExporterFunction.Arn": "lambda: InvokeFunction",
        "JournalPublisherFunction.Arn": "lambda: InvokeFunction",
    },
    "LedgerProjectorRole": EVERYWHERE | DATA_KEY | FAILED_BATCHES | READ_JOURNAL | READ_JOURNAL_STREAM | FIND_LEDGERS | {
        "LedgerProjectorLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "ProjectionsTable.Arn": "dynamodb: BatchWriteItem GetItem PutItem Query UpdateItem",
    },
    "JournalRedactorRole": EVERYWHERE | DATA_KEY | FIND_LEDGERS | {
        "JournalRedactorLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "JournalTable.Arn": "dynamodb: BatchGetItem GetItem Query UpdateItem",
        "${JournalBucket.Arn}/blocks/*": "s3: DeleteObjectVersion GetObject PutObject",
        "JournalBucket.Arn": "s3: ListBucketVersions",
        "ProjectionsTable.Arn": "dynamodb: DeleteItem GetItem Query UpdateItem",
    },
    "JournalPublisherRole": EVERYWHERE | DATA_KEY | FAILED_BATCHES | READ_JOURNAL | READ_JOURNAL_STREAM | {
        "JournalPublisherLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "${JournalBucket.Arn}/records/*": "s3: PutObject",
        "JournalStream.Arn": "kinesis: PutRecords",
        "RegistryTable.Arn": "dynamodb: DeleteItem GetItem PutItem Query",
    },
    "JournalExporterRole": EVERYWHERE | DATA_KEY | READ_JOURNAL | {
        "JournalExporterLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "${ExportsBucket.Arn}/*": "s3: PutObject",
        "RegistryTable.Arn": "dynamodb: DeleteItem GetItem PutItem Query",
        "JournalExporterFunction.Arn": "lambda: InvokeFunction",
    },
    "JournalForwarderRole": EVERYWHERE | DATA_KEY | FAILED_BATCHES | READ_JOURNAL | FIND_LEDGERS | {
        "JournalTable.Arn": "dynamodb: Query",
        "JournalForwarderLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "JournalStream.Arn": f"kinesis: {STREAM_READ}",
        STANDBY.replace("{}", "dynamodb") + "table/${StandbyJournalTable}": "dynamodb: ConditionCheckItem GetItem PutItem Query",
        STANDBY.replace("{}", "dynamodb") + "table/${StandbyRegistryTable}": "dynamodb: DeleteItem PutItem Query",
        "arn:${AWS::Partition}:s3:::${StandbyJournalBucket}/blocks/*": "s3: PutObject",
        STANDBY.replace("{}", "kms") + "key/${StandbyDataKeyId}": DATA_KEY["DataKey.Arn"],
    },
    "ReplicationRole": {
        "ExportsBucket.Arn": "s3: GetReplicationConfiguration ListBucket",
        "SnapshotsBucket.Arn": "s3: GetReplicationConfiguration ListBucket",
        "${ExportsBucket.Arn}/*": f"s3: {REPLICATED}",
        "${SnapshotsBucket.Arn}/*": f"s3: {REPLICATED}",
        "arn:${AWS::Partition}:s3:::${ReplicaExportsBucket}/*": "s3: ReplicateObject ReplicateTags",
        "arn:${AWS::Partition}:s3:::${ReplicaSnapshotsBucket}/*": "s3: ReplicateObject ReplicateTags",
        "DataKey.Arn": "kms: Decrypt",
        STANDBY.replace("{}", "kms") + "key/${ReplicaKeyId}": "kms: Encrypt",
    },
    "JournalAuditorRole": EVERYWHERE | DATA_KEY | FAILED_BATCHES | {
        "JournalAuditorLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "JournalStream.Arn": f"kinesis: {STREAM_READ}",
        "JournalAuditorConsumer": "kinesis: SubscribeToShard",
        "JournalTable.Arn": "dynamodb: GetItem",
        "${JournalBucket.Arn}/records/*": "s3: GetObject",
        "HeadsTable.Arn": "dynamodb: GetItem PutItem Query",
        "FindingsTable.Arn": "dynamodb: GetItem PutItem UpdateItem",
        "${FailedBatchesBucket.Arn}/quarantine/*": "s3: GetObject PutObject",
    },
    "FraudDetectorRole": EVERYWHERE | DATA_KEY | FAILED_BATCHES | {
        "FraudDetectorLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "JournalStream.Arn": f"kinesis: {STREAM_READ}",
        "FraudDetectorConsumer": "kinesis: SubscribeToShard",
        "${JournalBucket.Arn}/records/*": "s3: GetObject",
        "AccountStateTable.Arn": "dynamodb: BatchGetItem DeleteItem PutItem Query",
        "RulesTable.Arn": "dynamodb: GetItem Scan",
        "FindingsTable.Arn": "dynamodb: GetItem PutItem UpdateItem",
    },
    "AlertNotifierRole": EVERYWHERE | DATA_KEY | FAILED_BATCHES | {
        "AlertNotifierLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "FindingsTable.StreamArn": "dynamodb: DescribeStream GetRecords GetShardIterator",
        "${FindingsTable.Arn}/stream/*": "dynamodb: ListStreams",
        "AlertsTable.Arn": "dynamodb: GetItem PutItem",
        "CasesTable.Arn": "dynamodb: Query",  # below "suppressions", see CONDITIONS
        "AlertsTopic": "sns: Publish",
        "arn:${AWS::Partition}:securityhub:${AWS::Region}:${AWS::AccountId}:product/${AWS::AccountId}/default":
            "securityhub: BatchImportFindings",
        "FindingsBus.Arn": "events: PutEvents",
    },
    "ActionRunnerRole": EVERYWHERE | DATA_KEY | FAILED_BATCHES | FIND_LEDGERS | {
        "ActionRunnerLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "FindingsTable.StreamArn": "dynamodb: DescribeStream GetRecords GetShardIterator",
        "${FindingsTable.Arn}/stream/*": "dynamodb: ListStreams",
        "CasesTable.Arn": "dynamodb: PutItem Query",  # all but suppressions, see CONDITIONS
        "FindingsBus.Arn": "events: PutEvents",
        "LedgerApiFunction.Arn": "lambda: InvokeFunction InvokeFunctionUrl",  # through its URL, see CONDITIONS
    },
    "DigestSnapshotRole": EVERYWHERE | DATA_KEY | {
        "DigestSnapshotLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "HeadsTable.Arn": "dynamodb: GetItem Query",
        "FindingsTable.Arn": "dynamodb: PutItem",
        "JournalTable.Arn": "dynamodb: BatchGetItem GetItem",
        "${SnapshotsBucket.Arn}/snapshots/*": "s3: GetObject PutObject PutObjectRetention",
        "${SnapshotsBucket.Arn}/tlog/*": "s3: GetObject PutObject PutObjectRetention",
        "SnapshotsBucket.Arn": "s3: ListBucket",
        # kms:Sign is granted by the signing keys' own policies, below.
    },
    "LedgerComplianceRole": DATA_KEY | READ_JOURNAL | FIND_LEDGERS | {
        "*": "xray: PutTelemetryRecords PutTraceSegments; config: PutEvaluations",  # AWS Config knows no resources to name
        "LedgerComplianceLogs.Arn": "logs: CreateLogStream PutLogEvents",
        "HeadsTable.Arn": "dynamodb: GetItem Query",
        "SnapshotsBucket.Arn": "s3: GetBucketObjectLockConfiguration",
    },
    "SchedulesRole": {
        "LedgerProjectorFunction.Arn": "lambda: InvokeFunction",
        "JournalRedactorFunction.Arn": "lambda: InvokeFunction",
        "JournalPublisherFunction.Arn": "lambda: InvokeFunction",
        "JournalExporterFunction.Arn": "lambda: InvokeFunction",
        "JournalForwarderFunction.Arn": "lambda: InvokeFunction",
        "JournalAuditorFunction.Arn": "lambda: InvokeFunction",
        "FraudDetectorFunction.Arn": "lambda: InvokeFunction",
        "AlertNotifierFunction.Arn": "lambda: InvokeFunction",
        "DigestSnapshotFunction.Arn": "lambda: InvokeFunction",
        "ScheduleDeadLetters.Arn": "sqs: SendMessage",
    },
}  # fmt: skip

# The services through which each role uses the data key, and no others.
KEY_SERVICES = {
    "LedgerApiRole": ["dynamodb", "s3"],
    "LedgerProjectorRole": ["dynamodb", "s3"],
    "JournalRedactorRole": ["dynamodb", "s3"],
    "JournalPublisherRole": ["dynamodb", "kinesis", "s3"],
    "JournalExporterRole": ["dynamodb", "s3"],
    "JournalForwarderRole": ["dynamodb", "kinesis", "s3"],
    "JournalAuditorRole": ["dynamodb", "kinesis", "s3"],
    "FraudDetectorRole": ["dynamodb", "kinesis", "s3"],
    "AlertNotifierRole": ["dynamodb", "s3", "sns"],
    "ActionRunnerRole": ["dynamodb", "s3"],
    "DigestSnapshotRole": ["dynamodb", "s3"],
    "LedgerComplianceRole": ["dynamodb", "s3"],
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


def statements(resources, name):
    """What a role's own policies state, and those of AWS::IAM::Policy that are its own as well."""
    policies = [policy["PolicyDocument"] for policy in resources[name]["Properties"].get("Policies", [])]
    policies += [
        body["Properties"]["PolicyDocument"]
        for body in resources.values()
        if body["Type"] == "AWS::IAM::Policy" and body["Properties"]["Roles"] == [{"Ref": name}]
    ]
    return [statement for policy in policies for statement in policy["Statement"]]


def granted(resources, name):
    """resource -> actions, over all statements of a role that allow."""
    found: dict[str, set[str]] = {}
    for statement in statements(resources, name):
        if statement["Effect"] == "Deny":
            continue
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        for resource in as_list(statement["Resource"]):
            found.setdefault(rendered(resource), set()).update(as_list(statement["Action"]))
    return found


def stated(row):
    """A row of the table with every action in full: ``s3: GetObject PutObject; kms: Decrypt``."""
    return {
        resource: {
            f"{service.strip()}:{action}"
            for service, _, actions in (part.partition(":") for part in text.split(";"))
            for action in actions.split()
        }
        for resource, text in row.items()
    }


@pytest.fixture(params=ROLES)
def name(request):
    return request.param


# Policies apart from their roles, since something else names the role already.
POLICIES = {
    "LedgerApiJournalRights": "LedgerApiRole",
    "JournalRedactorJournalRights": "JournalRedactorRole",
    "JournalExporterContinues": "JournalExporterRole",
    "ReplicationRights": "ReplicationRole",
}


def test_there_are_no_other_roles_or_policies(everything):
    kinds = {name: body["Type"] for name, body in everything.items() if body["Type"].startswith("AWS::IAM::")}
    assert kinds == (
        dict.fromkeys(ROLES, "AWS::IAM::Role")
        | dict.fromkeys(POLICIES, "AWS::IAM::Policy")
        | {"LedgerCallers": "AWS::IAM::ManagedPolicy"}
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_is_one_role_s_alone(policy, everything):
    assert everything[policy]["Properties"]["Roles"] == [{"Ref": POLICIES[policy]}]
    assert not everything[policy]["Properties"].keys() & {"Users", "Groups"}


def test_a_role_may_do_exactly_what_the_table_says(name, everything):
    assert granted(everything, name) == stated(ROLES[name])
    assert "ManagedPolicyArns" not in everything[name]["Properties"]


# (role, statement) -> under which condition alone it allows; the data key's and the failed batches' are below.
JOBS = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["stream", "export", "export-keys"]}}
CONDITIONS = {
    ("JournalPublisherRole", "ForgetJobs"): JOBS,
    ("JournalExporterRole", "ForgetJobs"): JOBS,
    ("JournalRedactorRole", "FindVersionsOfLargeBlocks"): {"StringLike": {"s3:prefix": "blocks/*"}},
    ("ActionRunnerRole", "NoteActionsAndCases"): {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["action/*", "actions", "case/*", "cases"]}
    },
    ("ActionRunnerRole", "FindLedgers"): {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ledger"]}},
    ("LedgerComplianceRole", "FindLedgers"): {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ledger"]}},
    ("ActionRunnerRole", "CallTheLedger"): {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
    ("ActionRunnerRole", "ThroughItsUrlOnly"): {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
    ("AlertNotifierRole", "ReadSuppressions"): {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["suppressions"]}},
    ("LedgerApiRole", "WaitForACombinedWrite"): {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["W#*"]}},
    ("JournalPublisherRole", "KeepItsJobs"): {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["stream"]}},
    ("JournalExporterRole", "KeepItsJobs"): {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["export", "export-keys"]}},
    ("JournalRedactorRole", "RewriteBlocks"): {
        "ForAllValues:StringEquals": {
            "dynamodb:Attributes": ["strandId", "sequenceNo", "block", "blockKey", "blockHash"],
        },
        "StringEqualsIfExists": {"dynamodb:ReturnValues": "NONE"},
    },
}  # fmt: skip


@pytest.mark.parametrize(("role", "sid"), CONDITIONS)
def test_a_right_to_write_goes_no_further_than_its_condition(role, sid, everything):
    [statement] = [each for each in statements(everything, role) if each["Sid"] == sid]
    assert statement["Condition"] == CONDITIONS[role, sid]


def test_who_may_use_the_ledger_may_call_its_url_and_nothing_else(everything):
    allowed = everything["LedgerCallers"]["Properties"]["PolicyDocument"]["Statement"]
    function = {"Fn::GetAtt": ["LedgerApiFunction", "Arn"]}
    assert [(each["Effect"], each["Action"], each["Resource"], each["Condition"]) for each in allowed] == [
        ("Allow", "lambda:InvokeFunctionUrl", function, {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}),
        ("Allow", "lambda:InvokeFunction", function, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
    ]


def test_the_url_asks_for_a_signature_and_lets_in_another_account_only_when_told(everything, resources):
    assert resources["LedgerApiFunction"]["Properties"]["FunctionUrlConfig"] == {
        "AuthType": "AWS_IAM", "InvokeMode": "BUFFERED",
    }  # fmt: skip
    assert not [name for name, body in resources.items() if body["Type"] == "AWS::Lambda::Permission"]
    permissions = {name: body for name, body in everything.items() if body["Type"] == "AWS::Lambda::Permission"}
    admitted = [body["Properties"] for name, body in permissions.items() if name != "LedgerComplianceCaller"]
    assert {each["Action"] for each in admitted} == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    for each in admitted:
        assert each["Principal"] == {"Ref": "CallerPrincipal"}
        assert each.get("FunctionUrlAuthType") == "AWS_IAM" or each.get("InvokedViaFunctionUrl") is True


def test_aws_config_of_this_account_alone_asks_the_rules(everything, resources):
    permission = everything["LedgerComplianceCaller"]["Properties"]
    assert (permission["Principal"], permission["SourceAccount"]) == ("config.amazonaws.com", {"Ref": "AWS::AccountId"})
    assert permission["FunctionName"] == {"Ref": "LedgerComplianceFunction"}
    assert "LedgerComplianceFunction" not in resources


def test_nobody_gives_findings_to_security_hub_unasked(resources):
    assert not [each for each in statements(resources, "AlertNotifierRole") if each["Sid"] == "TellSecurityHub"]


def test_outside_a_vpc_the_ledger_has_no_right_of_ec2_s(resources):
    assert not [each for each in statements(resources, "LedgerApiRole") if each["Sid"] == "ConnectToTheVpc"]


def test_without_fan_out_no_role_names_a_consumer(resources):
    for role in ("JournalAuditorRole", "FraudDetectorRole"):
        assert not [resource for resource in granted(resources, role) if resource.endswith("Consumer")]


def test_no_action_is_a_pattern(name, everything):
    actions = set().union(*granted(everything, name).values())
    assert not [action for action in actions if "*" in action]


def test_only_tracing_a_vpc_s_connections_and_answers_to_aws_config_name_no_resource(name, everything):
    for resource, actions in granted(everything, name).items():
        if resource == "*":
            services = {action.split(":")[0] for action in actions}
            others = {"LedgerApiRole": {"ec2"}, "LedgerComplianceRole": {"config"}}
            assert services == {"xray"} | others.get(name, set())


def test_each_function_has_a_role_of_its_own(resources, of_type):
    roles = {name: body["Role"] for name, body in of_type("AWS::Serverless::Function").items()}
    assert roles == {name: {"Fn::GetAtt": [name.replace("Function", "Role"), "Arn"]} for name in roles}


def test_a_role_is_assumed_by_its_service_alone(name, everything):
    [statement] = everything[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    service = {"SchedulesRole": "scheduler", "ReplicationRole": "s3"}.get(name, "lambda")
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


@pytest.mark.parametrize("role", ["SchedulesRole", "ReplicationRole"])
def test_a_service_that_serves_all_accounts_acts_for_this_one_only(role, everything):
    [statement] = everything[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("role", KEY_SERVICES)
def test_the_data_key_is_used_through_services_only(role, everything):
    [statement] = [s for s in statements(everything, role) if s["Sid"] == "DataKeyThroughServices"]
    through = [{"Fn::Sub": f"{service}.${{AWS::Region}}.amazonaws.com"} for service in KEY_SERVICES[role]]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": through}}


@pytest.mark.parametrize("role", [name for name, row in ROLES.items() if row.items() >= FAILED_BATCHES.items()])
def test_a_failed_batch_cannot_leave_the_account(role, everything):
    kept = [s for s in statements(everything, role) if "FailedBatches" in s["Sid"]]
    assert len(kept) == 2
    assert all(s["Condition"] == {"StringEquals": {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}} for s in kept)


def test_a_boundary_holds_for_every_role_when_asked_for(name, everything, resources):
    assert everything[name]["Properties"]["PermissionsBoundary"] == {"Ref": "PermissionsBoundaryArn"}
    assert name not in resources or "PermissionsBoundary" not in resources[name]["Properties"]


SIGNING_KEYS = ["SnapshotSigningKey", "CheckpointSigningKey"]


@pytest.mark.parametrize("key", SIGNING_KEYS)
def test_only_digest_snapshot_signs(key, everything):
    allowed = {}
    for statement in everything[key]["Properties"]["KeyPolicy"]["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            assert "*" not in action
            allowed.setdefault(action, []).append(statement["Principal"])
    assert allowed["kms:Sign"] == [{"AWS": {"Fn::GetAtt": ["DigestSnapshotRole", "Arn"]}}]
    assert "kms:CreateGrant" not in allowed
    assert allowed["kms:Verify"] == allowed["kms:GetPublicKey"] == [{"AWS": "*"}]


@pytest.mark.parametrize("key", SIGNING_KEYS)
def test_anyone_who_verifies_is_of_this_account(key, everything):
    policy = everything[key]["Properties"]["KeyPolicy"]["Statement"]
    [statement] = [s for s in policy if s["Principal"] == {"AWS": "*"}]
    assert statement["Condition"] == {"StringEquals": {"kms:CallerAccount": {"Ref": "AWS::AccountId"}}}


def test_nobody_but_a_tls_refusal_names_everybody(everything, inside):
    for body in everything.values():
        for statement in inside(body):
            if isinstance(statement, dict) and statement.get("Principal") in ("*", {"AWS": "*"}):
                assert statement["Effect"] == "Deny" or "kms:CallerAccount" in statement["Condition"]["StringEquals"]
