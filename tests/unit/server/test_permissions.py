"""What principals of IAM may do: the entries of the registry, and what holds where there is none."""

import json

import pytest

from counterfoil.errors import ForbiddenError, InputError, UnavailableError
from counterfoil.server.permissions import READ_EVERY_SECONDS, PrincipalPermissions, parse_permissions
from tests.function_urls import ACCOUNT, TELLER, Url
from tests.scripted_ledgers import Time

ROLE = f"arn:aws:iam::{ACCOUNT}:role/Teller"
SESSION_OF_ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/Teller/one"
READS = {"actions": ["qldb:PartiQLSelect"], "ledgers": ["bank"], "tables": ["T"]}
SENDS = {"actions": ["qldb:SendCommand"], "ledgers": ["bank"]}


class Entries:
    """A registry's entries, how often they were read, and a clock."""

    def __init__(self, entries, *, allow_by_default=False):
        self.entries = entries
        self.reads = 0
        self.seconds = Time()
        self.permissions = PrincipalPermissions(self._read, allow_by_default, lambda _: None, self.seconds)

    def _read(self):
        self.reads += 1
        return self.entries

    def caller(self, arn=ROLE):
        return self.permissions.caller(arn)


def allows(call):
    try:
        call()
    except ForbiddenError:
        return False
    return True


def test_every_entry_that_matches_counts_and_no_other():
    entries = Entries(
        {
            ROLE: [SENDS],
            f"arn:aws:iam::{ACCOUNT}:role/*": [READS],
            "arn:aws:iam::999999999999:role/*": [{"actions": ["*"]}],
        }
    )
    caller = entries.caller()
    assert (caller.name, caller.unrestricted) == (ROLE, False)
    assert allows(lambda: caller.check("qldb:SendCommand", "bank"))
    assert allows(lambda: caller.check_table("qldb:PartiQLSelect", "bank", "id", "T"))
    assert not allows(lambda: caller.check("qldb:SendCommand", "shop"))
    assert not allows(lambda: caller.check_table("qldb:PartiQLSelect", "bank", "id", "U"))
    assert not allows(lambda: caller.check_table("qldb:PartiQLInsert", "bank", "id", "T"))
    assert not allows(lambda: caller.check("qldb:DeleteLedger", "bank"))


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        (ROLE, ROLE, True),
        (ROLE, f"{ROLE}2", False),
        (ROLE.lower(), ROLE, False),
        ("*", ROLE, True),
        (f"arn:aws:iam::{ACCOUNT}:role/T?ller", ROLE, True),
        (f"arn:aws:iam::{ACCOUNT}:user/*", ROLE, False),
    ],
)
def test_a_pattern_is_for_whole_arns(pattern, arn, matches):
    caller = Entries({pattern: [{"actions": ["*"]}]}).caller(arn)
    assert allows(lambda: caller.check_table("qldb:PartiQLSelect", "bank", "id", "T")) == matches


def test_an_entry_that_allows_nothing_is_an_entry():
    caller = Entries({ROLE: []}, allow_by_default=True).caller()
    assert not allows(lambda: caller.check("qldb:SendCommand", "bank"))


def test_an_entry_that_cannot_be_read_allows_nothing_and_harms_nobody_else(caplog):
    entries = Entries({ROLE: [{"actions": "all"}], TELLER: [SENDS]}, allow_by_default=True)
    assert not allows(lambda: entries.caller().check("qldb:SendCommand", "bank"))
    assert allows(lambda: entries.caller(TELLER).check("qldb:SendCommand", "bank"))
    assert "allow nothing" in caplog.text


@pytest.mark.parametrize("document", [None, {}, "x", [1], [{}], [{"actions": []}], [{"actions": ["a"], "who": "b"}]])
def test_permissions_of_another_shape_are_refused(document):
    with pytest.raises(InputError):
        parse_permissions(document)


def test_entries_are_read_now_and_then():
    entries = Entries({ROLE: [SENDS]})
    assert allows(lambda: entries.caller().check("qldb:SendCommand", "bank"))
    entries.entries = {ROLE: []}
    entries.seconds.now += READ_EVERY_SECONDS - 1
    assert allows(lambda: entries.caller().check("qldb:SendCommand", "bank"))
    entries.seconds.now += 1
    assert not allows(lambda: entries.caller().check("qldb:SendCommand", "bank"))
    assert entries.reads == 2


# ---- behind the URL --------------------------------------------------------------------------------------------------


def statement(text):
    return {"ledger": "bank", "statements": [{"statement": text}]}


@pytest.fixture
def url():
    """A ledger of mode STANDARD with tables T and U, made by an administrator; nobody else has an entry."""
    made = Url(PERMISSIONS_DEFAULT="deny")
    entries = {TELLER: [{"actions": ["*"]}]}
    permissions = made.api.caller_of.__self__
    permissions.read = lambda: entries
    made.entries = entries
    made.read_again = lambda: setattr(permissions, "_read_at", None)
    made.create(mode="STANDARD")
    for name in "TU":
        assert made.transact(statement(f"CREATE TABLE {name}"))[0] == 200
    return made


def test_in_standard_mode_a_principal_may_do_what_its_entry_says(url):
    url.entries[ROLE] = [SENDS, READS]
    url.read_again()
    assert url.transact(statement("SELECT * FROM T"), principal=SESSION_OF_ROLE)[0] == 200
    status, _, answer = url.transact(statement("SELECT * FROM U"), principal=SESSION_OF_ROLE)
    assert (status, answer["code"]) == (403, "AccessDeniedException")
    assert ROLE in answer["detail"]
    token = url.session(principal=SESSION_OF_ROLE)
    transaction_id = url.begin(token, principal=SESSION_OF_ROLE)
    assert url.execute(token, transaction_id, "SELECT * FROM T", principal=SESSION_OF_ROLE)[0] == 200
    refused = url.execute(token, transaction_id, "INSERT INTO T {'a': 1}", principal=SESSION_OF_ROLE)
    assert (refused[0], refused[1]["x-amzn-errortype"]) == (400, "BadRequestException")


def test_a_permission_that_is_taken_back_ends_for_sessions_that_are_open(url):
    url.entries[ROLE] = [SENDS, READS]
    url.read_again()
    token = url.session(principal=SESSION_OF_ROLE)
    transaction_id = url.begin(token, principal=SESSION_OF_ROLE)
    url.entries[ROLE] = [SENDS]
    url.read_again()
    refused = url.execute(token, transaction_id, "SELECT * FROM T", principal=SESSION_OF_ROLE)
    assert (refused[0], refused[1]["x-amzn-errortype"]) == (400, "BadRequestException")
    url.entries[ROLE] = []
    url.read_again()
    refused = url.execute(token, transaction_id, "SELECT * FROM T", principal=SESSION_OF_ROLE)
    assert (refused[0], refused[1]["x-amzn-errortype"]) == (400, "AccessDeniedException")


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("PATCH", "/ledgers/bank/permissions-mode", {"PermissionsMode": "ALLOW_ALL"}),
        ("PATCH", "/ledgers/bank", {"DeletionProtection": False}),
        ("DELETE", "/ledgers/bank", None),
        ("GET", "/ledgers/bank", None),
        ("POST", "/ledgers/bank/digest", None),
        ("GET", "/tags/arn:aws:qldb:us-east-1:000000000000:ledger/bank", None),
    ],
)
def test_whoever_has_no_entry_may_do_nothing_to_a_ledger_of_mode_standard(url, method, path, document):
    body = None if document is None else json.dumps(document).encode()
    answer = url.request(method, path, body, {"content-type": "application/json"}, principal=ROLE)
    assert (answer[0], answer[1]["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert url.send({"StartSession": {"LedgerName": "bank"}}, principal=ROLE)[1]["x-amzn-errortype"] == (
        "AccessDeniedException"
    )
    assert url.transact(statement("SELECT VALUE 1 FROM [0]"), principal=ROLE)[0] == 403


def test_a_registry_that_does_not_answer_is_no_refusal(url):
    def fails(*_):
        raise UnavailableError("throttled")

    permissions = url.api.caller_of.__self__
    permissions.registered = fails
    answers = [
        url.send({"StartSession": {"LedgerName": "bank"}}, principal=ROLE),
        url.request("GET", "/ledgers/bank", principal=ROLE),
        url.transact(statement("SELECT VALUE 1 FROM [0]"), principal=ROLE),
    ]
    permissions.read = fails
    url.read_again()
    answers.append(url.send({"StartSession": {"LedgerName": "bank"}}, principal=ROLE))
    answers.append(url.transact(statement("SELECT VALUE 1 FROM [0]"), principal=ROLE))
    assert [(status, headers["x-amzn-errortype"]) for status, headers, _ in answers] == [
        (503, "ServiceUnavailableException")
    ] * 5


def test_whoever_has_no_entry_may_use_ledgers_that_allow_all_and_make_new_ones(url):
    url.create("shop", principal=ROLE)
    asked = {"ledger": "shop", "statements": [{"statement": "CREATE TABLE T"}]}
    assert url.transact(asked, principal=ROLE)[0] == 200
    url.session("shop", principal=ROLE)
    assert len(url.call("GET", "/ledgers", principal=ROLE)["Ledgers"]) == 2
    url.call("DELETE", "/ledgers/shop", principal=ROLE)


def test_whoever_has_no_entry_may_do_everything_where_the_stack_says_so():
    open_to_all = Url(PERMISSIONS_DEFAULT="allow")
    open_to_all.create(mode="STANDARD", principal=ROLE)
    assert open_to_all.transact(statement("CREATE TABLE T"), principal=ROLE)[0] == 200
