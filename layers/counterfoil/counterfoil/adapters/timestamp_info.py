"""What a time-stamp token says (``TSTInfo``), read from its own bytes: libraries cut fractions of seconds, and pass over extensions.

Source: RFC 3161, section 2.4.2; ITU-T X.690, sections 8.3 and 11.7 (times end in Z, and a fraction does not end in zero).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from counterfoil.adapters.der import CONTEXT_0, OCTETS, SEQUENCE, Element, elements, within
from counterfoil.errors import InputError

_INTEGER: Final = 0x02
_BOOLEAN: Final = 0x01
_TIME: Final = 0x18
_MILLIS: Final = 0x80
_MICROS: Final = 0x81
_EXTENSIONS: Final = 0xA1

# Version, policy, imprint, serial number and time come first; the library has read them by then.
_FIRST_PARTS: Final = 5

_MOMENT: Final = re.compile(rb"(\d{14})(?:\.(\d{0,29}[1-9]))?Z")
_MICROSECOND_DIGITS: Final = 6

# Of a part of a second there are fewer than a thousand; of seconds, as many as anybody could mean.
_PARTS: Final = range(1, 1_000)
_SECONDS: Final = range(10**9)


class TokenInfo(NamedTuple):
    """When a token was made, as exactly as it says, and what else counts; ``name`` is a ``GeneralName`` in DER."""

    at: datetime
    accuracy: timedelta | None
    name: Element | None
    critical: tuple[str, ...]


def parse_token_info(data: bytes) -> TokenInfo:
    """Read the signed contents of a token; anything that is not as it must be is an ``InputError``."""
    whole = elements(data)
    parts = within(whole[0], SEQUENCE) if len(whole) == 1 else []
    if len(parts) < _FIRST_PARTS or parts[4].tag != _TIME:
        raise InputError("a time stamp that does not say when it was made")
    found: dict[int, Element] = {}
    order = (SEQUENCE, _BOOLEAN, _INTEGER, CONTEXT_0, _EXTENSIONS)
    for part in parts[_FIRST_PARTS:]:
        if part.tag not in order or any(order.index(each) >= order.index(part.tag) for each in found):
            raise InputError("a time stamp with a part that is not known, or in another place")
        found[part.tag] = part
    accuracy = None if SEQUENCE not in found else _accuracy(found[SEQUENCE])
    names = within(found[CONTEXT_0], CONTEXT_0) if CONTEXT_0 in found else []
    if CONTEXT_0 in found and len(names) != 1:
        raise InputError("a time stamp with an authority of no or several names")
    extensions = within(found[_EXTENSIONS], _EXTENSIONS) if _EXTENSIONS in found else []
    critical = tuple(each.hex() for each in map(_critical, extensions) if each is not None)
    return TokenInfo(_moment(parts[4].body), accuracy, names[0] if names else None, critical)


def _moment(text: bytes) -> datetime:
    """What is finer than a microsecond counts as a whole one: the time is never earlier than it says."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise InputError(f"a time stamp of {text[:40]!r}, which is no time")
    digits = (found[2] or b"").decode()
    micros = int(digits[:_MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0")) + (len(digits) > _MICROSECOND_DIGITS)
    try:
        return datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC) + timedelta(microseconds=micros)
    except (ValueError, OverflowError):
        raise InputError(f"a time stamp of {text[:40]!r}, which is no time") from None


def _accuracy(value: Element) -> timedelta:
    """Seconds, milliseconds and microseconds, each if it is not zero; ``Accuracy`` without any is zero."""
    amounts = {_INTEGER: 0, _MILLIS: 0, _MICROS: 0}
    seen: list[int] = []
    for part in within(value, SEQUENCE):
        number = int.from_bytes(part.body, signed=True)
        if part.tag not in amounts or number not in (_SECONDS if part.tag == _INTEGER else _PARTS) or not part.body:
            raise InputError("a time stamp whose accuracy cannot be read")
        amounts[part.tag] = number
        seen.append(part.tag)
    if seen != sorted(set(seen)):
        raise InputError("a time stamp whose accuracy cannot be read")
    return timedelta(seconds=amounts[_INTEGER], milliseconds=amounts[_MILLIS], microseconds=amounts[_MICROS])


def _critical(extension: Element) -> bytes | None:
    """The name of an extension that must be known to whoever takes the token."""
    parts = within(extension, SEQUENCE)
    if len(parts) not in {2, 3} or parts[-1].tag != OCTETS or (len(parts) == 3 and parts[1].tag != _BOOLEAN):
        raise InputError("a time stamp with an extension that cannot be read")
    return parts[0].body if len(parts) == 3 and any(parts[1].body) else None
