"""Writes Ion values in binary in any of the ways the format allows, chosen by chance.

Integers with leading zeros, lengths and ids longer than needed, four-byte floats, padding between values, sorted structs,
symbols spread over several tables. All of them mean the same value. Source: Ion specification 1.0, "Binary Encoding".
"""

import math
import struct
from random import Random

from amazon.ion.core import IonType, TimestampPrecision
from amazon.ion.simple_types import IonPyNull

VERSION_MARKER = b"\xe0\x01\x00\xea"
SYSTEM_SYMBOLS = 9

_KIND = {
    IonType.NULL: 0,
    IonType.BOOL: 1,
    IonType.INT: 2,
    IonType.FLOAT: 4,
    IonType.DECIMAL: 5,
    IonType.TIMESTAMP: 6,
    IonType.SYMBOL: 7,
    IonType.STRING: 8,
    IonType.CLOB: 9,
    IonType.BLOB: 10,
    IonType.LIST: 11,
    IonType.SEXP: 12,
    IonType.STRUCT: 13,
}


def encode_anyhow(value, seed: int) -> bytes:
    """One of the many binary streams whose only value is ``value``."""
    return _Writer(Random(seed)).datagram(value)


def var_uint(number: int, padding: int = 0) -> bytes:
    groups = [number & 0x7F | 0x80]
    while number := number >> 7:
        groups.insert(0, number & 0x7F)
    return bytes(padding) + bytes(groups)


def var_int(number: int, padding: int = 0, *, negative_zero: bool = False) -> bytes:
    sign, rest, groups = 0x40 if number < 0 or negative_zero else 0, abs(number), []
    while rest > 0x3F:
        groups.insert(0, rest & 0x7F)
        rest >>= 7
    groups = [0] * padding + [rest, *groups]
    groups[0] |= sign
    groups[-1] |= 0x80
    return bytes(groups)


def wrap(kind: int, body: bytes, *, long: bool = False, padding: int = 0) -> bytes:
    """Type descriptor, length, body; ``long`` writes the length apart even where it fits the descriptor."""
    if len(body) < 14 and not long:
        return bytes([kind << 4 | len(body)]) + body
    return bytes([kind << 4 | 14]) + var_uint(len(body), padding) + body


class _Writer:
    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._ids: dict[str, int] = {}

    def datagram(self, value) -> bytes:
        tables = self._tables(sorted(_texts(value)))
        return VERSION_MARKER + tables + self._padding() + self._value(value) + self._padding()

    # Symbol tables ------------------------------------------------------------------------------------------------

    def _tables(self, texts) -> bytes:
        """One table, several that build on each other, or a first one that a version marker throws away."""
        texts += [f"unused{number}" for number in range(self._chance.randrange(3))]
        self._chance.shuffle(texts)
        cut = self._chance.randint(0, len(texts))
        thrown_away = self._table(["gone", "too"]) + VERSION_MARKER if self._chance.random() < 0.3 else b""
        skipped = self._chance.randrange(4)
        first = self._table(texts[:cut], imports=self._imports(skipped) if skipped else b"")
        self._number(texts[:cut], SYSTEM_SYMBOLS + 1 + skipped)
        self._number(texts[cut:], SYSTEM_SYMBOLS + 1 + skipped + cut)
        return thrown_away + first + self._padding() + self._table(texts[cut:], imports=b"\x86\x71\x03")

    def _number(self, texts, start):
        for number, text in enumerate(texts, start):
            self._ids.setdefault(text, number)

    def _imports(self, count):
        """An import of a shared table that nobody has: it takes up ids."""
        shared = b"\x84\x85other" + b"\x85\x21\x01" + b"\x88\x21" + bytes([count])
        return b"\x86" + wrap(11, wrap(13, shared))

    def _table(self, texts, imports=b""):
        symbols = b"\x87" + wrap(11, b"".join(wrap(8, text.encode(), long=self._often()) for text in texts))
        fields = imports + symbols if self._often() else symbols + imports
        return self._annotated_bytes(b"\x83", wrap(13, fields, long=self._often()))

    # Values -------------------------------------------------------------------------------------------------------

    def _value(self, value) -> bytes:
        notes = b"".join(var_uint(self._ids[token.text], self._slack()) for token in value.ion_annotations)
        return self._annotated_bytes(notes, self._bare(value)) if notes else self._bare(value)

    def _annotated_bytes(self, notes, inner):
        return wrap(14, var_uint(len(notes), self._slack()) + notes + inner, long=self._often(), padding=self._slack())

    def _bare(self, value):
        kind = _KIND[value.ion_type]
        if isinstance(value, IonPyNull):
            return bytes([kind << 4 | 15])
        if value.ion_type is IonType.BOOL:
            return b"\x11" if value else b"\x10"
        if value.ion_type is IonType.STRUCT:
            return self._struct(value)
        if value.ion_type is IonType.INT:
            return self._wrap(3 if value < 0 else 2, self._zeros() + _magnitude(abs(value)))
        return self._wrap(kind, self._bodies[value.ion_type](self, value))

    def _wrap(self, kind, body):
        return wrap(kind, body, long=self._often(), padding=self._slack())

    def _struct(self, value):
        fields = [(self._ids[name], self._value(each)) for name, each in value.items()]
        if fields and self._often():
            fields.sort(key=lambda field: field[0])
            body = b"".join(var_uint(number, self._slack()) + each for number, each in fields)
            return b"\xd1" + var_uint(len(body), self._slack()) + body
        self._chance.shuffle(fields)
        body = b"".join(self._field_padding() + var_uint(number, self._slack()) + each for number, each in fields)
        return wrap(13, body, long=len(body) == 1 or self._often(), padding=self._slack())

    def _field_padding(self):
        padding = self._padding()
        return var_uint(self._chance.choice([0, 4, 9])) + padding if padding else b""

    def _sequence(self, value):
        return self._padding() + b"".join(self._value(each) + self._padding() for each in value)

    def _float(self, value):
        if value == 0 and math.copysign(1, value) > 0:
            return self._chance.choice([b"", bytes(4), bytes(8)])
        if math.isnan(value):
            return self._chance.choice(
                [b"\x7f\xc0\0\0", b"\xff\xc0\0\1", b"\x7f\xf8\0\0\0\0\0\0", b"\xff\xf0\0\0\0\0\0\1"]
            )
        try:
            short = struct.pack(">f", value)
        except OverflowError:
            return struct.pack(">d", value)
        exact = struct.unpack(">f", short)[0] == value
        return short if exact and self._often() else struct.pack(">d", value)

    def _decimal(self, value):
        sign, digits, exponent = value.as_tuple()
        coefficient = int("".join(map(str, digits)))
        if (sign, coefficient, exponent) == (0, 0, 0) and self._often():
            return b""
        negative_zero = exponent == 0 and self._often()
        return var_int(exponent, self._slack(), negative_zero=negative_zero) + self._int(
            coefficient, negative=bool(sign)
        )

    def _timestamp(self, value):
        offset = value.utcoffset()
        count = {TimestampPrecision.MINUTE: 5, TimestampPrecision.SECOND: 6}.get(value.precision, value.precision + 1)
        utc = (value.replace(tzinfo=None) - offset) if offset is not None else value
        body = b"\xc0" if offset is None else var_int(int(offset.total_seconds()) // 60, self._slack())
        body += b"".join(var_uint(field, self._slack()) for field in utc.timetuple()[:count])
        exponent = value.fractional_seconds.as_tuple().exponent
        if count == 6 and exponent < 0:
            coefficient = int(value.fractional_seconds.scaleb(-exponent))
            body += var_int(exponent, self._slack()) + self._int(coefficient, negative=False)
        elif count == 6 and self._often():
            body += b"\x80"  # a fraction of 0d0: none
        return body

    def _int(self, magnitude, *, negative):
        if magnitude == 0 and not negative:
            return self._zeros()
        found = bytearray(self._zeros() + _magnitude(magnitude))
        if not found or found[0] & 0x80:
            found.insert(0, 0)
        found[0] |= 0x80 if negative else 0
        return bytes(found)

    _bodies = {  # noqa: RUF012 - a constant of this private class
        IonType.FLOAT: _float,
        IonType.DECIMAL: _decimal,
        IonType.TIMESTAMP: _timestamp,
        IonType.SYMBOL: lambda self, value: self._zeros() + _magnitude(self._ids[value.text]),
        IonType.STRING: lambda _, value: value.encode(),
        IonType.CLOB: lambda _, value: bytes(value),
        IonType.BLOB: lambda _, value: bytes(value),
        IonType.LIST: _sequence,
        IonType.SEXP: _sequence,
    }

    # Chance -------------------------------------------------------------------------------------------------------

    def _often(self):
        return self._chance.random() < 0.5

    def _slack(self):
        return self._chance.choice([0, 0, 1, 2])

    def _zeros(self):
        return bytes(self._slack())

    def _padding(self):
        """Nothing, or bytes that mean nothing."""
        if self._chance.random() < 0.6:
            return b""
        length = self._chance.choice([0, 1, 5, 20])
        return wrap(0, self._chance.randbytes(length), long=self._often())


def _magnitude(number):
    return number.to_bytes((number.bit_length() + 7) // 8)


def _texts(value) -> set[str]:
    """Every symbol text that a value uses."""
    found = {token.text for token in value.ion_annotations}
    if isinstance(value, IonPyNull):
        return found
    if value.ion_type is IonType.SYMBOL:
        found.add(value.text)
    if value.ion_type is IonType.STRUCT:
        for name, each in value.items():
            found |= {name} | _texts(each)
    if value.ion_type in {IonType.LIST, IonType.SEXP}:
        found = found.union(*map(_texts, value))
    return found
