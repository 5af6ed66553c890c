"""A function's URL: what the function gets of a request, what a caller gets of its answer, and who is let in."""

import base64
import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lab.function_url import LARGEST_BODY, FunctionUrl, Principal
from lab.invocation import InvocationResult, Outcome
from lab.local_server import LocalServer

TELLER = Principal(access_key_id="TELLER", secret="secret", user_arn="arn:aws:iam::000000000000:user/teller")


class Function:
    """Answers what it is told to, and keeps the events it got."""

    def __init__(self):
        self.events = []
        self.result = lambda event: ok({"statusCode": 200, "body": "ok"})

    def __call__(self, payload):
        self.events.append(json.loads(payload))
        return self.result(self.events[-1])


def ok(answer):
    return InvocationResult(Outcome.ANSWERED, json.dumps(answer).encode(), "the-request-id")


@pytest.fixture
def function():
    return Function()


@pytest.fixture
def serve(function):
    """Serves the function's URL; all servers are closed at the end."""
    open_now = []

    def start(principals=None):
        app = FunctionUrl(function, principals)
        server = LocalServer(app, "url")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        open_now.append((connection, server, app))
        return connection

    yield start
    for each in open_now:
        for opened in each:
            opened.close()


def send(connection, method="GET", path="/", body=b"", headers=None):
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def signed(connection, service="lambda", secret="secret", body=b"{}"):
    url = f"http://127.0.0.1:{connection.port}/"
    request = AWSRequest(method="POST", url=url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials("TELLER", secret), service, "us-east-1").add_auth(request)
    return send(connection, "POST", "/", body, dict(request.headers))


def test_the_event_is_what_lambda_makes_of_a_request(serve, function):
    headers = {"X-One": "a", "Cookie": "a=1; b=2", "User-Agent": "teller"}
    status, _, _ = send(serve(), "PUT", "/tags/arn%3Aaws?tagKeys=b&tagKeys=a%20c&empty=", headers=headers)
    (event,) = function.events
    assert status == 200
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "$default", "/tags/arn%3Aaws")
    assert event["rawQueryString"] == "tagKeys=b&tagKeys=a%20c&empty="
    assert event["queryStringParameters"] == {"tagKeys": "b,a c", "empty": ""}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-one"] == "a"
    assert "cookie" not in event["headers"]
    assert event["requestContext"]["http"]["method"] == "PUT"
    assert event["requestContext"]["http"]["userAgent"] == "teller"
    assert event["requestContext"]["accountId"] == "anonymous"
    assert "authorizer" not in event["requestContext"]
    assert "body" not in event
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json; charset=utf-8", "ü".encode(), ("ü", False)),
        ("text/plain", b"a", ("a", False)),
        ("text/plain", b"\xff", ("/w==", True)),
        ("application/x-amz-json-1.0", b"{}", ("e30=", True)),
        ("application/octet-stream", b"\0\xff", ("AP8=", True)),
    ],
)
def test_text_stays_text_and_all_else_is_base64(serve, function, content_type, body, expected):
    send(serve(), "POST", "/", body, {"Content-Type": content_type})
    assert (function.events[0]["body"], function.events[0]["isBase64Encoded"]) == expected


def test_an_answer_is_handed_back_byte_for_byte(serve, function):
    body = bytes(range(256))
    function.result = lambda _: ok(
        {
            "statusCode": 418,
            "headers": {
                "X-Amzn-ErrorType": "Teapot",
                "Content-Type": "application/x-amz-json-1.0",
                "Content-Length": 3,
            },
            "cookies": ["a=1", "b=2"],
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
    )
    connection = serve()
    status, headers, got = send(connection)
    assert (status, got) == (418, body)
    assert headers["x-amzn-errortype"] == "Teapot"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["content-length"] == "256"
    assert headers["x-amzn-requestid"] == "the-request-id"
    assert send(connection)[0] == 418  # on the same connection


@pytest.mark.parametrize(
    ("answer", "body"), [({"a": 1}, b'{"a": 1}'), ("text", b"text"), (None, b"null"), ([1], b"[1]")]
)
def test_an_answer_without_a_status_is_the_body_itself(serve, function, answer, body):
    function.result = lambda _: ok(answer)
    assert send(serve())[::2] == (200, body)


@pytest.mark.parametrize(
    ("result", "status", "message"),
    [
        (InvocationResult.error("ValueError", "no such block", "r"), 502, "Internal Server Error"),
        (InvocationResult.error("Runtime.ExitError", "signal: killed", "r"), 502, "Internal Server Error"),
        (InvocationResult.error("Sandbox.Timedout", "Task timed out", "r"), 504, "Gateway Timeout"),
        (InvocationResult.refused("TooManyRequestsException", "Rate Exceeded.", "r"), 429, "Rate Exceeded."),
        (InvocationResult.refused("RequestTooLargeException", "too large", "r"), 413, "too large"),
        (ok({"statusCode": "many"}), 502, "Internal Server Error"),
        (ok({"statusCode": 200, "body": "not base64", "isBase64Encoded": True}), 502, "Internal Server Error"),
        (ok({"statusCode": 200, "headers": {"a": [1]}}), 502, "Internal Server Error"),
        (InvocationResult(Outcome.ANSWERED, b"not JSON", "r"), 502, "Internal Server Error"),
    ],
)
def test_what_becomes_of_an_invocation_that_does_not_answer(serve, function, result, status, message):
    function.result = lambda _: result
    got, headers, body = send(serve())
    assert (got, json.loads(body)) == (status, {"Message": message})
    assert headers["x-amzn-requestid"] == result.request_id


def test_a_body_over_the_limit_never_reaches_the_function(serve, function):
    assert send(serve(), "POST", "/", b"x" * (LARGEST_BODY + 1))[0] == 413
    assert function.events == []
    assert send(serve(), "POST", "/", b"x" * LARGEST_BODY)[0] == 200


def test_a_signature_for_lambda_is_let_in_and_the_function_told_who_it_is(serve, function):
    assert signed(serve([TELLER]))[0] == 200
    identity = function.events[0]["requestContext"]["authorizer"]["iam"]
    assert identity["userArn"] == TELLER.user_arn
    assert (identity["accessKey"], identity["accountId"]) == ("TELLER", "000000000000")
    assert "authorization" not in function.events[0]["headers"]


def test_whoever_does_not_sign_so_is_not_let_in(serve, function):
    connection = serve([TELLER])
    status, headers, body = send(connection)
    assert (status, headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert json.loads(body) == {"Message": "Forbidden"}
    for given in ({"service": "qldb"}, {"secret": "wrong"}):
        status, headers, _ = signed(connection, **given)
        assert (status, headers["x-amzn-errortype"]) == (403, "InvalidSignatureException")
    assert function.events == []


def test_a_client_of_aws_signs_so_that_it_is_let_in(serve, function):
    """botocore itself, with a service whose signing name is Lambda's."""
    function.result = lambda _: ok({"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "{}"})
    port = serve([TELLER]).port
    client = botocore.session.Session().create_client(
        "lambda",
        region_name="eu-central-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="TELLER",
        aws_secret_access_key="secret",
        aws_session_token="temporary",
    )
    client.get_account_settings()
    assert function.events[0]["rawPath"] == "/2016-08-19/account-settings"
    client.close()


def test_requests_are_carried_out_side_by_side(serve, function):
    together = threading.Barrier(4, timeout=30)

    def wait_for_the_others(_event):
        together.wait()
        return ok({"statusCode": 200})

    function.result = wait_for_the_others
    port = serve().port
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(4)]
    with ThreadPoolExecutor(4) as clients:
        assert [each[0] for each in clients.map(send, connections)] == [200] * 4
    for each in connections:
        each.close()
