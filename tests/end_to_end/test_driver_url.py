"""QLDB's official drivers, unmodified, against a function's URL that verifies signatures for `lambda`; two instances are behind it."""

import json
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from counterfoil.server.client_env import MODELS
from tests.end_to_end.test_driver_python import CASES
from tests.served import DRIVER_PYTHON, NODE, NODE_DRIVER
from tests.served_url import ServedUrl

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("driver-url")]

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def report():
    """What each case of the Python driver ended with: ``None``, or how it failed."""
    with ServedUrl() as served:
        done = subprocess.run(
            [DRIVER_PYTHON, HERE / "driver/cases.py"],
            env=served.environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert min(served.calls) > 100
    return {each["case"]: each["error"] for each in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("case", CASES)
def test_the_python_driver(case, report):
    assert report[case] is None, report[case]


def test_the_node_driver():
    with ServedUrl() as served:
        served.client().create_ledger(Name="people", PermissionsMode="ALLOW_ALL")
        environment = served.environment(NODE_PATH=str(NODE_DRIVER / "node_modules"), SIGNING_NAME="lambda")
        environment["AWS_ENDPOINT_URL"] = served.url
        done = subprocess.run(
            [NODE, HERE / "node/session.cjs", "people"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
    assert found["selected"] == ['{name:"Ada",age:37,balance:1.50}']
    assert (found["attempts"], found["conflict"]) == (2, "OccConflictException")
    assert (found["caught"], found["afterCaught"]) == ("BadRequestException", ["70"])
    assert (found["streamed"], found["counted"]) == (sum(range(450)), 450)


def test_models_that_sign_for_qldb_are_refused_and_so_is_a_wrong_secret():
    with ServedUrl() as served:
        served.client().create_ledger(Name="people", PermissionsMode="ALLOW_ALL")
        for client in (served.client(models=MODELS), served.client(secret="another")):
            with pytest.raises(ClientError) as caught:
                client.list_ledgers()
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
