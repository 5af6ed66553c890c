"""ECDSA on P-256: signatures that others made, and what another library says of each that is nearly one."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import IntegrityError
from counterfoil.transparency.ecdsa import is_on_curve, verify_p256

# RFC 6979, appendix A.2.5: the key, and its signatures with SHA-256 of two messages.
POINT = bytes.fromhex(
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
RFC_6979 = [
    (
        b"sample",
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    (
        b"test",
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
]
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def point_of(key):
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32) + numbers.y.to_bytes(32)


def holds(point, message, signature):
    try:
        verify_p256(point, message, signature)
    except IntegrityError:
        return False
    return True


def holds_for_others(point, message, signature):
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + point)
    try:
        public.verify(signature, message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize(("message", "r", "s"), RFC_6979)
def test_signatures_of_the_rfc_hold_and_no_others(message, r, s):
    signature = encode_dss_signature(r, s)
    assert holds(POINT, message, signature)
    assert holds(POINT, message, encode_dss_signature(r, ORDER - s))  # as ECDSA has it: there are two of each
    assert not holds(POINT, message + b".", signature)
    for wrong in ((0, s), (r, 0), (ORDER, s), (r, ORDER), (r + ORDER, s), (s, r), (r, s + ORDER)):
        assert not holds(POINT, message, encode_dss_signature(*wrong))


@pytest.mark.parametrize("form", ["longer", "shorter", "padded", "long length", "not minimal", "negative", "empty"])
def test_a_signature_is_written_in_one_way(form):
    message, r, s = RFC_6979[1]
    signature = encode_dss_signature(r, s)
    first, second = signature[2:37], signature[37:]
    assert first[:2] == b"\x02\x21"
    forms = {
        "longer": signature + b"\0",
        "shorter": signature[:-1],
        "padded": b"\x30" + bytes([signature[1] + 1]) + signature[2:] + b"\0",
        "long length": b"\x30\x81" + signature[1:],
        "not minimal": b"\x30"
        + bytes([signature[1] + 1])
        + first
        + b"\x02"
        + bytes([second[1] + 1])
        + b"\0"
        + second[2:],
        "negative": b"\x30" + bytes([signature[1] - 1]) + b"\x02\x20" + first[3:] + second,
        "empty": b"\x30\x04\x02\x00\x02\x00",
    }
    assert holds(POINT, message, signature)
    assert not holds(POINT, message, forms[form])
    assert not holds_for_others(POINT, message, forms[form])


def test_what_is_not_on_the_curve_is_no_key():
    assert is_on_curve(POINT)
    for wrong in (b"", POINT[:-1], POINT + b"\0", bytes(64), b"\xff" * 64, POINT[:-1] + bytes([POINT[-1] ^ 1])):
        assert not is_on_curve(wrong)
        assert not holds(wrong, b"sample", encode_dss_signature(*RFC_6979[0][1:]))


@given(st.integers(1, ORDER - 1), st.binary(max_size=40), st.integers(0, 8 * 72 - 1))
def test_it_comes_to_what_another_library_comes_to(secret, message, bit):
    key = ec.derive_private_key(secret, ec.SECP256R1())
    signature = key.sign(message, ec.ECDSA(SHA256()))
    assert holds(point_of(key), message, signature)
    damaged = bytearray(signature)
    damaged[bit // 8 % len(damaged)] ^= 1 << bit % 8
    assert holds(point_of(key), message, bytes(damaged)) == holds_for_others(point_of(key), message, bytes(damaged))


@pytest.mark.parametrize("secret", [1, 2, ORDER - 1, ORDER - 2])
def test_keys_that_meet_the_base_point_on_the_way_are_added_rightly(secret):
    key = ec.derive_private_key(secret, ec.SECP256R1())
    for number in range(4):
        message = bytes([number])
        assert holds(point_of(key), message, key.sign(message, ec.ECDSA(SHA256())))
