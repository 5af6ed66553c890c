"""The tutorial, run from its first command to its last: each does what the page shows below it."""

import os
import re
import socket
import subprocess

import pytest

from tests.served import DRIVER_PYTHON, ROOT

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("driver")]

PAGE = ROOT / "docs/tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# What would need the network; the environment is one of those that `make setup` makes.
INSTALL = "python3 -m venv driver && driver/bin/pip install --quiet pyqldb==3.2.4"


def steps():
    """(language, what is run, what is shown of its output or ``None``), in order."""
    found = []
    for language, body in BLOCK.findall(PAGE.read_text()):
        if language == "text":
            found[-1] = (*found[-1][:2], body)
        else:
            found.append((language, body, None))
    return found


STEPS = steps()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def script_of(port):
    """All steps in one shell, whose jobs and variables they share; each begins with a line that is found again in the output."""
    lines = ["set -eu", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for number, (language, body, _) in enumerate(STEPS):
        lines.append(f"echo '@@{number}'")
        if language == "python":
            python = "driver/bin/python" if body.startswith("# with pyqldb") else "python"
            lines += [
                f"cat >step{number}.py <<'END_OF_STEP'",
                body.rstrip("\n"),
                "END_OF_STEP",
                f"{python} step{number}.py",
            ]
        else:
            lines.append(body)
    lines.append("wait")
    script = "\n".join(lines)
    driver = f"ln -s {DRIVER_PYTHON.parents[1]} driver"
    assert script.count(INSTALL) == 1
    return script.replace(INSTALL, driver).replace("8600", str(port)).replace("$PWD/.venv", f"{ROOT}/.venv")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each step printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["bash", "-c", script_of(free_port())],
        cwd=tmp_path_factory.mktemp("tutorial"),
        env=environment | {"AWS_EC2_METADATA_DISABLED": "true", "COLUMNS": "250"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=600,
        check=False,
    )
    found = re.split(r"^@@(\d+)\n", done.stdout, flags=re.MULTILINE)
    printed = dict(zip(map(int, found[1::2]), found[2::2], strict=True))
    assert done.returncode == 0, f"step {max(printed, default=None)}: {done.stdout[-3000:]}"
    return printed


def pattern_of(shown):
    """What is shown, ``…`` standing for anything on a line, or for any lines where it stands alone."""
    pattern = re.escape(shown).replace(r"\…", "…")
    pattern = re.sub(r"^…\\\n", lambda _: r"(?:.*\n)*", pattern, flags=re.MULTILINE)
    return pattern.replace("…", ".*")


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_a_step_prints_what_is_shown_below_it(outputs, number):
    _, body, shown = STEPS[number]
    if shown is None:
        assert outputs[number] == "", body
    else:
        assert re.fullmatch(pattern_of(shown), outputs[number]), f"{body}\nprinted\n{outputs[number]}"


def test_the_page_shows_something_for_most_of_its_steps():
    assert len(STEPS) > 15
    assert sum(shown is not None for _, _, shown in STEPS) > len(STEPS) / 2


def test_every_step_of_the_scenario_has_its_place():
    text = PAGE.read_text()
    for word in (
        "STANDARD",
        "deletion-protection",
        "Environment=Production",
        "AggregationEnabled",
        "SSE_S3",
        "TXN-003",
        "history(Accounts)",
    ):
        assert word in text
