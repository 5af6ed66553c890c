"""What a transaction reads: the ledger as it was at one block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ion.values import Value
from counterfoil.ledger.catalogue import LedgerCatalogue
from counterfoil.ledger.times import timestamp_of


class StoredRevision:
    """One version of a document as a store keeps it.

    ``data`` is the document's binary Ion; ``None`` for a deletion, and for a redacted revision, which has ``data_hash`` in its place.
    ``tx_time_ms`` counts from 1970. ``value`` is decoded once and shared: nobody changes it.
    """

    __slots__ = (
        "_value", "data", "data_hash", "document_id", "hash", "sequence_no", "table_id", "tx_id", "tx_time_ms", "version",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913, PLR0917 - a row of the store
        self,
        table_id: str,
        document_id: str,
        version: int,
        sequence_no: int,
        tx_id: str,
        tx_time_ms: int,
        hash_: bytes,
        data: bytes | None,
        data_hash: bytes | None = None,
        value: dict[str, Value] | None = None,
    ) -> None:
        self.table_id = table_id
        self.document_id = document_id
        self.version = version
        self.sequence_no = sequence_no
        self.tx_id = tx_id
        self.tx_time_ms = tx_time_ms
        self.hash = hash_
        self.data = data
        self.data_hash = data_hash
        self._value = value

    @property
    def value(self) -> dict[str, Value]:
        """The document. Only of a revision that has data."""
        if self._value is None:
            assert self.data is not None
            self._value = decode_datagram(self.data)
        return self._value

    def committed_form(self, strand_id: str) -> dict[str, Value]:
        """The row of the committed view and of ``history()``."""
        row: dict[str, Value] = {
            "blockAddress": {"strandId": strand_id, "sequenceNo": self.sequence_no},
            "hash": bytes(self.hash),
        }
        if self.data is not None:
            row["data"] = self.value
        elif self.data_hash is not None:
            row["dataHash"] = bytes(self.data_hash)
        row["metadata"] = {
            "id": self.document_id,
            "version": self.version,
            "txTime": timestamp_of(self.tx_time_ms),
            "txId": self.tx_id,
        }
        return row

    @property
    def size_bytes(self) -> int:
        return len(self.data or b"")


class Snapshot(Protocol):
    """The ledger at block ``sequence_no``: that block's changes are seen, later ones are not. -1 is the empty ledger.

    It stays readable until ``release``; a store may drop what only old snapshots need afterwards.
    """

    @property
    def sequence_no(self) -> int: ...

    @property
    def catalogue(self) -> LedgerCatalogue: ...

    @property
    def strand_id(self) -> str: ...

    @property
    def timestamp_ms(self) -> int:
        """When that block was committed, counted from 1970; 0 in the empty ledger."""
        ...

    def document(self, document_id: str) -> StoredRevision | None:
        """The document's revision, a deletion included; ``None`` where there never was one."""
        ...

    def documents(self, table_id: str) -> Iterator[StoredRevision]:
        """Every document of the table that is not deleted."""
        ...

    def probe(self, index_id: str, key: bytes, at_most: int | None = None) -> Sequence[StoredRevision]:
        """The documents whose indexed field has this key; any ``at_most`` of them."""
        ...

    def history(
        self, table_id: str, start_ms: int | None, end_ms: int | None, document_id: str | None
    ) -> Iterator[StoredRevision]:
        """Revisions of the table (or of one document of it) that were active at any time from start to end, both included.

        A revision is active from its ``tx_time_ms`` until that of the next version.
        """
        ...

    def revision_at(self, document_id: str, sequence_no: int) -> StoredRevision | None:
        """The revision of a document that a block made."""
        ...

    def release(self) -> None: ...


def encode_document(value: dict[str, Value]) -> bytes:
    """A document as it is stored."""
    return encode(value)
