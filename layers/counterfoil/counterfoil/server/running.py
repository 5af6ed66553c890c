"""Runs the server: socket, event loop, signals, and a clean end."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import uvicorn

from counterfoil.errors import UnavailableError
from counterfoil.server.assembly import LedgerServer, ServerSettings
from counterfoil.server.http import IDLE_SECONDS, Connections, http_protocol
from counterfoil.server.requests import Message, Receive, Send

type Application = Callable[[Message, Receive, Send], Awaitable[None]]

# Descriptors that ledgers, their readers and clients of AWS need beside connections.
RESERVED_DESCRIPTORS: Final = 512
MAX_CONNECTIONS: Final = 4_096
BACKLOG: Final = 1_024

# Requests that are being carried out get this long to be answered before their connections are closed.
STOP_SECONDS: Final = 10

# Sessions and transactions whose time is up are looked for this often.
SWEEP_SECONDS: Final = 10.0


def serve(settings: ServerSettings, ready: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``ready`` is called with the port once connections are taken.

    ``UnavailableError`` if the port cannot be had, ``PreconditionError`` if another process has the data folder.
    """
    with _bound(settings.host, settings.port) as listening:
        server = LedgerServer(settings)
        try:
            asyncio.run(_run(server, listening, ready))
        finally:
            server.close()


def serve_app(app: Application, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serve an application that keeps nothing open until SIGTERM or SIGINT, with the same bounds."""
    with _bound(host, port) as listening:
        asyncio.run(_run_app(app, listening, ready))


async def _run_app(app: Application, listening: socket.socket, ready: Callable[[int], None]) -> None:
    http = HttpServer(app, Connections(_max_connections()), listening, ready)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, http.stop)
    await http.serve(sockets=[listening])


async def _run(server: LedgerServer, listening: socket.socket, ready: Callable[[int], None]) -> None:
    http = HttpServer(server.app, Connections(_max_connections()), listening, ready)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, http.stop)
    sweeping = asyncio.create_task(_sweep(server))
    try:
        await http.serve(sockets=[listening])
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping


class HttpServer(uvicorn.Server):
    """Leaves signals to the event loop, so that the ledgers are closed before the process ends, and says when it is ready."""

    def __init__(
        self, app: Application, table: Connections, listening: socket.socket, ready: Callable[[int], None]
    ) -> None:
        config = uvicorn.Config(
            app,
            http=http_protocol(table),  # type: ignore[arg-type] # called as uvicorn calls its own classes
            loop="asyncio",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
            backlog=BACKLOG,
        )
        super().__init__(config)
        self._ready = ready
        self._listening = listening

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready(self._listening.getsockname()[1])

    def stop(self) -> None:
        """End; a second signal does not wait for requests that are being carried out."""
        self.force_exit = self.should_exit
        self.should_exit = True


async def _sweep(server: LedgerServer) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await server.workers.run(server.sessions.sweep)
        except Exception:
            logging.getLogger(__name__).exception("sweeping sessions")


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket's address, taken before any ledger is opened."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        yield listening
    except (OSError, OverflowError) as error:
        raise UnavailableError(f"{host}:{port} cannot be listened on: {error}") from None
    finally:
        listening.close()


def _max_connections() -> int:
    """As many as the process may have descriptors for; its soft limit is raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + RESERVED_DESCRIPTORS
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    available = wanted if soft == resource.RLIM_INFINITY else soft
    return max(16, min(MAX_CONNECTIONS, available - RESERVED_DESCRIPTORS))
