"""A ledger that goes on where an export ends: the very same strand, with its ids, versions, history and hashes.

The export is verified from its first block to its last before anything is stored, and compared with a digest where one is given.
Then its blocks go into the new ledger's journal as they are, and everything else is derived from that journal, which is verified
once more on the way. The ledger appears only when it has the export's digest. Old receipts verify against it, and the first new
block names the export's last one.

What was stored when an import was broken off is gone on from by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from counterfoil.errors import ContentsMismatchError, InputError, PreconditionError
from counterfoil.journal import Digest
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.ledger.importing import ImportedLedger, NewLedger
from counterfoil.ports import ExportFiles
from counterfoil.services.export_contents import MAX_OBJECT_BYTES, stored_blocks
from counterfoil.services.verify_export import (
    ExportVerdict,
    Notes,
    Workers,
    objects_of,
    verify_export,
    work_through,
)

# Makes a ledger of that strand, or finds the one that was begun.
Begin = Callable[[str], NewLedger]


def import_export(
    files: ExportFiles,
    begin: Begin,
    now: datetime,
    digest: Digest | None = None,
    workers: Workers = work_through,
    anchor: TrustAnchor | None = None,
) -> tuple[ExportVerdict, ImportedLedger | None]:
    """Import the only export among the files; without a ledger where the export does not hold, which the verdict then says.

    An export that begins neither with block 0 nor at the anchor, or is in JSON, or of which there are several, is an ``InputError``.
    """
    objects = objects_of(files)
    if any(name.extension == "json" for _, name in objects):
        raise InputError("an export in JSON has lost types: a ledger can go on only from one in Ion")
    (verdict,) = verify_export(files, now, digest, workers, Notes(), anchor)
    contents = verdict.contents
    if verdict.findings:
        return verdict, None
    if contents is None or verdict.digest is None:
        first = "no block" if contents is None else f"block {contents.begin}"
        raise InputError(
            f"the export begins with {first}: a ledger begins with block 0, or at a trust anchor that is given"
        )
    ledger = begin(verdict.strand_id)
    done = ledger.next_sequence_no()
    if done > contents.end:
        ledger.discard()
        raise PreconditionError(
            f"strand {verdict.strand_id} is there up to block {done - 1}, but the export ends with block {contents.end - 1}"
        )
    for file_name, name in objects:
        if done <= name.last:
            blocks = stored_blocks(name.extension, files.chunks(file_name, MAX_OBJECT_BYTES))
            skipped = max(0, done - name.first)
            ledger.store(name.first + skipped, _behind(blocks, skipped))
    imported = ledger.derive()
    if imported.digest != verdict.digest:
        ledger.discard()
        raise ContentsMismatchError(
            "what was stored is not the export that was verified: it was changed meanwhile, or between two runs; run it again",
            expected=verdict.digest.hash.to_base64(),
            found=imported.digest.hash.to_base64(),
        )
    ledger.finish()
    return verdict, imported


def _behind(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    for _ in range(count):
        next(blocks, None)
    return blocks
