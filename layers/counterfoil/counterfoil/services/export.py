"""The exporter: committed blocks in, the objects of a QLDB journal export out.

An object holds the blocks of one hour (of ``blockTimestamp``, in UTC) up to ``OBJECT_BYTES`` as they are stored; the block that would
go beyond begins the next one. So where an object ends follows from its first block alone, in all formats alike: whoever goes on
after a crash, or does everything again, writes the same objects under the same keys.

In this order: the started manifest, the trust anchor, the objects, the completed manifest. An export whose completed manifest is there
is complete. It has an anchor if it begins where the strand does and that is one, so that it can be verified and imported.
A revision that is redacted while an export runs may be in it with its data; a redaction between two runs may move the ends of
objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from counterfoil.journal.anchor import render_trust_anchor
from counterfoil.journal.export_format import (
    ANCHOR_FILE,
    OutputFormat,
    anchor_key,
    completed_key,
    data_key,
    started_key,
)
from counterfoil.journal.rendering import render_block, render_document
from counterfoil.journal.stored import block_time
from counterfoil.ledger.jobs import ExportJob, ExportStatus
from counterfoil.ledger.times import milliseconds_of, timestamp_of
from counterfoil.ports import JournalReader, ObjectStore
from counterfoil.services.publish import first_block_at

# What is held in memory, and in JSON about three times as much of text.
OBJECT_BYTES: Final = 8 * 1024 * 1024


@dataclass(slots=True)
class _Object:
    """A data object in the making: its blocks as stored."""

    first: int
    hour: datetime
    blocks: list[bytes]
    size_bytes: int

    def takes(self, data: bytes, hour: datetime) -> bool:
        return hour == self.hour and self.size_bytes + len(data) <= OBJECT_BYTES


@dataclass(frozen=True, slots=True)
class Exporter:
    """Exports the journal of one reader into one bucket. Keeps nothing: the job says where it stands.

    ``alone``: the bucket is for this export only, and its trust anchor needs no export's id in its name.
    """

    reader: JournalReader
    bucket: ObjectStore
    alone: bool = False

    def export(self, job: ExportJob, now: datetime) -> Iterator[ExportJob]:
        """Write what is not yet written; yield the job after each object, and at last as completed.

        The caller saves what is yielded before asking for more, and may stop asking at any time.
        """
        begin, end = self._range(job)
        if not job.keys:
            started = started_key(job.prefix, job.export_id)
            self.bucket.put(started, render_document(_started_manifest(job), _format(job)))
            self._put_anchor(job, begin)
        for each in self._objects(begin, end):
            key = self._write(job, each)
            job = replace(job, next_sequence_no=each.first + len(each.blocks), keys=(*job.keys, key))
            yield job
        completed = completed_key(job.prefix, job.export_id, self.reader.strand_id)
        self.bucket.put(completed, render_document({"keys": list(job.keys)}, _format(job)))
        yield replace(job, status=ExportStatus.COMPLETED, ended_at=now)

    def _put_anchor(self, job: ExportJob, begin: int) -> None:
        anchor = self.reader.anchor
        if anchor is not None and begin == anchor.begin:
            key = ANCHOR_FILE if self.alone else anchor_key(job.prefix, job.export_id)
            self.bucket.put(key, (json.dumps(render_trust_anchor(anchor)) + "\n").encode())

    def _range(self, job: ExportJob) -> tuple[int, int]:
        tip = self.reader.tip()
        behind = 0 if tip is None else tip + 1
        begin = job.next_sequence_no or first_block_at(
            self.reader, job.inclusive_start, min(self.reader.first(), behind), behind
        )
        return begin, first_block_at(self.reader, job.exclusive_end, min(begin, behind), behind)

    def _objects(self, begin: int, end: int) -> Iterator[_Object]:
        current: _Object | None = None
        for number, data in enumerate(self.reader.blocks(begin, end) if begin < end else (), begin):
            hour = block_time(data).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            if current is not None and current.takes(data, hour):
                current.blocks.append(data)
                current.size_bytes += len(data)
                continue
            if current is not None:
                yield current
            current = _Object(number, hour, [data], len(data))
        if current is not None:
            yield current

    def _write(self, job: ExportJob, piece: _Object) -> str:
        output_format = _format(job)
        last = piece.first + len(piece.blocks) - 1
        extension = "json" if output_format is OutputFormat.JSON else "ion"
        key = data_key(job.prefix, piece.hour, self.reader.strand_id, piece.first, last, extension)
        self.bucket.put(key, b"".join(render_block(data, output_format) for data in piece.blocks))
        return key


def _format(job: ExportJob) -> OutputFormat:
    return job.output_format or OutputFormat.ION_TEXT


def _started_manifest(job: ExportJob) -> dict[str, Any]:
    """``outputFormat`` is there only if it was asked for."""
    manifest = {
        "ledgerName": job.ledger_name,
        "exportId": job.export_id,
        "inclusiveStartTime": timestamp_of(milliseconds_of(job.inclusive_start)),
        "exclusiveEndTime": timestamp_of(milliseconds_of(job.exclusive_end)),
        "bucket": job.bucket,
        "prefix": job.prefix,
        "objectEncryptionType": str(job.encryption.type),
    }
    return manifest | ({} if job.output_format is None else {"outputFormat": str(job.output_format)})
