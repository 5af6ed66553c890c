"""The template's policies as they are deployed: every expression worked out, to be evaluated or tried."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.mapping.template import Template

# The most that an account gives anybody.
ADMINISTRATOR = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


class Deployed:
    """The policies with these parameters. A resource's name is its logical id."""

    def __init__(self, root: Path, *, account: str, region: str, **parameters: str) -> None:
        self.account, self.region = account, region
        self.template = Template.read(root / "template.yaml", parameters)
        self.template.pseudo_parameters = {
            "AWS::StackName": "counterfoil", "AWS::Region": region, "AWS::Partition": "aws", "AWS::AccountId": account,
        }  # fmt: skip
        self.template.resource = self.physical

    def physical(self, logical_id: str, attribute: str) -> str:
        """What ``Ref`` (attribute "Ref") and ``GetAtt`` give."""
        if attribute != "Arn":
            return logical_id if attribute == "Ref" else f"{logical_id}.{attribute}"
        match self.template.resources[logical_id]["Type"].split("::")[1:]:
            case ["DynamoDB", "Table"]:
                return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{logical_id}"
            case ["S3", "Bucket"]:
                return f"arn:aws:s3:::{logical_id}"
            case ["IAM", "Role"]:
                return f"arn:aws:iam::{self.account}:role/{logical_id}"
        return f"arn:aws:other:{self.region}:{self.account}:{logical_id}"

    def policies_of(self, role: str) -> list[Mapping[str, Any]]:
        """All statements of a role: those of its own policies, and of the policies that name it."""
        resources = self.template.resources
        documents = [each["PolicyDocument"] for each in resources[role]["Properties"].get("Policies", [])]
        documents += [
            each["Properties"]["PolicyDocument"]
            for each in resources.values()
            if each["Type"] == "AWS::IAM::Policy" and {"Ref": role} in each["Properties"]["Roles"]
        ]
        return [statement for each in documents for statement in self.template.resolve(each)["Statement"]]

    def journal_policy(self) -> list[Mapping[str, Any]]:
        """The statements of the journal table's own policy."""
        properties = self.template.resources["JournalTable"]["Properties"]
        statements: list[Mapping[str, Any]] = self.template.resolve(properties["ResourcePolicy"]["PolicyDocument"])[
            "Statement"
        ]
        return statements
