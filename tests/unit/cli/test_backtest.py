"""``counterfoil backtest``: what it prints for machines and for people, and what it refuses."""

import json

import pytest

from counterfoil.adapters.labelled_transfers import COLUMNS
from counterfoil.detection.catalogue import documents

KEYS = {
    "precision",
    "recall",
    "average_precision",
    "auc",
    "patterns_hit",
    "patterns_total",
    "alerts",
    "delay_steps_median",
}


def write(path, first, last):
    lines = [",".join(COLUMNS)]
    for step in range(first, last):
        lines += [f"{step},TRANSFER,10.00,{k},{k + 10},50.00,40.00,50.00,60.00,0,-1,0" for k in range(4)]
        if step % 4 == 3:
            lines += [
                f"{step},TRANSFER,20.00,{step * 20 + k},99,50.00,30.00,50.00,70.00,1,{step},2" for k in range(30, 36)
            ]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_rules(directory, *, keep):
    directory.mkdir()
    for document in documents():
        if keep(document.id):
            (directory / f"{document.id}.json").write_text(json.dumps(document.render()))
    return directory


@pytest.fixture
def files(tmp_path):
    return write(tmp_path / "before.csv", 0, 4), write(tmp_path / "scored.csv", 4, 12)


def test_json_has_the_figures(files, run):
    before, scored = files
    found = (run("backtest", "--warm-up", before, scored, "--no-model", "--alerts-per-step", "6", "--json")).document
    assert set(found) >= KEYS
    assert (found["patterns_hit"], found["patterns_total"], found["delay_steps_median"]) == (2, 2, 0.0)
    assert found["recall"] == pytest.approx(10 / 12, abs=1e-4)
    assert found["rules"]["fraud.fan-in"]["patterns_hit"] == 2
    assert found["patterns_by_typology"] == {"fan_in": {"hit": 2, "total": 2}}


def test_one_file_in_two_parts_is_the_two_files(tmp_path, files, run):
    before, scored = files
    whole = write(tmp_path / "whole.csv", 0, 12)
    parts = (run("backtest", "--warm-up", before, scored, "--no-model", "--json")).document
    assert (run("backtest", whole, "--from-step", "4", "--no-model", "--json")).document == parts


def test_two_sets_of_rules_are_compared(tmp_path, files, run):
    _, scored = files
    network = write_rules(tmp_path / "network", keep=lambda name: name in {"fraud.fan-in", "fraud.scatter-gather"})
    other = write_rules(tmp_path / "other", keep=lambda name: name == "fraud.fan-out")
    found = (run("backtest", scored, "--no-model", "--rules", network, "--against", other, "--json")).document
    assert found["patterns_hit"] == 2
    assert found["against"]["patterns_hit"] == 0
    assert found["against"]["alerts_only_here"] == found["alerts"] > 0


def test_people_see_a_table(files, run):
    shown = run("backtest", files[1], "--no-model").out
    assert "fraud.fan-in" in shown
    assert "fan_in: 2 of 2 patterns hit" in shown


@pytest.mark.parametrize(
    "options",
    [("--rules", "absent"), ("--model", "absent.json"), ("--alerts-per-step", "0"), ("--warm-up", "absent.csv")],
)
def test_what_is_not_there_is_refused(files, run, options):
    answer = run("backtest", files[1], *options)
    assert (answer.status, answer.out) == (2, "")
    assert options[1] in answer.err or options[0] in answer.err
