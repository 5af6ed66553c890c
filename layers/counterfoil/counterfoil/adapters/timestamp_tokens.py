"""RFC 3161 time stamps: asked for, read, and checked against the certificates of whom somebody trusts to know the time.

Signature and chain are ``rfc3161_client``'s matter. What it leaves open is checked here: that the token is over SHA-256 of the very
bytes, that it was signed as a time stamp (content type) and binds the certificate that signed (ESS), that there is no second one that
could be meant, that this certificate is for time stamps and nothing else (section 2.3) and no authority above it was for something
else only, that it is who the token says it is from (``tsa``), that nothing critical stands in the token that is not known, and that
the time is not one to come. A stated accuracy counts against the token wherever times are compared.

Source: RFC 3161, RFC 5816 (ESS certificate identifiers), RFC 5652 (CMS).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import new, sha256
from typing import Final, NamedTuple, Self
from warnings import catch_warnings, simplefilter

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtendedKeyUsage,
    Extension,
    ExtensionNotFound,
    SubjectAlternativeName,
    load_der_x509_certificate,
    load_pem_x509_certificates,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerifierBuilder,
    decode_timestamp_response,
)

from counterfoil.adapters.der import CONTEXT_0, OCTETS, SEQUENCE, SET, Element, elements, rendered, within
from counterfoil.adapters.timestamp_info import parse_token_info
from counterfoil.errors import CounterfoilError, InputError, IntegrityError, LimitError
from counterfoil.transparency.timestamp import MAX_TIMESTAMP_BYTES, Timestamp

_SHA256: Final = "2.16.840.1.101.3.4.2.1"

# A machine's clock may be slow by so much before a token is called one of the future.
MAX_SKEW: Final = timedelta(minutes=5)

# RFC 3161, section 2.4.2: with the first two alone there is a token; one with modifications is not the one that was asked for.
_STATUS: Final = ("granted", "granted with modifications", "rejected", "waiting", "revocation warning", "revoked")

# id-contentType among what is signed must say id-ct-TSTInfo (RFC 5652, sections 5.3 and 11.1).
_CONTENT_TYPE: Final = bytes.fromhex("2a864886f70d010903")
_TST_INFO: Final = bytes.fromhex("2a864886f70d0109100104")

# id-aa-signingCertificate and its second version, and the hashes that the second one names, as they stand in DER.
_ESS: Final = bytes.fromhex("2a864886f70d010910020c")
_ESS_V2: Final = bytes.fromhex("2a864886f70d010910022f")
_HASHES: Final[Mapping[bytes, str]] = {
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}


class Query(NamedTuple):
    """What an authority is asked: the request in DER, and the number that its answer must repeat."""

    data: bytes
    nonce: int


def query_for(checkpoint: bytes) -> Query:
    """A request for a token over SHA-256 of these bytes, with a nonce by chance, and the authority's certificates in the answer."""
    made = TimestampRequestBuilder(checkpoint, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
    assert made.nonce is not None
    return Query(made.as_bytes(), made.nonce)


@dataclass(frozen=True, slots=True)
class Authority:
    """Certificates to which an authority's own must lead. TRUSTED for the time, and for nothing else."""

    certificates: tuple[Certificate, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read certificates in PEM, or one in DER; anything else is an ``InputError``."""
        try:
            pem = b"-----BEGIN" in data
            return cls(tuple(load_pem_x509_certificates(data)) if pem else (load_der_x509_certificate(data),))
        except ValueError as error:
            raise InputError(f"no certificate in PEM or DER: {error}") from None

    def verify(self, answer: bytes, checkpoint: bytes, now: datetime, nonce: int | None = None) -> Timestamp:
        """What the token of an answer says of these bytes, now known to be so.

        ``now`` is not before the token's time; ``nonce`` is that of the request, where it is known. ``InputError`` where the answer
        cannot be read or has no token, ``IntegrityError`` where the token is over other bytes, or does not hold.
        """
        if len(answer) > MAX_TIMESTAMP_BYTES:
            raise LimitError(f"a time stamp of {len(answer)} bytes; at most {MAX_TIMESTAMP_BYTES} are read")
        ordered = _in_order(answer)
        with _library("not an answer of a time-stamping authority", InputError):
            token = _read(decode_timestamp_response(ordered))
        expected = sha256(checkpoint).digest()
        if token.algorithm != _SHA256 or token.imprint != expected:
            raise IntegrityError(
                "the time stamp is over other bytes", expected=expected.hex(), found=token.imprint.hex()
            )
        if nonce is not None and token.nonce != nonce:
            raise IntegrityError("the time stamp answers another request: its nonce is not the one that was sent")
        if token.says.latest > now + MAX_SKEW:
            raise IntegrityError(f"the time stamp is of {token.says.time}, which is still to come")
        _check_bound(token)
        _check_signer(token)
        with _library("the time stamp does not hold", IntegrityError):
            verifier = VerifierBuilder(roots=[each for each in self.certificates if _may_stamp(each)]).build()
            verifier.verify(decode_timestamp_response(ordered), expected)
        return token.says


class _Token(NamedTuple):
    """What is read of an answer, unverified: what it says, of which bytes, and the certificate of its signature, in DER."""

    says: Timestamp
    algorithm: str
    imprint: bytes
    nonce: int | None
    content: bytes
    signer: Certificate
    name: Element | None

    @property
    def certificate(self) -> bytes:
        return self.signer.public_bytes(Encoding.DER)


@contextmanager
def _library(what: str, family: type[InputError | IntegrityError]) -> Iterator[None]:
    """Whatever the libraries make of hostile bytes becomes an error of ours; they name no errors of their own for all of it."""
    with catch_warnings():
        simplefilter("ignore", CryptographyDeprecationWarning)  # serial numbers that no certificate should have
        try:
            yield
        except CounterfoilError:
            raise
        except Exception as error:  # noqa: BLE001 - a KeyError of theirs means no more than a ValueError
            raise family(f"{what}: {error or type(error).__name__}"[:500]) from None


def _read(answer: TimeStampResponse) -> _Token:
    if answer.status:
        said = _STATUS[answer.status] if 0 < answer.status < len(_STATUS) else str(answer.status)
        raise InputError(f"the authority gives no time stamp: {said} {' '.join(answer.status_string)}"[:500])
    info, signed = answer.tst_info, answer.signed_data
    names = {(each.issuer, each.serial_number) for each in signed.signer_infos}
    carried = [load_der_x509_certificate(each) for each in signed.certificates]
    signers = [each for each in carried if (each.issuer, each.serial_number) in names]
    if len(signers) != 1:
        raise IntegrityError(f"the time stamp has {len(signers)} certificates for its signature, not one")
    content = answer.time_stamp_token()
    read = parse_token_info(_contents(content))
    if read.critical:
        raise IntegrityError(
            f"the time stamp has a critical extension that is not known here: {', '.join(read.critical)}"[:500]
        )
    subject = signers[0].subject.rfc4514_string()
    says = Timestamp(read.at, subject, info.policy.dotted_string, info.serial_number, read.accuracy)
    imprint = info.message_imprint
    return _Token(
        says,
        imprint.hash_algorithm.dotted_string,
        imprint.message,
        info.nonce,
        content,
        signers[0],
        read.name,
    )


def _in_order(answer: bytes) -> bytes:
    """An answer with its certificates in DER's order, which the library asks for, and OpenSSL's authorities do not keep.

    Left out are those of authorities that are for something else, so that no chain leads over them. Nothing is signed over any of
    this. An answer without a token stays as it is.
    """
    whole = elements(answer)
    parts = within(_first(whole), SEQUENCE)
    if len(parts) < 2 or len(whole) > 1:
        return answer
    for part in _signed_data(parts[1]):
        if part.tag == CONTEXT_0:
            kept = sorted(each.raw for each in within(part, CONTEXT_0) if _is_kept(each.raw))
            return _replaced(whole[0], part, b"".join(kept))
    return answer


def _replaced(element: Element, part: Element, body: bytes) -> bytes:
    """The bytes of an element in which a part, at any depth, has another body."""
    if element.begin == part.begin and element.tag == part.tag:
        return rendered(part.tag, body)
    inside = within(element, element.tag)
    held = (_replaced(each, part, body) if each.begin <= part.begin < each.end else each.raw for each in inside)
    return rendered(element.tag, b"".join(held))


def _is_kept(certificate: bytes) -> bool:
    """Whether a certificate of an answer may be in a chain: the signer's, or that of an authority that is not for something else."""
    with _library("not an answer of a time-stamping authority", InputError):
        found = load_der_x509_certificate(certificate)
        return _may_stamp(found) or not _is_authority(found)


def _is_authority(certificate: Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return False


def _may_stamp(certificate: Certificate) -> bool:
    """Whether certificates of time stamps may be below it: extended key usage of its own narrows that, as everybody reads RFC 5280."""
    usage = _usage(certificate)
    return usage is None or bool(
        {ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & {*usage.value}
    )


def _usage(certificate: Certificate) -> Extension[ExtendedKeyUsage] | None:
    try:
        return certificate.extensions.get_extension_for_class(ExtendedKeyUsage)
    except ExtensionNotFound:
        return None


def _check_signer(token: _Token) -> None:
    """The certificate of the signature is for time stamps alone, was valid as late as the token may be of, and is whom it names."""
    with _library("the certificate of the time stamp cannot be read", IntegrityError):
        usage, subjects = _usage(token.signer), list(_subjects(token.signer))
    if usage is None or not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise IntegrityError("the certificate of the time stamp is not for time stamps alone, by a critical extension")
    # Its last second counts whole. That the certificate was there already is checked with the chain, for the time that is said: an
    # authority may be new, and what counts against a claim of "by then" is a later time.
    if token.says.latest >= token.signer.not_valid_after_utc + timedelta(seconds=1):
        raise IntegrityError(
            f"the time stamp does not hold: it is of {token.says.time}, when its certificate had expired"
        )
    if token.name is not None and token.name.raw not in subjects:
        raise IntegrityError("the time stamp names another authority than the one whose certificate signed it")


def _subjects(certificate: Certificate) -> Iterator[bytes]:
    """Each of a certificate's names as a ``GeneralName`` in DER: its subject, and the alternative ones."""
    subject = certificate.subject.public_bytes()
    yield rendered(0xA4, subject)
    try:
        found = certificate.extensions.get_extension_for_class(SubjectAlternativeName)
    except ExtensionNotFound:
        return
    for each in within(_first(elements(found.value.public_bytes())), SEQUENCE):
        yield each.raw


def _check_bound(token: _Token) -> None:
    """What is signed must say that it is a time stamp, and name its signer's certificate by its hash: neither can be changed."""
    if [kind.body for _, kind in _signed_values(token.content, {_CONTENT_TYPE})] != [_TST_INFO]:
        raise IntegrityError("what was signed does not say that it is a time stamp (content type)")
    identified = list(_certificate_hashes(token.content))
    if not identified:
        raise IntegrityError("the time stamp does not say which certificate signed it (ESS)")
    for algorithm, found in identified:
        if new(algorithm, token.certificate, usedforsecurity=False).digest() != found:
            raise IntegrityError("the time stamp was signed under another certificate than the one in it (ESS)")


def _certificate_hashes(token: bytes) -> Iterator[tuple[str, bytes]]:
    """Of each ESS attribute that is signed the hash of its first certificate, which is the signer's."""
    for name, value in _signed_values(token, {_ESS, _ESS_V2}):
        yield _certificate_hash(_first(within(_first(within(value, SEQUENCE)), SEQUENCE)), name)


def _signed_values(token: bytes, names: Collection[bytes]) -> Iterator[tuple[bytes, Element]]:
    """The values of the signed attributes that are called so, each with its name."""
    for attribute in _signed_attributes(token):
        parts = within(attribute, SEQUENCE)
        if len(parts) == 2 and parts[0].body in names:
            for value in within(parts[1], SET):
                yield parts[0].body, value


def _certificate_hash(identifier: Element, attribute: bytes) -> tuple[str, bytes]:
    """``ESSCertID`` begins with SHA-1; ``ESSCertIDv2`` with an algorithm, where it is not SHA-256, and the hash."""
    first, *rest = within(identifier, SEQUENCE) or [identifier]
    algorithm = "sha1" if attribute == _ESS else "sha256"
    if attribute == _ESS_V2 and first.tag == SEQUENCE:
        oid = _first(within(first, SEQUENCE))
        if oid.body not in _HASHES or not rest:
            raise InputError("the time stamp names its certificate by a hash that is not known here")
        algorithm, first = _HASHES[oid.body], rest[0]
    if first.tag != OCTETS:
        raise InputError("the time stamp names its certificate by no hash")
    return algorithm, first.body


def _signed_attributes(token: bytes) -> list[Element]:
    """Of the one ``SignerInfo`` that a token ends with what stands under [0]."""
    infos = within(_signed_data(_first(elements(token)))[-1], SET)
    if len(infos) != 1:
        raise IntegrityError(f"the time stamp has {len(infos)} signatures, not one")
    return [each for part in within(infos[0], SEQUENCE) if part.tag == CONTEXT_0 for each in within(part, CONTEXT_0)]


def _signed_data(token: Element) -> list[Element]:
    """The parts of the ``SignedData`` in a ``ContentInfo``."""
    parts = within(token, SEQUENCE)
    found = within(_first(within(parts[-1], CONTEXT_0)), SEQUENCE) if len(parts) == 2 else []
    if not found:
        raise InputError("a time stamp without signed data")
    return found


def _contents(token: bytes) -> bytes:
    """What was signed: the ``TSTInfo``."""
    kinds = (
        within(_signed_data(_first(elements(token)))[2], SEQUENCE)
        if len(_signed_data(_first(elements(token)))) > 2
        else []
    )
    held = within(kinds[1], CONTEXT_0) if len(kinds) == 2 else []
    if len(held) != 1 or held[0].tag != OCTETS:
        raise InputError("a time stamp without contents")
    return held[0].body


def _first(found: list[Element]) -> Element:
    if not found:
        raise InputError("a time stamp with an empty part")
    return found[0]
