"""Follows pointers to records that were too large for the stream: what they lead to takes their place in the batch.

Wrong bytes are a ``SetAsideMismatchError``: somebody altered what was set aside, or the pointer. Bytes that are not there (yet, or any
more) are an ``UnavailableError``, so that the batch comes again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from counterfoil.errors import InputError, UnavailableError
from counterfoil.journal import SetAsideRecord, parse_followed
from counterfoil.journal.set_aside import verify_set_aside
from counterfoil.ports import SetAsideRecords
from counterfoil.services.batch import ReadItem

# What one batch reads of them, which is held in memory: one that points to more is delivered again from where it became too much.
MAX_BATCH_BYTES: Final = 256 * 1024 * 1024


@dataclass(slots=True)
class PointerFollower:
    """Follows the pointers of one batch. ``left_bytes`` is what may still be read."""

    store: SetAsideRecords
    left_bytes: int = MAX_BATCH_BYTES

    def follow(self, item: ReadItem) -> ReadItem:
        """The item as it was set aside: its bytes, and what they say or why they cannot be read. One that is no pointer stays."""
        pointer = item.record
        if not isinstance(pointer, SetAsideRecord):
            return item
        if pointer.place.size_bytes > self.left_bytes:
            raise UnavailableError(f"a batch points to more than {MAX_BATCH_BYTES} bytes that were set aside")
        self.left_bytes -= pointer.place.size_bytes
        data = verify_set_aside(pointer.place, self.store.fetch(pointer.place))
        try:
            return item._replace(data=data, record=parse_followed(pointer, data))
        except InputError as error:
            return item._replace(data=data, record=None, error=error)
