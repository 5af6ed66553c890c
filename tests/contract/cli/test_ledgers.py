"""Ledgers from the command line, in a folder and behind a server: the same commands, the same answers."""

import json
import re
from itertools import count

import pytest

from tests.served import Served


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("served") / "data") as served:
        yield served


@pytest.fixture(params=["folder", "server"])
def place(request, tmp_path, monkeypatch):
    """Options that name a place with no ledger in it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_QLDB", raising=False)
    if request.param == "folder":
        return ("--data", tmp_path / "data")
    return ("--endpoint", request.getfixturevalue("server").url)


NUMBERS = count()


@pytest.fixture
def bank(run, place):
    """The name of a ledger in that place."""
    name = f"bank-{next(NUMBERS)}"
    assert run("ledger", "create", name, *place, "--tag", "Environment=Test", "--tag", "Empty=").status == 0
    return name


def test_a_ledger_is_created_protected_and_described_with_its_tags(run, place, bank):
    answer = run("ledger", "describe", bank, *place, "--json").document
    assert answer["holds"] is True
    assert answer["State"] == "ACTIVE"
    assert answer["PermissionsMode"] == "STANDARD"
    assert answer["DeletionProtection"] is True
    assert answer["Tags"] == {"Environment": "Test", "Empty": ""}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["CreationDateTime"])
    shown = run("ledger", "describe", bank, *place)
    assert f"Name                   {bank}" in shown.out
    assert "Tags                   Empty=, Environment=Test" in shown.out


def test_ledgers_are_listed(run, place, bank):
    assert bank in [each["Name"] for each in run("ledger", "list", *place, "--json").document["Ledgers"]]
    assert bank in run("ledger", "list", *place).out


def test_a_protected_ledger_is_not_deleted_until_the_protection_is_lifted(run, place, bank):
    refused = run("ledger", "delete", bank, *place, "--json")
    assert refused.status == 2
    assert refused.document["error"]["type"] == "PreconditionError"
    lifted = run(
        "ledger", "update", bank, "--no-deletion-protection", "--permissions-mode", "ALLOW_ALL", *place, "--json"
    )
    assert (lifted.document["DeletionProtection"], lifted.document["PermissionsMode"]) == (False, "ALLOW_ALL")
    assert run("ledger", "delete", bank, *place, "--json").document == {"holds": True, "Name": bank, "deleted": True}
    gone = run("ledger", "describe", bank, *place, "--json")
    assert (gone.status, gone.document["error"]["type"]) == (2, "NotFoundError")


def test_a_name_is_taken_once(run, place, bank):
    again = run("ledger", "create", bank, *place, "--json")
    assert (again.status, again.document["error"]["type"]) == (2, "AlreadyExistsError")


@pytest.mark.parametrize(
    "arguments", [("create", "two--hyphens"), ("update", "x"), ("create", "x", "--tag", "no-value")]
)
def test_wrong_usage_is_bad_input(run, place, arguments):
    assert run("ledger", *arguments, *place, "--json").status == 2


def test_a_digest_is_a_getdigest_answer_and_moves_with_every_block(run, place, bank):
    nothing = run("digest", bank, *place, "--json")
    assert nothing.status == 2
    run("shell", bank, *place, "-c", "CREATE TABLE T")
    first = run("digest", bank, *place, "--json").document
    assert first == run("digest", bank, *place, "--json").document
    assert set(first) == {"Digest", "DigestTipAddress"}
    run("shell", bank, *place, "-c", "INSERT INTO T {'a': 1}")
    second = run("digest", bank, *place, "--json").document
    assert second["Digest"] != first["Digest"]
    assert second["Digest"] in run("digest", bank, *place).out


def test_an_export_is_verified_against_the_digest(run, place, bank, tmp_path):
    to, kept = tmp_path / "export", tmp_path / "digest.json"
    assert run("export", bank, *place, "--to", to).status == 2  # no block yet
    for text in ("CREATE TABLE T", "INSERT INTO T << {'n': 1.50}, {'n': 2} >>", "UPDATE T SET n = 3"):
        assert run("shell", bank, *place, "-c", text).status == 0
    kept.write_text(run("digest", bank, *place, "--json").out)
    done = run("export", bank, *place, "--to", to, "--json").document
    assert (done["blocks"], len(done["keys"])) == (3, 1)
    verified = run("verify", "export", to, "--digest", kept, "--json")
    assert verified.status == 0
    assert verified.document["exports"][0]["digestCompared"] is True
    again = run("export", bank, *place, "--to", to)
    assert (again.status, "not empty" in again.err) == (2, True)
    binary = tmp_path / "binary"
    assert run("export", bank, *place, "--to", binary, "--format", "ION_BINARY").status == 0
    assert run("verify", "export", binary, "--digest", kept).status == 0


def test_a_folder_that_is_served_is_left_to_its_server(run, tmp_path):
    with Served(tmp_path / "data"):
        refused = run("ledger", "list", "--data", tmp_path / "data")
    assert refused.status == 2
    assert "--endpoint" in refused.err


def test_a_folder_that_is_not_there_is_not_made_by_looking(run, tmp_path):
    assert run("ledger", "list", "--data", tmp_path / "nowhere").status == 2
    assert not (tmp_path / "nowhere").exists()


def test_a_server_that_is_not_there_is_unavailable(run):
    refused = run("ledger", "list", "--endpoint", "http://127.0.0.1:9", "--json")
    assert refused.status == 3
    assert "127.0.0.1:9" in refused.document["error"]["message"]


def test_what_is_no_url_is_bad_input(run):
    assert run("ledger", "list", "--endpoint", "somewhere").status == 2


def test_two_places_are_one_too_many(run, tmp_path):
    assert run("ledger", "list", "--data", tmp_path, "--endpoint", "http://127.0.0.1:9").status == 2


def test_the_environment_may_name_the_server(run, server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_QLDB", server.url)
    assert run("ledger", "create", "by-environment").status == 0
    listed = run("ledger", "list", "--endpoint", server.url, "--json").document["Ledgers"]
    assert "by-environment" in [each["Name"] for each in listed]


def test_every_page_of_the_list_is_read(run, tmp_path):
    names = [f"ledger-{number:02}" for number in range(3)]
    for name in names:
        run("ledger", "create", name, "--data", tmp_path)
    from counterfoil.cli import ledgers

    class OneAtATime:
        def __init__(self, service):
            self.service = service

        def call(self, operation, parameters):
            return self.service.call(operation, {**parameters, "MaxResults": 1})

    from counterfoil.cli.places import opened

    with opened(tmp_path, None) as service:
        assert [each["Name"] for each in ledgers.ledgers_of(OneAtATime(service))] == names


def test_json_is_the_only_thing_on_standard_output(run, place, bank):
    for arguments in (("ledger", "list"), ("ledger", "describe", bank), ("ledger", "describe", "nothere")):
        json.loads(run(*arguments, *place, "--json").out)
