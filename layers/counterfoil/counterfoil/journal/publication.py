"""A block as a QLDB journal stream carries it: its summary, then the details of its revisions, each under its key.

A user record's partition key is the lower-case hex of the block's or revision's hash, as in the real service's records.
Records are put together from a block's fields in their order, so that what is written is what the service wrote, byte for
byte (tests/golden). A redacted revision carries ``dataHash`` as its block does; an internal one is listed in the summary
and has no details. A record that does not fit into the stream is set aside, and a pointer to it takes its place.

Source: docs/format.md, sections "Stream records" and "Records set aside".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from counterfoil.errors import InputError
from counterfoil.ion.codec import encode
from counterfoil.journal.address import BlockAddress
from counterfoil.journal.set_aside import SetAsidePlace, pointer_payload
from counterfoil.journal.stream_record import RecordType


class KeyedRecord(NamedTuple):
    """One QLDB stream record (binary Ion) under its partition key."""

    partition_key: str
    data: bytes


class OuterRecord(NamedTuple):
    """One Kinesis record as it is put."""

    partition_key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamedBlock:
    """A block as the stream carries it."""

    address: BlockAddress
    summary: KeyedRecord
    details: tuple[KeyedRecord, ...]

    @property
    def records(self) -> tuple[KeyedRecord, ...]:
        """In QLDB's order: the summary, then the revisions."""
        return (self.summary, *self.details)

    def fitted(self, stream_arn: str, limit_bytes: int, keep: Callable[[bytes], SetAsidePlace]) -> StreamedBlock:
        """The block with pointers in the place of the records of more than ``limit_bytes``, which ``keep`` puts elsewhere."""

        def fit(record: KeyedRecord, record_type: RecordType) -> KeyedRecord:
            if len(record.data) <= limit_bytes:
                return record
            payload = pointer_payload(record_type, self.address, keep(record.data))
            return KeyedRecord(record.partition_key, _record(stream_arn, RecordType.OVERSIZED_RECORD, payload))

        summary = fit(self.summary, RecordType.BLOCK_SUMMARY)
        return StreamedBlock(
            self.address, summary, tuple(fit(each, RecordType.REVISION_DETAILS) for each in self.details)
        )


def streamed_block(fields: Mapping[str, Any], stream_arn: str) -> StreamedBlock:
    """The stream records of a block in its whole form, given as the Python values of its fields."""
    address = fields["blockAddress"]
    revisions = fields.get("revisions") or []
    summary = block_summary(fields)
    documents = (fields.get("transactionInfo") or {}).get("documents") or {}
    return StreamedBlock(
        BlockAddress(str(address["strandId"]), int(address["sequenceNo"])),
        _keyed(stream_arn, RecordType.BLOCK_SUMMARY, fields["blockHash"], summary),
        tuple(_details(stream_arn, revision, documents) for revision in revisions if "metadata" in revision),
    )


def block_summary(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A block in its whole form with ``revisionSummaries`` in the place of its revisions; both hash alike."""
    summary = {name: value for name, value in fields.items() if name != "revisions"}
    summary["revisionSummaries"] = [_summary(revision) for revision in fields.get("revisions") or []]
    return summary


def control(control_type: str, stream_arn: str) -> KeyedRecord:
    """A CONTROL record; it has no hash to be keyed by, so its key is the stream's id."""
    return KeyedRecord(stream_arn.rpartition("/")[2], control_record(stream_arn, control_type))


def control_record(stream_arn: str, control_type: str) -> bytes:
    """The stream's CONTROL record: ``CREATED`` comes first, ``COMPLETED`` at an end time that was reached."""
    return _record(stream_arn, RecordType.CONTROL, {"controlRecordType": control_type})


def _summary(revision: Mapping[str, Any]) -> dict[str, Any]:
    metadata = revision.get("metadata")
    return {"hash": revision["hash"]} | ({} if metadata is None else {"documentId": metadata["id"]})


def _details(stream_arn: str, revision: Mapping[str, Any], documents: Mapping[str, Any]) -> KeyedRecord:
    document_id = revision["metadata"]["id"]
    table = documents.get(document_id)
    if table is None:
        raise InputError(
            f"document {document_id!r} has a revision, but its block's transactionInfo names no table for it"
        )
    info = {"tableName": table["tableName"], "tableId": table["tableId"]}
    payload = {"tableInfo": info, "revision": revision}
    return _keyed(stream_arn, RecordType.REVISION_DETAILS, revision["hash"], payload)


def _keyed(stream_arn: str, record_type: RecordType, key_hash: bytes, payload: dict[str, Any]) -> KeyedRecord:
    return KeyedRecord(key_hash.hex(), _record(stream_arn, record_type, payload))


def _record(stream_arn: str, record_type: RecordType, payload: dict[str, Any]) -> bytes:
    return encode({"qldbStreamArn": stream_arn, "recordType": str(record_type), "payload": payload})
