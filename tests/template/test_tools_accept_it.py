"""The tools that a person runs before a deployment have nothing to say."""

import os
import re
import subprocess

import pytest

COMMANDS = {
    "sam validate": [".tools/sam/bin/sam", "validate", "--lint", "--template-file", "template.yaml"],
    "cfn-lint": [".tools/sam/bin/cfn-lint", "--include-checks", "I", "--non-zero-exit-code", "informational", "--",
                 "template.yaml"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_the_template_passes(name, root):
    offline = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1"}
    done = subprocess.run(COMMANDS[name], cwd=root, env=offline, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_rule_of_the_linter_is_switched_off(root, template_text):
    assert not [path.name for path in root.glob(".cfnlintrc*")]
    assert not re.search(r"cfn-lint|ignore_checks", template_text)


def test_sam_adds_no_role_or_permission_of_its_own(template, expanded):
    ours = {name for name, body in template["Resources"].items() if body["Type"] == "AWS::IAM::Role"}
    made = {name for name, body in expanded.items() if body["Type"].startswith("AWS::IAM::")}
    assert made == ours
    assert not [name for name, body in expanded.items() if body["Type"] == "AWS::Lambda::Permission"]
