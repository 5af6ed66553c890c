"""The demonstration in one process: what it compares, prints, leaves behind and answers. The deployed one: tests/end_to_end."""

import io
import json
from concurrent.futures import Future
from dataclasses import dataclass, replace

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from counterfoil.detection.finding import Status
from counterfoil.journal import verify_receipt
from lab.bank import BankPlan, simulate
from lab.demo import command
from lab.demo.genuine import verify_genuine
from lab.demo.pipeline import InProcess
from lab.demo.screen import Screen
from lab.demo.story import Demonstration, spaced
from lab.events.case import HANDLED_AT

SMALL = BankPlan(seed=3, transfers=200)


@pytest.fixture(scope="module")
def day():
    return simulate(SMALL)


def show_to(stream=None, **options):
    return Screen(Console(file=stream or io.StringIO(), width=100, **options))


def perform(day, pipeline=None, screen=None, evidence=None):
    prepared = Future()
    prepared.set_result(day)
    made = Demonstration(pipeline or InProcess(), screen or show_to(), 3, prepared, 0.0, evidence)
    return made.run(verify_genuine())


def test_the_genuine_block_leads_to_its_digest():
    genuine = verify_genuine()
    assert str(genuine.address) == "KmA3ZZca7vAIiJAK9S5Iwl#100"
    assert genuine.digest.hash.to_base64() == "6m6BMXobbJKpMhahwVthAEsN6awgnHK62Qq5McGP1Gk="
    assert genuine.hashes == 17


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everything_injected_is_found_and_nothing_else(seed):
    report = perform(simulate(replace(SMALL, seed=seed)))
    assert report.holds, report.comparison
    assert sum(report.comparison.expected.values()) == sum(report.comparison.found.values()) >= 27
    assert report.blocks_verified == report.blocks_delivered == report.blocks_written - 1
    assert [each.snapshot.extends for each in report.snapshots] == [None, True]
    assert report.snapshots[0].snapshot.status == "VERIFIED"
    assert report.snapshots[1].snapshot.status.startswith("DIVERGED")


@dataclass(slots=True)
class Tampered(InProcess):
    """A pipeline whose findings are changed before anybody sees them."""

    change: object = None

    def findings(self):
        return self.change(InProcess.findings(self))


def without(rule_id):
    return lambda findings: [each for each in findings if each.rule_id != rule_id]


def doubled(findings):
    return [*findings, replace(findings[-1], place="elsewhere#1")] if findings else findings


def never_confirmed(findings):
    return [replace(each, status=Status.OPEN) for each in findings]


@pytest.mark.parametrize(
    ("change", "problem"),
    [(without("fraud.structuring"), "missing"), (doubled, "extra"), (never_confirmed, "wrong_status")],
)
def test_a_finding_too_few_too_many_or_not_far_enough_is_told(day, change, problem):
    report = perform(day, Tampered(change=change))
    assert not report.holds
    assert len(getattr(report.comparison, problem)) == 1


def test_an_alert_that_did_not_come_is_told(day):
    class Mute(InProcess):
        def alerts(self):
            return [
                each for each in InProcess.alerts(self) if "fork" not in each.alert_id and "gap" not in each.alert_id
            ]

    report = perform(day, Mute())
    assert not report.holds
    assert [each.partition("@")[0] for each in report.alerts_missing] == ["audit.gap"]


def test_without_a_terminal_there_are_plain_lines(day):
    stream = io.StringIO()
    perform(day, screen=show_to(stream))
    lines = stream.getvalue().splitlines()
    assert "\x1b" not in stream.getvalue()
    assert sum("fraud.structuring" in line and "OPEN" in line for line in lines) == 1
    assert sum(line.startswith("  alert") for line in lines) >= 16
    assert any("re-hashed the block competently: audit.broken-link expected" in line for line in lines)


def test_on_a_terminal_there_is_a_bar(day):
    stream = io.StringIO()
    screen = show_to(stream, force_terminal=True)
    with screen.progress("blocks verified", 10):
        screen.advance(7)
    assert "7/10" in stream.getvalue()


def run_command(*arguments):
    app = typer.Typer()
    app.command()(command.demo)
    return CliRunner().invoke(app, ["--fast", "--transfers", "200", *arguments])


def test_json_is_one_document_on_standard_output_and_progress_goes_elsewhere():
    done = run_command("--json")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["holds"]) == (0, True)
    assert document["findings"]["injected"] == document["findings"]["found"]
    assert document["digest"]["auditor"] == document["digest"]["bank"]
    assert "A bank opens" in done.stderr


def test_a_run_that_does_not_hold_exits_with_one(monkeypatch):
    monkeypatch.setattr(command, "InProcess", lambda: Tampered(change=without("audit.gap")))
    done = run_command()
    assert done.exit_code == 1
    assert "audit.gap" in done.stdout
    assert "was not found" in done.stdout


def test_evidence_is_kept_where_it_is_asked_for(day, tmp_path):
    report = perform(day, evidence=tmp_path / "kept")
    receipt = json.loads((tmp_path / "kept" / "receipt.json").read_text())
    proved = verify_receipt(receipt)
    assert proved.digest.hash.to_base64() == report.banks_digest
    falsified = next(each.place for each in day.expected if each.rule_id == "fraud.conservation-of-money")
    assert str(proved.address) == falsified
    findings = json.loads((tmp_path / "kept" / "findings.json").read_text())
    assert len(findings) == sum(report.comparison.found.values())
    assert all(each["evidence"] or each["reason"] for each in findings)
    delivered = json.loads((tmp_path / "kept" / "attack.kinesis-event.json").read_text())
    assert delivered["Records"][0]["eventSource"] == "aws:kinesis"


def test_places_to_attack_are_well_apart():
    assert spaced([0, 2, 3, 9, 10, 16, 40], last=30) == [2, 9, 16]
    with pytest.raises(ValueError, match="too short"):
        spaced([2, 3, 4], last=30)


def test_time_in_this_process_passes_only_when_told():
    pipeline = InProcess()
    pipeline.doors.now = HANDLED_AT
    pipeline.wait(2.5)
    assert (pipeline.doors.now - HANDLED_AT).total_seconds() == 2.5
