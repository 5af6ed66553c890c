"""Hands requests on to the emulator over connections that are kept, and brings its answers back whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httptools

# What belongs to one connection and is said anew on the next one; a whole body needs neither chunks nor an invitation.
_OF_ONE_CONNECTION: Final = {b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"expect"}

type Headers = Iterable[tuple[bytes, bytes]]


class CutOffError(Exception):
    """The emulator's connection ended before its answer was whole: whether it did anything is not known."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A request or an answer that was received to its end; header names in lower case."""

    headers: list[tuple[bytes, bytes]]
    body: bytes
    status: int = 0

    def header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")


@dataclass(slots=True)
class _Reading:
    """An answer as it comes in; httptools calls these by name."""

    done: asyncio.Future[Whole]
    without_body: bool
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    parser: Any = None

    def __post_init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self.without_body:
            self.on_message_complete()

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        if not self.done.done():
            # The answer to HEAD says how long the body would be; of any other, the body itself says it.
            dropped = _OF_ONE_CONNECTION - {b"content-length"} if self.without_body else _OF_ONE_CONNECTION
            kept = [(name, value) for name, value in self.headers if name not in dropped]
            self.done.set_result(Whole(kept, b"".join(self.pieces), self.parser.get_status_code()))


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self.open = False
        self._transport: asyncio.Transport | None = None
        self._reading: _Reading | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self.open = transport, True

    def data_received(self, data: bytes) -> None:
        if self._reading is not None:
            self._reading.parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._reading is not None and not self._reading.done.done():
            self._reading.done.set_exception(CutOffError(str(exc or "closed")))

    async def exchange(self, request: bytes, *, without_body: bool) -> Whole:
        assert self._transport is not None
        self._reading = _Reading(asyncio.get_running_loop().create_future(), without_body)
        self._transport.write(request)
        try:
            return await self._reading.done
        finally:
            self._reading = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Upstream:
    """The emulator behind ``endpoint``; for one event loop."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._idle: list[_Connection] = []

    async def send(self, method: str, target: bytes, request: Whole) -> Whole:
        """The answer; ``CutOffError`` if there is none. A request is sent once: doing it twice is the client's to decide."""
        connection = await self._connection()
        try:
            answer = await connection.exchange(_rendered(method, target, request), without_body=method == "HEAD")
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        try:
            _, made = await asyncio.get_running_loop().create_connection(_Connection, self._host, self._port)
        except OSError as error:
            raise CutOffError(str(error)) from error
        return made

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()


def _rendered(method: str, target: bytes, request: Whole) -> bytes:
    kept = [name + b": " + value for name, value in request.headers if name not in _OF_ONE_CONNECTION]
    lines = [
        method.encode() + b" " + target + b" HTTP/1.1",
        *kept,
        b"content-length: " + str(len(request.body)).encode(),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + request.body
