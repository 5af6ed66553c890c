"""Just enough of DER to find one's way in a structure that a library has read already, and that it does not show whole.

Source: ITU-T X.690, sections 8.1 and 10.1: definite lengths, tags of one byte.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from counterfoil.errors import InputError

SEQUENCE: Final = 0x30
SET: Final = 0x31
OCTETS: Final = 0x04
CONTEXT_0: Final = 0xA0


def rendered(tag: int, body: bytes) -> bytes:
    """A value of this tag and body."""
    size = len(body)
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag]) + (bytes([size]) if size < 0x80 else bytes([0x80 | len(octets)]) + octets) + body


class Element(NamedTuple):
    """A value's tag, and where its bytes are in ``data``: from ``begin`` with tag and length, from ``start`` without, to ``end``."""

    tag: int
    data: bytes
    begin: int
    start: int
    end: int

    @property
    def raw(self) -> bytes:
        return self.data[self.begin : self.end]

    @property
    def body(self) -> bytes:
        return self.data[self.start : self.end]


def elements(data: bytes) -> list[Element]:
    """The values that these bytes are, one behind the other; ``InputError`` where they are no such thing."""
    return _elements(data, 0, len(data))


def within(element: Element, tag: int) -> list[Element]:
    """The values inside a value that must have this tag."""
    if element.tag != tag:
        raise InputError(f"DER with tag {element.tag:#04x} where {tag:#04x} is expected")
    return _elements(element.data, element.start, element.end)


def _elements(data: bytes, position: int, limit: int) -> list[Element]:
    found = []
    while position < limit:
        tag, start, size = _header(data, position, limit)
        found.append(Element(tag, data, position, start, start + size))
        position = start + size
        if position > limit:
            raise InputError("DER that is cut short")
    return found


def _header(data: bytes, position: int, limit: int) -> tuple[int, int, int]:
    """The tag, where the body begins, and how long it is."""
    if position + 2 > limit or data[position] & 0x1F == 0x1F:
        raise InputError("DER that is cut short, or has a tag of several bytes")
    tag, first, start = data[position], data[position + 1], position + 2
    if first < 0x80:
        return tag, start, first
    more = first & 0x7F
    if not 1 <= more <= 4 or start + more > limit:
        raise InputError("DER with a length that is none")
    return tag, start + more, int.from_bytes(data[start : start + more])
