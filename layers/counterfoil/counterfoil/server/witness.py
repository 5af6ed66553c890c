"""A witness behind HTTP: ``POST /add-checkpoint``, bounded in size, time and connections by the same server as the ledger's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from counterfoil.errors import UnavailableError
from counterfoil.log_ports import WitnessAnswer
from counterfoil.server.requests import CutShortError, Message, Receive, Send, TooLargeError, TooSlowError, read_request
from counterfoil.services.witness import WitnessService
from counterfoil.transparency.witness import MAX_REQUEST_BYTES, SIZE_MEDIA_TYPE

PATH: Final = "/add-checkpoint"
BODY_SECONDS: Final = 10.0
_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(slots=True)
class WitnessApp:
    """An ASGI application. One request is judged at a time, so that two of one log cannot both be signed."""

    service: WitnessService
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except CutShortError:
            return
        kind = SIZE_MEDIA_TYPE if answer.status == 409 else _TEXT
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(answer.body)).encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Message, receive: Receive) -> WitnessAnswer:
        if scope["path"] == "/healthz" and scope["method"] == "GET":
            return WitnessAnswer(200, b"ok\n")
        if scope["path"] != PATH:
            return WitnessAnswer(404, b"a witness takes POST /add-checkpoint\n")
        if scope["method"] != "POST":
            return WitnessAnswer(405, b"a witness takes POST /add-checkpoint\n")
        try:
            request = await read_request(scope, receive, BODY_SECONDS)
        except TooLargeError as error:
            return WitnessAnswer(413, f"{error}\n".encode())
        except TooSlowError as error:
            return WitnessAnswer(408, f"{error}\n".encode())
        if len(request.body) > MAX_REQUEST_BYTES:
            return WitnessAnswer(413, f"at most {MAX_REQUEST_BYTES} bytes are read\n".encode())
        async with self._turn:
            return await asyncio.to_thread(_judged, self.service.add_checkpoint, request.body)


def _judged(judge: Callable[[bytes], WitnessAnswer], body: bytes) -> WitnessAnswer:
    try:
        return judge(body)
    except UnavailableError as error:
        return WitnessAnswer(503, f"{error}\n".encode())
