"""Derives the projections anew from the journal, in one step: either all of it is done, or the file is as it was.

The journal itself is verified on the way and never changed: where it does not hold, nothing is rebuilt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from counterfoil.adapters.sqlite import journal_file
from counterfoil.adapters.sqlite.connections import lock, translated
from counterfoil.adapters.sqlite.schema import DROP_PROJECTIONS, FOREVER, PROJECTIONS
from counterfoil.adapters.sqlite.store import FILE_NAME, LOCK_NAME
from counterfoil.errors import IntegrityError
from counterfoil.ion.codec import decode_datagram
from counterfoil.journal import ChainHead, extend
from counterfoil.ledger.catalogue import EMPTY_CATALOGUE, LedgerCatalogue
from counterfoil.ledger.replay import replay
from counterfoil.ledger.sequencing import Effects, key_in
from counterfoil.merkle import CompactRange
from counterfoil.merkle.nodes import append_leaf

_DOCUMENTS: Final = (
    f"SELECT document_id, data, from_no FROM revisions WHERE table_id = ? AND to_no = {FOREVER} AND data IS NOT NULL"
)
_ENTER: Final = f"INSERT INTO entries VALUES (?, ?, {FOREVER}, ?, ?)"
_STILL_THERE: Final = (
    "DELETE FROM redactions WHERE NOT EXISTS (SELECT 1 FROM revisions AS r WHERE r.document_id = redactions.document_id "
    "AND r.from_no = redactions.sequence_no AND r.data IS NOT NULL)"
)


def rebuild(folder: Path, progress: Callable[[int], object] = lambda _: None) -> int:
    """Rebuild a ledger's projections and tree nodes; how many blocks were replayed. Nobody else may have the ledger open."""
    path = folder / FILE_NAME
    with (folder / LOCK_NAME).open("a+", encoding="utf-8") as file:
        lock(file, folder / LOCK_NAME)
        with translated(path):
            connection = journal_file.open_file(path)
            try:
                connection.execute("BEGIN IMMEDIATE")
                for statement in (*DROP_PROJECTIONS.split(";"), *PROJECTIONS.split(";"), "DELETE FROM nodes"):
                    connection.execute(statement)
                connection.execute("DELETE FROM redactions")
                blocks, catalogue = _replay_all(connection, progress)
                _fill_indexes(connection, catalogue)
                connection.execute(_STILL_THERE)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                connection.close()
    return blocks


def _replay_all(connection: sqlite3.Connection, progress: Callable[[int], object]) -> tuple[int, LedgerCatalogue]:
    catalogue = EMPTY_CATALOGUE
    anchor = journal_file.read_anchor(connection)
    peaks: CompactRange | None = None if anchor is None else anchor.before
    chain: ChainHead | None = None
    first = number = 0 if anchor is None else anchor.begin
    journal_file.add_nodes(connection, () if anchor is None else anchor.nodes())
    while row := connection.execute("SELECT block FROM blocks WHERE sequence_no = ?", (number,)).fetchone():
        try:
            replayed = replay(bytes(row[0]), catalogue, partial=anchor is not None)
            chain = extend(chain, replayed.block)
            if anchor is not None and number == first:
                anchor.check_begins(chain)
        except ValueError as error:
            raise IntegrityError(f"block {number} is not in its place: {error}") from error
        peaks, nodes = append_leaf(peaks, replayed.block.block_hash)
        journal_file.add_nodes(connection, nodes)
        superseded = tuple((each.document_id, each.version - 1) for each in replayed.revisions if each.version)
        effects = Effects(
            replayed.revisions, superseded, (), (), replayed.catalogue, defined=False, redactions=replayed.redactions
        )
        journal_file.write_effects(connection, number, effects)
        catalogue = replayed.catalogue
        number += 1
        progress(number)
    count = connection.execute("SELECT count(*) FROM blocks").fetchone()[0]
    if count != number - first:
        raise IntegrityError(f"there are {count} blocks, but block {number} is missing")
    return count, catalogue


def _fill_indexes(connection: sqlite3.Connection, catalogue: LedgerCatalogue) -> None:
    for entry, index in tuple(catalogue.building()):
        for document_id, data, from_no in connection.execute(_DOCUMENTS, (entry.table_id,)).fetchall():
            key = key_in(decode_datagram(data), index.field)
            if key is not None:
                connection.execute(_ENTER, (index.index_id, key, document_id, from_no))
        catalogue = catalogue.with_index_online(entry.table_id, index.index_id)
    # A version that no earlier process handed out: plans are kept by it.
    before = journal_file.read_catalogue(connection).version
    journal_file.put_catalogue(connection, replace(catalogue, version=max(before, catalogue.version) + 1))
