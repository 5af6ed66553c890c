"""ECDSA signatures on P-256 checked, not made: what KMS and Sigstore sign with, verified wherever there is Python.

Only public values are handled here, so that it does not matter how long anything takes. Points are kept in Jacobian coordinates
``(X, Y, Z)`` with ``x = X / Z**2`` and ``y = Y / Z**3``; ``Z = 0`` is the point at infinity.

Source: FIPS 186-5, section 6.4.2, and SP 800-186, section 3.2.1.3; vectors: tests/golden/test_ecdsa.py.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from counterfoil.errors import IntegrityError

_P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

type _Point = tuple[int, int, int]

_BASE: Final[_Point] = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    1,
)
_INFINITY: Final[_Point] = (1, 1, 0)

POINT_BYTES: Final = 64

# Two numbers below the order, each with at most a zero in front, in a sequence: DER writes them in no other way.
_MAX_SIGNATURE_BYTES: Final = 72


def is_on_curve(point: bytes) -> bool:
    """Whether 64 bytes, x and y, are a point of the curve; only of such can a signature be checked."""
    x, y = int.from_bytes(point[:32]), int.from_bytes(point[32:])
    return len(point) == POINT_BYTES and x < _P and y < _P and (y * y - x * x * x + 3 * x - _B) % _P == 0


def verify_p256(point: bytes, message: bytes, signature: bytes) -> None:
    """Return if a signature (DER) over SHA-256 of the message is that of the key with this point, else raise ``IntegrityError``."""
    if not is_on_curve(point) or not _holds(point, message, signature):
        raise IntegrityError(
            "the ECDSA signature does not hold", public_key=point.hex(), signature=signature.hex()[:160]
        )


def _holds(point: bytes, message: bytes, signature: bytes) -> bool:
    numbers = _numbers_in(signature)
    if numbers is None or not all(0 < each < _ORDER for each in numbers):
        return False
    r, s = numbers
    inverse = pow(s, -1, _ORDER)
    of_base = int.from_bytes(sha256(message).digest()) * inverse % _ORDER
    of_key = r * inverse % _ORDER
    x, _, z = _sum_of(of_base, of_key, (int.from_bytes(point[:32]), int.from_bytes(point[32:]), 1))
    return z != 0 and x * pow(z, -2, _P) % _P % _ORDER == r


def _numbers_in(signature: bytes) -> tuple[int, int] | None:
    """``SEQUENCE { r INTEGER, s INTEGER }`` in the one way DER writes it."""
    if not 8 <= len(signature) <= _MAX_SIGNATURE_BYTES or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        return None
    size = signature[3]
    first, second = signature[2 : 4 + size], signature[4 + size :]
    r, s = _number_in(first), _number_in(second)
    return None if r is None or s is None else (r, s)


def _number_in(data: bytes) -> int | None:
    if len(data) < 3 or data[0] != 0x02 or data[1] != len(data) - 2 or data[2] & 0x80:
        return None
    if data[2] == 0 and len(data) > 3 and not data[3] & 0x80:
        return None
    return int.from_bytes(data[2:])


def _sum_of(of_base: int, of_key: int, key: _Point) -> _Point:
    """Both multiples at once, one doubling for each bit."""
    both = _add(_BASE, key)
    found = _INFINITY
    for bit in reversed(range(256)):
        found = _double(found)
        pair = of_base >> bit & 1, of_key >> bit & 1
        if pair != (0, 0):
            found = _add(found, {(1, 0): _BASE, (0, 1): key, (1, 1): both}[pair])
    return found


def _double(point: _Point) -> _Point:
    """Of the point at infinity it is that again, as ``Z`` stays 0."""
    x, y, z = point
    delta, gamma = z * z % _P, y * y % _P
    beta = x * gamma % _P
    alpha = 3 * (x - delta) * (x + delta) % _P
    doubled = (alpha * alpha - 8 * beta) % _P
    return doubled, (alpha * (4 * beta - doubled) - 8 * gamma * gamma) % _P, 2 * y * z % _P


def _add(left: _Point, right: _Point) -> _Point:
    if left[2] == 0 or right[2] == 0:
        return right if left[2] == 0 else left
    left_zz, right_zz = left[2] * left[2] % _P, right[2] * right[2] % _P
    u, u_right = left[0] * right_zz % _P, right[0] * left_zz % _P
    s, s_right = left[1] * right[2] * right_zz % _P, right[1] * left[2] * left_zz % _P
    h, r = (u_right - u) % _P, (s_right - s) % _P
    if h == 0:
        return _double(left) if r == 0 else _INFINITY
    hh = h * h % _P
    hhh, v = h * hh % _P, u * hh % _P
    x = (r * r - hhh - 2 * v) % _P
    return x, (r * (v - x) - s * hhh) % _P, h * left[2] * right[2] % _P
