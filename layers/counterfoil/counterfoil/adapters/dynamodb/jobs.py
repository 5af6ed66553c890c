"""Exports and streams in the Registry table.

Items (partition key ``kind``, sort key ``id``):

* ``export``, ``stream`` / id: the job as one JSON document, replaced under the condition that it is the document it was;
* ``export-keys`` / ``<export id>#<number>``: the keys of an export's objects, ``KEYS_IN_PIECE`` in each. They are put before the
  document that counts them: a piece that holds more than is counted belongs to somebody who is ahead.

An export names its objects in one order whoever runs it, so a piece only ever grows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from counterfoil.adapters.boto_errors import translated
from counterfoil.adapters.dynamodb.registry import RegistryItems
from counterfoil.adapters.job_document import parse_export, parse_stream, render_job
from counterfoil.errors import ConflictError, UnavailableError
from counterfoil.ledger.jobs import ExportJob, StreamJob
from counterfoil.ports import JobStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# An item holds 400 KB; a key of S3 has at most 1,024 bytes.
KEYS_IN_PIECE: Final = 250

_EXPORT: Final = "export"
_STREAM: Final = "stream"
_KEYS: Final = "export-keys"


@dataclass(frozen=True, slots=True)
class DynamoDbJobs(JobStore):
    client: DynamoDBClient
    ddb_table: str

    def save_export(self, job: ExportJob, /) -> None:
        for number in range(_pieces(len(job.keys))):
            self._items.put(_KEYS, _piece_id(job.export_id, number), _piece(job, number))
        self._items.put(_EXPORT, job.export_id, _document(job) | _counted(job))

    def save_stream(self, job: StreamJob, /) -> None:
        self._items.put(_STREAM, job.stream_id, _document(job))

    def advance_export(self, old: ExportJob, new: ExportJob, /) -> None:
        for number in range(len(old.keys) // KEYS_IN_PIECE, _pieces(len(new.keys))):
            self._grow(new, number)
        expected = _document(old) | _counted(old)
        self._items.replace(_EXPORT, old.export_id, expected, _document(new) | _counted(new))

    def advance_stream(self, old: StreamJob, new: StreamJob, /) -> None:
        self._items.replace(_STREAM, old.stream_id, _document(old), _document(new))

    def export(self, export_id: str, /) -> ExportJob | None:
        item = self._items.get(_EXPORT, export_id)
        return None if item is None else self._export(item)

    def stream(self, stream_id: str, /) -> StreamJob | None:
        item = self._items.get(_STREAM, stream_id)
        return None if item is None else parse_stream(item["document"]["S"])

    def exports(self) -> Sequence[ExportJob]:
        jobs = map(self._export, self._items.of_kind(_EXPORT))
        return sorted(jobs, key=lambda job: (job.created_at, job.export_id))

    def streams(self) -> Sequence[StreamJob]:
        jobs = (parse_stream(item["document"]["S"]) for item in self._items.of_kind(_STREAM))
        return sorted(jobs, key=lambda job: (job.created_at, job.stream_id))

    def forget(self, job_id: str, /) -> None:
        for kind in (_EXPORT, _STREAM):
            self._items.delete(kind, job_id)
        for item in self._items.of_kind(_KEYS, f"{job_id}#"):
            self._items.delete(_KEYS, item["id"]["S"])

    @property
    def _items(self) -> RegistryItems:
        return RegistryItems(self.client, self.ddb_table)

    def _grow(self, job: ExportJob, number: int) -> None:
        """Put a piece where none is that holds as much."""
        piece = _piece(job, number)
        try:
            with translated(f"keeping the keys of export {job.export_id}"):
                self.client.put_item(
                    TableName=self.ddb_table,
                    Item={"kind": {"S": _KEYS}, "id": {"S": _piece_id(job.export_id, number)}, **piece},
                    ConditionExpression="attribute_not_exists(id) OR keyCount < :count",
                    ExpressionAttributeValues={":count": piece["keyCount"]},
                )
        except ConflictError:
            return

    def _export(self, item: dict[str, Any]) -> ExportJob:
        job = parse_export(item["document"]["S"])
        count = int(item["keyCount"]["N"])
        if not count:
            return job
        keys = tuple(self._keys(job.export_id))[:count]
        if len(keys) < count:  # it is being forgotten
            raise UnavailableError(f"export {job.export_id} has {count} keys, of which {len(keys)} are kept")
        return replace(job, keys=keys)

    def _keys(self, export_id: str) -> Iterator[str]:
        for piece in self._items.of_kind(_KEYS, f"{export_id}#"):
            yield from json.loads(piece["keys"]["S"])


def _document(job: ExportJob | StreamJob) -> dict[str, Any]:
    plain = replace(job, keys=()) if isinstance(job, ExportJob) else job
    return {"document": {"S": render_job(plain)}}


def _counted(job: ExportJob) -> dict[str, Any]:
    return {"keyCount": {"N": str(len(job.keys))}}


def _piece(job: ExportJob, number: int) -> dict[str, Any]:
    keys = job.keys[number * KEYS_IN_PIECE : (number + 1) * KEYS_IN_PIECE]
    return {"keys": {"S": json.dumps(keys)}, "keyCount": {"N": str(len(keys))}}


def _piece_id(export_id: str, number: int) -> str:
    return f"{export_id}#{number:08}"


def _pieces(key_count: int) -> int:
    return -(-key_count // KEYS_IN_PIECE)
