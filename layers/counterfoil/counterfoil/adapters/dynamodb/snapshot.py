"""The ledger at one block, read from the projections with the blocks over them that they may lack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched, islice, pairwise
from typing import TYPE_CHECKING, Final

from counterfoil.adapters.dynamodb.effects import digest_of
from counterfoil.ledger.reading import Snapshot, StoredRevision
from counterfoil.ledger.sequencing import key_in

if TYPE_CHECKING:
    from counterfoil.adapters.dynamodb.ledger import DynamoDbLedger
    from counterfoil.ledger.catalogue import LedgerCatalogue

# Documents that a scan reads at once, each by a request of its own.
SCAN_BATCH: Final = 32


class DynamoDbSnapshot(Snapshot):
    """See ``ledger.reading.Snapshot``. It holds nothing that would have to be released."""

    def __init__(self, store: DynamoDbLedger, sequence_no: int, timestamp_ms: int, catalogue: LedgerCatalogue) -> None:
        self._store = store
        self._at = sequence_no
        self._timestamp_ms = timestamp_ms
        self._catalogue = catalogue

    @property
    def sequence_no(self) -> int:
        return self._at

    @property
    def catalogue(self) -> LedgerCatalogue:
        return self._catalogue

    @property
    def strand_id(self) -> str:
        return self._store.strand_id

    @property
    def timestamp_ms(self) -> int:
        return self._timestamp_ms

    def document(self, document_id: str) -> StoredRevision | None:
        return self._store.document(document_id, self._at)

    def documents(self, table_id: str) -> Iterator[StoredRevision]:
        for ids in batched(self._members(table_id), SCAN_BATCH, strict=False):
            yield from (each for each in self._read(ids) if each.data is not None)

    def probe(self, index_id: str, key: bytes, at_most: int | None = None) -> Sequence[StoredRevision]:
        """An entry may be of another block: the document as it was here decides, so that nobody finds one under two keys."""
        name = self._field_of(index_id)
        found = self._read(self._store.entered(index_id, digest_of(key), self._at))
        return list(
            islice((each for each in found if each.data is not None and key_in(each.value, name) == key), at_most)
        )

    def history(
        self, table_id: str, start_ms: int | None, end_ms: int | None, document_id: str | None
    ) -> Iterator[StoredRevision]:
        for each in self._members(table_id) if document_id is None else (document_id,):
            revisions = self._store.history(each, self._at)
            yield from (it for it in _active(revisions, start_ms, end_ms) if it.table_id == table_id)

    def revision_at(self, document_id: str, sequence_no: int) -> StoredRevision | None:
        return self._store.revision_at(document_id, sequence_no) if sequence_no <= self._at else None

    def release(self) -> None:
        pass

    def _field_of(self, index_id: str) -> str:
        entries = self._catalogue.entries.values()
        return next(index.field for entry in entries for index in entry.indexes if index.index_id == index_id)

    def _members(self, table_id: str) -> Iterator[str]:
        return self._store.members(table_id, self._at)

    def _read(self, ids: Iterable[str]) -> Iterator[StoredRevision]:
        return (each for each in self._store.several(ids, self._at) if each is not None)


def _active(revisions: Iterable[StoredRevision], start_ms: int | None, end_ms: int | None) -> Iterator[StoredRevision]:
    """Those that were active at any time from start to end: each is until the next one's time."""
    for revision, later in pairwise([*revisions, None]):
        assert revision is not None
        begun = end_ms is None or revision.tx_time_ms <= end_ms
        if begun and (start_ms is None or later is None or later.tx_time_ms > start_ms):
            yield revision
