"""Documents into a ledger through its function's URL: signed, once for each key, and refused is told from away."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import EndpointConnectionError

from counterfoil.adapters.ledger_door import UrlLedgerDoor
from counterfoil.adapters.memory.registry import MemoryLedgerRegistry
from counterfoil.errors import InputError, UnavailableError
from counterfoil.ledger.registry import LedgerState, PermissionsMode, RegisteredLedger
from tests.function_urls import JSON_HEADERS, Url

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
KEYS = Credentials("AKID", "secret")
DOCUMENT = {"accountId": "ACC-1", "frozen": True, "amount": "90.00"}


class Through:
    """Sends requests to the ledger's own function, in this process."""

    def __init__(self, url):
        self.url, self.sent = url, []

    def send(self, request):
        self.sent.append(request)
        status, _, body = self.url.request("POST", "/transactions", request.body, JSON_HEADERS)
        return SimpleNamespace(status_code=status, content=json.dumps(body).encode())


@pytest.fixture
def url():
    url = Url()
    url.call("POST", "/ledgers", {"Name": "bank", "PermissionsMode": "ALLOW_ALL"})
    return url


def door(http, registry=None):
    return UrlLedgerDoor(registry or MemoryLedgerRegistry(), "https://ledger.example/", "eu-west-1", KEYS, http)


def rows(url, text):
    body = json.dumps({"ledger": "bank", "statements": [{"statement": text}]}).encode()
    status, _, answer = url.request("POST", "/transactions", body, JSON_HEADERS)
    assert status == 200, answer
    return answer["results"][0]["rows"]


def test_a_document_is_inserted_once_for_its_key(url):
    rows(url, "CREATE TABLE AccountFreezes")
    through = Through(url)
    first, again = (door(through).insert("bank", "AccountFreezes", DOCUMENT, "key-1") for _ in range(2))
    assert first == again
    other = door(through).insert("bank", "AccountFreezes", DOCUMENT, "key-2")
    assert other != first
    assert rows(url, "SELECT f.* FROM AccountFreezes AS f") == [DOCUMENT] * 2


def test_requests_are_signed_for_the_function_s_url(url):
    rows(url, "CREATE TABLE AccountFreezes")
    through = Through(url)
    door(through).insert("bank", "AccountFreezes", DOCUMENT, "key-1")
    (request,) = through.sent
    assert request.url == "https://ledger.example/transactions"
    assert "/eu-west-1/lambda/aws4_request" in request.headers["Authorization"]
    assert "Credential=AKID/" in request.headers["Authorization"]


def test_a_key_that_stands_for_another_document_is_for_a_person(url):
    rows(url, "CREATE TABLE AccountFreezes")
    door(Through(url)).insert("bank", "AccountFreezes", DOCUMENT, "key-1")
    with pytest.raises(InputError, match="422"):
        door(Through(url)).insert("bank", "AccountFreezes", {"accountId": "ACC-2"}, "key-1")


@pytest.mark.parametrize("ledger", ["bank", "gone"])
def test_a_table_or_ledger_that_is_not_there_may_be_made(url, ledger):
    with pytest.raises(UnavailableError, match=f"{ledger} did not take a document of AccountFreezes: 4"):
        door(Through(url)).insert(ledger, "AccountFreezes", DOCUMENT, "key-1")


@pytest.mark.parametrize("content", [b"", b"<html>", b"[1]"])
def test_what_is_no_answer_of_the_ledger_is_no_success(content):
    http = SimpleNamespace(send=lambda _: SimpleNamespace(status_code=502, content=content))
    with pytest.raises(UnavailableError):
        door(http).insert("bank", "AccountFreezes", DOCUMENT, "key-1")


def test_a_ledger_that_does_not_answer_is_unavailable():
    def send(_):
        raise EndpointConnectionError(endpoint_url="https://ledger.example/")

    with pytest.raises(UnavailableError):
        door(SimpleNamespace(send=send)).insert("bank", "AccountFreezes", DOCUMENT, "key-1")


def test_a_strand_is_an_active_ledger_s_or_nobody_s():
    registry = MemoryLedgerRegistry()
    for number in range(230):
        state = LedgerState.DELETING if number == 7 else LedgerState.ACTIVE
        ledger = RegisteredLedger(
            f"ledger-{number:03}", f"strand-{number}", NOON, state, PermissionsMode.ALLOW_ALL, deletion_protection=False
        )
        registry.save(None, ledger)
    found = {number: door(None, registry).ledger_of(f"strand-{number}") for number in (0, 7, 99, 100, 229, 230)}
    assert found == {0: "ledger-000", 7: None, 99: "ledger-099", 100: "ledger-100", 229: "ledger-229", 230: None}
