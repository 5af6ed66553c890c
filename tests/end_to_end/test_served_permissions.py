"""Keys: signatures are verified on both protocols, and STANDARD mode checks each statement's actions on each table."""

import json

import pytest
from botocore.exceptions import ClientError

from counterfoil.journal.builder import Statement, digest_of_statement, hash_of_value
from counterfoil.merkle import dot
from tests.served import Served

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("driver")]

TELLER_RIGHTS = [
    {"actions": ["qldb:SendCommand"], "ledgers": ["bank"]},
    {"actions": ["qldb:PartiQLSelect", "qldb:PartiQLInsert"], "ledgers": ["bank"], "tables": ["Transfers"]},
    {"actions": ["qldb:PartiQLSelect"], "ledgers": ["bank"], "tables": ["Accounts"]},
]
KEYS = {
    "keys": [
        {"accessKeyId": "ADMIN", "secretAccessKey": "admin-secret", "allow": [{"actions": ["*"]}]},
        {"accessKeyId": "TELLER", "secretAccessKey": "teller-secret", "allow": TELLER_RIGHTS},
    ]
}


class Session:
    """A session of the official client's low level; each statement is a transaction of its own."""

    def __init__(self, served, key, secret, ledger="bank"):
        self.client = served.client("qldb-session", key, secret)
        self.token = self.client.send_command(StartSession={"LedgerName": ledger})["StartSession"]["SessionToken"]

    def run(self, text):
        begun = self.client.send_command(SessionToken=self.token, StartTransaction={})["StartTransaction"]
        transaction_id = begun["TransactionId"]
        command = {"TransactionId": transaction_id, "Statement": text}
        try:
            self.client.send_command(SessionToken=self.token, ExecuteStatement=command)
        except ClientError:
            self.client.send_command(SessionToken=self.token, AbortTransaction={})
            raise
        digest = dot(hash_of_value(transaction_id), digest_of_statement(Statement(text)))
        commit = {"TransactionId": transaction_id, "CommitDigest": bytes(digest)}
        self.client.send_command(SessionToken=self.token, CommitTransaction=commit)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    (folder / "keys.json").write_text(json.dumps(KEYS))
    with Served(folder / "data", "--keys", folder / "keys.json") as running:
        qldb = running.client("qldb", "ADMIN", "admin-secret")
        for name in ("bank", "shop"):
            qldb.create_ledger(Name=name, PermissionsMode="STANDARD")
        admin = Session(running, "ADMIN", "admin-secret")
        for statement in (
            "CREATE TABLE Accounts",
            "CREATE TABLE Transfers",
            "INSERT INTO Accounts VALUE {'owner': 'Ada'}",
        ):
            admin.run(statement)
        yield running
        assert running.stop() == ""


@pytest.fixture(scope="module")
def teller(served):
    return Session(served, "TELLER", "teller-secret")


def refused(call, name, message=None):
    with pytest.raises(ClientError, match=message) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == name


@pytest.mark.parametrize(
    ("key", "secret", "name"),
    [
        ("ADMIN", "guessed", "InvalidSignatureException"),
        ("STRANGER", "admin-secret", "UnrecognizedClientException"),
    ],
)
def test_only_known_keys_sign(served, key, secret, name):
    refused(lambda: served.client("qldb", key, secret).list_ledgers(), name)
    session = served.client("qldb-session", key, secret)
    refused(lambda: session.send_command(StartSession={"LedgerName": "bank"}), name)


def test_a_request_without_a_signature_is_refused(served):
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{served.url}/ledgers")
    assert json.load(caught.value)["__type"] == "MissingAuthenticationTokenException"


def test_operations_are_allowed_by_name(served):
    qldb = served.client("qldb", "TELLER", "teller-secret")
    refused(lambda: qldb.describe_ledger(Name="bank"), "AccessDeniedException", "TELLER is not authorized")
    refused(lambda: qldb.delete_ledger(Name="bank"), "AccessDeniedException", "qldb:DeleteLedger")


def test_sessions_are_allowed_by_ledger(served):
    refused(lambda: Session(served, "TELLER", "teller-secret", "shop"), "AccessDeniedException", "qldb:SendCommand")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM Accounts",
        "INSERT INTO Transfers VALUE {'amount': 1}",
        "SELECT * FROM Accounts AS a, Transfers AS t",
    ],
)
def test_what_is_allowed_on_a_table_is_carried_out(teller, text):
    teller.run(text)


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO Accounts VALUE {'owner': 'Eve'}",
        "UPDATE Accounts SET owner = 'Eve'",
        "DELETE FROM Transfers",
        "SELECT * FROM history(Accounts)",
        "CREATE TABLE Evil",
        "DROP TABLE Accounts",
        "CREATE INDEX ON Accounts (owner)",
    ],
)
def test_what_is_not_allowed_on_a_table_is_refused_and_changes_nothing(served, teller, text):
    before = served.client("qldb", "ADMIN", "admin-secret").get_digest(Name="bank")["Digest"]
    refused(lambda: teller.run(text), "BadRequestException", "Access denied. Unable to run the statement")
    assert served.client("qldb", "ADMIN", "admin-secret").get_digest(Name="bank")["Digest"] == before


def test_a_token_is_of_no_use_to_another_key(served, teller):
    thief = served.client("qldb-session", "ADMIN", "admin-secret")
    refused(
        lambda: thief.send_command(SessionToken=teller.token, StartTransaction={}), "InvalidSessionException", "No such"
    )
