"""A ledger's file: created, opened and checked, and its projections and journal written within one step."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from counterfoil.adapters.sqlite.connections import connect, translated
from counterfoil.adapters.sqlite.schema import (
    APPLICATION_ID,
    FOREVER,
    JOURNAL,
    PROJECTIONS,
    SCHEMA_VERSION,
)
from counterfoil.errors import InputError, IntegrityError, NotFoundError, PreconditionError
from counterfoil.journal import BlockAddress
from counterfoil.journal.anchor import TrustAnchor, parse_trust_anchor, render_trust_anchor
from counterfoil.ledger.catalogue import LedgerCatalogue, parse_catalogue, render_catalogue
from counterfoil.ledger.reading import StoredRevision
from counterfoil.ledger.sequencing import Effects, IndexChange, LedgerHead, Sequenced
from counterfoil.merkle import Hash
from counterfoil.merkle.nodes import Node, range_of

_ANCHOR = "trust_anchor"
_ADD_BLOCK = "INSERT INTO blocks VALUES (?, ?, ?, ?, ?)"
_ADD_NODE = "INSERT INTO nodes VALUES (?, ?, ?)"
_ADD_REVISION = (
    "INSERT INTO revisions (table_id, document_id, version, from_no, to_no, tx_id, tx_time_ms, hash, data, data_hash) "
    f"VALUES (?, ?, ?, ?, {FOREVER}, ?, ?, ?, ?, ?)"
)
_SUPERSEDE = f"UPDATE revisions SET to_no = ?, to_ms = ? WHERE document_id = ? AND to_no = {FOREVER}"
_ENTER = f"INSERT OR REPLACE INTO entries VALUES (?, ?, {FOREVER}, ?, ?)"
_LEAVE = f"UPDATE entries SET to_no = ? WHERE index_id = ? AND key = ? AND to_no = {FOREVER} AND document_id = ?"
_ADD_REDACTION = "INSERT OR IGNORE INTO redactions VALUES (?, ?, ?, ?)"


def create(path: Path, strand_id: str, anchor: TrustAnchor | None = None) -> None:
    """A new, empty ledger's file; the file must not be there. It is there whole or not at all."""
    if path.exists():
        raise PreconditionError(f"{path} is there already")
    unfinished = path.with_name(f"{path.name}.new")
    for each in (unfinished, *(unfinished.with_name(f"{unfinished.name}-{part}") for part in ("wal", "shm"))):
        each.unlink(missing_ok=True)
    _fill(unfinished, strand_id, anchor)
    unfinished.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a name in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(path: Path, strand_id: str, anchor: TrustAnchor | None) -> None:
    with translated(path):
        connection = connect(path, writer=True)
        try:
            connection.executescript(f"BEGIN; {JOURNAL} {PROJECTIONS} COMMIT;")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("BEGIN IMMEDIATE")
            put_meta(connection, "strand_id", strand_id)
            put_catalogue(connection, LedgerCatalogue(0, {}))
            if anchor is not None:
                put_meta(connection, _ANCHOR, json.dumps(render_trust_anchor(anchor)))
                add_nodes(connection, anchor.nodes())
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        finally:
            connection.close()


def open_file(path: Path) -> sqlite3.Connection:
    """The writing connection to a ledger's file; another file is refused and left as it is."""
    if not path.exists():
        raise NotFoundError(f"there is no ledger in {path}")
    with translated(path):
        probe = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
        try:
            marks = [probe.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        finally:
            probe.close()
        if marks != [APPLICATION_ID, SCHEMA_VERSION]:
            raise IntegrityError(f"{path} is not a ledger of this version: application id and version are {marks}")
        return connect(path, writer=True)


def put_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def meta(connection: sqlite3.Connection, name: str) -> str:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise IntegrityError(f"the file does not say its {name}: it is damaged")
    return str(row[0])


def read_anchor(connection: sqlite3.Connection) -> TrustAnchor | None:
    """Where the ledger begins, if that is not block 0."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (_ANCHOR,)).fetchone()
    try:
        return None if row is None else parse_trust_anchor(json.loads(row[0]))
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise IntegrityError(f"the file's trust anchor cannot be read: {error!r}") from None


def put_catalogue(connection: sqlite3.Connection, catalogue: LedgerCatalogue) -> None:
    put_meta(connection, "catalogue", json.dumps(render_catalogue(catalogue)))


def read_catalogue(connection: sqlite3.Connection) -> LedgerCatalogue:
    try:
        return parse_catalogue(json.loads(meta(connection, "catalogue")))
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"the file's catalogue cannot be read: {error!r}") from None


def read_head(connection: sqlite3.Connection) -> LedgerHead:
    """The head as the file has it; what is missing for it is an ``IntegrityError``."""
    strand_id, catalogue = meta(connection, "strand_id"), read_catalogue(connection)
    row = connection.execute(
        "SELECT sequence_no, block_hash, timestamp_ms FROM blocks ORDER BY sequence_no DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return LedgerHead(strand_id, catalogue=catalogue)  # a ledger with an anchor appears with its first block
    peaks = range_of(lambda level, position: read_node(connection, level, position), row[0] + 1)
    return LedgerHead(strand_id, peaks, Hash(row[1]), row[2], catalogue)


def read_node(connection: sqlite3.Connection, level: int, position: int) -> Hash:
    """A complete node of the tree; leaves are the hashes of the blocks."""
    sql, values = (
        ("SELECT block_hash FROM blocks WHERE sequence_no = ?", (position,))
        if level == 0
        else ("SELECT hash FROM nodes WHERE level = ? AND position = ?", (level, position))
    )
    row = connection.execute(sql, values).fetchone()
    if row is None and level == 0:  # the block before a trust anchor
        row = connection.execute("SELECT hash FROM nodes WHERE level = 0 AND position = ?", (position,)).fetchone()
    if row is None:
        raise IntegrityError(f"node {position} of level {level} of the tree is missing: the file is damaged")
    return Hash(row[0])


def read_block(connection: sqlite3.Connection, address: BlockAddress) -> bytes:
    row = connection.execute("SELECT block FROM blocks WHERE sequence_no = ?", (address.sequence_no,)).fetchone()
    if row is None:
        raise NotFoundError(f"there is no block {address}")
    return bytes(row[0])


def write(connection: sqlite3.Connection, sequenced: Sequenced) -> None:
    """Add a block and its effects, inside the caller's transaction."""
    block, head = sequenced.block, sequenced.head
    number = block.address.sequence_no
    row = (number, block.fields["transactionId"], head.timestamp_ms, block.block_hash, sequenced.data)
    connection.execute(_ADD_BLOCK, row)
    if sequenced.nodes:
        add_nodes(connection, sequenced.nodes)
    write_effects(connection, number, sequenced.effects)


def add_nodes(connection: sqlite3.Connection, nodes: Iterable[Node]) -> None:
    connection.executemany(_ADD_NODE, nodes)


def write_effects(connection: sqlite3.Connection, number: int, effects: Effects) -> None:
    """Write what block ``number`` changes in the projections."""
    if effects.superseded:
        by_document = {each.document_id: each.tx_time_ms for each in effects.revisions}
        values = [(number, by_document[document_id], document_id) for document_id, _ in effects.superseded]
        connection.executemany(_SUPERSEDE, values)
    if effects.revisions:
        connection.executemany(_ADD_REVISION, map(_row_of, effects.revisions))
    if effects.left:
        connection.executemany(_LEAVE, [(number, *each) for each in effects.left])
    if effects.entered:
        enter(connection, number, effects.entered)
    if effects.redactions:
        redactions = [(each.address.sequence_no, each.document_id, each.version, number) for each in effects.redactions]
        connection.executemany(_ADD_REDACTION, redactions)
    if effects.defined:
        put_catalogue(connection, effects.catalogue)


def enter(connection: sqlite3.Connection, number: int, entered: Iterable[IndexChange]) -> None:
    """Add index entries that are valid from block ``number`` on; those that are there already stay."""
    connection.executemany(_ENTER, [(*each, number) for each in entered])


def _row_of(revision: StoredRevision) -> tuple[object, ...]:
    return (
        revision.table_id,
        revision.document_id,
        revision.version,
        revision.sequence_no,
        revision.tx_id,
        revision.tx_time_ms,
        revision.hash,
        revision.data,
        revision.data_hash,
    )
