"""A batch of Kinesis records, taken apart: outer records, their user records, and what each of them says.

Reading never fails as a whole: what cannot be read is an item like the others, carrying the error and the bytes, so that
its neighbours are not lost with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from counterfoil.errors import InputError
from counterfoil.journal import StreamRecord, deaggregate, parse_stream_record
from counterfoil.journal.known_records import KnownRecords
from counterfoil.journal.plain_record import VerifiedRecord

# Lambda hands over at most 10,000 Kinesis records at a time.
MAX_BATCH_RECORDS: Final = 10_000

# What was learned of records serves all batches of a process.
_KNOWN: Final = KnownRecords()


class KinesisRecord(NamedTuple):
    """One record of a Kinesis shard as Lambda delivers it; sequence numbers are Kinesis' own, opaque text."""

    shard_id: str
    shard_sequence_number: str
    partition_key: str
    data: bytes
    arrived_at: datetime


class ReadItem(NamedTuple):
    """A user record of outer record ``outer_index``, read.

    Exactly one of ``record`` and ``error`` is there. An error concerns ``data``: one user record, or the whole outer record
    where the frame itself cannot be read. ``unknown_fields`` (of the frame, on its first item) are reported, not refused.
    A record that is like others is verified already.
    """

    outer_index: int
    sub_sequence_number: int
    data: bytes
    record: StreamRecord | VerifiedRecord | None
    error: InputError | None
    unknown_fields: frozenset[int] = frozenset()


def read_batch(records: Sequence[KinesisRecord]) -> Iterator[ReadItem]:
    """The user records of a batch in order, each parsed or with the reason why not."""
    for index, outer in enumerate(records):
        yield from _read_outer(index, outer)


def _read_outer(index: int, outer: KinesisRecord) -> Iterator[ReadItem]:
    try:
        frame = deaggregate(outer.data, outer.partition_key)
    except InputError as error:
        yield ReadItem(index, 0, outer.data, None, error)
        return
    unknown = frame.unknown_fields
    if unknown:
        found = ", ".join(map(str, sorted(unknown)))
        strange = InputError(
            f"an aggregated record with fields the format does not know: {found}; its user records were read"
        )
        yield ReadItem(index, -1, outer.data, None, strange, unknown)
    for user in frame.records:
        data = user.data
        known = _KNOWN.read(data)
        if known is not None:
            yield ReadItem(index, user.sub_sequence_number, data, known, None)
            continue
        try:
            record = parse_stream_record(data)
            _KNOWN.learn(data, record)
            yield ReadItem(index, user.sub_sequence_number, data, record, None)
        except InputError as error:
            yield ReadItem(index, user.sub_sequence_number, user.data, None, error)
