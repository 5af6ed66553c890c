"""Gives resources what the template asks for and the emulator's CloudFormation leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from lab.emulator import Emulator
from lab.mapping.template import Template


def make_up_for(emulator: Emulator, template: Template, physical_ids: Mapping[str, str]) -> None:
    """Object Lock and encryption of buckets, the expiry of items and the backups of tables. A second time changes nothing."""
    clients: dict[str, Any] = {}
    for logical_id, resource in template.resources.items():
        service, completions = _COMPLETIONS.get(resource["Type"], ("", {}))
        for name, complete in completions.items():
            declared = resource.get("Properties", {}).get(name)
            setting = template.resolve({name: declared}).get(name)  # a condition may leave it out
            if setting is not None and logical_id in physical_ids:
                client = clients.setdefault(service, emulator.client(service))
                complete(client, physical_ids[logical_id], setting)


def _lock(s3: Any, bucket: str, setting: Mapping[str, Any]) -> None:
    retention = setting["Rule"]["DefaultRetention"]
    rule = {"DefaultRetention": {"Mode": retention["Mode"], "Days": int(retention["Days"])}}
    s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )


def _encrypt(s3: Any, bucket: str, setting: Mapping[str, Any]) -> None:
    rules = [
        {**each, "ApplyServerSideEncryptionByDefault": each["ServerSideEncryptionByDefault"]}
        for each in setting["ServerSideEncryptionConfiguration"]
    ]
    for each in rules:
        del each["ServerSideEncryptionByDefault"]
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def _expire(dynamodb: Any, ddb_table: str, setting: Mapping[str, Any]) -> None:
    now = dynamodb.describe_time_to_live(TableName=ddb_table)["TimeToLiveDescription"]["TimeToLiveStatus"]
    if setting["Enabled"] and now == "DISABLED":
        dynamodb.update_time_to_live(
            TableName=ddb_table,
            TimeToLiveSpecification={"AttributeName": setting["AttributeName"], "Enabled": True},
        )


def _back_up(dynamodb: Any, ddb_table: str, setting: Mapping[str, Any]) -> None:
    enabled = str(setting.get("PointInTimeRecoveryEnabled")).lower() == "true"
    dynamodb.update_continuous_backups(
        TableName=ddb_table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
    )


type Completion = Callable[[Any, str, Mapping[str, Any]], None]

_COMPLETIONS: Final[Mapping[str, tuple[str, Mapping[str, Completion]]]] = {
    "AWS::S3::Bucket": ("s3", {"ObjectLockConfiguration": _lock, "BucketEncryption": _encrypt}),
    "AWS::DynamoDB::Table": (
        "dynamodb",
        {"TimeToLiveSpecification": _expire, "PointInTimeRecoverySpecification": _back_up},
    ),
}
