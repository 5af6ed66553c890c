"""QLDB's official Node driver, unmodified (amazon-qldb-driver-nodejs 3.1.0), against a served ledger."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.served import NODE, NODE_DRIVER, Served

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("driver")]

SCRIPT = Path(__file__).parent / "node/session.cjs"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("node") / "data") as served:
        served.client().create_ledger(Name="people", PermissionsMode="ALLOW_ALL")
        environment = served.environment(NODE_PATH=str(NODE_DRIVER / "node_modules"))
        done = subprocess.run(
            [NODE, SCRIPT, "people"], env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        assert served.stop() == ""
    return json.loads(done.stdout)


def test_it_creates_inserts_updates_and_selects(found):
    assert found["created"] == found["inserted"] == found["updated"] == 1
    assert found["tables"] == ["People"]
    assert found["selected"] == ['{name:"Ada",age:37,balance:1.50}']


def test_a_transaction_in_conflict_is_run_again_on_what_is_there_then(found):
    assert found["attempts"] == 2
    assert found["afterConflict"] == ["51"]


def test_without_retries_it_is_told_of_the_conflict(found):
    assert found["conflict"] == "OccConflictException"


def test_a_mistake_is_told_with_its_place(found):
    name, message = found["mistake"]
    assert name == "BadRequestException"
    assert message.startswith("Parser Error: at line 1, column 10: ")


def test_an_error_may_be_caught_and_the_rest_committed(found):
    assert found["caught"] == "BadRequestException"
    assert found["afterCaught"] == ["70"]


def test_results_of_several_pages_are_read_to_the_end(found):
    assert found["streamed"] == sum(range(450))
    assert found["counted"] == 450
