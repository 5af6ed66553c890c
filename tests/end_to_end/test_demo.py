"""``counterfoil demo`` on the deployed ledger and the embedded stack: all found, with evidence that holds, and nothing left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("demo")]

COMMAND = [str(Path(sys.executable).parent / "counterfoil"), "demo", "--json", "--transfers", "200"]
# Far beyond what it takes on two busy cores, builds included.
DEADLINE = 600


def run_demo(scratch: Path, *options: str):
    environment = {**os.environ, "TMPDIR": str(scratch)}
    command = [*COMMAND, *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE)


def processes_of(scratch: Path) -> list[str]:
    """Command lines of processes that were started with the folder in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(scratch).encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except (OSError, ValueError):
            continue
    return found


def wait_for(condition):
    limit = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < limit, "nothing happened"
        time.sleep(0.1)


def driver_is_at_work(scratch: Path) -> bool:
    return any("driver_client.py" in each for each in processes_of(scratch))


@pytest.mark.parametrize(
    ("signal_number", "begun"),
    [
        (signal.SIGINT, lambda scratch: len(processes_of(scratch)) > 2),
        (signal.SIGTERM, driver_is_at_work),
    ],
)
def test_a_run_that_is_broken_off_leaves_nothing_either(tmp_path, signal_number, begun):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(COMMAND, env=environment, start_new_session=True, **output) as running:
        wait_for(lambda: begun(tmp_path))
        running.send_signal(signal_number)
        assert running.wait(DEADLINE) == 128 + signal_number
    wait_for(lambda: processes_of(tmp_path) == [])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory):
    """What a whole run printed, where it kept its evidence, and the folder that was its own."""
    folder = tmp_path_factory.mktemp("demonstration")
    scratch, kept = folder / "scratch", folder / "kept"
    scratch.mkdir()
    done = run_demo(scratch, "--keep", str(kept))
    assert done.returncode == 0, done.stderr[-3_000:]
    return json.loads(done.stdout), kept, scratch


def test_the_demonstration_finds_everything_and_leaves_nothing(demonstration):
    document, _, scratch = demonstration
    assert document["holds"] is True
    assert document["pipeline"] == "the template, deployed to the embedded stack"
    assert document["findings"]["injected"] == document["findings"]["found"]
    assert document["findings"]["missing"] == document["findings"]["extra"] == []
    assert document["blocks"]["verified"] == document["blocks"]["delivered"] == document["blocks"]["written"] - 1
    assert all(each["location"].startswith("s3://") and each["signatureHolds"] for each in document["snapshots"])
    assert [each["extends"] for each in document["snapshots"]] == [None, True]
    assert processes_of(scratch) == []
    assert list(scratch.iterdir()) == []


def test_the_ledgers_own_evidence_agrees_with_the_auditors(demonstration):
    """The evidence that was kept is verified offline."""
    document, kept, _ = demonstration
    assert document["ledger"]["sessions"] == 4
    assert document["ledger"]["transactions"] == document["blocks"]["written"] > document["ledger"]["transfers"] > 280
    assert document["digest"]["auditor"] == document["digest"]["ledger"] == document["receipt"]["digest"]
    assert document["digest"]["auditor"] == document["snapshots"][0]["digest"]
    receipt = verified("receipt", kept / "receipt.json")
    assert receipt["digest"] == document["digest"]["ledger"]
    export = verified("export", kept / "export", "--digest", kept / "digest.json")
    assert export["exports"][0]["digestCompared"] is True


def verified(*arguments):
    """What ``counterfoil verify`` says of it; it must hold."""
    command = [COMMAND[0], "verify", *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
