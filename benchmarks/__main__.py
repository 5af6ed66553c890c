"""`make bench`: every benchmark, or those named on the command line."""

from __future__ import annotations

import sys

from benchmarks import auditing, ledger, partiql, protocol, size, verification, writes

BENCHMARKS = {
    "verification": verification.run,
    "auditing": auditing.run,
    "writes": writes.run,
    "size": size.run,
    "partiql": partiql.run,
    "ledger": ledger.run,
    "protocol": protocol.run,
}

for name in sys.argv[1:] or BENCHMARKS:
    BENCHMARKS[name]()
    print()
