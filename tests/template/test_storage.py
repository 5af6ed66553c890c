"""What the stack keeps is encrypted, private, recoverable, and hard to delete."""

import pytest

BUCKETS = ["JournalBucket", "ExportsBucket", "SnapshotsBucket", "FailedBatchesBucket"]
DATA_KEY = {"Fn::GetAtt": ["DataKey", "Arn"]}

# table -> (partition key, sort key)
TABLES = {
    "JournalTable": ("strandId", "sequenceNo"),
    "ProjectionsTable": ("pk", "sk"),
    "SessionsTable": ("session", "event"),
    "RegistryTable": ("kind", "id"),
    "FindingsTable": ("finding_id", None),
    "HeadsTable": ("strand_id", "item"),
    "AccountStateTable": ("key", "item"),
    "AlertsTable": ("alert_id", None),
    "CasesTable": ("topic", "name"),
    "RulesTable": ("rule_id", "item"),
    "SealKeysTable": ("strandId", "documentId"),
}
NUMBERS = {"sequenceNo", "event"}
# Which attribute says when an item may be forgotten: blocks, the registry and cases are never.
FORGETS_BY = dict.fromkeys(TABLES, "expires_at") | {
    "JournalTable": None, "ProjectionsTable": "expiresAt", "SessionsTable": "expiresAt", "RegistryTable": None,
    "CasesTable": None, "RulesTable": None, "SealKeysTable": None,
}  # fmt: skip
FINDINGS_INDEXES = {
    "by_status": ("status", "severity_time"),
    "by_account": ("account_id", "found_at"),
    "by_document": ("document_id", "found_at"),
}
# Kinds that hold evidence, or what is needed to read and believe it.
KEPT = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key"}


def keys_of(schema):
    names = {entry["KeyType"]: entry["AttributeName"] for entry in schema}
    return names["HASH"], names.get("RANGE")


@pytest.fixture(params=BUCKETS)
def bucket(request, of_type):
    buckets = of_type("AWS::S3::Bucket")
    assert buckets.keys() == set(BUCKETS)
    return buckets[request.param]


@pytest.fixture(params=TABLES)
def table_name(request):
    return request.param


@pytest.fixture
def ddb_table(table_name, of_type):
    tables = of_type("AWS::DynamoDB::Table")
    assert tables.keys() == TABLES.keys()
    return tables[table_name]


def test_a_bucket_encrypts_with_the_data_key(bucket):
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": DATA_KEY}


def test_a_bucket_is_never_public(bucket):
    assert bucket["PublicAccessBlockConfiguration"] == dict.fromkeys(
        ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"], True
    )
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_a_bucket_keeps_what_was_overwritten(bucket):
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


def test_a_bucket_does_not_collect_abandoned_uploads(bucket):
    assert any("AbortIncompleteMultipartUpload" in rule for rule in bucket["LifecycleConfiguration"]["Rules"])


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_reached_over_tls_only(name, of_type):
    policies = [body for body in of_type("AWS::S3::BucketPolicy").values() if body["Bucket"] == {"Ref": name}]
    [[statement, *_]] = [policy["PolicyDocument"]["Statement"] for policy in policies]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_large_block_is_created_and_never_replaced(of_type):
    """S3 can tell whether a request asks for If-None-Match, as DynamoDB cannot tell what a condition says (decision 21)."""
    policy = of_type("AWS::S3::BucketPolicy")["JournalBucketPolicy"]["PolicyDocument"]
    [statement] = [each for each in policy["Statement"] if each["Sid"] == "WriteOnce"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:PutObject")
    assert statement["Condition"] == {
        "Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"},
    }  # fmt: skip


def test_large_blocks_are_locked_only_when_asked_for(resources, everything):
    assert not {"ObjectLockEnabled", "ObjectLockConfiguration"} & resources["JournalBucket"]["Properties"].keys()
    locked = everything["JournalBucket"]["Properties"]
    assert locked["ObjectLockEnabled"] is True
    snapshots = everything["SnapshotsBucket"]["Properties"]
    assert locked["ObjectLockConfiguration"] == snapshots["ObjectLockConfiguration"]


def test_what_somebody_deletes_can_be_brought_back_as_long_as_the_table_can(resources):
    rules = resources["JournalBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    [days] = [rule["NoncurrentVersionExpiration"] for rule in rules if rule["Id"] == "DeletedCanBeBroughtBack"]
    assert days == {"NoncurrentDays": 35}  # DynamoDB's longest point-in-time recovery, which is the template's


def test_a_snapshot_is_locked_as_the_parameters_say(of_type):
    bucket = of_type("AWS::S3::Bucket")["SnapshotsBucket"]
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": {"Ref": "ObjectLockMode"}, "Days": {"Ref": "ObjectLockDays"}}},
    }


def test_a_record_set_aside_outlives_the_pointer_to_it_and_no_longer(template, resources):
    [rule] = [
        each
        for each in resources["JournalBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
        if each.get("Prefix") == "records/"
    ]
    assert (rule["ExpirationInDays"], rule["NoncurrentVersionExpiration"]) == (
        {"Ref": "LargeRecordDays"},
        {"NoncurrentDays": 1},
    )
    days, hours = (template["Parameters"][name] for name in ("LargeRecordDays", "StreamRetentionHours"))
    for which in ("Default", "MinValue", "MaxValue"):
        assert days[which] * 24 >= hours[which] + 24


def test_no_rule_expires_a_snapshot_an_export_a_block_or_quarantined_bytes(of_type):
    for name, bucket in of_type("AWS::S3::Bucket").items():
        expiring = [rule["Prefix"] for rule in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule]
        assert expiring == {"FailedBatchesBucket": ["aws/lambda/"], "JournalBucket": ["records/"]}.get(name, [])


def test_a_table_has_its_keys(table_name, ddb_table):
    assert keys_of(ddb_table["KeySchema"]) == TABLES[table_name]
    for entry in ddb_table["AttributeDefinitions"]:
        assert entry["AttributeType"] == ("N" if entry["AttributeName"] in NUMBERS else "S"), entry


def test_a_table_can_be_put_back_to_any_second(table_name, ddb_table):
    # What an erasure destroys could be put back too: of keys, only as far back as a parameter says.
    days = {"RecoveryPeriodInDays": {"Ref": "SealKeyBackupDays"}} if table_name == "SealKeysTable" else {}
    assert ddb_table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True} | days


def test_a_table_encrypts_with_the_data_key(ddb_table):
    assert ddb_table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": DATA_KEY}


def test_a_table_forgets_only_by_its_ttl_attribute(table_name, ddb_table):
    attribute = FORGETS_BY[table_name]
    wanted = {"AttributeName": attribute, "Enabled": True} if attribute else None
    assert ddb_table.get("TimeToLiveSpecification") == wanted


def test_a_table_is_paid_for_by_the_request(ddb_table):
    assert ddb_table["BillingMode"] == "PAY_PER_REQUEST"


def test_a_table_refuses_deletion_unless_the_parameter_says_otherwise(table_name, template):
    properties = template["Resources"][table_name]["Properties"]
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["Protected", True, False]}
    assert template["Conditions"]["Protected"] == {"Fn::Equals": [{"Ref": "DeletionProtection"}, "true"]}


def test_findings_are_found_by_status_account_and_document(of_type):
    indexes = of_type("AWS::DynamoDB::Table")["FindingsTable"]["GlobalSecondaryIndexes"]
    assert {index["IndexName"]: keys_of(index["KeySchema"]) for index in indexes} == FINDINGS_INDEXES
    assert all(index["Projection"] == {"ProjectionType": "ALL"} for index in indexes)


def test_blocks_and_findings_are_streamed_with_what_they_were_before(of_type):
    streams = {name: table.get("StreamSpecification") for name, table in of_type("AWS::DynamoDB::Table").items()}
    with_both = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert streams == dict.fromkeys(TABLES) | {"JournalTable": with_both, "FindingsTable": with_both}


def test_deleting_the_stack_keeps_the_evidence_and_the_keys_to_it(everything):
    for name, body in everything.items():
        if body["Type"] in KEPT:
            assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain"), name


def test_the_stream_encrypts_with_the_data_key(of_type):
    [stream] = of_type("AWS::Kinesis::Stream").values()
    assert stream["StreamEncryption"] == {"EncryptionType": "KMS", "KeyId": DATA_KEY}


def test_the_stream_has_shards_of_its_own_only_when_provisioned(resources, everything):
    assert "ShardCount" not in resources["JournalStream"]["Properties"]
    assert everything["JournalStream"]["Properties"]["ShardCount"] == {"Ref": "ShardCount"}


def test_topic_logs_and_queue_are_encrypted(of_type):
    assert all(topic["KmsMasterKeyId"] == DATA_KEY for topic in of_type("AWS::SNS::Topic").values())
    assert all(group["KmsKeyId"] == DATA_KEY for group in of_type("AWS::Logs::LogGroup").values())
    assert all(queue["SqsManagedSseEnabled"] is True for queue in of_type("AWS::SQS::Queue").values())


@pytest.mark.parametrize(("service", "action"), [("SNS::Topic", "sns:Publish"), ("SQS::Queue", "sqs:*")])
def test_topic_and_queue_are_reached_over_tls_only(service, action, of_type):
    [policy] = of_type(f"AWS::{service}Policy").values()
    [refusal] = [statement for statement in policy["PolicyDocument"]["Statement"] if statement["Effect"] == "Deny"]
    assert (refusal["Principal"], refusal["Action"]) == ("*", action)
    assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_data_key_rotates_and_lets_in_only_named_services(of_type):
    key = of_type("AWS::KMS::Key")["DataKey"]
    assert key["EnableKeyRotation"] is True
    root, *services = key["KeyPolicy"]["Statement"]
    assert root["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    assert [statement["Principal"] for statement in services] == [
        {"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}},
        {"Service": "cloudwatch.amazonaws.com"},
    ]
    assert all(statement["Condition"] for statement in services)


def test_the_signing_key_signs_and_does_nothing_else(of_type):
    key = of_type("AWS::KMS::Key")["SnapshotSigningKey"]
    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")


def test_checkpoints_have_a_key_of_their_own(of_type):
    key = of_type("AWS::KMS::Key")["CheckpointSigningKey"]
    assert (key["KeySpec"], key["KeyUsage"]) == ({"Ref": "CheckpointKeySpec"}, "SIGN_VERIFY")
