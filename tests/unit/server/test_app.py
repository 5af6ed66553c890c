"""What the application answers over HTTP: forms, names of errors, and requests that are for nobody."""

import base64
import json
import re

import pytest

from counterfoil.errors import CapacityError, OccConflictError, StatementError
from counterfoil.ion.codec import encode
from counterfoil.server import app as app_module
from counterfoil.server.assembly import _is_local_name
from tests.scripted_ledgers import Service
from tests.served_app import SESSION_HEADERS, ServedApp

SELECT = "SELECT * FROM T"
WITH_PARAMETER = (
    b'{"SessionToken": "abcd", "ExecuteStatement": {"TransactionId": "0123456789012345678901", "Statement": "x", '
    b'"Parameters": [{"IonBinary": "no base64!"}]}}'
)
START = {"StartSession": {"LedgerName": "bank"}}


@pytest.fixture
def served():
    with ServedApp() as app:
        yield app


@pytest.fixture(scope="module")
def calm():
    """One server for all tests that change nothing."""
    with ServedApp() as app:
        yield app


def test_health_says_that_it_is_well_and_how_many_sessions_there_are(served):
    served.send(START)
    status, headers, body = served.request("GET", "/healthz")
    assert (status, body) == (200, {"status": "ok", "sessions": 1})
    assert headers["content-type"] == "application/json"
    assert served.request("HEAD", "/healthz")[0] == 200


def test_every_answer_has_a_request_id_of_its_own(served):
    answers = [
        served.send(START),
        served.send({}),
        served.request("GET", "/ledgers"),
        served.request("GET", "/nowhere"),
        served.request("GET", "/healthz"),
    ]
    ids = [headers["x-amzn-requestid"] for _, headers, _ in answers]
    assert len(set(ids)) == len(ids)


def test_a_whole_transaction_in_json(served):
    served.service.engine.script[SELECT] = [{"a": 1}]
    status, headers, body = served.send(START)
    assert (status, headers["content-type"]) == (200, "application/x-amz-json-1.0")
    token = body["StartSession"]["SessionToken"]
    transaction_id = served.send({"SessionToken": token, "StartTransaction": {}})[2]["StartTransaction"][
        "TransactionId"
    ]
    parameters = [{"IonBinary": base64.b64encode(encode(7)).decode()}, {"IonText": "[1]"}]
    command = {"TransactionId": transaction_id, "Statement": SELECT, "Parameters": parameters}
    answer = served.send({"SessionToken": token, "ExecuteStatement": command})[2]["ExecuteStatement"]
    assert base64.b64decode(answer["FirstPage"]["Values"][0]["IonBinary"]) == encode({"a": 1})
    assert served.service.engine.transactions[0].executed == [(SELECT, (7, [1]))]
    digest = base64.b64encode(served.service.engine.transactions[0].commit_digest).decode()
    command = {"TransactionId": transaction_id, "CommitDigest": digest}
    assert (
        served.send({"SessionToken": token, "CommitTransaction": command})[2]["CommitTransaction"]["CommitDigest"]
        == digest
    )


def test_the_request_id_of_its_start_is_a_sessions_id(served):
    _, headers, body = served.send(START)
    served.service.seconds.now += 10_000
    answer = served.send({"SessionToken": body["StartSession"]["SessionToken"], "StartTransaction": {}})
    assert answer[2]["Message"] == f"Session {headers['x-amzn-requestid']} has expired"


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (StatementError("Parser", "expected FROM", 1, 10), 400, "BadRequestException"),
        (OccConflictError("changed"), 400, "OccConflictException"),
        (CapacityError("too much"), 503, "CapacityExceededException"),
        (ZeroDivisionError("a mistake of ours"), 500, "InternalFailure"),
    ],
)
def test_an_error_is_named_in_the_body_and_in_a_header(served, error, status, name):
    served.service.engine.begin_error = error
    token = served.send(START)[2]["StartSession"]["SessionToken"]
    answer = served.send({"SessionToken": token, "StartTransaction": {}})
    assert answer[0] == status
    assert answer[1]["x-amzn-errortype"] == answer[2]["__type"] == name
    assert answer[2]["Message"] == answer[2]["message"]
    assert "mistake of ours" not in answer[2]["Message"]


def test_text_in_messages_may_be_any(served):
    served.service.engine.begin_error = StatementError("Parser", "found: 'Käse \U0001f9c0 \ud800'", 1, 1)
    token = served.send(START)[2]["StartSession"]["SessionToken"]
    answer = served.send({"SessionToken": token, "StartTransaction": {}})
    assert answer[2]["Message"].endswith("found: 'Käse \U0001f9c0 \ud800'")


@pytest.mark.parametrize(
    ("body", "name", "message"),
    [
        (b"", "SerializationException", "not JSON"),
        (b"{", "SerializationException", "not JSON"),
        (b"\xff\xfe", "SerializationException", "not JSON"),
        (b'{"StartSession": NaN}', "SerializationException", "not JSON"),
        (b"[" * 100_000, "SerializationException", "not JSON"),
        (b'{"a":' * 100_000, "SerializationException", "not JSON"),
        (b"[]", "BadRequestException", "be a structure"),
        (b'{"StartSession": {}}', "BadRequestException", "'StartSession.LedgerName' .* not be null"),
        (b'{"StartSession": {"LedgerName": 1}}', "BadRequestException", "be a string"),
        (b'{"StartSession": {"LedgerName": "a--b"}}', "BadRequestException", "regular expression"),
        (b'{"StartSession": {"LedgerName": "' + b"a" * 33 + b'"}}', "BadRequestException", "less than or equal to 32"),
        (b'{"SessionToken": "ab", "StartTransaction": {}}', "BadRequestException", "greater than or equal to 4"),
        (b'{"SessionToken": "ab\\ncd", "StartTransaction": {}}', "BadRequestException", "regular expression"),
        (b'{"SessionToken": "abcd", "StartTransaction": null}', "BadRequestException", "exactly one command; found \\[\\]"),
        (b'{"SessionToken": "abcd", "DropEverything": {}}', "BadRequestException", "exactly one command"),
        (
            b'{"SessionToken": "abcd", "ExecuteStatement": {"TransactionId": "short", "Statement": "x"}}',
            "BadRequestException",
            "greater than or equal to 22",
        ),
        (
            b'{"SessionToken": "abcd", "ExecuteStatement": {"TransactionId": "0123456789012345678901", "Statement": ""}}',
            "BadRequestException",
            "greater than or equal to 1",
        ),
        (
            WITH_PARAMETER,
            "BadRequestException",
            r"'ExecuteStatement.Parameters\[0\].IonBinary' .* base64",
        ),
        (
            b'{"SessionToken": "abcd", "CommitTransaction": {"TransactionId": "0123456789012345678901"}}',
            "BadRequestException",
            "CommitDigest",
        ),
    ],
)  # fmt: skip
def test_a_body_of_another_shape_is_refused_with_its_place(calm, body, name, message):
    status, headers, answer = calm.request("POST", "/", body, SESSION_HEADERS)
    assert (status, headers["x-amzn-errortype"]) == (400, name)
    assert re.search(message, answer["Message"]), answer


@pytest.mark.parametrize("target", [None, "QLDBSession.StartSession", "DynamoDB_20120810.PutItem", "", "ä"])
def test_an_operation_that_is_not_known_is_said_to_be_so(calm, target):
    headers = {"Content-Type": "application/x-amz-json-1.0"} | ({} if target is None else {"X-Amz-Target": target})
    status, _, answer = calm.request("POST", "/", b"{}", headers)
    assert (status, answer["__type"]) == (400, "UnknownOperationException")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/cbor"])
def test_a_page_in_a_browser_cannot_send_commands_or_change_ledgers(calm, content_type):
    """Without asking first, a browser sends other sites only content types that are no JSON."""
    given = {} if content_type is None else {"Content-Type": content_type}
    target = {"X-Amz-Target": SESSION_HEADERS["X-Amz-Target"]}
    assert calm.request("POST", "/", json.dumps(START), target | given)[0] == 415
    body = json.dumps({"Name": "made", "PermissionsMode": "ALLOW_ALL"})
    assert calm.request("POST", "/ledgers", body, given)[0] == 415
    assert calm.service.ledgers.made == []
    assert calm.service.sessions.count == 0


def test_the_content_type_may_have_parameters_and_any_case(served):
    headers = SESSION_HEADERS | {"Content-Type": "Application/X-Amz-JSON-1.0; charset=utf-8"}
    assert served.send(START, headers)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"), ("PUT", "/ledgers"), ("GET", "/ledgers/a/b/c/d"), ("POST", "/healthz"), ("GET", "/ledgers/"),
        ("DELETE", "/ledgers"), ("GET", "//ledgers"), ("OPTIONS", "/ledgers"), ("GET", "/../../etc/passwd"),
    ],
)  # fmt: skip
def test_a_path_that_is_no_operations_is_not_found(calm, method, path):
    status, headers, answer = calm.request(method, path)
    assert status in {400, 404}
    assert headers["x-amzn-errortype"] == answer["__type"]
    assert answer["__type"] in {"UnknownOperationException", "InvalidParameterException"}


def test_the_control_plane_answers_in_json_with_times_in_seconds(served):
    body = json.dumps({"Name": "shop", "PermissionsMode": "STANDARD", "Tags": {"a": "b"}})
    status, headers, answer = served.request("POST", "/ledgers", body, {"Content-Type": "application/json"})
    assert (status, headers["content-type"]) == (200, "application/json")
    assert answer["CreationDateTime"] == 1767323045.0
    assert served.request("GET", "/ledgers/shop")[2]["PermissionsMode"] == "STANDARD"
    assert served.request("GET", "/ledgers?max_results=1")[2].keys() == {"Ledgers", "NextToken"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/ledgers?max_results=0", "from 1 to 100"),
        ("/ledgers?max_results=101", "from 1 to 100"),
        ("/ledgers?max_results=ten", "whole number"),
        ("/ledgers?max_results=", "whole number"),
        ("/ledgers?next_token=a", "greater than or equal to 4"),
        ("/ledgers/a--b", "regular expression"),
        ("/ledgers/" + "a" * 33, "less than or equal to 32"),
        ("/ledgers/bank%0A", "regular expression"),
    ],
)
def test_parameters_of_another_shape_are_refused_by_name(calm, path, message):
    status, _, answer = calm.request("GET", path)
    assert (status, answer["__type"]) == (400, "InvalidParameterException")
    assert message in answer["Message"]
    assert answer["ParameterName"] in {"MaxResults", "NextToken", "Name"}


def test_what_is_in_the_path_is_not_taken_from_the_body(served):
    body = json.dumps({"Name": "other", "DeletionProtection": False})
    answer = served.request("PATCH", "/ledgers/bank", body, {"Content-Type": "application/json"})[2]
    assert (answer["Name"], answer["DeletionProtection"]) == ("bank", False)


@pytest.mark.parametrize("path", ["/tags/{}", "/tags/{}?tagKeys=a&tagKeys=b"])
@pytest.mark.parametrize("encoded", [True, False])
def test_the_arn_of_a_resource_may_be_encoded_or_not(served, path, encoded):
    arn = "arn:aws:qldb:us-east-1:000000000000:ledger/bank"
    served.service.call("TagResource", ResourceArn=arn, Tags={"a": "1", "b": "2", "c": "3"})
    target = path.format(arn.replace(":", "%3A").replace("/", "%2F") if encoded else arn)
    if "tagKeys" in path:
        assert served.request("DELETE", target)[:1] == (200,)
        assert served.service.call("ListTagsForResource", ResourceArn=arn) == {"Tags": {"c": "3"}}
    else:
        assert served.request("GET", target)[2] == {"Tags": {"a": "1", "b": "2", "c": "3"}}


def test_an_error_of_the_control_plane_has_its_status_and_members(calm):
    status, headers, answer = calm.request("GET", "/ledgers/nowhere")
    assert (status, headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    assert (answer["ResourceType"], answer["ResourceName"]) == ("Ledger", "nowhere")


def test_a_large_body_is_read_beside_the_event_loop(served, monkeypatch):
    monkeypatch.setattr(app_module, "INLINE_BYTES", 10)
    assert served.send(START)[0] == 200
    assert served.request("POST", "/", b"{" * 100, SESSION_HEADERS)[0] == 400


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8600", "[::1]:8600", "localhost", "localhost:8600", "a.localhost:1", ""]
)
def test_a_local_server_answers_to_addresses_and_local_names(host):
    assert _is_local_name(host)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8600", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::1].x"]
)
def test_a_local_server_does_not_answer_to_the_name_of_a_website(host):
    assert not _is_local_name(host)
    with ServedApp(allows_host=_is_local_name) as served:
        status, _, answer = served.request("GET", "/ledgers", None, {"Host": host})
        assert (status, answer["__type"]) == (403, "AccessDeniedException")


def test_an_operation_of_the_models_is_an_operation_of_the_protocol():
    from counterfoil.server.routes import routes

    assert {route.operation for route in routes()} == set(Service().control.operations)
