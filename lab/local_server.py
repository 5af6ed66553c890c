"""Serves an ASGI application on a free port of 127.0.0.1, in a thread of its own.

The sockets are those of ``counterfoil serve``: HTTP/1.1, connections kept, TCP_NODELAY, an answer in one write.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Self

from counterfoil.server.http import Connections
from counterfoil.server.requests import Message
from counterfoil.server.running import Application, HttpServer

_MAX_CONNECTIONS: Final = 512


class LocalServer:
    """Takes connections from the moment it is made until ``close``."""

    def __init__(self, app: Application, name: str, at_end: Callable[[], None] = lambda: None) -> None:
        """``at_end`` is called in the server's own thread, when it serves no longer."""
        self._at_end = at_end
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._connections = Connections(_MAX_CONNECTIONS)
        ready: Future[None] = Future()
        self._http = HttpServer(app, self._connections, self._listening, lambda _: ready.set_result(None))
        self._thread = threading.Thread(target=self._run, args=(ready,), name=name, daemon=True)
        self._thread.start()
        ready.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self, scope: Message) -> None:
        """Break the connection that a request came on, without an answer; from the server's own thread."""
        client = tuple(scope["client"])
        for connection in [each for each in self._connections.open if each.client == client]:
            connection.transport.abort()

    def close(self) -> None:
        """Cut off whoever still waits for an answer; a second call does nothing."""
        self._http.force_exit = True
        self._http.should_exit = True
        self._thread.join()
        self._listening.close()

    def _run(self, ready: Future[None]) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    async def _serve(self) -> None:
        await self._http.serve(sockets=[self._listening])
        self._at_end()
        await asyncio.sleep(0)  # transports that were closed are gone then
