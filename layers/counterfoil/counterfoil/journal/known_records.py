"""Stream records that are like others seen before, read and verified in one step (plain_record.py).

What is kept is bounded, and so is what learning costs: it is paid from what known stencils have spared.
"""

from __future__ import annotations

from typing import Final

from counterfoil.errors import InputError, IntegrityError
from counterfoil.journal.block import verify_block
from counterfoil.journal.known_blocks import Credit
from counterfoil.journal.plain_details import PlainDetails
from counterfoil.journal.plain_record import Unusual, VerifiedDetails, VerifiedRecord, VerifiedSummary
from counterfoil.journal.plain_summary import PlainSummary
from counterfoil.journal.revision import verify_revision
from counterfoil.journal.stream_record import BlockSummaryRecord, RevisionDetailsRecord, StreamRecord

# A document's text of another length makes another length of its record, so of each table there are some hundred stencils. One is as
# large as a record, some kB: in all at most 32 MB, and that of the largest records alone.
MAX_STENCILS: Final = 2_048
MAX_RECORD_BYTES: Final = 16_384
# Each is tried with a record of its length that is none of them.
MAX_STENCILS_OF_A_LENGTH: Final = 6

_Plain = PlainDetails | PlainSummary


class KnownRecords:
    """The stencils of records that were seen, by length; those met last come first.

    Threads may share it: what one of them loses is learned again.
    """

    def __init__(self) -> None:
        self._by_length: dict[int, list[_Plain]] = {}
        self._count = 0
        self._credit = Credit(32, 4, 512)

    def read(self, data: bytes) -> VerifiedRecord | None:
        """The record, if it is like one seen before and holds; ``None`` for every other."""
        known = self._by_length.get(len(data), [])
        for index, plain in enumerate(known):
            values = plain.stencil.cut(data)
            if values is not None:
                if index:
                    known[0], known[index] = plain, known[0]
                self._credit.earn()
                try:
                    return plain.read(data, values)
                except InputError:
                    return None
        return None

    def learn(self, data: bytes, record: StreamRecord) -> None:
        """Make a stencil of a record that was read and not known, if it holds, is like most, and there is credit."""
        if len(data) > MAX_RECORD_BYTES or not isinstance(record, BlockSummaryRecord | RevisionDetailsRecord):
            return
        if not self._credit.spend():
            return
        known = self._by_length.get(len(data), [])
        try:
            verified = _verified(record)
            kind = PlainSummary if isinstance(record, BlockSummaryRecord) else PlainDetails
            plain = kind(data, frozenset())
            like = next((each for each in known if each.stencil.is_like(plain.stencil)), None)
            if like is not None:
                plain = kind(data, like.stencil.varying_with(data))
            if not _gives(plain, data, verified):
                return
        except (InputError, IntegrityError, Unusual):
            return
        self._keep(len(data), plain, like)

    def _keep(self, length: int, plain: _Plain, instead_of: _Plain | None) -> None:
        known = self._by_length.setdefault(length, [])
        if instead_of in known:
            known[known.index(instead_of)] = plain
        elif len(known) < MAX_STENCILS_OF_A_LENGTH:
            known.append(plain)
            self._count += 1
            if self._count > MAX_STENCILS:
                self._forget()
        else:
            known[-1] = plain

    def _forget(self) -> None:
        """Those of the length that was learned first."""
        self._count -= len(self._by_length.pop(next(iter(self._by_length))))


def _verified(record: BlockSummaryRecord | RevisionDetailsRecord) -> VerifiedRecord:
    if isinstance(record, BlockSummaryRecord):
        return VerifiedSummary(record.stream_arn, verify_block(record.block))
    stream_arn, table_name, table_id, address, metadata, revision = record
    return VerifiedDetails(stream_arn, table_name, table_id, address, metadata, verify_revision(revision))


def _gives(plain: _Plain, data: bytes, verified: VerifiedRecord) -> bool:
    """Whether the short way makes of a record what the long way did."""
    values = plain.stencil.cut(data)
    found = None if values is None else plain.read(data, values)
    if isinstance(found, VerifiedDetails) and isinstance(verified, VerifiedDetails):
        own, other = found.revision.data, verified.revision.data
        if own is None or other is None or own.raw() != other.raw():
            return False
        return found._replace(revision=found.revision._replace(data=other)) == verified
    return found == verified
