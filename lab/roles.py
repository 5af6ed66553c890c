"""Lets deployed functions run under the roles that the template gives them, on an emulator that evaluates IAM policies.

Without this a role that lacks a right is found out only on AWS. The emulator is reached without TLS, so what refuses just that is
taken away first; so is the condition on a caller's account in policies of keys, which it does not know. It knows no policies of tables
either, and lets ForAllValues hold on DynamoDB's keys where it does not fill them in, as IAM does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from lab.deployment import Deployment
from lab.emulator import Emulator

_NOTHING: Final = {"Version": "2012-10-17", "Statement": []}


def under_their_roles(emulator: Emulator, deployment: Deployment) -> Deployment:
    """The deployment with each function's own credentials, as Lambda would hand them to it."""
    _let_in_without_tls(emulator, deployment)
    _let_in_this_account(emulator)
    functions = {
        name: replace(each, environment={**each.environment, **_credentials(emulator, each.name)})
        for name, each in deployment.functions.items()
    }
    return replace(deployment, functions=functions)


def _credentials(emulator: Emulator, function_name: str) -> Mapping[str, str]:
    role = emulator.client("lambda").get_function_configuration(FunctionName=function_name)["Role"]
    keys = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName=function_name[-64:])["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def _let_in_without_tls(emulator: Emulator, deployment: Deployment) -> None:
    for physical_id in deployment.physical_ids.values():
        if physical_id.startswith("arn:aws:sns:"):
            emulator.client("sns").set_topic_attributes(
                TopicArn=physical_id, AttributeName="Policy", AttributeValue=json.dumps(_NOTHING)
            )
    buckets = {each["Name"] for each in emulator.client("s3").list_buckets()["Buckets"]}
    for name in buckets & set(deployment.physical_ids.values()):
        emulator.client("s3").delete_bucket_policy(Bucket=name)


def _let_in_this_account(emulator: Emulator) -> None:
    """Of keys: there is one account here, so whoever is let in as its own is let in."""
    kms = emulator.client("kms")
    for each in kms.list_keys()["Keys"]:
        policy = json.loads(kms.get_key_policy(KeyId=each["KeyId"], PolicyName="default")["Policy"])
        for statement in policy["Statement"]:
            if "kms:CallerAccount" in statement.get("Condition", {}).get("StringEquals", {}):
                del statement["Condition"]
        kms.put_key_policy(KeyId=each["KeyId"], PolicyName="default", Policy=json.dumps(policy))
