"""A new ledger's folder, filled from an export and renamed into its place when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Final

from counterfoil.adapters.sqlite import journal_file
from counterfoil.adapters.sqlite.connections import translated
from counterfoil.adapters.sqlite.rebuild import rebuild
from counterfoil.adapters.sqlite.store import FILE_NAME, create_ledger
from counterfoil.errors import AlreadyExistsError, IntegrityError
from counterfoil.ion import read_single
from counterfoil.journal import parse_block
from counterfoil.journal.anchor import TrustAnchor
from counterfoil.ledger.importing import ImportedLedger, NewLedger
from counterfoil.ledger.registry import check_ledger_name
from counterfoil.ledger.times import milliseconds_of

# Blocks of one step: at 4 MB each, what a step may hold.
BLOCKS_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class SqliteImport(NewLedger):
    """``folder`` is where the ledger will be; until then it is beside it, under a name that no ledger has."""

    folder: Path
    strand_id: str
    progress: Callable[[int], object] = int
    anchor: TrustAnchor | None = None

    @classmethod
    def begin(
        cls,
        folder: Path,
        strand_id: str,
        progress: Callable[[int], object] = int,
        anchor: TrustAnchor | None = None,
    ) -> SqliteImport:
        """``AlreadyExistsError`` where a ledger is there; what an import of another strand left is forgotten."""
        check_ledger_name(folder.name)
        if folder.exists():
            raise AlreadyExistsError(f"{folder} is there already: an export is imported into a new ledger")
        new = cls(folder, strand_id, progress, anchor)
        if not (new.unfinished / FILE_NAME).exists():
            create_ledger(new.unfinished, strand_id, anchor)
        connection = journal_file.open_file(new.unfinished / FILE_NAME)
        begun = journal_file.meta(connection, "strand_id"), journal_file.read_anchor(connection)
        connection.close()
        if begun != (strand_id, anchor):
            new.discard()
            create_ledger(new.unfinished, strand_id, anchor)
        return new

    @property
    def unfinished(self) -> Path:
        return self.folder.with_name(f".importing-{self.folder.name}")

    def next_sequence_no(self) -> int:
        connection = journal_file.open_file(self.unfinished / FILE_NAME)
        try:
            first = 0 if self.anchor is None else self.anchor.begin
            return int(
                connection.execute("SELECT COALESCE(MAX(sequence_no) + 1, ?) FROM blocks", (first,)).fetchone()[0]
            )
        finally:
            connection.close()

    def store(self, begin: int, blocks: Iterator[bytes], /) -> None:
        path = self.unfinished / FILE_NAME
        connection = journal_file.open_file(path)
        try:
            for group in batched(blocks, BLOCKS_AT_ONCE, strict=False):
                with translated(path):
                    connection.execute("BEGIN IMMEDIATE")
                    rows = [_row_of(number, data) for number, data in enumerate(group, begin)]
                    connection.executemany("INSERT INTO blocks VALUES (?, ?, ?, ?, ?)", rows)
                    connection.execute("COMMIT")
                begin += len(group)
                self.progress(begin)
        finally:
            connection.close()

    def derive(self) -> ImportedLedger:
        try:
            rebuild(self.unfinished, self.progress)
        except IntegrityError:
            self.discard()
            raise
        connection = journal_file.open_file(self.unfinished / FILE_NAME)
        try:
            count, documents = connection.execute(
                "SELECT count(*), count(DISTINCT document_id) FROM revisions"
            ).fetchone()
            tables = len(journal_file.read_catalogue(connection).entries)
            head = journal_file.read_head(connection)
        finally:
            connection.close()
        assert head.digest is not None  # an import has at least one block
        return ImportedLedger(tables, documents, count, head.digest)

    def finish(self) -> None:
        self.unfinished.rename(self.folder)
        journal_file.sync_folder(self.folder.parent)

    def discard(self) -> None:
        shutil.rmtree(self.unfinished)


def _row_of(number: int, data: bytes) -> tuple[object, ...]:
    block = parse_block(read_single(data))
    return number, block.transaction_id, milliseconds_of(block.timestamp.to_datetime()), block.block_hash, data
