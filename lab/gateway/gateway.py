"""The endpoint that functions are given instead of the emulator's.

A function is known by its environment's name, which the SDK puts into the user agent (AWS_SDK_UA_APP_ID).
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, unquote

from counterfoil.server.requests import Message, Receive, Send
from lab.gateway.asynchronous import LARGEST_EVENT, AsyncFunction, AsynchronousInvocations
from lab.gateway.faults import AwsFaults, Chance, Fate, Strike, conflict, shorten, throttle
from lab.gateway.forwarding import CutOffError, Upstream, Whole
from lab.gateway.units import NOTHING, Units, asking, units_of
from lab.gateway.usage import Call, Meter, Usage
from lab.invocation import InvocationResult, Outcome
from lab.local_server import LocalServer

_CREDENTIAL_SERVICE: Final = re.compile(r"Credential=[^/,]*/\d{8}/[^/,]*/([^/,]+)/aws4_request")
_APP_ID: Final = re.compile(r"\bapp/([\w.-]+)")
_INVOKE: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_THREADS: Final = 32


class Hosts(Protocol):
    """What runs the functions."""

    def invoke(self, function_id: str, payload: bytes, request_id: str = "", /) -> InvocationResult: ...

    def kill(self, environment_name: str, /) -> int: ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, and what it is."""

    method: str
    target: bytes
    whole: Whole
    environment_name: str
    service: str
    operation: str

    @property
    def function_id(self) -> str:
        return self.environment_name.partition(".")[0]


class Gateway:
    """Serves until ``close``. ``faults``, and ``functions`` with their ``hosts``, may be changed at any time.

    ``backoff`` gives the seconds that an asynchronous event waits after so many failures in a row.
    """

    def __init__(self, endpoint: str, backoff: Callable[[int], float], faults: AwsFaults, seed: int) -> None:
        self.functions: Sequence[AsyncFunction] = ()
        self.hosts: Hosts | None = None
        self._endpoint = endpoint
        self._meter = Meter()
        self._chance = Chance(faults, seed)
        self._upstream: Upstream | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(_THREADS, "invoke")
        self.events = AsynchronousInvocations(self._run, backoff)
        self._server = LocalServer(self, "gateway", self._let_go)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def faults(self) -> AwsFaults:
        return self._chance.faults

    @faults.setter
    def faults(self, faults: AwsFaults) -> None:
        self._chance.faults = faults

    @property
    def struck(self) -> Mapping[Fate, int]:
        """How many requests met which fate."""
        return self._chance.struck

    def usage(self) -> Usage:
        """What was asked until now."""
        return self._meter.usage()

    def listen(self, listener: Callable[[Call], None]) -> None:
        """Have ``listener`` told of every call; it runs in the gateway's thread and must be quick."""
        self._meter.listen(listener)

    def strike(self, *strikes: Strike) -> None:
        """Decide the fate of certain requests."""
        self._chance.strikes += strikes

    def close(self) -> None:
        self.events.close()
        self._server.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _let_go(self) -> None:
        if self._upstream is not None:
            self._upstream.close()

    # ---- serving -----------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # the server is started without lifespan and web sockets
        body = await _body(receive)
        if body is None:
            return
        asked = _asked(scope, body)
        fate = self._chance.fate_of(asked.function_id, asked.service, asked.operation, body)
        answer = await self._meet(asked, fate)
        self._count(asked, answer)
        if answer is None:
            self._server.cut(scope)
            await asyncio.sleep(0)  # so that the connection is known to be gone when this ends
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": _headers(scope, answer)})
        await send({"type": "http.response.body", "body": b"" if asked.method == "HEAD" else answer.body})

    async def _meet(self, asked: _Asked, fate: Fate) -> Whole | None:
        """The answer to a request under its fate; ``None`` if there comes none."""
        match fate:
            case Fate.CARRIED_OUT:
                return await self._carry_out(asked)
            case Fate.THROTTLED:
                return throttle(asked.service)
            case Fate.CONFLICTING:
                return conflict(json.loads(asked.whole.body))
            case Fate.SHORTENED:
                return await self._shortened(asked)
            case Fate.LOST_ANSWER | Fate.KILLED_AFTER:
                await self._carry_out(asked)
            case Fate.LATE:
                task = asyncio.create_task(self._afterwards(asked))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
        if fate in {Fate.KILLED_BEFORE, Fate.KILLED_AFTER}:
            self._running().kill(asked.environment_name)
        return None

    async def _afterwards(self, asked: _Asked) -> None:
        await asyncio.sleep(self._chance.faults.late_seconds)
        await self._carry_out(asked)

    async def _shortened(self, asked: _Asked) -> Whole | None:
        shortened = shorten(asked.operation, asked.whole.body, self._chance)
        if shortened.request is None:
            content_type = [(b"content-type", asked.whole.header(b"content-type").encode())]
            return Whole(content_type, shortened.complete(b""), 200)
        part = Whole(asked.whole.headers, shortened.request)
        answer = await self._forward(asked.method, asked.target, part)
        if answer is None or answer.status != 200:
            return answer
        kept = [(name, value) for name, value in answer.headers if name != b"x-amz-crc32"]
        return Whole(kept, shortened.complete(answer.body), 200)

    async def _carry_out(self, asked: _Asked) -> Whole | None:
        found = _INVOKE.fullmatch(asked.target.decode("latin-1").partition("?")[0])
        if found is not None and asked.method == "POST":
            return await self._invoke(unquote(found[1]), asked.whole)
        whole = asked.whole
        if asked.service == "dynamodb":
            whole = Whole(whole.headers, asking(asked.operation, whole.body))
        return await self._forward(asked.method, asked.target, whole)

    async def _forward(self, method: str, target: bytes, whole: Whole) -> Whole | None:
        if self._upstream is None:
            self._upstream = Upstream(self._endpoint)
        try:
            return await self._upstream.send(method, target, whole)
        except CutOffError:
            return None

    def _count(self, asked: _Asked, answer: Whole | None) -> None:
        ddb_tables: tuple[str, ...] = ()
        units = NOTHING
        if asked.service == "dynamodb":
            ddb_tables, units = _consumption(asked.operation, asked.whole.body, answer)
        status, size = (answer.status, len(answer.body)) if answer else (0, 0)
        self._meter.count(
            Call(
                time.time(),
                asked.function_id,
                asked.service,
                asked.operation,
                ddb_tables,
                asked.whole.body,
                status,
                size,
                units,
            )
        )

    # ---- Lambda's Invoke ---------------------------------------------------------------------------------------------

    async def _invoke(self, name: str, whole: Whole) -> Whole:
        """AWS Lambda API Reference, "Invoke"."""
        function = next((each for each in self.functions if _named(each, name)), None)
        if function is None:
            return _error(404, "ResourceNotFoundException", f"Function not found: {name}")
        payload = whole.body or b"{}"
        match whole.header(b"x-amz-invocation-type") or "RequestResponse":
            case "DryRun":
                return Whole([], b"", 204)
            case "Event" if len(payload) > LARGEST_EVENT:
                return _error(413, "RequestTooLargeException", f"{len(payload)} byte payload is too large for an event")
            case "Event":
                return Whole([(b"x-amzn-requestid", self.events.submit(function, payload).encode())], b"", 202)
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._threads, self._run, function.function_id, payload, "")
        return _invoked(result)

    def _run(self, function_id: str, payload: bytes, request_id: str) -> InvocationResult:
        return self._running().invoke(function_id, payload, request_id)

    def _running(self) -> Hosts:
        assert self.hosts is not None  # nobody calls before there are functions
        return self.hosts


def _invoked(result: InvocationResult) -> Whole:
    headers = [(b"content-type", b"application/json"), (b"x-amzn-requestid", result.request_id.encode())]
    if result.outcome is Outcome.REFUSED:
        error = result.answer
        status = 413 if error["errorType"] == "RequestTooLargeException" else 429
        return _error(status, error["errorType"], error["errorMessage"])
    headers.append((b"x-amz-executed-version", b"$LATEST"))
    if result.outcome is Outcome.FAILED:
        headers.append((b"x-amz-function-error", b"Unhandled"))
    return Whole(headers, result.payload, 200)


def _error(status: int, name: str, message: str) -> Whole:
    headers = [(b"content-type", b"application/json"), (b"x-amzn-errortype", name.encode())]
    return Whole(headers, json.dumps({"Type": "User", "message": message}).encode(), status)


def _named(function: AsyncFunction, name: str) -> bool:
    """By its name, its ARN, or either with the only version there is."""
    plain = name.removesuffix(":$LATEST")
    return plain in {function.name, function.arn} or function.arn.endswith(f":{plain}")


# ---- what a request is -----------------------------------------------------------------------------------------------


async def _body(receive: Receive) -> bytes | None:
    """The whole body; ``None`` when the client went away before."""
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def _asked(scope: Message, body: bytes) -> _Asked:
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    whole = Whole(list(scope["headers"]), body)
    signed_for = _CREDENTIAL_SERVICE.search(whole.header(b"authorization"))
    app_id = _APP_ID.search(whole.header(b"user-agent"))
    service = signed_for[1] if signed_for else ""
    method = scope["method"]
    return _Asked(
        method, target, whole, app_id[1] if app_id else "", service, _operation(service, method, target, whole)
    )


def _operation(service: str, method: str, target: bytes, whole: Whole) -> str:
    """The operation's name where the protocol says it; else the method, and for S3 whether it is about an object."""
    if named := whole.header(b"x-amz-target"):
        return named.rpartition(".")[2]
    if service == "s3":
        inside = unquote(target.decode("latin-1").partition("?")[0]).strip("/")
        return f"{method} {'object' if '/' in inside else 'bucket'}"
    if service == "lambda" and b"/invocations" in target:
        return "Invoke"
    if whole.header(b"content-type").startswith("application/x-www-form-urlencoded"):
        return parse_qs(whole.body.decode("latin-1")).get("Action", [method])[0]
    return method


def _consumption(operation: str, body: bytes, answer: Whole | None) -> tuple[tuple[str, ...], Units]:
    request = json.loads(body)
    if answer is None:
        return tuple(_tables(request)), NOTHING
    return tuple(_tables(request)), units_of(operation, request, answer.status, json.loads(answer.body or b"{}"))


def _tables(request: Mapping[str, Any]) -> Iterable[str]:
    """Tables that a request names, each once, in order."""
    found = [request["TableName"]] if "TableName" in request else [*request.get("RequestItems", ())]
    found += [each["TableName"] for action in request.get("TransactItems", ()) for each in action.values()]
    return dict.fromkeys(found)


def _headers(scope: Message, answer: Whole) -> list[tuple[bytes, bytes]]:
    if scope["method"] == "HEAD":
        return answer.headers
    return [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
