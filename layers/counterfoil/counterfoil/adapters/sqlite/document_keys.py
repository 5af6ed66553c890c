"""Keys of documents in a SQLite file of their own, apart from every ledger: a copy of a ledger's folder has none of them.

Readers have connections of their own, so that none waits for another's disk. What is destroyed is overwritten in the file, and the
write-ahead log, which has it too, is emptied before the call returns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from threading import Lock
from typing import Final

from counterfoil.adapters.sqlite.connections import Readers, connect, translated
from counterfoil.errors import NotFoundError, UnavailableError
from counterfoil.ledger.document_keys import DocumentKey, DocumentKeys

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS document_key (
    strand_id TEXT, document_id TEXT, key_id TEXT NOT NULL, wrapped BLOB, destroyed_ms INTEGER,
    PRIMARY KEY (strand_id, document_id), CHECK ((wrapped IS NULL) <> (destroyed_ms IS NULL))
) STRICT, WITHOUT ROWID
"""
_COLUMNS: Final = "document_id, key_id, wrapped, destroyed_ms"
_LOAD: Final = f"SELECT {_COLUMNS} FROM document_key WHERE strand_id = ? AND document_id IN "
_ADD: Final = f"INSERT INTO document_key (strand_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_DESTROY: Final = (
    "UPDATE document_key SET wrapped = NULL, destroyed_ms = ? "
    "WHERE strand_id = ? AND document_id = ? AND wrapped IS NOT NULL"
)

# SQLite takes more parameters for one statement; so many are a page of a table.
AT_ONCE: Final = 500


class DocumentKeysFile:
    """The keys of several ledgers. The file is made where there is none; a damaged one is an ``IntegrityError``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        with translated(path):
            self._connection = connect(path, writer=True)
            try:
                self._connection.execute(_SCHEMA)
            except BaseException:
                self._connection.close()
                raise
        self._readers = Readers(path)

    def of(self, strand_id: str) -> SqliteDocumentKeys:
        """The keys of one ledger."""
        return SqliteDocumentKeys(self, strand_id)

    def load(self, strand_id: str, document_ids: Collection[str]) -> dict[str, DocumentKey]:
        found: dict[str, DocumentKey] = {}
        for some in batched(document_ids, AT_ONCE, strict=False):
            places = ", ".join("?" * len(some))
            for row in self._readers.all(f"{_LOAD}({places})", (strand_id, *some)):
                found[row[0]] = DocumentKey(*row)
        return found

    def add(self, strand_id: str, key: DocumentKey) -> None:
        with self._writing():
            self._connection.execute(_ADD, (strand_id, *key))

    def destroy(self, strand_id: str, document_id: str, at_ms: int) -> None:
        with self._writing():
            self._connection.execute(_DESTROY, (at_ms, strand_id, document_id))
            (is_busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise UnavailableError(f"{self._path} is read by somebody: the log still has what is to be destroyed")

    def close(self) -> None:
        with self._lock:
            self._readers.close()
            self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, translated(self._path):
            yield


@dataclass(frozen=True, slots=True)
class SqliteDocumentKeys(DocumentKeys):
    """The keys of the ledger of one strand."""

    file: DocumentKeysFile
    strand_id: str

    def load(self, document_ids: Collection[str], /) -> Mapping[str, DocumentKey]:
        return self.file.load(self.strand_id, document_ids)

    def add(self, key: DocumentKey, /) -> DocumentKey:
        self.file.add(self.strand_id, key)
        return self._kept(key.document_id)

    def destroy(self, document_id: str, at_ms: int, /) -> DocumentKey:
        self.file.destroy(self.strand_id, document_id, at_ms)
        return self._kept(document_id)

    def _kept(self, document_id: str) -> DocumentKey:
        found = self.load((document_id,)).get(document_id)
        if found is None:
            raise NotFoundError(f"document {document_id[:80]} never had a key")
        return found
