"""Asks a witness over HTTP."""

from __future__ import annotations

import http.client
from typing import Final
from urllib.parse import urlsplit

from counterfoil.errors import InputError, UnavailableError
from counterfoil.log_ports import WitnessAnswer
from counterfoil.transparency.note import MAX_NOTE_BYTES

TIMEOUT_SECONDS: Final = 5.0
_ON_THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def check_url(url: str) -> None:
    """A witness is asked over HTTPS; on this machine HTTP will do. Another URL is an ``InputError``."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "http" and parts.hostname in _ON_THIS_MACHINE
        held = (
            parts.hostname
            and (parts.scheme == "https" or plain)
            and not (parts.username or parts.query or parts.fragment)
        )
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        held = False
    if not held or not url.isascii() or not url.isprintable() or " " in url:
        raise InputError(f"{url[:200]!r} is no URL of a witness: https://")


def ask_witness(url: str, body: bytes) -> WitnessAnswer:
    """POST to ``url``; redirects are not followed."""
    check_url(url)
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", parts.path, body, {"Content-Type": "text/plain; charset=utf-8"})
        answer = connection.getresponse()
        return WitnessAnswer(answer.status, answer.read(MAX_NOTE_BYTES))
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"the witness at {url} does not answer: {error!r}"[:500]) from None
    finally:
        connection.close()
