"""docs/verify.md is true: its Python, run with the standard library alone, and its commands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab import plain_verifier, standalone

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/verify.md").read_text()
PYTHON = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines()


def run_python(text):
    command = [sys.executable, "-I", "-S", "-c", text]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_number_comes_out_of_the_page_itself():
    done = run_python(PYTHON)
    assert (done.returncode, done.stderr) == (0, "")
    assert "under the digest at block 123" in done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Everett", "Everest"),
        ("90.25", "90.26"),
        ('"version": 3', '"version": 4'),
        ("c30158", "c30159"),
        ("signed(a) <", "signed(a) >"),
    ],
)
def test_any_other_value_or_rule_leads_elsewhere(old, new):
    assert PYTHON.count(old) == 1
    assert "AssertionError" in run_python(PYTHON.replace(old, new)).stderr


def test_its_commands_do_what_it_says(tmp_path):
    """``make verifier`` is what these two do; the files they write are run from where this test may write."""
    for each in (plain_verifier, standalone):
        (tmp_path / f"{each.NAME}.py").write_text(each.render())
    for command in COMMANDS:
        words = command.replace("dist/", f"{tmp_path}/").split()
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
            continue
        program = {"counterfoil": str(Path(sys.executable).with_name("counterfoil")), "python3": sys.executable}[
            words[0]
        ]
        done = subprocess.run([program, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, "holds" in done.stdout) == (0, True), done.stderr
