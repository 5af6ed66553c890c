"""``findings freeze``, ``unfreeze`` and ``receipt`` on a folder of ledgers that nobody serves."""

import json

import pytest
from jsonschema import validate

from counterfoil.server.assembly import LedgerServer, ServerSettings
from counterfoil.services.freezes import FrozenError

FROZEN = {
    "type": "object",
    "properties": {
        "holds": {"const": True},
        "ledger": {"type": "string"},
        "accountId": {"type": "string"},
        "frozen": {"type": "boolean"},
        "documentIds": {"type": "array", "items": {"type": "string", "minLength": 22, "maxLength": 22}},
    },
    "required": ["holds", "ledger", "accountId", "frozen", "documentIds"],
    "additionalProperties": False,
}
BY = ("--author", "Ada", "--reason", "a finding")
TRANSFER = {"transactionId": "TX-1", "fromAccountId": "ACC-1", "toAccountId": "ACC-2", "status": "COMPLETED"}


@pytest.fixture
def data(run, tmp_path):
    folder = tmp_path / "ledgers"
    assert run("ledger", "create", "bank", "--data", folder).status == 0
    return folder


def rows(data, text, *parameters):
    """The rows of one statement on the served ledger, which honours freezes."""
    server = LedgerServer(ServerSettings(data))
    try:
        transaction = server.directory.engine("bank").begin()
        found = list(transaction.execute(text, parameters))
        transaction.commit()
        return found
    finally:
        server.close()


def test_an_account_is_frozen_and_free_again_and_who_did_it_is_in_the_ledger(run, data):
    rows(data, "CREATE TABLE Transactions")
    frozen = run("findings", "freeze", "bank", "ACC-1", *BY, "--data", data, "--json")
    assert frozen.status == 0, frozen.err
    validate(frozen.document, FROZEN)
    with pytest.raises(FrozenError):
        rows(data, "INSERT INTO Transactions ?", TRANSFER)
    free = run(
        "findings",
        "unfreeze",
        "bank",
        "ACC-1",
        "--author",
        "Bob",
        "--reason",
        "it was payroll",
        "--data",
        data,
        "--json",
    )
    validate(free.document, FROZEN)
    assert (free.document["frozen"], free.document["documentIds"]) == (False, frozen.document["documentIds"])
    assert rows(data, "INSERT INTO Transactions ?", TRANSFER)
    first, last = rows(data, "SELECT h.data FROM history(AccountFreezes) AS h")
    assert (first["data"]["by"], first["data"]["reason"], first["data"]["frozen"]) == ("Ada", "a finding", True)
    assert (last["data"]["liftedBy"], last["data"]["liftedFor"], last["data"]["frozen"]) == (
        "Bob",
        "it was payroll",
        False,
    )


def test_every_freeze_of_an_account_is_lifted_and_no_other_s(run, data):
    for account in ("ACC-1", "ACC-1", "ACC-2"):
        assert run("findings", "freeze", "bank", account, *BY, "--data", data).status == 0
    answer = run("findings", "unfreeze", "bank", "ACC-1", *BY, "--data", data, "--json")
    assert len(answer.document["documentIds"]) == 2
    assert [
        row["frozen"] for row in rows(data, "SELECT f.frozen FROM AccountFreezes AS f WHERE f.accountId = 'ACC-2'")
    ] == [True]
    again = run("findings", "unfreeze", "bank", "ACC-1", *BY, "--data", data)
    assert again.out.strip() == "ACC-1 of bank was not frozen"


@pytest.mark.parametrize("words", [("--author", "Ada"), ("--reason", "x"), ("--author", " ", "--reason", "x")])
def test_nobody_freezes_without_a_name_and_a_reason(run, data, words):
    assert run("findings", "freeze", "bank", "ACC-1", *words, "--data", data).status == 2


@pytest.mark.parametrize("document", [True, False], ids=["revision", "block"])
def test_a_receipt_of_a_finding_s_place_verifies_offline(run, data, tmp_path, document):
    rows(data, "CREATE TABLE Transactions")
    (made,) = rows(data, "INSERT INTO Transactions ?", TRANSFER)
    (row,) = rows(data, "SELECT blockAddress FROM _ql_committed_Transactions")
    place = f"{row['blockAddress']['strandId']}#{row['blockAddress']['sequenceNo']}"
    about = ("--document", made["documentId"]) if document else ()
    to = tmp_path / "receipt.json"
    written = run("findings", "receipt", "bank", place, *about, "--to", to, "--data", data, "--json")
    assert written.status == 0, written.err
    assert written.document == {
        "holds": True, "file": str(to), "place": place, "documentId": made["documentId"] if document else None,
    }  # fmt: skip
    assert run("verify", "receipt", to).status == 0
    forged = json.loads(to.read_text())
    forged["Digest"] = forged["Digest"][:-8] + "AAAAAAA="
    to.write_text(json.dumps(forged))
    assert run("verify", "receipt", to).status == 1


@pytest.mark.parametrize("place", ["", "strand", "#1", "strand#x"])
def test_what_is_no_place_is_said(run, data, tmp_path, place):
    assert run("findings", "receipt", "bank", place, "--to", tmp_path / "r", "--data", data).status == 2
