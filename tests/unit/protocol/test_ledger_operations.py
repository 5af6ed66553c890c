"""The control plane: ledgers from their creation to their end, and their tags."""

from dataclasses import replace

import pytest

from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.ledger.catalogue import LedgerCatalogue, TableEntry
from counterfoil.ledger.registry import LedgerState, PermissionsMode
from counterfoil.protocol.faults import ProtocolError
from tests.scripted_ledgers import NOW, STRAND, Restricted, Service

ARN = "arn:aws:qldb:us-east-1:000000000000:ledger/bank"
KEY = "arn:aws:kms:us-east-1:000000000000:key/x"


@pytest.fixture
def service():
    return Service()


def refused(call, name, status, message=None):
    with pytest.raises(ProtocolError, match=message) as caught:
        call()
    assert (caught.value.name, caught.value.status) == (name, status)
    return caught.value


def test_a_ledger_is_created_described_and_listed(service):
    answer = service.call("CreateLedger", Name="shop", PermissionsMode="STANDARD", Tags={"team": "a"})
    described = {
        "Name": "shop",
        "Arn": "arn:aws:qldb:us-east-1:000000000000:ledger/shop",
        "State": "CREATING",
        "CreationDateTime": NOW,
        "DeletionProtection": True,
        "PermissionsMode": "STANDARD",
    }
    assert answer == described | {"KmsKeyArn": "AWS_OWNED_KMS_KEY"}
    encryption = {"KmsKeyArn": "AWS_OWNED_KMS_KEY", "EncryptionStatus": "ENABLED"}
    active = described | {"State": "ACTIVE", "EncryptionDescription": encryption}
    assert service.call("DescribeLedger", Name="shop") == active
    assert service.call("ListTagsForResource", ResourceArn=answer["Arn"]) == {"Tags": {"team": "a"}}
    assert service.call("ListLedgers") == {
        "Ledgers": [
            {"Name": "bank", "State": "ACTIVE", "CreationDateTime": NOW},
            {"Name": "shop", "State": "ACTIVE", "CreationDateTime": NOW},
        ]
    }


@pytest.mark.parametrize("name", ["", "a" * 33, "-a", "a-", "a--b", "123", "ä", "a_b", "../x", "a\n"])
def test_a_name_that_is_none_is_refused(service, name):
    refused(
        lambda: service.call("CreateLedger", Name=name, PermissionsMode="ALLOW_ALL"), "InvalidParameterException", 400
    )
    assert service.ledgers.made == []


def test_a_name_is_taken_once(service):
    error = refused(
        lambda: service.call("CreateLedger", Name="bank", PermissionsMode="ALLOW_ALL"),
        "ResourceAlreadyExistsException",
        409,
        "The Ledger with name bank already exists",
    )
    assert error.members == {"ResourceType": "Ledger", "ResourceName": "bank"}


def test_ledgers_are_limited():
    service = Service(max_ledgers=2)
    service.call("CreateLedger", Name="b", PermissionsMode="ALLOW_ALL")
    refused(lambda: service.call("CreateLedger", Name="c", PermissionsMode="ALLOW_ALL"), "LimitExceededException", 400)


def test_protection_and_key_are_changed_each_by_itself(service):
    answer = service.call("UpdateLedger", Name="bank", KmsKey=KEY)
    assert answer["EncryptionDescription"] == {"KmsKeyArn": KEY, "EncryptionStatus": "ENABLED"}
    assert answer["DeletionProtection"] is True
    assert "PermissionsMode" not in answer
    answer = service.call("UpdateLedger", Name="bank", DeletionProtection=False)
    assert answer["DeletionProtection"] is False
    assert answer["EncryptionDescription"]["KmsKeyArn"] == KEY
    answer = service.call("UpdateLedger", Name="bank", KmsKey="AWS_OWNED_KMS_KEY")
    assert answer["EncryptionDescription"]["KmsKeyArn"] == "AWS_OWNED_KMS_KEY"


def test_the_permissions_mode_is_changed(service):
    answer = service.call("UpdateLedgerPermissionsMode", Name="bank", PermissionsMode="STANDARD")
    assert answer == {"Name": "bank", "Arn": ARN, "PermissionsMode": "STANDARD"}
    assert service.call("DescribeLedger", Name="bank")["PermissionsMode"] == "STANDARD"


def test_a_protected_ledger_is_not_deleted(service):
    error = refused(
        lambda: service.call("DeleteLedger", Name="bank"), "ResourcePreconditionNotMetException", 412, "protected"
    )
    assert error.members == {"ResourceType": "Ledger", "ResourceName": "bank"}
    assert service.call("DescribeLedger", Name="bank")["State"] == "ACTIVE"


def test_a_deleted_ledger_takes_sessions_jobs_data_and_tags_with_it(service):
    service.call("TagResource", ResourceArn=ARN, Tags={"a": "b"})
    token = service.session()
    service.begin(token)
    transaction = service.engine.transactions[0]
    service.call("UpdateLedger", Name="bank", DeletionProtection=False)
    assert service.call("DeleteLedger", Name="bank") == {}
    assert transaction.ended
    assert service.sessions.count == 0
    assert service.jobs.forgotten == ["bank"]
    assert service.ledgers.removed == [STRAND]
    assert service.call("ListLedgers") == {"Ledgers": []}
    refused(lambda: service.call("DescribeLedger", Name="bank"), "ResourceNotFoundException", 404)
    service.call("CreateLedger", Name="bank", PermissionsMode="ALLOW_ALL")
    assert service.call("ListTagsForResource", ResourceArn=ARN) == {"Tags": {}}


EVERY_OPERATION_ON_A_LEDGER = {
    "DescribeLedger": {},
    "UpdateLedger": {"DeletionProtection": False},
    "UpdateLedgerPermissionsMode": {"PermissionsMode": "STANDARD"},
    "DeleteLedger": {},
    "GetDigest": {},
    "GetBlock": {"BlockAddress": {"IonText": "{}"}},
    "GetRevision": {"BlockAddress": {"IonText": "{}"}, "DocumentId": STRAND},
    "ExportJournalToS3": {},
    "DescribeJournalS3Export": {"ExportId": STRAND},
    "ListJournalS3ExportsForLedger": {},
    "StreamJournalToKinesis": {},
    "DescribeJournalKinesisStream": {"StreamId": STRAND},
    "CancelJournalKinesisStream": {"StreamId": STRAND},
    "ListJournalKinesisStreamsForLedger": {},
}


def parameters_for(operation, name):
    key = "LedgerName" if "Kinesis" in operation else "Name"
    return {key: name, **EVERY_OPERATION_ON_A_LEDGER[operation]}


@pytest.mark.parametrize("operation", EVERY_OPERATION_ON_A_LEDGER)
def test_a_ledger_that_is_not_there_or_is_being_deleted_is_not_found(service, operation):
    call = lambda name: service.call(operation, **parameters_for(operation, name))  # noqa: E731
    error = refused(lambda: call("nowhere"), "ResourceNotFoundException", 404, "nowhere is not found")
    assert error.members == {"ResourceType": "Ledger", "ResourceName": "nowhere"}
    bank = service.registry.ledger("bank")
    service.registry.save(bank, replace(bank, state=LedgerState.DELETING))
    refused(lambda: call("bank"), "ResourceNotFoundException", 404)


@pytest.mark.parametrize("operation", sorted(set(EVERY_OPERATION_ON_A_LEDGER) - {"DescribeLedger"}))
def test_a_ledger_that_is_being_created_may_not_be_used_yet(service, operation):
    bank = service.registry.ledger("bank")
    service.registry.save(bank, replace(bank, state=LedgerState.CREATING))
    refused(
        lambda: service.call(operation, **parameters_for(operation, "bank")),
        "ResourcePreconditionNotMetException",
        412,
        "still being created",
    )
    assert service.call("DescribeLedger", Name="bank")["State"] == "CREATING"


def test_what_a_crash_cut_off_is_finished_at_the_next_start(service):
    service.ledgers.error = UnavailableError("the disk is full")
    refused(
        lambda: service.call("CreateLedger", Name="new", PermissionsMode="ALLOW_ALL"),
        "ServiceUnavailableException",
        503,
    )
    assert service.call("DescribeLedger", Name="new")["State"] == "CREATING"
    service.call("UpdateLedger", Name="bank", DeletionProtection=False)
    service.ledgers.error = UnavailableError("the disk is full")
    refused(lambda: service.call("DeleteLedger", Name="bank"), "ServiceUnavailableException", 503)
    service.operations.finish()
    assert service.call("ListLedgers")["Ledgers"] == [{"Name": "new", "State": "ACTIVE", "CreationDateTime": NOW}]
    assert service.ledgers.removed == [STRAND]


def test_two_changes_at_once_are_told_apart(service, monkeypatch):
    def lose(*_):
        raise ConflictError("ledger bank is not what it was")

    monkeypatch.setattr(type(service.registry), "save", lose)
    refused(lambda: service.call("UpdateLedger", Name="bank", KmsKey=KEY), "ResourceInUseException", 409)


def test_ledgers_are_listed_page_by_page():
    service = Service(max_ledgers=100)
    names = sorted(["bank", *(f"ledger-{number}" for number in range(11))])
    for name in names[1:]:
        service.call("CreateLedger", Name=name, PermissionsMode="ALLOW_ALL")
    answer = service.call("ListLedgers", MaxResults=5)
    pages = [answer["Ledgers"]]
    while "NextToken" in answer:
        answer = service.call("ListLedgers", MaxResults=5, NextToken=answer["NextToken"])
        pages.append(answer["Ledgers"])
    assert [len(page) for page in pages] == [5, 5, 2]
    assert [each["Name"] for page in pages for each in page] == names
    assert "NextToken" not in service.call("ListLedgers", MaxResults=12)


@pytest.mark.parametrize("token", ["!!!!", "AAA", "/w=="])
def test_a_token_that_no_list_gave_is_refused(service, token):
    error = refused(lambda: service.call("ListLedgers", NextToken=token), "InvalidParameterException", 400, "NextToken")
    assert error.members == {"ParameterName": "NextToken"}


# ---- tags ------------------------------------------------------------------------------------------


def test_tags_are_added_replaced_and_removed(service):
    assert service.call("TagResource", ResourceArn=ARN, Tags={"a": "1", "b": "2"}) == {}
    service.call("TagResource", ResourceArn=ARN, Tags={"a": "3"})
    assert service.call("ListTagsForResource", ResourceArn=ARN) == {"Tags": {"a": "3", "b": "2"}}
    assert service.call("UntagResource", ResourceArn=ARN, TagKeys=["b", "not there"]) == {}
    assert service.call("ListTagsForResource", ResourceArn=ARN) == {"Tags": {"a": "3"}}


def test_a_resource_has_at_most_fifty_tags(service):
    service.call("TagResource", ResourceArn=ARN, Tags={f"k{number}": "" for number in range(50)})
    refused(lambda: service.call("TagResource", ResourceArn=ARN, Tags={"one more": ""}), "LimitExceededException", 400)
    refused(
        lambda: service.call(
            "CreateLedger", Name="new", PermissionsMode="ALLOW_ALL", Tags={f"k{number}": "" for number in range(51)}
        ),
        "LimitExceededException",
        400,
    )
    refused(lambda: service.call("DescribeLedger", Name="new"), "ResourceNotFoundException", 404)


def test_keys_of_aws_are_reserved(service):
    for operation in (
        lambda: service.call("TagResource", ResourceArn=ARN, Tags={"AWS:x": "1"}),
        lambda: service.call("CreateLedger", Name="new", PermissionsMode="ALLOW_ALL", Tags={"aws:x": "1"}),
    ):
        refused(operation, "InvalidParameterException", 400, "reserved")


@pytest.mark.parametrize(
    ("arn", "name", "status"),
    [
        ("arn:aws:s3:::bucket-of-somebody", "InvalidParameterException", 400),
        (f"{ARN}/index/x", "InvalidParameterException", 400),
        (ARN.replace("bank", "nowhere"), "ResourceNotFoundException", 404),
        (f"{ARN}/table/{STRAND}", "ResourceNotFoundException", 404),
        (f"arn:aws:qldb:us-east-1:000000000000:stream/bank/{STRAND}", "ResourceNotFoundException", 404),
    ],
)
def test_a_resource_that_is_not_there_has_no_tags(service, arn, name, status):
    refused(lambda: service.call("ListTagsForResource", ResourceArn=arn), name, status)
    refused(lambda: service.call("TagResource", ResourceArn=arn, Tags={"a": "b"}), name, status)
    refused(lambda: service.call("UntagResource", ResourceArn=arn, TagKeys=["a"]), name, status)


def test_a_table_has_the_tags_of_its_creation_until_they_are_changed(service):
    entry = TableEntry("t1", "Cars", active=True, tags=(("env", "test"), ("old", "1")))
    service.engine.catalogue = LedgerCatalogue(1, {"t1": entry})
    arn = f"{ARN}/table/t1"
    assert service.call("ListTagsForResource", ResourceArn=arn) == {"Tags": {"env": "test", "old": "1"}}
    service.call("UntagResource", ResourceArn=arn, TagKeys=["old", "aws:copied-from-journal"])
    service.call("TagResource", ResourceArn=arn, Tags={"env": "live", "new": "2"})
    assert service.call("ListTagsForResource", ResourceArn=arn) == {"Tags": {"env": "live", "new": "2"}}
    service.call("UntagResource", ResourceArn=arn, TagKeys=["env", "new"])
    assert service.call("ListTagsForResource", ResourceArn=arn) == {"Tags": {}}


def test_a_table_with_the_tags_of_its_creation_has_room_for_fifty_in_all(service):
    entry = TableEntry("t1", "Cars", active=True, tags=(("env", "test"),))
    service.engine.catalogue = LedgerCatalogue(1, {"t1": entry})
    arn = f"{ARN}/table/t1"
    service.call("TagResource", ResourceArn=arn, Tags={f"k{number}": "" for number in range(49)})
    assert len(service.call("ListTagsForResource", ResourceArn=arn)["Tags"]) == 50
    refused(lambda: service.call("TagResource", ResourceArn=arn, Tags={"one more": ""}), "LimitExceededException", 400)


# ---- permissions -----------------------------------------------------------------------------------


def test_each_operation_is_asked_for_by_its_name_and_ledger(service):
    auditor = Restricted("AUDITOR", frozenset({"qldb:DescribeLedger", "qldb:ListTagsForResource", "qldb:ListLedgers"}))
    service.call("DescribeLedger", auditor, Name="bank")
    service.call("ListTagsForResource", auditor, ResourceArn=ARN)
    service.call("ListLedgers", auditor)
    refused(lambda: service.call("DeleteLedger", auditor, Name="bank"), "AccessDeniedException", 403)
    refused(
        lambda: service.call("ListJournalKinesisStreamsForLedger", auditor, LedgerName="bank"),
        "AccessDeniedException",
        403,
    )
    assert auditor.seen == [
        ("qldb:DescribeLedger", "bank"),
        ("qldb:ListTagsForResource", "bank"),
        ("qldb:ListLedgers", ""),
        ("qldb:DeleteLedger", "bank"),
        ("qldb:ListJournalKinesisStreamsForLedger", "bank"),
    ]


def test_modes_are_those_of_the_model():
    assert {each.value for each in PermissionsMode} == {"ALLOW_ALL", "STANDARD"}
