"""Ion timestamps: parsed from the binary body, compared as instants, shown as Ion text.

Source: Ion specification 1.0, "Timestamps" and "6: Timestamp" of the binary encoding.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.errors import InputError

# One-byte offset, two-byte year, month, day, hour, minute, optional second and optional milliseconds below 1000: what
# ledgers write. A body of this shape is already what Ion Hash wants and is not taken apart; every other one is.
CANONICAL_BODY: Final = re.compile(
    rb"[\x80-\xff](?:[\x01-\x4d][\x80-\xff]|\x4e[\x80-\x8f])[\x81-\x8c][\x81-\x9f][\x80-\x97][\x80-\xbb]"
    rb"(?:[\x80-\xbb](?:\xc3(?:[\x01-\x7f]|\x00[\x80-\xff]|[\x01\x02][\x00-\xff]|\x03[\x00-\xe7])?)?)?",
    re.DOTALL,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_THOUSANDTHS: Final = tuple(Decimal(number).scaleb(-3) for number in range(1_000))
MAX_BODY_BYTES: Final = 32
MAX_FRACTION_DIGITS: Final = 18


class IonTimestamp(NamedTuple):
    """An instant with its precision.

    ``fields`` are the UTC calendar fields that were given (year, month, day, hour, minute, second; at least the year),
    ``fraction`` the fraction of the second (0 <= fraction < 1; its exponent is its precision), ``offset_minutes`` the local offset or
    ``None`` where it is unknown (``-00:00``).
    """

    fields: tuple[int, ...]
    fraction: Decimal | None
    offset_minutes: int | None

    def to_datetime(self) -> datetime:
        """The instant in UTC; fields not given are the lowest; digits behind the microsecond are dropped."""
        year, month, day, hour, minute, second = (*self.fields, *(1, 1, 1, 0, 0, 0)[len(self.fields) :])
        microsecond = int((self.fraction or 0) * 1_000_000)
        return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)

    def __str__(self) -> str:
        """Ion text of the instant, in UTC, to its precision."""
        if len(self.fields) <= 3:
            text = "-".join(f"{field:0{4 if index == 0 else 2}}" for index, field in enumerate(self.fields))
            return text if len(self.fields) == 3 else text + "T"
        year, month, day, hour, minute, *second = self.fields
        text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}"
        if second:
            text += f":{second[0]:02}" + (f"{self.fraction:f}"[1:] if self.fraction is not None else "")
        return text + ("-00:00" if self.offset_minutes is None else "Z")


@lru_cache(maxsize=4096)
def timestamp_of_milliseconds(milliseconds: int) -> IonTimestamp:
    """Milliseconds since 1970 as a timestamp in UTC with three decimals, as QLDB writes commit times.

    Zeros are not cut off: ``.000Z`` says that the time is known to the millisecond.
    """
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    fields = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return IonTimestamp(fields, _THOUSANDTHS[milliseconds % 1000], 0)


def parse_timestamp(body: bytes) -> IonTimestamp:
    """Read the body of a binary timestamp; fields outside the calendar are an ``InputError``."""
    if CANONICAL_BODY.fullmatch(body) and body[4] <= 0x9C:
        return _parse_canonical(body)
    reader = _Body(body)
    magnitude, negative = reader.var_int()
    offset = None if negative and magnitude == 0 else (-magnitude if negative else magnitude)
    fields: list[int] = []
    while reader.more() and len(fields) < 6:
        fields.append(reader.var_uint())
    fraction = reader.fraction() if reader.more() else None
    timestamp = IonTimestamp(tuple(fields), fraction, offset)
    _check(timestamp, body)
    return timestamp


def _parse_canonical(body: bytes) -> IonTimestamp:
    """A body of the one shape that ledgers write, on a day that every month has: its fields stand at known places."""
    year = (body[1] << 7) | (body[2] & 0x7F)
    magnitude = body[0] & 0x3F
    offset = magnitude if body[0] < 0xC0 else (-magnitude or None)
    month, day, hour, minute = body[3] & 0x7F, body[4] & 0x7F, body[5] & 0x7F, body[6] & 0x7F
    fields = (year, month, day, hour, minute) if len(body) == 7 else (year, month, day, hour, minute, body[7] & 0x7F)
    fraction = _THOUSANDTHS[int.from_bytes(body[9:])] if len(body) > 8 else None
    return IonTimestamp(fields, fraction, offset)


def canonical_body(body: bytes) -> bytes:
    """The body as Ion Hash wants it: shortest integers, no zero coefficient."""
    if CANONICAL_BODY.fullmatch(body):
        if body[4] > 0x9C:
            parse_timestamp(body)  # day 29 to 31: is there such a day?
        return body
    timestamp = parse_timestamp(body)
    offset = timestamp.offset_minutes
    encoded = b"\xc0" if offset is None else encode_var_int(offset)
    encoded += b"".join(_var_uint(field) for field in timestamp.fields)
    if timestamp.fraction is not None:
        exponent = int(timestamp.fraction.as_tuple().exponent)
        coefficient = int(timestamp.fraction.scaleb(-exponent))
        encoded += encode_var_int(exponent) + (_signed(coefficient) if coefficient else b"")
    return encoded


def _check(timestamp: IonTimestamp, body: bytes) -> None:
    fields, offset = timestamp.fields, timestamp.offset_minutes
    if not fields or len(fields) == 4 or abs(offset or 0) >= 24 * 60:
        raise InputError(f"timestamp {body.hex()}: a year or a minute is missing, or the offset is a day or more")
    try:
        timestamp.to_datetime()
    except (ValueError, OverflowError):
        raise InputError(f"timestamp {body.hex()}: fields {fields} are not in the calendar") from None


class _Body:
    """A cursor over a timestamp's body."""

    def __init__(self, body: bytes) -> None:
        if len(body) > MAX_BODY_BYTES:
            raise InputError(f"a timestamp of {len(body)} bytes; at most {MAX_BODY_BYTES} are read")
        self._body = body
        self._position = 0

    def more(self) -> bool:
        return self._position < len(self._body)

    def _byte(self) -> int:
        if not self.more():
            raise InputError(f"timestamp {self._body.hex()} ends in the middle of a field")
        self._position += 1
        return self._body[self._position - 1]

    def var_uint(self) -> int:
        value = 0
        while True:
            byte = self._byte()
            value = (value << 7) | (byte & 0x7F)
            if byte & 0x80:
                return value

    def var_int(self) -> tuple[int, bool]:
        byte = self._byte()
        value, negative = byte & 0x3F, bool(byte & 0x40)
        while not byte & 0x80:
            byte = self._byte()
            value = (value << 7) | (byte & 0x7F)
        return value, negative

    def fraction(self) -> Decimal | None:
        magnitude, negative = self.var_int()
        rest = self._body[self._position :]
        if rest and rest[0] & 0x80:
            raise InputError(f"timestamp {self._body.hex()}: a negative fraction")
        coefficient = int.from_bytes(rest)
        if (not negative and coefficient == 0) or (magnitude == 0 and coefficient == 0):
            return None
        if not negative or magnitude > MAX_FRACTION_DIGITS or coefficient >= 10**magnitude:
            raise InputError(
                f"timestamp {self._body.hex()}: a fraction outside [0, 1) or finer than 10^-{MAX_FRACTION_DIGITS}"
            )
        return Decimal((0, tuple(map(int, str(coefficient))), -magnitude))


def _var_uint(value: int) -> bytes:
    encoded = bytes([0x80 | (value & 0x7F)])
    while value := value >> 7:
        encoded = bytes([value & 0x7F]) + encoded
    return encoded


def encode_var_int(value: int) -> bytes:
    """The shortest VarInt of a number; zero is positive."""
    sign, magnitude = (0x40 if value < 0 else 0), abs(value)
    if magnitude < 0x40:
        return bytes([0x80 | sign | magnitude])
    encoded = bytes([0x80 | (magnitude & 0x7F)])
    magnitude >>= 7
    while magnitude >= 0x40:
        encoded = bytes([magnitude & 0x7F]) + encoded
        magnitude >>= 7
    return bytes([sign | magnitude]) + encoded


def _signed(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1)
