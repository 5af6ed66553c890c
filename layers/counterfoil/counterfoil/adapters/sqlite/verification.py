"""Walks a ledger's whole file: every block and link, every node of the tree, every row of the projections against the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from counterfoil.adapters.sqlite.connections import connect, translated
from counterfoil.adapters.sqlite.journal_file import meta, read_anchor, read_catalogue
from counterfoil.adapters.sqlite.schema import APPLICATION_ID, FOREVER
from counterfoil.errors import CounterfoilError, IntegrityError, NotFoundError
from counterfoil.ion.codec import decode_datagram
from counterfoil.journal import ChainHead, Digest, extend
from counterfoil.journal.anchor import TrustAnchor, digest_from
from counterfoil.ledger.catalogue import EMPTY_CATALOGUE, IndexStatus, LedgerCatalogue
from counterfoil.ledger.reading import StoredRevision
from counterfoil.ledger.replay import Replayed, replay
from counterfoil.ledger.sequencing import key_in
from counterfoil.merkle import CompactRange
from counterfoil.merkle.nodes import Node, append_leaf

MAX_PROBLEMS: Final = 100

_REVISION: Final = (
    "SELECT table_id, version, tx_id, tx_time_ms, hash, data, data_hash "
    "FROM revisions WHERE document_id = ? AND from_no = ?"
)
_SUPERSEDED_BY: Final = "SELECT version FROM revisions WHERE document_id = ? AND to_no = ?"


@dataclass(slots=True)
class FileReport:
    """What was walked and what does not hold; nothing was changed."""

    strand_id: str
    blocks: int = 0
    revisions: int = 0
    entries: int = 0
    digest: Digest | None = None
    problems: list[str] = field(default_factory=list)
    anchor: TrustAnchor | None = None

    @property
    def holds(self) -> bool:
        return not self.problems

    def problem(self, what: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(what)


def verify_file(path: Path, progress: Callable[[int], object] = lambda _: None) -> FileReport:
    """Check a ledger's file from first to last; what does not hold is in the report. It need not be closed by its owner."""
    if not path.exists():
        raise NotFoundError(f"there is no ledger in {path}")
    try:
        with translated(path):
            connection = connect(path)
            try:
                if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                    raise IntegrityError(f"{path} is not a ledger's file")
                connection.execute("BEGIN")
                return _Walk(connection, FileReport(meta(connection, "strand_id"))).run(progress)
            finally:
                connection.close()
    except IntegrityError as error:
        return FileReport("", problems=[str(error)])


class _Walk:
    def __init__(self, connection: sqlite3.Connection, report: FileReport) -> None:
        self._connection = connection
        self._report = report
        self._catalogue: LedgerCatalogue = EMPTY_CATALOGUE
        self._chain: ChainHead | None = None
        self._anchor = report.anchor = read_anchor(connection)
        self._first = 0 if self._anchor is None else self._anchor.begin
        self._peaks: CompactRange | None = None if self._anchor is None else self._anchor.before
        self._nodes = 0

    def run(self, progress: Callable[[int], object]) -> FileReport:
        for problem in self._connection.execute("PRAGMA integrity_check(10)").fetchall():
            if problem[0] != "ok":
                self._report.problem(f"SQLite: {problem[0]}")
        self._check_stored(() if self._anchor is None else self._anchor.nodes())
        for row in self._connection.execute(
            "SELECT sequence_no, transaction_id, block_hash, block FROM blocks ORDER BY 1"
        ):
            if not self._walk_block(row):
                return self._report
            progress(self._report.blocks)
        self._check_counts()
        self._check_catalogue()
        self._check_entries()
        self._report.digest = None if self._chain is None else digest_from(self._anchor, self._chain)
        return self._report

    def _walk_block(self, row: tuple[Any, ...]) -> bool:
        """Check one block; what comes behind a broken one cannot be judged."""
        number = row[0]
        try:
            replayed = replay(bytes(row[3]), self._catalogue, partial=self._anchor is not None)
            block, expected = replayed.block, self._first + self._report.blocks
            if (block.address.strand_id, number) != (self._report.strand_id, expected):
                raise IntegrityError(f"block {block.address} stands where block {expected} belongs")
            if (block.address.sequence_no, block.transaction_id, block.block_hash) != (number, row[1], row[2]):
                raise IntegrityError(f"the row of block {number} is of another block, {block.address}")
            self._chain = extend(self._chain, block)
            if self._anchor is not None and number == self._first:
                self._anchor.check_begins(self._chain)
        except (CounterfoilError, ValueError) as error:
            self._report.problem(f"block {number}: {error}")
            return False
        self._catalogue = replayed.catalogue
        self._report.blocks += 1
        self._check_nodes(replayed)
        for revision in replayed.revisions:
            self._check_revision(revision)
        return True

    def _check_nodes(self, replayed: Replayed) -> None:
        self._peaks, completed = append_leaf(self._peaks, replayed.block.block_hash)
        self._check_stored(completed)

    def _check_stored(self, nodes: Sequence[Node]) -> None:
        self._nodes += len(nodes)
        for level, position, hash_ in nodes:
            row = self._connection.execute(
                "SELECT hash FROM nodes WHERE level = ? AND position = ?", (level, position)
            ).fetchone()
            if row is None or row[0] != hash_:
                self._report.problem(f"node {position} of level {level} of the tree is not what the blocks give")

    def _check_revision(self, revision: StoredRevision) -> None:
        self._report.revisions += 1
        name = f"revision {revision.document_id} version {revision.version} of block {revision.sequence_no}"
        row = self._connection.execute(_REVISION, (revision.document_id, revision.sequence_no)).fetchone()
        expected = (
            revision.table_id, revision.version, revision.tx_id, revision.tx_time_ms, revision.hash, revision.data,
            revision.data_hash,
        )  # fmt: skip
        if row != expected:
            self._report.problem(f"{name} is not what the journal says" if row else f"{name} is missing")
        before = self._connection.execute(_SUPERSEDED_BY, (revision.document_id, revision.sequence_no)).fetchone()
        if before is None and revision.version and self._anchor is not None and self._is_first(revision):
            return  # the versions before it are before the anchor
        if (before is None) != (revision.version == 0) or (before is not None and before[0] != revision.version - 1):
            self._report.problem(f"{name} does not follow version {revision.version - 1}")

    def _is_first(self, revision: StoredRevision) -> bool:
        sql = "SELECT min(from_no) FROM revisions WHERE document_id = ?"
        found = self._connection.execute(sql, (revision.document_id,)).fetchone()[0]
        return bool(found == revision.sequence_no)

    def _check_counts(self) -> None:
        for table, expected in (("revisions", self._report.revisions), ("nodes", self._nodes)):
            count = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            if count != expected:
                self._report.problem(f"there are {count} {table}, but the journal has {expected}")

    def _check_catalogue(self) -> None:
        stored = read_catalogue(self._connection)
        if [_shape(each) for each in stored.entries.values()] != [
            _shape(each) for each in self._catalogue.entries.values()
        ]:
            self._report.problem("the catalogue is not what the journal says")
        self._catalogue = stored

    def _check_entries(self) -> None:
        for entry in self._catalogue.entries.values():
            for index in entry.indexes:
                if index.status is IndexStatus.ONLINE:
                    self._check_index(entry.table_id, index.index_id, index.field)

    def _check_index(self, table_id: str, index_id: str, field_name: str) -> None:
        expected = 0
        for document_id, key in self._keys(table_id, field_name):
            expected += 1
            row = self._connection.execute(
                f"SELECT 1 FROM entries WHERE index_id = ? AND key = ? AND to_no = {FOREVER} AND document_id = ?",
                (index_id, key, document_id),
            ).fetchone()
            if row is None:
                self._report.problem(f"document {document_id} is missing in index {index_id}")
        count = self._connection.execute(
            f"SELECT count(*) FROM entries WHERE index_id = ? AND to_no = {FOREVER}", (index_id,)
        ).fetchone()[0]
        self._report.entries += count
        if count != expected:
            self._report.problem(f"index {index_id} has {count} entries, but the documents have {expected} keys")

    def _keys(self, table_id: str, field_name: str) -> Iterator[tuple[str, bytes]]:
        sql = f"SELECT document_id, data FROM revisions WHERE table_id = ? AND to_no = {FOREVER} AND data IS NOT NULL"
        for document_id, data in self._connection.execute(sql, (table_id,)):
            key = key_in(decode_datagram(data), field_name)
            if key is not None:
                yield document_id, key


def _shape(entry: Any) -> tuple[Any, ...]:
    """A table without what only says how far its indexes are built."""
    return entry.table_id, entry.name, entry.active, entry.tags, [(each.index_id, each.field) for each in entry.indexes]
