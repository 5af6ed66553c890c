"""One event through its function, without a stack."""

import json
from pathlib import Path

import pytest

from lab import invoke

FUNCTION = """
import os

def handler(event, context):
    print("log line")
    if event == "fail":
        raise ValueError("refused")
    return {"event": event, "table": os.environ["TABLE"], "adapters": os.environ["COUNTERFOIL_ADAPTERS"]}
"""
TEMPLATE = """
Resources:
  Table: {Type: AWS::DynamoDB::Table}
  ProbeFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/probe/
      Handler: app.handler
      Timeout: 20
      Environment: {Variables: {TABLE: !Ref Table}}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one function; returns how to write an event."""
    (tmp_path / "functions" / "probe").mkdir(parents=True)
    (tmp_path / "functions" / "probe" / "app.py").write_text(FUNCTION)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    monkeypatch.setattr(invoke, "ROOT", tmp_path)
    monkeypatch.setattr(invoke, "TEMPLATE", tmp_path / "template.yaml")

    def event(name, content) -> Path:
        (tmp_path / name).write_text(content)
        return tmp_path / name

    return event


def test_the_answer_is_printed_as_json_and_the_log_goes_to_standard_error(project, capsys):
    assert invoke.main([str(project("probe__plain.json", '{"n": 1}'))]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == {"event": {"n": 1}, "table": "Table", "adapters": "memory"}
    assert "log line" in output.err


def test_a_function_error_is_printed_and_is_exit_status_one(project, capsys):
    assert invoke.main([str(project("probe__bad.json", '"fail"'))]) == 1
    assert json.loads(capsys.readouterr().out)["errorMessage"] == "refused"


@pytest.mark.parametrize(("name", "content"), [("other__case.json", "{}"), ("probe__broken.json", "{")])
def test_an_unknown_function_or_a_broken_file_is_exit_status_two(project, capsys, name, content):
    assert invoke.main([str(project(name, content))]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert name in output.err


def test_a_missing_file_is_exit_status_two(project, tmp_path):
    project("unused.json", "{}")
    assert invoke.main([str(tmp_path / "probe__missing.json")]) == 2
