"""The template as these tests read it: parsed, with its conditions decided, and as SAM expands it."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SAM_PYTHON = ROOT / ".tools/sam/bin/python"

# SAM's own expansion, run where its translator is installed; it wants literal S3 addresses and no managed policies.
EXPAND = """
import json, sys
from samtranslator.translator.translator import Translator
from samtranslator.parser.parser import Parser
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
loader = type("None_", (ManagedPolicyLoader,), {"__init__": lambda self: None, "load": lambda self: {}})()
template, parameters = json.load(sys.stdin)
json.dump(Translator({}, Parser()).translate(template, parameters), sys.stdout)
"""


class TemplateLoader(yaml.SafeLoader):
    """Reads `!Ref x` as `{"Ref": x}` and `!GetAtt a.b` as `{"Fn::GetAtt": ["a", "b"]}`, as CloudFormation does."""


def intrinsic(loader: TemplateLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        value = value.split(".", 1) if name == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name if name in {"Ref", "Condition"} else f"Fn::{name}": value}


TemplateLoader.add_multi_constructor("!", intrinsic)


def holds(condition: Any, parameters: dict[str, Any], conditions: dict[str, Any]) -> bool:
    match condition:
        case {"Fn::Equals": [{"Ref": name} | {"Fn::Join": ["", {"Ref": name}]}, value]}:
            return str(parameters[name]) == str(value)
        case {"Fn::Not": [inner]}:
            return not holds(inner, parameters, conditions)
        case {"Fn::Or": inner}:
            return any(holds(each, parameters, conditions) for each in inner)
        case {"Condition": name}:
            return holds(conditions[name], parameters, conditions)
    pytest.fail(f"a condition these tests cannot decide: {condition}")


NOTHING = {"Ref": "AWS::NoValue"}


def decide(value: Any, truth: dict[str, bool]) -> Any:
    """The value with every `Fn::If` replaced by the branch taken."""
    match value:
        case {"Fn::If": [name, yes, no]}:
            return decide(yes if truth[name] else no, truth)
        case dict():
            decided = {key: decide(inner, truth) for key, inner in value.items()}
            return {key: inner for key, inner in decided.items() if inner != NOTHING}
        case list():
            return [inner for inner in (decide(item, truth) for item in value) if inner != NOTHING]
    return value


def decided_resources(template: dict[str, Any], **overrides: str) -> dict[str, Any]:
    parameters = {name: body["Default"] for name, body in template["Parameters"].items()} | overrides
    conditions = template["Conditions"]
    truth = {name: holds(condition, parameters, conditions) for name, condition in conditions.items()}
    kept = {name: body for name, body in template["Resources"].items() if truth.get(body.get("Condition"), True)}
    return decide(kept, truth)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def template_text() -> str:
    return (ROOT / "template.yaml").read_text()


@pytest.fixture(scope="session")
def template(template_text: str) -> dict[str, Any]:
    return yaml.load(template_text, Loader=TemplateLoader)  # a SafeLoader with the tags above


@pytest.fixture(scope="session")
def parsed():
    """Another template of the tree, by its file's name."""
    return lambda name: yaml.load((ROOT / name).read_text(), Loader=TemplateLoader)


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> dict[str, Any]:
    """What the parameters' defaults deploy."""
    return decided_resources(template)


EVERY_OPTION = {
    "EnhancedFanOut": "true",
    "StreamMode": "PROVISIONED",
    "AlertEmail": "somebody@example.com",
    "SecurityHub": "true",
    "ComplianceRules": "true",
    "JournalObjectLock": "true",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
    "CallerPrincipal": "210987654321",
    "ApiConcurrency": "100",
    "CacheUrl": "valkeys://cache.example.com:6379",
    "VpcSubnetIds": "subnet-0a,subnet-0b",
    "VpcSecurityGroupIds": "sg-0a",
    "RealQldbEndpoint": "true",
    "SealedFields": "true",
    "StandbyRegion": "eu-west-1",
    "StandbyJournalTable": "standby-journal",
    "StandbyRegistryTable": "standby-registry",
    "StandbyJournalBucket": "standby-journal-bucket",
    "StandbyDataKeyId": "00000000-0000-0000-0000-000000000000",
    "ReplicaExportsBucket": "replica-exports",
    "ReplicaSnapshotsBucket": "replica-snapshots",
    "ReplicaKeyId": "00000000-0000-0000-0000-000000000001",
    "RestorerRoleArn": "arn:aws:iam::123456789012:role/restorer",
}


@pytest.fixture(scope="session")
def everything(template: dict[str, Any]) -> dict[str, Any]:
    """What is deployed when every option is taken."""
    return decided_resources(template, **EVERY_OPTION)


@pytest.fixture(scope="session")
def deployed_with(template: dict[str, Any]):
    """What is deployed with these parameters and the others' defaults."""
    return lambda **parameters: decided_resources(template, **parameters)


@pytest.fixture(scope="session")
def of_type(everything: dict[str, Any]):
    """The properties of all resources of a type, by logical id; never none of them."""

    def select(kind: str) -> dict[str, Any]:
        found = {name: body["Properties"] for name, body in everything.items() if body["Type"] == kind}
        assert found, f"the template has no {kind}"
        return found

    return select


@pytest.fixture(scope="session")
def expanded(template: dict[str, Any]) -> dict[str, Any]:
    """The resources as SAM hands them to CloudFormation."""
    literal = json.loads(re.sub(r'"(CodeUri|ContentUri)": "[^"]+"', r'"\1": "s3://bucket/key"', json.dumps(template)))
    parameters = {name: body["Default"] for name, body in template["Parameters"].items()}
    done = subprocess.run(
        [SAM_PYTHON, "-c", EXPAND],
        input=json.dumps([literal, parameters]),
        env=os.environ | {"AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["Resources"]


def walk(value: Any) -> Iterator[Any]:
    """Every value inside a value, itself first."""
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from walk(item)


@pytest.fixture(scope="session")
def inside():
    return walk
