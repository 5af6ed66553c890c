"""Ed25519 signatures checked, not made: what witnesses sign with, verified wherever there is Python.

Only public values are handled here, so that it does not matter how long anything takes. As RFC 8032, section 5.1.7, and like
Go's and OpenSSL's libraries: without the cofactor, ``s`` below the group's order, points in their one encoding.

Source: RFC 8032, sections 5.1 and 6; vectors: tests/golden/test_ed25519.py.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha512
from typing import Final

from counterfoil.errors import IntegrityError

_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE: Final = pow(2, (_P - 1) // 4, _P)

# Extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, x*y = T/Z.
type _Point = tuple[int, int, int, int]

_NEUTRAL: Final[_Point] = (0, 1, 1, 0)


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Return if the signature is the key's over the message, else raise ``IntegrityError``."""
    if len(public) != 32 or len(signature) != 64 or not _holds(public, message, signature):
        raise IntegrityError("the Ed25519 signature does not hold", public_key=public.hex(), signature=signature.hex())


# Whoever checks many proofs of one checkpoint checks its signature once: it costs more than the rest of a hundred of them.
@lru_cache(maxsize=64)
def _holds(public: bytes, message: bytes, signature: bytes) -> bool:
    scalar = int.from_bytes(signature[32:], "little")
    key = _decompressed(public)
    if key is None or scalar >= _ORDER:
        return False
    challenge = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % _ORDER
    x, y, z, t = key
    # R = s*B - k*A, both multiples at once, one doubling for each bit.
    negative = (_P - x, y, z, _P - t)
    both = _add(_BASE, negative)
    sum_ = _NEUTRAL
    for bit in reversed(range(253)):
        sum_ = _add(sum_, sum_)
        pair = scalar >> bit & 1, challenge >> bit & 1
        if pair != (0, 0):
            sum_ = _add(sum_, {(1, 0): _BASE, (0, 1): negative, (1, 1): both}[pair])
    return _compressed(sum_) == signature[:32]


def _add(left: _Point, right: _Point) -> _Point:
    a = (left[1] - left[0]) * (right[1] - right[0]) % _P
    b = (left[1] + left[0]) * (right[1] + right[0]) % _P
    c = 2 * left[3] * right[3] * _D % _P
    d = 2 * left[2] * right[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _compressed(point: _Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decompressed(data: bytes) -> _Point | None:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE_POINT: Final = _decompressed((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
assert _BASE_POINT is not None
_BASE: Final[_Point] = _BASE_POINT
