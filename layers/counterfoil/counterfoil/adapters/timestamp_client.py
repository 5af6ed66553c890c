"""Asks a time-stamping authority over HTTP, as RFC 3161, section 3.4, says. What it answers is not believed here."""

from __future__ import annotations

import http.client
import socket
from contextlib import suppress
from threading import Event, Timer
from typing import Final
from urllib.parse import urlsplit

from counterfoil.adapters.outside_urls import check_url
from counterfoil.errors import InputError, LimitError, UnavailableError
from counterfoil.transparency.timestamp import MAX_TIMESTAMP_BYTES

# For each wait on the network; and for request and answer together, however they are dragged out, once there is a connection.
TIMEOUT_SECONDS: Final = 10.0
WHOLE_SECONDS: Final = 30.0

_REPLY: Final = "application/timestamp-reply"


def ask_authority(url: str, query: bytes, *, plain: bool = False, whole_seconds: float = WHOLE_SECONDS) -> bytes:
    """POST a request to ``url`` and return the answer's bytes; redirects are not followed.

    ``plain`` allows HTTP beyond this machine: a token is signed, so nothing hangs on it but who sees when something is stamped.
    ``UnavailableError`` where nobody answers in time, ``InputError`` for another answer than one of such an authority.
    """
    check_url(url, "a time-stamping authority", plain=plain, query=True)
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.connect()
        watch = Timer(whole_seconds, _cut, [connection.sock, overdue := Event()])
        watch.daemon = True
        watch.start()
        try:
            connection.request("POST", target, query, {"Content-Type": "application/timestamp-query", "Accept": _REPLY})
            answer = connection.getresponse()
            data = answer.read(MAX_TIMESTAMP_BYTES + 1)
        finally:
            watch.cancel()
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"the authority at {url} does not answer: {error!r}"[:500]) from None
    finally:
        connection.close()
    if overdue.is_set() or (answer.length and len(data) <= MAX_TIMESTAMP_BYTES):
        raise UnavailableError(
            f"the authority at {url} does not answer: it broke off, or took {whole_seconds:g} seconds"
        )
    if answer.status != http.client.OK:
        raise UnavailableError(f"the authority at {url} answers with status {answer.status}")
    if answer.headers.get_content_type() != _REPLY:
        raise InputError(f"what {url} answers is no time stamp: {answer.headers.get_content_type()[:80]}")
    if len(data) > MAX_TIMESTAMP_BYTES:
        raise LimitError(f"the authority at {url} answers more than {MAX_TIMESTAMP_BYTES} bytes")
    return data


def _cut(sock: socket.socket, overdue: Event) -> None:
    """Whoever waits for the other side wakes up, and takes what came for all that there is."""
    overdue.set()
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
