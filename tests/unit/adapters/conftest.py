"""The fixtures of whoever calls AWS without AWS."""

import botocore.session
import pytest
from botocore.stub import Stubber


@pytest.fixture
def stub():
    """Makes a service's client that answers as it is told, checked against the service's own model."""

    def make(service):
        client = botocore.session.get_session().create_client(
            service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        stubber = Stubber(client)
        stubber.activate()
        return stubber

    return make
