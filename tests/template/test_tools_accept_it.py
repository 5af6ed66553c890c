"""The tools that a person runs before a deployment have nothing to say."""

import json
import os
import re
import subprocess

import pytest
import yaml

COMMANDS = {
    "sam validate": [".tools/sam/bin/sam", "validate", "--lint", "--template-file", "template.yaml"],
    "cfn-lint": [".tools/sam/bin/cfn-lint", "--include-checks", "I", "--non-zero-exit-code", "informational", "--",
                 "template.yaml", "qldb.yaml", "standby.yaml"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_the_template_passes(name, root):
    offline = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1"}
    done = subprocess.run(COMMANDS[name], cwd=root, env=offline, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# Where a rule of the linter may be switched off at all: the types of a service that AWS has no more.
SWITCHED_OFF = {"template.yaml": [], "standby.yaml": [], "qldb.yaml": ["E3710", "E3710, E1020"]}


@pytest.mark.parametrize("name", SWITCHED_OFF)
def test_no_rule_of_the_linter_is_switched_off_but_where_qldb_is_named(name, root):
    text = (root / name).read_text()
    assert not [path.name for path in root.glob(".cfnlintrc*")]
    assert re.findall(r"ignore_checks: \[([^]]*)\]", text) == SWITCHED_OFF[name]
    assert len(re.findall(r"{cfn-lint:|ignore_checks", text)) == 2 * len(SWITCHED_OFF[name])


def test_sam_adds_no_role_or_permission_of_its_own(template, expanded):
    assert rights_in(expanded) == rights_in(template["Resources"])


def rights_in(resources):
    return {
        name
        for name, body in resources.items()
        if body["Type"].startswith("AWS::IAM::") or body["Type"] == "AWS::Lambda::Permission"
    }


def test_checkov_finds_what_is_excepted_with_a_reason_and_nothing_else(root, tmp_path):
    """Run without the exceptions (it reads them where it is started), so that one which nothing needs is found out too."""
    config = yaml.safe_load((root / ".checkov.yaml").read_text())
    files = [argument for name in config["file"] for argument in ("-f", root / name)]
    settings = ["--framework", "cloudformation", "--skip-download", "-o", "json"]
    command = [root / ".tools/checkov/bin/checkov", *files, *settings]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    results = json.loads(done.stdout)["results"]
    assert len(results["passed_checks"]) > 100
    assert {each["check_id"] for each in results["failed_checks"]} == set(config["skip-check"])


def test_every_exception_of_checkov_has_its_reason_above_it(root):
    listed = (root / ".checkov.yaml").read_text().partition("skip-check:\n")[2].splitlines()
    for number, line in enumerate(listed):
        assert not line.startswith("  - ") or listed[number - 1].startswith("  # "), line


def test_every_template_is_looked_at(root):
    """A template is a file of the root with resources."""
    config = yaml.safe_load((root / ".checkov.yaml").read_text())
    assert set(config["file"]) == {path.name for path in root.glob("*.yaml") if "\nResources:\n" in path.read_text()}
