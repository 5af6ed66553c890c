"""Signature Version 4: what official clients sign is accepted, and nothing else is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from counterfoil.protocol.faults import ProtocolError
from counterfoil.server.identities import Identity
from counterfoil.server.requests import Request
from counterfoil.server.sigv4 import MAX_SKEW, Verifier

TELLER = Identity("TELLER", "secret-of-teller", ())
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VERIFIER = Verifier({"TELLER": TELLER}, lambda: NOW)


def signed(  # noqa: PLR0917 - what may be wrong, one by one
    method="POST",
    path="/",
    query="",
    body=b"{}",
    key="TELLER",
    secret="secret-of-teller",
    service="qldb",
    at=NOW,
    **headers,
):
    """A request as botocore signs it."""
    given = {"Content-Type": "application/x-amz-json-1.0", "Host": "127.0.0.1:8600"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"http://127.0.0.1:8600{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, data=body, headers=given)
    request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    signer = SigV4Auth(Credentials(key, secret), service, "eu-central-1")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    pairs = tuple((name.lower().encode(), str(value).encode()) for name, value in request.headers.items())
    return Request(method, path, query, pairs, body)


def with_header(request, name, value):
    kept = tuple(pair for pair in request.raw_headers if pair[0] != name.encode())
    return replace(
        request, raw_headers=kept if value is None else (*kept, (name.encode(), value.encode("latin-1", "replace")))
    )


def refused(request, name, verifier=VERIFIER):
    with pytest.raises(ProtocolError) as caught:
        verifier.verify(request)
    assert (caught.value.name, caught.value.status) == (name, 403)
    return str(caught.value)


@pytest.mark.parametrize(
    "request_",
    [
        signed(),
        signed(body=b""),
        signed(body=b"\xff" * 100_000),
        signed(method="GET", path="/ledgers", query="next_token=abcd&max_results=10", body=b""),
        signed(method="GET", path="/tags/arn%3Aaws%3Aqldb%3A%3A%3Aledger%2Fbank", body=b""),
        signed(method="DELETE", path="/tags/arn%3Aaws", query="tagKeys=b&tagKeys=a%20c", body=b""),
        signed(X_Amz_Security_Token="session", X_Amz_Content_Sha256=sha256(b"{}").hexdigest()),
        signed(X_Amz_Target="QLDBSession.SendCommand", Amz_Sdk_Request="attempt=1;   max=4"),
        signed(at=NOW - MAX_SKEW),
        signed(at=NOW + MAX_SKEW),
    ],
)
def test_what_a_client_signed_is_accepted(request_):
    assert VERIFIER.verify(request_) is TELLER


def test_a_request_without_a_signature_is_refused():
    request = with_header(signed(), "authorization", None)
    assert refused(request, "MissingAuthenticationTokenException") == "Missing Authentication Token"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer abc",
        "AWS4-HMAC-SHA256 Credential=TELLER, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 " + "x" * 10_000,
        "AWS4-HMAC-SHA256 Credential=TELLER/20260102/eu-central-1/qldb/aws4_request, SignedHeaders=host;x-amz-date, Signature=ä",
    ],
)
def test_another_kind_of_authorization_is_incomplete(header):
    refused(with_header(signed(), "authorization", header), "IncompleteSignatureException")


def test_an_unknown_key_is_refused():
    refused(signed(key="STRANGER"), "UnrecognizedClientException")


def test_a_wrong_secret_is_refused():
    refused(signed(secret="guessed"), "InvalidSignatureException")


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"{ }"},
        {"method": "PUT"},
        {"raw_path": "/ledgers"},
        {"query": "a=b"},
    ],
)
def test_whatever_was_changed_after_signing_is_noticed(change):
    refused(replace(signed(), **change), "InvalidSignatureException")


@pytest.mark.parametrize("name", ["host", "content-type", "x-amz-target"])
def test_a_signed_header_that_was_changed_or_doubled_is_noticed(name):
    request = signed(X_Amz_Target="QLDBSession.SendCommand")
    refused(with_header(request, name, "changed"), "InvalidSignatureException")
    doubled = replace(request, raw_headers=(*request.raw_headers, (name.encode(), b"more")))
    refused(doubled, "InvalidSignatureException")


def test_a_signed_header_that_is_missing_is_noticed():
    refused(with_header(signed(), "content-type", None), "IncompleteSignatureException")


@pytest.mark.parametrize("name", ["host", "x-amz-date"])
def test_host_and_date_must_be_signed(name):
    request = signed()
    authorization = dict(request.headers)["authorization"]
    without = authorization.replace(f";{name}", "").replace(f"{name};", "")
    assert without != authorization
    refused(with_header(request, "authorization", without), "IncompleteSignatureException")


@pytest.mark.parametrize(
    "off", [MAX_SKEW + timedelta(seconds=1), -MAX_SKEW - timedelta(seconds=1), timedelta(days=365)]
)
def test_a_signature_that_is_too_old_or_not_yet_due_is_refused(off):
    message = refused(signed(at=NOW + off), "InvalidSignatureException")
    assert "expired or not yet current" in message


def test_the_date_of_the_scope_is_that_of_the_request():
    request = signed()
    moved = dict(request.headers)["authorization"].replace("/20260102/", "/20260103/")
    assert "Date in Credential scope" in refused(
        with_header(request, "authorization", moved), "InvalidSignatureException"
    )


@pytest.mark.parametrize("text", ["20260102", "2026-01-02T03:04:05Z", "99999999T999999Z", ""])
def test_a_date_that_is_none_is_incomplete(text):
    refused(with_header(signed(), "x-amz-date", text), "IncompleteSignatureException")


def test_the_signature_of_another_service_is_refused():
    message = refused(signed(service="dynamodb"), "InvalidSignatureException")
    assert "correct service: 'qldb'" in message


@pytest.mark.parametrize("claimed", ["UNSIGNED-PAYLOAD", sha256(b"other").hexdigest(), "ä"])
def test_a_body_whose_hash_is_not_the_claimed_one_is_refused(claimed):
    request = signed(X_Amz_Content_Sha256=claimed)
    refused(request, "InvalidSignatureException")
