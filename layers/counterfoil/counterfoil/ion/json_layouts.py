"""Layouts of JSON: a struct that was found for a JSON text, and others like it, read with one expression.

JSON says less than Ion (``value_text``): which of its types a value had was sought once for the struct that the layout was learned
from (``journal.json_data``). Here the values of another text of the same layout are read as these types. Nothing is read that would be
written otherwise in JSON: each scalar has one way of writing it, and what is written in another is left to the long way.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion.layouts import Layout
from counterfoil.ion.reader import IonValue
from counterfoil.ion.shapes import scalars_of
from counterfoil.ion.text_layouts import TextLayout, decimal_body, int_body, time_body

_TEXT: Final = r"[ !#-\[\]-~]*+"
_NAME: Final = r"[0-9A-Za-z_-]++"
_INT: Final = r"(?:0|[1-9][0-9]{0,17}+)"
_DECIMAL: Final = r"-?(?:0|[1-9][0-9]{0,17}+)\.[0-9]{1,17}+"
_DAY: Final = r"\d{4}-\d\d-\d\d"
_SECOND: Final = rf"{_DAY}T\d\d:\d\d:\d\d"

_PIECE: Final = re.compile(
    rf'(?P<space>[ \t\r\n]++)|"(?P<name>{_TEXT})"(?=[ \t\r\n]*+:)|"(?P<text>{_TEXT})"|(?P<mark>[{{}}\[\],:])'
    rf"|(?P<number>{_DECIMAL}|{_INT})(?=[ \t\r\n,}}\]])|(?P<bool>true|false)(?=[ \t\r\n,}}\]])",
    re.ASCII,
)


class _Reading(NamedTuple):
    """One way in which a scalar of a type is written: the expression around it, with one group, and the body of what the group has."""

    pattern: str
    body: Callable[[str], bytes]


def _blob_body(text: str) -> bytes:
    """Of two texts of the same bytes only the one that is written: the other was altered."""
    data = a2b_base64(text, strict_mode=True)
    if b2a_base64(data, newline=False) != text.encode():
        raise InputError("a blob is written in another way than base64 is")
    return data


# By type code, the likeliest first. Who writes JSON may give a time of the day or second its milliseconds.
_READINGS: Final = {
    2: (_Reading(rf"({_INT})", int_body),),
    5: (_Reading(rf"({_DECIMAL})", decimal_body), _Reading(rf"({_INT})", decimal_body)),
    6: (
        _Reading(rf'"({_SECOND}\.\d{{3}}Z)"', time_body),
        _Reading(rf'"({_SECOND}Z)"', time_body),
        _Reading(rf'"({_SECOND})\.000Z"', lambda text: time_body(text + "Z")),
        _Reading(rf'"({_DAY})"', time_body),
        _Reading(rf'"({_DAY})T00:00:00\.000Z"', time_body),
    ),
    8: (_Reading(f'"({_TEXT})"', str.encode),),
    10: (_Reading(r'"([A-Za-z0-9+/]*+={0,2}+)"', _blob_body),),
}


class JsonLayout(TextLayout):
    """How structs of one layout are written in JSON. ``InputError`` where a value of this one is not written in a known way."""

    def __init__(self, text: str, value: IonValue, layout: Layout) -> None:
        """``value`` is the struct that ``text`` is, by its hash; ``layout`` is its."""
        self._bodies = iter([each.buffer[each.body : each.end] for each in scalars_of(value)])
        super().__init__(text, layout)

    def read(self, text: str, position: int) -> tuple[int, list[bytes], list[str]] | None:
        """As ``TextLayout.read``; of a name twice nobody could say which one counts."""
        found = super().read(text, position)
        return None if found is None or len(set(found[2])) != len(found[2]) else found

    def _pieces(self, text: str) -> Iterator[re.Match[str]]:
        return self._matched(text, _PIECE)

    def _add_free_name(self) -> None:
        self._pattern.append(f'"({_NAME})"()()')

    def _add_scalar(self, group: str, piece: re.Match[str], kind: int) -> None:
        body = next(self._bodies, b"")
        if group == "bool" and kind == 1:
            self._add_group(f"(){piece[0]}", lambda _: b"")
            return
        for pattern, read in _READINGS.get(kind, ()):
            written = re.fullmatch(pattern, piece[0], re.ASCII)
            if written is not None and _reads_as(read, written[1], body):
                self._add_group(pattern, read)
                return
        raise InputError("a scalar is written in JSON in a way that is not known")


def _reads_as(read: Callable[[str], bytes], text: str, body: bytes) -> bool:
    try:
        return read(text) == body
    except (ValueError, InputError):
        return False
