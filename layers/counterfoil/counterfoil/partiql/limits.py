"""How much one statement may hold at a time."""

from __future__ import annotations

from typing import Final

# Rows or groups kept by ORDER BY, GROUP BY, DISTINCT and nested queries: some hundred megabytes of small rows, far more than the
# documents that a transaction of thirty seconds can read and answer.
MAX_HELD_ROWS: Final = 1_000_000

# Characters of a text that || makes. A document has less; without a limit each || of a statement could double what is held.
MAX_TEXT: Final = 4 * 1024 * 1024

# Elements and fields of one value that a statement makes, at all depths together: a document of the largest size has fewer.
MAX_VALUES: Final = 1_000_000
