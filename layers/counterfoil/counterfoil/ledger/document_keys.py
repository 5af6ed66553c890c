"""What sealing needs from outside: where the keys of documents are kept, and what encrypts with them.

Both are of one ledger. A document has one key for all its versions; the store has it wrapped, encrypted by a key of the ledger that
the store does not have. The journal has neither.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class DocumentKey(NamedTuple):
    """The key of a document as it is kept.

    ``wrapped`` is ``None`` once the key was destroyed, at ``destroyed_ms`` (counted from 1970); what is left says that there was one.
    """

    document_id: str
    key_id: str
    wrapped: bytes | None
    destroyed_ms: int | None = None


class DocumentKeys(Protocol):
    """Keeps the wrapped keys. TRUSTED to forget what it was told to destroy: a copy of a key opens every copy of the journal.

    What a call returned is durable, and every later call from anywhere sees it: no answer comes from a cache.
    """

    def load(self, document_ids: Collection[str], /) -> Mapping[str, DocumentKey]:
        """The keys of those documents that have or had one."""
        ...

    def add(self, key: DocumentKey, /) -> DocumentKey:
        """Keep a new key, if the document has none and never had; what is kept then, which may be another's or a destroyed one."""
        ...

    def destroy(self, document_id: str, at_ms: int, /) -> DocumentKey:
        """Forget a document's key for good, and keep that it was destroyed; of one that was destroyed before the first time stays.

        ``NotFoundError`` where there never was one.
        """
        ...


@dataclass(frozen=True, slots=True)
class UnwrappedKey:
    """A key that can be used; it is kept nowhere and lives as long as the transaction that needs it."""

    key_id: str
    secret: bytes = field(repr=False)


class SealingCipher(Protocol):
    """Encrypts and decrypts, with the key that wraps those of a ledger's documents. What it gives differs each time, by chance.

    ``SealMismatchError`` where what is to be opened is not what was sealed under the same ``bound``.
    """

    def new_key(self, document_id: str, /) -> tuple[UnwrappedKey, DocumentKey]:
        """A key for a document, and the form in which it is kept."""
        ...

    def unwrap(self, key: DocumentKey, /) -> UnwrappedKey:
        """A kept key that was not destroyed."""
        ...

    def seal(self, secret: bytes, data: bytes, bound: bytes, /) -> bytes: ...

    def open(self, secret: bytes, sealed: bytes, bound: bytes, /) -> bytes: ...

    def chance(self) -> bytes:
        """32 bytes that nobody can guess."""
        ...
