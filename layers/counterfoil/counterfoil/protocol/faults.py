"""Errors as the protocols answer them, and which of this library's errors becomes which.

Source: the errors of both service models; their messages in docs/protocol.md, "Errors".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from counterfoil.errors import (
    AlreadyExistsError,
    CapacityError,
    ClosedError,
    ConflictError,
    CounterfoilError,
    ForbiddenError,
    InputError,
    LimitError,
    NotFoundError,
    OccConflictError,
    PreconditionError,
    StatementError,
    ThrottledError,
    UnavailableError,
    UnknownOutcomeError,
)

OCC_CONFLICT: Final = "Optimistic concurrency control (OCC) failure encountered while committing the transaction"

# Codes of BadRequest and InvalidSession, which the model leaves open: a request that cannot be taken, a transaction or
# session whose time is up, a statement that cannot be carried out.
CODE_MALFORMED: Final = "400"
CODE_EXPIRED: Final = "408"
CODE_REFUSED: Final = "412"
# The code of a commit of which nobody can say whether it happened: drivers take no BadRequest for a reason to do everything again.
CODE_UNKNOWN: Final = "503"
OCC_CONFLICT_NAME: Final = "OccConflictException"


class ProtocolError(CounterfoilError):
    """An answer that is an error: the name of the exception in the service model, the HTTP status, and its other members."""

    def __init__(self, name: str, message: str, status: int = 400, **members: str) -> None:
        super().__init__(message)
        self.name = name
        self.status = status
        self.members: Mapping[str, str] = members


def bad_request(message: str, code: str = CODE_MALFORMED) -> ProtocolError:
    return ProtocolError("BadRequestException", message, Code=code)


def invalid_session(message: str, code: str = CODE_MALFORMED) -> ProtocolError:
    return ProtocolError("InvalidSessionException", message, Code=code)


def invalid_parameter(name: str, what: str) -> ProtocolError:
    return ProtocolError("InvalidParameterException", f"{name} {what}", ParameterName=name)


def not_found(kind: str, name: str) -> ProtocolError:
    return ProtocolError(
        "ResourceNotFoundException",
        f"The {kind} with name {name} is not found",
        404,
        ResourceType=kind,
        ResourceName=name,
    )


def precondition_not_met(kind: str, name: str, what: str) -> ProtocolError:
    return ProtocolError(
        "ResourcePreconditionNotMetException",
        f"The {kind} {name} {what}",
        412,
        ResourceType=kind,
        ResourceName=name,
    )


def limit_exceeded(kind: str, at_most: int, what: str) -> ProtocolError:
    return ProtocolError("LimitExceededException", f"At most {at_most} {what} are allowed", ResourceType=kind)


def session_error(error: CounterfoilError) -> ProtocolError:
    """An error as ``qldb-session`` answers it.

    A limit that a transaction passes is a BadRequest: drivers try LimitExceeded again, which would not help. Capacity, rate and
    what is unavailable come with status 503, which every driver takes as a reason to try again.
    """
    message = str(error)
    match error:
        case ProtocolError():
            return error
        case ClosedError():
            return invalid_session(message, CODE_EXPIRED)
        case ForbiddenError():
            return bad_request(
                "Access denied. Unable to run the statement due to insufficient permissions or an improper variable name: "
                + message,
                CODE_REFUSED,
            )
        case StatementError() | LimitError() | AlreadyExistsError() | NotFoundError() | PreconditionError():
            return bad_request(message, CODE_REFUSED)
        case InputError():
            return bad_request(message)
        case OccConflictError():
            return ProtocolError(OCC_CONFLICT_NAME, OCC_CONFLICT)
        case UnavailableError():
            return _unavailable(error)
        case _:
            return internal_failure()


def _unavailable(error: UnavailableError) -> ProtocolError:
    match error:
        case CapacityError():
            return ProtocolError("CapacityExceededException", "Capacity exceeded", 503)
        case ThrottledError():
            return ProtocolError("RateExceededException", "Rate exceeded", 503)
        case UnknownOutcomeError():
            return bad_request(
                "It is not known whether the transaction was committed: commit it again on this session, or look for its id",
                CODE_UNKNOWN,
            )
        case _:
            return ProtocolError("ServiceUnavailableException", str(error), 503)


def control_error(error: CounterfoilError) -> ProtocolError:
    """An error as ``qldb`` answers it."""
    message = str(error)
    match error:
        case ProtocolError():
            return error
        case LimitError():
            return ProtocolError("LimitExceededException", message)
        case NotFoundError():
            return ProtocolError("ResourceNotFoundException", message, 404)
        case AlreadyExistsError():
            return ProtocolError("ResourceAlreadyExistsException", message, 409)
        case PreconditionError() | ClosedError():
            return ProtocolError("ResourcePreconditionNotMetException", message, 412)
        case ForbiddenError():
            return ProtocolError("AccessDeniedException", message, 403)
        case InputError():
            return ProtocolError("InvalidParameterException", message)
        case ConflictError():
            return ProtocolError("ResourceInUseException", message, 409)
        case UnavailableError():
            return ProtocolError("ServiceUnavailableException", message, 503)
        case _:
            return internal_failure()


def internal_failure() -> ProtocolError:
    """What went wrong is in the server's log, under the request's id; it is nobody else's business."""
    return ProtocolError(
        "InternalFailure", "The request could not be carried out because of an error in the service", 500
    )
