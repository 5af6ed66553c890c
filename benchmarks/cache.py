"""What the caches spare: requests of a transfer without one, with an instance's memory, and with one that instances share.

The ledger's own code over counted tables (``benchmarks.scale.bank``). A hit is a read of projections that was not asked of the table.
``python -m benchmarks cache --write`` writes the table into docs/scale.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

from benchmarks.scale import page
from benchmarks.scale.bank import PerTransfer, Setting, measured
from counterfoil.adapters.dynamodb.cached import DEFAULT_BYTES

NAME: Final = "cache"
SKEWS: Final = (0.0, 1.0)
INSTANCES: Final = (2, 8)

# What an instance may keep: nothing, some dozens of entries, and its default. The last column: whether instances share a cache beside.
SIZES: Final = (
    ("none", 0, False),
    ("64 KB", 64 * 1024, False),
    ("64 MB", DEFAULT_BYTES, False),
    ("64 MB and a shared one", DEFAULT_BYTES, True),
)
TRANSFERS: Final = 200
WARM_UP: Final = 200
ACCOUNTS: Final = 200


def rows() -> Iterable[tuple[object, ...]]:
    for instances in INSTANCES:
        for skew in SKEWS:
            none = None
            for name, cache_bytes, is_shared in SIZES:
                found = measured(Setting(TRANSFERS, ACCOUNTS, instances, skew, cache_bytes, is_shared, WARM_UP))
                none = none or found
                yield (instances, skew, name, *cells(found, none))


def cells(found: PerTransfer, none: PerTransfer) -> tuple[str, ...]:
    """``none`` is the same without a cache."""
    reads = found.cache.own + found.cache.shared + found.cache.asked
    return (
        f"{found.cache.own / reads:.0%}",
        f"{found.cache.shared / reads:.0%}",
        f"{found.reads:.2f}",
        f"{found.reads / none.reads:.2f}",
        f"{found.looks + found.reads:.2f}",
        f"{found.shared_requests:.2f}",
    )


HEADS: Final = (
    "instances", "skew", "cache", "answered from memory", "answered from the shared one", "reads of projections",
    "beside none", "with looks at the journal", "requests to the shared cache",
)  # fmt: skip


def run() -> None:
    content = page.table(HEADS, rows())
    print(f"of one transfer, {TRANSFERS} transfers behind {WARM_UP} others, among {ACCOUNTS} accounts\n{content}")
    if "--write" in sys.argv:
        page.write({NAME: content})
