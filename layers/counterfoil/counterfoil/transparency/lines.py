"""Lines of C2SP's text formats, read in the one way they can be written."""

from __future__ import annotations

import base64
import binascii

from counterfoil.errors import InputError, LimitError
from counterfoil.merkle import Hash
from counterfoil.transparency.tree import MAX_SIZE


def text_of(data: bytes, limit_bytes: int, what: str) -> str:
    """UTF-8 without control characters but the line feed, no longer than a limit; anything else is an ``InputError``."""
    if len(data) > limit_bytes:
        raise LimitError(f"{what} of {len(data)} bytes; at most {limit_bytes} are read")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{what} is not UTF-8 at byte {error.start}") from None
    for character in text:
        if character < " " and character != "\n":
            raise InputError(f"{what} has a control character: {character!r}")
    return text


def number_of_line(line: str, what: str) -> int:
    """A decimal number below 2**63 without leading zeroes."""
    if not line.isascii() or not line.isdigit() or (line[0] == "0" and line != "0") or len(line) > 19:
        raise InputError(f"{line[:40]!r} is no {what}: decimal digits without leading zeroes")
    number = int(line)
    if number > MAX_SIZE:
        raise InputError(f"{line} as {what} is more than {MAX_SIZE}")
    return number


def bytes_of_line(line: str) -> bytes:
    """Standard base64 with its padding, and no other way to write the same bytes."""
    try:
        data = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or base64.b64encode(data).decode() != line:
        raise InputError(f"{line[:80]!r} is not base64")
    return data


def hash_of_line(line: str) -> Hash:
    if len(line) != 44:
        raise InputError(f"{line[:80]!r} is no hash: 44 characters of base64")
    return Hash(bytes_of_line(line))
