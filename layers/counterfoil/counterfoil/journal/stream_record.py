"""The kinds of record that a journal stream carries, each a struct of binary Ion: QLDB's three, and one that points to one of them.

    {qldbStreamArn: string, recordType: "CONTROL" | "BLOCK_SUMMARY" | "REVISION_DETAILS" | "OVERSIZED_RECORD", payload: struct}

Source: docs/format.md, sections "Stream records" and "Records set aside".
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion import IonValue, read_single
from counterfoil.journal.address import BlockAddress, required
from counterfoil.journal.block import UnverifiedBlock, parse_block
from counterfoil.journal.revision import Metadata, UnverifiedRevision, parse_revision
from counterfoil.journal.set_aside import SetAsidePlace, parse_pointer


class RecordType(StrEnum):
    CONTROL = "CONTROL"
    BLOCK_SUMMARY = "BLOCK_SUMMARY"
    REVISION_DETAILS = "REVISION_DETAILS"
    OVERSIZED_RECORD = "OVERSIZED_RECORD"


class ControlRecord(NamedTuple):
    """The stream itself was ``CREATED`` or ``COMPLETED``."""

    stream_arn: str
    control_type: str


class BlockSummaryRecord(NamedTuple):
    stream_arn: str
    block: UnverifiedBlock


class RevisionDetailsRecord(NamedTuple):
    """A revision with its table; ``address`` and ``metadata`` are the revision's, known to be there."""

    stream_arn: str
    table_name: str
    table_id: str
    address: BlockAddress
    metadata: Metadata
    revision: UnverifiedRevision


class SetAsideRecord(NamedTuple):
    """A block's summary or a revision's details that was too large for the stream: where it lies. Nothing vouches for it."""

    stream_arn: str
    record_type: RecordType
    address: BlockAddress
    place: SetAsidePlace


StreamRecord = ControlRecord | BlockSummaryRecord | RevisionDetailsRecord | SetAsideRecord

MAX_NAME_CHARACTERS = 1_024


def parse_stream_record(data: bytes) -> StreamRecord:
    """Read one user record of a stream; anything else is an ``InputError``."""
    fields = read_single(data).fields()
    record_type = required(fields, "recordType").as_text()
    stream_arn = _name(fields, "qldbStreamArn")
    payload = required(fields, "payload")
    match record_type:
        case RecordType.BLOCK_SUMMARY:
            return BlockSummaryRecord(stream_arn, parse_block(payload))
        case RecordType.REVISION_DETAILS:
            return _parse_revision_details(stream_arn, payload)
        case RecordType.CONTROL:
            return ControlRecord(stream_arn, _name(payload.fields(), "controlRecordType"))
        case RecordType.OVERSIZED_RECORD:
            return _parse_set_aside(stream_arn, payload)
    raise InputError(f"recordType {record_type[:80]!r} is none of {', '.join(RecordType)}")


def parse_followed(pointer: SetAsideRecord, data: bytes) -> BlockSummaryRecord | RevisionDetailsRecord:
    """The record that a pointer led to, its bytes known to be those that were set aside.

    ``InputError`` where it is not of the pointer's stream, kind and block.
    """
    record = parse_stream_record(data)
    match record:
        case BlockSummaryRecord(stream_arn=stream_arn, block=block):
            found = (stream_arn, RecordType.BLOCK_SUMMARY, block.address)
        case RevisionDetailsRecord(stream_arn=stream_arn, address=address):
            found = (stream_arn, RecordType.REVISION_DETAILS, address)
        case _:
            raise InputError("a record was set aside that is neither a block's summary nor a revision's details")
    if found != (pointer.stream_arn, pointer.record_type, pointer.address):
        raise InputError(
            f"the pointer is to {pointer.record_type} of block {pointer.address}, what was set aside is {found[1]} of {found[2]}"
            f" in stream {found[0][:200]}"
        )
    return record


def _parse_set_aside(stream_arn: str, payload: IonValue) -> SetAsideRecord:
    record_type, address, place = parse_pointer(payload)
    if record_type not in {RecordType.BLOCK_SUMMARY, RecordType.REVISION_DETAILS}:
        raise InputError(f"a record of recordType {record_type[:80]!r} is not set aside")
    return SetAsideRecord(stream_arn, RecordType(record_type), address, place)


def _parse_revision_details(stream_arn: str, payload: IonValue) -> RevisionDetailsRecord:
    fields = payload.fields()
    table = required(fields, "tableInfo").fields()
    revision = parse_revision(required(fields, "revision"))
    address, metadata = revision.address, revision.metadata
    if metadata is None or address is None:
        raise InputError("the details of a revision need its metadata and blockAddress")
    return RevisionDetailsRecord(
        stream_arn, _name(table, "tableName"), _name(table, "tableId"), address, metadata, revision
    )


def _name(fields: dict[str, IonValue], what: str) -> str:
    text = required(fields, what).as_text()
    if len(text) > MAX_NAME_CHARACTERS:
        raise InputError(f"{what} has {len(text)} characters; at most {MAX_NAME_CHARACTERS} are read")
    return text
