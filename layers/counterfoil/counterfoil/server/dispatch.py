"""From a whole request to an answer, for both protocols and whoever carries HTTP: what is asked for, and what an error looks like."""

from __future__ import annotations

from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.protocol.control import ControlPlane
from counterfoil.protocol.faults import CODE_MALFORMED, ProtocolError
from counterfoil.protocol.hosting import Caller
from counterfoil.server import routes
from counterfoil.server.answers import JSON, JSON_1_0, Answer, render, render_error
from counterfoil.server.requests import Request, TooLargeError, TooSlowError
from counterfoil.server.shapes import ShapeError

_TARGET: Final = "QLDBSession.SendCommand"
_SESSION_TYPES: Final = frozenset({JSON_1_0, "application/x-amz-json-1.1", JSON})


def is_to_sessions(method: str, raw_path: str) -> bool:
    """Whether a request is one of ``qldb-session``."""
    return method == "POST" and raw_path == "/"


def is_health(request: Request) -> bool:
    """Whether a request asks only whether anybody is there; it needs no signature."""
    return request.raw_path == "/healthz" and request.method in {"GET", "HEAD"}


def health_answer(sessions: int) -> Answer:
    """``sessions`` are those that this process knows of."""
    return render({"status": "ok", "sessions": sessions}, JSON)


def read_session_command(request: Request) -> dict[str, Any]:
    """The body of a SendCommand; anything else is an error."""
    command: dict[str, Any] = routes.read_command()(routes.read_json(request.body), "")
    return command


def check_session_request(request: Request) -> None:
    """Raise ``ProtocolError`` unless a request's headers are those of a SendCommand."""
    target = request.header("x-amz-target")
    if target != _TARGET:
        raise ProtocolError("UnknownOperationException", f"There is no operation {target[:200]!r}; {_TARGET} is one")
    if request.content_type not in _SESSION_TYPES:
        raise ProtocolError("UnsupportedMediaTypeException", f"The content type must be {JSON_1_0}", 415)


def check_control_request(request: Request) -> None:
    """Raise ``ProtocolError`` unless a request's body, if there is one, is JSON."""
    if request.body and request.content_type != JSON:
        raise ProtocolError("UnsupportedMediaTypeException", f"The content type of a body must be {JSON}", 415)


def find_operation(request: Request) -> tuple[str, dict[str, Any]]:
    """The operation of ``qldb`` that a request asks for, with its parameters."""
    return routes.find(request.method, request.raw_path, request.query, request.body)


def control_answer(control: ControlPlane, operation: str, parameters: dict[str, Any], caller: Caller) -> Answer:
    return render(control.call(operation, parameters, caller), JSON)


def error_of_input(error: InputError, content_type: str) -> ProtocolError:
    """What is wrong with a request before any ledger sees it."""
    message = str(error)
    match error:
        case TooLargeError():
            return ProtocolError("RequestEntityTooLargeException", message, 413)
        case TooSlowError():
            return ProtocolError("RequestTimeoutException", message, 408)
        case routes.UnknownOperationError():
            return ProtocolError("UnknownOperationException", message, 404)
        case ShapeError() if content_type == JSON:
            return ProtocolError("InvalidParameterException", message, ParameterName=error.name)
        case ShapeError():
            return ProtocolError("BadRequestException", message, Code=CODE_MALFORMED)
        case _:
            return ProtocolError("SerializationException", message)


def error_answer(error: ProtocolError, content_type: str) -> Answer:
    """The rest of a request that was not read whole cannot be told from the next one: the connection ends."""
    answer = render_error(error, content_type)
    if error.status in {408, 413}:
        return answer._replace(headers=(*answer.headers, ("connection", "close")))
    return answer
