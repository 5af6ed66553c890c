"""`counterfoil rules`: each command once, as a person and as a program read it."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from counterfoil.adapters.memory import MemoryFindings
from counterfoil.adapters.memory.rules import MemoryRules
from counterfoil.cli import rules
from counterfoil.errors import InputError
from counterfoil.services.rules import RuleDesk
from tests.audit_worlds import NOW
from tests.rule_documents import changed

ID = "test.round-amounts"


@pytest.fixture
def run(monkeypatch):
    findings = MemoryFindings()
    desk = SimpleNamespace(rules=RuleDesk(MemoryRules(), findings, lambda: NOW), findings=findings)
    monkeypatch.setattr(rules, "desk", lambda *_, **__: desk)

    def run(*words):
        result = CliRunner().invoke(rules.app, [str(word) for word in words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.output) if "--json" in words else result.output

    run.findings = findings
    return run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rule.json"
    path.write_text(json.dumps(changed(id=ID, status="shadow")))
    return path


def test_a_rule_goes_its_way_from_a_file_to_being_active(run, file):
    assert "is sound" in run("validate", file)
    assert run("validate", file, "--json")["version"] == 1
    assert "submit test.round-amounts version 1 by ann: seen" in run(
        "submit", file, "--author", "ann", "--reason", "seen"
    )
    with pytest.raises(InputError, match="somebody else"):
        run("approve", ID, "--author", "ann")
    assert run("approve", ID, "--author", "bob", "--json")["event"]["act"] == "approve"
    assert f"{ID}  newest 1, active 1" in run("list")
    assert run("show", ID, "--json")["document"]["id"] == ID
    assert '"trailing_zeros >= 3"' in run("show", ID, "--version", 1)
    run("pause", ID, "--author", "eve", "--reason", "too many")
    assert [each["act"] for each in run("history", ID, "--json")["events"]] == ["submit", "approve", "pause"]
    assert "pause test.round-amounts version 1 by eve: too many" in run("history", ID)
    assert {each["status"] for each in run("list", "--json")["rules"] if each["rule_id"] == ID} == {"paused"}


def test_an_override_is_told(run, file):
    run("submit", file, "--author", "ann")
    run("approve", ID, "--author", "ann", "--override", "--reason", "now")
    assert [each.rule_id for each in run.findings.findings.values()] == ["audit.rule-override"]


def test_what_cannot_be_read_is_named(run, file, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        run("validate", tmp_path / "none.json")
    run("submit", file, "--author", "ann")
    with pytest.raises(InputError, match="no version 9"):
        run("show", ID, "--version", "9")


def test_a_list_is_checked_too(run, tmp_path):
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"id": "list.watch-list", "version": 1, "owner": "o", "entries": ["X-1"]}))
    assert "list.watch-list version 1 is sound" in run("validate", path)
