"""The Lambda Runtime API on 127.0.0.1, for one execution environment.

Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes". The runtime asks for the next invocation and
waits; it posts a response or an error for it; it posts an error when it could not start.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Protocol

VERSION: Final = "/2018-06-01/runtime"


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the runtime gets: the event and what Lambda tells about it in headers."""

    request_id: str
    payload: bytes
    deadline_ms: int
    function_arn: str
    trace_id: str

    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
            "Lambda-Runtime-Trace-Id": self.trace_id,
        }


class Conversation(Protocol):
    """The environment's side; every call comes from a thread of the server."""

    def next_invocation(self) -> Invocation | None:
        """Wait for an invocation; None when the environment closes."""

    def respond(self, request_id: str, body: bytes) -> bool:
        """The handler returned; False when nobody waits for that invocation."""

    def fail(self, request_id: str, body: bytes) -> bool:
        """The handler raised; False when nobody waits for that invocation."""

    def fail_init(self, body: bytes) -> None:
        """The runtime could not load the handler."""


class RuntimeApi:
    """A server for one environment on a free port."""

    def __init__(self, conversation: Conversation) -> None:
        handler = type("Handler", (_Handler,), {"conversation": conversation})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="runtime-api")
        self._thread.start()

    @property
    def address(self) -> str:
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def close(self) -> None:
        """Stop serving; the conversation must have released ``next_invocation`` before."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # ``close`` waits for them

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A runtime that is killed breaks its connection, which its environment knows already."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    conversation: Conversation
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave in one packet
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path != f"{VERSION}/invocation/next":
            self._answer(HTTPStatus.NOT_FOUND)
            return
        invocation = self.conversation.next_invocation()
        if invocation is None:
            self.close_connection = True
            return
        self._answer(HTTPStatus.OK, invocation.payload, invocation.headers())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.path.removeprefix(VERSION).split("/")[1:]:
            case ["invocation", request_id, "response"]:
                self._accept(known=self.conversation.respond(request_id, body))
            case ["invocation", request_id, "error"]:
                self._accept(known=self.conversation.fail(request_id, body))
            case ["init", "error"]:
                self.conversation.fail_init(body)
                self._accept(known=True)
            case _:
                self._answer(HTTPStatus.NOT_FOUND)

    def _accept(self, *, known: bool) -> None:
        self._answer(HTTPStatus.ACCEPTED if known else HTTPStatus.BAD_REQUEST, b'{"status":"OK"}' if known else b"{}")

    def _answer(self, status: HTTPStatus, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  named by the standard library
        """The function's log is for the function."""
