"""Time-stamp tokens: one that holds says when; every forgery is refused, and says why."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from counterfoil.adapters.timestamp_tokens import MAX_SKEW, Authority, query_for
from counterfoil.errors import CounterfoilError, InputError, IntegrityError, LimitError
from tests import tsa
from tests.tsa import NOW, ROOT, STRANGER, Tsa, asked, certificate, issued, pem

NOTE = b"ledger.example/abc\n9\nAAAA\n\n\xe2\x80\x94 a AAAAAAAA\n"
AUTHORITY = Authority.parse(pem(ROOT))
SIGNING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
STAMPING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
BOTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING])
ANY = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])


def verified(made=None, *, stamped=NOTE, authority=AUTHORITY, now=NOW, nonce=None):
    return authority.verify((made or Tsa()).answer(stamped), NOTE, now, nonce)


def test_a_token_says_when_and_who():
    found = verified()
    assert (found.at, found.authority, found.policy, found.serial_number) == (NOW, "CN=TSA", tsa.POLICY, 42)


def test_a_request_is_over_sha256_with_a_nonce_of_its_own_and_wants_certificates():
    from hashlib import sha256

    first, second = query_for(NOTE), query_for(NOTE)
    assert asked(first.data) == (sha256(NOTE).digest(), first.nonce)
    assert first.nonce != second.nonce
    assert AUTHORITY.verify(Tsa().answer(NOTE, first.nonce), NOTE, NOW, first.nonce).at == NOW


@pytest.mark.parametrize("kind", [{"ess": (1,)}, {"ess": (1, 2)}, {"ess_hash": "sha384"}, {"ess_hash": "sha512"}])
def test_a_certificate_may_be_named_in_each_way_that_the_standards_know(kind):
    assert verified(Tsa(**kind)).at == NOW


def test_certificates_between_may_come_with_the_token_in_any_order():
    key = tsa.keyed(14)
    between = certificate("Between", key, "Root", tsa.ROOT_KEY, serial=3, extensions=tsa.CA)
    own = certificate("TSA", tsa.TSA_KEY, "Between", key, extensions=tsa.STAMPING)
    for carried in ((between, ROOT), (ROOT, between)):
        assert verified(Tsa(own, carried=carried)).at == NOW
    assert verified(Tsa(own), authority=Authority.parse(pem(ROOT, between))).at == NOW
    with pytest.raises(IntegrityError, match="does not hold"):
        verified(Tsa(own))


def test_a_root_may_be_given_in_der():
    assert verified(authority=Authority.parse(ROOT.public_bytes(Encoding.DER))).at == NOW


def test_a_certificate_counts_at_the_time_of_the_token_whatever_has_become_of_it_since():
    assert verified(now=NOW + timedelta(days=20_000)).at == NOW


FORGERIES = {
    "over other bytes": (Tsa(imprint=bytes(32)), "over other bytes"),
    "another hash": (Tsa(algorithm=tsa.sequence(tsa.oid("2.16.840.1.101.3.4.2.3"), tsa.der(5))), "over other bytes"),
    "signed as nothing": (Tsa(content_types=()), "content type"),
    "signed as other contents": (Tsa(content_types=(tsa.oid("1.2.840.113549.1.7.1"),)), "content type"),
    "another key": (Tsa(key=tsa.OTHER_KEY), "does not hold"),
    "another content": (Tsa(content_digest=bytes(32)), "does not hold"),
    "no usage": (Tsa(issued(extensions=())), "not for time stamps alone"),
    "usage not critical": (Tsa(issued(extensions=((STAMPING, False),))), "not for time stamps alone"),
    "another usage": (Tsa(issued(extensions=((SIGNING, True),))), "not for time stamps alone"),
    "another usage beside it": (Tsa(issued(extensions=((BOTH, True),))), "not for time stamps alone"),
    "a critical extension": (
        Tsa(extensions=(tsa.extension("1.2.3.4", critical=True),)),
        "critical extension .*: 2a0304",
    ),
    "a critical one behind another": (
        Tsa(extensions=(tsa.extension("1.2.3.5", critical=False), tsa.extension("1.2.3.4", critical=True))),
        "critical extension",
    ),
    "another authority's name": (Tsa(called=tsa.directory_name(tsa.name("Other"))), "names another authority"),
    "another authority's host": (Tsa(called=tsa.der(0x82, b"other.example")), "names another authority"),
    "perhaps still to come": (Tsa(at=NOW + MAX_SKEW, accuracy=tsa.accuracy(micros=1)), "still to come"),
    "perhaps behind the certificate": (Tsa(issued(days=30), accuracy=tsa.accuracy(seconds=2)), "does not hold"),
    "not yet valid": (Tsa(issued(begins=NOW + timedelta(seconds=1))), "does not hold"),
    "no longer valid": (Tsa(issued(days=29)), "does not hold"),
    "no certificate named": (Tsa(ess=()), "does not say which certificate"),
    "another certificate named": (Tsa(ess_of=ROOT), "another certificate"),
    "one of two names another": (Tsa(ess=(1, 2), ess_hash="sha256"), "another certificate"),
    "two certificates for it": (Tsa(carried=(issued(days=300),)), "2 certificates"),
    "two signatures": (Tsa(signatures=2), "2 signatures"),
    "still to come": (Tsa(at=NOW + MAX_SKEW + timedelta(seconds=1)), "still to come"),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_token_is_refused(kind):
    made, why = FORGERIES[kind]
    with pytest.raises(IntegrityError, match=why):
        verified(made)


def test_a_token_of_nearly_now_is_taken():
    assert verified(Tsa(at=NOW + MAX_SKEW)).at == NOW + MAX_SKEW


def test_a_stranger_with_the_same_name_is_not_the_authority():
    with pytest.raises(IntegrityError, match="does not hold"):
        verified(authority=Authority.parse(pem(STRANGER)))


def test_a_signer_whose_issuer_is_no_authority_is_refused():
    leaf_key = tsa.keyed(15)
    leaf = certificate("Leaf", leaf_key, "Root", tsa.ROOT_KEY, serial=3)
    own = certificate("TSA", tsa.TSA_KEY, "Leaf", leaf_key, extensions=tsa.STAMPING)
    with pytest.raises(IntegrityError, match="does not hold"):
        verified(Tsa(own, carried=(leaf,)))


@pytest.mark.parametrize("nonce", [2, None])
def test_the_answer_to_another_request_is_refused(nonce):
    with pytest.raises(IntegrityError, match="nonce"):
        verified(Tsa(nonce=nonce), nonce=1)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Tsa(status=2), "rejected"),
        (Tsa(status=1), "granted with modifications"),
        (Tsa(status=77), "77"),
        (Tsa(kind=tsa.oid("1.2.840.113549.1.7.1")), "not an answer"),
        (Tsa(ess_hash="sha384", ess=(1,)), "by no hash"),
    ],
)
def test_what_is_no_token_cannot_be_read(made, why):
    with pytest.raises(InputError, match=why):
        verified(made)


def test_what_is_cut_or_rubbish_or_too_long_cannot_be_read():
    answer = Tsa().answer(NOTE)
    for data in (b"", b"\x30", b"rubbish", answer[:-1], answer + b"\x00\x00", bytes(1_000), pem(ROOT)):
        with pytest.raises(InputError):
            AUTHORITY.verify(data, NOTE, NOW)
    with pytest.raises(LimitError):
        AUTHORITY.verify(answer.ljust(65_537, b"\x00"), NOTE, NOW)


def test_an_altered_token_never_says_another_time_nor_passes_for_other_bytes():
    answer, honest = Tsa().answer(NOTE), verified()
    taken = 0
    for place in range(len(answer)):
        altered = answer[:place] + bytes([answer[place] ^ 0x01]) + answer[place + 1 :]
        try:
            found = AUTHORITY.verify(altered, NOTE, NOW)
        except CounterfoilError as error:
            assert str(error)
        else:
            # Version numbers and the name of the algorithm, which nothing signs, and the certificate decides.
            taken += 1
            assert replace(found, authority="") == replace(honest, authority="")
    assert taken < 20


@pytest.mark.parametrize("data", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(data):
    with pytest.raises(InputError, match="no certificate"):
        Authority.parse(data)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"seconds": 1}, "1"), ({"seconds": 1, "millis": 500}, "1.5"), ({"micros": 20}, "0.00002"),
        ({"millis": 999, "micros": 999}, "0.999999"),
        ({}, "0"), ({"seconds": 3_600}, "3600"),
    ],
)  # fmt: skip
def test_a_stated_accuracy_stands_with_the_time(said, seconds):
    found = verified(Tsa(accuracy=tsa.accuracy(**said)), now=NOW + timedelta(hours=1))
    assert found.accuracy_seconds == seconds
    assert found.time == f"2026-05-04T03:02:01+00:00 +- {seconds} s"
    assert found.latest - found.at == found.accuracy


def test_no_accuracy_is_said_where_none_is_stated():
    found = verified()
    assert (found.accuracy, found.accuracy_seconds, found.time) == (None, None, "2026-05-04T03:02:01+00:00")


@pytest.mark.parametrize(
    "accuracy",
    [
        tsa.accuracy(millis=0), tsa.accuracy(millis=1_000), tsa.accuracy(micros=1_000), tsa.sequence(tsa.der(0x02, b"\xff")),
        tsa.sequence(tsa.der(0x81, b"\x01"), tsa.der(0x80, b"\x01")), tsa.sequence(tsa.der(0x82, b"\x01")),
        tsa.accuracy(seconds=10**9), tsa.accuracy(seconds=1) * 2,
    ],
)  # fmt: skip
def test_an_accuracy_that_is_none_cannot_be_read(accuracy):
    with pytest.raises(InputError):
        verified(Tsa(accuracy=accuracy))


@pytest.mark.parametrize(
    ("said", "micros"),
    [("01.5Z", 500_000), ("01.123456Z", 123_456), ("01.123456789Z", 123_457), ("01.9999999Z", 1_000_000)],
)
def test_a_fraction_of_a_second_is_not_cut(said, micros):
    found = verified(Tsa(said_at=f"202605040302{said}"))
    assert found.at == NOW + timedelta(microseconds=micros)


@pytest.mark.parametrize("said", ["01.50Z", "01.Z", "01.5", "01.5+0100", "1Z"])
def test_a_time_that_der_does_not_have_cannot_be_read(said):
    with pytest.raises(InputError):
        verified(Tsa(said_at=f"202605040302{said}"))


def test_an_extension_that_is_not_critical_is_passed_over():
    assert verified(Tsa(extensions=(tsa.extension("1.2.3.4", critical=False),))).at == NOW


def test_the_name_in_a_token_may_be_each_of_the_certificates():
    named = (*tsa.STAMPING, (x509.SubjectAlternativeName([x509.DNSName("tsa.example")]), False))
    for called in (tsa.directory_name(tsa.name("TSA")), tsa.der(0x82, b"tsa.example")):
        assert verified(Tsa(issued(extensions=named), called=called)).at == NOW


@pytest.mark.parametrize(("usage", "holds"), [(SIGNING, False), (STAMPING, True), (BOTH, True), (ANY, True)])
@pytest.mark.parametrize("carried", [False, True])
def test_an_authority_above_the_signer_may_not_be_for_something_else_only(usage, holds, carried):
    key = tsa.keyed(14)
    between = certificate("Between", key, "Root", tsa.ROOT_KEY, serial=3, extensions=(*tsa.CA, (usage, False)))
    own = certificate("TSA", tsa.TSA_KEY, "Between", key, extensions=tsa.STAMPING)
    made, given = Tsa(own, carried=(between,) if carried else ()), (ROOT,) if carried else (ROOT, between)
    if holds:
        assert verified(made, authority=Authority.parse(pem(*given))).at == NOW
    else:
        with pytest.raises(IntegrityError, match="does not hold"):
            verified(made, authority=Authority.parse(pem(*given)))


def test_a_root_for_something_else_only_is_refused():
    root = certificate("Root", tsa.ROOT_KEY, "Root", tsa.ROOT_KEY, serial=1, extensions=(*tsa.CA, (SIGNING, False)))
    with pytest.raises(IntegrityError, match="does not hold"):
        verified(authority=Authority.parse(pem(root)))
