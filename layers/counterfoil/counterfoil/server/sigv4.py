"""Verifies AWS Signature Version 4 in the Authorization header, by signing again with botocore and comparing.

Source: AWS General Reference, "Signature Version 4"; errors as AWS's services name them.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from counterfoil.ports import Clock
from counterfoil.protocol.faults import ProtocolError
from counterfoil.server.identities import Identity
from counterfoil.server.requests import Request

# The service whose name both protocols sign with.
SIGNING_NAME: Final = "qldb"

# A request is good for as long as AWS takes one. Whoever records one can send it again until then: use a tunnel or TLS.
MAX_SKEW: Final = timedelta(minutes=5)

_HEADER: Final = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/\s,]+)/(\d{8})/([\w-]+)/([\w-]+)/aws4_request\s*,"
    r"\s*SignedHeaders=([\w;.-]+)\s*,\s*Signature=([0-9a-f]{64})\s*"
)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Gives the identity that signed a request for ``service``, or raises what AWS's services answer."""

    identities: Mapping[str, Identity]
    clock: Clock
    service: str = SIGNING_NAME

    def verify(self, request: Request) -> Identity:
        headers = _single_headers(request.headers)
        authorization = headers.get("authorization")
        if not authorization:
            raise _refused("MissingAuthenticationTokenException", "Missing Authentication Token")
        found = _HEADER.fullmatch(authorization)
        if found is None:
            raise _refused(
                "IncompleteSignatureException",
                "Authorization header needs AWS4-HMAC-SHA256 with Credential, SignedHeaders and Signature",
            )
        access_key, date, region, service, names, signature = found.groups()
        signed = names.split(";")
        self._check_scope(headers, signed, date, service)
        _check_payload(headers, request.body)
        identity = self.identities.get(access_key)
        # An unknown key costs the same work as a wrong signature.
        secret = identity.secret if identity else "unknown"
        expected = _signature(secret, region, service, signed, headers, request)
        if identity is None:
            raise _refused("UnrecognizedClientException", "The security token included in the request is invalid.")
        if not hmac.compare_digest(expected, signature):
            raise _refused(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
                "and signing method.",
            )
        return identity

    def _check_scope(self, headers: Mapping[str, str], signed: Sequence[str], date: str, service: str) -> None:
        if service != self.service:
            raise _refused(
                "InvalidSignatureException", f"Credential should be scoped to correct service: '{self.service}'."
            )
        if not {"host", "x-amz-date"} <= set(signed) or not set(signed) <= set(headers):
            raise _refused(
                "IncompleteSignatureException",
                "SignedHeaders needs host and x-amz-date, and only headers that are sent",
            )
        signed_at = _time(headers["x-amz-date"])
        if signed_at.strftime("%Y%m%d") != date:
            raise _refused(
                "InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD of x-amz-date."
            )
        now = self.clock()
        if abs(now - signed_at) > MAX_SKEW:
            raise _refused(
                "InvalidSignatureException",
                f"Signature expired or not yet current: it is of {signed_at:%Y%m%dT%H%M%SZ}, and it is now {now:%Y%m%dT%H%M%SZ}",
            )


class _Signer(SigV4Auth):
    """Signs exactly the headers that the client signed."""

    def headers_to_sign(self, request: Any) -> Any:
        return request.headers


def _signature(
    secret: str, region: str, service: str, signed: Sequence[str], headers: Mapping[str, str], request: Request
) -> str:
    query = f"?{request.query}" if request.query else ""
    again = AWSRequest(
        method=request.method,
        url=f"http://host{request.raw_path}{query}",  # the host is signed as a header, and only so
        data=request.body,
        headers={name: headers[name] for name in signed},
    )
    again.context["timestamp"] = headers["x-amz-date"]
    signer = _Signer(Credentials("-", secret), service, region)
    text = signer.string_to_sign(again, signer.canonical_request(again))
    return str(signer.signature(text, again))


def _single_headers(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; a name that comes twice has its values joined, as it is signed."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _check_payload(headers: Mapping[str, str], body: bytes) -> None:
    claimed = headers.get("x-amz-content-sha256")
    if claimed is not None and claimed != sha256(body).hexdigest():
        raise _refused("InvalidSignatureException", "x-amz-content-sha256 is not the hash of the body")


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _refused("IncompleteSignatureException", "x-amz-date must be in the form YYYYMMDD'T'HHMMSS'Z'") from None


def _refused(name: str, message: str) -> ProtocolError:
    return ProtocolError(name, message, 403)
