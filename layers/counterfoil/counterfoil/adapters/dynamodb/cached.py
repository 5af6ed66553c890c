"""Projections with a memory: documents and index entries that were read are kept as long as no block changes them.

An instance takes in every block, so it knows what changed: what it keeps is never stale. What another instance put into a shared cache
may be; an entry there says as of which block it was read, and whoever finds it looks in its own log of writes whether anything
of it was written since. Without an answer there, or where the log does not reach back, the table is asked. So a cache costs or
spares requests, and changes no answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, NamedTuple, cast

from counterfoil.adapters.dynamodb.effects import BlockEffects
from counterfoil.adapters.dynamodb.following import Event, Known
from counterfoil.adapters.dynamodb.projections import KeptCatalogue, Projections
from counterfoil.errors import InputError, UnavailableError
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ledger.concurrency import Footprint
from counterfoil.ledger.reading import StoredRevision
from counterfoil.ports import SharedCache

# What an instance keeps by default; what a document takes for each byte of it once it was decoded, and beside that.
DEFAULT_BYTES: Final = 64 * 1024 * 1024
COST_PER_BYTE: Final = 10
COST_OF_ENTRY: Final = 1_000

# An entry that nobody asks for leaves the shared cache; one that is older than the log of writes is of no use.
SHARED_SECONDS: Final = 600


class _Entry(NamedTuple):
    """What was read as of block ``at``, and what keeping it costs."""

    value: StoredRevision | tuple[str, ...] | None
    at: int
    cost: int


@dataclass(slots=True)
class CacheCounts:
    """Reads that were answered from memory, from the shared cache, and by the table."""

    own: int = 0
    shared: int = 0
    asked: int = 0


class CachedProjections:
    """Reads of ``projections.Projections``; ``taken`` must be told of every block, in order, before it counts as known."""

    def __init__(
        self, projections: Projections, size_bytes: int = DEFAULT_BYTES, shared: SharedCache | None = None
    ) -> None:
        self._projections = projections
        self._size_bytes = size_bytes
        self._shared = shared
        self._entries: OrderedDict[Footprint, _Entry] = OrderedDict()
        self._cost = 0
        self._head_no = -1
        self._known: Known | None = None
        self._lock = Lock()
        self.counts = CacheCounts()

    def begin(self, known: Known) -> None:
        """Start with what is known at the head."""
        self._known = known
        self._head_no = known.head.sequence_no

    def taken(self, sequence_no: int, effects: BlockEffects) -> None:
        """A block was taken in: what it changes is not kept any more."""
        with self._lock:
            self._head_no = sequence_no
            for footprint in effects.footprints():
                entry = self._entries.pop(footprint, None)
                if entry is not None:
                    self._cost -= entry.cost

    def document(self, document_id: str, at: int) -> StoredRevision | None:
        entry = self._find(document_id, at)
        if entry is None:
            found = self._projections.document(document_id, at)
            self._keep(document_id, found, at)
            return found
        return cast("StoredRevision | None", entry.value)

    def entered(self, index_id: str, digest: str, at: int, events: Iterable[Event]) -> list[str]:
        """Documents under a key; ``events`` are what blocks up to ``at`` did that the table may lack, known before it is asked."""
        footprint = (index_id, digest)
        entry = self._find(footprint, at)
        if entry is not None:
            return list(cast("tuple[str, ...]", entry.value))
        found = dict.fromkeys(self._projections.entered(index_id, digest, at))
        for event in events:
            if event.enters:
                found[event.document_id] = None
            else:
                found.pop(event.document_id, None)
        self._keep(footprint, tuple(found), at)
        return list(found)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def cost_bytes(self) -> int:
        """What is kept costs about so much memory."""
        return self._cost

    # What is not kept

    def watermark(self) -> int:
        return self._projections.watermark()

    def revision_at(self, document_id: str, sequence_no: int) -> StoredRevision | None:
        return self._projections.revision_at(document_id, sequence_no)

    def history(self, document_id: str, at: int) -> Iterator[StoredRevision]:
        return self._projections.history(document_id, at)

    def members(self, table_id: str, at: int) -> Iterator[str]:
        return self._projections.members(table_id, at)

    def transaction(self, transaction_id: str) -> int | None:
        return self._projections.transaction(transaction_id)

    def catalogue(self, at: int) -> KeptCatalogue:
        return self._projections.catalogue(at)

    # Keeping

    def _find(self, footprint: Footprint, at: int) -> _Entry | None:
        with self._lock:
            entry = self._entries.get(footprint)
            if entry is not None and self._holds(footprint, entry, at):
                self._entries.move_to_end(footprint)
                self.counts.own += 1
                return entry
        entry = self._shared_entry(footprint, at)
        if entry is None:
            self.counts.asked += 1
        else:
            self.counts.shared += 1
            self._keep_entry(footprint, entry)
        return entry

    def _holds(self, footprint: Footprint, entry: _Entry, at: int) -> bool:
        """Whether what was read as of another block is what there is as of this one."""
        known = self._known
        if known is None:
            return False
        low, high = sorted((entry.at, at))
        return low >= known.log.floor and high <= self._head_no and known.log.last(footprint) <= low

    def _keep(self, footprint: Footprint, value: StoredRevision | tuple[str, ...] | None, at: int) -> None:
        entry = _Entry(value, at, _cost_of(value))
        if self._keep_entry(footprint, entry) and self._shared is not None:
            with suppress(UnavailableError):  # whoever asks there next asks the table
                self._shared.put({_name(footprint): _render(entry)}, SHARED_SECONDS)

    def _keep_entry(self, footprint: Footprint, entry: _Entry) -> bool:
        """Keep an entry as of the head, or as of a block since which nothing of it was written; whether it was kept."""
        with self._lock:
            if entry.cost > self._size_bytes or not self._holds(footprint, entry, self._head_no):
                return False
            before = self._entries.pop(footprint, None)
            self._cost += entry.cost - (0 if before is None else before.cost)
            self._entries[footprint] = entry
            while self._cost > self._size_bytes:
                self._cost -= self._entries.popitem(last=False)[1].cost
            return True

    def _shared_entry(self, footprint: Footprint, at: int) -> _Entry | None:
        if self._shared is None:
            return None
        try:
            data = self._shared.get([_name(footprint)]).get(_name(footprint))
        except UnavailableError:
            return None
        entry = None if data is None else _parse(data)
        return entry if entry is not None and self._holds(footprint, entry, at) else None


def _cost_of(value: StoredRevision | tuple[str, ...] | None) -> int:
    if isinstance(value, tuple):
        return COST_OF_ENTRY + 100 * len(value)
    return COST_OF_ENTRY + (0 if value is None else COST_PER_BYTE * value.size_bytes)


def _name(footprint: Footprint) -> str:
    """Ids are unique over all ledgers, and so are these names."""
    return (
        f"D#{footprint}"
        if isinstance(footprint, str)
        else "I#" + "#".join(map(str, cast("tuple[str, str]", footprint)))
    )


def _render(entry: _Entry) -> bytes:
    value = entry.value
    document: dict[str, Any] = {"at": entry.at}
    if isinstance(value, tuple):
        document["ids"] = list(value)
    elif value is not None:
        document["revision"] = [
            value.table_id, value.document_id, value.version, value.sequence_no, value.tx_id, value.tx_time_ms,
            bytes(value.hash), value.data, None if value.data_hash is None else bytes(value.data_hash),
        ]  # fmt: skip
    return encode(document)


def _parse(data: bytes) -> _Entry | None:
    """What another instance wrote; whatever cannot be read is as if it were not there."""
    try:
        document: Mapping[str, Any] = decode_datagram(data)
        value: Any = None
        if "ids" in document:
            value = tuple(document["ids"])
        elif "revision" in document:
            value = StoredRevision(*document["revision"])
        return _Entry(value, document["at"], _cost_of(value))
    except (InputError, KeyError, TypeError, ValueError):
        return None
