"""Stream records that are like others seen before, read and verified in one step (plain_record.py).

What is kept is bounded, and so is what learning costs: it is paid from what known stencils have spared.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import Final, NamedTuple

from counterfoil.errors import InputError, IntegrityError
from counterfoil.ion import read_single
from counterfoil.ion.known_structs import KnownStructs
from counterfoil.ion.streams import end_of_wrapper
from counterfoil.journal.block import verify_block
from counterfoil.journal.known_blocks import Credit
from counterfoil.journal.plain_details import PlainDetails
from counterfoil.journal.plain_record import Unusual, VerifiedDetails, VerifiedRecord, VerifiedSummary
from counterfoil.journal.plain_summary import PlainSummary
from counterfoil.journal.revision import verify_revision
from counterfoil.journal.stream_record import BlockSummaryRecord, RevisionDetailsRecord, StreamRecord

# The summaries of blocks by stencils: each is as large as a record, and takes some 500 bytes more for each of its slots; all of them
# take some 60 MB at most. One of a transaction of three documents has 39 slots, one of 40 has 450.
MAX_RECORD_BYTES: Final = 16_384
MAX_STENCILS: Final = 1_024
MAX_SLOTS: Final = 65_536
# Each is tried with a record of its length that is none of them.
MAX_STENCILS_OF_A_LENGTH: Final = 12

# The details of revisions by patterns, by their symbol table. A pattern is of one ledger's table, and of ids of one length.
MAX_TABLES: Final = 128
MAX_PATTERNS: Final = 12
# A table may import more names than there are bytes in its record, and whatever knows it holds them all.
MAX_SYMBOLS: Final = 1_024


class KnownRecords:
    """What is known of records that were seen: stencils of summaries by length, patterns of details by their symbol table.

    Those met last come first. Threads may share it: they learn one after the other, and what one of them loses is learned again.
    """

    def __init__(self) -> None:
        self._summaries: dict[int, list[PlainSummary]] = {}
        self._count = self._slots = 0
        self._tables: dict[bytes, _Table] = {}
        self._credit = Credit(32, 1, 256)
        self._learning = Lock()

    def read(self, data: bytes) -> VerifiedRecord | None:
        """The record, if it is like one seen before and holds; ``None`` for every other."""
        if len(data) > MAX_RECORD_BYTES:
            return None
        try:
            summaries = self._summaries.get(len(data), [])
            for index, summary in enumerate(summaries):
                values = summary.stencil.cut(data)
                if values is not None:
                    if index:
                        summaries[0], summaries[index] = summary, summaries[0]
                    self._credit.earn()
                    return summary.read(values)
            position = end_of_table(data)
            table = self._tables.get(data[:position])
            if table is None:
                return None
            patterns = table.patterns
            for index, details in enumerate(patterns):
                found = details.read(data, position)
                if found is not None:
                    if index:
                        patterns[0], patterns[index] = details, patterns[0]
                    self._credit.earn()
                    return found
        except InputError:
            return None
        return None

    def learn(self, data: bytes, record: StreamRecord) -> None:
        """Remember how a record is made that was read and not known, if it holds, is like most, and there is credit."""
        if len(data) > MAX_RECORD_BYTES or not isinstance(record, BlockSummaryRecord | RevisionDetailsRecord):
            return
        if not self._credit.spend():
            return
        with self._learning, suppress(InputError, IntegrityError, Unusual):
            if isinstance(record, BlockSummaryRecord):
                self._learn_summary(data, VerifiedSummary(record.stream_arn, verify_block(record.block)))
            else:
                self._learn_details(data, _verified(record))

    def _learn_summary(self, data: bytes, verified: VerifiedSummary) -> None:
        known = self._summaries.get(len(data), [])
        plain = PlainSummary(data, frozenset())
        like = next((index for index, each in enumerate(known) if each.stencil.is_like(plain.stencil)), None)
        if like is not None:
            plain = PlainSummary(data, known[like].stencil.varying_with(data))
        values = plain.stencil.cut(data)
        if values is None or plain.read(values) != verified:
            return
        known = self._summaries.setdefault(len(data), [])
        if like is not None:
            known[like] = plain
            return
        self._weigh([plain], 1)
        if len(known) < MAX_STENCILS_OF_A_LENGTH:
            known.append(plain)
        else:
            self._weigh(known[-1:], -1)
            known[-1] = plain
        # Those of the length that was learned first are forgotten.
        while self._summaries and (self._count > MAX_STENCILS or self._slots > MAX_SLOTS):
            self._weigh(self._summaries.pop(next(iter(self._summaries))), -1)

    def _weigh(self, summaries: Sequence[PlainSummary], sign: int) -> None:
        self._count += sign * len(summaries)
        self._slots += sign * sum(len(each.stencil.slots) for each in summaries)

    def _learn_details(self, data: bytes, verified: VerifiedDetails) -> None:
        position = end_of_table(data)
        table = self._tables.get(data[:position]) or _Table([], KnownStructs())
        value = read_single(data)
        if value.position != position or len(value.symbols.names) > MAX_SYMBOLS:
            return
        plain = PlainDetails(value, table.documents)
        if not _is(plain.read(data, position), verified):
            return
        if data[:position] not in self._tables:
            if len(self._tables) >= MAX_TABLES:
                del self._tables[next(iter(self._tables))]
            self._tables[data[:position]] = table
        if len(table.patterns) < MAX_PATTERNS:
            table.patterns.append(plain)
        else:
            table.patterns[-1] = plain


class _Table(NamedTuple):
    """What is known of records under one symbol table."""

    patterns: list[PlainDetails]
    documents: KnownStructs


def end_of_table(data: bytes) -> int:
    """Where the symbol table of a record ends, if it has one: behind the version marker else."""
    return end_of_wrapper(data) if len(data) > 4 and data[4] >= 0xE0 else 4


def _verified(record: RevisionDetailsRecord) -> VerifiedDetails:
    stream_arn, table_name, table_id, address, metadata, revision = record
    return VerifiedDetails(stream_arn, table_name, table_id, address, metadata, verify_revision(revision))


def _is(found: VerifiedDetails | None, verified: VerifiedDetails) -> bool:
    """Whether the short way makes of a record what the long way did."""
    own, other = found and found.revision.data, verified.revision.data
    if found is None or own is None or other is None:
        return False
    own_place, other_place = (each[1:4] for each in (own, other))
    return own_place == other_place and found._replace(revision=found.revision._replace(data=other)) == verified
