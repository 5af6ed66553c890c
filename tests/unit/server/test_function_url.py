"""The ledger's function behind its URL: events in, answers in Lambda's form out."""

import base64
import json

import pytest

from counterfoil.ion.codec import decode_datagram
from counterfoil.server import function_url
from counterfoil.server.function_url import MAX_ANSWER_BYTES, command_id_of, principal_of, read_event
from tests.function_urls import ACCOUNT, JSON_HEADERS, SESSION_HEADERS, TELLER, Url, url_event

SELECT = "SELECT * FROM T"


@pytest.fixture
def url():
    made = Url()
    made.create()
    return made


def rows_of(answer):
    return [decode_datagram(base64.b64decode(each["IonBinary"])) for each in answer["FirstPage"]["Values"]]


def test_a_transaction_in_a_session(url):
    token = url.session()
    for text, parameters in (("CREATE TABLE T", []), ("INSERT INTO T ?", [{"a": 1}])):
        transaction_id = url.begin(token)
        assert url.execute(token, transaction_id, text, *parameters)[0] == 200
        status, headers, answer = url.commit(token, transaction_id, (text, *parameters))
        assert (status, headers["content-type"]) == (200, "application/x-amz-json-1.0")
        assert answer["CommitTransaction"]["ConsumedIOs"]["WriteIOs"] == 1
    transaction_id = url.begin(token)
    assert rows_of(url.execute(token, transaction_id, SELECT)[2]["ExecuteStatement"]) == [{"a": 1}]
    assert url.request("GET", "/healthz")[2] == {"status": "ok", "sessions": 1}


def test_the_request_id_is_lambdas_own(url):
    requests = [lambda: url.send({}), lambda: url.request("GET", "/nowhere"), lambda: url.transact({})]
    for request in (*requests, lambda: url.request("GET", "/healthz")):
        assert request()[1]["x-amzn-requestid"] == f"request-{url.requests}"


def test_operations_of_the_control_plane(url):
    assert [each["Name"] for each in url.call("GET", "/ledgers")["Ledgers"]] == ["bank"]
    assert url.call("GET", "/ledgers?max_results=1")["Ledgers"][0]["State"] == "ACTIVE"
    assert url.call("PATCH", "/ledgers/bank", {"DeletionProtection": True})["DeletionProtection"] is True
    assert url.request("DELETE", "/ledgers/bank")[0] == 412
    assert url.request("POST", "/ledgers/bank/digest")[0] == 412
    url.transact({"ledger": "bank", "statements": [{"statement": "CREATE TABLE T"}]})
    digest = url.call("POST", "/ledgers/bank/digest")
    block = {"BlockAddress": digest["DigestTipAddress"], "DigestTipAddress": digest["DigestTipAddress"]}
    assert url.call("POST", "/ledgers/bank/block", block).keys() == {"Block", "Proof"}
    url.call("PATCH", "/ledgers/bank", {"DeletionProtection": False})
    token = url.session()
    url.call("DELETE", "/ledgers/bank")
    assert url.request("GET", "/ledgers/bank")[0] == 404
    assert url.send({"SessionToken": token, "StartTransaction": {}})[2]["Message"] == "No such session"
    assert url.create()["State"] == "CREATING"
    assert url.request("POST", "/ledgers/bank/digest")[0] == 412


@pytest.mark.parametrize("encoded", [True, False])
def test_the_arn_of_a_resource_comes_encoded_or_not(url, encoded):
    arn = url.call("GET", "/ledgers/bank")["Arn"]
    path = arn.replace(":", "%3A").replace("/", "%2F") if encoded else arn
    url.call("POST", f"/tags/{path}", {"Tags": {"a": "1"}})
    assert url.call("GET", f"/tags/{path}") == {"Tags": {"a": "1"}}
    url.call("DELETE", f"/tags/{path}?tagKeys=a")
    assert url.call("GET", f"/tags/{path}") == {"Tags": {}}


def test_streams_and_exports_are_kept_for_the_functions_that_carry_them_out(url):
    stream = {
        "RoleArn": "arn:aws:iam::123456789012:role/stream",
        "InclusiveStartTime": 0,
        "KinesisConfiguration": {"StreamArn": "arn:aws:kinesis:eu-central-1:123456789012:stream/journal"},
        "StreamName": "all",
    }
    stream_id = url.call("POST", "/ledgers/bank/journal-kinesis-streams", stream)["StreamId"]
    described = url.call("GET", f"/ledgers/bank/journal-kinesis-streams/{stream_id}")["Stream"]
    assert (described["Status"], described["StreamName"]) == ("ACTIVE", "all")
    url.call("DELETE", f"/ledgers/bank/journal-kinesis-streams/{stream_id}")
    assert url.call("GET", f"/ledgers/bank/journal-kinesis-streams/{stream_id}")["Stream"]["Status"] == "CANCELED"
    export = {
        "RoleArn": "arn:aws:iam::123456789012:role/export",
        "InclusiveStartTime": 0,
        "ExclusiveEndTime": 1,
        "S3ExportConfiguration": {
            "Bucket": "exports",
            "Prefix": "",
            "EncryptionConfiguration": {"ObjectEncryptionType": "SSE_S3"},
        },
    }
    export_id = url.call("POST", "/ledgers/bank/journal-s3-exports", export)["ExportId"]
    described = url.call("GET", f"/ledgers/bank/journal-s3-exports/{export_id}")["ExportDescription"]
    assert described["Status"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("body", "headers", "status", "name"),
    [
        (b"{", SESSION_HEADERS, 400, "SerializationException"),
        (b"[]", SESSION_HEADERS, 400, "BadRequestException"),
        (b"{}", SESSION_HEADERS, 400, "BadRequestException"),
        (b"{}", {**SESSION_HEADERS, "content-type": "text/plain"}, 415, "UnsupportedMediaTypeException"),
        (b"{}", {**SESSION_HEADERS, "x-amz-target": "Other"}, 400, "UnknownOperationException"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_as_the_server_says_it(url, body, headers, status, name):
    answer = url.request("POST", "/", body, headers, encoded=True)
    assert (answer[0], answer[1]["x-amzn-errortype"]) == (status, name)
    assert answer[2]["__type"] == name


def test_a_path_that_is_no_operations_is_not_found(url):
    status, _, answer = url.request("GET", "/nowhere")
    assert (status, answer["__type"]) == (404, "UnknownOperationException")


def test_a_body_that_is_not_what_the_event_says_is_refused(url):
    event = url_event("POST", "/", b"x", SESSION_HEADERS, encoded=True) | {"body": "no base64!"}
    answer = url.api.answer(event)
    assert (answer["statusCode"], json.loads(answer["body"])["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize("event", [{}, {"requestContext": None}, {"requestContext": {"http": []}, "headers": 3}])
def test_an_event_of_another_shape_is_an_answer_too(url, event):
    assert url.api.answer(event)["statusCode"] in {400, 403, 404}


def test_a_mistake_of_ours_is_told_to_nobody(url, monkeypatch, caplog):
    monkeypatch.setattr(type(url.api.control), "call", lambda *_: 1 / 0)
    status, _, answer = url.request("GET", "/ledgers")
    assert (status, answer["__type"]) == (500, "InternalFailure")
    assert "division" not in json.dumps(answer)
    assert "ZeroDivisionError" in caplog.text


def test_a_head_request_has_no_body(url):
    status, headers, body = url.request("HEAD", "/healthz")
    assert (status, headers["content-type"], body) == (200, "application/json", None)


# ---- who asks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        (TELLER, TELLER),
        (f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Teller/session-1", f"arn:aws:iam::{ACCOUNT}:role/Teller"),
        (f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/T/a/b", f"arn:aws-cn:iam::{ACCOUNT}:role/T"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/Ann", f"arn:aws:sts::{ACCOUNT}:federated-user/Ann"),
        (f"arn:aws:iam::{ACCOUNT}:user/:assumed-role/x", f"arn:aws:iam::{ACCOUNT}:user/:assumed-role/x"),
    ],
)
def test_a_session_of_a_role_counts_as_its_role(arn, principal):
    assert principal_of({"authorizer": {"iam": {"userArn": arn}}}) == principal


def test_sessions_of_one_role_share_what_they_began(url):
    roles = [f"arn:aws:sts::{ACCOUNT}:assumed-role/Teller/{name}" for name in ("a", "b")]
    token = url.session(principal=roles[0])
    url.begin(token, principal=roles[1])
    other = url.send({"SessionToken": token, "AbortTransaction": {}}, principal=TELLER)
    assert other[2]["Message"] == "No such session"


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("GET", "/ledgers"), ("POST", "/transactions")])
def test_whoever_did_not_sign_is_refused(url, method, path):
    headers = SESSION_HEADERS if path == "/" else JSON_HEADERS
    status, answered, _ = url.request(method, path, b"{}", headers, principal=None)
    assert (status, answered["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert url.request("GET", "/healthz", principal=None)[0] == 200


# ---- bounds ----------------------------------------------------------------------------------------------------------


def test_an_answer_that_lambda_cannot_carry_says_so(url, monkeypatch):
    token = url.session()
    transaction_id = url.begin(token)
    url.execute(token, transaction_id, "CREATE TABLE T")
    monkeypatch.setattr(function_url, "MAX_ANSWER_BYTES", function_url.ANSWER_FRAME_BYTES + 1_000)
    text = "SELECT VALUE ? FROM [1]"
    status, headers, answer = url.execute(token, transaction_id, text, "x" * 1_000)
    assert (status, headers["x-amzn-errortype"], answer["Code"]) == (400, "BadRequestException", "412")
    assert "ask for less" in answer["Message"]
    assert url.execute(token, transaction_id, text, "x" * 100)[0] == 200
    answer = url.transact({"ledger": "bank", "statements": [{"statement": text, "parameters": ["x" * 1_000]}]})
    assert answer[1]["x-amzn-errortype"] == "LimitExceededException"


def test_pages_of_the_largest_size_fit(url):
    token = url.session()
    transaction_id = url.begin(token)
    url.execute(token, transaction_id, "CREATE TABLE T")
    for _ in range(3):
        url.execute(token, transaction_id, "INSERT INTO T ?", {"a": "\\" * 1_000_000})
    event = url_event(
        "POST",
        "/",
        json.dumps(
            {"SessionToken": token, "ExecuteStatement": {"TransactionId": transaction_id, "Statement": SELECT}}
        ).encode(),
        SESSION_HEADERS,
        encoded=True,
    )
    answer = url.api.answer(event, url.context)
    assert answer["statusCode"] == 200
    assert len(json.dumps(answer)) < MAX_ANSWER_BYTES
    assert "NextPageToken" in json.loads(answer["body"])["ExecuteStatement"]["FirstPage"]


def test_a_statement_ends_before_the_functions_time_does(url):
    token = url.session()
    transaction_id = url.begin(token)
    url.execute(token, transaction_id, "CREATE TABLE T")
    url.context.get_remaining_time_in_millis = lambda: function_url.RESERVED_MS - 1
    status, headers, _ = url.execute(token, transaction_id, SELECT)
    assert (status, headers["x-amzn-errortype"]) == (503, "ServiceUnavailableException")
    statement = {"ledger": "bank", "statements": [{"statement": "SELECT VALUE 1 FROM [0]"}]}
    assert url.transact(statement)[2]["code"] == "ServiceUnavailableException"
    url.context.get_remaining_time_in_millis = lambda: function_url.RESERVED_MS
    assert url.execute(token, transaction_id, SELECT)[0] == 200


# ---- a client's second attempt ---------------------------------------------------------------------------------------


def test_an_sdks_second_attempt_is_the_same_command(url):
    token = url.session()
    transaction_id = url.begin(token)
    url.execute(token, transaction_id, "CREATE TABLE T")
    attempt = {**SESSION_HEADERS, "amz-sdk-invocation-id": "4c5f2a40-6f0e-4c52-9d5c-1f6b6b0d8d3e"}
    text = "INSERT INTO T {'a': 1}"
    answers = [url.execute(token, transaction_id, text, headers=attempt)[2]["ExecuteStatement"] for _ in range(2)]
    assert answers[0]["FirstPage"] == answers[1]["FirstPage"]
    assert len(rows_of(url.execute(token, transaction_id, SELECT)[2]["ExecuteStatement"])) == 1
    for _ in range(2):
        url.execute(token, transaction_id, text)
    assert len(rows_of(url.execute(token, transaction_id, SELECT)[2]["ExecuteStatement"])) == 3


def test_a_command_is_known_by_the_attempts_id_and_by_what_it_says():
    def known(body, invocation):
        headers = {} if invocation is None else {"amz-sdk-invocation-id": invocation}
        event = url_event("POST", "/", body, headers)
        return command_id_of(read_event(event, event["requestContext"]))

    assert known(b"a", "1") == known(b"a", "1")
    assert len({known(b"a", "1"), known(b"b", "1"), known(b"a", "2")}) == 3
    assert known(b"a", None) == b""
