"""What is checked when a ledger's file is opened: its form, its newest blocks, and that the projections stand where the journal does.

Opening stays quick whatever the ledger's size; ``verification.verify_file`` checks everything. Nothing is ever repaired here.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from counterfoil.adapters.sqlite.journal_file import read_head
from counterfoil.errors import CounterfoilError, IntegrityError
from counterfoil.ion.streams import read_single
from counterfoil.journal import ChainHead, extend, parse_block, verify_block
from counterfoil.ledger.sequencing import LedgerHead

# About a second of work on a slow machine.
BLOCKS_CHECKED: Final = 2_000
QUICK_CHECK_BYTES: Final = 128 * 1024 * 1024

_NEWEST: Final = (
    "SELECT sequence_no, transaction_id, block_hash, block FROM "
    f"(SELECT * FROM blocks ORDER BY sequence_no DESC LIMIT {BLOCKS_CHECKED}) ORDER BY sequence_no"
)


def check_on_open(connection: sqlite3.Connection, path: Path) -> LedgerHead:
    """The head, if nothing speaks against the file; else an ``IntegrityError``."""
    if path.stat().st_size <= QUICK_CHECK_BYTES:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise IntegrityError(f"{path} is damaged: {found}; restore it from a copy, nothing was repaired")
    head = read_head(connection)
    chain = _check_newest(connection, path)
    if (head.block_hash, head.sequence_no) != ((None, -1) if chain is None else (chain.last_hash, chain.end - 1)):
        raise IntegrityError(f"{path} is damaged: its last block is not where its head says")
    newest = connection.execute("SELECT max(from_no) FROM revisions INDEXED BY revisions_by_block").fetchone()[0]
    if newest is not None and newest > head.sequence_no:
        raise IntegrityError(f"{path} is damaged: it holds a revision of block {newest} behind the last one")
    return head


def _check_newest(connection: sqlite3.Connection, path: Path) -> ChainHead | None:
    chain: ChainHead | None = None
    for number, transaction_id, block_hash, data in connection.execute(_NEWEST):
        try:
            block = verify_block(parse_block(read_single(bytes(data))))
            if (block.address.sequence_no, block.transaction_id, block.block_hash) != (
                number,
                transaction_id,
                block_hash,
            ):
                raise IntegrityError(f"the row of block {number} is of another block, {block.address}")
            chain = extend(chain, block)
        except (CounterfoilError, ValueError) as error:
            raise IntegrityError(f"{path}: block {number} does not hold: {error}") from error
    return chain
