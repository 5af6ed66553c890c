"""Adapters that keep everything in memory, one process long."""

from counterfoil.adapters.memory.accounts import MemoryAccounts
from counterfoil.adapters.memory.alerts import MemoryAlertLog, MemoryChannel
from counterfoil.adapters.memory.findings import MemoryFindings
from counterfoil.adapters.memory.heads import MemoryHeads
from counterfoil.adapters.memory.journal_copy import MemoryJournalCopy, MemoryJournalSource
from counterfoil.adapters.memory.outside import MemoryBucket, MemoryJobs, MemoryStream
from counterfoil.adapters.memory.quarantine import MemoryQuarantine
from counterfoil.adapters.memory.snapshots import MemorySigner, MemorySnapshots

__all__ = [
    "MemoryAccounts",
    "MemoryAlertLog",
    "MemoryBucket",
    "MemoryChannel",
    "MemoryFindings",
    "MemoryHeads",
    "MemoryJobs",
    "MemoryJournalCopy",
    "MemoryJournalSource",
    "MemoryQuarantine",
    "MemorySigner",
    "MemorySnapshots",
    "MemoryStream",
]
