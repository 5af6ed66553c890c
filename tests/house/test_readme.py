"""README's commands are run, and its library example too."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from benchmarks.journal import STRAND, transfers
from counterfoil.journal.builder import JournalBuilder

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

# What each command that a test can run ends with; the others are tests of their own, or need an AWS account or Docker.
RUN = {
    ".venv/bin/counterfoil verify receipt lab/data/aws-cli-example-receipt.json": 0,
    ".venv/bin/counterfoil verify events events/journal_auditor__aggregated.json": 0,
    ".venv/bin/counterfoil verify events events/journal_auditor__fork.json --json": 1,
    "make invoke EVENT=events/journal_auditor__fork.json": 0,
    "make build": 0,
}
ELSEWHERE = {"make demo", "make test", "make setup"}
NEEDS_MORE = (".tools/sam/bin/sam local invoke", ".tools/sam/bin/sam deploy --guided")


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [re.sub(r"\s+", " ", line.split("  #")[0]).strip() for line in lines if line.strip()]


def test_readme_leads_with_demo_and_test():
    assert commands()[:2] == ["make demo", "make test"]


def test_every_command_of_the_readme_is_known_here():
    unknown = [
        command
        for command in commands()
        if command not in {*RUN, *ELSEWHERE} and not any(part in command for part in NEEDS_MORE)
    ]
    assert unknown == []


@pytest.mark.parametrize(("command", "status"), RUN.items(), ids=str)
def test_a_command_of_the_readme_does_what_it_says(command, status):
    assert command in commands()
    done = subprocess.run(shlex.split(command), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr


def test_the_library_example_computes_the_digest(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    built = list(transfers(3))
    scope = {"blocks": [block.block_text() for block in built]}
    exec(compile(example, "README.md", "exec"), scope)
    builder = JournalBuilder(STRAND, block_hashes=[block.block_hash for block in built])
    assert str(builder.digest()) in capsys.readouterr().out
