"""The ledger: transfers a second beside what SQLite itself can make durable, look-ups and proofs as it grows.

A transfer is two reads by index, two updates and an insert, all with parameters. The floor is the same number of bytes written by
SQLite's own group commit, with nothing computed: what this disk and this SQLite leave to be had.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import counterfoil
from counterfoil.adapters.sqlite.journal_file import add_nodes, create, read_node
from counterfoil.embedded import EmbeddedLedger
from counterfoil.errors import OccConflictError
from counterfoil.merkle import Hash
from counterfoil.merkle.nodes import append_leaf, prove_leaf, range_of

WRITERS = 16
ACCOUNTS = 2_000
TRANSFERS = 4_000
LARGE = int(os.environ.get("COUNTERFOIL_BENCH_LARGE", "1000000"))
SMALL = 1_000
SOAK_PARTS = 12
SOAK_TRANSACTIONS = 1_000

BALANCES = "SELECT a.accountId, a.balance, a.status FROM Accounts AS a WHERE a.accountId IN (?, ?)"
SET = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?"
INSERT = "INSERT INTO Transactions ?"
ONE = "SELECT a.balance FROM Accounts AS a WHERE a.accountId = ?"


def run() -> None:
    transfers()
    print()
    growth()
    proofs()
    print()
    soak()


# ---- transfers -------------------------------------------------------------------------------------------------------


def transfers() -> None:
    with folder() as place, counterfoil.open(place / "bank") as ledger:
        open_bank(ledger, ACCOUNTS)
        begun = ledger.head.sequence_no + 1
        seconds, waits, conflicts = load(ledger, TRANSFERS)
        blocks = list(ledger.blocks(begun, ledger.head.sequence_no + 1))
        size = sum(map(len, blocks)) // len(blocks)
        floor = sqlite_floor(place, TRANSFERS, size)
    rate = TRANSFERS / seconds
    print(f"Transfers (2 reads by index, 2 updates, 1 insert), durable, {WRITERS} writers, one process")
    print(
        f"  ledger           {rate:8,.0f} /s   p50 {waits[0] * 1e3:6.1f} ms   p99 {waits[1] * 1e3:6.1f} ms   "
        f"{conflicts} conflicts retried   (wanted: 600/s)"
    )
    print(
        f"  SQLite's floor   {floor:8,.0f} /s   the same rows and {size} bytes a block, group commit, nothing computed: "
        f"1/{floor / rate:.1f}"
    )
    print(
        "  for scale        the official Python driver alone, against a stub that does nothing, was measured at 100 to 104 /s"
    )


def open_bank(ledger: EmbeddedLedger, accounts: int) -> None:
    for text in (
        "CREATE TABLE Accounts",
        "CREATE TABLE Transactions",
        "CREATE INDEX ON Accounts (accountId)",
        "CREATE INDEX ON Transactions (transactionId)",
    ):
        ledger.execute_statement(text)
    for begin in range(0, accounts, 500):
        ledger.execute_statement(
            "INSERT INTO Accounts ?", [account(number) for number in range(begin, min(begin + 500, accounts))]
        )


def account(number: int) -> dict[str, Any]:
    return {
        "accountId": f"ACC-{number:07}",
        "accountNumber": f"{number:010}",
        "accountType": "CHECKING",
        "balance": Decimal("10000.00"),
        "currency": "USD",
        "customerId": f"CUST-{number:07}",
        "status": "ACTIVE",
    }


def transfer(tx: Any, payer: str, payee: str, number: int) -> None:
    balances = {row["accountId"]: row["balance"] for row in tx.execute(BALANCES, payer, payee)}
    tx.execute(SET, balances[payer] - 1, payer)
    tx.execute(SET, balances[payee] + 1, payee)
    tx.execute(
        INSERT,
        {
            "transactionId": f"TXN-{number:09}",
            "fromAccountId": payer,
            "toAccountId": payee,
            "amount": Decimal("1.00"),
            "currency": "USD",
            "transactionType": "TRANSFER",
            "status": "COMPLETED",
        },
    )


def load(ledger: EmbeddedLedger, count: int) -> tuple[float, tuple[float, float], int]:
    """(seconds, median and 99th percentile of a transfer's own time, conflicts)."""
    waits: list[float] = []
    conflicts = [0]

    def work(writer: int) -> None:
        chance = Random(writer)
        for number in range(count // WRITERS):
            payer, payee = (f"ACC-{each:07}" for each in chance.sample(range(ACCOUNTS), 2))
            begun = time.perf_counter()
            while True:
                try:
                    ledger.execute(
                        lambda tx, order=(payer, payee, writer * count + number): transfer(tx, *order), retries=0
                    )
                    break
                except OccConflictError:
                    conflicts[0] += 1
            waits.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))
    seconds = time.perf_counter() - begun
    cuts = statistics.quantiles(waits, n=100)
    return seconds, (cuts[49], cuts[98]), conflicts[0]


def sqlite_floor(place: Path, count: int, block_bytes: int) -> float:
    """Commits a second of SQLite alone: a block and three documents a transaction, as many in a group as there are writers."""
    connection = sqlite3.connect(place / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE blocks (n INTEGER PRIMARY KEY, block BLOB)")
    connection.execute("CREATE TABLE documents (n INTEGER PRIMARY KEY, data BLOB)")
    block, document = bytes(block_bytes), bytes(200)
    begun = time.perf_counter()
    for number in range(0, count, WRITERS):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO blocks VALUES (?, ?)", [(number + each, block) for each in range(WRITERS)])
        connection.executemany("INSERT INTO documents (data) VALUES (?)", [(document,)] * 3 * WRITERS)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - begun
    connection.close()
    return count / seconds


# ---- growth ----------------------------------------------------------------------------------------------------------


def growth() -> None:
    """The same question to a small ledger and to a large one."""
    with folder() as place, counterfoil.open(place / "small") as small, counterfoil.open(place / "large") as large:
        for ledger, size in ((small, SMALL), (large, LARGE)):
            open_bank(ledger, size)
        taken = {size: lookup_seconds(ledger, size) for ledger, size in ((small, SMALL), (large, LARGE))}
        ratio = taken[LARGE] / taken[SMALL]
        print(
            f"Look-up by index: {taken[SMALL] * 1e6:.0f} µs among {SMALL:,} documents, {taken[LARGE] * 1e6:.0f} µs among "
            f"{LARGE:,}: {ratio:.2f}x   (wanted: 1.5x at most)"
        )


def proofs() -> None:
    """A proof reads a few nodes of the tree from the file; a digest reads nothing."""
    with folder() as place:
        connection = tree_of(place / "tree.db", LARGE)
        chance, size = Random(1), LARGE

        def read(level: int, position: int) -> Hash:
            return read_node(connection, level, position)

        def prove() -> None:
            for _ in range(100):
                prove_leaf(read, chance.randrange(size), size)

        proof = min(seconds_of(prove) for _ in range(7)) / 100
        heads = {each: range_of(read, each) for each in (SMALL, LARGE)}
        digests = {
            each: min(seconds_of(lambda head=head: head.root) for _ in range(50)) for each, head in heads.items()
        }  # type: ignore[misc, union-attr]
        connection.close()
    print(f"Proof of a block among {LARGE:,}: {proof * 1e6:.0f} µs   (wanted: under 1,000)")
    print(f"Digest: {digests[SMALL] * 1e6:.0f} µs at {SMALL:,} blocks, {digests[LARGE] * 1e6:.0f} µs at {LARGE:,}")


def tree_of(path: Path, size: int) -> sqlite3.Connection:
    """The tree over so many blocks of random hashes, in the tables that a ledger keeps it in."""
    create(path, "benchmark")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    peaks, hashes = None, Random(1)
    for number in range(size):
        leaf = Hash(hashes.randbytes(32))
        peaks, nodes = append_leaf(peaks, leaf)
        connection.execute("INSERT INTO blocks VALUES (?, ?, 0, ?, x'')", (number, str(number), leaf))
        add_nodes(connection, nodes)
    connection.execute("COMMIT")
    return connection


# ---- soak ------------------------------------------------------------------------------------------------------------


def soak() -> None:
    """An hour's variety in minutes: texts that never come again, documents that never come again, sessions left open, conflicts."""
    print("Memory of a process while its ledger grows, texts and documents always new (resident, MB):")
    with folder() as place, counterfoil.open(place / "bank") as ledger:
        open_bank(ledger, ACCOUNTS)
        seen, begun = [], ledger.head.sequence_no
        for part in range(SOAK_PARTS):
            for number in range(SOAK_TRANSACTIONS):
                soak_once(ledger, part * SOAK_TRANSACTIONS + number)
            seen.append(resident_megabytes())
        written = ledger.head.sequence_no - begun
        quarter = seen[len(seen) // 4]
        print(
            f"  {' '.join(f'{each:.0f}' for each in seen)}   over {written:,} blocks; last beside the first quarter: "
            f"{seen[-1] / quarter:.2f}x"
        )
        print(f"  plans kept: {len(ledger.plans)}")


def soak_once(ledger: EmbeddedLedger, number: int) -> None:
    ledger.execute_statement(
        f"SELECT a.balance AS b{number} FROM Accounts AS a WHERE a.accountId = 'ACC-{number % ACCOUNTS:07}'"
    )
    ledger.execute_statement(INSERT, {"transactionId": f"TXN-{number:09}", "note": "x" * 200})
    left = ledger.begin()
    list(left.execute(ONE, (f"ACC-{number % ACCOUNTS:07}",)))
    if number % 50:
        left.abort()


def resident_megabytes() -> float:
    with Path("/proc/self/statm").open(encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


# ---- measuring -------------------------------------------------------------------------------------------------------


def lookup_seconds(ledger: EmbeddedLedger, size: int) -> float:
    chance = Random(1)

    def look_up() -> None:
        opened = ledger.begin()
        for _ in range(200):
            found = list(opened.execute(ONE, (f"ACC-{chance.randrange(size):07}",)))
            assert found
        opened.abort()

    return min(seconds_of(look_up) for _ in range(7)) / 200


def seconds_of(task: Callable[[], object]) -> float:
    begun = time.perf_counter()
    task()
    return time.perf_counter() - begun


@contextmanager
def folder() -> Iterator[Path]:
    """On the disk of the working folder: the system's temporary folder may be memory."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        yield Path(place)
