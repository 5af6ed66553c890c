"""Both protocols and whole transactions behind a Lambda function URL: the event that Lambda makes of a request in, the answer in
Lambda's form out.

AWS has checked the signature and says who signed (``requestContext.authorizer.iam``); what that principal may do to ledgers and tables
is for the ledger's own permissions to say. Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs", payload format 2.0.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol

from counterfoil.errors import InputError, UnavailableError
from counterfoil.ledger.limits import Limits
from counterfoil.protocol.control import ControlPlane
from counterfoil.protocol.faults import CODE_REFUSED, ProtocolError, bad_request, internal_failure
from counterfoil.protocol.hosting import Caller
from counterfoil.protocol.one_shot import OneShot
from counterfoil.protocol.session import Command
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
from counterfoil.server.requests import Request
from counterfoil.server.transactions import describes, description, is_transaction, problem_answer, transaction_answer

_LOGGER: Final = logging.getLogger(__name__)

# "Lambda quotas", "Invocation payload": an answer has at most 6 MB, as the JSON text that the function gives back.
MAX_ANSWER_BYTES: Final = 6 * 1024 * 1024
# Of that, what is not the body: status, headers, names.
ANSWER_FRAME_BYTES: Final = 4 * 1024

# What is left of the invocation's time when a statement is told to give up: enough to note that and to answer.
RESERVED_MS: Final = 2_000


class Sessions(Protocol):
    """``protocol.stored_sessions.StoredSessions``."""

    @property
    def count(self) -> int: ...

    def send(
        self,
        request: Command,
        caller: Caller,
        request_id: str,
        command_id: bytes,
        check_time: Callable[[], None],
        /,
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    """``caller_of`` gives what a principal, by the ARN of its user or role, may do."""

    sessions: Sessions
    control: ControlPlane
    transactions: OneShot
    limits: Limits
    caller_of: Callable[[str], Caller]

    def answer(self, event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
        """The answer to one request. Whatever is wrong with it is an answer as well.

        ``context`` is the invocation's; it says how much of its time is left.
        """
        about = _mapping(event, "requestContext")
        request_id = str(about.get("requestId", ""))
        answer = self._answer(event, about, request_id, _time_check(context))
        headers = {"content-type": answer.content_type, "x-amzn-requestid": request_id, **dict(answer.headers)}
        body = "" if _mapping(about, "http").get("method") == "HEAD" else answer.body.decode()
        return {"statusCode": answer.status, "headers": headers, "body": body, "isBase64Encoded": False}

    def _answer(
        self, event: Mapping[str, Any], about: Mapping[str, Any], request_id: str, check_time: Callable[[], None]
    ) -> Answer:
        content_type = JSON
        try:
            request = read_event(event, about)
            content_type = JSON_1_0 if is_to_sessions(request.method, request.raw_path) else JSON
            if is_transaction(request):
                return self._fitting(self._transaction(request, about, check_time), content_type)
            return self._fitting(self._carried_out(request, about, request_id, check_time), content_type)
        except ProtocolError as error:
            return error_answer(error, content_type)
        except InputError as error:
            return error_answer(error_of_input(error, content_type), content_type)
        except Exception:
            _LOGGER.exception("request %s", request_id)
            return error_answer(internal_failure(), content_type)

    def _carried_out(
        self, request: Request, about: Mapping[str, Any], request_id: str, check_time: Callable[[], None]
    ) -> Answer:
        if is_health(request):
            return health_answer(self.sessions.count)
        if describes(request):
            return description()
        caller = self._caller(about)
        if is_to_sessions(request.method, request.raw_path):
            check_session_request(request)
            command, command_id = read_session_command(request), command_id_of(request)
            return render(self.sessions.send(command, caller, request_id, command_id, check_time), JSON_1_0)
        check_control_request(request)
        operation, parameters = find_operation(request)
        return control_answer(self.control, operation, parameters, caller)

    def _transaction(self, request: Request, about: Mapping[str, Any], check_time: Callable[[], None]) -> Answer:
        try:
            caller = self._caller(about)
        except ProtocolError as error:
            return problem_answer(error)
        return transaction_answer(self.transactions, self.limits, request, caller, check_time)

    def _caller(self, about: Mapping[str, Any]) -> Caller:
        try:
            return self.caller_of(principal_of(about))
        except UnavailableError as error:
            raise ProtocolError("ServiceUnavailableException", str(error), 503) from None

    def _fitting(self, answer: Answer, content_type: str) -> Answer:
        """The answer, or that it is too large for Lambda to carry."""
        size = len(answer.body)
        if 2 * size > MAX_ANSWER_BYTES - ANSWER_FRAME_BYTES:  # every quotation mark counts twice in JSON within JSON
            size = len(json.dumps(answer.body.decode()))
        if size <= MAX_ANSWER_BYTES - ANSWER_FRAME_BYTES:
            return answer
        message = f"The answer has {size} bytes, and a function's URL carries {MAX_ANSWER_BYTES}: ask for less at once"
        if content_type == JSON:
            return error_answer(ProtocolError("LimitExceededException", message), JSON)
        return error_answer(bad_request(message, CODE_REFUSED), content_type)


def command_id_of(request: Request) -> bytes:
    """What tells a client's second attempt at a command from another command: AWS's SDKs say so in a header.

    Nothing, where the client does not say: then each request is a command of its own.
    """
    attempt = request.header("amz-sdk-invocation-id")
    return sha256(attempt.encode() + b"\n" + request.body).digest()[:16] if attempt else b""


def read_event(event: Mapping[str, Any], about: Mapping[str, Any]) -> Request:
    """The request in an event; ``InputError`` for an event that is none of a function URL's."""
    http = _mapping(about, "http")
    body = event.get("body") or ""
    try:
        data = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else str(body).encode()
    except (binascii.Error, ValueError) as error:
        raise InputError(f"the body is not what the event says: {error}") from None
    headers = tuple(
        (str(name).lower().encode("latin-1", "replace"), str(value).encode("latin-1", "replace"))
        for name, value in _mapping(event, "headers").items()
    )
    return Request(
        str(http.get("method", "")), str(event.get("rawPath", "/")), str(event.get("rawQueryString", "")), headers, data
    )


def principal_of(about: Mapping[str, Any]) -> str:
    """The ARN of whoever signed: a session of a role counts as its role. Nobody is an ``AccessDeniedException``."""
    iam = _mapping(_mapping(about, "authorizer"), "iam")
    arn = iam.get("userArn")
    if not isinstance(arn, str) or not arn:
        raise ProtocolError(
            "AccessDeniedException", "The request was not signed: this URL asks for IAM authorization", 403
        )
    # arn:<partition>:sts::<account>:assumed-role/<role>/<session>; the role's path is not in it.
    account, is_session, role = arn.partition(":assumed-role/")
    if is_session and ":sts:" in account:
        return f"{account.replace(':sts:', ':iam:', 1)}:role/{role.partition('/')[0]}"
    return arn


def _time_check(context: object) -> Callable[[], None]:
    """Raises ``UnavailableError`` once the invocation has almost no time left."""
    remaining_ms: Callable[[], int] | None = getattr(context, "get_remaining_time_in_millis", None)

    def check() -> None:
        if remaining_ms is not None and remaining_ms() < RESERVED_MS:
            raise UnavailableError("the request takes longer than this function may run")

    return check


def _mapping(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = holder.get(name)
    return found if isinstance(found, Mapping) else {}
