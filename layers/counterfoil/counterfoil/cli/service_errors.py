"""What a service of ledgers answers as an error, as this library's own: the same whether it was asked here or over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from counterfoil.errors import (
    AlreadyExistsError,
    CapacityError,
    ClosedError,
    CounterfoilError,
    ForbiddenError,
    InputError,
    LimitError,
    NotFoundError,
    OccConflictError,
    PreconditionError,
    UnavailableError,
)
from counterfoil.protocol.faults import ProtocolError

_BY_NAME: Final[dict[str, type[CounterfoilError]]] = {
    "AccessDeniedException": ForbiddenError,
    "CapacityExceededException": CapacityError,
    "InvalidSessionException": ClosedError,
    "LimitExceededException": LimitError,
    "OccConflictException": OccConflictError,
    "ResourceAlreadyExistsException": AlreadyExistsError,
    "ResourceNotFoundException": NotFoundError,
    "ResourcePreconditionNotMetException": PreconditionError,
}


def error_of(name: str, status: int, message: str) -> CounterfoilError:
    """The error for a name of the service models; one that is not known is told by its HTTP status."""
    known = _BY_NAME.get(name)
    if known is not None:
        return known(message)
    return UnavailableError(message) if status >= 500 else InputError(message)


@contextmanager
def service_errors(where: str) -> Iterator[None]:
    """Raise what a call answers as this library's errors; ``where`` names the service for when it does not answer at all."""
    try:
        yield
    except ProtocolError as error:
        raise error_of(error.name, error.status, str(error)) from error
    except ClientError as error:
        detail = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        raise error_of(detail.get("Code", ""), status, detail.get("Message") or str(error)) from error
    except ParamValidationError as error:
        raise InputError(str(error)) from error
    except BotoCoreError as error:
        raise UnavailableError(f"{where}: {error}") from error
