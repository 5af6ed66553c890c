"""Where a block stands: the strand and the number of the block on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion import IonValue, binary_of_text, read_single
from counterfoil.ion.hashing import cut_struct
from counterfoil.ion.shapes import Shape

# QLDB's ids are 22 characters of Base62. Other producers' ids are accepted as long as they are safe in a key or a file name.
ID_PATTERN: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")

# How the real service wrote an address: names in this order, and their type codes.
_NAMES: Final = ("strandId", "sequenceNo")
_KINDS: Final = (8, 2)

# Beyond this a sequence number cannot be told from a mistake; it also fits every store's signed 64-bit integer.
MAX_SEQUENCE_NO: Final = 2**63 - 1


class BlockAddress(NamedTuple):
    """``sequence_no`` counts the blocks of a strand from 0."""

    strand_id: str
    sequence_no: int

    def __str__(self) -> str:
        return f"{self.strand_id}#{self.sequence_no}"


def parse_id(value: IonValue, what: str) -> str:
    return checked_id(value.as_text(), what)


def checked_id(text: str, what: str) -> str:
    if not (text.isalnum() and text.isascii() and len(text) <= 64) and not ID_PATTERN.fullmatch(text):
        raise InputError(f"{what} {text[:80]!r} is not an id of 1 to 64 letters, digits, '_' or '-'")
    return text


def parse_address(value: IonValue) -> BlockAddress:
    """Read ``{strandId: string, sequenceNo: int}``."""
    found = cut_struct(value)
    if found is not None and is_address(*found):
        return address_of(found[1])
    fields = value.fields()
    strand_id = parse_id(required(fields, "strandId"), "strandId")
    return _checked_address(strand_id, required(fields, "sequenceNo").as_int())


def is_address(shape: Shape, values: Sequence[bytes]) -> bool:
    """Whether a struct of this shape, with these values, is an address as the real service wrote them."""
    return shape.names == _NAMES and shape.kinds == _KINDS and values[0].isascii()


def address_of(values: Sequence[bytes]) -> BlockAddress:
    """The address whose values these are, and which ``is_address``."""
    strand_id, sequence_no = values
    return _checked_address(checked_id(strand_id.decode(), "strandId"), int.from_bytes(sequence_no))


def _checked_address(strand_id: str, sequence_no: int) -> BlockAddress:
    if not 0 <= sequence_no <= MAX_SEQUENCE_NO:
        raise InputError(f"sequenceNo {sequence_no} of strand {strand_id} is outside 0 to {MAX_SEQUENCE_NO}")
    return BlockAddress(strand_id, sequence_no)


def parse_address_text(ion_text: str) -> BlockAddress:
    """Read a block address as the API gives it, for example ``{strandId:"…",sequenceNo:12}``."""
    return parse_address(read_single(binary_of_text(ion_text)))


def required(fields: dict[str, IonValue], name: str) -> IonValue:
    """A field that must be there and not null."""
    value = fields.get(name)
    if value is None or value.low == 15:
        raise InputError(f"field {name!r} is missing; found {sorted(fields)[:20]}")
    return value
