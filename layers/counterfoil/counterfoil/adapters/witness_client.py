"""Asks a witness over HTTP."""

from __future__ import annotations

import http.client
from typing import Final
from urllib.parse import urlsplit

from counterfoil.adapters.outside_urls import check_url
from counterfoil.errors import UnavailableError
from counterfoil.log_ports import WitnessAnswer
from counterfoil.transparency.note import MAX_NOTE_BYTES

TIMEOUT_SECONDS: Final = 5.0


def ask_witness(url: str, body: bytes) -> WitnessAnswer:
    """POST to ``url``; redirects are not followed."""
    check_url(url, "a witness")
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
