"""A ledger whose process is killed at any moment: what was acknowledged is there, what was not is there whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from random import Random

import counterfoil
from counterfoil.adapters.sqlite.store import FILE_NAME
from counterfoil.adapters.sqlite.verification import verify_file
from tests.ledger_load import ACCOUNTS, OPENING

KILLS = 50 if os.environ.get("COUNTERFOIL_PROVE") else 4
ROOT = Path(__file__).parents[2]


def killed_at_some_moment(folder, seed, chance):
    """Run the load, kill it, and return the numbers of the transfers that it had acknowledged."""
    command = [sys.executable, "-m", "tests.ledger_load", str(folder), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.02, 0.6))
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
    # The last line may have been cut in the middle of a number.
    return {int(line) for line in said.splitlines(keepends=True) if line.endswith("\n")}


def test_every_acknowledged_transfer_survives_and_no_other_is_half_there(tmp_path):
    chance, folder, acknowledged = Random("kills"), tmp_path / "bank", set()
    for kill in range(KILLS):
        acknowledged |= killed_at_some_moment(folder, kill, chance)
        report = verify_file(folder / FILE_NAME)
        assert report.problems == []
        with counterfoil.open(folder, create=False) as ledger:
            assert ledger.digest() == report.digest
            transfers, balances = ledger.execute(state_of)
        assert acknowledged <= {each["number"] for each in transfers}
        assert balances == balances_after(transfers)
        assert sum(balances.values()) == ACCOUNTS * OPENING
    assert len(acknowledged) > KILLS


def state_of(tx):
    transfers = list(tx.execute("SELECT * FROM Transfers"))
    return transfers, {row["accountId"]: row["balance"] for row in tx.execute("SELECT * FROM Accounts")}


def balances_after(transfers):
    balances = defaultdict(lambda: OPENING, {f"ACC-{number}": OPENING for number in range(ACCOUNTS)})
    for each in transfers:
        balances[each["from"]] -= each["amount"]
        balances[each["to"]] += each["amount"]
    return dict(balances)
