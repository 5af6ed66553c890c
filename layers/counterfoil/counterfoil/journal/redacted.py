"""What is left of a stored block when the data of one of its revisions is removed.

``data`` gives way to ``dataHash = IH(data)``. The revision keeps its hash, so does the block: every proof stays valid.

Source: docs/format.md, section "Redaction"; Amazon's Java sample.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from counterfoil.errors import InputError, NotFoundError
from counterfoil.ion import IonValue, decode, encode, read_single
from counterfoil.journal.address import required
from counterfoil.journal.revision import RevisionKind, UnverifiedRevision, parse_revision, verify_revision
from counterfoil.merkle import Hash


class RedactedBlock(NamedTuple):
    """A block (a binary Ion stream) without the data of one revision, and the Ion Hash of what was removed."""

    block: bytes
    data_hash: Hash


def redact_block(block: bytes, document_id: str, version: int) -> RedactedBlock:
    """Remove the data of a revision from a stored block; doing it again changes nothing.

    A block without the revision is a ``NotFoundError``, a deletion, which has no data, an ``InputError``, and data that is not what
    the revision's hash says a ``RevisionMismatchError``: evidence of that is not removed.
    """
    value = read_single(block)
    index, found = _find(value, document_id, version)
    if found.kind is RevisionKind.DELETED or found.contents_hash is None:
        raise InputError(f"revision {version} of document {document_id} has no data to redact")
    verify_revision(found)
    if found.kind is RevisionKind.REDACTED:
        return RedactedBlock(block, found.contents_hash)
    fields = decode(value)
    revisions = list(fields["revisions"])
    revisions[index] = _without_data(revisions[index], found.contents_hash)
    return RedactedBlock(encode(fields | {"revisions": revisions}), found.contents_hash)


def _find(block: IonValue, document_id: str, version: int) -> tuple[int, UnverifiedRevision]:
    for index, each in enumerate(required(block.fields(), "revisions").items()):
        revision = parse_revision(each)
        metadata = revision.metadata
        if metadata is not None and (metadata.document_id, metadata.version) == (document_id, version):
            return index, revision
    raise NotFoundError(f"the block has no revision {version} of document {document_id}")


def _without_data(revision: dict[str, Any], data_hash: Hash) -> dict[str, Any]:
    return {
        ("dataHash" if name == "data" else name): (bytes(data_hash) if name == "data" else each)
        for name, each in revision.items()
    }
