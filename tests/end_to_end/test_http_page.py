"""docs/http.md, run from its first command to its last: each prints what the page shows below it, but for the names it draws."""

import re
import socket
import subprocess

import pytest

from counterfoil.protocol.one_shot import ATTEMPTS, MAX_RESULT_BYTES
from counterfoil.server.transactions import MAX_KEY_CHARACTERS
from tests.served import COUNTERFOIL, ROOT
from tests.served_url import ServedUrl

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("driver-url")]

PAGE = (ROOT / "docs/http.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAME = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{22}(?![A-Za-z0-9])")


def steps():
    """(what is run, what is shown of its output), in order."""
    found = []
    for language, body in BLOCK.findall(PAGE):
        if language == "text":
            found[-1] = (found[-1][0], body)
        else:
            found.append((body, ""))
    return found


def plain(text):
    """Without line breaks, which depend on nothing, and with one name in place of all."""
    return NAME.sub("_", text.replace("\n", ""))


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each step prints."""
    lines = ["set -u", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for number, (body, _) in enumerate(steps()):
        lines += [f"echo '@@{number}'", body]
    script = "\n".join(lines).replace("8600", str(free_port()))
    with ServedUrl() as served:
        served.client().create_ledger(Name="bank", PermissionsMode="ALLOW_ALL")
        environment = served.environment(URL=served.url)
        environment["PATH"] = f"{COUNTERFOIL.parent}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path_factory.mktemp("http"),
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    return re.split(r"@@\d+\n", done.stdout)[1:], done.stderr


@pytest.mark.parametrize("number", range(len(steps())))
def test_a_step_prints_what_the_page_shows(number, printed):
    outputs, errors = printed
    assert plain(outputs[number]) == plain(steps()[number][1]), errors


def test_the_numbers_of_the_page_are_those_of_the_code():
    assert f"of up to {MAX_KEY_CHARACTERS} characters" in PAGE
    assert ATTEMPTS == 6
    assert "six times in a row" in PAGE
    assert MAX_RESULT_BYTES == 2 * 1024 * 1024
    assert "at most 2 MiB" in PAGE
