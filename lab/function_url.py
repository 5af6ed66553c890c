"""A function's URL on this machine: HTTP becomes the function's event, its answer becomes HTTP, as Lambda does it.

AWS Lambda Developer Guide, "Invoking Lambda function URLs": request and response payloads (format 2.0), limits, authorization.
Where the guide is silent, what a function may rely on least: ``authorization`` is not handed on, the path is as it was sent.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from counterfoil.protocol.faults import ProtocolError
from counterfoil.server.identities import Identity
from counterfoil.server.requests import (
    CutShortError,
    Message,
    Receive,
    Request,
    Send,
    TooLargeError,
    TooSlowError,
    read_request,
)
from counterfoil.server.sigv4 import Verifier
from lab.invocation import InvocationResult, Invoke, Outcome

# What a request to a function URL is signed for.
SIGNING_NAME: Final = "lambda"
# "Lambda quotas", "Invocation payload (request and response)": 6 MB each.
LARGEST_BODY: Final = 6 * 1024 * 1024
# As many requests may wait for a function as it may ever have environments.
_THREADS: Final = 64
_TEXTS: Final = ("application/json", "application/javascript", "application/xml")
_NOT_HANDED_BACK: Final = {
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "transfer-encoding",
    "x-amzn-requestid",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever may call a function URL of the lab: keys, and the identity in IAM that a function is told of."""

    access_key_id: str
    secret: str
    user_arn: str
    account_id: str = "000000000000"
    user_id: str = "AIDALAB"


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it goes out; header names in lower case."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request; nobody, where the URL asks for no signature."""

    principal: Principal | None = None

    def authorizer(self) -> dict[str, Any]:
        """``requestContext.authorizer`` of the event."""
        if self.principal is None:
            return {}
        known = self.principal
        identity = {
            "accessKey": known.access_key_id,
            "accountId": known.account_id,
            "callerId": known.user_id,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": known.user_arn,
            "userId": known.user_id,
        }
        return {"authorizer": {"iam": identity}}


class FunctionUrl:
    """An ASGI application in front of one function. Without ``principals`` anybody may call (AuthType NONE)."""

    def __init__(
        self, invoke: Invoke, principals: Iterable[Principal] | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._invoke = invoke
        self._clock = clock
        self._principals = {each.access_key_id: each for each in principals or ()}
        self._verifier: Verifier | None = None
        if principals is not None:
            identities = {key: Identity(key, each.secret, ()) for key, each in self._principals.items()}
            self._verifier = Verifier(identities, lambda: datetime.fromtimestamp(clock(), UTC), SIGNING_NAME)
        self._threads = ThreadPoolExecutor(_THREADS, "function-url")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # the server is started without lifespan and web sockets
        try:
            answered = await self._answer(scope, receive)
        except CutShortError:
            return
        headers = [*answered.headers, ("content-length", str(len(answered.body)))]
        encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
        await send({"type": "http.response.start", "status": answered.status, "headers": encoded})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answered.body})

    def close(self) -> None:
        """Let go of the threads; invocations must have ended."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, scope: Message, receive: Receive) -> Answered:
        try:
            request = await read_request(scope, receive)
        except TooLargeError:
            return refused(413, "RequestEntityTooLargeException", "Request Entity Too Large")
        except TooSlowError:
            return refused(408, "RequestTimeoutException", "Request Timeout")
        if len(request.body) > LARGEST_BODY:
            return refused(413, "RequestEntityTooLargeException", "Request Entity Too Large")
        try:
            caller = self._verified(request)
        except ProtocolError as error:
            return forbidden(error)
        client = str((scope.get("client") or ("127.0.0.1",))[0])
        event = json.dumps(event_of(request, caller, client, self._clock())).encode()
        result = await asyncio.get_running_loop().run_in_executor(self._threads, self._invoke, event)
        return answer_of(result)

    def _verified(self, request: Request) -> Caller:
        if self._verifier is None:
            return Caller()
        return Caller(self._principals[self._verifier.verify(request).name])


def event_of(request: Request, caller: Caller, client: str, now: float) -> dict[str, Any]:
    """The function's event, payload format 2.0."""
    headers = _joined(request.headers)
    host = headers.get("host", "")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.raw_path,
        "rawQueryString": request.query,
        "headers": {name: value for name, value in headers.items() if name not in {"authorization", "cookie"}},
        "requestContext": {
            "accountId": caller.principal.account_id if caller.principal else "anonymous",
            "apiId": host.partition(":")[0],
            **caller.authorizer(),
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": request.raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": client,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(1000 * now),
        },
        "isBase64Encoded": False,
    }
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True))
    if "cookie" in headers:
        event["cookies"] = [each.strip() for each in headers["cookie"].split(";")]
    if request.body:
        event |= _body(request)
    return event


def _body(request: Request) -> dict[str, Any]:
    """Text stays text where the content type says that it is, and everything else is base64."""
    if request.content_type.startswith("text/") or request.content_type in _TEXTS:
        try:
            return {"body": request.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By name; the values of a name that comes twice are joined by commas."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def answer_of(result: InvocationResult) -> Answered:
    """What a caller gets of an invocation: the function's own answer, or the service's word for what became of it."""
    match result.outcome:
        case Outcome.ANSWERED:
            try:
                return _with_id(_shaped(result.answer), result)
            except (ValueError, TypeError, AttributeError):  # not JSON, or of another shape than the guide's
                return _with_id(_failed(502, "Internal Server Error"), result)
        case Outcome.FAILED:
            timed_out = result.answer.get("errorType") == "Sandbox.Timedout"
            return _with_id(
                _failed(504, "Gateway Timeout") if timed_out else _failed(502, "Internal Server Error"), result
            )
    error = result.answer
    status = 413 if error["errorType"] == "RequestTooLargeException" else 429
    return _with_id(refused(status, error["errorType"], error["errorMessage"]), result)


def _shaped(answer: Any) -> Answered:
    """Response payload format 2.0: without a statusCode the whole answer is the body of a 200."""
    if not isinstance(answer, Mapping) or "statusCode" not in answer:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Answered(200, [("content-type", "application/json")], text.encode())
    headers = {name.lower(): _text(value) for name, value in (answer.get("headers") or {}).items()}
    kept = [(name, value) for name, value in headers.items() if name not in _NOT_HANDED_BACK]
    if "content-type" not in headers:
        kept.append(("content-type", "application/json"))
    kept += [("set-cookie", _text(each)) for each in answer.get("cookies") or ()]
    body = answer.get("body") or ""
    raw = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
    return Answered(int(answer["statusCode"]), kept, raw)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError(f"{value!r} is not the value of a header")


def _with_id(answered: Answered, result: InvocationResult) -> Answered:
    return Answered(answered.status, [*answered.headers, ("x-amzn-requestid", result.request_id)], answered.body)


def forbidden(error: ProtocolError) -> Answered:
    """Who sends no signature is told nothing more; a signature that does not hold is told why."""
    if error.name == "MissingAuthenticationTokenException":
        return refused(403, "AccessDeniedException", "Forbidden")
    return refused(403, error.name, str(error))


def refused(status: int, name: str, message: str) -> Answered:
    body = json.dumps({"Message": message}).encode()
    return Answered(status, [("content-type", "application/json"), ("x-amzn-errortype", name)], body)


def _failed(status: int, message: str) -> Answered:
    return Answered(status, [("content-type", "application/json")], json.dumps({"Message": message}).encode())
