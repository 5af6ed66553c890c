"""``EXEC REDACT_REVISION blockAddress, tableId, documentId``: which revision loses its data.

Only a revision that is not the document's current one can be redacted. The journal keeps its hash, so every proof stays valid;
its data is replaced by ``dataHash`` after the commit (docs/ledger.md, "Redaction").
"""

from __future__ import annotations

from typing import Final

from counterfoil.errors import StatementError
from counterfoil.ion.values import Value
from counterfoil.journal import BlockAddress
from counterfoil.journal.builder import Redaction
from counterfoil.ledger.erasure import PROCEDURE as ERASE
from counterfoil.ledger.reading import Snapshot, StoredRevision
from counterfoil.partiql.syntax import Execute, Position

PROCEDURE: Final = "REDACT_REVISION"


def redaction_of(statement: Execute, arguments: list[Value], snapshot: Snapshot) -> Redaction:
    """The redaction that a statement asks for, judged against the snapshot; a ``StatementError`` where it cannot be."""
    at = statement.at
    if statement.procedure.upper() != PROCEDURE:
        raise _refused(f"No such procedure: {statement.procedure[:80]}; there are {PROCEDURE} and {ERASE}", at)
    if len(arguments) != 3:
        raise _refused(f"{PROCEDURE} takes a block address, a table id and a document id", at)
    address = _address(arguments[0], at)
    table_id, document_id = arguments[1], arguments[2]
    if not isinstance(table_id, str) or not isinstance(document_id, str):
        raise _refused("table id and document id are strings", at)
    revision = _revision(snapshot, address, table_id, document_id, at)
    return Redaction(address, table_id, document_id, revision.version)


def _address(value: Value, at: Position) -> BlockAddress:
    strand_id, sequence_no = (
        (value.get("strandId"), value.get("sequenceNo")) if isinstance(value, dict) else (None, None)
    )
    if not isinstance(strand_id, str) or type(sequence_no) is not int:
        raise _refused("the block address is {strandId: string, sequenceNo: int}", at)
    return BlockAddress(strand_id, sequence_no)


def _revision(
    snapshot: Snapshot, address: BlockAddress, table_id: str, document_id: str, at: Position
) -> StoredRevision:
    place = f"document {document_id[:40]} of table {table_id[:40]} in block {address}"
    found = None
    if address.strand_id == snapshot.strand_id and 0 <= address.sequence_no <= snapshot.sequence_no:
        found = snapshot.revision_at(document_id, address.sequence_no)
    if found is None or found.table_id != table_id:
        raise _refused(f"there is no revision of {place}", at)
    current = snapshot.document(document_id)
    if current is not None and current.version == found.version:
        raise _refused(f"the revision of {place} is the current one; only older ones can be redacted", at)
    if found.data is None:
        raise _refused(f"the revision of {place} has no data to redact", at)
    return found


def _refused(what: str, at: Position) -> StatementError:
    return StatementError("Semantic", what, *at)
