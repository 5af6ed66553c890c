"""Every port's adapters under one suite: memory, and AWS's on the emulator.

Tables and buckets are made with the keys of template.yaml, each anew for a test. Tests on the emulator carry the mark
``end_to_end``; ``pytest -m "not end_to_end"`` leaves them out.
"""

import socket
from itertools import count
from pathlib import Path

import pytest
import yaml
from botocore.config import Config
from botocore.session import get_session

from lab.emulator import Emulator
from tests.imported_ledgers import DynamoDbPlace, SqlitePlace

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"
ON_EMULATOR = [pytest.mark.end_to_end, pytest.mark.xdist_group("emulator")]
BOTH = ["memory", pytest.param("aws", marks=ON_EMULATOR)]
AWS = [pytest.param("aws", marks=ON_EMULATOR)]
GONE = ["gone"]
KEY_PROPERTIES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
NUMBERS = count(1)


class Loader(yaml.SafeLoader):
    """Reads the template's plain values; what CloudFormation computes is of no concern here."""


Loader.add_multi_constructor("!", lambda *_: None)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="session")
def clients(emulator):
    """Clients of the emulator by the name of their service, one each."""
    made = {
        name: emulator.client(name) for name in ("dynamodb", "s3", "kms", "sns", "events", "sqs", "lambda", "kinesis")
    }
    return made.__getitem__


@pytest.fixture(scope="session")
def resources():
    return yaml.load(TEMPLATE.read_text(), Loader)["Resources"]


@pytest.fixture
def make_ddb_table(clients, resources):
    """Makes the table of a logical id of the template, empty."""

    def make(logical_id):
        properties = resources[logical_id]["Properties"]
        name = f"{logical_id}-{next(NUMBERS)}"
        keys = {key: properties[key] for key in KEY_PROPERTIES if key in properties}
        clients("dynamodb").create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **keys)
        return name

    return make


@pytest.fixture
def make_bucket(clients):
    def make(*, lock=False):
        name = f"bucket-{next(NUMBERS)}"
        clients("s3").create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        return name

    return make


@pytest.fixture(scope="session")
def gone():
    """Clients of an AWS that does not answer: a port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{probe.getsockname()[1]}"
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, s3={"addressing_style": "path"})
    session = get_session()
    session.set_credentials("test", "test")
    made = {}

    def client(service):
        if service not in made:
            made[service] = session.create_client(
                service, endpoint_url=endpoint, region_name="us-east-1", config=config
            )
        return made[service]

    yield client
    for each in made.values():
        each.close()


@pytest.fixture(params=["sqlite", "dynamodb"])
def place(request, tmp_path):
    """Where a ledger is imported to: into a folder, and into the tables of a stack."""
    return SqlitePlace(tmp_path) if request.param == "sqlite" else DynamoDbPlace.make()


@pytest.fixture
def stack():
    """The tables of a stack to import into."""
    return DynamoDbPlace.make()
