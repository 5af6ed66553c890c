"""The file of keys: who may do what, and what is wrong with a file that cannot be one."""

import json

import pytest

from counterfoil.errors import ForbiddenError, InputError
from counterfoil.server.identities import ANYBODY, read_identities

TOML = """
[[keys]]
accessKeyId = "TELLER"
secretAccessKey = "s1"

[[keys.allow]]
actions = ["qldb:SendCommand"]
ledgers = ["bank*"]

[[keys.allow]]
actions = ["qldb:PartiQLSelect", "qldb:PartiQLInsert"]
ledgers = ["bank"]
tables = ["Transfers", "id-of-*"]

[[keys]]
accessKeyId = "ADMIN"
secretAccessKey = "s2"
allow = [{actions = ["qldb:*"]}]
"""


@pytest.fixture
def identities(tmp_path):
    path = tmp_path / "keys.toml"
    path.write_text(TOML)
    return read_identities(path)


def allowed(call):
    try:
        call()
    except ForbiddenError:
        return False
    return True


def test_each_key_has_its_secret(identities):
    assert {name: each.secret for name, each in identities.items()} == {"TELLER": "s1", "ADMIN": "s2"}
    assert "s1" not in repr(identities["TELLER"])


@pytest.mark.parametrize(
    ("action", "ledger", "expected"),
    [
        ("qldb:SendCommand", "bank", True),
        ("qldb:SendCommand", "bank-2", True),
        ("qldb:SendCommand", "shop", False),
        ("qldb:SendCommand", "", False),
        ("qldb:sendcommand", "bank", False),
        ("qldb:DeleteLedger", "bank", False),
        ("qldb:PartiQLSelect", "bank", True),
        ("qldb:PartiQLSelect", "bank-2", False),
    ],
)
def test_actions_are_allowed_on_ledgers(identities, action, ledger, expected):
    assert allowed(lambda: identities["TELLER"].check(action, ledger)) is expected
    assert allowed(lambda: identities["ADMIN"].check(action, ledger)) is action.startswith("qldb:")


@pytest.mark.parametrize(
    ("action", "ledger", "table_id", "name", "expected"),
    [
        ("qldb:PartiQLSelect", "bank", "x", "Transfers", True),
        ("qldb:PartiQLInsert", "bank", "id-of-accounts", "Accounts", True),
        ("qldb:PartiQLInsert", "bank", "id-of-new", None, True),
        ("qldb:PartiQLSelect", "bank", "x", "transfers", False),
        ("qldb:PartiQLSelect", "bank", "x", None, False),
        ("qldb:PartiQLDelete", "bank", "x", "Transfers", False),
        ("qldb:PartiQLSelect", "bank-2", "x", "Transfers", False),
    ],
)
def test_statements_are_allowed_on_tables_by_name_or_id(identities, action, ledger, table_id, name, expected):
    assert allowed(lambda: identities["TELLER"].check_table(action, ledger, table_id, name)) is expected
    assert allowed(lambda: identities["ADMIN"].check_table(action, ledger, table_id, name))


def test_a_refusal_says_who_may_not_do_what(identities):
    with pytest.raises(
        ForbiddenError, match="User: TELLER is not authorized to perform: qldb:DeleteLedger on ledger: bank"
    ):
        identities["TELLER"].check("qldb:DeleteLedger", "bank")
    with pytest.raises(
        ForbiddenError, match="TELLER is not authorized to perform: qldb:PartiQLDelete on table: Transfers"
    ):
        identities["TELLER"].check_table("qldb:PartiQLDelete", "bank", "x", "Transfers")


def test_without_keys_anybody_may_do_everything():
    ANYBODY.check("qldb:DeleteLedger", "bank")
    ANYBODY.check_table("qldb:PartiQLDelete", "bank", "x", None)
    assert ANYBODY.unrestricted


def test_json_says_the_same(tmp_path, identities):
    allow = [{"actions": ["qldb:SendCommand"], "ledgers": ["bank*"]}]
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [{"accessKeyId": "TELLER", "secretAccessKey": "s1", "allow": allow}]}))
    assert read_identities(path)["TELLER"].permissions[0] == identities["TELLER"].permissions[0]


KEY = {"accessKeyId": "A", "secretAccessKey": "s", "allow": []}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "'keys' must be a list"),
        ({}, "'keys' must be a list"),
        ({"keys": []}, "at least one key"),
        ({"keys": [KEY, KEY]}, "each accessKeyId once"),
        ({"keys": ["A"]}, "needs 'accessKeyId'"),
        ({"keys": [KEY | {"secretAccessKey": ""}]}, "needs 'secretAccessKey'"),
        ({"keys": [KEY | {"accessKeyId": 1}]}, "needs 'accessKeyId'"),
        ({"keys": [{"accessKeyId": "A", "secretAccessKey": "s"}]}, "'allow' must be a list"),
        ({"keys": [KEY | {"allow": [{}]}]}, "'actions' must be a list"),
        ({"keys": [KEY | {"allow": [{"actions": []}]}]}, "'actions' must be a list of patterns"),
        ({"keys": [KEY | {"allow": [{"actions": "qldb:*"}]}]}, "'actions' must be a list"),
        ({"keys": [KEY | {"allow": [{"actions": ["*"], "tables": [1]}]}]}, "'tables' must be a list of patterns"),
        ({"keys": [KEY | {"allow": [{"actions": ["*"], "table": ["T"]}]}]}, "'table' is not known"),
        ({"keys": [KEY | {"allow": ["*"]}]}, "'actions' must be a list"),
    ],
)
def test_a_file_that_says_something_else_is_refused_with_what_is_wrong(tmp_path, document, message):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=message):
        read_identities(path)


@pytest.mark.parametrize(
    ("name", "data"), [("k.json", b"{"), ("k.toml", b"[["), ("k.json", b"\xff"), ("k.json", b"[" * 99_999)]
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match="no file of keys"):
        read_identities(tmp_path / name)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_identities(tmp_path / "nowhere.json")
