"""HTTP/1.1 on a socket: uvicorn's protocol on httptools, with what it leaves open to hostile or careless clients closed.

- One write for an answer, and TCP_NODELAY. uvicorn writes headers and body apart, and asyncio sets the option only on sockets that
  were made with the protocol's number; without both, the body waits for the acknowledgement of the headers.
- A time limit from the first byte of a request to the end of its headers, and for connections that never send one; a bound on
  the size of headers. The body's limits are the application's.
- A bound on connections. Past it the connection that has been idle longest is closed, so that idle ones never keep others out;
  if none is idle, the new one is closed.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES: Final = 64 * 1024
HEADER_SECONDS: Final = 20.0

# Drivers keep connections for a while between transactions; whoever comes later connects anew.
IDLE_SECONDS: Final = 75

_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class OneWrite:
    """A transport that sends what is written to it during one step of the event loop at once."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)

    def close(self) -> None:
        """What was written is sent first."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pieces and not self._transport.is_closing():
            self._transport.write(b"".join(self._pieces))
        self._pieces = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


@dataclass(slots=True)
class Connections:
    """The open connections of a server; ``idle`` in the order in which they became idle."""

    at_most: int
    header_seconds: float = HEADER_SECONDS
    open: set[LedgerHttp] = field(default_factory=set)
    idle: dict[LedgerHttp, None] = field(default_factory=dict)

    def add(self, connection: LedgerHttp) -> bool:
        """Whether the connection may stay."""
        if len(self.open) >= self.at_most:
            if not self.idle:
                return False
            longest = next(iter(self.idle))
            self.remove(longest)
            longest.transport.close()
        self.open.add(connection)
        return True

    def remove(self, connection: LedgerHttp) -> None:
        self.open.discard(connection)
        self.idle.pop(connection, None)


class LedgerHttp(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, table: Connections, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._table = table
        self._header_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(OneWrite(transport, self.loop))  # type: ignore[arg-type]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._table.add(self):
            self._start_timer()
        else:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._table.remove(self)
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self in self._table.idle:  # the first bytes of another request
            del self._table.idle[self]
            self._start_timer()
        if self._header_timer is not None:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._header_timer is not None and self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:
            self._table.idle[self] = None

    def timeout_keep_alive_handler(self) -> None:
        """Idle too long; a client that does not take its answer is cut off."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _start_timer(self) -> None:
        self._header_bytes = 0
        self._stop_timer()
        self._header_timer = self.loop.call_later(self._table.header_seconds, self._refuse, _TOO_SLOW)

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self, answer: bytes) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()


def http_protocol(table: Connections) -> Callable[..., LedgerHttp]:
    """What uvicorn makes for each connection."""
    return lambda *arguments, **named: LedgerHttp(*arguments, table=table, **named)
