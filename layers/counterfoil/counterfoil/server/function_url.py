"""Both protocols behind a Lambda function URL: the event that Lambda makes of a request in, the answer in Lambda's form out.

AWS has checked the signature and says who signed (``requestContext.authorizer.iam``); what that principal may do to ledgers and tables
is for the ledger's own permissions to say. Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs", payload format 2.0.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from counterfoil.errors import InputError
from counterfoil.protocol.control import ControlPlane
from counterfoil.protocol.faults import ProtocolError, internal_failure
from counterfoil.protocol.hosting import Caller
from counterfoil.protocol.session import Command
from counterfoil.server.answers import JSON, JSON_1_0, Answer, render
from counterfoil.server.dispatch import (
    check_control_request,
    check_session_request,
    control_answer,
    error_answer,
    error_of_input,
    find_operation,
    is_to_sessions,
    read_session_command,
)
from counterfoil.server.identities import Identity
from counterfoil.server.requests import Request

_LOGGER: Final = logging.getLogger(__name__)

# Lambda takes an answer of 6 MB at most, with its headers and in JSON; a page of a statement's rows is far below it.
MAX_ANSWER_BYTES: Final = 6 * 1024 * 1024 - 64 * 1024

# Carries out a SendCommand: the command, who sent it, the request's id, and an id that a client's second attempt has as well.
SendCommand = Callable[[Command, Caller, str, bytes], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    """``identity_of`` gives what a principal, by the ARN of its user or role, may do."""

    send: SendCommand
    control: ControlPlane
    identity_of: Callable[[str], Identity]

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request. Whatever is wrong with it is an answer as well."""
        context = _mapping(event, "requestContext")
        request_id = str(context.get("requestId", ""))
        answer = self._answer(event, context, request_id)
        headers = {"content-type": answer.content_type, "x-amzn-requestid": request_id, **dict(answer.headers)}
        return {"statusCode": answer.status, "headers": headers, "body": answer.body.decode(), "isBase64Encoded": False}

    def _answer(self, event: Mapping[str, Any], context: Mapping[str, Any], request_id: str) -> Answer:
        content_type = JSON
        try:
            request = read_event(event, context)
            content_type = JSON_1_0 if is_to_sessions(request.method, request.raw_path) else JSON
            answer = self._carried_out(request, context, request_id, to_sessions=content_type == JSON_1_0)
        except ProtocolError as error:
            return error_answer(error, content_type)
        except InputError as error:
            return error_answer(error_of_input(error, content_type), content_type)
        except Exception:
            _LOGGER.exception("request %s", request_id)
            return error_answer(internal_failure(), content_type)
        if len(answer.body) > MAX_ANSWER_BYTES:
            too_large = ProtocolError(
                "LimitExceededException",
                f"The answer has {len(answer.body)} bytes; a function URL carries {MAX_ANSWER_BYTES}",
            )
            return error_answer(too_large, content_type)
        return answer

    def _carried_out(
        self, request: Request, context: Mapping[str, Any], request_id: str, *, to_sessions: bool
    ) -> Answer:
        if request.raw_path == "/healthz" and request.method in {"GET", "HEAD"}:
            return render({"status": "ok"}, JSON)
        caller = self.identity_of(principal_of(context))
        if to_sessions:
            check_session_request(request)
            attempt = request.header("amz-sdk-invocation-id") or request_id
            return render(self.send(read_session_command(request), caller, request_id, attempt.encode()), JSON_1_0)
        check_control_request(request)
        operation, parameters = find_operation(request)
        return control_answer(self.control, operation, parameters, caller)


def read_event(event: Mapping[str, Any], context: Mapping[str, Any]) -> Request:
    """The request in an event; ``InputError`` for an event that is none of a function URL's."""
    http = _mapping(context, "http")
    body = event.get("body") or ""
    try:
        data = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else str(body).encode()
    except (binascii.Error, ValueError) as error:
        raise InputError(f"the body is not base64: {error}") from None
    headers = tuple(
        (str(name).lower().encode("latin-1", "replace"), str(value).encode("latin-1", "replace"))
        for name, value in _mapping(event, "headers").items()
    )
    return Request(
        str(http.get("method", "")), str(event.get("rawPath", "/")), str(event.get("rawQueryString", "")), headers, data
    )


def principal_of(context: Mapping[str, Any]) -> str:
    """The ARN of whoever signed: a session of a role counts as its role. Nobody is an ``AccessDeniedException``."""
    authorizer = context.get("authorizer")
    iam = authorizer.get("iam") if isinstance(authorizer, Mapping) else None
    arn = iam.get("userArn") if isinstance(iam, Mapping) else None
    if not isinstance(arn, str) or not arn:
        raise ProtocolError(
            "AccessDeniedException", "The request was not signed: this URL asks for IAM authorization", 403
        )
    if ":sts:" in arn and ":assumed-role/" in arn:
        partition_and_account, _, role_and_session = arn.partition(":assumed-role/")
        return f"{partition_and_account.replace(':sts:', ':iam:', 1)}:role/{role_and_session.partition('/')[0]}"
    return arn


def _mapping(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = holder.get(name)
    return found if isinstance(found, Mapping) else {}
