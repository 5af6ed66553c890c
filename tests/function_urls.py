"""Requests to the ledger's function as AWS's function URL hands them over, and what becomes of them, in this process."""

import base64
import json
from types import SimpleNamespace

from counterfoil.ion.codec import encode
from counterfoil.server.ledger_api import ledger_api
from tests.session_worlds import digest_of

ACCOUNT = "123456789012"
TELLER = f"arn:aws:iam::{ACCOUNT}:user/teller"
SESSION_HEADERS = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "QLDBSession.SendCommand"}
JSON_HEADERS = {"content-type": "application/json"}


def url_event(method, path, body=None, headers=(), principal=TELLER, *, encoded=False, request_id="request-1"):
    """The event of a request; text bodies come as they are, others in base64, as AWS does it."""
    path, _, query = path.partition("?")
    iam = {"accountId": ACCOUNT, "userArn": principal}
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": dict(headers),
        "requestContext": {
            "http": {"method": method, "path": path},
            "requestId": request_id,
            **({} if principal is None else {"authorizer": {"iam": iam}}),
        },
        "isBase64Encoded": encoded,
    }
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if encoded else body.decode()
    return event


class Url:
    """The function of one ledger, over memory."""

    def __init__(self, **environ):
        self.api = ledger_api({"COUNTERFOIL_ADAPTERS": "memory", "PERMISSIONS_DEFAULT": "allow", **environ})
        self.requests = 0
        self.context = SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000)

    def request(self, method, path, body=None, headers=(), **more):
        """Status, headers and the body as JSON."""
        self.requests += 1
        event = url_event(method, path, body, headers, request_id=f"request-{self.requests}", **more)
        answer = self.api.answer(json.loads(json.dumps(event)), self.context)
        assert not answer["isBase64Encoded"]
        return answer["statusCode"], answer["headers"], json.loads(answer["body"]) if answer["body"] else None

    def call(self, method, path, document=None, **more):
        """An operation of the control plane that must succeed."""
        body = None if document is None else json.dumps(document).encode()
        status, _, answer = self.request(method, path, body, JSON_HEADERS, **more)
        assert status == 200, answer
        return answer

    def create(self, name="bank", mode="ALLOW_ALL", **more):
        document = {"Name": name, "PermissionsMode": mode, "DeletionProtection": False}
        return self.call("POST", "/ledgers", document, **more)

    def transact(self, document, **more):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.request("POST", "/transactions", body, JSON_HEADERS, **more)

    def send(self, command, headers=SESSION_HEADERS, **more):
        return self.request("POST", "/", json.dumps(command).encode(), headers, encoded=True, **more)

    def session(self, ledger="bank", **more):
        status, _, answer = self.send({"StartSession": {"LedgerName": ledger}}, **more)
        assert status == 200, answer
        return answer["StartSession"]["SessionToken"]

    def begin(self, token, **more):
        answer = self.send({"SessionToken": token, "StartTransaction": {}}, **more)[2]
        return answer["StartTransaction"]["TransactionId"]

    def execute(self, token, transaction_id, text, *parameters, **more):
        holders = [{"IonBinary": base64.b64encode(encode(each)).decode()} for each in parameters]
        command = {"TransactionId": transaction_id, "Statement": text, "Parameters": holders}
        return self.send({"SessionToken": token, "ExecuteStatement": command}, **more)

    def commit(self, token, transaction_id, *statements, **more):
        digest = digest_of(transaction_id, [(text, parameters) for text, *parameters in statements])
        command = {"TransactionId": transaction_id, "CommitDigest": base64.b64encode(digest).decode()}
        return self.send({"SessionToken": token, "CommitTransaction": command}, **more)
