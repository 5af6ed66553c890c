"""The tables of a ledger's file.

``blocks`` and ``nodes`` are the journal; ``revisions`` and ``entries`` are projections of it and are written in the same step.
A row of a projection is valid from block ``from_no`` up to the block before ``to_no``; what is current has ``FOREVER`` there. So
the ledger as of block n is: from_no <= n < to_no.

Every fact that is in a projection follows from the blocks (rebuild.py), except which indexes are built already.
"""

from __future__ import annotations

from typing import Final

# Marks the file as a ledger of this project ("cfL1"), and the form of its tables.
APPLICATION_ID: Final = 0x63664C31
SCHEMA_VERSION: Final = 1

FOREVER: Final = 2**62

JOURNAL: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    sequence_no INTEGER PRIMARY KEY,
    transaction_id TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    block_hash BLOB NOT NULL,
    block BLOB NOT NULL
);
CREATE UNIQUE INDEX blocks_by_transaction ON blocks (transaction_id);
CREATE TABLE nodes (
    level INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (level, position)
) WITHOUT ROWID;
CREATE TABLE redactions (
    sequence_no INTEGER NOT NULL,
    document_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    requested_in INTEGER NOT NULL,
    PRIMARY KEY (sequence_no, document_id)
) WITHOUT ROWID;
"""

PROJECTIONS: Final = """
CREATE TABLE revisions (
    row INTEGER PRIMARY KEY,
    table_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    from_no INTEGER NOT NULL,
    to_no INTEGER NOT NULL,
    tx_id TEXT NOT NULL,
    tx_time_ms INTEGER NOT NULL,
    to_ms INTEGER,
    hash BLOB NOT NULL,
    data BLOB,
    data_hash BLOB
);
CREATE UNIQUE INDEX revisions_by_document ON revisions (document_id, to_no);
CREATE INDEX revisions_by_validity ON revisions (table_id, to_no);
CREATE INDEX revisions_by_block ON revisions (table_id, from_no);
CREATE TABLE entries (
    index_id TEXT NOT NULL,
    key BLOB NOT NULL,
    to_no INTEGER NOT NULL,
    document_id TEXT NOT NULL,
    from_no INTEGER NOT NULL,
    PRIMARY KEY (index_id, key, to_no, document_id)
) WITHOUT ROWID;
CREATE INDEX entries_closed ON entries (to_no) WHERE to_no < 4611686018427387904;
"""

DROP_PROJECTIONS: Final = "DROP TABLE IF EXISTS revisions; DROP TABLE IF EXISTS entries;"
