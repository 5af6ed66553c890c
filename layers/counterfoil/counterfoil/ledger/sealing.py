"""Sealed fields: in the journal, in streams and in exports their values are ciphertext; who reads through the ledger sees them clear.

A table's sealed fields are named when it is created (``catalogue.SEALED_TAG``). A document's values are sealed when its transaction
is committed, under a key of the document's own, and opened when a snapshot is read. Whoever destroys the key erases them in every
version and in every copy of the journal, whose hashes were over the sealed form all along (docs/decisions/0031).

    name: counterfoil_sealed::{{...}}      the value's bytes: docs/format.md, "Sealed values"
    name: counterfoil_erased::null         what a reader sees once the key was destroyed
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import batched
from typing import Final

from counterfoil.errors import InputError, OccConflictError, PreconditionError, SealMismatchError
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.ion.values import Annotated, RepeatedStruct, Value, pairs_of
from counterfoil.journal.builder import Statement, digest_of_statement
from counterfoil.ledger.catalogue import LedgerCatalogue
from counterfoil.ledger.document_keys import DocumentKey, DocumentKeys, SealingCipher, UnwrappedKey
from counterfoil.ledger.ids import ID_SIZE
from counterfoil.ledger.proposal import Written
from counterfoil.ledger.reading import Snapshot, StoredRevision, encode_document
from counterfoil.merkle import Hash

SEALED: Final = "counterfoil_sealed"
ERASED: Final = "counterfoil_erased"
ERASED_MARK: Final = Annotated((ERASED,), None)

# What a sealed value's bytes begin with, before the key's id.
FORM: Final = b"\x01"

# A value's length shows in steps of so many bytes only.
PADDED_TO: Final = 32

# Keys of so many documents are asked for at once while a table is gone through.
PAGE: Final = 100

_BOUND: Final = b"counterfoil sealed value 1"
_VEIL: Final = b"counterfoil statement veil 1"


class Seals:
    """Seals and opens the documents of one ledger."""

    def __init__(self, keys: DocumentKeys, cipher: SealingCipher) -> None:
        self.keys = keys
        self._cipher = cipher

    def opening(self, snapshot: Snapshot) -> OpeningSnapshot:
        """The snapshot as readers are to see it."""
        return OpeningSnapshot(snapshot, KeyRing(self.keys, self._cipher), self._cipher)

    def sealing(self) -> Sealing:
        """For the documents of one transaction, when it is committed."""
        return Sealing(self.keys, self._cipher)

    def veil_of(self, transaction_id: str, document_ids: Iterable[str]) -> bytes | None:
        """The veil of a committed transaction that sealed these documents; ``None`` where a key is missing, or there is none."""
        ring = KeyRing(self.keys, self._cipher)
        ring.look_up(document_ids)
        known = [ring.usable(each) for each in ring.known]
        if not known or None in known:
            return None
        return veil_under(transaction_id, {name: key for name in ring.known if (key := ring.usable(name)) is not None})


class KeyRing:
    """The keys that one transaction has met. It goes with the transaction: nothing that was destroyed lives on in a cache."""

    def __init__(self, keys: DocumentKeys, cipher: SealingCipher) -> None:
        self._keys = keys
        self._cipher = cipher
        self.known: dict[str, DocumentKey | None] = {}
        self._usable: dict[str, UnwrappedKey] = {}

    def look_up(self, document_ids: Iterable[str]) -> None:
        """Ask for those that are not known yet, all at once."""
        wanted = [each for each in dict.fromkeys(document_ids) if each not in self.known]
        if wanted:
            found = self._keys.load(wanted)
            self.known.update((each, found.get(each)) for each in wanted)

    def usable(self, document_id: str) -> UnwrappedKey | None:
        """The key of a document that was looked up; ``None`` where there is none, or none any more."""
        kept = self.known[document_id]
        if kept is None or kept.wrapped is None:
            return None
        if document_id not in self._usable:
            self._usable[document_id] = self._cipher.unwrap(kept)
        return self._usable[document_id]

    def is_destroyed(self, document_id: str) -> bool:
        kept = self.known[document_id]
        return kept is not None and kept.wrapped is None


class OpeningSnapshot(Snapshot):
    """Another snapshot, whose sealed values are opened: the revisions have the journal's ``data`` and the reader's ``value``."""

    def __init__(self, inner: Snapshot, ring: KeyRing, cipher: SealingCipher) -> None:
        self._inner = inner
        self._ring = ring
        self._cipher = cipher

    @property
    def sequence_no(self) -> int:
        return self._inner.sequence_no

    @property
    def catalogue(self) -> LedgerCatalogue:
        return self._inner.catalogue

    @property
    def strand_id(self) -> str:
        return self._inner.strand_id

    @property
    def timestamp_ms(self) -> int:
        return self._inner.timestamp_ms

    def document(self, document_id: str) -> StoredRevision | None:
        found = self._inner.document(document_id)
        return None if found is None else self._opened([found])[0]

    def documents(self, table_id: str) -> Iterator[StoredRevision]:
        return self._paged(table_id, self._inner.documents(table_id))

    def probe(self, index_id: str, key: bytes, at_most: int | None = None) -> Sequence[StoredRevision]:
        return self._opened(self._inner.probe(index_id, key, at_most))

    def history(
        self, table_id: str, start_ms: int | None, end_ms: int | None, document_id: str | None
    ) -> Iterator[StoredRevision]:
        return self._paged(table_id, self._inner.history(table_id, start_ms, end_ms, document_id))

    def revision_at(self, document_id: str, sequence_no: int) -> StoredRevision | None:
        found = self._inner.revision_at(document_id, sequence_no)
        return None if found is None else self._opened([found])[0]

    def release(self) -> None:
        self._inner.release()

    def _paged(self, table_id: str, revisions: Iterator[StoredRevision]) -> Iterator[StoredRevision]:
        if not self.catalogue.sealed_in(table_id):
            return revisions
        return (opened for page in batched(revisions, PAGE, strict=False) for opened in self._opened(page))

    def _opened(self, revisions: Sequence[StoredRevision]) -> Sequence[StoredRevision]:
        self._ring.look_up(each.document_id for each in revisions if self._has_sealed(each))
        return [self._open(each) if self._has_sealed(each) else each for each in revisions]

    def _has_sealed(self, revision: StoredRevision) -> bool:
        return revision.data is not None and bool(self.catalogue.sealed_in(revision.table_id) & revision.value.keys())

    def _open(self, revision: StoredRevision) -> StoredRevision:
        fields = self.catalogue.sealed_in(revision.table_id)
        value = with_fields(revision.value, fields, lambda name, sealed: self._open_value(revision, name, sealed))
        return StoredRevision(
            revision.table_id,
            revision.document_id,
            revision.version,
            revision.sequence_no,
            revision.tx_id,
            revision.tx_time_ms,
            revision.hash,
            revision.data,
            value=value,
        )

    def _open_value(self, revision: StoredRevision, name: str, value: Value) -> Value:
        """The value as it was; the erased mark; or, where this ledger never had the key that it was sealed under, as it stands."""
        parts = _parts_of(value)
        kept = self._ring.known[revision.document_id]
        if parts is None or kept is None or parts[0] != kept.key_id:
            return value
        key = self._ring.usable(revision.document_id)
        if key is None:
            return ERASED_MARK
        place = f"field {name[:80]!r} of document {revision.document_id}, version {revision.version}"
        try:
            padded = self._cipher.open(key.secret, parts[1], _bound(revision.document_id, name))
        except SealMismatchError as error:
            raise SealMismatchError(f"{place}: {error}", document_id=revision.document_id, key_id=key.key_id) from None
        return _unpadded(padded)


class Sealing:
    """Seals what one transaction wrote. ``veil`` hides the digests of its statements behind the same keys."""

    def __init__(self, keys: DocumentKeys, cipher: SealingCipher) -> None:
        self._keys = keys
        self._cipher = cipher
        self._ring = KeyRing(keys, cipher)
        self._used: dict[str, UnwrappedKey] = {}

    def seal(self, documents: Sequence[Written], catalogue: LedgerCatalogue) -> tuple[Written, ...]:
        """The documents as the journal will have them. New keys are kept before this returns.

        ``PreconditionError`` for a value of a document that was erased, or one that says of itself that it is sealed or erased;
        ``OccConflictError`` if the document was erased after the transaction read it.
        """
        names = {each.document_id: _names_in(each.value, catalogue.sealed_in(each.table_id)) for each in documents}
        self._ring.look_up(document_id for document_id, found in names.items() if found)
        return tuple(
            self._seal(each, names[each.document_id]) if names[each.document_id] else each for each in documents
        )

    def veil(self, transaction_id: str) -> bytes:
        """With none of the keys in it, it is of chance alone, and nobody can compare the statement with another any more."""
        return veil_under(transaction_id, self._used) if self._used else self._cipher.chance()

    def _seal(self, written: Written, names: frozenset[str]) -> Written:
        base = written.base
        before = {} if base is None or base.data is None else decode_datagram(base.data)
        shown = {} if base is None or base.data is None else base.value

        def sealed(name: str, value: Value) -> Value:
            if isinstance(value, Annotated) and value.annotations[0] in {SEALED, ERASED}:
                return _as_before(name, value, shown, before)
            key = self._key(written.document_id, before, shown)
            data = self._cipher.seal(key.secret, _padded(value), _bound(written.document_id, name))
            return Annotated((SEALED,), FORM + key.key_id.encode() + data)

        assert written.value is not None  # it has one of the names
        if isinstance(written.value, RepeatedStruct):
            raise InputError("a document with sealed fields cannot have a field twice")
        value = with_fields(written.value, names, sealed)
        return written._replace(value=value, data=encode_document(value), data_hash=None)

    def _key(self, document_id: str, before: Mapping[str, Value], shown: Mapping[str, Value]) -> UnwrappedKey:
        if document_id in self._used:
            return self._used[document_id]
        if self._ring.known[document_id] is None:
            if any(_parts_of(each) is not None for each in before.values()):
                raise PreconditionError(
                    f"the key of document {document_id} is not here: what is sealed in it cannot be changed without it"
                )
            self._ring.known[document_id] = self._keys.add(self._cipher.new_key(document_id)[1])
        key = self._ring.usable(document_id)
        if key is None:
            if any(_parts_of(each) is not None and shown.get(name) != ERASED_MARK for name, each in before.items()):
                raise OccConflictError(f"document {document_id} was erased since it was read")
            raise PreconditionError(
                f"document {document_id} was erased: its sealed fields cannot be given values again"
            )
        self._used[document_id] = key
        return key


def as_journaled(
    seals: Seals | None,
    catalogue: LedgerCatalogue,
    transaction_id: str,
    documents: tuple[Written, ...],
    statements: Sequence[Statement],
    veiled_numbers: Collection[int],
) -> tuple[tuple[Written, ...], Sequence[Statement]]:
    """A transaction's documents and statements as the journal will have them: the first sealed, the digests of these numbers veiled.

    Without seals a sealed field cannot be written: ``PreconditionError``.
    """
    if not catalogue.has_sealed:
        return documents, statements
    if seals is None:
        for each in documents:
            if _names_in(each.value, catalogue.sealed_in(each.table_id)):
                raise PreconditionError(f"table {each.table_name} has sealed fields, and their keys are not here")
        return documents, statements
    sealing = seals.sealing()
    sealed = sealing.seal(documents, catalogue)
    if not veiled_numbers:
        return sealed, statements
    veil = sealing.veil(transaction_id)
    return sealed, [
        replace(each, digest=veiled(digest_of_statement(each), veil)) if number in veiled_numbers else each
        for number, each in enumerate(statements)
    ]


def veil_under(transaction_id: str, keys: Mapping[str, UnwrappedKey]) -> bytes:
    """What hides the digests of a transaction's statements: it is gone with any one of the keys."""
    made = hmac.new(b"".join(keys[each].secret for each in sorted(keys)), _VEIL, sha256)
    made.update(transaction_id.encode())
    return made.digest()


def veiled(digest: Hash, veil: bytes) -> Hash:
    """A statement's digest that tells nobody without the veil whether a guess of its parameters is right."""
    return Hash(hmac.new(veil, bytes(digest), sha256).digest())


def sealed_documents(revisions: Iterable[Mapping[str, Value]]) -> list[str]:
    """Which of a block's revisions have sealed values, by their documents' ids."""
    return [
        each["metadata"]["id"]
        for each in revisions
        if isinstance(data := each.get("data"), dict) and any(_parts_of(value) is not None for value in data.values())
    ]


def with_fields(
    document: dict[str, Value], names: frozenset[str], change: Callable[[str, Value], Value]
) -> dict[str, Value]:
    """A new document in which the fields of these names are changed, in their places."""
    pairs = [(name, change(name, value) if name in names else value) for name, value in pairs_of(document)]
    return RepeatedStruct(pairs) if isinstance(document, RepeatedStruct) else dict(pairs)


def _names_in(value: Mapping[str, Value] | None, fields: frozenset[str]) -> frozenset[str]:
    return frozenset() if value is None else fields & value.keys()


def _as_before(name: str, value: Annotated, shown: Mapping[str, Value], before: Mapping[str, Value]) -> Value:
    """What a reader was shown of a value that could not be opened, and gives back, leaves that value as it is."""
    if name in before and encode([shown.get(name)]) == encode([value]):
        return before[name]
    raise PreconditionError(
        f"a value of field {name[:80]!r} says that it is {value.annotations[0]}: only the ledger says so"
    )


def _parts_of(value: Value) -> tuple[str, bytes] | None:
    """Key's id and the rest of a sealed value; ``None`` for any other."""
    if not isinstance(value, Annotated) or value.annotations != (SEALED,) or type(value.value) is not bytes:
        return None
    data = value.value
    head = len(FORM) + ID_SIZE
    if not data.startswith(FORM) or len(data) <= head or not data[len(FORM) : head].isalnum():
        return None
    return data[len(FORM) : head].decode("ascii"), data[head:]


def _bound(document_id: str, name: str) -> bytes:
    """What a sealed value belongs to: it opens in no other document, and in no other field."""
    return b"\0".join((_BOUND, document_id.encode(), name.encode()))


def _padded(value: Value) -> bytes:
    # In a list, since a value by itself may not look like a symbol table.
    data = encode([value]) + b"\x80"
    return data + bytes(-len(data) % PADDED_TO)


def _unpadded(data: bytes) -> Value:
    # What was padded otherwise was sealed by somebody who has the key: it does not decode.
    (value,) = decode_datagram(data.rstrip(b"\0")[:-1])
    return value
