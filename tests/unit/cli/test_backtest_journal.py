"""``counterfoil backtest`` of a journal's export: the bank's day, judged from its blocks alone."""

import json
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest

from counterfoil.detection.catalogue import catalogue
from counterfoil.journal.export_format import OutputFormat
from lab.bank import BankPlan, simulate
from tests.exports import exported

PLAN = BankPlan(seed=3, transfers=200, own_clock=False)


@pytest.fixture(scope="module")
def day():
    return simulate(PLAN)


def write_export(directory, blocks, output_format=None):
    journal = SimpleNamespace(blocks=blocks)
    whole = {
        "inclusive_start": PLAN.opened_at - timedelta(days=1),
        "exclusive_end": PLAN.opened_at + timedelta(days=60),
    }
    for key, data in exported(journal, output_format, created_at=whole["exclusive_end"], **whole).items():
        path = directory / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return directory


@pytest.fixture(scope="module")
def export(day, tmp_path_factory):
    return write_export(tmp_path_factory.mktemp("export"), day.blocks)


def told(findings, shadow):
    """Findings of the rules that are told about, by rule."""
    return Counter({rule: count for rule, count in findings.items() if rule not in shadow})


@pytest.fixture(scope="module")
def shadow():
    return {rule.rule_id for rule in catalogue() if rule.shadow}


@pytest.mark.parametrize("output_format", [OutputFormat.ION_TEXT, OutputFormat.ION_BINARY])
def test_the_day_s_frauds_are_found_in_its_export(tmp_path, day, shadow, run, output_format):
    place = write_export(tmp_path, day.blocks, output_format)
    found = run("backtest", place, "--no-model", "--json").document
    expected = Counter(each.rule_id for each in day.expected if each.rule_id.startswith("fraud."))
    assert told(found["findings"], shadow) == expected != Counter()
    assert found["patterns_total"] == 0


def labels(path, *rows):
    path.write_text("\n".join(["transactionId,isSAR,patternID,modelType", *rows]) + "\n")
    return path


def test_labels_are_by_transaction(tmp_path, day, export, run):
    fraud = next(each for each in day.expected if each.rule_id == "fraud.rapid-in-out")
    block = next(each for each in day.blocks if str(each.address) == fraud.place)
    (name,) = (each["data"]["transactionId"] for each in block.fields["revisions"] if "transactionId" in each["data"])
    file = labels(tmp_path / "labels.csv", f"{name},1,scheme,rapid", "nobody's,1,other,rapid")
    found = run("backtest", export, "--labels", file, "--no-model", "--alerts-per-step", "300", "--json").document
    assert (found["laundering"], found["patterns_total"], found["patterns_hit"]) == (1, 1, 1)
    assert found["patterns_by_typology"] == {"rapid": {"hit": 1, "total": 1}}
    without = run("backtest", export, "--no-model", "--json").document
    assert without["findings"] == found["findings"]


def test_a_configuration_says_what_documents_mean(tmp_path, export, run):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"transactions": {"table": "Elsewhere"}}))
    found = run("backtest", export, "--config", config, "--no-model", "--json").document
    assert found["transfers"] == 0
    assert run("backtest", export, "--no-model", "--json").document["transfers"] > 200


def test_what_was_before_is_judged_and_not_scored(export, run):
    found = run("backtest", export, "--warm-up", export, "--from-step", "1", "--no-model", "--json").document
    assert (found["transfers"], found["findings"]) == (0, {})


def test_an_altered_export_is_not_judged(tmp_path, day, run):
    place = write_export(tmp_path, day.blocks)
    data = max(place.rglob("*.ion"), key=lambda each: each.stat().st_size)
    data.write_bytes(data.read_bytes().replace(b"ACC-", b"BCC-", 1))
    answer = run("backtest", place, "--no-model")
    assert (answer.status, answer.out) == (1, "")


def test_an_export_that_lacks_a_block_is_not_judged(tmp_path, day, run):
    blocks = [each for each in day.blocks if each.address.sequence_no != 20]
    answer = run("backtest", write_export(tmp_path, blocks), "--no-model")
    assert (answer.status, answer.out) == (1, "")
    assert "does not follow" in answer.err


def test_an_export_in_json_is_refused(tmp_path, day, run):
    answer = run("backtest", write_export(tmp_path, day.blocks, OutputFormat.JSON), "--no-model")
    assert (answer.status, answer.out) == (2, "")
    assert "JSON" in answer.err


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([",1,p,1"], "without a transaction id"),
        (["T-1,1,p,1", "T-1,0,,"], "twice"),
        (["T-1,2,p,1"], "isSAR"),
        (["T-1,1"], "line 2"),
    ],
)
def test_labels_that_cannot_be_are_refused(tmp_path, export, run, rows, said):
    answer = run("backtest", export, "--labels", labels(tmp_path / "labels.csv", *rows), "--no-model")
    assert (answer.status, answer.out) == (2, "")
    assert said in answer.err


def test_options_of_an_export_are_none_of_a_csv(tmp_path, export, run):
    csv = tmp_path / "t.csv"
    csv.write_text("step\n")
    for options in (("--labels", csv), ("--config", csv), ("--warm-up", export)):
        answer = run("backtest", csv, *options)
        assert (answer.status, answer.out) == (2, "")
