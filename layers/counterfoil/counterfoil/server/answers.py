"""Answers as HTTP: JSON in the forms of the two protocols, errors with their names where clients look for them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from counterfoil.protocol.faults import ProtocolError

JSON_1_0 = "application/x-amz-json-1.0"
JSON = "application/json"


class Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def render(document: Mapping[str, Any], content_type: str) -> Answer:
    """Blobs as base64, timestamps as seconds since 1970 to the millisecond."""
    return Answer(200, content_type, _ENCODER.encode(document).encode())


def render_error(error: ProtocolError, content_type: str) -> Answer:
    """An error; in JSON 1.0 the body bears its name, in rest-json the header does, and both have both here."""
    document = {"__type": error.name, "Message": str(error), "message": str(error), **error.members}
    return Answer(error.status, content_type, _ENCODER.encode(document).encode(), (("x-amzn-errortype", error.name),))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    return base64.b64encode(value).decode()


# ASCII alone: half a surrogate pair in a message is escaped like any other text.
_ENCODER: Final = json.JSONEncoder(default=_plain, separators=(",", ":"))
