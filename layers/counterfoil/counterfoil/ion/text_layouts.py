"""Layouts of Ion text: a struct whose text differs from one seen before in scalars and free names alone, read with one expression.

The expression is made from the characters of a struct that was read: what stands between its scalars must be there again, each scalar
must be written in the way that is commonest for its type, which the reader (text_reader.py) reads in the same way. It gives the
scalars' bodies as the writer would write them, so that no value is built and no binary written.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache, partial
from typing import Final

from counterfoil.errors import InputError
from counterfoil.ion.layouts import Layout
from counterfoil.ion.reader import read_header
from counterfoil.ion.scalars import SCALARS
from counterfoil.ion.text_scalars import TIME_PATTERN, time_of
from counterfoil.ion.timestamps import CANONICAL_BODY, IonTimestamp

# Text of more characters is read the long way.
MAX_CHARACTERS: Final = 65_536

_IDENTIFIER: Final = r"(?!(?:null|true|false|nan)\b)[A-Za-z_][A-Za-z0-9_]*+"
_PLAIN_NAME: Final = r"[0-9A-Za-z_-]++"
_TEXT: Final = r"[ !#-\[\]-~]*+"
_BLOB: Final = r"[A-Za-z0-9+/]*+={0,2}+"
_INT: Final = r"(?:0|[1-9][0-9]{0,17}+)"
_DECIMAL: Final = r"-?(?:0|[1-9][0-9]{0,17}+)\.[0-9]{0,17}+"

_PIECE: Final = re.compile(
    rf"(?P<space>[ \t\n\r]++)|(?P<name>(?:{_IDENTIFIER}|'{_PLAIN_NAME}'|\"{_TEXT}\")(?=[ \t\n\r]*+:(?!:)))"
    rf'|"(?P<text>{_TEXT})"|\{{\{{(?P<blob>{_BLOB})\}}\}}|(?P<mark>[{{}}\[\],:])'
    rf"|(?P<time>{TIME_PATTERN})(?=[ \t\n\r,}}\]])|(?P<decimal>{_DECIMAL})(?=[ \t\n\r,}}\]])|(?P<int>{_INT})(?=[ \t\n\r,}}\]])"
    r"|(?P<bool>true|false)(?=[ \t\n\r,}\]])",
    re.ASCII,
)
_MILLISECONDS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
# A free name in the three ways of writing one.
_FREE: Final = rf"(?:({_IDENTIFIER})|'({_PLAIN_NAME})'|\"({_PLAIN_NAME})\")"


@lru_cache(maxsize=4_096)
def time_body(token: str) -> bytes:
    """The body of a time: at once where it is one to the millisecond in UTC, as ledgers write them, on a day of every month."""
    if _MILLISECONDS.fullmatch(token):
        year, milliseconds = int(token[:4]), int(token[20:23])
        fields = [0x80 | int(token[place : place + 2]) for place in (5, 8, 11, 14, 17)]
        fraction = milliseconds.to_bytes((milliseconds.bit_length() >> 3) + 1) if milliseconds else b""
        body = bytes([0x80, year >> 7, 0x80 | year & 0x7F, *fields, 0xC3]) + fraction
        if CANONICAL_BODY.fullmatch(body) and body[4] <= 0x9C:
            return body
    return _body_of(SCALARS[IonTimestamp](time_of(token)))


def decimal_body(token: str) -> bytes:
    """The body of a decimal, with the digits that stand there."""
    return _body_of(SCALARS[Decimal](Decimal(token)))


@lru_cache(maxsize=4_096)
def int_body(token: str) -> bytes:
    """The body of an int that is not negative."""
    number = int(token)
    return number.to_bytes((number.bit_length() + 7) >> 3)


def _body_of(written: bytes) -> bytes:
    _, _, begin, end = read_header(written, 0, len(written))
    return written[begin:end]


# Per group of ``_PIECE``: the type code, what must be written, and the body of what is.
_SCALARS: Final[dict[str, tuple[int, str, Callable[[str], bytes]]]] = {
    "text": (8, f'"({_TEXT})"', str.encode),
    "blob": (10, rf"\{{\{{({_BLOB})\}}\}}", partial(a2b_base64, strict_mode=True)),
    "time": (6, f"({TIME_PATTERN})", time_body),
    "decimal": (5, f"({_DECIMAL})", decimal_body),
    "int": (2, f"({_INT})", int_body),
}


class TextLayout:
    """How structs of one layout are written. ``InputError`` where the struct's text is not made of the commonest forms alone."""

    def __init__(self, text: str, layout: Layout) -> None:
        self._pattern: list[str] = []
        self._reads: list[Callable[[str], bytes]] = []
        self._value_groups: list[int] = []
        self._name_groups: list[int] = []
        self._groups = 0
        kinds, names = iter(layout.kinds), iter(enumerate(layout.names))
        for piece in self._pieces(text):
            group = str(piece.lastgroup)
            if group in {"space", "mark"}:
                self._pattern.append(re.escape(piece[0]))
            elif group == "name":
                number, name = next(names, (-1, ""))
                self._add_name(piece[0], name, is_free=number in layout.free)
            else:
                self._add_scalar(group, piece, next(kinds, -1))
        if next(kinds, None) is not None or next(names, None) is not None:
            raise InputError("a struct with other scalars or names than its text has")
        self._match = re.compile("".join(self._pattern), re.ASCII).match

    def read(self, text: str, position: int) -> tuple[int, list[bytes], list[str]] | None:
        """Where the struct that begins there ends, its scalars' bodies, its free names; ``None`` where it is written otherwise."""
        found = self._match(text, position)
        if found is None or found.end() - position > MAX_CHARACTERS:
            return None
        groups = found.groups()
        try:
            values = [read(groups[group]) for read, group in zip(self._reads, self._value_groups, strict=True)]
        except (InputError, Error):
            return None
        names = [groups[group] or groups[group + 1] or groups[group + 2] for group in self._name_groups]
        return found.end(), values, names

    def _pieces(self, text: str) -> Iterator[re.Match[str]]:
        return self._matched(text, _PIECE)

    def _matched(self, text: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """The pieces of a struct's text; what is none of those that the pattern knows is an ``InputError``."""
        position = 0
        while position < len(text):
            piece = pattern.match(text, position)
            if piece is None:
                raise InputError(f"a struct whose text is not made of the commonest forms, at character {position}")
            position = piece.end()
            yield piece

    def _add_free_name(self) -> None:
        """A name in three groups, of which one is met."""
        self._pattern.append(_FREE)

    def _add_name(self, token: str, name: str, *, is_free: bool) -> None:
        if token.strip("\"'") != name:
            raise InputError("a name is written in a way that is not the commonest")
        if is_free:
            self._add_free_name()
            self._name_groups.append(self._groups)
            self._groups += 3
        else:
            self._pattern.append(re.escape(token))

    def _add_scalar(self, group: str, piece: re.Match[str], kind: int) -> None:
        if group == "bool" and kind == 1:
            self._add_group(f"(){piece[0]}", lambda _: b"")
            return
        expected, pattern, read = _SCALARS.get(group, (-1, "", str.encode))
        if expected != kind:
            raise InputError("a scalar is written in a way that is not the commonest of its type")
        self._add_group(pattern, read)

    def _add_group(self, pattern: str, read: Callable[[str], bytes]) -> None:
        self._pattern.append(pattern)
        self._reads.append(read)
        self._value_groups.append(self._groups)
        self._groups += 1
