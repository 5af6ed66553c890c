"""Ion Hash 1.0 the slow way: over amazon.ion's Python values, each rule as the specification words it.

Shares nothing with ``counterfoil.ion.hashing``: it never sees binary Ion. Source: Ion Hash specification 1.0, section 1.2.
"""

import math
import struct
from datetime import datetime
from hashlib import sha256

from amazon.ion.core import IonType, TimestampPrecision
from amazon.ion.simple_types import IonPyNull

BEGIN, ESCAPE, END = b"\x0b", b"\x0c", b"\x0e"

TQ = {
    IonType.NULL: 0x00,
    IonType.BOOL: 0x10,
    IonType.INT: 0x20,
    IonType.FLOAT: 0x40,
    IonType.DECIMAL: 0x50,
    IonType.TIMESTAMP: 0x60,
    IonType.SYMBOL: 0x70,
    IonType.STRING: 0x80,
    IonType.CLOB: 0x90,
    IonType.BLOB: 0xA0,
    IonType.LIST: 0xB0,
    IonType.SEXP: 0xC0,
    IonType.STRUCT: 0xD0,
}


def reference_hash(value) -> bytes:
    return sha256(serialization(value)).digest()


def serialization(value) -> bytes:
    if not value.ion_annotations:
        return _bare(value)
    notes = b"".join(_symbol(token.text) for token in value.ion_annotations)
    return BEGIN + b"\xe0" + notes + _bare(value) + END


def _bare(value):
    tq = TQ[value.ion_type]
    if isinstance(value, IonPyNull):
        return BEGIN + bytes([tq | 0x0F]) + END
    match value.ion_type:
        case IonType.LIST | IonType.SEXP:
            return BEGIN + bytes([tq]) + b"".join(map(serialization, value)) + END
        case IonType.STRUCT:
            fields = [sha256(_symbol(name) + serialization(each)).digest() for name, each in value.items()]
            return BEGIN + bytes([tq]) + b"".join(map(_escaped, sorted(fields))) + END
        case IonType.SYMBOL:
            return _symbol(value.text)
        case IonType.BOOL:
            return BEGIN + bytes([tq | bool(value)]) + END
        case IonType.INT:
            return BEGIN + bytes([0x30 if value < 0 else 0x20]) + _escaped(_magnitude(abs(value))) + END
    return BEGIN + bytes([tq]) + _escaped(_REPRESENTATIONS[value.ion_type](value)) + END


def _escaped(representation):
    return b"".join(ESCAPE + bytes([byte]) if byte in {0x0B, 0x0C, 0x0E} else bytes([byte]) for byte in representation)


def _symbol(text):
    return BEGIN + b"\x70" + _escaped(text.encode("utf-8")) + END


def _magnitude(number):
    found = []
    while number:
        number, byte = divmod(number, 256)
        found.insert(0, byte)
    return bytes(found)


def _float(value):
    if value == 0 and math.copysign(1, value) > 0:
        return b""
    return b"\x7f\xf8\0\0\0\0\0\0" if math.isnan(value) else struct.pack(">d", value)


def _decimal(value):
    sign, digits, exponent = value.as_tuple()
    coefficient = 0
    for digit in digits:
        coefficient = coefficient * 10 + digit
    if (sign, coefficient, exponent) == (0, 0, 0):
        return b""
    return _var_int(exponent) + _int(coefficient, negative=bool(sign))


def _timestamp(value):
    offset = value.utcoffset()
    plain = datetime(*value.timetuple()[:6])  # noqa: DTZ001 - calendar fields, moved to UTC by hand
    utc = plain - offset if offset is not None else plain
    count = {TimestampPrecision.MINUTE: 5, TimestampPrecision.SECOND: 6}.get(value.precision, value.precision + 1)
    body = b"\xc0" if offset is None else _var_int(int(offset.total_seconds()) // 60)
    body += b"".join(map(_var_uint, utc.timetuple()[:count]))
    exponent = value.fractional_seconds.as_tuple().exponent
    if count == 6 and exponent < 0:
        body += _var_int(exponent) + _int(int(value.fractional_seconds.scaleb(-exponent)), negative=False)
    return body


def _var_uint(number):
    groups = [number & 0x7F | 0x80]
    while number := number >> 7:
        groups.insert(0, number & 0x7F)
    return bytes(groups)


def _var_int(number):
    """Seven bits a byte, but six in the first, whose second bit is the sign; the last byte has the high bit."""
    rest, groups = abs(number), []
    while rest > 0x3F:
        groups.insert(0, rest & 0x7F)
        rest >>= 7
    groups.insert(0, rest | (0x40 if number < 0 else 0))
    groups[-1] |= 0x80
    return bytes(groups)


def _int(magnitude, *, negative):
    """Sign and magnitude, the sign in the highest bit; no bytes for positive zero."""
    if magnitude == 0:
        return b"\x80" if negative else b""
    found = bytearray(_magnitude(magnitude))
    if found[0] & 0x80:
        found.insert(0, 0)
    found[0] |= 0x80 if negative else 0
    return bytes(found)


_REPRESENTATIONS = {
    IonType.FLOAT: _float,
    IonType.DECIMAL: _decimal,
    IonType.TIMESTAMP: _timestamp,
    IonType.STRING: lambda value: value.encode("utf-8"),
    IonType.CLOB: bytes,
    IonType.BLOB: bytes,
}
