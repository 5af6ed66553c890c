"""What points official clients at a ledger: models, addresses, regions."""

import gzip
import json

import pytest

from counterfoil.server.client_env import MODELS, MODELS_FOR_URLS, region_of, url_env


def models(folder):
    return {
        str(path.relative_to(folder)): json.loads(gzip.decompress(path.read_bytes()))
        for path in folder.rglob("service-2.json.gz")
    }


def test_the_models_for_urls_differ_in_what_is_signed_for_alone():
    theirs, ours = models(MODELS), models(MODELS_FOR_URLS)
    assert theirs.keys() == ours.keys()
    for name, model in theirs.items():
        assert model["metadata"]["signingName"] == "qldb"
        changed = {**model, "metadata": {**model["metadata"], "signingName": "lambda"}}
        assert ours[name] == changed


def test_a_url_is_given_to_both_services_without_its_slash():
    found = url_env("https://abc.lambda-url.eu-west-1.on.aws/", "eu-west-1")
    assert found["AWS_ENDPOINT_URL_QLDB"] == found["AWS_ENDPOINT_URL_QLDB_SESSION"]
    assert found["AWS_ENDPOINT_URL_QLDB"] == "https://abc.lambda-url.eu-west-1.on.aws"
    assert found["AWS_REGION"] == "eu-west-1"
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & found.keys()


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://abc.lambda-url.eu-west-1.on.aws/", "eu-west-1"),
        ("https://abc.lambda-url.us-gov-west-1.on.aws", "us-gov-west-1"),
        ("http://127.0.0.1:8000", None),
        ("https://example.com/", None),
        ("not a url", None),
    ],
)
def test_the_region_is_read_from_the_address(url, region):
    assert region_of(url) == region
