"""An HTTP request as the application has it: whole, bounded in size and in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from counterfoil.errors import InputError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# A statement may have several parameters of a megabyte; base64 adds a third. Beyond the transaction's 4 MB nothing could commit.
MAX_BODY_BYTES: Final = 8 * 1024 * 1024
BODY_SECONDS: Final = 30.0


class CutShortError(InputError):
    """The client went away before its request was whole: there is nobody to answer."""


class TooLargeError(InputError):
    """The body is larger than any request may be."""


class TooSlowError(InputError):
    """The body did not come in time."""


@dataclass(frozen=True, slots=True)
class Request:
    """``raw_path`` and ``query`` are as they were sent; header names are in lower case, names and values in Latin-1."""

    method: str
    raw_path: str
    query: str
    raw_headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self.raw_headers)

    def header(self, name: str) -> str:
        """The first header of that name, or an empty text."""
        return _header(self.raw_headers, name.encode())

    @property
    def content_type(self) -> str:
        """Without its parameters, in lower case."""
        return self.header("content-type").partition(";")[0].strip().lower()


def _header(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return ""


async def read_request(scope: Message, receive: Receive, seconds: float = BODY_SECONDS) -> Request:
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    declared = _header(headers, b"content-length")
    if declared.isdigit() and int(declared[:19]) > MAX_BODY_BYTES:
        raise TooLargeError(f"a body of {declared[:19]} bytes; at most {MAX_BODY_BYTES} are read")
    import asyncio  # noqa: PLC0415 - a function has its requests whole, and starts faster without

    try:
        async with asyncio.timeout(seconds):
            body = await _read_body(receive)
    except TimeoutError:
        raise TooSlowError(f"the body did not come within {seconds:g} seconds") from None
    path = scope["raw_path"].decode("latin-1")
    return Request(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body)


async def _read_body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CutShortError("the client went away before its request was whole")
        piece = message.get("body", b"")
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise TooLargeError(f"a body of more than {MAX_BODY_BYTES} bytes")
        pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)
