"""`make bench`: every benchmark, or those named on the command line."""

from __future__ import annotations

import sys

from benchmarks import auditing, cold_start, crowd, ledger, partiql, protocol, size, verification, writes

BENCHMARKS = {
    "verification": verification.run,
    "auditing": auditing.run,
    "writes": writes.run,
    "size": size.run,
    "partiql": partiql.run,
    "ledger": ledger.run,
    "crowd": crowd.run,
    "protocol": protocol.run,
    "cold_start": cold_start.run,
}

for name in sys.argv[1:] or BENCHMARKS:
    BENCHMARKS[name]()
    print()
