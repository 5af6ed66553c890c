"""The three kinds of record that a QLDB journal stream carries, each a struct of binary Ion.

    {qldbStreamArn: string, recordType: "CONTROL" | "BLOCK_SUMMARY" | "REVISION_DETAILS", payload: struct}

Source: docs/format.md, section "Stream records".
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion import IonValue, read_single
from counterfoil.journal.address import BlockAddress, required
from counterfoil.journal.block import UnverifiedBlock, parse_block
from counterfoil.journal.revision import Metadata, UnverifiedRevision, parse_revision


class RecordType(StrEnum):
    CONTROL = "CONTROL"
    BLOCK_SUMMARY = "BLOCK_SUMMARY"
    REVISION_DETAILS = "REVISION_DETAILS"


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


StreamRecord = ControlRecord | BlockSummaryRecord | RevisionDetailsRecord

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
    raise InputError(f"recordType {record_type[:80]!r} is none of {', '.join(RecordType)}")


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
