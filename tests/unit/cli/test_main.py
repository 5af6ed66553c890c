"""The installed program's exit statuses where no command gets to run, or its output does not arrive."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "counterfoil"
EVENTS = Path(__file__).parents[3] / "events"


def run(*arguments, **options):
    return subprocess.run(
        [PROGRAM, *arguments], capture_output="stdout" not in options, text=True, check=False, **options
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "events"),
        ("verify", "events", "a", "b"),
        ("verify", "events", "--nonsense", "a"),
        ("verify", "nonsense"),
        ("nonsense",),
        ("verify", "snapshot", "a"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_bad_input_and_one_document_where_json_is_wanted(arguments):
    done = run(*arguments, "--json")
    assert done.returncode == 2
    answer = json.loads(done.stdout)
    assert answer["holds"] is False
    assert answer["error"]["message"]


def test_wrong_usage_is_told_to_a_person_on_standard_error():
    done = run("verify", "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nonsense" in done.stderr


def test_without_a_command_the_help_is_shown():
    done = run()
    assert done.returncode == 2
    assert "verify" in done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to write to")
def test_a_verdict_that_could_not_be_printed_is_not_a_verdict():
    with Path("/dev/full").open("w") as full:
        done = run(
            "verify", "events", EVENTS / "journal_auditor__single.json", "--json", stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 3
    assert "output" in done.stderr


def test_blocks_are_counted_once_however_often_they_come(tmp_path):
    event = json.loads((EVENTS / "journal_auditor__aggregated.json").read_text())
    path = tmp_path / "twice.json"
    path.write_text(json.dumps([event, event]))
    once = json.loads(run("verify", "events", write(tmp_path, event), "--json").stdout)
    twice = json.loads(run("verify", "events", path, "--json").stdout)
    for count in ("blocksVerified", "revisionsVerified"):
        assert twice[count] == once[count] > 0
    assert twice["duplicates"] > once["duplicates"]


def write(folder, event):
    path = folder / "once.json"
    path.write_text(json.dumps(event))
    return path
