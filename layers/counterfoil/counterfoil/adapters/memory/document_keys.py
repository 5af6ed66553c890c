"""Keys of documents in memory: for tests, and for a ledger that keeps nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from threading import Lock

from counterfoil.errors import NotFoundError
from counterfoil.ledger.document_keys import DocumentKey, DocumentKeys


@dataclass(slots=True)
class MemoryDocumentKeys(DocumentKeys):
    """Keys by document."""

    by_document: dict[str, DocumentKey] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def load(self, document_ids: Collection[str], /) -> Mapping[str, DocumentKey]:
        with self.lock:
            return {each: self.by_document[each] for each in document_ids if each in self.by_document}

    def add(self, key: DocumentKey, /) -> DocumentKey:
        with self.lock:
            return self.by_document.setdefault(key.document_id, key)

    def destroy(self, document_id: str, at_ms: int, /) -> DocumentKey:
        with self.lock:
            kept = self.by_document.get(document_id)
            if kept is None:
                raise NotFoundError(f"document {document_id[:80]} never had a key")
            if kept.wrapped is not None:
                kept = self.by_document[document_id] = kept._replace(wrapped=None, destroyed_ms=at_ms)
            return kept
