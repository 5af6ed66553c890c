"""Records that wait for their turn, kept where the cursor of their strand says.

Few and small ones lie inside the cursor, which is written anyway: an ordered stream, whose batches at most cut a block in
two, costs no further write. More lie in blobs, each written once and never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from counterfoil.detection.account import StateKey
from counterfoil.detection.stream_cursor import (
    INLINE_BYTES,
    MAX_BLOBS,
    Blob,
    HeldRecord,
    StreamCursor,
    blob_of,
    cut,
    pack,
    pack_inline,
    piece_keys,
    put_together,
    unpack_inline,
)
from counterfoil.errors import UnavailableError
from counterfoil.ports import AccountStore

# How long held bytes that nothing points to any more lie about; far beyond the time that any record waits.
HELD_FOR: Final = timedelta(days=14)


@dataclass(slots=True)
class HeldRecords:
    """What ``cursor`` points to, and what the cursor that replaces it will."""

    store: AccountStore
    cursor: StreamCursor
    _blobs: dict[Blob, list[HeldRecord]] = field(default_factory=dict)

    def load(self) -> list[HeldRecord]:
        keys = [key for blob in self.cursor.blobs for key in self._keys(blob)]
        pieces = self.store.held(keys) if keys else {}
        for blob in self.cursor.blobs:
            self._blobs[blob] = put_together(blob, [pieces.get(key) for key in self._keys(blob)])
        return [*unpack_inline(self.cursor.inline), *(record for records in self._blobs.values() for record in records)]

    def keep(self, cursor: StreamCursor, left: Sequence[HeldRecord], generation: int, now: datetime) -> StreamCursor:
        """Put ``left`` somewhere and return the cursor that points to it. Nothing that the old cursor points to is touched."""
        small = sum(len(record.data) for record in left) <= 8 * INLINE_BYTES
        inline = pack_inline(left) if small else ""
        if not left or (small and len(inline) <= INLINE_BYTES):
            return replace(cursor, inline=inline, blobs=())
        waiting = set(left)
        live = [blob for blob, records in self._blobs.items() if not waiting.isdisjoint(records)]
        covered = {record for blob in live for record in self._blobs[blob]}
        fresh = [record for record in left if record not in covered]
        if fresh and len(live) >= MAX_BLOBS:
            live, fresh = [], list(left)
        if fresh:
            live.append(self._put(fresh, generation, now))
        return replace(cursor, inline="", blobs=tuple(live))

    def release_all_but(self, new: StreamCursor) -> None:
        """Delete what only the old cursor pointed to; where that fails it expires."""
        rubbish = [blob for blob in self.cursor.blobs if blob not in new.blobs]
        try:
            if rubbish:
                self.store.release([key for blob in rubbish for key in self._keys(blob)])
        except UnavailableError:
            return

    def _put(self, records: Sequence[HeldRecord], generation: int, now: datetime) -> Blob:
        packed = pack(records)
        blob = blob_of(generation, packed)
        self.store.hold(dict(zip(self._keys(blob), cut(packed), strict=True)), now + HELD_FOR)
        return blob

    def _keys(self, blob: Blob) -> list[StateKey]:
        return piece_keys(self.cursor.strand_id, blob)
