"""QLDB's official Python driver, unmodified (pyqldb 3.2.4), against a served ledger: its own integration cases, written anew."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.served import DRIVER_PYTHON, Served

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("driver")]

HERE = Path(__file__).parent / "driver"
CASES = re.findall(r"^@case\ndef (\w+)", (HERE / "cases.py").read_text(), flags=re.MULTILINE)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What each case ended with: ``None``, or how it failed."""
    with Served(tmp_path_factory.mktemp("driver") / "data") as served:
        done = subprocess.run(
            [DRIVER_PYTHON, HERE / "cases.py"],
            env=served.environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert served.stop() == ""
    return {each["case"]: each["error"] for each in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("case", CASES)
def test_the_driver(case, report):
    assert report[case] is None, report[case]


def test_there_are_as_many_cases_as_the_driver_has():
    assert len(CASES) == 25


def test_the_values_are_those_of_the_driver(shared_vectors):
    listed = (shared_vectors / "partiql/driver-ion-values.ion").read_text().splitlines()
    text = (HERE / "ion_values.py").read_text()
    names = {}
    exec(compile(text, "ion_values.py", "exec"), names)
    assert list(names["VALUES"]) == [line for line in listed if line and not line.startswith("//")]
