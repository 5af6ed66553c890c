"""Builds and deploys a SAM template to the emulator with the SAM CLI, and finds out what came of it.

A build is kept under .lab/builds by the content of what went into it, so that the next one is a look-up.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from lab.emulator import ACCOUNT, REGION, ROOT, Emulator
from lab.mapping.declaration import EventSourceMapping, parse_mapping
from lab.mapping.template import MappingDeclaration, Template
from lab.omissions import make_up_for
from lab.runtime.function import DUMMY_CREDENTIALS, LambdaFunction

_SAM: Final = ROOT / ".tools" / "sam" / "bin" / "sam"
_UV: Final = ROOT / ".tools" / "uv" / "bin" / "uv"
_BUILDS: Final = ROOT / ".lab" / "builds"
_BUILT_TEMPLATE: Final = "template.yaml"
_KEPT_BUILDS: Final = 4
# What stands here for the account's quota of concurrent executions: environments are processes.
_CONCURRENCY: Final = 16
_ARTIFACTS_BUCKET: Final = "lab-artifacts"
_NOT_BUILT: Final = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", "*.pyc", "*.egg-info")


class DeploymentError(RuntimeError):
    """The SAM CLI refused the template or could not deploy it; the message has what it said."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was deployed, by logical id: physical ids, functions as they are to be run, mappings as they are to be driven."""

    stack_name: str
    outputs: Mapping[str, str]
    physical_ids: Mapping[str, str]
    functions: Mapping[str, LambdaFunction]
    mappings: Mapping[str, tuple[str, EventSourceMapping]]  # with the logical id of the mapping's function
    signed_urls: Mapping[str, bool]  # functions with a URL, and whether it asks for a signature
    schedules: Mapping[str, tuple[str, str]]  # the function that a schedule calls, and with which input
    event_settings: Mapping[str, Mapping[str, Any]]  # EventInvokeConfig of functions that have one


def build(template: Path) -> Path:
    """The folder with the built template and code of every function and layer."""
    digest = _content_of(template)
    folder = _BUILDS / digest
    with _build_lock():
        if not folder.exists():
            _build_into(template, folder)
            _forget_old_builds(folder)
        os.utime(folder)
    return folder


def deploy(
    emulator: Emulator, template: Path, parameters: Mapping[str, str] | None = None, stack_name: str = "counterfoil"
) -> Deployment:
    """Build, deploy and look up; the emulator's own mappings and schedules are disabled before this returns."""
    built = build(template)
    values = {**_embedded_parameters(template), **(parameters or {})}
    emulator.client("s3").create_bucket(Bucket=_ARTIFACTS_BUCKET)
    _sam_deploy(emulator, built, values, stack_name)
    emulator.quiet()
    deployment, template_as_deployed = _discover(emulator, built, values, stack_name)
    make_up_for(emulator, template_as_deployed, deployment.physical_ids)
    return deployment


# ---- sam build -------------------------------------------------------------------------------------------------------


def _content_of(template: Path) -> str:
    """A name for everything that a build reads: the template and the folders that it names."""
    digest = hashlib.sha256(template.read_bytes())
    for nested in _nested_templates(Template.read(template)):
        digest.update(f"{nested}\0".encode() + hashlib.sha256((template.parent / nested).read_bytes()).digest())
    for file in sorted(_sources(template)):
        digest.update(f"{file.relative_to(template.parent)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:24]


def _sources(template: Path) -> Iterator[Path]:
    for folder in {template.parent / each for each in _code_folders(Template.read(template))}:
        for file in folder.rglob("*"):
            if file.is_file() and not any(fnmatch(part, pattern) for pattern in _NOT_BUILT for part in file.parts):
                yield file


def _nested_templates(template: Template) -> list[str]:
    """Files that stacks inside this one are made from, whether they are asked for or not."""
    stacks = (each for each in template.resources.values() if each["Type"] == "AWS::CloudFormation::Stack")
    return sorted(str(each["Properties"]["TemplateURL"]) for each in stacks)


def _code_folders(template: Template) -> Iterator[str]:
    for logical_id in template.functions():
        yield str(template.function_properties(logical_id)["CodeUri"])
    for each in template.resources.values():
        if each["Type"] == "AWS::Serverless::LayerVersion":
            yield str(each["Properties"]["ContentUri"])


@contextmanager
def _build_lock() -> Iterator[None]:
    """One build at a time on this machine: the second of two finds what the first made."""
    _BUILDS.mkdir(parents=True, exist_ok=True)
    with (_BUILDS.parent / "builds.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_into(template: Path, folder: Path) -> None:
    """Build beside the final place, for the built template names what is not built by relative paths."""
    partial = folder.with_suffix(".part")
    shutil.rmtree(partial, ignore_errors=True)
    arguments = ["--template-file", str(template), "--base-dir", str(template.parent), "--build-dir", str(partial)]
    with _scratch() as scratch:
        _run_sam(["build", *arguments, "--no-cached", "--parallel"], scratch, {})
    _as_json(partial / _BUILT_TEMPLATE)
    partial.rename(folder)


def _as_json(template: Path) -> None:
    """Write a built template as JSON, which is YAML too: the CLI reads it ten times, and JSON in a hundredth of the time."""
    template.write_text(json.dumps(Template.read(template).document), "utf-8")


def _forget_old_builds(newest: Path) -> None:
    builds = sorted((each for each in _BUILDS.iterdir() if each != newest), key=lambda each: each.stat().st_mtime)
    for old in builds[: -_KEPT_BUILDS + 1]:
        shutil.rmtree(old)


# ---- sam deploy ------------------------------------------------------------------------------------------------------


def _embedded_parameters(template: Path) -> dict[str, str]:
    """The parameters of samconfig.toml's section ``embedded`` beside the template, if there is one."""
    config = template.parent / "samconfig.toml"
    if not config.exists():
        return {}
    section = tomllib.loads(config.read_text("utf-8")).get("embedded", {}).get("deploy", {}).get("parameters", {})
    return dict(each.split("=", 1) for each in section.get("parameter_overrides", "").split())


def _sam_deploy(emulator: Emulator, built: Path, parameters: Mapping[str, str], stack_name: str) -> None:
    arguments = ["--template-file", str(built / _BUILT_TEMPLATE), "--stack-name", stack_name, "--region", REGION]
    arguments += ["--s3-bucket", _ARTIFACTS_BUCKET, "--no-confirm-changeset", "--no-progressbar", "--use-json"]
    arguments.append("--no-fail-on-empty-changeset")
    arguments += ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
    if parameters:
        arguments += ["--parameter-overrides", *(f"{name}={json.dumps(value)}" for name, value in parameters.items())]
    with _scratch() as scratch:
        _run_sam(["deploy", *arguments], scratch, emulator.variables())


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="counterfoil-sam-") as name:
        yield Path(name)


def _run_sam(arguments: list[str], scratch: Path, variables: Mapping[str, str]) -> None:
    """Run the SAM CLI with nothing of the caller's AWS configuration, and python3.13 first on its path."""
    (scratch / "samconfig.toml").write_text("version = 0.1\n")
    environment = {
        **_callers_environment(),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "TMPDIR": str(scratch),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",  # the emulator has done in a moment what the CLI would ask about every 5 s
        "__SAM_CLI_APP_DIR": str(scratch / "sam"),
        **({"UV": str(_UV)} if _UV.exists() else {}),
        **DUMMY_CREDENTIALS,
        **variables,
    }
    command = [str(_SAM), *arguments, "--config-file", str(scratch / "samconfig.toml")]
    done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DeploymentError(f"sam {arguments[0]} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")


def _callers_environment() -> dict[str, str]:
    """Without what concerns AWS: a build looks for packages where `make setup` does, through the same proxy.

    Without PYTHONDONTWRITEBYTECODE too: the CLI has a thousand modules, which would be compiled on each of its starts.
    """
    without = ("AWS_", "SAM_", "__SAM", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(without)}


# ---- discovery -------------------------------------------------------------------------------------------------------


def _discover(
    emulator: Emulator, built: Path, parameters: Mapping[str, str], stack_name: str
) -> tuple[Deployment, Template]:
    cloudformation = emulator.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    summaries = [each for page in pages for each in page["StackResourceSummaries"]]
    physical_ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in summaries}
    template = Template.read(built / _BUILT_TEMPLATE, parameters)
    template.pseudo_parameters = {
        "AWS::StackName": stack_name,
        "AWS::Region": REGION,
        "AWS::Partition": "aws",
        "AWS::AccountId": ACCOUNT,
        "AWS::URLSuffix": "amazonaws.com",
    }
    template.resource = lambda logical_id, attribute: _attribute(
        template.resources.get(logical_id, {}).get("Type", ""), physical_ids[logical_id], attribute
    )
    client = emulator.client("lambda")
    functions = {
        logical_id: _function(client, template, built, logical_id, physical_ids[logical_id], emulator.endpoint)
        for logical_id in template.functions()
        if logical_id in physical_ids
    }
    mappings = {
        each.logical_id: (each.function_id, _mapping(client, template, each, physical_ids[each.logical_id]))
        for each in template.mappings()
        if each.logical_id in physical_ids
    }
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    deployment = Deployment(
        stack_name,
        outputs,
        physical_ids,
        functions,
        mappings,
        {name: signed for name in functions if (signed := _signed_url(template, name)) is not None},
        {name: called for name, called in _schedules(template) if called[0] in functions},
        {name: settings for name in functions if (settings := _event_settings(template, name))},
    )
    return deployment, template


def _attribute(resource_type: str, physical_id: str, attribute: str) -> str:
    """What ``Ref`` and ``GetAtt`` give, as far as anything here asks: physical ids, and the ARNs of those that are none."""
    if attribute != "Arn" or physical_id.startswith("arn:"):
        return physical_id
    match resource_type:
        case "AWS::S3::Bucket":
            return f"arn:aws:s3:::{physical_id}"
        case "AWS::SQS::Queue":
            return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{physical_id.rpartition('/')[2]}"
        case "AWS::Serverless::Function" | "AWS::Lambda::Function":
            return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{physical_id}"
    return physical_id


def _signed_url(template: Template, function_id: str) -> bool | None:
    """Whether the function's URL asks for a signature; ``None`` without a URL."""
    declared = template.function_properties(function_id).get("FunctionUrlConfig")
    if declared is None:
        return None
    settings = template.resolve(declared)
    if settings.get("InvokeMode", "BUFFERED") != "BUFFERED":
        raise DeploymentError(f"the URL of {function_id} streams its answers, which is not modelled")
    return bool(settings["AuthType"] == "AWS_IAM")


def _schedules(template: Template) -> Iterator[tuple[str, tuple[str, str]]]:
    for function_id in template.functions():
        for name, event in template.function_properties(function_id).get("Events", {}).items():
            if event["Type"] in {"Schedule", "ScheduleV2"}:
                given = template.resolve(event["Properties"].get("Input", "{}"))
                yield f"{function_id}{name}", (function_id, str(given))


def _event_settings(template: Template, function_id: str) -> dict[str, Any]:
    settings: dict[str, Any] = template.resolve(template.function_properties(function_id).get("EventInvokeConfig", {}))
    return settings


def _function(
    client: Any, template: Template, built: Path, logical_id: str, name: str, endpoint: str
) -> LambdaFunction:
    """The deployed configuration, with the code from the build."""
    deployed = client.get_function_configuration(FunctionName=name)
    properties = template.function_properties(logical_id)
    return LambdaFunction(
        name=deployed["FunctionName"],
        arn=deployed["FunctionArn"],
        handler=deployed["Handler"],
        code_folder=(built / properties["CodeUri"]).resolve(),
        layer_folders=tuple(_layer_folders(template, built, properties)),
        environment={**deployed.get("Environment", {}).get("Variables", {}), "AWS_ENDPOINT_URL": endpoint},
        timeout_seconds=deployed["Timeout"],
        memory_mb=deployed["MemorySize"],
        region=REGION,
        maximum_concurrency=_concurrency(template, properties),
        log_group=deployed.get("LoggingConfig", {}).get("LogGroup", ""),
        label=logical_id,
    )


def _concurrency(template: Template, properties: Mapping[str, Any]) -> int:
    """What the template sets aside for a function, which a condition may leave out; else what the account has."""
    set_aside = template.resolve({"set aside": properties.get("ReservedConcurrentExecutions")}).get("set aside")
    return int(set_aside or _CONCURRENCY)


def _layer_folders(template: Template, built: Path, properties: Mapping[str, Any]) -> Iterator[Path]:
    """Layers of this template; the last one wins on AWS, so it is searched first."""
    for reference in reversed(properties.get("Layers", [])):
        match reference:
            case {"Ref": str() as logical_id}:
                yield (built / template.resources[logical_id]["Properties"]["ContentUri"]).resolve()


def _mapping(client: Any, template: Template, declared: MappingDeclaration, uuid: str) -> EventSourceMapping:
    """The template's settings, with the source, function and destination that they came to when deployed."""
    deployed = client.get_event_source_mapping(UUID=uuid)
    role_arn = client.get_function_configuration(FunctionName=deployed["FunctionArn"])["Role"]
    settings = {name: value for name, value in declared.properties.items() if name != "DestinationConfig"}
    properties = template.resolve(settings)
    if "DestinationConfig" in declared.properties:
        properties["DestinationConfig"] = deployed.get("DestinationConfig")
    return parse_mapping(
        properties,
        uuid=uuid,
        source_arn=deployed["EventSourceArn"],
        function_arn=deployed["FunctionArn"],
        role_arn=role_arn,
    )
