"""Stream records as QLDB and this project write them, read and verified in one step from what is in the slots of a stencil.

A stencil (ion/stencils.py) is made from a record that was read and verified the long way. Another one that it fits has the same
structure, so the long way would find in it the same fields of the same types; what is left to look at are the values, and every check
that ``parse_stream_record`` and ``verify_block`` or ``verify_revision`` make of them is made here. Only a record that they accept is
accepted, with the same outcome; of any other nothing is said, and it goes the long way, which says what
(tests/property/test_record_laws.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion import IonValue
from counterfoil.ion.reader import read_value, read_var_uint
from counterfoil.ion.stencils import NAME, Role, Slot
from counterfoil.ion.symbols import SYSTEM_SYMBOLS, SYSTEM_TABLE
from counterfoil.journal.address import MAX_SEQUENCE_NO, BlockAddress, checked_id
from counterfoil.journal.block import Block
from counterfoil.journal.revision import Metadata, Revision
from counterfoil.journal.stream_record import MAX_NAME_CHARACTERS

INT: Final = 2
TIMESTAMP: Final = 6
STRING: Final = 8
BLOB: Final = 10
LIST: Final = 11
STRUCT: Final = 13
_SYMBOL: Final = 7

ARN: Final[Role] = ("stream",)
RECORD: Final = {"qldbStreamArn": STRING, "recordType": STRING, "payload": STRUCT}
ADDRESS: Final = {"strandId": STRING, "sequenceNo": INT}


class VerifiedSummary(NamedTuple):
    """A block's summary whose hashes hold."""

    stream_arn: str
    block: Block


class VerifiedDetails(NamedTuple):
    """A revision whose hash holds, with its table; ``address`` and ``metadata`` are the revision's."""

    stream_arn: str
    table_name: str
    table_id: str
    address: BlockAddress
    metadata: Metadata
    revision: Revision


VerifiedRecord = VerifiedSummary | VerifiedDetails


class Unusual(Exception):  # noqa: N818 - no error: the long way is taken
    """The record is not laid out as one of its kind usually is."""


def fields_of(value: IonValue, expected: Mapping[str, int]) -> dict[str, IonValue]:
    """The fields of a struct with these names, of these types, and no others."""
    fields = value.fields()
    if fields.keys() != expected.keys():
        raise Unusual
    for name, kind in expected.items():
        expect(fields[name], kind)
    return fields


def expect(value: IonValue, *kinds: int) -> None:
    """A value of one of these types, neither null nor annotated."""
    if value.kind not in kinds or value.low == 15 or value.buffer[value.position] >= 0xE0:
        raise Unusual


def slot_of(role: Role, value: IonValue) -> Slot:
    return Slot(role, value.body, value.end, value.kind)


def address_slots(value: IonValue) -> list[Slot]:
    fields = fields_of(value, ADDRESS)
    return [slot_of(("strand",), fields["strandId"]), slot_of(("number",), fields["sequenceNo"])]


def name_slots(data: bytes, record: IonValue, symbols: Collection[int]) -> dict[int, Slot]:
    """Where the texts of these symbols stand in the record's own symbol table, by symbol."""
    source = record.symbols.source
    if data[4 : record.position] != source:
        raise Unusual  # another table, or padding, stands there too
    table = read_value(data, 4, record.position, SYSTEM_TABLE)
    listed = fields_of(table, {"symbols": LIST})["symbols"]
    items = list(listed.items())
    found = {}
    for symbol in symbols:
        index = symbol - len(SYSTEM_SYMBOLS) - 1
        if not 0 <= index < len(items):
            raise Unusual
        expect(items[index], STRING)
        found[symbol] = Slot(("name", index), items[index].body, items[index].end, NAME)
    return found


def symbols_of_fields(value: IonValue) -> list[int]:
    """The symbols of a struct's field names, in order. Padding between them is unusual."""
    symbols, position = [], value.body
    for _, field in value.each_field():
        symbol, begin = read_var_uint(value.buffer, position, value.end)
        if begin != field.position:
            raise Unusual
        symbols.append(symbol)
        position = field.end
    return symbols


def symbols_used(value: IonValue) -> list[int]:
    """The symbols of all field names in a value, as often as they are used. Annotations and symbols are unusual."""
    if value.buffer[value.position] >= 0xE0 or value.kind == _SYMBOL:
        raise Unusual
    if value.low == 15 or value.kind not in {LIST, STRUCT}:
        return []
    held = list(value.items()) if value.kind == LIST else [field for _, field in value.each_field()]
    own = symbols_of_fields(value) if value.kind == STRUCT else []
    return own + [symbol for each in held for symbol in symbols_used(each)]


@lru_cache(maxsize=1_024)
def text_of(body: bytes) -> str:
    """What is met again and again: the text of a statement, the name of a table. It is known to be UTF-8."""
    return body.decode()


@lru_cache(maxsize=1_024)
def name_of(body: bytes) -> str:
    """The name of a stream or table; there are few of them."""
    text = body.decode()
    if len(text) > MAX_NAME_CHARACTERS:
        raise InputError(f"a name of {len(text)} characters; at most {MAX_NAME_CHARACTERS} are read")
    return text


@lru_cache(maxsize=1_024)
def strand_of(body: bytes) -> str:
    """The id of a strand; there are few of them."""
    return checked_id(body.decode(), "strandId")


@lru_cache(maxsize=1_024)
def address_of(strand: bytes, number: bytes) -> BlockAddress:
    """A block's address; its revisions have the same."""
    sequence_no = int.from_bytes(number)
    if sequence_no > MAX_SEQUENCE_NO:
        raise InputError(f"sequenceNo {sequence_no} is beyond {MAX_SEQUENCE_NO}")
    return BlockAddress(strand_of(strand), sequence_no)


def plain_id(body: bytes, what: str) -> str:
    """An id, of which letters and digits need no second look; their number is that of one that was read."""
    text = body.decode("ascii", "replace")
    return text if body.isalnum() else checked_id(text, what)
