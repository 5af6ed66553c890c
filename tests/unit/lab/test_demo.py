"""The demonstration in one process: what it compares, prints, leaves behind and answers. The deployed one: tests/end_to_end."""

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from counterfoil.detection.finding import Status
from counterfoil.journal import verify_receipt
from lab.bank import BankPlan, simulate
from lab.demo import command
from lab.demo.bank import BuiltBank
from lab.demo.genuine import verify_genuine
from lab.demo.pipeline import InProcess
from lab.demo.report import DemoReport
from lab.demo.screen import Screen
from lab.demo.story import Demonstration, spaced
from lab.events.case import HANDLED_AT
from lab.expectation import Expected, FindingKey, compare

SMALL = BankPlan(seed=3, transfers=200)


@pytest.fixture(scope="module")
def day():
    return simulate(SMALL)


def show_to(stream=None, **options):
    return Screen(Console(file=stream or io.StringIO(), width=100, **options))


def perform(day, pipeline=None, screen=None, evidence=None):
    pipeline = pipeline or InProcess()
    made = Demonstration(pipeline, BuiltBank(day, pipeline), screen or show_to(), 3, 0.0, evidence)
    return made.run(verify_genuine())


class Performed(NamedTuple):
    report: DemoReport
    output: str
    evidence: Path


@pytest.fixture(scope="module")
def performed(day, tmp_path_factory):
    stream, evidence = io.StringIO(), tmp_path_factory.mktemp("demo") / "kept"
    return Performed(perform(day, screen=show_to(stream), evidence=evidence), stream.getvalue(), evidence)


def test_the_genuine_block_leads_to_its_digest():
    genuine = verify_genuine()
    assert str(genuine.address) == "KmA3ZZca7vAIiJAK9S5Iwl#100"
    assert genuine.digest.hash.to_base64() == "6m6BMXobbJKpMhahwVthAEsN6awgnHK62Qq5McGP1Gk="
    assert genuine.hashes == 17


def assert_all_found(report):
    assert report.holds, report.comparison
    assert sum(report.comparison.expected.values()) == sum(report.comparison.found.values()) >= 27
    assert report.blocks_verified == report.blocks_delivered == report.activity.transactions - 1
    assert [each.snapshot.extends for each in report.snapshots] == [None, True]
    assert report.snapshots[0].snapshot.status == "VERIFIED"
    assert report.snapshots[1].snapshot.status.startswith("DIVERGED")


def test_everything_injected_is_found_and_nothing_else(performed):
    assert_all_found(performed.report)


def test_so_it_is_with_another_seed():
    assert_all_found(perform(simulate(replace(SMALL, seed=1))))


@dataclass(slots=True)
class Tampered(InProcess):
    """A pipeline whose findings are changed before anybody sees them."""

    change: object = None

    def findings(self):
        return self.change(InProcess.findings(self))


def without(rule_id):
    return lambda findings: [each for each in findings if each.rule_id != rule_id]


GAP = FindingKey("audit.gap", "strand#4", None)
EXPECTED_GAP = Expected(*GAP[:2], "a block was dropped", status=Status.CONFIRMED)


@pytest.mark.parametrize(
    ("found", "missing", "extra", "wrong_status"),
    [
        ([(GAP, Status.CONFIRMED)], 0, 0, 0),
        ([], 1, 0, 0),
        ([(GAP, Status.CONFIRMED), (GAP, Status.CONFIRMED)], 0, 1, 0),
        ([(GAP._replace(place="strand#5"), Status.CONFIRMED)], 1, 1, 0),
        ([(GAP._replace(account_id="ACC-1"), Status.CONFIRMED)], 1, 1, 0),
        ([(GAP, Status.OPEN)], 0, 0, 1),
    ],
)
def test_a_finding_too_few_too_many_or_not_far_enough_is_told(found, missing, extra, wrong_status):
    comparison = compare([EXPECTED_GAP], found)
    assert (len(comparison.missing), len(comparison.extra), len(comparison.wrong_status)) == (
        missing,
        extra,
        wrong_status,
    )
    assert comparison.holds == (missing == extra == wrong_status == 0)


def test_an_alert_that_did_not_come_is_told(day):
    class Mute(InProcess):
        def alerts(self):
            return [
                each for each in InProcess.alerts(self) if "fork" not in each.alert_id and "gap" not in each.alert_id
            ]

    report = perform(day, Mute())
    assert not report.holds
    assert [each.partition("@")[0] for each in report.alerts_missing] == ["audit.gap"]


def test_without_a_terminal_there_are_plain_lines(performed):
    lines = performed.output.splitlines()
    assert "\x1b" not in performed.output
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
    assert document["digest"]["auditor"] == document["digest"]["ledger"]
    assert "A bank opens" in done.stderr


def test_a_run_that_does_not_hold_exits_with_one(monkeypatch):
    monkeypatch.setattr(command, "InProcess", lambda: Tampered(change=without("audit.gap")))
    done = run_command()
    assert done.exit_code == 1
    assert "audit.gap" in done.stdout
    assert "was not found" in done.stdout


def test_evidence_is_kept_where_it_is_asked_for(day, performed):
    findings, receipt, delivered = (
        json.loads((performed.evidence / name).read_text())
        for name in ("findings.json", "receipt.json", "attack.kinesis-event.json")
    )
    proved = verify_receipt(receipt)
    assert proved.digest.hash.to_base64() == performed.report.ledgers_digest
    falsified = next(each.place for each in day.expected if each.rule_id == "fraud.conservation-of-money")
    assert str(proved.address) == falsified
    assert len(findings) == sum(performed.report.comparison.found.values())
    assert all(each["evidence"] for each in findings)
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


def test_the_ways_to_look_further_lead_to_what_was_kept():
    kept = command.further(Path("kept"))
    assert not any("export" in each for each in kept.values())
    assert "counterfoil verify export kept/export" in command.further(Path("kept"), exported=True).values()
    assert "counterfoil demo --keep FOLDER" in command.further(None).values()
