"""A batch's records that verify by themselves, sorted by the strand they belong to.

What cannot be read or does not verify is counted here and nothing else: the auditor keeps and reports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from counterfoil.detection.block_assembly import Assembly
from counterfoil.detection.stream_cursor import HeldRecord
from counterfoil.errors import InputError, IntegrityError, UnavailableError
from counterfoil.journal import (
    Block,
    BlockSummaryRecord,
    Revision,
    RevisionDetailsRecord,
    SetAsideRecord,
    StreamRecord,
    parse_stream_record,
    verify_block,
    verify_revision,
)
from counterfoil.journal.plain_record import VerifiedDetails, VerifiedRecord, VerifiedSummary
from counterfoil.services.batch import KinesisRecord, ReadItem, read_batch
from counterfoil.services.set_aside import PointerFollower


class Arrival(NamedTuple):
    """A record that verified by itself; exactly one of ``block`` and ``revision`` is there."""

    record: HeldRecord
    strand_id: str
    sequence_no: int
    block: Block | None = None
    revision: Revision | None = None
    table_name: str = ""

    def enter(self, assembly: Assembly, *, stored: bool) -> None:
        if self.block is not None:
            assembly.add_block(self.record, self.block, stored=stored)
        elif self.revision is not None:
            assembly.add_revision(self.record, self.sequence_no, self.table_name, self.revision, stored=stored)


@dataclass(slots=True)
class StrandArrivals:
    """A batch's records of one strand, and the outer records they came in."""

    arrivals: list[Arrival] = field(default_factory=list)
    outer_indexes: set[int] = field(default_factory=set)


@dataclass(slots=True)
class VerifiedArrivals:
    """``unreadable`` and ``unverified`` count user records (or frames) that are not among the arrivals.

    ``failures`` are outer records of which a part that was set aside could not be fetched.
    """

    strands: dict[str, StrandArrivals] = field(default_factory=dict)
    unreadable: int = 0
    unverified: int = 0
    failures: list[tuple[int, UnavailableError]] = field(default_factory=list)

    def take(self, record: StreamRecord | VerifiedRecord, held: HeldRecord, outer_index: int) -> None:
        try:
            arrival = verify_arrival(record, held)
        except InputError:
            self.unreadable += 1
            return
        except IntegrityError:
            self.unverified += 1
            return
        if arrival is not None:
            self._enter(arrival, outer_index)

    def _enter(self, arrival: Arrival, outer_index: int) -> None:
        strand = self.strands.get(arrival.strand_id)
        if strand is None:
            strand = self.strands[arrival.strand_id] = StrandArrivals()
        strand.arrivals.append(arrival)
        strand.outer_indexes.add(outer_index)

    def follow(self, item: ReadItem, pointers: PointerFollower) -> ReadItem | None:
        """The item, or what it points to; ``None`` where that cannot be had or is something else."""
        try:
            return pointers.follow(item)
        except IntegrityError:
            self.unverified += 1
        except UnavailableError as error:
            self.failures.append((item.outer_index, error))
        return None


def read_arrivals(records: Sequence[KinesisRecord], now: datetime, pointers: PointerFollower) -> VerifiedArrivals:
    verified = VerifiedArrivals()
    for each in read_batch(records):
        item = verified.follow(each, pointers) if isinstance(each.record, SetAsideRecord) else each
        if item is None:
            continue
        if item.record is None:
            verified.unreadable += 1
        else:
            verified.take(item.record, HeldRecord(now, item.data), item.outer_index)
    return verified


def verify_arrival(record: StreamRecord | VerifiedRecord, held: HeldRecord) -> Arrival | None:
    """A record whose own hashes hold; ``None`` for what the rules do not look at."""
    if isinstance(record, VerifiedDetails):
        strand_id, sequence_no = record.address
        return Arrival(held, strand_id, sequence_no, None, record.revision, record.table_name)
    if isinstance(record, VerifiedSummary):
        strand_id, sequence_no = record.block.address
        return Arrival(held, strand_id, sequence_no, record.block)
    if isinstance(record, BlockSummaryRecord):
        block = verify_block(record.block)
        return Arrival(held, block.address.strand_id, block.address.sequence_no, block=block)
    if isinstance(record, RevisionDetailsRecord):
        revision = verify_revision(record.revision)
        strand_id, sequence_no = record.address
        return Arrival(held, strand_id, sequence_no, revision=revision, table_name=record.table_name)
    return None


def verify_held(held: HeldRecord) -> Arrival | None:
    """A record that was held, verified anew: where it was held nobody vouches for it."""
    try:
        return verify_arrival(parse_stream_record(held.data), held)
    except (InputError, IntegrityError):
        return None
