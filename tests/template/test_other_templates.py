"""standby.yaml keeps copies as safe as their originals; qldb.yaml holds what AWS has no more, and template.yaml none of it."""

import pytest

BUCKETS = ["ReplicaExportsBucket", "ReplicaSnapshotsBucket"]


@pytest.fixture(scope="module")
def standby(parsed):
    return parsed("standby.yaml")


@pytest.fixture(scope="module")
def qldb(parsed):
    return parsed("qldb.yaml")


@pytest.mark.parametrize("name", BUCKETS)
@pytest.mark.parametrize(
    "protection",
    ["PublicAccessBlockConfiguration", "OwnershipControls", "VersioningConfiguration", "LifecycleConfiguration"],
)
def test_a_copy_is_protected_as_its_original_is(name, protection, standby, template):
    original = template["Resources"][name.removeprefix("Replica")]["Properties"]
    assert standby["Resources"][name]["Properties"][protection] == original[protection]


@pytest.mark.parametrize("name", BUCKETS)
def test_a_copy_is_encrypted_with_its_own_region_s_key(name, standby):
    [rule] = standby["Resources"][name]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == {"Fn::GetAtt": ["ReplicaKey", "Arn"]}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_copy_is_reached_over_tls_only(name, standby):
    [statement] = standby["Resources"][f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_copies_of_snapshots_are_locked_by_the_same_parameters(standby, template):
    copies, originals = (
        each["Resources"][name]["Properties"]
        for each, name in ((standby, "ReplicaSnapshotsBucket"), (template, "SnapshotsBucket"))
    )
    assert copies["ObjectLockEnabled"] is True
    assert copies["ObjectLockConfiguration"] == originals["ObjectLockConfiguration"]
    for name in ("ObjectLockMode", "ObjectLockDays"):
        bounds = standby["Parameters"][name].keys() - {"Description"}
        assert {each: standby["Parameters"][name][each] for each in bounds} == {
            each: template["Parameters"][name][each] for each in bounds
        }


def test_deleting_the_standby_stack_keeps_the_copies_and_the_key_to_them(standby):
    for name, body in standby["Resources"].items():
        if body["Type"] in {"AWS::S3::Bucket", "AWS::KMS::Key"}:
            assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain"), name


def test_only_qldb_s_own_template_names_its_types(root, qldb):
    kinds = {body["Type"] for body in qldb["Resources"].values()}
    assert kinds == {"AWS::QLDB::Ledger", "AWS::QLDB::Stream", "AWS::IAM::Role"}
    assert [path.name for path in root.glob("*.yaml") if "Type: AWS::QLDB" in path.read_text()] == ["qldb.yaml"]


def test_qldb_may_put_into_the_one_stream_and_nothing_else(qldb):
    role = qldb["Resources"]["RealJournalStreamRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "qldb.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    [policy] = role["Policies"]
    granted = {str(each["Resource"]): each["Action"] for each in policy["PolicyDocument"]["Statement"]}
    assert granted == {
        str({"Ref": "JournalStreamArn"}): [
            "kinesis:DescribeStream", "kinesis:ListShards", "kinesis:PutRecord", "kinesis:PutRecords",
        ],
        str({"Ref": "DataKeyArn"}): "kms:GenerateDataKey",
    }  # fmt: skip


def test_a_real_ledger_is_as_hard_to_lose_as_ours(qldb):
    ledger = qldb["Resources"]["RealLedger"]
    assert (ledger["DeletionPolicy"], ledger["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert ledger["Properties"] == {"PermissionsMode": "STANDARD", "DeletionProtection": True}
