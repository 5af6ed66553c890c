"""``POST /transactions``: a whole transaction as JSON, for whoever has no driver of QLDB's (docs/http.md, openapi.json).

Errors are problem details (RFC 9457) whose ``code`` is the name that the protocols have for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn

from counterfoil.errors import (
    ClosedError,
    CounterfoilError,
    ForbiddenError,
    InputError,
    LimitError,
    OccConflictError,
    UnknownOutcomeError,
)
from counterfoil.ion.codec import encode
from counterfoil.ion.value_text import from_json, parse_text, render_json
from counterfoil.ion.values import Value
from counterfoil.journal.builder import Statement
from counterfoil.ledger.limits import Limits
from counterfoil.protocol.faults import ProtocolError, session_error
from counterfoil.protocol.hosting import Caller
from counterfoil.protocol.one_shot import Asked, Done, OneShot, OtherRequestError
from counterfoil.server.answers import JSON, Answer
from counterfoil.server.requests import Request, TooLargeError, TooSlowError

PATH: Final = "/transactions"
DESCRIPTION_PATH: Final = "/openapi.json"
_DESCRIPTION: Final = Path(__file__).parent / "openapi.json"

MAX_KEY_CHARACTERS: Final = 200
_PROBLEM: Final = "application/problem+json"
_MEMBERS: Final = frozenset({"ledger", "statements", "idempotencyKey"})
_STATEMENT_MEMBERS: Final = frozenset({"statement", "parameters", "ionParameters"})


def is_transaction(request: Request) -> bool:
    return request.method == "POST" and request.raw_path == PATH


def describes(request: Request) -> bool:
    """Whether a request asks for the description of this endpoint."""
    return request.method in {"GET", "HEAD"} and request.raw_path == DESCRIPTION_PATH


def description() -> Answer:
    return Answer(200, JSON, _read_description())


def transaction_answer(
    service: OneShot, limits: Limits, request: Request, caller: Caller, check_time: Callable[[], None] = lambda: None
) -> Answer:
    """Carry out a request. Whatever the library finds wrong with it is an answer as well."""
    try:
        if request.content_type != JSON:
            raise ProtocolError("UnsupportedMediaTypeException", f"The content type must be {JSON}", 415)
        done = service.run(read_request(request.body, limits), caller, check_time)
    except CounterfoilError as error:
        return problem_answer(error)
    return Answer(200, JSON, render_json(_rendered(done)).encode())


def problem_answer(error: CounterfoilError) -> Answer:
    status, code, message = _problem(error)
    document = {
        "type": "about:blank",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": message,
        "code": code,
    }
    retry = (("retry-after", "1"),) if status == 503 else ()
    # Half of a surrogate pair in a message is no text that could be sent.
    body = render_json(document).encode(errors="replace")
    return Answer(status, _PROBLEM, body, (("x-amzn-errortype", code), *retry))


def _problem(error: CounterfoilError) -> tuple[int, str, str]:
    message = str(error)
    match error:
        case OtherRequestError():
            return 422, "IdempotencyKeyReusedException", message
        case UnknownOutcomeError():
            return 503, "ServiceUnavailableException", f"whether it was committed is not known: {message}"
        case OccConflictError():
            return 409, "OccConflictException", "other transactions changed what this one read, each time it was tried"
        case ForbiddenError():
            return 403, "AccessDeniedException", message
        case TooLargeError():
            return 413, "RequestEntityTooLargeException", message
        case TooSlowError():
            return 408, "RequestTimeoutException", message
        case ClosedError():
            return 400, "TransactionExpiredException", message
        case _:
            known = session_error(error)
            return known.status, known.name, str(known)


_TITLES: Final[Mapping[int, str]] = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


# The request ------------------------------------------------------------------------------------------------------------


def read_request(body: bytes, limits: Limits) -> Asked:
    """A request of the shape that openapi.json describes; anything else is an ``InputError`` that names the place."""
    try:
        document = from_json(body.decode())
    except UnicodeDecodeError:
        raise InputError("the body is not UTF-8") from None
    _check_members(document, _MEMBERS, "the body")
    ledger, key = document.get("ledger"), document.get("idempotencyKey")
    if not isinstance(ledger, str) or not ledger:
        _refuse("ledger", "the name of a ledger")
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= MAX_KEY_CHARACTERS):
        _refuse("idempotencyKey", f"a text of at most {MAX_KEY_CHARACTERS} characters")
    statements = document.get("statements")
    if not isinstance(statements, list) or not statements:
        _refuse("statements", "a list of at least one statement")
    if len(statements) > limits.statements_per_transaction:
        _refuse("statements", f"a list of at most {limits.statements_per_transaction} statements")
    return Asked(
        ledger, tuple(_statement(each, f"statements[{at}]", limits) for at, each in enumerate(statements)), key
    )


def _statement(document: Value, place: str, limits: Limits) -> Statement:
    _check_members(document, _STATEMENT_MEMBERS, place)
    text = document.get("statement")
    if not isinstance(text, str) or not text:
        _refuse(f"{place}.statement", "a PartiQL statement")
    if "parameters" in document and "ionParameters" in document:
        _refuse(place, "a statement with parameters or with ionParameters, not with both")
    for name in ("parameters", "ionParameters"):
        if not isinstance(document.get(name, []), list):
            _refuse(f"{place}.{name}", "a list")
    texts = document.get("ionParameters")
    if texts is None:
        values = [
            _fits(each, f"{place}.parameters[{at}]", limits) for at, each in enumerate(document.get("parameters", []))
        ]
    else:
        values = [_ion(each, f"{place}.ionParameters[{at}]", limits) for at, each in enumerate(texts)]
    return Statement(text, tuple(values))


def _fits(value: Value, place: str, limits: Limits) -> Value:
    size = len(encode(value))
    if size > limits.parameter_binary_bytes:
        raise LimitError(f"{place} has {size} bytes as Ion; at most {limits.parameter_binary_bytes} are allowed")
    return value


def _ion(text: Value, place: str, limits: Limits) -> Value:
    if not isinstance(text, str):
        _refuse(place, "a text that holds one Ion value")
    if len(text) > limits.parameter_text_characters:
        raise LimitError(f"{place} has more than {limits.parameter_text_characters} characters")
    try:
        return parse_text(text)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _check_members(document: Value, known: frozenset[str], place: str) -> None:
    if not isinstance(document, dict):
        _refuse(place, "an object")
    unknown = sorted(document.keys() - known)
    if unknown:
        raise InputError(f"{place} has no member {unknown[0][:80]!r}; it has {', '.join(sorted(known))}")


def _refuse(place: str, what: str) -> NoReturn:
    raise InputError(f"{place} must be {what}")


# The answer -------------------------------------------------------------------------------------------------------------


def _rendered(done: Done) -> dict[str, Any]:
    return {
        "transactionId": done.transaction_id,
        "blockAddress": {"strandId": done.address.strand_id, "sequenceNo": done.address.sequence_no},
        "repeated": done.repeated,
        "results": [{"rows": rows} for rows in done.rows],
        "attempts": done.attempts,
        "consumedIOs": {"readIOs": done.read_ios, "writeIOs": 0 if done.repeated else 1},
    }


@cache
def _read_description() -> bytes:
    return _DESCRIPTION.read_bytes()
