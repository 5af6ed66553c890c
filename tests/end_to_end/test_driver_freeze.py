"""An account is frozen while QLDB's official driver, unmodified, moves its money: the next transfer stops, and says why."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.served import COUNTERFOIL, DRIVER_PYTHON, Served

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("driver")]

PROGRAM = Path(__file__).parent / "driver" / "freeze.py"


class Teller:
    def __init__(self, served):
        self.process = subprocess.Popen(
            [DRIVER_PYTHON, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=served.environment()
        )

    def __call__(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture
def served(tmp_path):
    with Served(tmp_path / "data") as served:
        yield served


def counterfoil(served, *arguments):
    command = [COUNTERFOIL, *arguments, "--endpoint", served.url, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


BY = ("--author", "Ada", "--reason", "structuring was found")


def test_the_next_transfer_of_a_frozen_account_stops_and_a_person_lets_it_go_on(served):
    counterfoil(served, "ledger", "create", "bank", "--permissions-mode", "ALLOW_ALL")
    shell = [COUNTERFOIL, "shell", "bank", "--endpoint", served.url]
    subprocess.run(shell, input="CREATE TABLE Transactions", text=True, check=True, timeout=60, capture_output=True)
    teller = Teller(served)
    try:
        assert teller("transfer") == {"error": None, "attempts": 1}
        assert teller("begin") == {"begun": True}
        counterfoil(served, "findings", "freeze", "bank", "ACC-1", *BY)
        overtaken = teller("go on")
        assert (overtaken["error"], overtaken["attempts"]) == ("BadRequestException", 2), "a conflict, then the freeze"
        stopped = teller("transfer")
        assert (stopped["error"], stopped["attempts"]) == ("BadRequestException", 1), "no driver tries that again"
        assert "account ACC-1 is frozen by document" in stopped["says"]
        assert teller("other") == {"error": None, "attempts": 1}
        counterfoil(served, "findings", "unfreeze", "bank", "ACC-1", "--author", "Bob", "--reason", "it was payroll")
        assert teller("transfer") == {"error": None, "attempts": 1}
    finally:
        teller.close()
