"""The application: one HTTP request in, one answer out, for both protocols and whole transactions on one port.

The event loop reads and writes, and carries out what takes a moment: handing it over would take as long again. Whatever may take
longer runs in a bounded pool of threads, so that a long scan holds up nobody but its own session. Requests of one session wait
for each other here, not in the pool.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

from counterfoil.errors import DeferredError, InputError
from counterfoil.ledger.limits import Limits
from counterfoil.protocol.control import ControlPlane
from counterfoil.protocol.faults import ProtocolError, internal_failure
from counterfoil.protocol.one_shot import OneShot
from counterfoil.protocol.sessions import Sessions
from counterfoil.server.answers import JSON, JSON_1_0, Answer, render
from counterfoil.server.dispatch import (
    check_control_request,
    check_session_request,
    control_answer,
    error_answer,
    error_of_input,
    find_operation,
    health_answer,
    is_health,
    is_to_sessions,
    read_session_command,
)
from counterfoil.server.identities import ANYBODY, Identity
from counterfoil.server.requests import (
    CutShortError,
    Message,
    Receive,
    Request,
    Send,
    read_request,
)
from counterfoil.server.transactions import describes, description, is_transaction, transaction_answer
from counterfoil.server.workers import Workers

_LOGGER: Final = logging.getLogger(__name__)

# Commands that read nothing and wait for nothing are carried out on the event loop.
_INSTANT: Final = frozenset({"StartTransaction", "AbortTransaction"})

# A body up to this is read into values on the event loop, and its statement tried: it takes less time than handing it over.
INLINE_BYTES: Final = 32 * 1024


class RequestVerifier(Protocol):
    def verify(self, request: Request, /) -> Identity: ...


@dataclass(slots=True)
class LedgerApp:
    """An ASGI application. Without a ``verifier`` whoever reaches it may do everything.

    ``allows_host`` judges the Host header: a server for this machine alone is not to be reached by the name of a website.
    """

    sessions: Sessions
    control: ControlPlane
    transactions: OneShot
    limits: Limits
    workers: Workers
    new_request_id: Callable[[], str]
    verifier: RequestVerifier | None = None
    allows_host: Callable[[str], bool] = lambda _: True
    _busy: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # the server is started without lifespan and web sockets
        request_id = self.new_request_id()
        try:
            answer = await self._answer(scope, receive, request_id)
        except CutShortError:
            return
        headers = [
            ("content-type", answer.content_type),
            ("content-length", str(len(answer.body))),
            ("x-amzn-requestid", request_id),
            *answer.headers,
        ]
        encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _answer(self, scope: Message, receive: Receive, request_id: str) -> Answer:
        to_sessions = is_to_sessions(scope["method"], scope["raw_path"].decode("latin-1"))
        content_type = JSON_1_0 if to_sessions else JSON
        try:
            request = await read_request(scope, receive)
            self._check_host(request)
            if is_health(request):
                return health_answer(self.sessions.count)
            if describes(request):
                return description()
            if is_transaction(request):
                return await self._transaction(request)
            return await (self._session(request, request_id) if to_sessions else self._control(request))
        except ProtocolError as error:
            return error_answer(error, content_type)
        except CutShortError:
            raise
        except InputError as error:
            return error_answer(error_of_input(error, content_type), content_type)
        except Exception:
            _LOGGER.exception("request %s", request_id)
            return error_answer(internal_failure(), content_type)

    def _check_host(self, request: Request) -> None:
        if not self.allows_host(request.header("host")):
            raise ProtocolError("AccessDeniedException", "This server is not to be reached by that name", 403)

    async def _session(self, request: Request, request_id: str) -> Answer:
        check_session_request(request)
        caller, command = await self._read(request, lambda: read_session_command(request))
        async with self._lock(str(command.get("SessionToken", request_id))):
            if command.keys() & _INSTANT:
                return self._send(command, caller, request_id)
            if "ExecuteStatement" in command and len(request.body) <= INLINE_BYTES:
                with suppress(DeferredError):
                    return self._send(command, caller, request_id, in_brief=True)
            return await self.workers.run(partial(self._send, command, caller, request_id))

    def _send(self, command: dict[str, Any], caller: Identity, request_id: str, *, in_brief: bool = False) -> Answer:
        return render(self.sessions.send(command, caller, request_id, in_brief=in_brief), JSON_1_0)

    async def _transaction(self, request: Request) -> Answer:
        caller, _ = await self._read(request, lambda: None)
        return await self.workers.run(lambda: transaction_answer(self.transactions, self.limits, request, caller))

    async def _control(self, request: Request) -> Answer:
        check_control_request(request)
        caller, (operation, parameters) = await self._read(request, lambda: find_operation(request))
        return await self.workers.run(lambda: control_answer(self.control, operation, parameters, caller))

    async def _read[Read](self, request: Request, read: Callable[[], Read]) -> tuple[Identity, Read]:
        """Who sent a request, and what it says."""

        def work() -> tuple[Identity, Read]:
            return self._caller(request), read()

        return work() if len(request.body) <= INLINE_BYTES else await self.workers.run(work)

    def _caller(self, request: Request) -> Identity:
        if self.verifier is None:
            return ANYBODY
        return self.verifier.verify(request)

    def _lock(self, token: str) -> asyncio.Lock:
        lock = self._busy.get(token)
        if lock is None:
            lock = self._busy[token] = asyncio.Lock()
        return lock
