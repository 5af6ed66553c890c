"""`make bench`: every benchmark, or those named on the command line; with ``--write`` their tables go into the documentation."""

from __future__ import annotations

import sys

from benchmarks import (
    auditing,
    cache,
    cold_start,
    crowd,
    detection,
    exports,
    ledger,
    log,
    partiql,
    protocol,
    scale,
    size,
    verification,
    writes,
)

BENCHMARKS = {
    "verification": verification.run,
    "exports": exports.run,
    "auditing": auditing.run,
    "detection": detection.run,
    "writes": writes.run,
    "size": size.run,
    "partiql": partiql.run,
    "ledger": ledger.run,
    "log": log.run,
    "crowd": crowd.run,
    "scale": scale.run,
    "cache": cache.run,
    "protocol": protocol.run,
    "cold_start": cold_start.run,
}

for name in [each for each in sys.argv[1:] if not each.startswith("--")] or BENCHMARKS:
    BENCHMARKS[name]()
    print()
