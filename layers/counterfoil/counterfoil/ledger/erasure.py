"""``EXEC ERASE_DOCUMENT tableId, documentId, by, reason``: the document's key is destroyed, and the ledger certifies it.

The certificate is a document of the table ``counterfoil_erasures``, which nothing else can write to. Its id follows from the key's,
so a key has one certificate, however often its erasure is asked for. The key goes first: a crash in between leaves no certificate,
and asking again gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from counterfoil.errors import StatementError
from counterfoil.ion.values import Value
from counterfoil.ledger.catalogue import LedgerCatalogue
from counterfoil.ledger.document_keys import DocumentKey, DocumentKeys
from counterfoil.ledger.ids import ID_BYTES, render_id
from counterfoil.ledger.reading import Snapshot
from counterfoil.ledger.times import timestamp_of
from counterfoil.partiql.syntax import Execute, Position
from counterfoil.partiql.tables import Table

PROCEDURE: Final = "ERASE_DOCUMENT"
CERTIFICATES: Final = "counterfoil_erasures"

MAX_AUTHOR_CHARACTERS: Final = 200
MAX_REASON_CHARACTERS: Final = 2_000

# What a certificate says of what is left. Source: docs/trust.md, "What an erasure leaves".
REMAINS: Final = (
    "ciphertext without its key, hashes over it, fields that are not sealed, and when the document was changed"
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """A document that is to be erased when the transaction is committed. ``statement`` is the number of the statement."""

    table_id: str
    table_name: str
    document_id: str
    key_id: str
    by: str
    reason: str
    statement: int

    @property
    def certificate_id(self) -> str:
        """The id of the certificate's document."""
        return certificate_id(self.key_id)

    def row(self) -> dict[str, Value]:
        """What the statement answers."""
        return {"documentId": self.document_id, "keyId": self.key_id, "certificateId": self.certificate_id}

    def certificate(self, destroyed_ms: int | None) -> dict[str, Value]:
        """The certificate's document. Without the time the key was destroyed at it holds the place of the one that has it."""
        return {
            "tableId": self.table_id,
            "tableName": self.table_name,
            "documentId": self.document_id,
            "keyId": self.key_id,
            "destroyedAt": None if destroyed_ms is None else timestamp_of(destroyed_ms),
            "by": self.by,
            "reason": self.reason,
            "remains": REMAINS,
        }


def certificate_id(key_id: str) -> str:
    """The id of the document that certifies that a key was destroyed."""
    return render_id(sha256(f"counterfoil erasure {key_id}".encode()).digest()[:ID_BYTES])


def certificates_in(catalogue: LedgerCatalogue, at: Position) -> Table:
    """The table of certificates; a ``StatementError`` where it was not made yet."""
    table = catalogue.table(CERTIFICATES)
    if table is None:
        raise _refused(f"there is no table {CERTIFICATES} for the certificate: CREATE TABLE {CERTIFICATES}", at)
    return table


def erasure_of(
    statement: Execute, arguments: list[Value], snapshot: Snapshot, keys: DocumentKeys | None, number: int
) -> Erasure:
    """The erasure that a statement asks for, judged against the snapshot; a ``StatementError`` where it cannot be."""
    at = statement.at
    if len(arguments) != 4 or not all(isinstance(each, str) for each in arguments):
        raise _refused(f"{PROCEDURE} takes a table id, a document id, by whom, and the reason: four strings", at)
    table_id, document_id, by, reason = arguments
    for what, text, longest in (("by", by, MAX_AUTHOR_CHARACTERS), ("the reason", reason, MAX_REASON_CHARACTERS)):
        if not text.strip() or len(text) > longest:
            raise _refused(f"{what} has 1 to {longest} characters", at)
    entry = snapshot.catalogue.entries.get(table_id)
    current = snapshot.document(document_id)
    if entry is None or current is None or current.table_id != table_id:
        raise _refused(f"there is no document {document_id[:40]} in table {table_id[:40]}", at)
    key = _key_of(document_id, keys)
    if key is None:
        raise _refused(f"nothing is sealed in document {document_id} under a key of this ledger: nothing to erase", at)
    return Erasure(table_id, entry.name, document_id, key.key_id, by, reason, number)


def _key_of(document_id: str, keys: DocumentKeys | None) -> DocumentKey | None:
    return None if keys is None else keys.load((document_id,)).get(document_id)


def _refused(what: str, at: Position) -> StatementError:
    return StatementError("Semantic", what, *at)
