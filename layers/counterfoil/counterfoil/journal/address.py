"""Where a block stands: the strand and the number of the block on it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion import IonValue, binary_of_text, read_single
from counterfoil.ion.reader import read_value
from counterfoil.ion.symbols import SymbolTable

# QLDB's ids are 22 characters of Base62. Other producers' ids are accepted as long as they are safe in a key or a file name.
ID_PATTERN: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")

# Beyond this a sequence number cannot be told from a mistake; it also fits every store's signed 64-bit integer.
MAX_SEQUENCE_NO: Final = 2**63 - 1


class BlockAddress(NamedTuple):
    """``sequence_no`` counts the blocks of a strand from 0."""

    strand_id: str
    sequence_no: int

    def __str__(self) -> str:
        return f"{self.strand_id}#{self.sequence_no}"


def parse_id(value: IonValue, what: str) -> str:
    text = value.as_text()
    if not (text.isalnum() and text.isascii() and len(text) <= 64) and not ID_PATTERN.fullmatch(text):
        raise InputError(f"{what} {text[:80]!r} is not an id of 1 to 64 letters, digits, '_' or '-'")
    return text


def parse_address(value: IonValue) -> BlockAddress:
    """Read ``{strandId: string, sequenceNo: int}``."""
    return _parse_address(value.raw(), value.symbols)


@lru_cache(maxsize=1_024)
def _parse_address(raw: bytes, symbols: SymbolTable) -> BlockAddress:
    """All revisions of a block carry the same address under the same symbol table."""
    fields = read_value(raw, 0, len(raw), symbols).fields()
    strand_id = parse_id(required(fields, "strandId"), "strandId")
    sequence_no = required(fields, "sequenceNo").as_int()
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
