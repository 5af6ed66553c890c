"""How much one statement may hold at a time."""

from __future__ import annotations

from typing import Final

# Rows or groups kept by ORDER BY, GROUP BY, DISTINCT and nested queries: some hundred megabytes of small rows, far more than the
# documents that a transaction of thirty seconds can read and answer.
MAX_HELD_ROWS: Final = 1_000_000
