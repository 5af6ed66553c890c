"""A person can tell why each thing exists, and what may be chosen."""

import re
import tomllib

import pytest

NAME = re.compile(r"^  ([A-Za-z0-9]+):$")


def declared(template_text, section):
    """Each logical id of a section with the line before it."""
    lines = template_text.splitlines()
    start = lines.index(f"{section}:")
    for number, line in enumerate(lines[start + 1 :], start + 1):
        if line and not line.startswith((" ", "#")):
            return
        if match := NAME.match(line):
            yield match[1], lines[number - 1]


def test_every_resource_says_why_it_exists(template, template_text):
    said = dict(declared(template_text, "Resources"))
    assert said.keys() == template["Resources"].keys()
    assert not [name for name, before in said.items() if not re.match(r"^  # .{20,}", before)]


def test_cloudformation_can_read_the_yaml(template_text):
    bodies = [line.split(" #")[0] for line in template_text.splitlines()]
    aliases = [line for line in bodies if re.search(r"(:|-) [&*][a-zA-Z]", line)]
    assert not aliases, "CloudFormation knows no YAML aliases"


def test_every_parameter_is_described_bounded_and_has_a_default(template):
    for name, body in template["Parameters"].items():
        assert len(body["Description"]) > 20, name
        assert "Default" in body, name
        assert body.keys() & {"AllowedValues", "AllowedPattern", "MinValue"}, f"{name} takes anything"


def test_every_default_is_allowed(template):
    for name, body in template["Parameters"].items():
        assert_allowed(name, body, body["Default"])


def assert_allowed(name, body, value):
    if "AllowedValues" in body:
        assert str(value) in map(str, body["AllowedValues"]), name
    if "AllowedPattern" in body:
        assert re.search(body["AllowedPattern"], value), name
    if "MinValue" in body:
        assert body["MinValue"] <= int(value) <= body["MaxValue"], name


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("SnapshotSchedule", "hourly"),
        ("SweepSchedule", "1 minute"),
        ("AlertEmail", "somebody"),
        ("FraudRules", "velocity: 3"),
        ("WitnessPolicy", "somebody"),
        ("CheckpointOrigin", "my ledger+1"),
        ("PermissionsBoundaryArn", "boundary"),
    ],
)
def test_a_text_of_another_shape_is_refused(template, name, refused):
    assert not re.search(template["Parameters"][name]["AllowedPattern"], refused)


def test_every_parameter_is_used(template, template_text):
    unused = [name for name in template["Parameters"] if not re.search(rf"!Ref {name}\b|\${{{name}}}", template_text)]
    assert not unused


def test_every_condition_is_used(template, template_text):
    unused = [
        name for name in template["Conditions"]
        if not re.search(rf"!If \[{name},|!If\n\s+- {name}\b|Condition: {name}\b", template_text)
    ]  # fmt: skip
    assert not unused


@pytest.fixture
def environments(root):
    config = tomllib.loads((root / "samconfig.toml").read_text())
    return {name: body for name, body in config.items() if name != "version"}


def overrides(environment):
    return dict(pair.split("=", 1) for pair in environment["deploy"]["parameters"]["parameter_overrides"].split())


def test_samconfig_sets_only_parameters_that_exist_to_values_they_allow(environments, template):
    assert environments.keys() == {"default", "production", "embedded"}
    for environment in environments.values():
        for name, value in overrides(environment).items():
            assert_allowed(name, template["Parameters"][name], value)


def test_production_keeps_what_the_defaults_protect(environments):
    assert overrides(environments["production"])["DeletionProtection"] == "true"
    assert overrides(environments["production"])["ObjectLockMode"] == "COMPLIANCE"
    assert environments["production"]["deploy"]["parameters"]["confirm_changeset"] is True


def test_the_embedded_stack_runs_on_this_kind_of_machine_without_asking(environments):
    assert overrides(environments["embedded"])["Architecture"] == "x86_64"
    assert overrides(environments["embedded"])["DeletionProtection"] == "false"
    assert environments["embedded"]["deploy"]["parameters"]["confirm_changeset"] is False


def test_the_embedded_stack_is_impatient_but_confirms_after_it_opens(environments):
    chosen = overrides(environments["embedded"])
    assert int(chosen["GapGraceSeconds"]) < int(chosen["GapConfirmSeconds"]) <= 10


def test_by_default_a_gap_opens_before_it_is_confirmed(template):
    assert template["Parameters"]["GapGraceSeconds"]["Default"] < template["Parameters"]["GapConfirmSeconds"]["Default"]


def test_every_output_names_what_a_person_looks_for(template):
    assert template["Outputs"].keys() >= {
        "LedgerUrl", "LedgerCallersPolicyArn", "NextSteps", "JournalTableName", "JournalBucketName", "ProjectionsTableName",
        "SessionsTableName", "RegistryTableName", "DataKeyAliasName", "SnapshotSigningKeyAliasName", "DataKeyId",
        "JournalStreamName", "ExportsBucketName", "SnapshotsBucketName", "FailedBatchesBucketName", "FindingsTableName",
        "HeadsTableName", "AccountStateTableName", "AlertsTableName", "CasesTableName", "AlertsTopicArn", "FindingsBusName",
        "SnapshotSigningKeyId", "CheckpointSigningKeyId", "CheckpointSigningKeyAliasName", "DashboardUrl", "RulesTableName",
    }  # fmt: skip
    assert all(body["Description"] for body in template["Outputs"].values())
